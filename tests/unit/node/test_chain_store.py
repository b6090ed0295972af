from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from optimistic.node.chain_reader import ChainReader, TooManyLogs
from optimistic.node.chain_records import Batch, Block, LogFilter, StoredAssertion
from optimistic.node.chain_store import CHAIN_MIGRATIONS, ChainStore, WrongDatabase
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Unit
from optimistic.service.database import Database
from tests.helpers.chain_builder import (
    ALICE,
    BOB,
    make_block,
    make_deposit,
    make_genesis,
    make_log,
    make_record,
    make_unit,
)
from tests.helpers.units import BLANK

GENESIS = make_genesis()
IDENTITY = {"config": "0x01"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChainStore]:
    opened = open_store(tmp_path)
    opened.initialize(IDENTITY, GENESIS)
    yield opened
    opened.close()


def open_store(folder: Path) -> ChainStore:
    path = folder / "chain.db"
    return ChainStore(Database(path, CHAIN_MIGRATIONS), path)


def some_unit(number: int) -> Unit:
    return replace(
        BLANK,
        chain_id=1,
        number=number,
        timestamp=5,
        coinbase=BOB,
        block_hash_ring=keccak256(b"ring"),
        parent_hash=keccak256(b"parent"),
        deposit_cursor=3,
        state_root=keccak256(b"state"),
    )


def make_batch(index: int, first: int, last: int, l1_block: int) -> Batch:
    return Batch(
        index=index,
        acc=keccak256(b"acc%d" % index),
        record=make_record(),
        data_hash=keccak256(b"data"),
        l1_block_number=l1_block,
        l1_block_hash=keccak256(b"l1 %d" % l1_block),
        first_block=first,
        last_block=last,
        n_units=4,
        boundary_unit=some_unit(last),
    )


def make_assertion(name: str, seq: int, parent: Hash32 = ZERO_HASH, l1_block: int = 10) -> StoredAssertion:
    return StoredAssertion(
        id=keccak256(name.encode()),
        parent=parent,
        seq=seq,
        poster=ALICE,
        from_batch=0,
        to_batch=2,
        acc=keccak256(b"acc1"),
        unit_root=keccak256(b"unit root"),
        end_leaf=keccak256(b"end"),
        children_root=keccak256(b"children"),
        l1_timestamp=100,
        l1_block_number=l1_block,
        confirmed=False,
        dead=False,
    )


def grow(store: ChainStore, *names: str) -> list[Block]:
    """Append one block per name, each with one transaction of that name."""
    blocks = []
    for name in names:
        executed = make_block(store.heads().unsafe, make_unit(name))
        store.append_blocks([executed])
        blocks.append(executed.block)
    return blocks


def test_store__new_database__all_heads_are_genesis(store: ChainStore) -> None:
    heads = store.heads()

    assert heads.unsafe == heads.safe == heads.finalized == GENESIS
    assert store.state_root(0) == GENESIS.state_root
    assert store.batch_count() == store.deposit_count() == 0


def test_store__append_block__reads_back_everything(store: ChainStore) -> None:
    unit = make_unit("a", [make_log(BOB, 1, 2, data=b"x"), make_log(ALICE)])
    executed = make_block(GENESIS, make_unit("b"), unit)
    store.append_blocks([executed])

    stored = store.transaction_by_hash(unit.outcome.tx_hash)
    receipt = store.receipt(unit.outcome.tx_hash)

    assert store.heads().unsafe == store.block_by_hash(executed.block.hash) == executed.block
    assert stored is not None
    assert (stored.raw, stored.index, stored.block_hash) == (unit.raw, 1, executed.block.hash)
    assert receipt is not None
    assert receipt.cumulative_gas_used == 42_000
    assert [log.log_index for log in receipt.logs] == [0, 1]
    assert store.receipts(1)[1] == receipt
    [again] = store.executed_blocks(1, 1)
    assert again.block == executed.block
    assert list(again.units) == list(executed.units)


