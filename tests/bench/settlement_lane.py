"""How fast the settlement contracts run: honest batches, and calls made to be slow for their gas."""

import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from optimistic.protocol.execution.frame import Frame
from optimistic.protocol.execution.tracers import NullTracer
from optimistic.protocol.params import DEVNET
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement.batch_codec import Batch, Fill, SignedOrder, SignedQuotes, encode
from optimistic.protocol.settlement.orders import Quotes, domain_separator, quotes_digest
from optimistic.protocol.settlement.quote_trees import Leaf, Node, Op, QuoteTree, node_hash
from optimistic.protocol.settlement.signatures import SIGNATURE_BYTES
from optimistic.protocol.transactions import intrinsic_message_gas
from optimistic.protocol.types import ZERO_HASH, Hash32
from scripts.staging.contract_views import call_data
from scripts.staging.market_terms import SIGNERS
from tests.helpers.settlement_engine import OWNER, SettlementEngine
from tests.helpers.settlement_setup import BTC_FEED, BTC_PRICE, PERPETUAL, WAD, compact, observations, signed

MAKERS: Final = 2
TAKERS: Final = 20
MATCHES: Final = 200
TICKS: Final = BTC_PRICE * 10 // WAD
HASHES: Final = 1_500
"""Of a program of quotes that shows none."""
JUNK_ORDERS: Final = 300
JUNK_FILLS: Final = 2_000
REPEATS: Final = 4
CASH: Final = 1_000_000

Case = Callable[[SettlementEngine], tuple[str, bytes]]
"""Prepares a state; returns the contract and the call data that are measured."""


class Speed(NamedTuple):
    """Execution gas (intrinsic gas costs no budget), and CPU time."""

    gas: int
    seconds: float
    status: int


def measure_case(case: Case) -> Speed:
    """Run one call on a state of its own, its state root included."""
    world = SettlementEngine()
    contract, data = case(world)
    world.engine.flush()
    started = time.process_time()
    outcome = world.call(OWNER, contract, data)
    seconds = time.process_time() - started
    intrinsic = intrinsic_message_gas(data, is_create=False)
    return Speed(gas=outcome.gas_used - intrinsic, seconds=seconds, status=outcome.status)


