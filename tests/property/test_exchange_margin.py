"""What the exchange takes the chain does not refuse: while prices stand still, no trade is busted."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.commands import Cancel
from optimistic.node.exchange.events import TradeBusted
from optimistic.node.exchange.exchange import Around
from optimistic.node.exchange.house import ExchangeHouse, ExchangeKeys
from optimistic.node.exchange.options import ExchangeOptions, OrderLimits, SettlementOptions
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.protocol.settlement.invariants import broken
from optimistic.protocol.settlement.orders import REDUCE_ONLY
from optimistic.protocol.settlement.units import WAD
from optimistic.service.clock import FakeClock
from optimistic.service.signer import Signer
from optimistic.service.wal import SyncPolicy
from tests.helpers.exchange_world import CHAIN_ID, MARKET, OTHER_MARKET, PRICE_TICKS, RECEIPT_KEY
from tests.helpers.fake_chain import SETTLEMENT_KEY, FakeChain

OPTIONS = ExchangeOptions(
    sync_policy=SyncPolicy.NONE,
    orders=OrderLimits(price_band_pips=100_000),
    settlement=SettlementOptions(max_trades=3, max_age_ms=0, resend_ms=0),
)
CASH_WAD = 1_000 * WAD
ORDERS = st.tuples(
    st.just("order"),
    st.integers(0, 2),
    st.integers(-200, 200).filter(bool),
    st.integers(-900, 900),
    st.sampled_from([0, 0, 0, REDUCE_ONLY, 2 << 2]),
    st.sampled_from([MARKET, MARKET, OTHER_MARKET]),
)
STEPS = st.one_of(ORDERS, ORDERS, ORDERS, st.tuples(st.just("cancel")), st.tuples(st.just("turn")))


@settings(deadline=None)
@given(st.lists(STEPS, min_size=10, max_size=60))
def test_pretrade__any_run_at_still_prices__no_trade_is_busted(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chain = FakeChain(folder / "chain", n_traders=3, cash_wad=CASH_WAD)
        keys = ExchangeKeys(receipts=ReceiptSigner(RECEIPT_KEY, CHAIN_ID), settlement=Signer(SETTLEMENT_KEY))
        house = ExchangeHouse(folder / "exchange", chain, keys, OPTIONS, Around(clock=FakeClock()))
        busted: list[TradeBusted] = []
        house.core.subscribe(
            lambda published: busted.extend(e for e in published.events if isinstance(e, TradeBusted))
        )
        house.turn()
        placed: list[tuple[Any, int]] = []
        for step in steps:
            if step[0] == "order":
                _, who, lots, away, flags, market = step
                trader = chain.traders[who]
                place = trader.place(lots * 500, PRICE_TICKS + away, flags=flags, market=market)
                [answer] = house.core.submit([place])
                if isinstance(answer, Ack):
                    placed.append((trader.owner, answer.order_id))
            elif step[0] == "cancel" and placed:
                owner, order_id = placed.pop()
                house.core.submit([Cancel(owner=owner, order_id=order_id)])
            else:
                house.turn()
                chain.mine()
        for _ in range(60):
            house.turn()
            chain.mine()

        assert not house.core.machine.settling.n_unsettled
        assert not busted
        assert not broken(chain.state)
        house.close()
