"""A rollup on which derivatives are traded: token, gateway, governed markets, prices, traders.

Nothing is simulated but time: node, watchtower and contracts are the ones the daemons run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from coincurve import PrivateKey

from optimistic.node.chain_records import Receipt, StoredLog
from optimistic.node.node import Node
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement.batch_codec import Batch, Fill, SignedOrder, encode
from optimistic.protocol.settlement.orders import Order
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.withdrawals import Message, message_key, prove_withdrawal
from optimistic.service.deployer import deploy_dev_token
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_types import Call
from optimistic.service.settlement_section import DEV_CASH, GATEWAY, SettlementRoles
from scripts.staging.contract_views import Views, call_data, decoded, messages_in
from scripts.staging.market_terms import QUORUM
from tests.helpers.l2_wallet import Wallet
from tests.helpers.node_world import NodeWorld
from tests.helpers.settlement_setup import (
    BTC_FEED,
    BTC_PRICE,
    ETHER_FEED,
    ETHER_PRICE,
    PERPETUAL,
    TOKEN,
    observations,
    set_up_calls,
    signed,
    through_governor,
)
from tests.helpers.watchtower_stage import ETHER, L1Account

OWNER_NUMBER: Final = 900
FIRST_TRADER_KEY: Final = 6
"""Of the development keys: those before it belong to the stage."""
GAS: Final = 3_000_000
_PATIENCE: Final = 10
NEW_SUBACCOUNT: Final = SubaccountId(0)


@dataclass(slots=True)
class Trader:
    """Somebody with one key for L1 and L2, and a subaccount."""

    l1: L1Account
    wallet: Wallet
    key: PrivateKey
    subaccount: SubaccountId = NEW_SUBACCOUNT
    nonce: int = 0
    """Of the last order signed."""

    @property
    def address(self) -> Address:
        return self.l1.address


class SettlementWorld(NodeWorld):
    """An L1 with a token, a rollup with its gateway, and the node that sequences it."""

    node: Node

    def __init__(self, folder: Path, params: RollupParams = DEVNET) -> None:
        self.owner = Wallet(OWNER_NUMBER, params.l2_chain_id)
        super().__init__(folder, params)
        self.token = self.deployment.settlement.token
        self.gateway = self.deployment.settlement.gateway

    def settlement_roles(self) -> SettlementRoles:
        token = deploy_dev_token(self.client, self.deployer.signer, self.clock)
        return SettlementRoles(token=token, owner=self.owner.address, guardian=self.owner.address)

    # ------------------------------------------------------------------------------ set-up

    def open(self, node: Node) -> None:
        """Let the governor set markets up and seal; push the first prices."""
        self.node = node
        self.deposit(self.owner.address, 10 * ETHER)
        self.turn(node, times=2)
        for contract, data in set_up_calls(self.owner.address, node.chain.head.timestamp):
            self.await_success(self.submit(self.owner, "RiskGovernor", through_governor(contract, data)))
        self.act(self.owner, "RiskGovernor", "seal")
        self.push_prices()

    def trader(self, number: int, tokens: int, wei: int = 10 * ETHER) -> Trader:
        """Somebody with ether for gas on L2, and a subaccount with so many whole tokens."""
        key = dev_keys()[FIRST_TRADER_KEY + number]
        wallet = Wallet(int.from_bytes(key, "big"), self.params.l2_chain_id)
        trader = Trader(L1Account(self.client, key), wallet, PrivateKey(key))
        self.deposit(trader.address, wei)
        self.turn(self.node, times=2)
        self.deposit_cash(trader, tokens * TOKEN)
        self.turn(self.node, times=2)
        [opened] = [
            log["id"] for log in self.logs("Ledger", "SubaccountOpened") if log["owner"] == trader.address
        ]
        trader.subaccount = SubaccountId(opened)
        return trader

    # ------------------------------------------------------------------------------ L1

    def deposit_cash(self, trader: Trader, units: int) -> None:
        """Mint so much of the token and lock it in the gateway."""
        token, gateway = self.token, self.gateway
        for to, data in (
            (token, call_data(DEV_CASH, "mint", trader.address, units)),
            (token, call_data(DEV_CASH, "approve", gateway, units)),
            (gateway, call_data(GATEWAY, "deposit", trader.subaccount, units)),
        ):
            trader.l1.send(Call(to=to, data=data))

    def force(self, trader: Trader, contract: str, name: str, *arguments: Any, gas: int = 2_000_000) -> None:
        """Queue a call of a predeploy on L1: the way in that no sequencer can close."""
        call = self.bridge.deposit_call(
            to=SETTLEMENT_CONTRACTS[contract],
            value=0,
            gas_limit=gas,
            data=call_data(contract, name, *arguments),
            mint_wei=0,
        )
        trader.l1.send(call)

    def tokens_of(self, account: Address) -> int:
        """Units of the token that an account holds on L1."""
        output = self.client.call(
            Call(to=self.token, data=call_data(DEV_CASH, "balanceOf", account)), "latest"
        )
        return int.from_bytes(output, "big")

    def confirm_all(self) -> None:
        """Let everything that happened be asserted and confirmed."""
        node, wanted = self.node, self.node.chain.head.number
        self.until_safe(node)
        for _ in range(_PATIENCE):
            self.turn(node, times=4)
            self.l1.advance_time(self.params.challenge_period_s + 1)
            self.turn(node, times=4)
            confirmed = node.store.latest_confirmed_assertion()
            batch = node.store.batch(confirmed.to_batch - 1) if confirmed and confirmed.to_batch else None
            if batch is not None and batch.last_block >= wanted:
                return
        raise AssertionError(f"block {wanted} is not confirmed")

    def finalize(self, trader: Trader, sent: Message) -> None:
        """Deliver a message of L2 on L1 against the last confirmed assertion."""
        node = self.node
        assertion = node.store.latest_confirmed_assertion()
        assert assertion is not None
        batch = node.store.batch(assertion.to_batch - 1)
        assert batch is not None
        unit = batch.boundary_unit
        key = message_key(
            sent,
            l1_chain_id=self.params.l1_chain_id,
            bridge=self.deployment.contracts.bridge,
            l2_chain_id=self.params.l2_chain_id,
        )
        proof = prove_withdrawal(node.nodes, unit.state_root, key)
        trader.l1.send(
            self.bridge.finalize_withdrawal_call(
                sent, assertion.id, unit, proof.account_proof, proof.storage_proof
            )
        )

    # ------------------------------------------------------------------------------ L2

    @staticmethod
    def address_of(contract: str) -> Address:
        """Where a settlement contract stands."""
        return SETTLEMENT_CONTRACTS[contract]

    def submit(self, wallet: Wallet, contract: str, data: bytes, *, value: int = 0, gas: int = GAS) -> Hash32:
        """Hand a call of a predeploy to the node; return the transaction's hash."""
        raw = wallet.call(SETTLEMENT_CONTRACTS[contract], data, gas=gas, value=value)
        self.node.gateway.submit(raw)
        return keccak256(raw)

    def act(self, wallet: Wallet, contract: str, name: str, *arguments: Any, value: int = 0) -> Receipt:
        """Call a predeploy and wait for the block; it succeeds."""
        data = call_data(contract, name, *arguments)
        return self.await_success(self.submit(wallet, contract, data, value=value))

    def await_success(self, sent: Hash32) -> Receipt:
        """Take turns until a transaction is in a block; it succeeds."""
        for _ in range(_PATIENCE):
            self.turn(self.node)
            if (receipt := self.node.store.receipt(sent)) is not None:
                assert receipt.status == 1, "the transaction failed"
                return receipt
        raise AssertionError("the transaction is in no block")

    def read(self, contract: str, name: str, *arguments: Any) -> Any:
        """Return what a view answers at the head."""
        return Views.at_head(self.node, self.params).read(contract, name, *arguments)

    def logs(self, contract: str, name: str) -> list[dict[str, Any]]:
        """All logs of one event since the genesis, decoded."""
        return decoded(self.stored_logs(), contract, name)

    def stored_logs(self) -> Iterator[StoredLog]:
        """All logs since the genesis, in order."""
        store = self.node.store
        for number in range(1, store.heads().unsafe.number + 1):
            for receipt in store.receipts(number):
                yield from receipt.logs

    def last_message(self) -> Message:
        """The last message to L1."""
        return messages_in(self.stored_logs())[-1]

    # ------------------------------------------------------------------------------ prices and trades

    def push_prices(
        self, btc_wad: int = BTC_PRICE, ether_wad: int = ETHER_PRICE, count: int = QUORUM
    ) -> None:
        """Push a price of both feeds."""
        for feed, price_wad in ((BTC_FEED, btc_wad), (ETHER_FEED, ether_wad)):
            seen = observations(feed, price_wad, self.node.chain.head.timestamp, count)
            self.act(self.owner, "PriceOracle", "push", feed, seen)

    def signed(
        self,
        trader: Trader,
        lots: int,
        ticks: int,
        *,
        is_buy: bool,
        market: MarketId = PERPETUAL,
        flags: int = 0,
    ) -> SignedOrder:
        """An order of a trader, good for an hour."""
        trader.nonce += 1
        order = Order(
            subaccount=trader.subaccount,
            market=market,
            is_buy=is_buy,
            lots=lots,
            ticks=ticks,
            max_fee_pips=1_000,
            expiry=self.node.chain.head.timestamp + 3_600,
            nonce=trader.nonce,
            flags=flags,
        )
        return signed(trader.key, order)

    def trade_data(self, maker: SignedOrder, taker: SignedOrder, lots: int) -> bytes:
        """Call data that settles one match."""
        batch = Batch(orders=(maker, taker), fills=(Fill(maker=0, taker=1, lots=lots),))
        return call_data("Clearing", "settleBatch", encode(batch))

    def trade(
        self, buyer: Trader, seller: Trader, lots: int, ticks: int, market: MarketId = PERPETUAL
    ) -> Receipt:
        """Settle one match of which the seller is the maker, with fresh prices."""
        maker = self.signed(seller, lots, ticks, is_buy=False, market=market)
        taker = self.signed(buyer, lots, ticks, is_buy=True, market=market)
        batch = Batch(orders=(maker, taker), fills=(Fill(maker=0, taker=1, lots=lots),))
        return self.act(self.owner, "Clearing", "settleBatch", encode(batch))

    def cash(self, trader: Trader) -> int:
        """Cash of a trader's subaccount as stored, in WAD."""
        return int(self.read("Ledger", "subaccount", trader.subaccount)[2])

    def size(self, trader: Trader, market: MarketId = PERPETUAL) -> int:
        """Size of a trader's position in WAD, negative if short."""
        return int(self.read("Ledger", "position", trader.subaccount, market)[0])


@contextmanager
def running_world(folder: Path) -> Iterator[SettlementWorld]:
    """A world with its aggregator, open for trade."""
    world = SettlementWorld(folder)
    world.open(world.aggregator())
    yield world
    world.close()
