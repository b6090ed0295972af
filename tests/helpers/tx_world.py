"""A transaction manager on a pooled in-process L1, and what its owner sees."""

from typing import Any

from optimistic.protocol.types import Address
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.l1_types import Call
from optimistic.service.signer import Signer
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import Precondition, Readiness, TxOptions, TxRequest, TxStatus
from tests.helpers.pooled_l1 import PooledL1
from tests.helpers.tiny_contracts import ONCE_RUNTIME, installer

TARGET = Address(b"\x77" * 20)


def always(readiness: Readiness) -> Precondition:
    return lambda _at: readiness


def pay(key: str, wei: int = 1, precondition: Precondition | None = None) -> TxRequest:
    return TxRequest(key=key, call=Call(to=TARGET, value_wei=wei), precondition=precondition)


class TxWorld:
    """A pooled L1 and the manager of its first account."""

    def __init__(self, **options: int) -> None:
        self.l1 = PooledL1()
        self.clock = self.l1.clock
        self.client = self.l1.client
        self.signer = Signer(self.l1.chain.keys[0])
        self.database = Database(None, [SERVICE_MIGRATIONS])
        self.options = TxOptions(**options)
        self.manager = self.make_manager()

    def make_manager(self) -> TxManager:
        """Return a manager as after a restart."""
        return TxManager(self.client, self.signer, self.database, options=self.options, clock=self.clock)

    def status(self, key: str) -> TxStatus:
        found = self.manager.status(key)
        assert found is not None
        return found

    def finish(self, turns: int = 6) -> None:
        """Mine and step until everything that can end has ended."""
        for _ in range(turns):
            self.manager.step()
            self.l1.mine()
        self.manager.step()

    def received(self) -> int:
        return self.client.balance_wei(TARGET, "latest")

    def foreign(self, nonce: int, **fields: Any) -> None:
        """Let somebody else with the same key use a nonce."""
        raw, _ = self.signer.sign_transaction(
            {
                "type": 2,
                "chainId": 31_337,
                "nonce": nonce,
                "gas": 21_000,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 10**10,
                "to": b"\x88" * 20,
                "value": 7,
                "data": b"",
                **fields,
            }
        )
        self.l1.chain.request("eth_sendRawTransaction", ["0x" + raw.hex()])

    def deploy_once(self) -> Address:
        """Deploy the contract that works one time."""
        status_key = "deploy"
        self.manager.submit(TxRequest(key=status_key, call=Call(to=None, data=installer(ONCE_RUNTIME))))
        self.finish(2)
        tx_hash = self.status(status_key).tx_hash
        assert tx_hash is not None
        receipt = self.client.receipt(tx_hash)
        assert receipt is not None
        assert receipt.contract_address is not None
        return receipt.contract_address
