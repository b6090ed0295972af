"""A few hand-made batches as `UnitTraces` sees them: the real engine, no L1."""

from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.derivation import BatchReplay, RollupState
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.records import next_acc
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.unit_inputs import BatchInput, UnitInputs, UnitPlace
from tests.helpers.l2_wallet import Wallet
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.rollup import BRIDGE, L1_TIME_S, make_deposit, make_genesis, make_record
from tests.helpers.tiny_contracts import ONCE_RUNTIME, installer

ENDLESS_RUNTIME = bytes.fromhex("5b600056")
"""Code that loops until its gas is gone: three steps for twelve gas."""


def block_of(*transactions: bytes, deposits: int = 0) -> bytes:
    """Return batch data of one block."""
    return encode_batch([BlockInput(timestamp=L1_TIME_S, n_deposits=deposits, transactions=transactions)])


class HandMadeBatches:
    """Batches in a list; `first` and the following ones are what an assertion covers."""

    def __init__(self, params: RollupParams = DEVNET, *, first: int = 0) -> None:
        self.params = params
        self.first = first
        genesis = make_genesis(params)
        self.nodes = MemoryNodes(genesis.nodes)
        self.states: list[RollupState] = [genesis.state]
        self.start_leaf = genesis.end_leaf
        self.batches: list[BatchInput] = []
        self.all_leaves: list[tuple[Hash32, ...]] = []
        self.accs: list[Hash32] = [ZERO_HASH]
        self.by_machine: frozenset[UnitPlace] = frozenset()

    def append(self, data: bytes, *, deposits: int = 0) -> None:
        """Add a batch and execute it."""
        taken = tuple(make_deposit(sender=Wallet(1).address, to=Wallet(1).address) for _ in range(deposits))
        state = self.states[-1]
        record = make_record(
            state,
            data,
            deposits,
            l1_timestamp=L1_TIME_S + len(self.batches),
            config_hash=self.params.config_hash(),
        )
        engine = EvmEngine(self.params, self.nodes, state.unit.state_root)
        replay = BatchReplay(self.params, state, record, data, taken, engine)
        self.all_leaves.append(tuple(unit.leaf for unit in replay))
        engine.flush()
        self.states.append(replay.state)
        self.batches.append(BatchInput(record=record, data=data, deposits=taken))
        self.accs.append(next_acc(self.accs[-1], record.hash()))

    # ------------------------------------------------------------------------ RangeOfBatches

    @property
    def count(self) -> int:
        return len(self.batches) - self.first

    def units(self) -> UnitTree:
        return UnitTree(self.params.log_arity, self.all_leaves[self.first :])

    def leaves(self, offset: int) -> tuple[Hash32, ...]:
        return self.all_leaves[self.first + offset]

    def input_hash(self, offset: int) -> Hash32:
        return self.accs[self.first + offset + 1]

    def inputs(self, offset: int, unit: int) -> UnitInputs:
        index = self.first + offset
        return UnitInputs(
            params=self.params,
            place=UnitPlace(index, unit),
            start=self.states[max(0, index - 1)],
            batches=tuple(self.batches[max(0, index - 1) : index + 1]),
            previous_acc=self.accs[index],
            acc=self.accs[index + 1],
            by_machine=self.by_machine,
        )

    # ------------------------------------------------------------------------ what the game says

    def acc_of(self, j: int) -> Hash32:
        """The accumulator that the game hands to the verifier for unit `j`."""
        index = self.first + (j >> 15)
        return self.accs[index + 1] if index < len(self.batches) else ZERO_HASH

    def before(self, j: int) -> Hash32:
        """The agreed state before unit `j`."""
        if j:
            return self.units().node(0, j - 1).hash
        return self.all_leaves[self.first - 1][-1] if self.first else self.start_leaf


def three_batches(params: RollupParams = DEVNET, *, first: int = 0) -> HandMadeBatches:
    """A deposit, transfers, a contract that is made and called; a batch of odd things; an empty one."""
    chain, wallet = HandMadeBatches(params, first=first), Wallet(1, params.l2_chain_id)
    wallet.nonce = 1  # the deposit is its first action
    contract = create_address(wallet.address, 2)
    chain.append(
        block_of(wallet.transfer(BRIDGE), wallet.deploy(installer(ONCE_RUNTIME)), deposits=1), deposits=1
    )
    chain.append(block_of(wallet.call(contract), b"not a transaction", wallet.call(contract), deposits=0))
    chain.append(b"\xff\xff")
    return chain


def endless_call(params: RollupParams = DEVNET, *, gas: int) -> HandMadeBatches:
    """Two batches; unit 2 of the second loops until `gas` is gone, a quarter of it as steps."""
    chain, wallet = HandMadeBatches(params), Wallet(1, params.l2_chain_id)
    wallet.nonce = 1  # the deposit is its first action
    contract = create_address(wallet.address, 1)
    chain.append(block_of(wallet.deploy(installer(ENDLESS_RUNTIME)), deposits=1), deposits=1)
    chain.append(block_of(wallet.call(contract, gas=gas)))
    return chain
