"""A whole L2 chain in one folder: real engine, real store, real pool; blocks on demand, no L1."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_abi.abi import encode as abi_encode

from optimistic.artifacts import load
from optimistic.node.chain import Chain
from optimistic.node.chain_records import Block
from optimistic.node.chain_store import CHAIN_MIGRATIONS, ChainStore
from optimistic.node.gateway import Gateway
from optimistic.node.genesis_block import genesis_block
from optimistic.node.head_state import HeadState
from optimistic.node.mempool import Mempool, MempoolLimits, PooledTransaction
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.genesis import Genesis, build_genesis
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.predeploys import SystemCode, genesis_accounts
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Address
from optimistic.service.database import Database
from optimistic.service.wal import SyncPolicy, Wal
from tests.helpers.memory_nodes import MemoryNodes

ETHER = 10**18
START_S = 1_700_000_000
DEPOSITOR = Address(b"\xde" * 20)
BRIDGE = Address(b"\xbb" * 20)

_COUNTER = json.loads((Path(__file__).parent / "counter" / "Counter.json").read_text())


def counter_initcode(start: int) -> bytes:
    """Creation code of the Counter contract."""
    return bytes.fromhex(_COUNTER["bytecode"][2:]) + abi_encode(["uint256"], [start])


def call_data(signature: str, *values: Any) -> bytes:
    """Calldata of a function with value-type arguments, named as in ``f(uint256,address)``."""
    types = [item for item in signature[signature.index("(") + 1 : -1].split(",") if item]
    return keccak256(signature.encode())[:4] + abi_encode(types, values)


def make_genesis() -> Genesis:
    """Genesis with the real predeploys."""
    code = SystemCode(
        message_passer=load("MessagePasser").deployed_bytecode,
        fee_vault=load("FeeVault").deployed_bytecode,
        create2_factory=load("Create2Factory").deployed_bytecode,
        multicall3=load("Multicall3").deployed_bytecode,
    )
    accounts = genesis_accounts(
        code, l1_chain_id=DEVNET.l1_chain_id, bridge=BRIDGE, fee_recipient=Address(b"\xfe" * 20)
    )
    return build_genesis(DEVNET, accounts)


class LiveChain:
    """The chain; `mine` makes a block of what waits and what is given."""

    def __init__(self, folder: Path) -> None:
        self.params = DEVNET
        self.genesis = genesis = make_genesis()
        self.nodes = MemoryNodes(genesis.nodes)
        path = folder / "chain.db"
        self.store = ChainStore(Database(path, CHAIN_MIGRATIONS), path)
        self.store.initialize({"config": "0x01"}, genesis_block(genesis))
        self.chain = Chain(DEVNET, self.store, self._new_engine, genesis.state, requeue=True)
        head = HeadState(self.nodes, self.chain.head.state_root)
        mempool = Mempool(DEVNET, MempoolLimits(), head.account)
        self.wal = Wal(folder / "wal", sync_policy=SyncPolicy.NONE)
        self.pool = Gateway(mempool, self.wal, self.store)
        self.chain.on_change(lambda change: head.move_to(change.head.state_root))
        self.chain.on_change(lambda _: mempool.prune_all())
        self._deposits = 0

    def _new_engine(self, state_root: Any) -> EvmEngine:
        return EvmEngine(DEVNET, self.nodes, state_root)

    def close(self) -> None:
        """Close the files."""
        self.wal.close()
        self.store.close()

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
            l1_timestamp=START_S,
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
