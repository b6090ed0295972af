"""`optimistic inspect`: one batch, block, assertion or proof in full."""

from dataclasses import asdict
from typing import Any

import click

from optimistic.cli.session import Session, with_node, with_session
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32
from optimistic.service.contracts import AssertionChain
from optimistic.service.l1_client import L1Client
from optimistic.service.names import camel_case
from optimistic.service.options import ADDRESS, HASH32, FlatEnvGroup, option
from optimistic.service.terminal import emit


class NotFound(InvalidInput):
    """The node or the chain does not know what was asked for."""


@click.group(cls=FlatEnvGroup)
def inspect() -> None:
    """Look at one batch, block, assertion or proof."""


@inspect.command()
@with_node
@click.argument("index", type=click.IntRange(0))
@option("--data", "with_data", is_flag=True, help="Include the batch data.")
def batch(node: L1Client, index: int, with_data: bool) -> None:
    """Show batch INDEX: its record, its place on L1, its blocks."""
    _ask(node, "rollup_batch", [hex(index), with_data])


@inspect.command()
@with_node
@click.argument("block_id")
def block(node: L1Client, block_id: str) -> None:
    """Show an L2 block by number, tag (latest, safe, finalized) or hash."""
    by_hash = block_id.startswith("0x") and len(block_id) == 66
    method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
    name = hex(int(block_id)) if block_id.isdecimal() else block_id
    _ask(node, method, [name, False])


@inspect.command()
@with_session
@click.argument("assertion_id", type=HASH32)
def assertion(session: Session, assertion_id: bytes) -> None:
    """Show assertion ASSERTION_ID as L1 stores it."""
    chain = AssertionChain(session.l1, session.deployment.contracts.assertion_chain)
    state = chain.assertion(Hash32(assertion_id), at="latest")
    if not state.status:
        raise NotFound(f"there is no assertion 0x{assertion_id.hex()}")
    shown = {camel_case(name): value for name, value in asdict(state).items()}
    emit({**shown, "status": state.status.name.lower()})


@inspect.command()
@with_node
@click.argument("account", type=ADDRESS)
@click.argument("slots", nargs=-1)
@option("--block", "block_id", default="latest", help="Block number or tag.")
def proof(node: L1Client, account: bytes, slots: tuple[str, ...], block_id: str) -> None:
    """Show the EIP-1186 proof of ACCOUNT and of storage SLOTS."""
    name = hex(int(block_id)) if block_id.isdecimal() else block_id
    parameters = ["0x" + account.hex(), list(slots), name]
    _ask(node, "eth_getProof", parameters)


def _ask(node: L1Client, method: str, parameters: list[Any]) -> None:
    found = node.raw_request(method, parameters)
    if found is None:
        raise NotFound(f"the node knows no such {method.rpartition('get')[2] or method}")
    emit(found)
