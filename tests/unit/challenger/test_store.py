from dataclasses import replace

import pytest

from challenger.state_codec import InvalidState, decode_state, decode_unit, encode_ring, encode_unit, end_leaf
from challenger.store import RESUME_WINDOW, ReplayedBatch, Store
from optimistic.protocol.commitment import batch_tree
from optimistic.protocol.derivation import RollupState
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32
from optimistic.service.l1_types import Log
from optimistic.service.storage_errors import CorruptStorage
from tests.helpers.rollup import make_genesis
from tests.unit.challenger.views import ident

START = make_genesis().state


def state_after(index: int) -> RollupState:
    return RollupState(replace(START.unit, number=index + 1), START.ring)


def replayed(index: int) -> ReplayedBatch:
    end = state_after(index)
    leaves = (ident(f"first of {index}"), end_leaf(end))
    return ReplayedBatch(
        index=index,
        input_hash=ident(f"input {index}"),
        leaves=leaves,
        top=batch_tree(5, leaves).root,
        end=end,
    )


def make_log(block: int, index: int = 0) -> Log:
    return Log(
        address=Address(b"\x01" * 20),
        topics=(ident("topic"), ident("other")),
        data=b"data",
        block_number=block,
        block_hash=ident(f"block {block}"),
        tx_hash=ident("tx"),
        tx_index=0,
        log_index=index,
    )


def test_store__replayed_batch__comes_back(store: Store) -> None:
    batch = replayed(0)

    store.put_batch(batch)

    assert store.top(batch.input_hash) == batch.top
    assert store.leaves(batch.input_hash) == batch.leaves
    assert store.end_leaf(batch.input_hash) == batch.leaves[-1]
    state = store.state(batch.input_hash)
    assert state is not None
    assert (state.unit, state.ring.hashes) == (batch.end.unit, batch.end.ring.hashes)


def test_store__unknown_batch__is_none(store: Store) -> None:
    unknown = ident("unknown")

    assert (store.top(unknown), store.leaves(unknown), store.end_leaf(unknown), store.state(unknown)) == (
        None,
        None,
        None,
        None,
    )
    assert store.resumable() == []


def test_store__long_chain__keeps_recent_states_and_every_64th(store: Store) -> None:
    count = 3 * RESUME_WINDOW

    for index in range(count):
        store.put_batch(replayed(index))

    kept = [63, *range(127, count)]
    assert store.resumable() == [(index, ident(f"input {index}")) for index in reversed(kept)]
    assert store.leaves(ident("input 5")) == replayed(5).leaves


def test_store__snapshot__is_a_state_without_leaves(store: Store) -> None:
    store.put_state(7, ident("input 7"), state_after(7))

    assert store.snapshots() == [(7, ident("input 7"))]
    assert store.resumable() == [(7, ident("input 7"))]
    assert store.top(ident("input 7")) is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE replayed_batch SET unit = '{}'",
        "UPDATE replayed_batch SET ring = zeroblob(8192)",
        "UPDATE replayed_batch SET end_leaf = zeroblob(32)",
        "UPDATE replayed_batch SET unit = replace(unit, '\"number\":1', '\"number\":2')",
    ],
)
def test_store__damaged_state__is_noticed(store: Store, damage: str) -> None:
    batch = replayed(0)
    ring = START.ring.with_block(9, ident("some block"))
    unit = replace(batch.end.unit, block_hash_ring=ring.root)
    end = RollupState(unit, ring)
    leaves = (end_leaf(end),)
    store.put_batch(replace(batch, end=end, leaves=leaves, top=batch_tree(5, leaves).root))

    store.database.execute(damage)

    with pytest.raises(CorruptStorage):
        store.state(batch.input_hash)


def test_store__logs__come_in_chain_order_and_go_with_their_block(store: Store) -> None:
    store.add_logs([make_log(3), make_log(1, 1), make_log(1, 0), make_log(2)])
    store.add_logs([make_log(2)])

    store.drop_logs_after(2)

    assert list(store.logs()) == [make_log(1, 0), make_log(1, 1), make_log(2)]
    assert store.log(1, 1) == make_log(1, 1)
    with pytest.raises(CorruptStorage):
        store.log(3, 0)


def test_store__many_logs__are_read_in_pages(store: Store) -> None:
    store.add_logs([make_log(block) for block in range(2_500)])

    assert [log.block_number for log in store.logs()] == list(range(2_500))


def test_store__fees__add_up_once_each(store: Store) -> None:
    for wei in (5, 7, 5):
        store.book_fee(Hash32(keccak256(bytes([wei]))), wei)

    assert store.fees_wei() == 12


def test_codec__unit__round_trips() -> None:
    unit = replace(START.unit, timestamp=1_700_000_000, cum_gas_used=21_000)

    assert decode_unit(encode_unit(unit)) == unit


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"number": 1}', encode_unit(START.unit).replace('"blocks":0', '"blocks":-1')]
)
def test_codec__not_a_unit__is_refused(text: str) -> None:
    with pytest.raises(InvalidState):
        decode_unit(text)


def test_codec__additional_field__is_refused() -> None:
    with pytest.raises(InvalidState):
        decode_unit(encode_unit(START.unit)[:-1] + ',"more":1}')


@pytest.mark.parametrize("ring", [b"", bytes(32), bytes(8192), encode_ring(START.ring) + bytes(32)])
def test_codec__other_ring__is_refused(ring: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_state(encode_unit(START.unit), ring)
