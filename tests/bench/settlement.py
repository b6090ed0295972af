"""The settlement layer: matching, receipts of signed orders, trades to the chain and to L1, gas, liquidation.

Without a flow of a real market the engine is measured on a generated one. The lanes of the rollup are left
open here, so that the speed is that of the machine; what a profile allows is in docs/spec/01.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from optimistic.agents.keeper import ClosingQuote, makers_of
from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.types import PLAIN, Order, Side, Terms
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.settlement.batch_codec import Batch, Fill
from optimistic.service.wal import SyncPolicy
from scripts.staging.bars import generated_closes, read_closes
from scripts.staging.market_terms import STEPS
from tests.bench import exchange_api, settlement_lane
from tests.bench.market.engine_venue import EngineVenue
from tests.bench.market.flow import Event, generated_flow, opening_of, read_flow
from tests.bench.market.flow_replay import FlowReplay
from tests.bench.market.market_replay import OPTIONS
from tests.helpers.exchange_stage import ExchangeStage
from tests.helpers.settlement_engine import OWNER, SettlementEngine
from tests.helpers.settlement_setup import BTC_PRICE, PERPETUAL, signed
from tests.helpers.settlement_world import SettlementWorld, Trader

OPEN_LANES: Final = replace(DEVNET, system_gas_rate=10**9, system_gas_burst=10**11)
GENERATED_EVENTS: Final = 150_000
OWNERS: Final = 1_000
TICK_1E9: Final = 250_000_000
SETTLED_MATCHES: Final = 1_200
ONE_SHOT: Final = 80
"""Matches of a batch in which each has two orders of its own: what fits into one transaction."""
MEMORY_MATCHES: Final = (25, 225)
TICKS: Final = BTC_PRICE // STEPS.tick_wad
CASH: Final = 5_000_000
_RICH_TOKENS, _POOR_TOKENS, _BIG_LOTS = 1_000_000, 4_000, 1_000

Op = Callable[[Engine], object]


# ------------------------------------------------------------------------------ the engine


class RecordingVenue(EngineVenue):
    """Remembers what it asks of the engine, with owners who rest many orders and one who takes."""

    def __init__(self) -> None:
        super().__init__()
        self.ops: list[Op] = []

    def cancel(self, order: int) -> None:
        """Cancel an order, if it is there."""
        id_ = self._ids.get(order, 0)
        if id_ in self.engine.orders:
            self.ops.append(lambda engine: engine.cancel(id_))
        super().cancel(order)

    def resize(self, order: int, ticks: int, lots: int) -> None:
        """Change an order."""
        id_ = self._ids[order]
        self.ops.append(lambda engine: engine.amend(id_, ticks, lots))
        super().resize(order, ticks, lots)

    def _place(self, side: Side, ticks: int, lots: int, terms: Terms = PLAIN) -> None:
        id_ = self._last_id
        who = 1 + id_ % OWNERS if terms is PLAIN else 0
        self.ops.append(lambda engine: engine.place(Order(id_, who, who, side, ticks, lots, terms)))
        super()._place(side, ticks, lots, terms)


def measure_engine(flow: Iterable[Event], starts_at_ns: int = 0) -> dict[str, Any]:
    """Time the operations that a flow consists of, apart from comparing books."""
    venue = RecordingVenue()
    tally = FlowReplay(venue, starts_at_ns).play(flow)
    best_s = min(_timed(venue.ops) for _ in range(3))
    return {
        "engine_ops": len(venue.ops),
        "engine_fills": tally.fills,
        "l3_mismatches": tally.l3_mismatches,
        "engine_ops_s": round(len(venue.ops) / best_s),
    }


def _timed(ops: list[Op]) -> float:
    """Time a run. The list of operations is the bench's own: the collector leaves it alone meanwhile."""
    engine = Engine()
    events = engine.events
    gc.collect()
    gc.freeze()
    started = time.perf_counter()
    for op in ops:
        op(engine)
        events.clear()
    seconds = time.perf_counter() - started
    gc.unfreeze()
    return seconds


# ------------------------------------------------------------------------------ gas and bytes


def measure_gas() -> dict[str, Any]:
    """Return L2 gas and L1 bytes per match: of one, of netted ones, of one-shot orders; slots cold."""
    single = _settled(settlement_lane.one_match, 1)
    netted = _settled(settlement_lane.netted_batch, settlement_lane.MATCHES)
    one_shot = _settled(one_shot_batch, ONE_SHOT)
    return {
        "l2_gas_per_fill_single": single[0],
        "l2_gas_per_fill_netted": netted[0],
        "l2_gas_per_fill_one_shot": one_shot[0],
        "l1_bytes_per_fill_single": single[1],
        "l1_bytes_per_fill": netted[1],
        "l1_bytes_per_fill_one_shot": one_shot[1],
    }


def measure_memory() -> dict[str, Any]:
    """Return by how much memory a batch grows with each match of orders that are there already."""
    fewer, more = (_memory_of(matches) for matches in MEMORY_MATCHES)
    return {"l2_memory_bytes_per_fill": round((more - fewer) / (MEMORY_MATCHES[1] - MEMORY_MATCHES[0]), 1)}


def _memory_of(matches: int) -> int:
    world = SettlementEngine()
    return settlement_lane.memory_bytes(world, *settlement_lane.few_orders(world, matches))


def _settled(case: settlement_lane.Case, matches: int) -> tuple[int, float]:
    world = SettlementEngine()
    contract, data = case(world)
    outcome = world.call(OWNER, contract, data)
    if outcome.status != 1:
        raise RuntimeError(f"{case.__name__} failed")
    return outcome.gas_used // matches, round(len(data) / matches, 1)


