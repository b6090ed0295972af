from dataclasses import replace
from itertools import pairwise

import pytest

from challenger.index import EventIndex, LogKey
from optimistic.protocol.commitment import Node, node_hash
from optimistic.protocol.dispute.ids import dispute_id
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.records import BatchRecord, next_acc
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import (
    Asserted,
    Backed,
    BatchAppended,
    Confirmed,
    DepositEnqueued,
    Died,
    DisputeOpened,
    Paused,
    Place,
    Slashed,
    StakeWithdrawn,
    UnitLeaves,
)
from tests.helpers.rollup import make_deposit
from tests.unit.challenger.views import EVE, ME, ident

GENESIS_LEAF = ident("genesis leaf")


def place(block: int = 1, index: int = 0) -> Place:
    return Place(
        address=Address(bytes(20)),
        block_number=block,
        block_hash=ident("block"),
        tx_hash=ident("tx"),
        log_index=index,
    )


def deposit(index: int, name: str = "hash") -> DepositEnqueued:
    return DepositEnqueued(
        place=place(), index=index, deposit_hash=ident(f"{name} {index}"), deposit=make_deposit()
    )


def appended(index: int, prev_acc: Hash32 = ZERO_HASH, **changes: int) -> BatchAppended:
    record = BatchRecord(
        data_root=ident("data"),
        data_len=changes.get("data_len", 9),
        l1_timestamp=100 + index,
        deposit_start=changes.get("start", 0),
        deposit_end=changes.get("end", 0),
        gas_budget=0,
        system_gas_budget=0,
        config_hash=ident("config"),
    )
    acc = next_acc(prev_acc, record.hash())
    return BatchAppended(
        place=place(block=10 + index), index=index, acc=acc, prev_acc=prev_acc, record=record, data=b""
    )


def asserted(name: str, parent: Hash32, poster: Address) -> Asserted:
    return Asserted(
        place=place(),
        id=ident(name),
        parent=parent,
        seq=1,
        poster=poster,
        from_batch=0,
        to_batch=1,
        acc=ident("acc"),
        unit_root=ident("root"),
        end_leaf=ident("leaf"),
        children_root=ident("children"),
    )


def index_with(*events: object) -> EventIndex:
    index = EventIndex(GENESIS_LEAF)
    for event in events:
        index.apply(event)  # type: ignore[arg-type]
    return index


def test_index__batches__are_linked_and_found_again() -> None:
    first = appended(0)

    index = index_with(first, appended(1, first.acc, data_len=0))

    assert [batch.index for batch in index.batches] == [0, 1]
    assert [batch.is_forced for batch in index.batches] == [False, True]
    assert index.batch_keys == [LogKey(10, 0), LogKey(11, 0)]


@pytest.mark.parametrize(
    "event",
    [
        appended(1),
        appended(0, ident("another acc")),
        appended(0, start=1, end=1),
        appended(0, end=1),
        deposit(1),
    ],
    ids=["skipped_batch", "other_acc", "deposits_skipped", "deposits_unknown", "skipped_deposit"],
)
def test_index__something_missing_before__is_a_lie(event: object) -> None:
    with pytest.raises(L1Lied):
        index_with(event)


def test_index__other_deposits__other_input_hash() -> None:
    batch = appended(0, end=1)

    one, other = index_with(deposit(0), batch), index_with(deposit(0, "other"), batch)

    assert one.batches[0].acc == other.batches[0].acc
    assert one.batches[0].input_hash != other.batches[0].input_hash


def test_index__other_genesis__other_input_hash() -> None:
    other = EventIndex(ident("another leaf"))
    other.apply(appended(0))

    assert other.batches[0].input_hash != index_with(appended(0)).batches[0].input_hash


def test_index__stakes__follow_their_owners() -> None:
    story = [
        asserted("a", ident("genesis"), EVE),
        Backed(place=place(), id=ident("a"), staker=ME),
        asserted("b", ident("a"), EVE),
    ]

    index = index_with(*story)
    left = index_with(*story, StakeWithdrawn(place=place(), staker=ME, amount=1))
    lost = index_with(*story, Slashed(place=place(), id=ident("a"), staker=EVE, amount=1, burned=True))

    assert index.tips == {EVE: ident("b"), ME: ident("a")}
    assert index.members[ident("a")] == [EVE, ME]
    assert index.children[ident("a")] == [ident("b")]
    assert left.tips == {EVE: ident("b")}
    assert lost.tips == {ME: ident("a")}


def test_index__ends_and_openings__are_kept() -> None:
    index = index_with(
        Confirmed(place=place(), id=ident("a")),
        Died(place=place(), id=ident("b")),
        DisputeOpened(
            place=place(),
            dispute=dispute_id(ident("a"), ident("b")),
            older=ident("a"),
            newer=ident("b"),
            opener=EVE,
            level=5,
            index=0,
            divergence=Divergence(pre=ident("pre"), nodes=(ident("c"), ident("d"))),
            left_older=60,
            left_newer=60,
        ),
        Paused(place=place(), paused_until=5),
    )

    assert (index.confirmed, index.dead) == ({ident("a")}, {ident("b")})


def test_index__published_nodes__are_hashed_by_level() -> None:
    leaves = UnitLeaves(
        place=place(), id=ident("a"), level=0, first_index=32, nodes=((ident("leaf"), ZERO_HASH),)
    )
    tops = replace(leaves, level=3, first_index=0, nodes=((ident("end"), ident("children")),))

    found = index_with(leaves, tops, leaves).published[ident("a")]

    assert list(found.values()) == [
        PublishedNodes(level=0, first_index=32, nodes=(Node(ident("leaf"), ident("leaf")),)),
        PublishedNodes(
            level=3,
            first_index=0,
            nodes=(Node(ident("end"), node_hash(ident("end"), ident("children"))),),
        ),
    ]


def test_attack__branch_of_any_length_below_the_dead__is_settled() -> None:
    # Every assertion that is not settled costs one read of L1 per view; one stake pays for a whole branch.
    index = index_with(
        *(asserted(name, ident(parent), EVE) for parent, name in pairwise(["genesis", "a", "b", "c", "d"])),
        asserted("rival", ident("a"), ME),
        asserted("below", ident("rival"), ME),
        Confirmed(place=place(), id=ident("a")),
        Died(place=place(), id=ident("b")),
    )

    assert index.settled(ident("a")) == {ident("b"), ident("c"), ident("d")}
    assert index.settled(ident("rival")) == {ident("a"), ident("b"), ident("c"), ident("d")}
