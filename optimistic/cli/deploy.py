"""`optimistic deploy`: put a rollup on L1 and write its deployment file."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from optimistic.cli.session import load_signer
from optimistic.protocol.params import PROFILES
from optimistic.protocol.types import Address
from optimistic.service.deployer import Roles, deploy_dev_token
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
from optimistic.service.settlement_section import SettlementRoles
from optimistic.service.terminal import emit, reports_errors, say

DEV_PROFILES: Final = ("devnet", "minimal")


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
@option("--token", type=ADDRESS, default=None, help="L1 token that is cash on L2; default: no derivatives.")
@option(
    "--dev-token",
    is_flag=True,
    help="Create a worthless token that anybody may mint, and take it as --token; for devnets.",
)
@option(
    "--settlement-owner",
    type=ADDRESS,
    default=None,
    help="L2 account that sets markets and risk up; default: the deployer.",
)
@option(
    "--settlement-guardian",
    type=ADDRESS,
    default=None,
    help="L2 account that may make markets reduce-only for a time; default: nobody.",
)
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
    token: bytes | None,
    dev_token: bool,
    settlement_owner: bytes | None,
    settlement_guardian: bytes | None,
    out: Path,
    as_json: bool,
) -> None:
    """Deploy the L1 contracts of a new rollup."""
    del as_json  # `emit` reads it
    if not out.parent.is_dir():
        raise click.BadParameter("its folder does not exist", param_hint="--out")
    if dev_token and (token is not None or profile not in DEV_PROFILES):
        raise click.UsageError("--dev-token takes the place of --token, on a devnet only")
    if token is None and not dev_token and (settlement_owner or settlement_guardian):
        raise click.UsageError("without a --token there is nothing to govern")
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
    cash = deploy_dev_token(client, signer) if dev_token else token
    settlement = None
    if cash is not None:
        settlement = SettlementRoles(
            token=Address(cash),
            owner=Address(settlement_owner or signer.address),
            guardian=Address(settlement_guardian or bytes(20)),
        )
    deployment = deploy_rollup(client, signer, params, roles, settlement=settlement)
    deployment.save(out)
    emit({"deployment": str(out), **deployment.to_json()})
