"""Reads what Clearing says about a batch, and holds it against what was sent."""

from collections.abc import Sequence

from optimistic.node.exchange.live import Batch, Trade
from optimistic.node.exchange.ports import ChainLog
from optimistic.protocol.constants import CLEARING
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import MarketId

FILLED = keccak256(b"Filled(uint32,uint64,uint64,int256,uint256,bytes32,bytes32,uint256,uint256)")
FILL_BUSTED = keccak256(b"FillBusted(uint256,uint64,uint64,uint8)")


class UnexpectedSettlement(CriticalError):
    """The chain says something about a batch that was not sent: another program uses the exchange's key."""


def outcomes_of(batch: Batch, logs: Sequence[ChainLog], state: State) -> tuple[tuple[int, bytes, bytes], ...]:
    """Return per trade (`Bust`, maker's fee, taker's fee), fees as `BatchSettled` has them.

    Raises
    ------
    UnexpectedSettlement : the logs do not fit the batch
    """
    busts: dict[int, int] = {}
    fills: list[ChainLog] = []
    for item in logs:
        if item.address != CLEARING or not item.topics:
            continue
        if item.topics[0] == FILL_BUSTED:
            busts[int.from_bytes(item.topics[1], "big")] = int.from_bytes(item.data[64:96], "big")
        elif item.topics[0] == FILLED:
            fills.append(item)
    if len(fills) + len(busts) != len(batch.trades):
        raise UnexpectedSettlement(
            f"batch {batch.number} has {len(batch.trades)} trades, the chain speaks of "
            f"{len(fills)} fills and {len(busts)} busts"
        )
    settled = iter(fills)
    return tuple(
        (busts[place], b"", b"") if place in busts else _fill(trade, next(settled), state)
        for place, trade in enumerate(batch.trades)
    )


def _fill(trade: Trade, item: ChainLog, state: State) -> tuple[int, bytes, bytes]:
    terms = state.markets[MarketId(trade.market)].terms
    words = [item.data[at : at + 32] for at in range(0, len(item.data), 32)]
    size, price = int.from_bytes(words[0], "big", signed=True), int.from_bytes(words[1], "big")
    expected = (trade.taker_lots * terms.lot_wad, trade.ticks * terms.tick_wad)
    if (size, price) != expected or (words[2], words[3]) != (trade.maker.key, trade.taker.key):
        raise UnexpectedSettlement(f"trade {trade.id} was settled as {size} at {price}")
    return 0, words[4].lstrip(b"\0"), words[5].lstrip(b"\0")
