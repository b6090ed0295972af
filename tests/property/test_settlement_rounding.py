"""Where a division remains it rounds against whoever gains by it; repeating or splitting creates nothing."""

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement import liquidation, margin
from optimistic.protocol.settlement.invariants import exit_payments
from optimistic.protocol.settlement.ledger import SubaccountChange, settle
from optimistic.protocol.settlement.liquidation import Situation
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import BAD_DEBT, VAULT, LegChange, Limits
from optimistic.protocol.settlement.units import LOT_WAD, PIPS, QUANTUM_WAD, WAD, exact, pips_up
from tests.helpers.settlement_states import (
    ALICE,
    BOB,
    MARKET,
    all_limits,
    pay,
    set_price,
    state_of,
    states,
    trade,
)

AMOUNTS = st.integers(0, 10**24)
PRICES = st.integers(1, 10**15).map(lambda n: n * QUANTUM_WAD)
NOTIONALS = st.one_of(st.integers(0, 1_000), st.integers(0, 10**28))


@given(parts=st.lists(NOTIONALS, max_size=12), pips=st.integers(0, PIPS))
def test_fees__of_parts__are_never_less_than_of_the_whole(parts: list[int], pips: int) -> None:
    whole = pips_up(sum(parts), pips)
    split = sum(pips_up(part, pips) for part in parts)

    assert whole * PIPS >= sum(parts) * pips
    assert whole <= split < whole + max(1, len(parts))


@given(parts=st.lists(AMOUNTS, max_size=12), price=PRICES, haircut=st.integers(0, PIPS))
def test_ether__in_parts__is_never_worth_more_than_together(
    parts: list[int], price: int, haircut: int
) -> None:
    cap = 10**30
    whole = margin.collateral_value(sum(parts), cap, price, haircut)

    assert sum(margin.collateral_value(part, cap, price, haircut) for part in parts) <= whole
    assert whole * WAD * PIPS <= sum(parts) * price * (PIPS - haircut)


@given(
    amount=AMOUNTS, price=PRICES, cap=AMOUNTS, haircuts=st.tuples(st.integers(0, PIPS), st.integers(0, PIPS))
)
def test_ether__greater_haircut__is_never_worth_more(
    amount: int, price: int, cap: int, haircuts: tuple[int, int]
) -> None:
    less, more = (margin.collateral_value(amount, cap, price, cut) for cut in sorted(haircuts, reverse=True))

    assert 0 <= less <= more


@given(limits=all_limits(), notionals=st.tuples(NOTIONALS, NOTIONALS), open_interest=AMOUNTS)
def test_requirements__of_one_large_leg__are_those_of_two_small_ones_at_least(
    limits: Limits, notionals: tuple[int, int], open_interest: int
) -> None:
    of = margin.ratios(limits, open_interest)
    for requirement in (margin.initial_margin, margin.maintenance_margin):
        parts = [requirement(of, notional) for notional in notionals]
        assert requirement(of, sum(notionals)) >= sum(parts) - 1
    assert margin.initial_margin(of, sum(notionals)) >= margin.maintenance_margin(of, sum(notionals))
    assert margin.initial_margin(of, sum(notionals)) <= sum(notionals)


@given(
    limits=all_limits(),
    notional=NOTIONALS,
    interests=st.tuples(AMOUNTS, AMOUNTS).map(sorted),
)
def test_requirements__larger_open_interest__never_asks_for_less(
    limits: Limits, notional: int, interests: list[int]
) -> None:
    calm, crowded = (margin.ratios(limits, interest) for interest in interests)

    assert margin.initial_margin(calm, notional) <= margin.initial_margin(crowded, notional)
    assert calm.maintenance_wad == crowded.maintenance_wad


@given(
    spare=st.integers(0, 499),
    lots=st.integers(1, 10**6),
    side=st.sampled_from([-1, 1]),
    moved=st.integers(0, 30),
    parts=st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
)
def test_liquidation__at_the_worst_price_in_any_parts__leaves_no_debt_behind(
    spare: int, lots: int, side: int, moved: int, parts: list[int]
) -> None:
    """As long as equity is not below zero to begin with, and penalties are taken as well."""
    state, size = state_of(0, 10**9), side * lots * 10**3 * LOT_WAD
    trade(state, ALICE, BOB, size)
    set_price(state, (100 - side * moved) * WAD)
    pay(state, ALICE, exact(abs(size), moved * WAD) + margin_of(state, ALICE).maintenance_wad * spare // 500)
    assert 0 <= margin_of(state, ALICE).equity_wad < margin_of(state, ALICE).maintenance_wad
    for part in parts:
        held, now = state.subaccounts[ALICE].legs.get(MARKET), margin_of(state, ALICE)
        if held is None:
            break
        market = state.markets[MARKET]
        of = Situation(held.size_wad, market.mark_wad, market.index_price_wad, *now[1:2], now[3], WAD // 20)
        limit = liquidation.limit_price(of, WAD // 100)
        closed = -side * min(abs(held.size_wad), part * LOT_WAD)
        paid = exact(closed, limit - market.mark_wad)
        legs = [(LegChange(MARKET, sign * closed, market.settle_index_wad),) for sign in (1, -1)]
        settle(state, [SubaccountChange(ALICE, -paid, legs[0]), SubaccountChange(BOB, paid, legs[1])])
        notional = abs(exact(closed, limit))
        charge = liquidation.penalty(notional, WAD // 20, margin_of(state, ALICE).equity_wad)
        settle(state, [SubaccountChange(ALICE, -charge, ())])
        assert margin_of(state, ALICE).equity_wad >= 0


@given(state=states())
def test_exits__of_any_state__take_no_more_than_the_vault_holds(state: State) -> None:
    payments = exit_payments(state)
    held = max(0, -state.subaccounts[VAULT].cash_wad)

    assert sum(payments.values()) <= held
    assert all(payment >= 0 for payment in payments.values())
    assert BAD_DEBT not in payments
