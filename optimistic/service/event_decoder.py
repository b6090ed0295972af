"""Reads our contracts' events out of logs and checks them against what they commit to.

An event whose data do not hash to what it announces is the endpoint's fault (the
contracts cannot emit one), so it is refused with L1Lied before anybody relies on it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from optimistic.protocol import wordtree
from optimistic.protocol.commitment import merkle_root, node_hash
from optimistic.protocol.dispute.ids import Side, commitment_id, dispute_id, duel_id
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.records import BatchRecord, Deposit, next_acc
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.abi import AbiError, Event
from optimistic.service.contract import load_abi, struct_fields
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import (
    Asserted,
    Backed,
    BatchAppended,
    CommitmentDied,
    Committed,
    ConfigPinned,
    ConfigScheduled,
    Confirmed,
    DepositEnqueued,
    Died,
    DisputeOpened,
    DisputeSettled,
    DuelStarted,
    L1Event,
    Moved,
    Paid,
    Paused,
    Place,
    PrecompilesJudged,
    Slashed,
    StakeWithdrawn,
    StepProven,
    UnitLeaves,
    UnitPinned,
    WithdrawalDelayed,
    WithdrawalFinalized,
)
from optimistic.service.l1_types import Log
from optimistic.service.names import snake_case

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
        verifier=fields["verifier"],
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
    opened = DisputeOpened(place=place, **_game_fields(fields))
    if opened.dispute != dispute_id(opened.older, opened.newer):
        raise L1Lied(f"dispute 0x{opened.dispute.hex()} is not that of its siblings")
    return opened


def _unit_pinned(_event: Event, place: Place, fields: dict[str, Any]) -> UnitPinned:
    return UnitPinned(place=place, **_game_fields(fields))


def _moved(_event: Event, place: Place, fields: dict[str, Any]) -> Moved:
    moved = Moved(place=place, **_game_fields(fields))
    if moved.level == 0:
        fits = not moved.children and moved.end_state == ZERO_HASH
    else:
        fits = _opens(moved.divergence.nodes[moved.side], moved.end_state, moved.children)
    if not fits:
        raise L1Lied(f"a move in duel 0x{moved.duel.hex()} reveals children of another node")
    return moved


def _committed(_event: Event, place: Place, fields: dict[str, Any]) -> Committed:
    committed = Committed(place=place, **_game_fields(fields))
    expected = commitment_id(committed.dispute, committed.side, committed.depth, committed.root)
    if committed.commitment != expected:
        raise L1Lied(f"commitment 0x{committed.commitment.hex()} is not that of its content")
    return committed


def _duel_started(_event: Event, place: Place, fields: dict[str, Any]) -> DuelStarted:
    started = DuelStarted(place=place, **_game_fields(fields))
    if started.duel != duel_id(started.dispute, (started.older, started.newer)):
        raise L1Lied(f"duel 0x{started.duel.hex()} is not that of its commitments")
    return started


def _step_proven(_event: Event, place: Place, fields: dict[str, Any]) -> StepProven:
    return StepProven(place=place, **_game_fields(fields))


def _commitment_died(_event: Event, place: Place, fields: dict[str, Any]) -> CommitmentDied:
    return CommitmentDied(place=place, **_game_fields(fields))


def _dispute_settled(_event: Event, place: Place, fields: dict[str, Any]) -> DisputeSettled:
    return DisputeSettled(place=place, **_game_fields(fields))


def _paid(_event: Event, place: Place, fields: dict[str, Any]) -> Paid:
    return Paid(place=place, **fields)


def _precompiles_judged(_event: Event, place: Place, fields: dict[str, Any]) -> PrecompilesJudged:
    return PrecompilesJudged(place=place, is_broken=fields["isBroken"])


def _game_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields in Python's spelling and types."""
    values = {snake_case(name): value for name, value in fields.items()}
    if "side" in values:
        values["side"] = _side(values["side"])
    if "divergence" in values:
        pre, nodes = values["divergence"]
        values["divergence"] = Divergence(pre=pre, nodes=nodes)
    return values


def _side(number: int) -> Side:
    try:
        return Side(number)
    except ValueError:
        raise L1Lied(f"an event of the game names side {number}") from None


def _opens(node: Hash32, end_state: Hash32, children: tuple[Hash32, ...]) -> bool:
    """Tell whether a node has these children; their number is a power of two above 1."""
    count = len(children)
    if count < 2 or count & (count - 1):
        return False
    return node == node_hash(end_state, merkle_root(children))


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
        "DisputeGame": {
            "Opened": _opened,
            "UnitPinned": _unit_pinned,
            "Moved": _moved,
            "Committed": _committed,
            "Started": _duel_started,
            "StepProven": _step_proven,
            "CommitmentDied": _commitment_died,
            "DisputeSettled": _dispute_settled,
            "Paid": _paid,
        },
        "PrecompileGuard": {"PrecompilesJudged": _precompiles_judged},
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