def test_store__block_with_gap__refused_and_nothing_written(store: ChainStore) -> None:
    first = make_block(GENESIS, make_unit("a"))
    second = make_block(first.block, make_unit("b"))

    with pytest.raises(CriticalError):
        store.append_blocks([first, make_block(second.block, make_unit("c"))])

    assert store.heads().unsafe == GENESIS
    assert store.transactions(1) == []


def test_store__second_thread_reader__sees_only_committed(store: ChainStore, tmp_path: Path) -> None:
    reader = ChainReader(tmp_path / "chain.db")
    with store.atomic():
        grow(store, "a")
        assert store.heads().unsafe.number == 1
        assert reader.heads().unsafe.number == 0

    assert reader.heads().unsafe.number == 1
    reader.close()


def test_store__snapshot__keeps_seeing_one_state(store: ChainStore, tmp_path: Path) -> None:
    reader = ChainReader(tmp_path / "chain.db")
    with reader.snapshot():
        assert reader.heads().unsafe.number == 0
        grow(store, "a")
        assert reader.heads().unsafe.number == 0

    assert reader.heads().unsafe.number == 1
    reader.close()


def test_store__error_inside_atomic__rolls_back(store: ChainStore) -> None:
    def fail_late() -> None:
        with store.atomic():
            grow(store, "a", "b")
            store.add_deposits([(0, make_deposit()), (0, make_deposit())], 1)

    with pytest.raises(CriticalError):
        fail_late()

    assert store.heads().unsafe == GENESIS


def test_rewind__transactions__wait_in_order_before_older_requeued(store: ChainStore) -> None:
    grow(store, "a", "b", "c")

    store.rewind(2, requeue=True)
    removed = store.rewind(0, requeue=True)

    assert removed == 2
    assert [raw for _, raw in store.requeued()] == [b"raw a", b"raw b", b"raw c"]
    assert store.heads().unsafe == GENESIS
    assert store.transaction_by_hash(keccak256(b"raw a")) is None


def test_append_block__requeued_transaction__leaves_the_queue(store: ChainStore) -> None:
    grow(store, "a", "b")
    store.rewind(0, requeue=True)

    grow(store, "a")
    store.drop_requeued([keccak256(b"raw b")])

    assert store.requeued() == []


def test_append_batch__safe_head_moves__finalized_by_l1_block(store: ChainStore) -> None:
    grow(store, "a", "b", "c")
    store.append_batch(make_batch(0, 1, 2, l1_block=7), b"data", [keccak256(b"1"), keccak256(b"2")])
    store.append_batch(make_batch(1, 3, 3, l1_block=9), b"", [])

    store.finalize_l1(8)

    heads = store.heads()
    assert (heads.safe.number, heads.finalized.number) == (3, 2)
    assert store.batch(0) == make_batch(0, 1, 2, l1_block=7)
    assert store.unit_leaves(0) == [keccak256(b"1"), keccak256(b"2")]
    assert store.batch_data(0) == b"data"
    assert [getattr(store.batch_of_block(n), "index", None) for n in (0, 1, 2, 3, 4)] == [None, 0, 0, 1, None]


def test_rewind__below_the_safe_head__drops_batches_and_lowers_heads(store: ChainStore) -> None:
    grow(store, "a", "b", "c")
    store.append_batch(make_batch(0, 1, 1, l1_block=7), b"", [])
    store.append_batch(make_batch(1, 2, 3, l1_block=8), b"", [])
    store.finalize_l1(8)

    store.rewind(2, requeue=False)

    heads = store.heads()
    assert (heads.unsafe.number, heads.safe.number, heads.finalized.number) == (2, 1, 1)
    assert store.batch_count() == 1


