"""Right assertions as this node derived them: their unit trees, and the traces of their units."""

from collections.abc import Collection
from functools import lru_cache

from optimistic.node.block_builder import ring_of
from optimistic.node.chain_records import Batch, StoredAssertion
from optimistic.node.chain_store import ChainStore
from optimistic.protocol.commitment import CommitmentTree, RangeTree, Tree, batch_tree
from optimistic.protocol.derivation import RollupState
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import RING_SIZE
from optimistic.service.unit_inputs import BatchInput, UnitInputs, UnitPlace
from optimistic.service.unit_traces import TraceShop, UnitTraces

_TREES_KEPT = 4
"""Batches of an assertion whose leaves stay in memory: a walk goes down into one."""


class BatchUndone(TemporaryError):
    """A reorganisation of L1 took a batch away while it was read."""


class DerivedUnits(RangeTree):
    """The unit tree of consecutive derived batches; leaves are read from the store when they are needed."""

    def __init__(self, log_arity: int, store: ChainStore, from_batch: int, to_batch: int) -> None:
        def build(index: int) -> CommitmentTree:
            return batch_tree(log_arity, leaves_of(store, index))

        self._from_batch = from_batch
        self._tree = lru_cache(maxsize=_TREES_KEPT)(build)
        super().__init__(log_arity, [build(index).root for index in range(from_batch, to_batch)])

    def batch(self, offset: int) -> CommitmentTree:
        """Return the subtree of batch `offset` of the range.

        Raises
        ------
        BatchUndone : the batch is no longer derived
        """
        return self._tree(self._from_batch + offset)


class DerivedRange:
    """The batches of a right assertion; see `unit_traces.RangeOfBatches`.

    Parameters
    ----------
    genesis : state before the first batch of the rollup
    """

    def __init__(
        self, params: RollupParams, store: ChainStore, genesis: RollupState, assertion: StoredAssertion
    ) -> None:
        self._params = params
        self._store = store
        self._genesis = genesis
        self._assertion = assertion
        self._from_batch, self._to_batch = assertion.from_batch, assertion.to_batch
        self._units: DerivedUnits | None = None

    @property
    def count(self) -> int:
        """Number of batches."""
        return self._to_batch - self._from_batch

    def units(self) -> Tree:
        """Return the unit tree.

        Raises
        ------
        BatchUndone : the batches are no longer those that the assertion is about
        """
        if self._units is None:
            tree = DerivedUnits(self._params.log_arity, self._store, self._from_batch, self._to_batch)
            if tree.unit_root != self._assertion.unit_root:
                raise BatchUndone(f"batches of assertion 0x{self._assertion.id.hex()} were derived anew")
            self._units = tree
        return self._units

    def leaves(self, offset: int) -> tuple[Hash32, ...]:
        """Return the machine hash after each unit of a batch."""
        return tuple(leaves_of(self._store, self._from_batch + offset))

    def input_hash(self, offset: int) -> Hash32:
        """Return a hash of what the batch was derived from: its record, and the states around its units."""
        batch = self._batch(self._from_batch + offset)
        before = leaves_of(self._store, batch.index - 1)[-1] if batch.index else ZERO_HASH
        parts = [self._params.config_hash(), batch.acc, before, *self.leaves(offset)]
        return keccak256(b"".join(parts))

    def inputs(self, offset: int, unit: int) -> UnitInputs:
        """Return what it takes to run a unit.

        Raises
        ------
        BatchUndone : the batch is no longer derived
        """
        batch = self._batch(self._from_batch + offset)
        data = self._store.batch_data(batch.index)
        deposits = self._store.deposits(batch.record.deposit_start, batch.record.deposit_end)
        if data is None or len(deposits) != batch.record.deposit_end - batch.record.deposit_start:
            raise BatchUndone(f"batch {batch.index} or its deposits are no longer there")
        before = self._batch(batch.index - 1) if batch.index else None
        return UnitInputs(
            params=self._params,
            place=UnitPlace(batch.index, unit),
            start=self._genesis if before is None else self._state_after(before),
            batches=(BatchInput(record=batch.record, data=data, deposits=tuple(deposits)),),
            previous_acc=ZERO_HASH if before is None else before.acc,
            acc=batch.acc,
        )

    def _batch(self, index: int) -> Batch:
        batch = self._store.batch(index)
        if batch is None:
            raise BatchUndone(f"batch {index} is no longer derived")
        return batch

    def _state_after(self, batch: Batch) -> RollupState:
        blocks = self._store.blocks(batch.last_block - RING_SIZE + 1, batch.last_block)
        return RollupState(batch.boundary_unit, ring_of(blocks))


class DerivedTraces:
    """Traces of right assertions; of one thread.

    Parameters
    ----------
    genesis : state before the first batch of the rollup
    shop : makes what is missing
    """

    def __init__(
        self, params: RollupParams, store: ChainStore, genesis: RollupState, shop: TraceShop
    ) -> None:
        self._params = params
        self._store = store
        self._genesis = genesis
        self.shop = shop
        self._ranges: dict[Hash32, DerivedRange] = {}

    def of(self, assertion: StoredAssertion) -> UnitTraces:
        """Return the traces below a right assertion."""
        return UnitTraces(self._range(assertion), self.shop, self._params.log_arity)

    def units(self, assertion: StoredAssertion) -> Tree:
        """Return the unit tree of a right assertion.

        Raises
        ------
        BatchUndone : its batches are no longer derived
        """
        return self._range(assertion).units()

    def keep(self, assertions: Collection[Hash32]) -> None:
        """Forget the trees of all other assertions."""
        self._ranges = {id_: kept for id_, kept in self._ranges.items() if id_ in assertions}

    def _range(self, assertion: StoredAssertion) -> DerivedRange:
        if assertion.id not in self._ranges:
            found = DerivedRange(self._params, self._store, self._genesis, assertion)
            self._ranges[assertion.id] = found
        return self._ranges[assertion.id]


def leaves_of(store: ChainStore, index: int) -> list[Hash32]:
    """Return the unit leaves of a derived batch.

    Raises
    ------
    BatchUndone : the batch is no longer derived
    """
    leaves = store.unit_leaves(index)
    if not leaves:
        raise BatchUndone(f"batch {index} is no longer derived")
    return leaves
