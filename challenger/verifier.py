"""Our own replay of the batches on L1, and what it commits to.

Everything is content-addressed: a replayed batch is kept under a hash of all that the replay
read. So a reorganisation needs no undo, a restart finds what is still true, and an empty disk
only means to start from genesis or from a snapshot.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from challenger.model import BatchHead
from challenger.store import ReplayedBatch, Store
from challenger.trace import RollupTrace
from optimistic.protocol.commitment import batch_tree
from optimistic.protocol.derivation import BatchReplay, RollupState, UnitResult
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.storage_errors import CorruptStorage
from optimistic.service.unit_inputs import BatchInput, UnitInputs, UnitPlace

OnUnit = Callable[[UnitResult], None]


class BatchSource(Protocol):
    """Where batches come from: L1, and nothing else."""

    def batch(self, index: int) -> BatchInput:
        """Return one batch of the current view.

        Raises
        ------
        TemporaryError : L1 cannot be read, or what it says contradicts its hashes
        """


class Verifier:
    """Replays batches and answers for the batches of one view; see `judge.ReplayedChain`.

    Parameters
    ----------
    params : the only configuration this program can replay
    genesis : state before batch 0; its nodes are in `nodes`
    """

    def __init__(self, params: RollupParams, genesis: RollupState, store: Store, nodes: NodeStore) -> None:
        self._params: Final = params
        self._config_hash: Final = params.config_hash()
        self._genesis: Final = genesis
        self._store: Final = store
        self._nodes: Final = nodes
        self._engine: EvmEngine | None = None
        self._batches: Sequence[BatchHead] = ()
        self._n_replayed = 0
        self._start = 0
        self._problem: str | None = None

    # ------------------------------------------------------------------------------ what is known

    @property
    def n_replayed(self) -> int:
        """Number of batches whose end state is known."""
        return self._n_replayed

    @property
    def problem(self) -> str | None:
        """Why the replay cannot go beyond `n_replayed`, or None while it can."""
        return self._problem

    @property
    def start(self) -> int:
        """Number of batches taken from a snapshot of a confirmed state instead of being replayed."""
        return self._start

    def end_leaf(self, to_batch: int) -> Hash32 | None:
        """Return the state after batches [0, to_batch), if known."""
        if not 0 < to_batch <= len(self._batches):
            return None
        return self._store.end_leaf(self._batches[to_batch - 1].input_hash)

    def trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        """Return our commitment to a range of batches, if all of its leaves are known."""
        hashes = [batch.input_hash for batch in self._batches[from_batch:to_batch]]
        tops = [top for top in map(self._store.top, hashes) if top is not None]
        if not hashes or len(tops) != to_batch - from_batch:
            return None
        return RollupTrace(self._params.log_arity, tops, lambda offset: self._leaves(hashes[offset]))

    def _leaves(self, input_hash: Hash32) -> tuple[Hash32, ...]:
        leaves, top = self._store.leaves(input_hash), self._store.top(input_hash)
        if not leaves or batch_tree(self._params.log_arity, leaves).root != top:
            raise CorruptStorage("the cached leaves of a batch are not those of its root")
        return leaves

    # ------------------------------------------------------------------------------ replaying

    def follow(self, batches: Sequence[BatchHead]) -> None:
        """Turn to the batches of a new view: find how far they are replayed already."""
        known = self._batches[self._n_replayed - 1 : self._n_replayed]
        self._batches = batches
        if not known or batches[self._n_replayed - 1 : self._n_replayed] != known:
            self._n_replayed = self.resume_point(len(batches))
        self._start = self._snapshot(batches)
        self._problem = None

    def advance(self, source: BatchSource, limit: int) -> int:
        """Replay up to `limit` further batches and return how many were.

        Raises
        ------
        TemporaryError : a batch could not be read
        """
        done = 0
        while done < limit and self._n_replayed < len(self._batches):
            batch = source.batch(self._n_replayed)
            if batch.record.config_hash != self._config_hash:
                self._problem = f"batch {self._n_replayed} runs under a configuration unknown to this program"
                break
            self._store.put_batch(self.replay(self._n_replayed, batch))
            self._n_replayed += 1
            done += 1
        return done

    def replay(self, index: int, batch: BatchInput, on_unit: OnUnit | None = None) -> ReplayedBatch:
        """Execute one batch on the state before it, which must be known; store its trie nodes.

        Parameters
        ----------
        on_unit : sees every unit as it is done
        """
        start = self.state_before(index)
        engine = self._engine_at(start.unit.state_root)
        replay = BatchReplay(self._params, start, batch.record, batch.data, batch.deposits, engine)
        leaves = []
        self._engine = None
        for unit in replay:
            leaves.append(unit.leaf)
            if on_unit is not None:
                on_unit(unit)
        engine.flush()
        self._engine = engine
        return ReplayedBatch(
            index=index,
            input_hash=self._batches[index].input_hash,
            leaves=tuple(leaves),
            top=batch_tree(self._params.log_arity, leaves).root,
            end=replay.state,
        )

    def state_before(self, index: int) -> RollupState:
        """Return the state after batches [0, index).

        Raises
        ------
        CorruptStorage : it is not in the cache
        """
        if index == 0:
            return self._genesis
        state = self._store.state(self._batches[index - 1].input_hash)
        if state is None:
            raise CorruptStorage(f"the state before batch {index} is not in the cache")
        return state

    def resume_point(self, index: int) -> int:
        """Return the largest number of batches, at most `index`, whose end state is kept."""
        kept = self._store.resumable()
        return next((i + 1 for i, hash_ in kept if i < index and self._batches[i].input_hash == hash_), 0)

    def rebuild_state(self, source: BatchSource, index: int) -> RollupState:
        """Return the state after batches [0, index), replaying from the last one kept."""
        for number in range(self.resume_point(index), index):
            self._store.put_batch(self.replay(number, source.batch(number)))
        return self.state_before(index)

    def unit_inputs(self, source: BatchSource, place: UnitPlace) -> UnitInputs:
        """Return all that it takes to run a unit of a batch that was replayed.

        Raises
        ------
        TemporaryError : a batch could not be read
        """
        index = place.batch
        resume = self.resume_point(index)
        return UnitInputs(
            params=self._params,
            place=place,
            start=self.state_before(resume),
            batches=tuple(source.batch(number) for number in range(resume, index + 1)),
            previous_acc=self._batches[index - 1].acc if index else ZERO_HASH,
            acc=self._batches[index].acc,
        )

    def restart(self) -> None:
        """Forget every replayed batch, after the cache turned out to be damaged."""
        self._store.clear_replay()
        self._engine = None
        self._n_replayed = 0
        self.follow(self._batches)

    def _engine_at(self, state_root: Hash32) -> EvmEngine:
        if self._engine is not None and self._engine.state_root == state_root:
            return self._engine
        return EvmEngine(self._params, self._nodes, state_root)

    def _snapshot(self, batches: Sequence[BatchHead]) -> int:
        known = self._store.snapshots()
        ends = [i + 1 for i, hash_ in known if i < len(batches) and batches[i].input_hash == hash_]
        return max(ends, default=0)
