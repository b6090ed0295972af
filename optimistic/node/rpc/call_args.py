"""The call object of ``eth_call`` and its relatives, state overrides and block overrides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from optimistic.node.rpc.codec import (
    MAX_UINT64,
    MalformedValue,
    parse_address,
    parse_data,
    parse_hash,
    parse_list,
    parse_object,
    parse_quantity,
    parse_slot,
)
from optimistic.protocol.execution.simulate import AccountOverride, CallMessage
from optimistic.protocol.transactions import AccessList
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32

T = TypeVar("T")
StateOverride = Mapping[Address, AccountOverride]

_MAX_OVERRIDES: Final = 1_000
_MAX_ACCESS_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockOverride:
    """What a simulation assumes about its block; None leaves a part as it is."""

    number: int | None = None
    timestamp: int | None = None
    gas_limit: int | None = None
    coinbase: Address | None = None
    prev_randao: Hash32 | None = None
    base_fee: int | None = None


def parse_call(value: object) -> CallMessage:
    """Read a call object; unknown fields are ignored, as wallets send more than is needed.

    Raises
    ------
    MalformedValue : a malformed field, or fields that contradict each other.
    """
    fields = parse_object(value)
    recipient = fields.get("to")
    return CallMessage(
        sender=_field(fields, "from", parse_address) or ZERO_ADDRESS,
        to=None if recipient is None or recipient == "" else _field(fields, "to", parse_address),
        gas=_field(fields, "gas", _parse_uint64),
        gas_price=_parse_gas_price(fields),
        value=_field(fields, "value", parse_quantity) or 0,
        data=_parse_input(fields),
        access_list=_field(fields, "accessList", parse_access_list) or (),
    )


def parse_access_list(value: object) -> AccessList:
    """Read an EIP-2930 access list."""
    entries = []
    for item in parse_list(value, _MAX_ACCESS_ENTRIES):
        fields = parse_object(item)
        keys = parse_list(fields.get("storageKeys") or [], _MAX_ACCESS_ENTRIES)
        entries.append((parse_address(fields.get("address")), tuple(map(parse_hash, keys))))
    return tuple(entries)


def parse_state_override(value: object) -> StateOverride:
    """Read the third argument of ``eth_call``: address to assumed account."""
    accounts = parse_object(value)
    if len(accounts) > _MAX_OVERRIDES:
        raise MalformedValue(f"too many accounts, want at most {_MAX_OVERRIDES}")
    return {parse_address(address): _parse_account(fields) for address, fields in accounts.items()}


def parse_block_override(value: object) -> BlockOverride:
    """Read the fourth argument of ``eth_call``."""
    fields = parse_object(value)
    return BlockOverride(
        number=_field(fields, "number", _parse_uint64),
        timestamp=_field(fields, "time", _parse_uint64),
        gas_limit=_field(fields, "gasLimit", _parse_uint64),
        coinbase=_field(fields, "feeRecipient", parse_address),
        prev_randao=_field(fields, "prevRandao", parse_hash),
        base_fee=_field(fields, "baseFeePerGas", parse_quantity),
    )


def _parse_account(value: object) -> AccountOverride:
    fields = parse_object(value)
    if "movePrecompileToAddress" in fields:
        raise MalformedValue("movePrecompileToAddress is not supported")
    storage, changes = _field(fields, "state", _parse_slots), _field(fields, "stateDiff", _parse_slots)
    if storage is not None and changes is not None:
        raise MalformedValue("account has both 'state' and 'stateDiff'")
    return AccountOverride(
        balance=_field(fields, "balance", parse_quantity),
        nonce=_field(fields, "nonce", _parse_uint64),
        code=_field(fields, "code", parse_data),
        storage=storage,
        storage_changes=changes,
    )


def _parse_slots(value: object) -> Mapping[int, int]:
    return {parse_slot(slot): parse_slot(word) for slot, word in parse_object(value).items()}


def _parse_gas_price(fields: Mapping[str, object]) -> int:
    price = _field(fields, "gasPrice", parse_quantity)
    max_fee = _field(fields, "maxFeePerGas", parse_quantity)
    tip = _field(fields, "maxPriorityFeePerGas", parse_quantity)
    if price is not None and (max_fee is not None or tip is not None):
        raise MalformedValue("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    if max_fee is not None and tip is not None and tip > max_fee:
        raise MalformedValue(f"maxFeePerGas ({max_fee}) < maxPriorityFeePerGas ({tip})")
    return price or max_fee or 0


def _parse_input(fields: Mapping[str, object]) -> bytes:
    payload, older_name = _field(fields, "input", parse_data), _field(fields, "data", parse_data)
    if payload is not None and older_name is not None and payload != older_name:
        raise MalformedValue(
            'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data'
        )
    return payload or older_name or b""


def _parse_uint64(value: object) -> int:
    return parse_quantity(value, MAX_UINT64)


def _field(fields: Mapping[str, object], name: str, parse: Callable[[object], T]) -> T | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        return parse(value)
    except MalformedValue as exc:
        raise MalformedValue(f"{name}: {exc}") from exc