def test_rewind_l1__everything_above__forgotten_and_blocks_stay(store: ChainStore) -> None:
    grow(store, "a", "b")
    store.add_deposits([(0, make_deposit())], 6)
    store.add_deposits([(1, make_deposit())], 8)
    store.append_batch(make_batch(0, 1, 1, l1_block=7), b"", [])
    store.append_batch(make_batch(1, 2, 2, l1_block=8), b"", [])
    store.add_assertion(make_assertion("old", 1, l1_block=6))
    store.add_assertion(make_assertion("new", 2, l1_block=8))
    store.mark_confirmed(keccak256(b"old"), 8)

    assert store.knows_l1_above(7)
    store.rewind_l1(7)

    assert not store.knows_l1_above(7)
    assert (store.deposit_count(), store.batch_count()) == (1, 1)
    assert (store.heads().unsafe.number, store.heads().safe.number) == (2, 1)
    assert [item.id for item in store.assertions()] == [keccak256(b"old")]
    assert store.latest_confirmed_assertion() is None


def test_assertions__by_parent_and_batch__oldest_first(store: ChainStore) -> None:
    store.add_assertion(make_assertion("b", 2))
    store.add_assertion(make_assertion("a", 1))
    store.mark_dead(keccak256(b"b"), 12)
    store.mark_confirmed(keccak256(b"a"), 12)

    children = store.assertion_children(ZERO_HASH)

    assert [item.seq for item in children] == [1, 2]
    assert [item.dead for item in children] == [False, True]
    assert {item.id for item in store.assertions_covering(1)} == {item.id for item in children}
    assert store.assertions_covering(2) == []
    assert store.latest_confirmed_assertion() == children[0]


def test_transaction__deposit__carries_its_queue_entry(store: ChainStore) -> None:
    store.add_deposits([(0, make_deposit(mint=2**200))], 5)
    unit = make_unit("d", deposit_index=0)
    store.append_blocks([make_block(GENESIS, unit)])

    stored = store.transaction_by_hash(unit.outcome.tx_hash)

    assert stored is not None
    assert stored.deposit == store.deposit(0) == make_deposit(mint=2**200)
    assert store.deposit_count(up_to_l1_block=4) == 0


LOGS = [make_log(ALICE, 1, 2), make_log(BOB, 1), make_log(BOB, 3, 2), make_log(BOB)]


def topic(*numbers: int) -> tuple[Hash32, ...]:
    return tuple(Hash32(number.to_bytes(32, "big")) for number in numbers)


@pytest.mark.parametrize(
    ("addresses", "topics", "expected"),
    [
        ((), (), [0, 1, 2, 3]),
        ((BOB,), (), [1, 2, 3]),
        ((ALICE, BOB), (topic(1),), [0, 1]),
        ((), ((), topic(2)), [0, 2]),
        ((), (topic(1, 3), ()), [0, 2]),
        ((), ((),), [0, 1, 2]),
        ((Address(b"\x01" * 20),), (), []),
    ],
)
def test_logs__filter__as_go_ethereum_matches(
    store: ChainStore,
    addresses: tuple[Address, ...],
    topics: tuple[tuple[Hash32, ...], ...],
    expected: list[int],
) -> None:
    store.append_blocks([make_block(GENESIS, make_unit("a", LOGS[:2]), make_unit("b", LOGS[2:]))])

    found = store.logs(LogFilter(from_block=0, to_block=9, addresses=addresses, topics=topics))

    assert [log.log_index for log in found] == expected


def test_logs__more_than_the_limit__refused(store: ChainStore) -> None:
    store.append_blocks([make_block(GENESIS, make_unit("a", LOGS))])

    assert len(store.logs(LogFilter(from_block=1, to_block=1), limit=4)) == 4
    with pytest.raises(TooManyLogs):
        store.logs(LogFilter(from_block=1, to_block=1), limit=3)


def test_initialize__other_rollup__refused(store: ChainStore) -> None:
    store.initialize(IDENTITY, GENESIS)

    with pytest.raises(WrongDatabase):
        store.initialize({"config": "0x02"}, GENESIS)


def test_open__reopened__keeps_the_chain(store: ChainStore, tmp_path: Path) -> None:
    grow(store, "a")
    store.close()

    again = open_store(tmp_path)

    assert again.heads().unsafe.number == 1
    again.close()
