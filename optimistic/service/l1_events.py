"""Our contracts' events as values, checked against what they commit to.

An event whose data do not hash to what it announces is the endpoint's fault (the
contracts cannot emit one), so it is refused with L1Lied before anybody relies on it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from optimistic.protocol import wordtree
from optimistic.protocol.records import BatchRecord, Deposit, next_acc
from optimistic.protocol.types import Address, Hash32
from optimistic.service.abi import AbiError, Event
from optimistic.service.contract import load_abi, struct_fields
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_types import Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on L1 an event was emitted."""

    address: Address
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAppended:
    """Batch `index` with all its data."""

    place: Place
    index: int
    acc: Hash32
    prev_acc: Hash32
    record: BatchRecord
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositEnqueued:
    """Deposit `index` of the queue with all its data."""

    place: Place
    index: int
    deposit_hash: Hash32
    deposit: Deposit


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigScheduled:
    """A parameter set announced for a later time."""

    place: Place
    config: int
    config_hash: Hash32
    effective_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPinned:
    """The first batch of a parameter set."""

    place: Place
    config: int
    first_batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A new assertion about batches [from_batch, to_batch)."""

    place: Place
    id: Hash32
    parent: Hash32
    seq: int
    poster: Address
    from_batch: int
    to_batch: int
    acc: Hash32
    unit_root: Hash32
    end_leaf: Hash32
    children_root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Backed:
    """A staker joined an assertion."""

    place: Place
    id: Hash32
    staker: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """An assertion became final."""

    place: Place
    id: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """An assertion lost."""

    place: Place
    id: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Slashed:
    """A staker of a dead assertion lost the stake."""

    place: Place
    id: Hash32
    staker: Address
    amount: int
    burned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeWithdrawn:
    """A staker left."""

    place: Place
    staker: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLeaves:
    """Nodes of an assertion's unit tree, published by anyone: (end state, children root) each."""

    place: Place
    id: Hash32
    level: int
    first_index: int
    nodes: tuple[tuple[Hash32, Hash32], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened:
    """A dispute between two siblings."""

    place: Place
    older: Hash32
    newer: Hash32
    opener: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFinalized:
    """A message was delivered on L1."""

    place: Place
    key: Hash32
    target: Address
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalDelayed:
    """A proven message waits for the rate limit."""

    place: Place
    key: Hash32
    ready_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The guardian paused withdrawals."""

    place: Place
    paused_until: int


L1Event = (
    BatchAppended
    | DepositEnqueued
    | ConfigScheduled
    | ConfigPinned
    | Asserted
    | Backed
    | Confirmed
    | Died
    | Slashed
    | StakeWithdrawn
    | UnitLeaves
    | DisputeOpened
    | WithdrawalFinalized
    | WithdrawalDelayed
    | Paused
)

_Builder = Callable[[Event, Place, dict[str, Any]], L1Event]


def decode_event(log: Log) -> L1Event | None:
    """Return the event a log stands for, or None when it is none of ours.

    Raises
    ------
    L1Lied : its data do not decode, or contradict each other
    """
    known = _EVENTS.get(log.topics[0]) if log.topics else None
    if known is None:
        return None
    event, build = known
    place = Place(
        address=log.address,
        block_number=log.block_number,
        block_hash=log.block_hash,
        tx_hash=log.tx_hash,
        log_index=log.log_index,
    )
    try:
        return build(event, place, event.decode(log))
    except AbiError as error:
        raise L1Lied(f"{event.name} in block {log.block_number} does not decode: {error}") from error


def _batch_appended(event: Event, place: Place, fields: dict[str, Any]) -> BatchAppended:
    record = BatchRecord(**struct_fields(event.inputs[3], fields["record"]))
    data = bytes(fields["data"])
    if len(data) != record.data_len or wordtree.root(data) != record.data_root:
        raise L1Lied(f"the data of batch {fields['index']} are not those of its record")
    if next_acc(fields["prevAcc"], record.hash()) != fields["acc"]:
        raise L1Lied(f"the record of batch {fields['index']} does not lead to its accumulator")
    return BatchAppended(
        place=place,
        index=fields["index"],
        acc=fields["acc"],
        prev_acc=fields["prevAcc"],
        record=record,
        data=data,
    )


def _deposit_enqueued(event: Event, place: Place, fields: dict[str, Any]) -> DepositEnqueued:
    values = struct_fields(event.inputs[2], fields["deposit"])
    deposit = Deposit(
        sender=values["from"],
        is_create=values["is_create"],
        to=values["to"],
        mint=values["mint"],
        value=values["value"],
        gas_limit=values["gas_limit"],
        data=bytes(fields["data"]),
        l1_timestamp=values["l1_timestamp"],
    )
    if deposit.hash() != fields["depositHash"]:
        raise L1Lied(f"deposit {fields['index']} does not hash to what the inbox stored")
    return DepositEnqueued(
        place=place, index=fields["index"], deposit_hash=fields["depositHash"], deposit=deposit
    )


def _config_scheduled(_event: Event, place: Place, fields: dict[str, Any]) -> ConfigScheduled:
    return ConfigScheduled(
        place=place,
        config=fields["config"],
        config_hash=fields["configHash"],
        effective_at=fields["effectiveAt"],
    )


def _config_pinned(_event: Event, place: Place, fields: dict[str, Any]) -> ConfigPinned:
    return ConfigPinned(place=place, config=fields["config"], first_batch=fields["firstBatch"])


def _asserted(_event: Event, place: Place, fields: dict[str, Any]) -> Asserted:
    return Asserted(
        place=place,
        id=fields["id"],
        parent=fields["parent"],
        seq=fields["seq"],
        poster=fields["poster"],
        from_batch=fields["fromBatch"],
        to_batch=fields["toBatch"],
        acc=fields["acc"],
        unit_root=fields["unitRoot"],
        end_leaf=fields["endLeaf"],
        children_root=fields["childrenRoot"],
    )


def _backed(_event: Event, place: Place, fields: dict[str, Any]) -> Backed:
    return Backed(place=place, id=fields["id"], staker=fields["staker"])


def _confirmed(_event: Event, place: Place, fields: dict[str, Any]) -> Confirmed:
    return Confirmed(place=place, id=fields["id"])


def _died(_event: Event, place: Place, fields: dict[str, Any]) -> Died:
    return Died(place=place, id=fields["id"])


def _slashed(_event: Event, place: Place, fields: dict[str, Any]) -> Slashed:
    return Slashed(place=place, **fields)


def _stake_withdrawn(_event: Event, place: Place, fields: dict[str, Any]) -> StakeWithdrawn:
    return StakeWithdrawn(place=place, **fields)


def _unit_leaves(_event: Event, place: Place, fields: dict[str, Any]) -> UnitLeaves:
    return UnitLeaves(
        place=place,
        id=fields["id"],
        level=fields["level"],
        first_index=fields["firstIndex"],
        nodes=tuple((Hash32(end), Hash32(root)) for end, root in fields["nodes"]),
    )


def _opened(_event: Event, place: Place, fields: dict[str, Any]) -> DisputeOpened:
    return DisputeOpened(place=place, **fields)


def _withdrawal_finalized(_event: Event, place: Place, fields: dict[str, Any]) -> WithdrawalFinalized:
    return WithdrawalFinalized(place=place, **fields)


def _withdrawal_delayed(_event: Event, place: Place, fields: dict[str, Any]) -> WithdrawalDelayed:
    return WithdrawalDelayed(place=place, key=fields["key"], ready_at=fields["readyAt"])


def _paused(_event: Event, place: Place, fields: dict[str, Any]) -> Paused:
    return Paused(place=place, paused_until=fields["pausedUntil"])


_BUILDERS: Final[Mapping[str, Mapping[str, _Builder]]] = MappingProxyType(
    {
        "Inbox": {
            "BatchAppended": _batch_appended,
            "DepositEnqueued": _deposit_enqueued,
            "ConfigScheduled": _config_scheduled,
            "ConfigPinned": _config_pinned,
        },
        "AssertionChain": {
            "Asserted": _asserted,
            "Backed": _backed,
            "Confirmed": _confirmed,
            "Died": _died,
            "Slashed": _slashed,
            "StakeWithdrawn": _stake_withdrawn,
            "UnitLeaves": _unit_leaves,
        },
        "DisputeRegistry": {"Opened": _opened},
        "Bridge": {
            "WithdrawalFinalized": _withdrawal_finalized,
            "WithdrawalDelayed": _withdrawal_delayed,
            "Paused": _paused,
        },
    }
)


def _collect_events() -> Mapping[Hash32, tuple[Event, _Builder]]:
    found: dict[Hash32, tuple[Event, _Builder]] = {}
    for contract, builders in _BUILDERS.items():
        events = load_abi(contract).events
        for name, build in builders.items():
            found[events[name].topic] = (events[name], build)
    return MappingProxyType(found)


_EVENTS: Final = _collect_events()
"""Event and builder by first topic."""