def one_shot_batch(world: SettlementEngine) -> tuple[str, bytes]:
    """Matches between orders that are all signed one by one, of twenty-two accounts."""
    n_accounts = settlement_lane.MAKERS + settlement_lane.TAKERS
    accounts = [world.trader(number, settlement_lane.CASH) for number in range(n_accounts)]
    orders = []
    for match in range(ONE_SHOT):
        maker = accounts[match % settlement_lane.MAKERS]
        taker = accounts[settlement_lane.MAKERS + match % settlement_lane.TAKERS]
        for (key, _, account), is_buy in ((maker, False), (taker, True)):
            order = world.order(account, 10, settlement_lane.TICKS, is_buy=is_buy, nonce=match + 1)
            orders.append(signed(key, order))
    fills = tuple(Fill(maker=2 * match, taker=2 * match + 1, lots=10) for match in range(ONE_SHOT))
    return "Clearing", settlement_lane.settle(Batch(orders=tuple(orders), fills=fills))


# ------------------------------------------------------------------------------ to the chain


@contextmanager
def _world(params: RollupParams = OPEN_LANES) -> Iterator[SettlementWorld]:
    with tempfile.TemporaryDirectory() as folder:
        world = SettlementWorld(Path(folder), params)
        world.open(world.aggregator())
        try:
            yield world
        finally:
            world.close()


def measure_settled(bars: Path | None = None) -> dict[str, Any]:
    """Time matches, of two one-shot orders each, from matched to settled on L2 and posted on L1.

    A price comes with every turn of the node: those of the bars, moved to where the orders are.
    """
    closes = read_closes(bars) if bars else generated_closes(7, BTC_PRICE)
    first = next(closes)
    with _world() as world:
        makers = [world.trader(number, CASH) for number in range(2)]
        takers = [world.trader(number, CASH) for number in range(2, 4)]
        stage = ExchangeStage(world, world.folder / "exchange", OPTIONS)
        world.push_prices()
        for number in range(SETTLED_MATCHES):
            stage.place(makers[number % 2], -10, TICKS)
            stage.place(takers[number // 2 % 2], 10, TICKS)
        settling, started = stage.house.core.machine.settling, time.perf_counter()
        n_trades = settling.n_unsettled
        while settling.n_unsettled:
            moved = BTC_PRICE * next(closes, first) // first
            world.push_prices(moved // STEPS.tick_wad * STEPS.tick_wad)
            stage.turn()
        world.until_safe(world.node)
        seconds = time.perf_counter() - started
        stage.house.close()
    return {"settled_fills": n_trades, "fills_s_settled": round(n_trades / seconds)}


def measure_liquidation() -> dict[str, Any]:
    """Time from a price tick that makes a subaccount insolvent-bound to its liquidation in a block."""
    with _world() as world:
        rich, poor, keeper = (
            world.trader(number, tokens)
            for number, tokens in enumerate((_RICH_TOKENS, _POOR_TOKENS, _RICH_TOKENS))
        )
        world.push_prices()
        world.trade(poor, rich, _BIG_LOTS, TICKS)
        started = time.perf_counter()
        world.push_prices(BTC_PRICE * 94 // 100)
        world.act(world.owner, "Markets", "refresh", PERPETUAL)
        size_wad, limit_wad = world.read("Liquidator", "closeTerms", poor.subaccount, PERPETUAL)
        makers = _taking_over(world, keeper, size_wad, limit_wad)
        world.act(
            keeper.wallet, "Liquidator", "liquidate", poor.subaccount, PERPETUAL, keeper.subaccount, makers
        )
        return {"tick_to_liquidation_ms": round(1_000 * (time.perf_counter() - started))}


def _taking_over(world: SettlementWorld, keeper: Trader, size_wad: int, limit_wad: int) -> bytes:
    quote = ClosingQuote.of(STEPS, size_wad, limit_wad)
    assert quote is not None, "the price has fallen far enough"
    return makers_of(world.signed(keeper, quote.lots, quote.ticks, is_buy=quote.is_buy))


# ------------------------------------------------------------------------------ all of it


def measure(flow: Path | None = None, bars: Path | None = None) -> dict[str, Any]:
    """Measure everything.

    Parameters
    ----------
    flow : what the engine is measured on; generated without
    bars : prices pushed while trades settle; made up without
    """
    if flow:
        engine = measure_engine(read_flow(flow, TICK_1E9), opening_of(read_flow(flow, TICK_1E9)))
    else:
        engine = measure_engine(generated_flow(GENERATED_EVENTS, seed=7))
    return {
        **engine,
        **measure_gas(),
        **measure_memory(),
        **measure_settled(bars),
        **measure_liquidation(),
        **measure_gateway(),
    }


def measure_gateway() -> dict[str, Any]:
    """Measure signed orders to receipts through the API, for each policy of syncing the log."""
    found: dict[str, Any] = {}
    for policy in SyncPolicy:
        frames = exchange_api.measure_frames(policy=policy)
        latency = exchange_api.measure_latency(policy=policy)
        found[f"orders_s_to_receipt_{policy.value}"] = round(frames["orders_s_to_receipt"])
        found[f"ack_p50_ms_{policy.value}"] = latency["p50_ms"]
        if policy is SyncPolicy.GROUP:
            found["orders_s_to_receipt"] = round(frames["orders_s_to_receipt"])
            found["generator_cpu_s"] = frames.get("generator_cpu_s")
            found["server_cpu_s"] = frames["server_cpu_s"]
            found |= {f"ack_{name}": latency[name] for name in ("p50_ms", "p99_ms", "p999_ms")}
    found["orders_s_http"] = round(exchange_api.measure_http()["orders_s_http"])
    return found
