"""Post a wrong assertion on a running rollup and publish its leaves; never use it with real stakes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from optimistic.service.deployment import Deployment
from optimistic.service.l1_client import L1Client
from optimistic.service.logging import configure_logging
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit, reports_errors, say
from scripts.staging.faults import Lie
from scripts.staging.fraud import Fraudster


@click.command(help=__doc__)
@click.option("--l1-rpc-url", default="http://127.0.0.1:8545", show_default=True, help="Endpoint of L1.")
@click.option(
    "--deployment",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("devnet-data/deployment.json"),
    show_default=True,
    help="Deployment file.",
)
@click.option("--lie", type=click.Choice([lie.value for lie in Lie]), default="credit", show_default=True)
@click.option("--key-file", type=click.Path(exists=True, path_type=Path), help="Key whose stake is lost.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reports_errors
def main(l1_rpc_url: str, deployment: Path, lie: str, key_file: Path | None, as_json: bool) -> None:
    """Lie about the newest transaction that no confirmed assertion covers."""
    del as_json  # `emit` reads it
    configure_logging(level="error")
    loaded = Deployment.load(deployment)
    client = L1Client.connect(l1_rpc_url, chain_id=loaded.params.l1_chain_id)
    signer = Signer.load(key_file, "FRAUDSTER_PRIVATE_KEY")
    with TemporaryDirectory() as folder:
        fraudster = Fraudster(loaded, client, signer, Path(folder), say)
        target = fraudster.choose()
        say(f"lying about transaction 0x{target.tx_hash.hex()} of batch {target.batch}: {lie}")
        made = fraudster.post(target, Lie(lie))
    emit(
        {
            "assertion": made.id,
            "parent": made.parent,
            "fromBatch": made.from_batch,
            "toBatch": made.to_batch,
            "lie": lie,
            "transactionHash": target.tx_hash,
            "batch": target.batch,
            "l2Block": target.block,
        }
    )


if __name__ == "__main__":
    main()
