"""The trading act: makers and takers on real or made-up prices, funding, a crash, and money back to L1."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from optimistic.agents.keeper import ClosingQuote, makers_of
from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.commands import OrderFlag, Place, PlaceQuotes, QuoteLeaf
from optimistic.node.exchange.events import Published, Traded, TradeSettled
from optimistic.node.exchange.signed_messages import place_of
from optimistic.protocol.matching.types import TimeInForce
from optimistic.protocol.settlement import invariants
from optimistic.protocol.settlement.batch_codec import SignedOrder
from optimistic.protocol.settlement.orders import Order, Quotes, order_digest, quotes_digest
from optimistic.protocol.settlement.quote_trees import Leaf, QuoteTree
from optimistic.protocol.settlement.types import BAD_DEBT, SubaccountId
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import Hash32
from optimistic.protocol.withdrawals import Message
from optimistic.service.l1_types import Call
from optimistic.service.settlement_section import DEV_CASH
from scripts.staging.contract_views import call_data, decoded, messages_in
from scripts.staging.market_terms import STEPS
from scripts.staging.trading_floor import MARKET, TOKEN, Trader, TradingFloor
from scripts.staging.world import World

Say = Callable[[str], None]

N_MAKERS: Final = 2
N_TAKERS: Final = 20
MAKER_TOKENS, TAKER_TOKENS = 2_000_000, 3_000
MINUTES: Final = 6
LEVELS: Final = 20
LEVEL_LOTS: Final = 400
TAKER_LOTS: Final = 160
"""About a sixth of a contract a minute: after some minutes a taker holds many times what it paid in."""
MAX_FEE_PIPS: Final = 1_000
CRASH_PIPS: Final = 40_000
CRASHES: Final = 4
INSURED_TOKENS: Final = 100_000
WITHDRAWN_TOKENS: Final = 50
_IOC: Final = TimeInForce.IOC << OrderFlag.TIME_IN_FORCE_SHIFT
_ORDER_LIFE_S: Final = 3_600


@dataclass(slots=True)
class Count:
    """What the act counts."""

    orders: int = 0
    fills: int = 0
    liquidations: int = 0


class TradingAct:
    """Plays on a floor of its own.

    Parameters
    ----------
    closes : closing prices of minutes, in WAD
    """

    def __init__(self, world: World, say: Say, chance: random.Random, closes: Iterator[int]) -> None:
        self._world = world
        self._say = say
        self._chance = chance
        self._closes = closes
        self._floor = TradingFloor(world, next(closes))
        self._floor.house.core.subscribe(self._hear)
        self._count = Count()
        self._settled: dict[int, Hash32] = {}
        """Trade -> the L2 transaction that settled it."""
        self.message: Message | None = None
        """What pays a maker's withdrawal out on L1."""
        self._makers: list[Trader] = []
        self._takers: list[Trader] = []

    def play(self) -> dict[str, Any]:
        """Play it; return what the last line of the demonstration says about settlement."""
        self._makers = self._floor.pay_in([f"maker {n}" for n in range(N_MAKERS)], MAKER_TOKENS)
        self._takers = self._floor.pay_in([f"taker {n}" for n in range(N_TAKERS)], TAKER_TOKENS)
        self._say(f"trade:   {N_MAKERS} makers and {N_TAKERS} takers have paid in through the gateway")
        for minute in range(MINUTES):
            self._floor.push(next(self._closes))
            self._trade(leans_long=minute < MINUTES // 2)
        self._say(f"trade:   {self._count.orders} signed orders, {self._count.fills} fills on minute bars")
        self._insure()
        self._fund()
        self._crash()
        self._withdraw()
        return self._report()

    def tokens_on_l1(self) -> int:
        """Return what the maker that withdraws holds of the token on L1, in its units."""
        token = self._world.deployment.settlement.token
        call = Call(to=token, data=call_data(DEV_CASH, "balanceOf", self._makers[1].address))
        return int.from_bytes(self._world.client.call(call, "latest"), "big")

    def close(self) -> None:
        """Release the floor."""
        self._floor.close()

    # ------------------------------------------------------------------------------ orders

    def _trade(self, *, leans_long: bool) -> None:
        """Let makers quote and takers take, and wait until the chain has settled it."""
        for maker in self._makers:
            self._quote(maker)
        for taker in self._takers:
            self._take(taker, is_buy=leans_long or self._chance.random() < 0.5)
        machine = self._floor.house.core.machine
        self._world.turn_until(lambda: self._turned() and not machine.settling.n_unsettled, "the settlement")

    def _turned(self) -> bool:
        self._floor.house.turn()
        return True

    def _quote(self, maker: Trader) -> None:
        """Quote both sides of the mark under one signature."""
        middle = self._floor.price_wad // STEPS.tick_wad
        leaves = [
            QuoteLeaf(is_buy, LEVEL_LOTS, middle + (-step if is_buy else step))
            for step in range(1, LEVELS + 1)
            for is_buy in (True, False)
        ]
        terms = self._terms(maker)
        tree = QuoteTree([Leaf(n, leaf.is_buy, leaf.lots, leaf.ticks) for n, leaf in enumerate(leaves)])
        digest = quotes_digest(self._floor.separator, Quotes(**terms, root=tree.root))
        command = PlaceQuotes(
            **terms, leaves=tuple(leaves), signature=maker.key.sign(digest), post_only=False
        )
        self._submit(command, len(leaves))

    def _take(self, taker: Trader, *, is_buy: bool) -> None:
        """Take at the price, within half a percent."""
        ticks = self._floor.price_wad // STEPS.tick_wad * (1_005 if is_buy else 995) // 1_000
        order = Order(**self._terms(taker), is_buy=is_buy, lots=TAKER_LOTS, ticks=ticks, flags=_IOC)
        signature = taker.key.sign(order_digest(self._floor.separator, order, STEPS))
        self._submit(place_of(SignedOrder(order=order, signature=signature)), 1)

    def _terms(self, trader: Trader) -> dict[str, Any]:
        """What every signed message of a trader says."""
        trader.nonce += 1
        return {
            "subaccount": trader.subaccount,
            "market": MARKET,
            "max_fee_pips": MAX_FEE_PIPS,
            "expiry": self._world.clock.time_s() + _ORDER_LIFE_S,
            "nonce": trader.nonce,
        }

    def _submit(self, command: Place | PlaceQuotes, n_orders: int) -> None:
        [answer] = self._floor.house.core.submit([command])
        if isinstance(answer, Ack):
            self._count.orders += n_orders

    def _hear(self, published: Published) -> None:
        for event in published.events:
            if isinstance(event, Traded):
                self._count.fills += 1
            elif isinstance(event, TradeSettled):
                self._settled[event.trade_id] = event.tx_hash

    # ------------------------------------------------------------------------------ funding and a crash

    def _insure(self) -> None:
        """Let a maker pay into the market's insurance."""
        maker = self._makers[1]
        amount_wad = INSURED_TOKENS * WAD
        sent = self._floor.send(maker.secret, "InsuranceFund", "donate", MARKET, maker.subaccount, amount_wad)
        self._floor.wait([sent])

    def _fund(self) -> None:
        """Let an hour pass over a book above the index: longs pay shorts."""
        before = self._floor.state().markets[MARKET].funding.cumulative_wad
        for _ in range(6):
            self._world.clock.advance(600)
            self._floor.report(premium_pips=1_000)
            self._floor.push(self._floor.price_wad)
        paid = self._floor.state().markets[MARKET].funding.cumulative_wad - before
        self._say(f"funding: longs paid {_usd(paid)} per contract in an hour of premium")

    def _crash(self) -> None:
        """Let the price fall until longs are below their maintenance margin; makers liquidate them."""
        for _ in range(CRASHES):
            self._floor.push(self._floor.price_wad * (10**6 - CRASH_PIPS) // 10**6)
            self._floor.turn(2)
            for id_ in sorted(self._floor.state().subaccounts):
                if any(taker.subaccount == id_ for taker in self._takers):
                    self._treat(id_)
        self._say(f"crash:   {self._count.liquidations} liquidations, price {_usd(self._floor.price_wad)}")

    def _treat(self, id_: SubaccountId) -> None:
        """Flag, see the price again, and take over what may be closed.

        The price is seen again for everybody: one that is old enough for the next block to refuse would do
        for who is closed, and not for who takes the position over.
        """
        keeper, floor = self._makers[0], self._floor
        if not self._is_ill(id_):
            return
        if not floor.read("Liquidator", "flaggedAt", id_):
            floor.wait([floor.send(keeper.secret, "Liquidator", "flag", id_)])
        floor.push(floor.price_wad)
        while floor.read("Liquidator", "isLiquidatable", id_):
            size_wad, limit_wad = floor.read("Liquidator", "closeTerms", id_, MARKET)
            quote = ClosingQuote.of(STEPS, size_wad, limit_wad)
            if quote is None:
                break
            makers = self._makers_for(keeper, quote)
            sent = floor.send(
                keeper.secret, "Liquidator", "liquidate", id_, MARKET, keeper.subaccount, makers
            )
            floor.wait([sent])
            self._count.liquidations += 1

    def _is_ill(self, id_: SubaccountId) -> bool:
        """Whether there is something to close: below at the mark and at the index."""
        size_wad, _ = self._floor.read("Liquidator", "closeTerms", id_, MARKET)
        return bool(size_wad)

    def _makers_for(self, keeper: Trader, quote: ClosingQuote) -> bytes:
        """Return a batch with one order that takes all of a closing at the worst price allowed."""
        order = Order(**self._terms(keeper), **quote._asdict())
        digest = order_digest(self._floor.separator, order, STEPS)
        return makers_of(SignedOrder(order=order, signature=keeper.key.sign(digest)))

    # ------------------------------------------------------------------------------ the end

    def _withdraw(self) -> None:
        """Let a maker ask for some of its cash, and send it towards L1."""
        maker, floor = self._makers[1], self._floor
        floor.push(floor.price_wad)
        units = WITHDRAWN_TOKENS * TOKEN
        asked = floor.send(
            maker.secret, "Collateral", "requestWithdrawal", maker.subaccount, 0, units, maker.address
        )
        [receipt] = floor.wait([asked])
        [requested] = decoded(receipt.logs, "Collateral", "WithdrawalRequested")
        number = requested["number"]
        ready_at = floor.read("Collateral", "withdrawal", number)[4]
        self._world.clock.advance(max(0, ready_at - self._world.clock.time_s()) + 1)
        floor.turn()
        [receipt] = floor.wait([floor.send(maker.secret, "Collateral", "release", number)])
        [self.message] = messages_in(receipt.logs)
        self._say(f"trade:   a maker withdraws {WITHDRAWN_TOKENS} tokens")

    def _report(self) -> dict[str, Any]:
        """Return the numbers of the act, from the chain."""
        store, count = self._world.node.store, self._count
        hashes = set(self._settled.values())
        receipts = [receipt for h in hashes if (receipt := store.receipt(h)) is not None]
        n_bytes = sum(len(found.raw) for h in hashes if (found := store.transaction_by_hash(h)) is not None)
        settled, state = max(1, len(self._settled)), self._floor.state()
        return {
            "orders": count.orders,
            "fills": len(self._settled),
            "fills_per_l2_tx": round(len(self._settled) / max(1, len(hashes)), 1),
            "l2_gas_per_fill": sum(receipt.gas_used for receipt in receipts) // settled,
            "l1_bytes_per_fill": round(n_bytes / settled, 1),
            "liquidations": count.liquidations,
            "bad_debt_wei": -state.subaccounts[BAD_DEBT].cash_wad if BAD_DEBT in state.subaccounts else 0,
            "conservation_ok": not invariants.broken(state) and count.fills == len(self._settled),
        }


def _usd(amount_wad: int) -> str:
    return f"${amount_wad / WAD:,.2f}"
