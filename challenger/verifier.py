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
from optimistic.protocol.derivation import RollupState, UnitResult
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.corrected_replay import CorrectedReplay
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
        self._corrections = store.corrections()
        self._places: list[UnitPlace] = []
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
        return self._store.end_leaf(self.key(to_batch - 1))

    def key(self, index: int) -> Hash32:
        """Return a hash of everything the replay of batches [0, index] depends on: inputs and corrections."""
        input_hash = self._batches[index].input_hash
        places = self._corrected(self._start, index + 1)
        if not places:
            return input_hash
        return keccak256(input_hash + b"".join(place.j.to_bytes(8, "big") for place in places))

    def trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        """Return our commitment to a range of batches, if all of its leaves are known."""
        return self._trace([self.key(index) for index in range(from_batch, to_batch)])

    def uncorrected_trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        """Return what the transaction engine alone would commit to, if it is known."""
        return self._trace([batch.input_hash for batch in self._batches[from_batch:to_batch]])

    def first_correction(self, from_batch: int, to_batch: int) -> UnitPlace | None:
        """Return the first unit of a range of batches about which the engines disagree, if there is one."""
        return next(iter(self._corrected(from_batch, to_batch)), None)

    def leaves(self, index: int) -> tuple[Hash32, ...]:
        """Return the machine hash after each unit of a replayed batch.

        Raises
        ------
        CorruptStorage : they are not in the cache, or damaged
        """
        return self._leaves(self.key(index))

    def _corrected(self, from_batch: int, to_batch: int) -> list[UnitPlace]:
        return [place for place in self._places if from_batch <= place.batch < to_batch]

    def _trace(self, hashes: Sequence[Hash32]) -> RollupTrace | None:
        tops = [top for top in map(self._store.top, hashes) if top is not None]
        if not hashes or len(tops) != len(hashes):
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
        self._start = self._snapshot(batches)
        self._places = self._find_corrected()
        if not known or batches[self._n_replayed - 1 : self._n_replayed] != known:
            self._n_replayed = self.resume_point(len(batches))
        self._problem = None

    def correct(self, place: UnitPlace) -> None:
        """Leave a unit to the step machine from now on: it and everything behind it is replayed again."""
        input_hash = self._batches[place.batch].input_hash
        self._store.add_correction(input_hash, place.unit)
        self._corrections = self._store.corrections()
        self._engine = None
        self._places = self._find_corrected()
        self._n_replayed = self.resume_point(len(self._batches))

    def _find_corrected(self) -> list[UnitPlace]:
        """Return the units of the present batches that are left to the step machine, in their order."""
        if not self._corrections:
            return []
        return [
            UnitPlace(index, unit)
            for index, batch in enumerate(self._batches)
            for unit in sorted(self._corrections.get(batch.input_hash, ()))
        ]

    def advance(self, source: BatchSource, limit: int, on_unit: OnUnit | None = None) -> int:
        """Replay up to `limit` further batches and return how many were.

        Parameters
        ----------
        on_unit : sees every unit as it is done

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
            self._store.put_batch(self.replay(self._n_replayed, batch, on_unit))
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
        by_machine = {place.unit for place in self._corrected(index, index + 1)}
        replay = CorrectedReplay(
            self._params, start, batch, self._nodes, by_machine=by_machine, engine=engine
        )
        leaves = []
        self._engine = None
        for unit in replay:
            leaves.append(unit.leaf)
            if on_unit is not None:
                on_unit(unit)
        replay.engine.flush()
        self._engine = replay.engine
        return ReplayedBatch(
            index=index,
            input_hash=self.key(index),
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
        state = self._store.state(self.key(index - 1))
        if state is None:
            raise CorruptStorage(f"the state before batch {index} is not in the cache")
        return state

    def resume_point(self, index: int) -> int:
        """Return the largest number of batches, at most `index`, whose end state is kept."""
        kept = self._store.resumable()
        return next((i + 1 for i, hash_ in kept if i < index and self.key(i) == hash_), 0)

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
            by_machine=frozenset(self._corrected(resume, index + 1)),
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
