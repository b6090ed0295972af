"""A rollup on anvil on whose exchange people trade: contracts, a governed market, prices, funded traders."""

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from optimistic.client.keys import TradingKey
from optimistic.protocol.errors import RollupError
from optimistic.protocol.params import DEVNET
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.types import ZERO_ADDRESS, Address
from optimistic.service.contracts import Bridge
from optimistic.service.deployer import Roles, deploy, deploy_dev_token
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_section import DEV_CASH, GATEWAY, SettlementRoles
from optimistic.service.signer import Signer
from scripts.staging.contract_views import call_data
from tests.helpers.anvil import Anvil
from tests.helpers.exchange_process import EXCHANGE_KEY, SEQUENCER, Seat, free_ports
from tests.helpers.settlement_setup import (
    BTC_FEED,
    BTC_PRICE,
    PERPETUAL,
    TOKEN,
    observations,
    set_up_calls,
    through_governor,
)

T = TypeVar("T")

OWNER, DEPLOYER, FIRST_TRADER = 2, 3, 4
PATIENCE_S: Final = 60
POLL_S: Final = 0.02
ETHER: Final = 10**18
SYSTEM_GAS_RATE: Final = 20_000_000
"""Settlement keeps up with people who do nothing but trade."""
PRICE_LASTS_S: Final = 5
"""Pushed again after this; it is good for longer."""


def wait_for(answer: Callable[[], T | None], what: str) -> T:
    """Poll until there is an answer; errors of ours are none."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        try:
            found = answer()
        except RollupError:
            found = None
        if found:
            return found
        time.sleep(POLL_S)
    raise TimeoutError(what)


class TradingRollup:
    """Use as a context manager; the aggregator runs between `start` and `kill` or `stop`."""

    def __init__(self, folder: Path) -> None:
        self._anvil = Anvil()
        self.keys = dev_keys()
        l1 = L1Client.connect(self._anvil.url)
        sequencer = Signer(self.keys[SEQUENCER]).address
        roles = Roles(
            sequencer=sequencer, governance=ZERO_ADDRESS, guardian=ZERO_ADDRESS, fee_recipient=sequencer
        )
        deployer, owner = Signer(self.keys[DEPLOYER]), Signer(self.keys[OWNER])
        settlement = SettlementRoles(
            token=deploy_dev_token(l1, deployer), owner=owner.address, guardian=owner.address
        )
        params = replace(DEVNET, l1_chain_id=l1.chain_id, system_gas_rate=SYSTEM_GAS_RATE)
        self.deployment = deploy(l1, deployer, params, roles, settlement=settlement)
        rpc_port, api_port = free_ports(2)
        self.seat = Seat(
            folder=folder,
            deployment_file=folder / "deployment.json",
            l1_url=self._anvil.url,
            rpc_port=rpc_port,
            api_port=api_port,
        )
        self.deployment.save(self.seat.deployment_file)
        self.api_url = f"http://127.0.0.1:{api_port}"
        self._l1 = l1
        self._process: BaseProcess | None = None
        self._priced_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        self._anvil.stop()

    # ------------------------------------------------------------------------------ the aggregator

    def start(self) -> None:
        """Start the aggregator."""
        self._process = self.seat.start()

    def kill(self) -> None:
        """End it without a chance to do anything."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def stop(self) -> int | None:
        """Ask it to end; return its exit code."""
        assert self._process is not None, "start it first"
        self._process.terminate()
        return self.exit_code()

    def exit_code(self) -> int | None:
        """Wait until it ends by itself; return its exit code."""
        assert self._process is not None, "start it first"
        self._process.join(PATIENCE_S)
        code, self._process = self._process.exitcode, None
        return code

    def limit_files(self, bytes_per_file: int) -> None:
        """Let none of its files grow beyond a size, as a full disk would."""
        assert self._process is not None, "start it first"
        assert self._process.pid is not None, "it runs"
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (bytes_per_file, bytes_per_file))

    # ------------------------------------------------------------------------------ set-up

    def open_market(self) -> None:
        """Pay those who act on L2, let the governor open the markets and seal, push a price."""
        bridge, owner = Bridge(self._l1, self.deployment.contracts.bridge), Signer(self.keys[OWNER])
        accounts = owner.address, Signer(EXCHANGE_KEY).address
        for account in accounts:
            call = bridge.deposit_call(to=account, value=50 * ETHER, gas_limit=21_000)
            OneShotSender(self._l1, owner).send(call)
        self._anvil.rpc("evm_setIntervalMining", 1)
        node = self._node()
        for account in accounts:
            wait_for(partial(node.balance_wei, account, "latest"), "ether on L2")
        for contract, data in set_up_calls(owner.address, node.head().timestamp):
            self._act("RiskGovernor", through_governor(contract, data))
        self._act("RiskGovernor", call_data("RiskGovernor", "seal"))
        self.keep_price()

    def fund_traders(self, count: int, tokens: int) -> list[TradingKey]:
        """Let accounts lock tokens in the gateway."""
        settlement, units = self.deployment.settlement, tokens * TOKEN
        keys = self.keys[FIRST_TRADER : FIRST_TRADER + count]
        for key in keys:
            signer = Signer(key)
            for to, data in (
                (settlement.token, call_data(DEV_CASH, "mint", signer.address, units)),
                (settlement.token, call_data(DEV_CASH, "approve", settlement.gateway, units)),
                (settlement.gateway, call_data(GATEWAY, "deposit", 0, units)),
            ):
                OneShotSender(self._l1, signer).send(Call(to=to, data=data))
        return [TradingKey(key) for key in keys]

    def keep_price(self) -> None:
        """Push the price again if the last time is long ago."""
        if time.monotonic() - self._priced_s < PRICE_LASTS_S:
            return
        at = self._node().head().timestamp
        seen = observations(BTC_FEED, BTC_PRICE, at, chain_id=self.deployment.params.l2_chain_id)
        self._act("PriceOracle", call_data("PriceOracle", "push", BTC_FEED, seen))
        self._act("Markets", call_data("Markets", "refresh", PERPETUAL))
        self._priced_s = time.monotonic()

    def _node(self) -> L1Client:
        url = f"http://127.0.0.1:{self.seat.rpc_port}"
        return wait_for(lambda: L1Client.connect(url, timeout_ms=5_000), "the node's JSON-RPC")

    def _act(self, contract: str, data: bytes) -> Any:
        call = Call(to=Address(SETTLEMENT_CONTRACTS[contract]), data=data)
        return OneShotSender(self._node(), Signer(self.keys[OWNER]), timeout_s=PATIENCE_S).send(call)
