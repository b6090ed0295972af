"""A node's API tells the bond of its exchange, its log what puts the bond at risk; agents notice a lie."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from optimistic.agents.market_maker import Ladder, MarketMaker
from optimistic.client.receipts import TwoStories, receipts_in
from optimistic.client.rest import RestClient
from optimistic.node.api.options import ApiOptions
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.trading import TradingFloor, TradingOptions
from optimistic.protocol.settlement.receipts import GENESIS_RECEIPT
from optimistic.service.clock import SystemClock
from optimistic.service.receipt_bond import ReceiptBond
from optimistic.service.wal import SyncPolicy
from tests.helpers.api_stage import ALICE, ALICE_SUBACCOUNT, api_stage
from tests.helpers.fake_exchange import MARKET
from tests.helpers.settlement_world import SettlementWorld, running_world
from tests.helpers.trading_stage import WorldClock
from tests.helpers.watchtower_stage import ETHER

EXCHANGE_KEY = bytes(31) + b"\x13"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SettlementWorld]:
    with running_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("policy", [SyncPolicy.EACH, SyncPolicy.GROUP])
def test_exchange__with_a_bond__tells_it_and_warns_of_power_cuts(
    world: SettlementWorld, policy: SyncPolicy
) -> None:
    options = TradingOptions(exchange=ExchangeOptions(sync_policy=policy), api=ApiOptions(port=0))
    floor = TradingFloor(world.node, EXCHANGE_KEY, options, clock=WorldClock(world))
    bonds = ReceiptBond.of(world.client, world.deployment)
    world.trader(0, 1).l1.send(bonds.post_call(floor.account, 3 * ETHER))

    with capture_logs() as logs:
        floor.start()
    try:
        with RestClient(floor.api.url) as client:
            told = client.get("/v1/exchange")
    finally:
        floor.api.stop()

    assert told["receiptSigner"] == "0x" + floor.account.hex()
    assert told["bond"]["contract"] == "0x" + bonds.address.hex()
    assert (told["bond"]["amountWei"], told["bond"]["readyAt"]) == (str(3 * ETHER), 0)
    assert told["bond"]["l1ChainId"] == world.params.l1_chain_id
    warned = [entry for entry in logs if entry["event"] == "receipt_bond_at_risk"]
    assert len(warned) == (0 if policy is SyncPolicy.EACH else 1)


def test_attack__exchange_goes_back_below_a_market_maker__stops_it_with_evidence(tmp_path: Path) -> None:
    ladder = Ladder(levels=2, lots=3, spread_pips=1_000, step_pips=1_000, max_lots=1_000)
    with api_stage() as stage:
        maker = MarketMaker(stage.url, ALICE, ALICE_SUBACCOUNT, MARKET, ladder, SystemClock())
        maker.keep_receipts(tmp_path / "receipts.jsonl")
        assert maker.step()["renewed"]
        stage.exchange.seq, stage.exchange.prev = 0, GENESIS_RECEIPT
        stage.rest(stage.alice).cancel_all()

        with pytest.raises(TwoStories) as caught:
            maker.step()
        maker.close()

    assert caught.value.file is not None
    assert len(receipts_in(caught.value.file)) == 2
