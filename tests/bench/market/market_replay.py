"""Order flow and price bars of real markets through everything: engine, clearing, batches, watchtower."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from challenger.model import Judgement
from optimistic.node.exchange.events import TradeBusted, TradeSettled
from optimistic.node.exchange.options import ExchangeOptions, OrderLimits, SettlementOptions
from optimistic.protocol.engine import Log
from optimistic.protocol.settlement import events, invariants
from scripts.staging.market_terms import STEPS
from tests.bench.market.exchange_venue import ExchangeVenue
from tests.bench.market.flow import Event
from tests.bench.market.flow_replay import FlowReplay, Tally
from tests.helpers.exchange_stage import ExchangeStage
from tests.helpers.settlement_setup import BTC_PRICE, PERPETUAL
from tests.helpers.settlement_world import SettlementWorld

OPTIONS: Final = ExchangeOptions(
    refuse_stale_prices=False,
    orders=OrderLimits(max_per_owner=100_000, settle_margin_s=0),
    settlement=SettlementOptions(max_age_ms=0, resend_ms=0),
)
N_MAKERS: Final = 3
CASH: Final = 5_000_000
"""Whole tokens of each trader."""
MATCHES_PER_PRICE: Final = 200
TURNS_PER_PRICE: Final = 3
MOST_ROUNDS: Final = 1_000
"""Looks at L1 after which a watchtower should have caught up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a replay."""

    events: int
    events_before_the_start: int
    l3_mismatches: int
    fills: int
    settled: int
    busts: int
    bars: int
    watchtower_valid: bool
    conservation_ok: bool

    @property
    def is_good(self) -> bool:
        """Whether the books were equal throughout, everything settled and everybody agrees."""
        is_exact = self.l3_mismatches == self.busts == 0 and self.settled == self.fills
        return is_exact and self.watchtower_valid and self.conservation_ok


class MarketReplay:
    """A settlement world with an exchange, and a flow that trades on it.

    Parameters
    ----------
    closes : prices of the index; one is pushed for every so many matches, some more behind the flow
    tell : told how far it is
    """

    def __init__(self, folder: Path, closes: Iterable[int], tell: Callable[[str], None]) -> None:
        self._world = SettlementWorld(folder)
        self._world.open(self._world.aggregator())
        self._closes = iter(closes)
        self._tell = tell
        self._bars = 0
        self._matches = 0
        self._settled: list[TradeSettled] = []
        self._busted: list[TradeBusted] = []
        self._price_wad = BTC_PRICE
        self._start_at_first_close()
        self._traders = [self._world.trader(number, CASH) for number in range(N_MAKERS + 1)]
        self._stage = ExchangeStage(self._world, folder / "exchange", OPTIONS)
        self._stage.house.core.subscribe(self._hear)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stage.house.close()
        self._world.close()

    def play(self, flow: Iterator[Event], middle_ticks: int, *, starts_at_ns: int, more_bars: int) -> Result:
        """Play a flow whose prices are about `middle_ticks`, then push so many bars more."""
        venue = ExchangeVenue(
            self._stage,
            PERPETUAL,
            self._traders[:-1],
            self._traders[-1],
            offset_ticks=self._price_wad // STEPS.tick_wad - middle_ticks,
            after_trade=self._count,
        )
        self._push()
        tally = FlowReplay(venue, starts_at_ns).play(flow)
        self._tell(f"{tally.events} events, {tally.fills} fills, {tally.l3_mismatches} mismatches")
        self._settle_all()
        for _ in range(more_bars):
            self._next_price()
        return self._result(tally)

    def _start_at_first_close(self) -> None:
        """Bring the index from the price of the world to that of the first bar, as fast as it may jump."""
        target = next(self._closes)
        while self._price_wad != target:
            bound = self._price_wad * 15 // 100
            self._price_wad += max(-bound, min(bound, target - self._price_wad))
            self._price_wad -= self._price_wad % STEPS.tick_wad if self._price_wad != target else 0
            self._push()

    def _count(self, matches: int) -> None:
        before, self._matches = self._matches, self._matches + matches
        if before // MATCHES_PER_PRICE != self._matches // MATCHES_PER_PRICE:
            self._next_price()
            self._tell(f"{self._matches} matches, {len(self._settled)} settled")

    def _next_price(self) -> None:
        self._price_wad = next(self._closes, self._price_wad)
        self._bars += 1
        self._push()
        self._stage.turn(TURNS_PER_PRICE)

    def _push(self) -> None:
        self._world.push_prices(self._price_wad)
        self._world.act(self._world.owner, "Markets", "refresh", PERPETUAL)

    def _settle_all(self) -> None:
        machine = self._stage.house.core.machine
        for _ in range(1_000):
            if not machine.settling.n_unsettled:
                return
            self._push()
            self._stage.turn(TURNS_PER_PRICE)
        raise RuntimeError(f"{machine.settling.n_unsettled} trades do not settle")

    def _result(self, tally: Tally) -> Result:
        self._world.confirm_all()
        return Result(
            events=tally.events,
            events_before_the_start=tally.events_before_the_start,
            l3_mismatches=tally.l3_mismatches,
            fills=self._matches,
            settled=len(self._settled),
            busts=len(self._busted),
            bars=self._bars,
            watchtower_valid=self._is_valid_to_a_watchtower(),
            conservation_ok=self._is_conserved(),
        )

    def _is_valid_to_a_watchtower(self) -> bool:
        self._tell("a watchtower rebuilds it from L1")
        tower = self._world.tower()
        assertions = [found.id for found in self._world.node.store.assertions()]
        for _ in range(MOST_ROUNDS):
            self._world.run(tower)
            findings = tower.monitor.findings
            judged = {findings.known.judgement(id_) for id_ in assertions} if findings else set()
            if judged and Judgement.UNKNOWN not in judged:
                return judged == {Judgement.VALID}
        return False

    def _is_conserved(self) -> bool:
        """Whether the invariants hold in the state that the logs of the contracts describe."""
        state = events.rebuild(
            (log.block_timestamp, Log(address=log.address, topics=log.topics, data=log.data))
            for log in self._world.stored_logs()
        )
        return not invariants.broken(state)

    def _hear(self, published: Any) -> None:
        for event in published.events:
            if isinstance(event, TradeSettled):
                self._settled.append(event)
            elif isinstance(event, TradeBusted):
                self._busted.append(event)


def middle_of(flow: Iterator[Event], sample: int = 20_000) -> int:
    """Return the median price of the trades, or else of the orders, among the first events of a flow."""
    messages = [message for event in islice(flow, sample) for message in event]
    prices = sorted(m.ticks for m in messages if m.action == "T") or sorted(m.ticks for m in messages)
    return prices[len(prices) // 2]
