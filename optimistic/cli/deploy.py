"""`optimistic deploy`: put a rollup on L1 and write its deployment file."""

from dataclasses import replace
from pathlib import Path

import click

from optimistic.cli.session import load_signer
from optimistic.protocol.params import PROFILES
from optimistic.protocol.types import Address
from optimistic.service.deployer import Roles
from optimistic.service.deployer import deploy as deploy_rollup
from optimistic.service.l1_client import L1Client
from optimistic.service.options import (
    ADDRESS,
    FlatEnvCommand,
    json_output,
    key_file,
    l1_rpc_url,
    l1_timeout,
    option,
)
from optimistic.service.terminal import emit, reports_errors, say


@click.command(cls=FlatEnvCommand)
@l1_rpc_url
@l1_timeout
@key_file
@option(
    "--profile",
    type=click.Choice([name for name in PROFILES if name != "conformance"]),
    default="devnet",
    help="Parameter set to deploy.",
)
@option(
    "--l2-chain-id",
    type=click.IntRange(1),
    default=None,
    help="Chain id of the rollup; default: the profile's.",
)
@option("--sequencer", type=ADDRESS, default=None, help="May append batches; default: the deployer.")
@option("--guardian", type=ADDRESS, default=None, help="May delay withdrawals; default: nobody.")
@option("--governance", type=ADDRESS, default=None, help="May schedule configurations; default: nobody.")
@option("--fee-recipient", type=ADDRESS, default=None, help="Gets the fees on L1; default: the sequencer.")
@option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="deployment.json",
    help="Where to write the deployment file.",
)
@json_output
@reports_errors
def deploy(  # noqa: PLR0913 - one argument per option
    *,
    l1_rpc_url: str,
    l1_timeout: int,
    key_file: Path | None,
    profile: str,
    l2_chain_id: int | None,
    sequencer: bytes | None,
    guardian: bytes | None,
    governance: bytes | None,
    fee_recipient: bytes | None,
    out: Path,
    as_json: bool,
) -> None:
    """Deploy the L1 contracts of a new rollup."""
    del as_json  # `emit` reads it
    if not out.parent.is_dir():
        raise click.BadParameter("its folder does not exist", param_hint="--out")
    signer = load_signer(key_file)
    client = L1Client.connect(l1_rpc_url, timeout_ms=l1_timeout)
    params = replace(PROFILES[profile], l1_chain_id=client.chain_id)
    if l2_chain_id is not None:
        params = replace(params, l2_chain_id=l2_chain_id)
    chosen = Address(sequencer or signer.address)
    roles = Roles(
        sequencer=chosen,
        governance=Address(governance or bytes(20)),
        guardian=Address(guardian or bytes(20)),
        fee_recipient=Address(fee_recipient or chosen),
    )
    say(f"deploying profile {profile} to chain {client.chain_id} from 0x{signer.address.hex()}")
    deployment = deploy_rollup(client, signer, params, roles)
    deployment.save(out)
    emit({"deployment": str(out), **deployment.to_json()})
