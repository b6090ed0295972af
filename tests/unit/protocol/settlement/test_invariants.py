"""Every invariant can break, and the checks see it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from optimistic.protocol.settlement.invariants import (
    broken,
    broken_by_step,
    broken_by_trade,
    differences,
    exit_payments,
)
from optimistic.protocol.settlement.ledger import move, open_subaccount
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    FEES,
    INSURANCE,
    MAX_LEGS,
    VAULT,
    FeedId,
    MarketId,
    Position,
    SubaccountId,
)
from optimistic.protocol.settlement.units import WAD
from tests.helpers.settlement_states import ALICE, BOB, MARKET, owner, set_price, state_of, trade


def traded() -> State:
    """Alice and Bob hold one contract against each other, and the price has moved."""
    state = state_of(100, 100)
    trade(state, ALICE, BOB, WAD)
    set_price(state, 105 * WAD)
    return state


def cash(state: State) -> None:
    state.subaccounts[ALICE].cash_wad += 1


def size(state: State) -> None:
    state.subaccounts[ALICE].legs[MARKET] = Position(2 * WAD, 105 * WAD)


def interest(state: State) -> None:
    state.markets[MARKET].open_interest_wad += 1


def lot(state: State) -> None:
    for id_, sign in ((ALICE, 1), (BOB, -1)):
        state.subaccounts[id_].legs[MARKET] = Position(sign * (WAD + 1), 100 * WAD)
    state.markets[MARKET].open_interest_wad = WAD + 1


def tranche(state: State) -> None:
    state.tranches_wad[MARKET] = -1
    state.tranches_wad[MarketId(0)] = 1


def fund(state: State) -> None:
    state.tranches_wad[MARKET] = 1


def debt(state: State) -> None:
    state.subaccounts[BAD_DEBT].cash_wad = 1
    state.subaccounts[ALICE].cash_wad -= 1


def legs(state: State) -> None:
    for number in range(2, MAX_LEGS + 3):
        state.subaccounts[ALICE].legs[MarketId(number)] = Position(WAD, 0)
        state.markets[MarketId(number)] = state.markets[MARKET]


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (cash, "I1"),
        (size, "I2"),
        (interest, "I2"),
        (lot, "I2"),
        (legs, "I2"),
        (tranche, "I4"),
        (fund, "I4"),
        (debt, "I4"),
    ],
)
def test_broken__state_with_one_fault__names_its_invariant(
    change: Callable[[State], None], number: str
) -> None:
    state = traded()
    assert not broken(state)

    change(state)
    assert any(what.startswith(number) for what in broken(state))


def test_tranches__while_the_fund_holds_positions__may_differ_from_its_cash() -> None:
    state = state_of(100)
    trade(state, ALICE, INSURANCE, WAD)
    state.tranches_wad[MARKET] = WAD

    assert not broken(state)


def floor(state: State) -> None:
    state.nonce_floors[owner(0)] = 3


def filled(state: State) -> None:
    state.filled_lots.clear()


def feed(state: State) -> None:
    state.feeds[FeedId(1)].timestamp -= 1


def priced(state: State) -> None:
    state.markets[MARKET].priced_at -= 1


def gone(state: State) -> None:
    state.next_subaccount = SubaccountId(state.next_subaccount - 1)


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (floor, "I6 floor"),
        (filled, "I6 filled"),
        (feed, "I6 price"),
        (priced, "I6 mark"),
        (gone, "I6 subaccounts"),
        (cash, "I3"),
        (cash, "I10"),
        (size, "I10"),
    ],
)
def test_step__that_goes_back_or_touches_a_stranger__names_its_invariant(
    change: Callable[[State], None], number: str
) -> None:
    before = traded()
    before.nonce_floors[owner(0)] = 4
    before.filled_lots[before.subaccounts[ALICE].owner] = 5  # type: ignore[index] # any key does
    after = deepcopy(before)
    assert not broken_by_step(before, after, ())

    change(after)
    assert any(what.startswith(number) for what in broken_by_step(before, after, ()))


def test_step__new_index_with_sizes_that_do_not_cancel__breaks_i7() -> None:
    before = traded()
    before.subaccounts[BOB].legs.clear()
    after = deepcopy(before)
    set_price(after, 110 * WAD)

    assert any(what.startswith("I7") for what in broken_by_step(before, after, ()))


def test_step__deposit_and_newcomer__break_nothing() -> None:
    before = traded()
    after = deepcopy(before)
    id_ = open_subaccount(after, owner(7))
    move(after, VAULT, id_, 5 * WAD)

    assert not broken_by_step(before, after, (VAULT, id_))


def test_trade__beyond_initial_margin__breaks_i5() -> None:
    before, after = state_of(10, 10), state_of(10, 10)
    trade(after, ALICE, BOB, WAD)
    assert not broken_by_trade(before, after, ALICE)

    trade(after, ALICE, BOB, WAD)
    assert broken_by_trade(before, after, ALICE)[0].startswith("I5")


def test_exit__vault_holds_enough__pays_every_claim_and_no_debt() -> None:
    state = traded()

    assert exit_payments(state) == {ALICE: 105 * WAD, BOB: 95 * WAD}


def test_exit__somebody_owes__pays_the_others_the_same_part() -> None:
    """I8: whoever exits first takes nothing from who exits last."""
    state = traded()
    set_price(state, 300 * WAD)
    paid = exit_payments(state)

    assert paid == {ALICE: 200 * WAD, BOB: 0}
    assert sum(paid.values()) <= -state.subaccounts[VAULT].cash_wad
    assert not broken(state)


@pytest.mark.parametrize("change", [cash, size, interest, floor, feed, priced, gone, fund])
def test_differences__one_fault__is_told(change: Callable[[State], None]) -> None:
    one, other = traded(), traded()
    assert not differences(one, other)

    change(other)
    assert all(what.startswith("I9") for what in differences(one, other))
    assert differences(one, other)


def test_differences__limits_and_fees__count_too() -> None:
    one, other = traded(), traded()
    market = other.markets[MARKET]
    market.limits = replace(market.limits, taker_fee_pips=1)
    other.subaccounts[FEES].cash_wad = 1

    assert len(differences(one, other)) == 2
