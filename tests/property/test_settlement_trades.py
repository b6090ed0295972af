"""Trades of any subaccounts at any prices: nothing is created, order and packaging do not matter."""

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement.invariants import broken, broken_by_step, broken_by_trade, differences
from optimistic.protocol.settlement.ledger import SubaccountChange, settle
from optimistic.protocol.settlement.portfolio import check_trade, margin_of
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import FEES, FIRST_SUBACCOUNT, LegChange, SubaccountId
from optimistic.protocol.settlement.units import QUANTUM_WAD, exact, pips_up
from tests.helpers.settlement_states import INDEX_MOVES, MARKET, PRICES, SIZES, pay, states

IDS = [SubaccountId(FIRST_SUBACCOUNT + index) for index in range(4)]
PAIRS = st.permutations(IDS).map(lambda ids: (ids[0], ids[1]))
TRADES = st.tuples(PAIRS, SIZES, PRICES)
Trade = tuple[tuple[SubaccountId, SubaccountId], int, int]


def changes(state: State, trades: list[Trade], fee_pips: int = 0) -> list[SubaccountChange]:
    """What the ledger has to do for these trades, netted."""
    market, cash, sizes = state.markets[MARKET], dict.fromkeys(IDS, 0), dict.fromkeys(IDS, 0)
    for (buyer, seller), size, price in trades:
        off_mark, fee = exact(size, price - market.mark_wad), pips_up(abs(exact(size, price)), fee_pips)
        cash[buyer] -= off_mark + fee
        cash[seller] += off_mark - fee
        sizes[buyer] += size
        sizes[seller] -= size
    return [
        SubaccountChange(id_, cash[id_], (LegChange(MARKET, sizes[id_], market.settle_index_wad),))
        for id_ in IDS
    ]


def move_index(state: State, by_wad: int) -> None:
    """Let the settlement index of the first market move."""
    state.markets[MARKET].settle_index_wad += by_wad
    state.markets[MARKET].mark_wad += by_wad


def worth(state: State) -> dict[SubaccountId, int]:
    """Cash and unsettled gain of everybody."""
    return {id_: one.cash_wad + state.unsettled_wad(id_) for id_, one in state.subaccounts.items()}


@given(state=states(), trades=st.lists(TRADES, max_size=8), fee=st.integers(0, 10_000), moved=INDEX_MOVES)
def test_trades__with_fees_and_moves_of_the_mark__keep_every_invariant(
    state: State, trades: list[Trade], fee: int, moved: int
) -> None:
    before = deepcopy(state)
    settle(state, changes(state, trades, fee))
    assert not broken(state)
    assert not broken_by_step(before, state, {*IDS, FEES})

    move_index(state, moved)
    assert not broken(state)


@given(state=states(), trades=st.lists(TRADES, min_size=1, max_size=8), fee=st.integers(0, 10_000))
def test_trades__netted_or_one_by_one__are_the_same_to_the_wei(
    state: State, trades: list[Trade], fee: int
) -> None:
    sequential = deepcopy(state)

    settle(state, changes(state, trades, fee))
    for trade in trades:
        settle(sequential, changes(sequential, [trade], fee))

    assert not differences(state, sequential)


@given(state=states(), trade=TRADES, parts=st.integers(1, 9), data=st.data())
def test_pitfall_19__trade_split_into_parts__moves_the_same_but_for_fees_rounded_up(
    state: State, trade: Trade, parts: int, data: st.DataObject
) -> None:
    """Rounding theft: many small trades must never cost less than the one they add up to."""
    pair, size, price = trade
    sizes = [data.draw(SIZES) for _ in range(parts)]
    sizes.append(size - sum(sizes))
    fee = data.draw(st.integers(0, 10_000))
    whole, split = deepcopy(state), deepcopy(state)

    settle(whole, changes(whole, [trade]))
    settle(split, changes(split, [(pair, part, price) for part in sizes]))
    assert not differences(whole, split)

    paid = sum(pips_up(abs(exact(part, price)), fee) for part in sizes)
    assert paid >= pips_up(abs(exact(size, price)), fee)


@given(
    state=states(),
    trades=st.lists(TRADES, min_size=1, max_size=6),
    moves=st.lists(INDEX_MOVES, min_size=6, max_size=6),
    touched=st.lists(st.sampled_from(IDS), max_size=6),
)
def test_settlement__touched_often_or_never__is_the_same_to_the_wei(
    state: State, trades: list[Trade], moves: list[int], touched: list[SubaccountId]
) -> None:
    """Settling a leg in between, at any index, changes nothing that anybody owns."""
    lazy = deepcopy(state)
    for trade, moved in zip(trades, moves, strict=False):
        for one in (state, lazy):
            settle(one, changes(one, [trade]))
            move_index(one, moved)
        for id_ in touched:
            index = state.markets[MARKET].settle_index_wad
            settle(state, [SubaccountChange(id_, 0, (LegChange(MARKET, 0, index),))])

    assert worth(state) == worth(lazy)


@given(state=states(), trade=TRADES, moved=INDEX_MOVES)
def test_pitfall_22__new_index__takes_from_one_side_what_it_gives_the_other(
    state: State, trade: Trade, moved: int
) -> None:
    """Elfi, finding 258: funding that was capped for one side paid the other in full."""
    settle(state, changes(state, [trade]))
    before = worth(state)
    move_index(state, moved)
    gains = [after - before[id_] for id_, after in worth(state).items()]

    assert sum(gains) == 0


@given(state=states(), trade=TRADES)
def test_acceptance__any_trade__what_is_accepted_breaks_no_rule(state: State, trade: Trade) -> None:
    before = deepcopy(state)
    planned = changes(state, [trade])
    verdicts = {
        change.id: check_trade(state, change.id, change.legs, change.cash_delta_wad) for change in planned
    }
    settle(state, planned)
    for market in state.markets:
        state.markets[market].open_interest_wad = before.markets[market].open_interest_wad

    for id_, verdict in verdicts.items():
        assert (verdict is Bust.NONE) == (not broken_by_trade(before, state, id_))


@given(state=states(), size=SIZES, id_=st.sampled_from(IDS), price=PRICES)
def test_requirements__larger_position__never_need_less(
    state: State, size: int, id_: SubaccountId, price: int
) -> None:
    held = state.subaccounts[id_].legs.get(MARKET)
    sign = -1 if held is not None and held.size_wad < 0 else 1
    before = margin_of(state, id_)
    settle(
        state,
        changes(state, [((id_, IDS[0] if id_ != IDS[0] else IDS[1]), sign * abs(size), price)]),
    )
    after = margin_of(state, id_)

    assert after.maintenance_wad >= before.maintenance_wad
    assert after.initial_wad >= after.maintenance_wad


@given(state=states(), id_=st.sampled_from(IDS), amount=st.integers(0, 10**24))
def test_cash__more_of_it__is_margin_to_the_wei(state: State, id_: SubaccountId, amount: int) -> None:
    before = margin_of(state, id_)
    pay(state, id_, amount)
    after = margin_of(state, id_)

    assert after.equity_wad - before.equity_wad == amount
    assert after.initial_equity_wad - before.initial_equity_wad == amount
    assert after[2:] == before[2:]


@given(price=PRICES, size=SIZES)
def test_quanta__price_and_size_on_them__need_no_rounding(price: int, size: int) -> None:
    assert price % QUANTUM_WAD == 0
    assert exact(size, price) * 10**18 == size * price
