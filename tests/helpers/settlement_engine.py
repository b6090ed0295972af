"""The settlement contracts on a bare engine: calls run as deposits, at any time of day."""

from collections.abc import Mapping
from typing import Any, Final

from coincurve import PrivateKey

from optimistic.protocol.engine import BlockEnv, Outcome
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.execution.simulate import AccountOverride
from optimistic.protocol.genesis import build_genesis
from optimistic.protocol.params import DEVNET
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.records import Deposit, alias_address
from optimistic.protocol.settlement.orders import Order
from optimistic.protocol.settlement.types import FeedId, SubaccountId
from optimistic.protocol.types import ZERO_HASH, Address
from optimistic.service.deployment import rollup_accounts
from optimistic.service.settlement_section import Settlement
from scripts.staging.contract_views import NO_OVERRIDES, Views, call_data
from scripts.staging.market_terms import QUORUM
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.settlement_setup import (
    BTC_FEED,
    BTC_PRICE,
    ETHER_FEED,
    ETHER_PRICE,
    PERPETUAL,
    TOKEN,
    key_of,
    observations,
    set_up_calls,
    through_governor,
)

GATEWAY: Final = Address(b"\x9a" * 20)
OWNER: Final = Address(b"\x52" * 20)
"""Governs, and reports books."""
GUARDIAN: Final = Address(b"\x53" * 20)
START_S: Final = 1_700_000_000
GAS: Final = 1 << 23
TRADER_NUMBER: Final = 5_000


class SettlementEngine:
    """A state with open markets and fresh prices, in which every call is a unit of one block."""

    def __init__(self) -> None:
        section = Settlement(token=GATEWAY, token_decimals=6, gateway=GATEWAY, owner=OWNER, guardian=GUARDIAN)
        accounts = rollup_accounts(DEVNET, Address(b"\xbb" * 20), OWNER, section)
        genesis = build_genesis(DEVNET, accounts)
        self.nodes = MemoryNodes(genesis.nodes)
        self.engine = EvmEngine(DEVNET, self.nodes, genesis.state.unit.state_root)
        self.now = START_S
        self._deposits = 0
        self.move_to(START_S)
        for contract, data in set_up_calls(OWNER, START_S):
            self.act(OWNER, "RiskGovernor", through_governor(contract, data))
        self.act(OWNER, "RiskGovernor", call_data("RiskGovernor", "seal"))
        self.push(BTC_FEED, BTC_PRICE)
        self.push(ETHER_FEED, ETHER_PRICE)

    def move_to(self, timestamp: int) -> None:
        """Begin a block at a time."""
        self.now = timestamp
        self.engine.begin_block(
            BlockEnv(
                chain_id=DEVNET.l2_chain_id,
                number=timestamp,
                timestamp=timestamp,
                coinbase=DEVNET.coinbase,
                gas_limit=DEVNET.block_gas_limit,
                base_fee=0,
                prev_randao=ZERO_HASH,
                block_hashes=lambda _: ZERO_HASH,
            )
        )

    def call(self, sender: Address, contract: str, data: bytes, *, mint: int = 0) -> Outcome:
        """Run a call as a deposit: unsigned and free."""
        deposit = Deposit(
            sender=sender,
            is_create=False,
            to=SETTLEMENT_CONTRACTS[contract],
            mint=mint,
            value=mint,
            gas_limit=GAS,
            data=data,
            l1_timestamp=self.now,
        )
        self._deposits += 1
        return self.engine.apply_deposit(self._deposits - 1, deposit)

    def act(self, sender: Address, contract: str, data: bytes, *, mint: int = 0) -> Outcome:
        """Run a call that succeeds."""
        outcome = self.call(sender, contract, data, mint=mint)
        assert outcome.status == 1, f"{contract} 0x{data[:4].hex()} failed"
        return outcome

    def push(self, feed: FeedId, price_wad: int, count: int = QUORUM) -> Outcome:
        """Push a price of now."""
        seen = observations(feed, price_wad, self.now, count)
        return self.act(OWNER, "PriceOracle", call_data("PriceOracle", "push", feed, seen))

    def views(self, overrides: Mapping[Address, AccountOverride] = NO_OVERRIDES) -> Views:
        """The contracts as they are now."""
        self.engine.flush()
        return Views(self.nodes, self.engine.state_root, timestamp=self.now, overrides=overrides)

    def read(self, contract: str, name: str, *arguments: Any) -> Any:
        """Return what a view answers."""
        return self.views().read(contract, name, *arguments)

    def trader(self, number: int, tokens: int) -> tuple[PrivateKey, Address, SubaccountId]:
        """A key and its address with so many whole tokens in a subaccount of its own."""
        key, address = key_of(TRADER_NUMBER + number)
        opened = int(self.read("Ledger", "nextSubaccount"))
        data = call_data("Collateral", "creditToken", address, 0, tokens * TOKEN)
        self.act(alias_address(GATEWAY), "Collateral", data)
        return key, address, SubaccountId(opened)

    def order(
        self, subaccount: SubaccountId, lots: int, ticks: int, *, is_buy: bool, nonce: int, flags: int = 0
    ) -> Order:
        """An order of the perpetual, good for an hour."""
        return Order(
            subaccount=subaccount,
            market=PERPETUAL,
            is_buy=is_buy,
            lots=lots,
            ticks=ticks,
            max_fee_pips=1_000,
            expiry=self.now + 3_600,
            nonce=nonce,
            flags=flags,
        )
