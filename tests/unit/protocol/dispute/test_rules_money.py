"""Who earns, who pays, who is paid, and that nobody gains by cheating or by playing against himself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.constants import (
    CREDIT_GAS_COMMIT_1,
    CREDIT_GAS_COMMIT_5,
    CREDIT_GAS_MOVE_1,
    CREDIT_GAS_MOVE_5,
    CREDIT_GAS_OPEN_1,
    CREDIT_GAS_OPEN_5,
    CREDIT_GAS_STEP,
    CREDIT_PRICE_CAP_WEI,
    CREDIT_TIP_WEI,
)
from optimistic.protocol.dispute.actions import Claim, DuelKey
from optimistic.protocol.dispute.ids import Side, dispute_id
from optimistic.protocol.dispute.purse import (
    MAX_AMOUNT_WEI,
    CreditGas,
    Purse,
    credit_gas,
    credit_price,
    share_down,
    split,
)
from optimistic.protocol.dispute.refusals import NoStake
from optimistic.protocol.dispute.state import Dispute
from optimistic.protocol.dispute.views import Life
from optimistic.protocol.types import Hash32
from scripts.staging.lies import Fault
from tests.helpers.dispute_stage import CREDIT_GAS, ETHER, GWEI, account, wrong_step
from tests.helpers.dispute_stage import Stage as Table
from tests.unit.protocol.dispute.situations import (
    NEWER,
    OLDER,
    Pair,
    after_windows,
    commitment_of,
    opened,
    pinned,
    sides,
    view_of,
    walk_of,
)

wei = st.integers(min_value=0, max_value=10 * ETHER)


def dispute_of(table: Table, pair: Pair) -> Dispute:
    return table.game.disputes[dispute_id(*pair)]


def fought(
    table: Table, pair: Pair, *, free: bool = False, by: tuple[str, str] = ("honest", "liar")
) -> tuple[Hash32, Hash32]:
    """The right trace beats a wrong one of the newer side; anyone makes the moves."""
    traces = table.traces(pair, OLDER, wrong_step(17))
    ids = (
        table.commit(by[0], pair, OLDER, traces[0], is_free=free),
        table.commit(by[1], pair, NEWER, traces[1], is_free=free),
    )
    table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=ids))
    return ids


def settled(table: Table, pair: Pair) -> None:
    after_windows(table, pair)
    table.settle(pair)


# -------------------------------------------------------------------------------------- pure sums


@pytest.mark.parametrize(
    ("gas_price", "base_fee", "price"),
    [
        (0, 7, 1),
        (1, 7, 1),
        (10 * GWEI, 9 * GWEI, 10 * GWEI),
        (50 * GWEI, 9 * GWEI, 9 * GWEI + CREDIT_TIP_WEI),
        (900 * GWEI, 900 * GWEI, CREDIT_PRICE_CAP_WEI),
    ],
)
def test_price__of_a_credit__is_the_callers_own_capped(gas_price: int, base_fee: int, price: int) -> None:
    assert credit_price(gas_price, base_fee) == price


def test_table__of_each_arity__comes_from_the_constants() -> None:
    step = CREDIT_GAS_STEP

    assert credit_gas(1) == CreditGas(
        open=CREDIT_GAS_OPEN_1, move=CREDIT_GAS_MOVE_1, commit=CREDIT_GAS_COMMIT_1, step=step
    )
    assert credit_gas(5) == CreditGas(
        open=CREDIT_GAS_OPEN_5, move=CREDIT_GAS_MOVE_5, commit=CREDIT_GAS_COMMIT_5, step=step
    )


@given(pool=wei, earned=st.lists(wei, max_size=5))
def test_split__of_any_pool__pays_credits_first_and_loses_nothing(pool: int, earned: list[int]) -> None:
    parts = split(pool, sum(earned))

    shares = [share_down(credit, parts.pool_wei, sum(earned)) for credit in earned]

    assert parts.pool_wei + parts.to_poster_wei + parts.burned_wei == pool
    assert 0 <= parts.burned_wei - parts.to_poster_wei <= 1
    assert sum(shares) <= parts.pool_wei
    assert parts.to_poster_wei == 0 or shares == earned
    assert all(share <= credit for share, credit in zip(shares, earned, strict=True))


def test_earning__more_than_the_counter_holds__earns_nothing() -> None:
    full = Purse().earn(OLDER, None, account("a"), MAX_AMOUNT_WEI)

    assert full.credits_wei == (MAX_AMOUNT_WEI, 0)
    assert full.earn(OLDER, None, account("a"), 1) == full
    assert full.earn(NEWER, None, account("a"), 1).credits_wei == (MAX_AMOUNT_WEI, 1)


def test_forfeits__more_than_the_counter_holds__are_capped() -> None:
    dead = Hash32(bytes(32))
    purse = Purse().bury(OLDER, dead, 0, MAX_AMOUNT_WEI).bury(OLDER, dead, 0, 5)

    assert purse.forfeits_wei == (MAX_AMOUNT_WEI, 0)


# ----------------------------------------------------------------------------------------- earning


def test_credits__of_all_kinds__are_booked_for_side_and_commitment() -> None:
    table, pair = opened()
    table.walk(pair)
    price = table.price_wei
    assert dispute_of(table, pair).purse.credits_wei == (
        3 * CREDIT_GAS.move * price,
        (CREDIT_GAS.open + 2 * CREDIT_GAS.move) * price,
    )

    traces = table.traces(pair, OLDER, wrong_step(17))
    ids = (
        table.commit("honest", pair, OLDER, traces[0]),
        table.commit("liar", pair, NEWER, traces[1]),
    )
    key = DuelKey(older=pair[0], newer=pair[1], commitments=ids)
    table.play("liar", table.starting(key))
    table.play("anyone", table.move(key))
    purse = dispute_of(table, pair).purse

    assert purse.of_commitments_wei == {
        ids[0]: (CREDIT_GAS.commit + CREDIT_GAS.move) * price,
        ids[1]: (CREDIT_GAS.commit + CREDIT_GAS.move) * price,
    }
    assert purse.earned_wei[ids[0], account("anyone")] == CREDIT_GAS.move * price
    assert purse.earned_wei[OLDER, account("anyone")] == 3 * CREDIT_GAS.move * price
    table.play("prover", table.proving(key))
    purse = dispute_of(table, pair).purse
    assert purse.earned_wei[ids[0], account("prover")] == CREDIT_GAS.step * price
    assert purse.credits_wei[NEWER] == (CREDIT_GAS.open + 2 * CREDIT_GAS.move) * price
    assert purse.pool_wei == table.bond_wei


def test_death__of_a_commitment__voids_what_was_earned_for_it() -> None:
    table, pair = pinned()
    ids = fought(table, pair)
    settled(table, pair)

    assert table.claim(pair, "liar", ids) == 0
    assert table.claim(pair, "anyone", ids) > 0
    assert commitment_of(table, pair, ids[1]).life is Life.DEAD


# ------------------------------------------------------------------------------------------- ending


def test_end__of_a_won_dispute__pays_bond_credits_and_half_of_the_rest() -> None:
    table, pair = pinned()
    ids = fought(table, pair)
    earned = dispute_of(table, pair).purse.credits_wei[OLDER]

    settled(table, pair)

    rest = table.stake_wei + table.bond_wei - earned
    commit = CREDIT_GAS.commit * table.price_wei
    assert dispute_of(table, pair).purse.pool_wei == earned
    assert table.game.owed_wei == {account("honest"): rest // 2}
    assert table.claim(pair, "honest", ids) == table.bond_wei + commit + rest // 2
    assert table.claim(pair, "anyone", ids) == earned - commit
    assert table.game.balance_wei == table.game.burned_wei == rest - rest // 2


def test_end__pool_too_small__pays_pro_rata() -> None:
    table = Table(price_wei=4_000 * GWEI)
    pair = table.dispute(Fault(unit=3), level=0)
    ids = fought(table, pair)
    credits_wei = dispute_of(table, pair).purse.credits_wei[OLDER]
    pool = table.stake_wei + table.bond_wei
    assert credits_wei > pool

    settled(table, pair)

    own = CREDIT_GAS.commit * table.price_wei
    assert table.game.owed_wei == {account("honest"): 0}
    assert table.claim(pair, "honest", ids) == table.bond_wei + own * pool // credits_wei
    assert table.claim(pair, "anyone", ids) == (credits_wei - own) * pool // credits_wei
    assert 0 <= table.game.balance_wei <= 1


@sides
def test_end__free_commitment_died__its_stake_follows_its_side(right: Side) -> None:
    table = Table()
    pair = table.dispute(Fault(unit=3), right=right, level=0)
    saboteur = pair[right]
    table.chain.back(table.call("saboteur", table.stake_wei), saboteur)
    bad = table.lying_trace(pair, right, wrong_step(17))
    good, wrong = table.right.trace(3), table.lying_trace(pair, right.other, wrong_step(20))
    dead = table.commit("saboteur", pair, right, bad, is_free=True)
    free = table.commit("liar", pair, right.other, wrong, is_free=True)
    table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=right.pair(dead, free)))
    assert dispute_of(table, pair).purse.forfeits_wei == right.pair(table.stake_wei, 0)
    assert not table.chain.has_stake(account("saboteur"))
    kept = table.commit("honest", pair, right, good, is_free=True)

    table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=right.pair(kept, free)))
    settled(table, pair)

    # The stake of the losing side feeds the pool, that of the winning one burns.
    earned = dispute_of(table, pair).purse.credits_wei[right]
    rest = table.stake_wei - earned
    assert table.game.owed_wei == {account("honest"): rest // 2}
    assert table.game.burned_wei == table.stake_wei + rest - rest // 2
    assert table.game.balance_wei == 2 * table.stake_wei


def test_end__moot__kills_nobody_pays_from_bonds_and_burns_forfeits() -> None:
    table, pair = pinned()
    ids = fought(table, pair, free=True)
    table.commit("other", pair, NEWER, table.lying_trace(pair, NEWER, wrong_step(3)))
    third = table.post("third", table.lie(Fault(unit=1)))
    elsewhere = (pair[NEWER], third)
    table.play("third", table.opening(*elsewhere))
    table.now += table.period_s
    table.time_out(walk_of(elsewhere))

    table.settle(pair)

    assert view_of(table, pair).winner == pair[OLDER]
    assert dispute_of(table, pair).purse.pool_wei == 0
    assert table.game.burned_wei == table.stake_wei
    assert table.claim(pair, "honest", ids) == 0
    other = view_of(table, pair).live(NEWER)
    assert table.claim(pair, "other", other) == table.bond_wei


def test_end__both_siblings_died_elsewhere__burns_all_but_live_bonds() -> None:
    table, pair = pinned()
    ids = fought(table, pair)
    third = table.post("third", table.lie(Fault(unit=1)))
    for sibling in pair:
        table.play("third", table.opening(sibling, third))
    table.now += table.period_s
    for sibling in pair:
        table.time_out(walk_of((sibling, third)))

    table.settle(pair)

    assert view_of(table, pair).winner is None
    assert table.claim(pair, "honest", ids) == table.bond_wei
    assert table.claim(pair, "liar", ids) == 0
    assert table.claim(pair, "anyone", ids) == 0
    assert table.game.burned_wei >= table.bond_wei


# ------------------------------------------------------------------------------------------ claims


def test_claim__twice__pays_once() -> None:
    table, pair = pinned()
    ids = fought(table, pair)
    settled(table, pair)
    claim = Claim(
        reason="", older=pair[0], newer=pair[1], commitments=(*ids, *ids), account=account("honest")
    )

    expected = table.game.claimable_wei(replace(claim, commitments=ids))

    assert table.play("x", claim) == expected > 0
    assert table.play("x", claim) == 0
    assert table.game.claimable_wei(claim) == 0


def test_claim__live_commitment_of_the_loser__returns_the_bond_alone() -> None:
    table, pair = pinned()
    loser = table.commit("liar", pair, NEWER, table.lying_trace(pair, NEWER, wrong_step(3)))
    third = table.post("third", table.lie(Fault(unit=1)))
    table.play("third", table.opening(pair[NEWER], third))
    table.now += table.period_s
    table.time_out(walk_of((pair[NEWER], third)))
    table.settle(pair)

    assert table.claim(pair, "liar", [loser]) == table.bond_wei
    assert table.claim(pair, "liar", [loser]) == 0


def test_attack__claim_with_commitments_of_another_dispute__pays_nothing() -> None:
    table, pair = pinned()
    third = table.post("third", table.lie(Fault(unit=3, salt=b"third")))
    table.play("third", table.opening(pair[OLDER], third, 0))
    elsewhere = (pair[OLDER], third)
    foreign = table.commit("thief", elsewhere, OLDER, table.right.trace(3))
    fought(table, pair)
    settled(table, pair)

    assert table.claim(pair, "thief", [foreign]) == 0
    assert commitment_of(table, elsewhere, foreign).life is Life.LIVE


# ----------------------------------------------------------------------------------------- attacks


def test_attack__helpers_of_the_attacker_move_for_the_honest_side__starve_nobody() -> None:
    table, pair = pinned()
    sabotage = [
        table.commit("saboteur", pair, OLDER, table.lying_trace(pair, OLDER, Fault(step=step)))
        for step in range(4)
    ]
    wrong = table.commit("liar", pair, NEWER, table.lying_trace(pair, NEWER, wrong_step(30)))
    for dead in sabotage:
        table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=(dead, wrong)))
    ours = table.commit("honest", pair, OLDER, table.right.trace(3))
    key = DuelKey(older=pair[0], newer=pair[1], commitments=(ours, wrong))
    table.play("honest", table.starting(key))
    while (duel := table.duel(key)) is not None and duel.level:
        table.play("honest" if duel.clocks.turn is OLDER else "liar", table.move(key))
    table.play("honest", table.proving(key))
    settled(table, pair)

    earned = dispute_of(table, pair).purse.of_commitments_wei[ours]
    paid = table.claim(pair, "honest", [ours])

    assert paid >= table.bond_wei + earned
    assert table.claim(pair, "saboteur", sabotage) == 0


def test_attack__self_play_with_ones_own_sibling__costs_half_of_the_stake() -> None:
    table = Table()
    older = table.post("honest", table.right.units())
    newer = table.post("cheat", table.lie(Fault(unit=3)))
    pair = (older, newer)
    table.play("cheat", table.opening(older, newer, 0))
    gas_wei = CREDIT_GAS.open * table.price_wei
    ids = fought(table, pair, by=("cheat", "cheat"))
    settled(table, pair)
    spent = table.stake_wei + 2 * table.bond_wei

    back = table.claim(pair, "cheat", ids) + table.claim(pair, "anyone", ids)

    assert back - gas_wei < spent - table.stake_wei // 3
    assert table.game.owed_wei[account("honest")] > 0


def test_attack__stake_burned_below_the_lie__is_collected_once_all_the_same() -> None:
    table, pair = pinned()
    accomplice = table.post("accomplice", table.lie(Fault(unit=2)), parent=pair[NEWER])
    child = table.post("liar", table.lie(Fault(unit=1)), parent=pair[NEWER])
    table.now += table.period_s
    table.chain.kill_unopened(table.call("x"), accomplice, child)
    table.chain.slash(child, account("liar"))
    assert not table.chain.has_stake(account("liar"))

    table.settle(pair)

    half = (table.stake_wei - dispute_of(table, pair).purse.credits_wei[OLDER]) // 2
    assert table.game.owed_wei == {account("honest"): half}
    assert table.chain.balance_wei == 2 * table.stake_wei
    with pytest.raises(NoStake):
        table.chain.slash(child, account("liar"))


def test_attack__stake_behind_two_lost_commitments__is_taken_once() -> None:
    table, pair = pinned()
    ids = fought(table, pair, free=True)
    assert dispute_of(table, pair).purse.forfeits_wei == (0, table.stake_wei)

    settled(table, pair)

    earned = dispute_of(table, pair).purse.credits_wei[OLDER]
    assert table.game.owed_wei == {account("honest"): (table.stake_wei - earned) // 2}
    assert table.chain.balance_wei == table.stake_wei
    assert commitment_of(table, pair, ids[0]).life is Life.LIVE
