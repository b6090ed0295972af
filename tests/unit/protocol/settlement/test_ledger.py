"""The ledger on a state: what it refuses, and the end of a market."""

import pytest

from optimistic.protocol.settlement.invariants import broken
from optimistic.protocol.settlement.ledger import (
    IndicesDiffer,
    InvalidOwner,
    NegativeAmount,
    NotBalanced,
    SubaccountChange,
    TooManyLegs,
    WrongSign,
    close,
    move,
    open_subaccount,
    settle,
)
from optimistic.protocol.settlement.state import State, UnknownMarket, UnknownSubaccount
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    FEES,
    INSURANCE,
    MAX_LEGS,
    PENDING,
    VAULT,
    LegChange,
    MarketId,
    Position,
    SubaccountId,
)
from optimistic.protocol.settlement.units import LOT_WAD, WAD, OffQuantum
from optimistic.protocol.types import ZERO_ADDRESS
from tests.helpers.settlement_states import ALICE, BOB, CAROL, MARKET, set_price, state_of, trade

INDEX = 100 * WAD


def pair(size: int, cash: int = 0, *, other: int | None = None, index: int = INDEX) -> list[SubaccountChange]:
    """Alice buys of Bob."""
    return [
        SubaccountChange(ALICE, cash, (LegChange(MARKET, size, INDEX),)),
        SubaccountChange(BOB, 0, (LegChange(MARKET, -size if other is None else other, index),)),
    ]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (pair(WAD, other=-WAD + LOT_WAD), NotBalanced),
        (pair(WAD, cash=1), NotBalanced),
        (pair(LOT_WAD + 1), OffQuantum),
        (pair(WAD, index=INDEX + 10**6), IndicesDiffer),
        ([SubaccountChange(ALICE, 0, (LegChange(MARKET, 0, INDEX + 1),))], OffQuantum),
        ([SubaccountChange(SubaccountId(99), 0, ())], UnknownSubaccount),
        ([SubaccountChange(FEES, 0, ())], UnknownSubaccount),
        ([SubaccountChange(VAULT, 0, ())], UnknownSubaccount),
    ],
)
def test_settle__broken_rule__is_refused(changes: list[SubaccountChange], error: type[Exception]) -> None:
    with pytest.raises(error):
        settle(state_of(100, 100), changes)


def test_settle__cash_below_zero_sum__goes_to_the_fees() -> None:
    state = state_of(100, 100)
    settle(state, pair(WAD, cash=-3 * WAD))

    assert state.subaccounts[FEES].cash_wad == 3 * WAD
    assert state.markets[MARKET].open_interest_wad == WAD
    assert not broken(state)


def test_settle__insurance_pot__may_hold_positions() -> None:
    state = state_of(100)
    change = SubaccountChange(INSURANCE, 0, (LegChange(MARKET, -WAD, INDEX),))
    settle(state, [SubaccountChange(ALICE, 0, (LegChange(MARKET, WAD, INDEX),)), change])

    assert state.subaccounts[INSURANCE].legs == {MARKET: Position(-WAD, INDEX)}
    assert not broken(state)


def test_settle__turn_of_a_position__counts_the_long_part() -> None:
    state = state_of(100, 100)
    settle(state, pair(-2 * WAD))
    settle(state, pair(5 * WAD))

    assert state.subaccounts[ALICE].legs[MARKET].size_wad == 3 * WAD
    assert state.markets[MARKET].open_interest_wad == 3 * WAD


def test_settle__one_leg_too_many__is_refused() -> None:
    state = state_of(1, 1, n_markets=MAX_LEGS + 1)
    legs = [LegChange(MarketId(number), WAD, INDEX) for number in range(1, MAX_LEGS + 2)]
    sold = tuple(leg._replace(size_delta_wad=-WAD) for leg in legs)
    with pytest.raises(TooManyLegs):
        settle(state, [SubaccountChange(ALICE, 0, tuple(legs)), SubaccountChange(BOB, 0, sold)])


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [
        (ALICE, VAULT, None),
        (ALICE, BOB, None),
        (BAD_DEBT, ALICE, None),
        (FEES, ALICE, WrongSign),
        (PENDING, ALICE, WrongSign),
        (ALICE, BAD_DEBT, WrongSign),
        (ALICE, SubaccountId(99), UnknownSubaccount),
    ],
)
def test_move__pots__keep_their_sign(
    source: SubaccountId, target: SubaccountId, error: type[Exception] | None
) -> None:
    state = state_of(100, 100)
    if error is None:
        move(state, source, target, WAD)
        assert not broken(state)
    else:
        with pytest.raises(error):
            move(state, source, target, WAD)


def test_move__negative_amount__is_refused() -> None:
    with pytest.raises(NegativeAmount):
        move(state_of(1, 1), ALICE, BOB, -1)


def test_pitfall_08__profit__is_paid_from_what_others_lost() -> None:
    """Drift, May 2022: unsettled profit was withdrawn before anybody had paid it."""
    state = state_of(100, 100)
    trade(state, ALICE, BOB, WAD)
    set_price(state, 150 * WAD)
    index = state.markets[MARKET].settle_index_wad
    settle(state, [SubaccountChange(ALICE, 0, (LegChange(MARKET, 0, index),))])

    assert state.subaccounts[ALICE].cash_wad == 150 * WAD
    assert state.unsettled_wad(BOB) == -50 * WAD
    assert not broken(state)


def test_open__nobody__is_refused() -> None:
    with pytest.raises(InvalidOwner):
        open_subaccount(State(), ZERO_ADDRESS)


def test_close__in_any_order__pays_each_at_the_last_index() -> None:
    state = state_of(100, 100, 100)
    trade(state, ALICE, BOB, 2 * WAD)
    set_price(state, 110 * WAD)
    trade(state, CAROL, BOB, WAD)
    close(state, MARKET, 130 * WAD, [])
    set_price(state, 130 * WAD)
    for id_ in (BOB, BOB, SubaccountId(99), ALICE, CAROL):
        close(state, MARKET, 130 * WAD, [id_])
        assert not broken(state)

    assert [state.subaccounts[id_].cash_wad // WAD for id_ in (ALICE, BOB, CAROL)] == [160, 20, 120]
    assert state.markets[MARKET].open_interest_wad == 0
    with pytest.raises(IndicesDiffer):
        close(state, MARKET, 131 * WAD, [])
    with pytest.raises(IndicesDiffer):
        settle(state, pair(WAD))


def test_settle__unlisted_market__is_refused() -> None:
    changes = [
        SubaccountChange(id_, 0, (LegChange(MarketId(9), sign * WAD, INDEX),))
        for id_, sign in ((ALICE, 1), (BOB, -1))
    ]
    with pytest.raises(UnknownMarket):
        settle(state_of(1, 1), changes)
