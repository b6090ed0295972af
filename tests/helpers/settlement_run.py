"""Sequences of calls at random to all contracts of settlement and to their twins."""

from collections import Counter
from contextlib import suppress
from random import Random

from optimistic.protocol.settlement import closing
from optimistic.protocol.settlement.batch_codec import NO_TAKER, Batch, Fill
from optimistic.protocol.settlement.flags import GRACE_S, OUTAGE_GRACE_S
from optimistic.protocol.settlement.forced_close import CLOSE_DELAY_S, CLOSE_WINDOW_S, give_up_price
from optimistic.protocol.settlement.oracle import WINDOW_S
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.state import SessionKey
from optimistic.protocol.settlement.types import INSURANCE, BookReport, MarketId, SubaccountId
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import ZERO_ADDRESS
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_batches import Batches, Trader
from tests.helpers.settlement_offices import Offices
from tests.helpers.settlement_twins import FEEDS, FUTURE, FUTURE_LIFE_S, MIDDLE, PERPETUALS, STEPS, Twins

LOWEST, HIGHEST = 500, 1_500
"""Of the price, in thousandths of the first one."""


class Run:
    """One sequence of calls at random, on both sides."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self.twins, self.random, self.seen = twins, Random(seed), Counter[Bust]()
        self.batches = Batches(self.random, twins.people, (*PERPETUALS, FUTURE), MIDDLE)
        self.offices = Offices(twins, self.random, self.advance)
        self.price = 1_000

    def step(self) -> None:
        """Do something that a node, a reporter, a trader, a keeper, a governor or time does."""
        kinds = {
            self.batch: 10,
            self.wait: 4,
            self.report: 2,
            self.refresh: 1,
            self.own: 2,
            self.squeeze: 4,
            self.abandon: 2,
            self.unwind: 2,
            self.outlive: 2,
            self.offices.step: 12,
        }
        (kind,) = self.random.choices(list(kinds), list(kinds.values()))
        kind()

    # ------------------------------------------------------------------------------ time and prices

    def wait(self) -> None:
        waits = (1, 1, 1, 5, 5, 15, 16, 31, 60, 121, 700, 4_000, 20_000)
        self.advance(self.twins.chain.now + self.random.choice(waits))

    def advance(self, time: int) -> None:
        """Let it be a time, mostly with new prices."""
        self.twins.chain.move_to(time)
        if self.random.random() < 0.85:
            self.move(self.random.choice((0, 1, -1, 20, -20, 90, -90)))

    def move(self, by: int) -> None:
        """Push a price that has moved."""
        self.price = min(max(self.price + by, LOWEST), HIGHEST)
        self.push()

    def push(self) -> None:
        """Push the price of now, unless there is one of this second."""
        with suppress(Reverted):
            for feed in FEEDS:
                self.twins.push(feed, MIDDLE * STEPS.tick_wad * self.price // 1_000)

    def refresh(self) -> None:
        self.twins.refresh(self.random.choice((*PERPETUALS, FUTURE)))

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

    # ------------------------------------------------------------------------------ trades

    def batch(self) -> None:
        settled = self.twins.settle(self.batches.draw(self.twins.chain.now))
        if settled is not None:
            self.seen.update(fill.reason for fill in settled.fills)

    def own(self) -> None:
        """A trader kills orders, or lends its name to another key."""
        trader, other = self.random.sample(self.twins.people, 2)
        if self.random.random() < 0.5:
            floor = self.twins.state.nonce_floors.get(trader.address, 0)
            near = max(0, self.batches.nonce + self.random.randint(-20, 20))
            self.offices.raise_floor(trader, self.random.choice((floor, near, near, near)))
            return
        until = self.twins.chain.now + self.random.choice((-1, 0, 100))
        whose = SubaccountId(self.random.choice((0, trader.id, other.id)))
        session = SessionKey(until, whose, self.random.choice((0, 1, 1, 1, 2)))
        key = other.address if self.random.random() < 0.9 else ZERO_ADDRESS
        if self.offices.set_key(trader, key, session):
            self.batches.lend(trader, other)

    def load(self, trader: Trader, market: MarketId, side: int) -> None:
        """Let a trader take on as much as margin allows, at a fresh price."""
        twins = self.twins
        self.push()
        twins.refresh(market)
        ticks = MIDDLE * self.price // 1_000
        for lots in (12_000, 9_000, 6_000, 4_000, 2_500, 1_500, 900, 500, 300):
            self.batches.nonce += 1
            mine = trader.order(side * lots, ticks, market=market, nonce=self.batches.nonce)
            theirs = twins.people[0].order(-side * lots, ticks, market=market, nonce=self.batches.nonce)
            settled = twins.settle(Batch(orders=(theirs, mine), fills=(Fill(0, 1, lots),)))
            if settled is not None and settled.n_fills:
                return

    # ------------------------------------------------------------------------------ liquidations

    def squeeze(self) -> None:
        """Some take on what margin allows, and the price moves against them, in steps or with a gap."""
        random, side = self.random, self.random.choice((-1, 1))
        for trader in random.sample(self.twins.people[1:], random.randint(1, 3)):
            if random.random() < 0.3:
                self.give_ether(trader)
            self.load(trader, random.choice(PERPETUALS), side)
        if random.random() < 0.3:
            self.offices.ask()
        moves = random.choice(((60, 40), (30, 70, 50), (80,), (130,), (220,), (350,)))
        for move in moves:
            self.twins.chain.move_to(self.twins.chain.now + 1)
            self.move(-side * random.randint(move // 2, move))
        self.liquidate()
        if random.random() < 0.3:
            self.twins.chain.move_to(self.twins.chain.now + 1)
            self.move(side * random.randint(100, 300))
            for flagged in list(self.twins.state.flags):
                self.offices.unflag(flagged)

    def give_ether(self, trader: Trader) -> None:
        """Collateral that a bankrupt subaccount loses."""
        wei = self.random.choice((WAD // 100, WAD // 20))
        with suppress(Reverted):
            self.twins.chain.act(trader.address, "Collateral", "depositEther", trader.id, value=wei)

    def liquidate(self) -> None:
        """Whoever is below maintenance margin is flagged and, once that may be or before, closed."""
        twins, random = self.twins, self.random
        keeper = random.choice(twins.people)
        for trader in twins.people:
            legs = twins.state.subaccounts[trader.id].legs
            if margin_of(twins.state, trader.id).is_maintained or not legs:
                continue
            if random.random() < 0.8:
                self.offices.flag(trader.id)
            self.advance(twins.chain.now + random.choice((0, 0, 1, 5, GRACE_S, OUTAGE_GRACE_S)))
            market = random.choice(list(legs)) if random.random() < 0.97 else MarketId(9)
            reward_to = random.choice((keeper.id,) * 8 + (SubaccountId(0), SubaccountId(0), trader.id))
            for held in legs:
                twins.refresh(held)
            size, limit = closing.close_terms(twins.state, trader.id, market)
            makers = self.makers(size, limit, market)
            self.offices.liquidate(keeper, (trader.id, market), reward_to, makers)

    def makers(self, size_wad: int, limit_wad: int, market: MarketId) -> Batch:
        """Orders of everybody around the worst price for a change of size."""
        ticks, lots = limit_wad // STEPS.tick_wad, max(1, abs(size_wad) // STEPS.lot_wad)
        orders = []
        for trader in self.twins.people:
            self.batches.nonce += 1
            price = max(1, ticks + self.random.choice((-1, 0, 0, 1, 50, -50)))
            signed = lots if size_wad < 0 else -lots
            orders.append(trader.order(signed, price, market=market, nonce=self.batches.nonce))
        places = self.random.choices(range(len(orders)), k=4)
        fills = tuple(Fill(place, NO_TAKER, max(1, lots // self.random.randint(1, 4))) for place in places)
        return Batch(orders=tuple(orders), fills=fills)

    def outlive(self) -> None:
        """Some owe more than they have when their future ends; nothing is left to close: it is resolved."""
        twins, random, side = self.twins, self.random, self.random.choice((-1, 1))
        expiry, everybody = twins.state.markets[FUTURE].terms.expiry, tuple(one.id for one in twins.people)
        market = random.choice((FUTURE, *PERPETUALS, MarketId(9)))
        self.offices.settle_future(market)
        self.offices.close_expired(market, everybody)
        if twins.chain.now > expiry - WINDOW_S:
            return
        for trader in random.sample(twins.people[1:], random.randint(2, 4)):
            if random.random() < 0.3:
                self.give_ether(trader)
            self.load(trader, FUTURE, side)
        self.price = min(
            max(self.price - side * random.choice((50, 105, 112, 120, 130, 400)), LOWEST), HIGHEST
        )
        for time in range(expiry - WINDOW_S - 20, expiry + 40, 59):
            twins.chain.move_to(max(time, twins.chain.now))
            if time >= expiry:
                self.offices.settle_future(FUTURE)
            self.push()
        self.offices.settle_future(FUTURE)
        if self.offices.close_expired(FUTURE, everybody):
            for one in reversed(twins.people):
                if twins.state.subaccounts[one.id].cash_wad < 0 or random.random() < 0.1:
                    self.offices.resolve(one.id)

    # ------------------------------------------------------------------------------ the fund's positions

    def abandon(self) -> None:
        """Somebody gets into a position, asks for it to be closed, and has it closed hours later."""
        random, offices = self.random, self.offices
        trader, market = random.choice(self.twins.people), random.choice((*PERPETUALS, FUTURE))
        side = random.choice((-1, 1))
        if market not in self.twins.state.subaccounts[trader.id].legs:
            self.load(trader, market, side)
        if not offices.request_close(trader, trader.id, market):
            return
        if random.random() < 0.3:
            self.load(trader, market, -side)
        wait = CLOSE_DELAY_S + random.choice(
            (0, 0, 0, 0, FUTURE_LIFE_S, -1, CLOSE_WINDOW_S, CLOSE_WINDOW_S + 1)
        )
        if random.random() < 0.2:
            self.twins.chain.move_to(self.twins.chain.now + wait)
        else:
            self.advance(self.twins.chain.now + wait)
        held = self.twins.state.subaccounts[trader.id].legs.get(market)
        if held is not None and random.random() < 0.4:
            self.twins.chain.move_to(self.twins.chain.now + 1)
            self.move(random.randint(60, 140) * (-1 if held.size_wad > 0 else 1))
        if offices.force_close(trader.id, market):
            offices.force_close(trader.id, market)
            self.unwind()

    def unwind(self) -> None:
        """The fund gives up a position against orders around the price it may take."""
        held = self.twins.state.subaccounts[INSURANCE].legs
        market = self.random.choice((*held, *held, *held, *PERPETUALS, MarketId(9)))
        if market in held:
            if self.random.random() < 0.7:
                self.push()
            self.twins.refresh(market)
            size = held[market].size_wad
            limit = give_up_price(size, self.twins.state.markets[market])
        else:
            size, limit = WAD, WAD
        self.offices.unwind(market, self.makers(-size, limit, market))
