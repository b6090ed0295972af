"""Batches on the deployed contracts and on their twin: the same fills, busts, balances, prices and funding.

The contracts' side is rebuilt from their logs after every call, and compared with their storage in the end.
"""

from collections import Counter
from contextlib import suppress
from random import Random

import pytest

from optimistic.protocol.settlement import closing, markets
from optimistic.protocol.settlement.batch_codec import NO_TAKER, Batch, Fill
from optimistic.protocol.settlement.portfolio import is_priced, margin_of, may_leave
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.types import BookReport, MarketId, PriceUse, SubaccountId
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_batches import Batches, Trader
from tests.helpers.settlement_twins import FEEDS, FUTURE, MIDDLE, PERPETUALS, STEPS, Twins

SEQUENCES, CALLS = 40, 15
NIGHTLY_PARTS, NIGHTLY_SEQUENCES = 4, 500
UNREACHED = {Bust.TOO_MANY_LEGS}
"""Three markets are too few for it; tests/unit/protocol/settlement has one."""


class Run:
    """One sequence of calls at random, on both sides."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self.twins, self.random, self.seen = twins, Random(seed), Counter[Bust]()
        self.batches = Batches(self.random, twins.people, (*PERPETUALS, FUTURE), MIDDLE)
        self.price, self.closed = 1_000, 0

    def step(self) -> None:
        """Do something that a node, a reporter, a trader or time does."""
        (kind,) = self.random.choices(
            (self.batch, self.wait, self.report, self.refresh, self.own, self.squeeze), (12, 4, 2, 1, 2, 3)
        )
        kind()

    def batch(self) -> None:
        settled = self.twins.settle(self.batches.draw(self.twins.chain.now))
        if settled is not None:
            self.seen.update(fill.reason for fill in settled.fills)

    def wait(self) -> None:
        waits = (1, 1, 1, 5, 5, 15, 16, 31, 60, 121, 700, 4_000, 20_000)
        self.twins.chain.move_to(self.twins.chain.now + self.random.choice(waits))
        if self.random.random() < 0.85:
            self.price += self.random.choice((0, 1, -1, 20, -20, 90, -90))
            self.price = min(max(self.price, 700), 1_300)
            self.push()

    def liquidate(self) -> None:
        """Whoever is below maintenance margin is flagged and, once that may be, closed."""
        twins, random = self.twins, self.random
        keeper = random.choice(twins.people)
        for trader in twins.people:
            state = twins.state
            margin, legs = margin_of(state, trader.id), state.subaccounts[trader.id].legs
            if margin.is_maintained or not legs:
                continue
            with suppress(Reverted):
                twins.chain.act(keeper.address, "Liquidator", "flag", trader.id)
            self.wait()
            market = random.choice(list(legs))
            if self.may_liquidate(trader.id):
                self.closed += twins.liquidate(keeper, (trader.id, market), self.makers(trader, market))

    def squeeze(self) -> None:
        """Somebody takes on what margin allows, and the price moves against it."""
        twins, random = self.twins, self.random
        trader, side, market = (
            random.choice(twins.people[1:]),
            random.choice((-1, 1)),
            random.choice(PERPETUALS),
        )
        self.push()
        twins.refresh(market)
        ticks = MIDDLE * self.price // 1_000
        for lots in (12_000, 9_000, 6_000, 4_000, 2_500, 1_500, 900, 500, 300):
            self.batches.nonce += 1
            mine = trader.order(side * lots, ticks, market=market, nonce=self.batches.nonce)
            theirs = twins.people[0].order(-side * lots, ticks, market=market, nonce=self.batches.nonce)
            settled = twins.settle(Batch(orders=(theirs, mine), fills=(Fill(0, 1, lots),)))
            if settled is not None and settled.n_fills:
                break
        for _ in range(random.randint(1, 3)):
            self.price = min(max(self.price - side * random.randint(20, 80), 500), 1_500)
            twins.chain.move_to(twins.chain.now + 1)
            self.push()
        self.liquidate()

    def push(self) -> None:
        """Push the price of now, unless there is one of this second."""
        with suppress(Reverted):
            for feed in FEEDS:
                self.twins.push(feed, MIDDLE * STEPS.tick_wad * self.price // 1_000)

    def may_liquidate(self, id_: SubaccountId) -> bool:
        """Whether the contract says so, once all prices have come in."""
        for market in self.twins.state.subaccounts[id_].legs:
            self.twins.refresh(market)
        return bool(self.twins.chain.read("Liquidator", "isLiquidatable", id_))

    def makers(self, target: Trader, market: MarketId) -> Batch:
        """Orders of everybody around the worst price."""
        size, limit = closing.close_terms(self.twins.state, target.id, market)
        ticks, lots = limit // STEPS.tick_wad, max(1, abs(size) // STEPS.lot_wad)
        orders = []
        for trader in self.twins.people:
            self.batches.nonce += 1
            price = max(1, ticks + self.random.choice((-1, 0, 0, 1, 50, -50)))
            signed = -lots if size > 0 else lots
            orders.append(trader.order(signed, price, market=market, nonce=self.batches.nonce))
        places = self.random.choices(range(len(orders)), k=4)
        fills = tuple(Fill(place, NO_TAKER, max(1, lots // self.random.randint(1, 4))) for place in places)
        return Batch(orders=tuple(orders), fills=fills)

    def report(self) -> None:
        def price() -> int:
            return self.random.choice(
                (0, self.random.randint(9_500, 10_500) * STEPS.tick_wad + self.random.randrange(9))
            )

        report = BookReport(
            best_bid_wad=price(),
            best_ask_wad=price(),
            impact_bid_wad=price(),
            impact_ask_wad=price(),
            depth_wad=self.random.randrange(10**24),
            timestamp=self.twins.chain.now - self.random.randint(-1, 70),
        )
        self.twins.report(self.random.choice(PERPETUALS), report)

    def refresh(self) -> None:
        self.twins.refresh(self.random.choice((*PERPETUALS, FUTURE)))

    def own(self) -> None:
        """A trader brings cash or ether, takes them out, kills orders, or lends its name to another key."""
        trader, other = self.random.sample(self.twins.people, 2)
        kind, act = self.random.randrange(5), self.twins.chain.act
        if kind == 0:
            self.twins.chain.deposit(trader.address, trader.id, self.random.randint(1, 10**9))
        elif kind == 1:
            least = self.twins.state.nonce_floors.get(trader.address, 0) + 1
            floor = max(least, self.batches.nonce + self.random.randint(-20, 20))
            act(trader.address, "Clearing", "raiseNonceFloor", floor)
        elif kind == 2:
            wei = self.random.choice((10**15, 10**17, 10**18))
            act(trader.address, "Collateral", "depositEther", trader.id, value=wei)
        elif kind == 3:
            asset = self.random.randrange(2)
            amount = self.random.choice((1, 10**6, 10**8, 10**16))
            with suppress(Reverted):
                act(
                    trader.address, "Collateral", "requestWithdrawal", trader.id, asset, amount, other.address
                )
        else:
            until, scope = (
                self.twins.chain.now + self.random.choice((-1, 0, 100)),
                self.random.choice((0, 1, 1)),
            )
            terms = (other.address, until, self.random.choice((0, trader.id, other.id)), scope)
            act(trader.address, "Clearing", "setSessionKey", *terms)
            self.batches.lend(trader, other)


def compare_storage(twins: Twins) -> None:
    """Hold what the logs tell to what the views answer."""
    state, read = twins.state, twins.chain.read
    for number, subaccount in state.subaccounts.items():
        owner, mode, cash = read("Ledger", "subaccount", number)
        assert (owner, mode, cash) == (subaccount.owner, subaccount.margin_mode, subaccount.cash_wad)
        _, legs = read("Ledger", "portfolio", number)
        assert {leg[0]: leg[1:] for leg in legs} == {key: tuple(leg) for key, leg in subaccount.legs.items()}
        assert read("StandardMargin", "margin", number) == tuple(margin_of(state, number))
        if all(is_priced(state, held, PriceUse.INCREASE) for held in subaccount.legs):
            value, paid = may_leave(state, number)
            assert read("StandardMargin", "withdrawableWad", number) == value
            assert read("StandardMargin", "withdrawableCashWad", number) == paid
        for held in subaccount.legs:
            terms = closing.close_terms(state, number, held)
            assert read("Liquidator", "closeTerms", number, held) == terms
    for id_, market in state.markets.items():
        status = markets.status_now(market, state.now_s)
        prices = market.index_price_wad, market.mark_wad, market.settle_index_wad
        assert read("Markets", "state", id_) == (status, *prices, market.priced_at)
        rate, cumulative, premium, basis, at = read("Markets", "funding", id_)
        assert (cumulative, rate) == market.funding[:2]
        assert (premium, basis, at) == (market.premium_wad, market.basis_wad, market.priced_at)
        assert read("Markets", "hourlyVolatilityWad", id_) == markets.hourly_volatility(market)
        assert read("Markets", "resumedAt", id_) == market.resumed_at
        assert read("Ledger", "openInterestWad", id_) == market.open_interest_wad
    for name, feed in state.feeds.items():
        assert read("PriceOracle", "averageWad", name) == feed.averages.average_wad
    assert read("Ledger", "nextSubaccount") == state.next_subaccount


def run(seeds: range) -> tuple[Counter[Bust], int]:
    """Run sequences from these seeds, each on fresh contracts.

    Returns
    -------
    How often each reason came up, and how many liquidations closed something
    """
    seen, closed = Counter[Bust](), 0
    twins = Twins()
    mark = twins.chain.snapshot()
    for seed in seeds:
        sequence = Run(twins, seed)
        for _ in range(CALLS):
            sequence.step()
        compare_storage(twins)
        seen, closed = seen + sequence.seen, closed + sequence.closed
        twins.chain.restore(mark)
        mark = twins.chain.snapshot()
    return seen, closed


def test_sequences__any_calls_in_any_order__both_agree_on_everything() -> None:
    seen, closed = run(range(SEQUENCES))

    assert set(Bust) - set(seen) <= UNREACHED
    assert seen[Bust.NONE] > SEQUENCES
    assert closed


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(NIGHTLY_PARTS))
def test_sequences__many_more__both_agree_on_everything(part: int) -> None:
    run(range((part + 1) * 10_000, (part + 1) * 10_000 + NIGHTLY_SEQUENCES))


def test_pitfall_32__pushed_mark__both_find_the_account_healthy_at_the_index() -> None:
    twins, market, nonce = Twins(), PERPETUALS[0], 0

    def trade(buyer: int, seller: int, lots: int, ticks: int) -> None:
        nonlocal nonce
        nonce += 1
        orders = (
            twins.people[seller].order(-lots, ticks, market=market, nonce=nonce),
            twins.people[buyer].order(lots, ticks, market=market, nonce=nonce),
        )
        settled = twins.settle(Batch(orders=orders, fills=(Fill(0, 1, lots),)))
        assert settled is not None
        assert settled.n_fills == 1

    def tick(seconds: int, ticks: int) -> None:
        twins.chain.move_to(twins.chain.now + seconds)
        twins.push(FEEDS[0], ticks * STEPS.tick_wad)
        twins.refresh(market)

    trade(4, 0, 1_000, MIDDLE)
    for _ in range(30):
        tick(15, MIDDLE * 9 // 10)
        trade(1, 0, 1, MIDDLE // 2)
    tick(1, MIDDLE * 9 // 10)
    low = MIDDLE // 2 * STEPS.tick_wad
    report = BookReport(
        best_bid_wad=low,
        best_ask_wad=low,
        impact_bid_wad=low,
        impact_ask_wad=low,
        depth_wad=0,
        timestamp=twins.chain.now,
    )
    twins.report(market, report)
    tick(1, MIDDLE * 9 // 10)

    target = twins.people[4].id
    assert not margin_of(twins.state, target).is_maintained
    assert closing.close_terms(twins.state, target, market) == (0, 0)
    with pytest.raises(Reverted):
        twins.chain.act(twins.people[0].address, "Liquidator", "flag", target)
    compare_storage(twins)
    tick(1, MIDDLE * 89 // 100)
    assert closing.close_terms(twins.state, target, market) != (0, 0)
    twins.chain.act(twins.people[0].address, "Liquidator", "flag", target)
    compare_storage(twins)
