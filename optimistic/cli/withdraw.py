"""`optimistic withdraw`: send ether or a message home to L1, prove it, deliver it."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from optimistic.cli.session import Session, with_node, with_session, with_signer
from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Unit
from optimistic.protocol.withdrawals import Message
from optimistic.service.contract import load_abi
from optimistic.service.contracts import Bridge
from optimistic.service.files import replace_text
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call
from optimistic.service.names import camel_case
from optimistic.service.one_shot import OneShotSender
from optimistic.service.options import ADDRESS, AMOUNT_WEI, HASH32, URL, FlatEnvGroup, HexBytes, option
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit

_MESSAGE_SENT = keccak256(b"MessageSent(bytes32,uint256,address,address,uint256,uint256,bytes)")


class NotProvable(InvalidInput):
    """The message has no proof yet, or the proof file is none of ours."""


@click.group(cls=FlatEnvGroup)
def withdraw() -> None:
    """Move ether and messages from L2 to L1: start, prove, finalize."""


@withdraw.command()
@with_node
@with_signer
@click.argument("amount", type=AMOUNT_WEI)
@option("--to", type=ADDRESS, default=None, help="Receiver on L1; default: the sender.")
@option("--data", type=HexBytes(), default="0x", help="Call data for the receiver.")
@option("--gas-limit", type=click.IntRange(0), default=0, help="L1 gas the call must get.")
def start(
    *,
    node: L1Client,
    signer: Signer,
    amount: int,
    to: bytes | None,
    data: bytes,
    gas_limit: int,
) -> None:
    """Send AMOUNT (1.5ether, 20gwei, 7wei) towards L1 in an L2 transaction."""
    send = load_abi("MessagePasser").functions["sendMessage"]
    target = "0x" + bytes(to or signer.address).hex()
    call = Call(to=MESSAGE_PASSER, data=send.encode((target, gas_limit, data)), value_wei=amount)
    receipt = OneShotSender(node, signer).send(call)
    keys = [log.topics[1] for log in receipt.logs if log.topics[:1] == (_MESSAGE_SENT,)]
    emit({"key": keys[0], "transactionHash": receipt.tx_hash, "l2Block": receipt.block_number})


@withdraw.command()
@with_node
@click.argument("message", type=HASH32)
@option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Also write the proof to this file.",
)
def prove(node: L1Client, message: bytes, out: Path | None) -> None:
    """Fetch the proof of MESSAGE (an L2 transaction hash or a message key) from a node."""
    proof = _fetch_proof(node, message)
    if out is not None:
        replace_text(out, json.dumps(proof, indent=2) + "\n")
    emit(proof)


@withdraw.command()
@with_session
@with_signer
@option(
    "--l2-rpc-url",
    type=URL,
    default=None,
    help="JSON-RPC endpoint of a rollup node; not needed with --proof.",
)
@click.argument("message", type=HASH32)
@option(
    "--proof",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Proof file written by `withdraw prove`.",
)
def finalize(
    *, session: Session, signer: Signer, l2_rpc_url: str | None, message: bytes, proof: Path | None
) -> None:
    """Deliver MESSAGE on L1 once its assertion is confirmed."""
    if proof is not None:
        proven = _read_proof(proof)
    elif l2_rpc_url is not None:
        proven = _fetch_proof(session.node(l2_rpc_url), message)
    else:
        raise click.UsageError("name a node with --l2-rpc-url or a file with --proof")
    if proven.get("status") != "confirmed" and proof is None:
        raise NotProvable(f"the message is {proven.get('status')}: wait until its assertion is confirmed")
    bridge = Bridge(session.l1, session.deployment.contracts.bridge)
    message_out = _message(proven)
    ready_at = bridge.ready_at(_hash(proven["key"]), at="latest")
    call = bridge.release_withdrawal_call(message_out) if ready_at else _finalize_call(bridge, proven)
    receipt = session.send(signer, call)
    delivered = bridge.is_finalized(_hash(proven["key"]), at=receipt.block_number)
    emit(
        {
            "key": proven["key"],
            "value": str(message_out.value),
            "delivered": delivered,
            "readyAt": bridge.ready_at(_hash(proven["key"]), at=receipt.block_number),
            "l1TransactionHash": receipt.tx_hash,
            "gasUsed": receipt.gas_used,
        }
    )


def _fetch_proof(node: L1Client, message: bytes) -> dict[str, Any]:
    found: dict[str, Any] = node.raw_request("rollup_withdrawalProof", ["0x" + message.hex()])
    if "accountProof" not in found:
        raise NotProvable(f"the message is {found.get('status')}: no assertion covers it yet")
    return found


def _read_proof(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _hash(found["key"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotProvable(f"{path} holds no proof: {error!r}") from error
    return found


def _finalize_call(bridge: Bridge, proven: dict[str, Any]) -> Call:
    try:
        return bridge.finalize_withdrawal_call(
            _message(proven),
            _hash(proven["assertionId"]),
            _unit(proven["unit"]),
            [_raw(node) for node in proven["accountProof"]],
            [_raw(node) for node in proven["storageProof"]],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotProvable(f"the proof is malformed: {error!r}") from error


def _message(proven: dict[str, Any]) -> Message:
    try:
        values = proven["message"]
        return Message(
            nonce=int(values["nonce"], 16),
            sender=Address(_raw(values["sender"])),
            target=Address(_raw(values["target"])),
            value=int(values["value"], 16),
            gas_limit=int(values["gasLimit"], 16),
            data=_raw(values["data"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotProvable(f"the message is malformed: {error!r}") from error


def _unit(values: dict[str, str]) -> Unit:
    """Read a unit from its Solidity field names."""
    parsed: dict[str, Any] = {}
    for field in fields(Unit):
        text = values[camel_case(field.name)]
        parsed[field.name] = int(text, 16) if field.type is int else _raw(text)
    return Unit(**parsed)


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _hash(text: str) -> Hash32:
    return Hash32(_raw(text))
