"""Derivation: the order of units, deposits, clamps, budgets and the two encodings of rest."""

import pytest

from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.derivation import BlockResult, UnitKind, UnitResult, clamp_timestamp
from optimistic.protocol.engine import Outcome, Skip
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.types import ZERO_HASH
from optimistic.protocol.unit import Phase, machine_hash, prev_randao
from tests.helpers.rollup import L1_TIME_S, make_deposit, make_genesis, replay_toy

GENESIS = make_genesis().state
BEGIN, OPEN, DEP, TX, CLOSE, END = UnitKind


def block(*txs: bytes, deposits: int = 0, timestamp: int = L1_TIME_S) -> BlockInput:
    return BlockInput(timestamp=timestamp, n_deposits=deposits, transactions=txs)


def kinds(results: list[UnitResult]) -> list[UnitKind]:
    return [result.kind for result in results]


def test_replay__empty_data__one_implicit_block() -> None:
    results, state, _ = replay_toy(GENESIS, b"")

    assert kinds(results) == [BEGIN, OPEN, CLOSE, END]
    assert state.unit.number == 1
    assert state.unit.timestamp == L1_TIME_S


def test_replay__blocks_with_deposits_and_transactions__in_order() -> None:
    data = encode_batch([block(b"\x02a", deposits=1), block(b"\x02b", b"\x02c")])

    results, state, _ = replay_toy(GENESIS, data, [make_deposit()])

    assert kinds(results) == [BEGIN, OPEN, DEP, TX, CLOSE, OPEN, TX, TX, CLOSE, END]
    assert [result.index for result in results] == list(range(10))
    assert state.unit.deposit_cursor == 1


def test_replay__unnamed_deposits__run_in_an_implicit_last_block() -> None:
    results, _, engine = replay_toy(GENESIS, encode_batch([block(b"\x02a")]), [make_deposit()] * 2)

    assert kinds(results) == [BEGIN, OPEN, TX, CLOSE, OPEN, DEP, DEP, CLOSE, END]
    assert [env.timestamp for env in engine.blocks] == [L1_TIME_S, L1_TIME_S]


def test_replay__more_deposits_named_than_left__clamped() -> None:
    results, _, _ = replay_toy(GENESIS, encode_batch([block(deposits=9)]), [make_deposit()])

    assert kinds(results) == [BEGIN, OPEN, DEP, CLOSE, END]


def test_replay__transaction_before_any_block__never_runs() -> None:
    orphan = b"\x01" + encode_batch([block(b"\x02a")])[12:]

    results, _, _ = replay_toy(GENESIS, orphan, [make_deposit()])

    assert kinds(results) == [BEGIN, OPEN, DEP, CLOSE, END]


def test_replay__skip__moves_the_cursor_and_nothing_else() -> None:
    results, _, _ = replay_toy(GENESIS, encode_batch([block(b"\x00bad", b"\x02good")]))

    before, skipped = results[1].unit, results[2].unit
    assert isinstance(results[2].effect, Skip)
    assert skipped.cursor == before.cursor + 5 + 4
    assert (skipped.tx_index, skipped.cum_gas_used, skipped.receipts_acc, skipped.state_root) == (
        before.tx_index,
        before.cum_gas_used,
        before.receipts_acc,
        before.state_root,
    )
    assert isinstance(results[3].effect, Outcome)


def test_replay__lane_budgets__charged_apart_and_exhausted_apart() -> None:
    data = encode_batch([block(b"\x02\x06", b"\x02\x06", b"\x01\x06", b"\x02\x04")])

    results, _, _ = replay_toy(GENESIS, data, gas_budget=10_000, system_gas_budget=7_000)

    effects = [type(result.effect) for result in results[2:6]]
    assert effects == [Outcome, Skip, Outcome, Outcome]
    assert (results[5].unit.left_general, results[5].unit.left_system) == (0, 1_000)


def test_replay__idle__has_one_encoding_and_keeps_the_deposit_cursor() -> None:
    results, state, _ = replay_toy(GENESIS, encode_batch([block(deposits=1)]), [make_deposit()])

    unit = state.unit
    assert results[-1].leaf == machine_hash(Phase.IDLE, unit)
    assert (unit.data_root, unit.config_hash) == (ZERO_HASH, ZERO_HASH)
    assert [unit.data_len, unit.cursor, unit.deposit_end, unit.l1_timestamp, unit.blocks] == [0] * 5
    assert unit.deposit_cursor == 1


def test_replay__block_hashes__visible_to_the_next_block_and_in_the_ring() -> None:
    results, state, engine = replay_toy(GENESIS, encode_batch([block(), block()]))

    blocks = [result.effect for result in results if isinstance(result.effect, BlockResult)]
    assert engine.blocks[1].block_hashes(1) == blocks[0].hash == blocks[1].parent_hash
    assert engine.blocks[1].block_hashes(2) == ZERO_HASH
    assert state.ring.lookup(3, 2) == blocks[1].hash


def test_replay__record_of_another_state__critical() -> None:
    with pytest.raises(CriticalError):
        replay_toy(GENESIS, b"", deposit_start=1, deposit_end=1)


@pytest.mark.parametrize(
    ("claimed", "previous", "expected"),
    [(95, 0, 95), (80, 0, 90), (150, 0, 100), (95, 97, 97), (95, 200, 200)],
)
def test_clamp_timestamp__l1_at_100_with_lag_10(claimed: int, previous: int, expected: int) -> None:
    assert clamp_timestamp(claimed, previous, 100, 10) == expected


def test_attack__l1_decides_over_prev_randao__it_is_known_before_the_batch_is_posted() -> None:
    data = encode_batch([block(b"\x02a"), block()])

    values = []
    for later_s in (0, 5):
        _, _, engine = replay_toy(GENESIS, data, l1_timestamp=L1_TIME_S + later_s)
        values.append([env.prev_randao for env in engine.blocks])

    first = prev_randao(GENESIS.unit.parent_hash, 1)
    assert values[0] == values[1]
    assert values[0][0] == first != values[0][1]
