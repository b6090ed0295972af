"""An exchange that is restored from a backup tells two stories, and a trader takes its bond on L1."""

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from optimistic.client.receipts import ReceiptLog, TwoStories, receipts_in, signed_receipt
from optimistic.node.api.bond import BondReader
from optimistic.node.api.replies import receipt_out
from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.exchange import Around
from optimistic.node.exchange.house import ExchangeHouse, ExchangeKeys
from optimistic.node.exchange.node_chain import NodeChain
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.protocol.settlement.receipts import ReceiptDomain
from optimistic.protocol.types import Address
from optimistic.service.contract import revert_class
from optimistic.service.receipt_bond import BondState, ReceiptBond
from optimistic.service.signer import Signer
from tests.helpers.exchange_stage import ExchangeStage
from tests.helpers.settlement_setup import BTC_PRICE, WAD
from tests.helpers.settlement_world import Trader, running_world
from tests.helpers.watchtower_stage import ETHER

TICKS = BTC_PRICE * 10 // WAD
BOND_WEI = 32 * ETHER + 1
BENEFICIARY = Address(b"\x5e" * 20)
NEW_KEY = bytes(31) + b"\x21"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ExchangeStage]:
    with running_world(tmp_path) as world:
        made = ExchangeStage(world, tmp_path / "exchange")
        yield made
        made.house.close()


def trader_and_bond(stage: ExchangeStage) -> tuple[Trader, ReceiptBond]:
    """A trader who has posted a bond for the exchange."""
    world = stage.world
    alice = world.trader(0, 50_000)
    world.push_prices()
    stage.turn(3)
    bonds = ReceiptBond.of(world.client, world.deployment)
    alice.l1.send(bonds.post_call(stage.house.core.signer.address, BOND_WEI))
    return alice, bonds


def receipt_of(stage: ExchangeStage, trader: Trader, lots: int) -> dict[str, Any]:
    """Place an order; return its receipt as the API sends it."""
    answer = stage.place(trader, lots, TICKS)
    assert isinstance(answer, Ack)
    assert answer.receipt is not None
    values: dict[str, Any] = json.loads(msgspec.json.encode(receipt_out(answer.receipt)))
    return values


def test_attack__exchange_rolled_back__loses_its_bond_to_a_trader(
    stage: ExchangeStage, tmp_path: Path
) -> None:
    world, key = stage.world, stage.house.core.signer.address
    alice, bob = (world.trader(number, 50_000) for number in range(2))
    world.push_prices()
    stage.turn(3)
    bonds = ReceiptBond.of(world.client, world.deployment)
    bob.l1.send(bonds.post_call(key, BOND_WEI))
    reader = BondReader(bonds, key, world.clock)
    shown = reader.read()
    assert shown is not None
    assert (shown.amount_wei, shown.ready_at, shown.is_slashed) == (str(BOND_WEI), 0, False)
    chain_id, file = world.params.l2_chain_id, tmp_path / "receipts.jsonl"
    ReceiptLog(chain_id, key, file=file).check(receipt_of(stage, alice, 100))

    # The operator restores yesterday's folder. Alice's next order gets the place that another has.
    stage.house.close()
    shutil.copytree(stage.folder, tmp_path / "backup")
    stage.house = stage.open()
    ReceiptLog(chain_id, key, file=file).check(receipt_of(stage, alice, 200))
    stage.house.close()
    shutil.rmtree(stage.folder)
    shutil.copytree(tmp_path / "backup", stage.folder)
    stage.house = stage.open()
    with pytest.raises(TwoStories) as caught:
        ReceiptLog(chain_id, key, file=file).check(receipt_of(stage, alice, 300))

    assert caught.value.file is not None
    first, second = map(signed_receipt, receipts_in(caught.value.file))
    call = bonds.slash_call(first, second, BENEFICIARY)
    bob.l1.send(call)

    reward_wei = BOND_WEI // 2
    assert world.client.balance_wei(BENEFICIARY, "latest") == reward_wei
    assert world.client.balance_wei(bonds.address, "latest") == BOND_WEI - reward_wei, "the rest is burned"
    assert bonds.bond(key, at="latest") == BondState(amount_wei=0, ready_at=0, is_slashed=True)
    with pytest.raises(revert_class("NoBond")):
        bob.l1.send(call)
    world.clock.advance(12)
    shown = reader.read()
    assert shown is not None
    assert (shown.amount_wei, shown.is_slashed) == ("0", True)


def test_exchange__killed_and_started_again__keeps_its_bond(stage: ExchangeStage, tmp_path: Path) -> None:
    world, key = stage.world, stage.house.core.signer.address
    alice, bonds = trader_and_bond(stage)
    log = ReceiptLog(world.params.l2_chain_id, key, file=tmp_path / "receipts.jsonl")
    log.check(receipt_of(stage, alice, 100))

    stage.house = stage.open()
    log.check(receipt_of(stage, alice, 200))

    first, second = map(signed_receipt, receipts_in(tmp_path / "receipts.jsonl"))
    assert second.receipt.prev == first.receipt.hash
    with pytest.raises(revert_class("NoContradiction")):
        alice.l1.send(bonds.slash_call(first, second, BENEFICIARY))
    assert bonds.bond(key, at="latest").amount_wei == BOND_WEI


def test_exchange__new_key_on_the_log_of_the_old_one__settles_and_contradicts_nobody(
    stage: ExchangeStage, tmp_path: Path
) -> None:
    world = stage.world
    alice, bob = (world.trader(number, 50_000) for number in range(2))
    world.push_prices()
    stage.turn(3)
    told = [receipt_of(stage, alice, -100), receipt_of(stage, bob, 100)]
    stage.turn(4)
    settled = stage.house.service.status()
    assert settled.unsettled_trades == 0
    world.until_safe(world.node)
    stage.house.turn()
    assert stage.house.service.status().posted_block >= settled.chain_block
    stage.house.close()

    world.deposit(Signer(NEW_KEY).address, 10 * ETHER)
    world.turn(world.node, times=2)
    stage.settlement = Signer(NEW_KEY)
    node = world.node
    chain = NodeChain(node.store, node.head_state, node.gateway, stage.settlement.address)
    receipts = ReceiptSigner(NEW_KEY, world.params.l2_chain_id)
    keys = ExchangeKeys(receipts=receipts, settlement=stage.settlement)
    stage.house = ExchangeHouse(stage.folder, chain, keys, stage.options, Around(clock=world.clock))
    world.push_prices()
    stage.turn(3)
    told += [receipt_of(stage, alice, -100), receipt_of(stage, bob, 100)]
    stage.turn(4)

    assert world.size(bob) == 2 * WAD // 10
    assert stage.house.core.machine.settling.n_unsettled == 0
    signed = [signed_receipt(values) for values in told]
    for before, after in pairwise(signed):
        assert after.receipt.prev == before.receipt.hash
    domain = ReceiptDomain(world.params.l2_chain_id)
    assert len({domain.signer(item) for item in signed}) == 2


def test_attack__receipt_changed_by_a_trader__proves_nothing(stage: ExchangeStage) -> None:
    key = stage.house.core.signer.address
    alice, bonds = trader_and_bond(stage)
    told = signed_receipt(receipt_of(stage, alice, 100))
    forged = told._replace(receipt=told.receipt._replace(ts_ms=1))

    with pytest.raises(revert_class("DifferentSigners")):
        alice.l1.send(bonds.slash_call(told, forged, alice.address))

    assert bonds.bond(key, at="latest").amount_wei == BOND_WEI
