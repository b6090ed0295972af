"""A sequencing node without an L1: tests say what L1 said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from optimistic.node.block_builder import NodeEngine
from optimistic.node.chain import Chain
from optimistic.node.chain_reader import DERIVER
from optimistic.node.chain_records import Batch, Block
from optimistic.node.chain_store import CHAIN_MIGRATIONS, ChainStore
from optimistic.node.gateway import Gateway
from optimistic.node.genesis_block import genesis_block
from optimistic.node.head_state import HeadState
from optimistic.node.l1_clock import L1Clock
from optimistic.node.mempool import Mempool, MempoolLimits
from optimistic.node.replay import BatchInput, DerivedBatch, execute_batch
from optimistic.node.sequencer import Sequencer, SequencerOptions
from optimistic.protocol import wordtree
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.clock import FakeClock
from optimistic.service.database import Database
from optimistic.service.deployment import rollup_genesis
from optimistic.service.l1_types import Header
from optimistic.service.wal import Wal
from tests.helpers.memory_nodes import MemoryNodes

ETHER = 10**18
FUNDER = Address(b"\xf0" * 20)
L1_TIME_S = 1_700_000_000
GENESIS = rollup_genesis(DEVNET, Address(b"\xbb" * 20), Address(b"\xfe" * 20))


class OfflineNode:
    """The sequencing half of a node on `folder`; build it again on the same folder to restart it."""

    def __init__(
        self,
        folder: Path,
        *,
        options: SequencerOptions | None = None,
        limits: MempoolLimits | None = None,
        nodes: MemoryNodes | None = None,
        wrap_engine: Callable[[NodeEngine], NodeEngine] = lambda engine: engine,
        requeue: bool = True,
    ) -> None:
        path = folder / "chain.db"
        self.database = Database(path, CHAIN_MIGRATIONS)
        self.store = ChainStore(self.database, path)
        self.store.initialize({"test": "rollup"}, genesis_block(GENESIS))
        self.nodes = nodes if nodes is not None else MemoryNodes(GENESIS.nodes)
        self.clock = FakeClock(L1_TIME_S)
        self.l1_clock = L1Clock(self.clock)
        self.chain = Chain(
            DEVNET,
            self.store,
            lambda root: wrap_engine(EvmEngine(DEVNET, self.nodes, root)),
            GENESIS.state,
            requeue=requeue,
        )
        self.head_state = HeadState(self.nodes, self.chain.head.state_root)
        self.mempool = Mempool(DEVNET, limits or MempoolLimits(), self.head_state.account)
        self.wal = Wal(folder / "wal")
        self.gateway = Gateway(self.mempool, self.wal, self.store)
        self.chain.on_change(lambda change: self.head_state.move_to(change.head.state_root))
        self.gateway.follow(self.chain)
        self.gateway.recover()
        self.sequencer = Sequencer(
            DEVNET, self.chain, self.store, self.gateway, options or SequencerOptions(), self.l1_clock
        )
        if self.store.derive_cursor() is not None:
            self.see_l1()

    def close(self) -> None:
        self.store.close()
        self.database.close()
        self.wal.close()

    def see_l1(self, *deposits: Deposit, timestamp: int | None = None) -> None:
        """Follow one more L1 block; its clock shows what ours does unless told otherwise."""
        row = self.database.query_one("SELECT max(number) FROM l1_header")
        number = 1 + (row[0] if row and row[0] is not None else 0)
        first = self.store.deposit_count()
        header = l1_header(number, self.clock.time_s() if timestamp is None else timestamp)
        with self.store.atomic():
            self.store.add_deposits([(first + i, item) for i, item in enumerate(deposits)], number)
            self.database.execute(
                "INSERT INTO l1_header VALUES (?, ?, ?, ?, ?, '0', 0)",
                (DERIVER, number, header.hash, ZERO_HASH, header.timestamp),
            )
        self.l1_clock.observe(header)

    def fund(self, *accounts: Address, wei: int = ETHER) -> None:
        """Deposit to accounts and produce the block that credits them."""
        self.see_l1(*(fund_deposit(account, wei) for account in accounts))
        self.sequencer.produce()

    def produce(self) -> Block:
        """Produce a block one second later."""
        self.clock.advance(1)
        block = self.sequencer.produce()
        assert block is not None, "a block was produced"
        return block

    def batch_of(self, first: int, last: int, **changes: int) -> BatchInput:
        """Build the batch that posts blocks first..last, with changes to its record."""
        start = self.chain.derived_state()
        blocks = self.store.executed_blocks(first, last)
        data = encode_batch(
            BlockInput(
                timestamp=executed.block.timestamp,
                n_deposits=sum(unit.deposit_index is not None for unit in executed.units),
                transactions=tuple(unit.raw for unit in executed.units if unit.deposit_index is None),
            )
            for executed in blocks
        )
        record = BatchRecord(
            data_root=wordtree.root(data),
            data_len=len(data),
            l1_timestamp=self.clock.time_s(),
            deposit_start=start.unit.deposit_cursor,
            deposit_end=blocks[-1].block.deposit_cursor,
            gas_budget=10_000_000,
            system_gas_budget=10_000_000,
            config_hash=DEVNET.config_hash(),
        )
        record = replace(record, **changes)  # type: ignore[arg-type]
        deposits = self.store.deposits(record.deposit_start, record.deposit_end)
        return BatchInput(params=DEVNET, start=start, record=record, data=data, deposits=deposits)

    def adopt(self, batch: BatchInput, derived: DerivedBatch, engine: NodeEngine | None) -> None:
        """Let the chain adopt a derived batch as the next one."""
        index = self.store.batch_count()
        stored = Batch(
            index=index,
            acc=keccak256(b"acc %d" % index),
            record=batch.record,
            data_hash=keccak256(batch.data),
            l1_block_number=100 + index,
            l1_block_hash=keccak256(b"l1"),
            first_block=derived.blocks[0].block.number,
            last_block=derived.blocks[-1].block.number,
            n_units=len(derived.leaves),
            boundary_unit=derived.end.unit,
        )
        self.chain.adopt(stored, batch.data, derived, engine)

    def execute(self, batch: BatchInput) -> tuple[DerivedBatch, NodeEngine]:
        """Derive a batch on a fresh engine."""
        engine = self.chain.new_engine(batch.start.unit.state_root)
        return execute_batch(batch, engine), engine

    def balance(self, account: Address, state_root: Hash32 | None = None) -> int:
        """Balance at the head, or in another state."""
        return HeadState(self.nodes, state_root or self.chain.head.state_root).account(account).balance


def l1_header(number: int, timestamp: int) -> Header:
    """An L1 block named after its number."""
    return Header(
        number=number,
        hash=keccak256(b"l1 %d" % number),
        parent_hash=ZERO_HASH,
        timestamp=timestamp,
        base_fee_wei=0,
        gas_limit=60_000_000,
    )


def fund_deposit(account: Address, wei: int = ETHER) -> Deposit:
    """A deposit that credits an account."""
    return Deposit(
        sender=FUNDER,
        is_create=False,
        to=account,
        mint=wei,
        value=wei,
        gas_limit=21_000,
        data=b"",
        l1_timestamp=L1_TIME_S,
    )
