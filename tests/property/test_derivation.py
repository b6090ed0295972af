"""Derivation is total on any bytes and does not depend on how a chain is cut into calls."""

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.batch import BlockInput, EndItem, OversizedItem, TxItem, encode_batch, next_item
from optimistic.protocol.constants import MAX_BATCH_BYTES, MAX_DEPOSITS_PER_BATCH, UNIT_BITS
from optimistic.protocol.derivation import BlockResult, UnitKind
from optimistic.protocol.unit import BlockRing
from tests.helpers.rollup import L1_TIME_S, make_deposit, make_genesis, replay_toy

GENESIS = make_genesis().state
blocks = st.builds(
    BlockInput,
    timestamp=st.one_of(st.integers(0, 2**64 - 1), st.integers(L1_TIME_S - 700, L1_TIME_S + 50)),
    n_deposits=st.integers(0, 3),
    transactions=st.lists(st.binary(min_size=1, max_size=6), max_size=4).map(tuple),
)
item_like = st.one_of(
    st.binary(max_size=8),
    st.builds(lambda raw: b"\x02" + len(raw).to_bytes(4, "big") + raw, st.binary(max_size=5)),
    st.builds(
        lambda t, n: b"\x01" + t + n, st.binary(min_size=8, max_size=8), st.binary(min_size=2, max_size=2)
    ),
)
any_data = st.one_of(
    st.binary(max_size=64),
    st.lists(item_like, max_size=8).map(lambda items: b"\x01" + b"".join(items)),
)


@given(st.lists(blocks, max_size=4))
def test_batch_codec__any_blocks__round_trip(block_list: list[BlockInput]) -> None:
    data = encode_batch(block_list)
    read: list[BlockInput] = []
    cursor = 0

    while not isinstance(item := next_item(data, cursor, 65_536), EndItem):
        cursor = item.end
        if isinstance(item, TxItem):
            last = read.pop()
            read.append(
                BlockInput(
                    timestamp=last.timestamp,
                    n_deposits=last.n_deposits,
                    transactions=(*last.transactions, item.raw),
                )
            )
        elif not isinstance(item, OversizedItem):
            read.append(BlockInput(timestamp=item.timestamp, n_deposits=item.n_deposits, transactions=()))

    assert read == block_list
    assert cursor == (len(data) if block_list else 0)


@given(any_data, st.integers(0, 3))
def test_replay__any_bytes__total_and_well_formed(data: bytes, n_deposits: int) -> None:
    results, state, _ = replay_toy(GENESIS, data, [make_deposit()] * n_deposits)

    kinds = [result.kind for result in results]
    assert kinds[0] is UnitKind.BEGIN_BATCH
    assert kinds[-1] is UnitKind.END_BATCH
    assert kinds.count(UnitKind.DEPOSIT) == n_deposits == state.unit.deposit_cursor
    assert kinds.count(UnitKind.BLOCK_BEGIN) == kinds.count(UnitKind.BLOCK_END) == state.unit.number >= 1
    cursors = [result.unit.cursor for result in results[:-1]]
    assert cursors == sorted(cursors)
    assert cursors[-1] <= len(data)
    times = [result.unit.timestamp for result in results]
    assert times == sorted(times)
    assert times[-1] <= L1_TIME_S
    assert state.unit.block_hash_ring == BlockRing.from_hashes(state.ring.hashes).root


@given(st.lists(any_data, min_size=1, max_size=3))
def test_replay__prefix_then_rest__equals_all(batches: list[bytes]) -> None:
    state, leaves = GENESIS, []
    for data in batches:
        results, state, _ = replay_toy(state, data)
        leaves += [result.leaf for result in results]

    again, resumed = [], GENESIS
    for data in batches:
        results, end, _ = replay_toy(resumed, data)
        again += [result.leaf for result in results]
        resumed = type(end)(end.unit, BlockRing.from_hashes(end.ring.hashes))

    assert again == leaves
    assert resumed.unit == state.unit


@given(st.lists(blocks, max_size=4), st.binary(max_size=12))
def test_replay__blocks_then_garbage__the_blocks_survive(
    block_list: list[BlockInput], garbage: bytes
) -> None:
    data = encode_batch(block_list)

    clean, _, _ = replay_toy(GENESIS, data)
    dirty, _, _ = replay_toy(GENESIS, data + b"\x00" + garbage)

    def hashes(results: list) -> list:  # type: ignore[type-arg]
        return [result.effect.hash for result in results if isinstance(result.effect, BlockResult)]

    assert hashes(clean) == hashes(dirty)


def test_unit_count__densest_batch__fits_the_unit_bits() -> None:
    skips = (MAX_BATCH_BYTES - 12) // 6
    empty_blocks = (MAX_BATCH_BYTES - 1) // 11
    beginning_and_end = 2

    assert max(skips + 2, 2 * empty_blocks) + MAX_DEPOSITS_PER_BATCH + 2 + beginning_and_end < 1 << UNIT_BITS
