"""A chain whose blocks hold what a test says, with contracts to call: for JSON-RPC."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_abi.abi import encode as abi_encode

from optimistic.node.chain_records import Block
from optimistic.node.mempool import PooledTransaction
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Address
from tests.helpers.offline_node import ETHER, L1_TIME_S, OfflineNode

DEPOSITOR = Address(b"\xde" * 20)

_COUNTER = json.loads((Path(__file__).parent / "counter" / "Counter.json").read_text())


def counter_initcode(start: int) -> bytes:
    """Creation code of the Counter contract."""
    return bytes.fromhex(_COUNTER["bytecode"][2:]) + abi_encode(["uint256"], [start])


def call_data(signature: str, *values: Any) -> bytes:
    """Calldata of a function with value-type arguments, named as in ``f(uint256,address)``."""
    types = [item for item in signature[signature.index("(") + 1 : -1].split(",") if item]
    return keccak256(signature.encode())[:4] + abi_encode(types, values)


class LiveChain(OfflineNode):
    """The chain; `mine` makes a block of what waits and what is given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.params = DEVNET
        self.pool = self.gateway
        self._deposits = 0

    def deposit(self, to: Address, amount: int = 10 * ETHER, **fields: Any) -> Block:
        """Send ether to `to` by a deposit in a block of its own."""
        deposit = Deposit(
            sender=DEPOSITOR,
            is_create=fields.get("is_create", False),
            to=fields.get("to", to),
            mint=amount,
            value=fields.get("value", amount),
            gas_limit=fields.get("gas_limit", 100_000),
            data=fields.get("data", b""),
            l1_timestamp=L1_TIME_S,
        )
        self.store.add_deposits([(self._deposits, deposit)], 1)
        self._deposits += 1
        return self._build(lambda builder: builder.add_deposit(deposit))

    def mine(self, *raws: bytes) -> Block:
        """Make a block of everything that can run."""
        taken = [self.pool.submit(raw) for raw in raws]
        assert len(taken) == len(raws)

        def fill(builder: Any) -> None:
            selection = self.pool.mempool.select()
            while (pooled := selection.next()) is not None:
                skip = builder.add_transaction(pooled.tx.raw, pooled.lane_demand)
                assert skip is None, skip
                selection.executed(pooled)

        return self._build(fill)

    def submit(self, raw: bytes) -> PooledTransaction:
        """Put a transaction into the pool only."""
        return self.pool.submit(raw)

    def _build(self, fill: Callable[[Any], Any]) -> Block:
        with self.chain.lock:
            builder = self.chain.begin_block(self.chain.head.timestamp + 1)
            fill(builder)
            return self.chain.commit(builder)
