"""Lies about settlement: what is pretended about a transaction, and a floor where such a one is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from optimistic.agents.keeper import makers_of
from optimistic.protocol.settlement.batch_codec import Batch, Fill, SignedOrder, decode, encode
from optimistic.protocol.settlement.orders import Order, order_digest
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import Hash32
from optimistic.service.abi import decode_values
from scripts.staging.contract_views import function_of
from scripts.staging.market_terms import STEPS
from scripts.staging.pretence import Pretence, skipped_margin_check, worse_fill, wrong_liquidation
from scripts.staging.trading_floor import MARKET, Trader, TradingFloor
from scripts.staging.world import World

_PRICE_WAD: Final = 60_000 * WAD
_TICKS: Final = _PRICE_WAD // STEPS.tick_wad
_LOTS: Final = WAD // STEPS.lot_wad
"""One contract."""
_TOKENS: Final = 50_000
_ORDER_LIFE_S: Final = 3_600
_OVERPAID_WAD: Final = 1_000 * WAD
_UNSEEN_WAD: Final = 49_300 * WAD
"""Of the cash of who holds a contract and has paid `_TOKENS` in: the rest is less than half its margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """A lie about a transaction of settlement.

    Attributes
    ----------
    place : where it is looked for; see `Insider.target`
    pretend : returns what is pretended, from the call data
    send : has somebody send such a transaction on a floor of its own; returns its hash
    """

    place: str
    pretend: Callable[[bytes], Pretence]
    send: Callable[[World, TradingFloor], Hash32]


def stage_forgery(world: World, forgery: Forgery) -> Hash32:
    """Open a market on the stage and have the transaction sent that is lied about."""
    floor = TradingFloor(world, _PRICE_WAD)
    try:
        return forgery.send(world, floor)
    finally:
        floor.close()


# ---------------------------------------------------------------------------------- what is pretended


def _no_margin_check(_: bytes) -> Pretence:
    return skipped_margin_check()


def _overpaid(data: bytes) -> Pretence:
    """The taker of the first fill pays more than it signed."""
    batch = decode(_arguments("Clearing", "settleBatch", data)[0])
    fill = batch.fills[0]
    quoted = [item.quotes.subaccount for item in batch.quotes for _ in item.leaves]
    entries = [*quoted, *(item.order.subaccount for item in batch.orders)]
    return worse_fill(entries[fill.taker], entries[fill.maker], _OVERPAID_WAD)


def _poor_for_a_moment(data: bytes) -> Pretence:
    return wrong_liquidation(_arguments("Liquidator", "liquidate", data)[0], _UNSEEN_WAD)


def _arguments(contract: str, name: str, data: bytes) -> tuple[Any, ...]:
    return decode_values(function_of(contract, name).inputs, data[4:])


# ---------------------------------------------------------------------------------- what is sent


def _poor_buyer(world: World, floor: TradingFloor) -> Hash32:
    """Somebody with a hundred dollars buys a bitcoin: the contracts leave it out."""
    (seller,) = floor.pay_in(["rich"], 10 * _TOKENS)
    (buyer,) = floor.pay_in(["poor"], 100)
    floor.push(_PRICE_WAD)
    return _trade(world, floor, buyer, seller)


def _fair_trade(world: World, floor: TradingFloor) -> Hash32:
    """Two meet at the price."""
    buyer, seller = floor.pay_in(["buyer", "seller"], _TOKENS)
    floor.push(_PRICE_WAD)
    return _trade(world, floor, buyer, seller)


def _greedy_keeper(world: World, floor: TradingFloor) -> Hash32:
    """Somebody tries to liquidate a healthy account: the contracts refuse."""
    victim, keeper = floor.pay_in(["victim", "keeper"], _TOKENS)
    floor.push(_PRICE_WAD)
    floor.wait([_trade(world, floor, victim, keeper)])
    floor.push(_PRICE_WAD)
    bid = _signed(world, floor, keeper, is_buy=True)
    return floor.send(keeper.secret, "Liquidator", "liquidate", victim.subaccount, MARKET, 0, makers_of(bid))


def _trade(world: World, floor: TradingFloor, buyer: Trader, seller: Trader) -> Hash32:
    orders = (_signed(world, floor, seller, is_buy=False), _signed(world, floor, buyer, is_buy=True))
    batch = encode(Batch(orders=orders, fills=(Fill(maker=0, taker=1, lots=_LOTS),)))
    return floor.send(seller.secret, "Clearing", "settleBatch", batch)


def _signed(world: World, floor: TradingFloor, trader: Trader, *, is_buy: bool) -> SignedOrder:
    """An order for one contract at the price."""
    trader.nonce += 1
    order = Order(
        subaccount=trader.subaccount,
        market=MARKET,
        is_buy=is_buy,
        lots=_LOTS,
        ticks=_TICKS,
        max_fee_pips=1_000,
        expiry=world.clock.time_s() + _ORDER_LIFE_S,
        nonce=trader.nonce,
    )
    return SignedOrder(order=order, signature=trader.key.sign(order_digest(floor.separator, order, STEPS)))


SKIPPED_MARGIN_CHECK: Final = Forgery(place="settlement", pretend=_no_margin_check, send=_poor_buyer)
WORSE_FILL: Final = Forgery(place="settlement", pretend=_overpaid, send=_fair_trade)
WRONG_LIQUIDATION: Final = Forgery(place="liquidation", pretend=_poor_for_a_moment, send=_greedy_keeper)