def netted_batch(world: SettlementEngine) -> tuple[str, bytes]:
    """Two makers with signed trees, twenty takers, two hundred matches, all slots cold."""
    leaves = [Leaf(index=i, is_buy=False, lots=10, ticks=TICKS) for i in range(MATCHES // MAKERS)]
    tree, quotes, orders = QuoteTree(leaves), [], []
    for number in range(MAKERS):
        key, _, account = world.trader(number, CASH)
        said = Quotes(
            subaccount=account,
            market=PERPETUAL,
            max_fee_pips=1_000,
            expiry=world.now + 3_600,
            nonce=1,
            root=tree.root,
        )
        digest = quotes_digest(domain_separator(DEVNET.l2_chain_id), said)
        program = tree.program(range(len(leaves)))
        quotes.append(SignedQuotes(quotes=said, signature=compact(key, digest), program=program))
    for number in range(TAKERS):
        key, _, account = world.trader(MAKERS + number, CASH)
        order = world.order(account, 10 * MATCHES // TAKERS, TICKS, is_buy=True, nonce=1)
        orders.append(signed(key, order))
    fills = tuple(Fill(maker=i, taker=MATCHES + i % TAKERS, lots=10) for i in range(MATCHES))
    return "Clearing", settle(Batch(quotes=tuple(quotes), orders=tuple(orders), fills=fills))


def few_orders(world: SettlementEngine, matches: int) -> tuple[str, bytes]:
    """Any number of matches of one maker with twenty takers, who signed once each."""
    key, _, account = world.trader(0, CASH)
    orders = [signed(key, world.order(account, matches, TICKS, is_buy=False, nonce=1))]
    for number in range(TAKERS):
        key, _, account = world.trader(1 + number, CASH)
        orders.append(signed(key, world.order(account, matches, TICKS, is_buy=True, nonce=1)))
    fills = tuple(Fill(maker=0, taker=1 + n % TAKERS, lots=1) for n in range(matches))
    return "Clearing", settle(Batch(orders=tuple(orders), fills=fills))


def one_match(world: SettlementEngine) -> tuple[str, bytes]:
    """One maker and one taker."""
    sides = []
    for number, is_buy in enumerate((False, True)):
        key, _, account = world.trader(number, CASH)
        sides.append(signed(key, world.order(account, 10, TICKS, is_buy=is_buy, nonce=1)))
    return "Clearing", settle(Batch(orders=tuple(sides), fills=(Fill(maker=0, taker=1, lots=10),)))


def junk_signatures(world: SettlementEngine) -> tuple[str, bytes]:
    """Many orders that nobody signed, every fill busted."""
    accounts = [world.trader(number, 1)[2] for number in range(2)]
    orders = [
        SignedOrder(
            order=world.order(accounts[n % 2], 1, TICKS, is_buy=bool(n % 2), nonce=n),
            signature=n.to_bytes(SIGNATURE_BYTES // 2, "big") * 2,
        )
        for n in range(1, JUNK_ORDERS + 1)
    ]
    fills = tuple(Fill(maker=2 * n, taker=2 * n + 1, lots=1) for n in range(JUNK_ORDERS // 2))
    return "Clearing", settle(Batch(orders=tuple(orders), fills=fills))


def beyond_margin(world: SettlementEngine) -> tuple[str, bytes]:
    """Twenty poor takers: each round finds some of them out and begins again."""
    key, _, maker = world.trader(0, CASH)
    orders = [signed(key, world.order(maker, 10_000, TICKS, is_buy=False, nonce=1))]
    for number in range(TAKERS):
        key, _, account = world.trader(1 + number, 100)
        orders.append(signed(key, world.order(account, 1_000, TICKS, is_buy=True, nonce=1)))
    fills = tuple(Fill(maker=0, taker=1 + n % TAKERS, lots=20) for n in range(MATCHES))
    return "Clearing", settle(Batch(orders=tuple(orders), fills=fills))


def same_side(world: SettlementEngine) -> tuple[str, bytes]:
    """Many fills of two orders that both buy: nothing but computing."""
    orders = []
    for number in range(2):
        key, _, account = world.trader(number, CASH)
        orders.append(signed(key, world.order(account, 1_000_000, TICKS, is_buy=True, nonce=1)))
    fills = (Fill(maker=0, taker=1, lots=1),) * JUNK_FILLS
    return "Clearing", settle(Batch(orders=tuple(orders), fills=fills))


def long_program(world: SettlementEngine) -> tuple[str, bytes]:
    """A tree of which no quote is shown: hashes only."""
    _, _, account = world.trader(0, 1)
    root, program = Hash32(ZERO_HASH), list[Op]([Hash32(ZERO_HASH)])
    for _ in range(HASHES):
        program += [Hash32(ZERO_HASH), Node.JOIN]
        root = node_hash(root, Hash32(ZERO_HASH))
    said = Quotes(subaccount=account, market=PERPETUAL, max_fee_pips=0, expiry=world.now, nonce=1, root=root)
    quotes = SignedQuotes(quotes=said, signature=bytes(SIGNATURE_BYTES), program=tuple(program))
    return "Clearing", settle(Batch(quotes=(quotes,)))


def price_push(world: SettlementEngine) -> tuple[str, bytes]:
    """A price of all signers."""
    world.move_to(world.now + 1)
    seen = observations(BTC_FEED, BTC_PRICE, world.now, SIGNERS)
    return "PriceOracle", call_data("PriceOracle", "push", BTC_FEED, seen)


def explanation(world: SettlementEngine) -> tuple[str, bytes]:
    """A view as a transaction: the margin of a subaccount with a position."""
    sides = []
    for number, is_buy in enumerate((False, True)):
        key, _, account = world.trader(number, CASH)
        sides.append(signed(key, world.order(account, 10, TICKS, is_buy=is_buy, nonce=1)))
    batch = settle(Batch(orders=tuple(sides), fills=(Fill(maker=0, taker=1, lots=10),)))
    world.act(OWNER, "Clearing", batch)
    return "StandardMargin", call_data("StandardMargin", "explain", sides[0].order.subaccount)


class _MemoryTracer(NullTracer):
    """Keeps how much memory the outermost frame had at its end."""

    def __init__(self) -> None:
        self.n_bytes = 0

    def on_exit(self, frame: Frame) -> None:
        """Measure the outermost frame."""
        if frame.msg.depth == 0:
            self.n_bytes = len(frame._memory)


def memory_bytes(world: SettlementEngine, contract: str, data: bytes) -> int:
    """Return how much memory a call that succeeds leaves in its own frame."""
    tracer = _MemoryTracer()
    done = world.views().run(SETTLEMENT_CONTRACTS[contract], data, OWNER, tracer)
    if done.error is not None:
        raise RuntimeError(f"{contract}: {done.error} {done.output.hex()}")
    return tracer.n_bytes


def settle(batch: Batch) -> bytes:
    """Call data of a batch."""
    return call_data("Clearing", "settleBatch", encode(batch))


CASES: Final[dict[str, Case]] = {
    case.__name__: case
    for case in (
        one_match,
        netted_batch,
        junk_signatures,
        beyond_margin,
        same_side,
        long_program,
        price_push,
        explanation,
    )
}


def measure() -> Iterator[tuple[str, Speed]]:
    """Measure every case a few times and keep the run that was disturbed least."""
    for name, case in CASES.items():
        runs = [measure_case(case) for _ in range(REPEATS)]
        yield name, min(runs, key=lambda speed: speed.seconds)
