"""The replay of one batch, in which the step machine may stand in for the transaction engine.

Both must give the same. If they ever differ in a unit, L1 will execute what the step machine
does, so everything behind that unit has to rest on its result.
"""

from collections.abc import Collection
from typing import Final

from optimistic.protocol.batch import Item, TxItem
from optimistic.protocol.derivation import BatchReplay, RollupState, UnitResult, block_env, next_kind
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.mpt import NodeReader, NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import run
from optimistic.protocol.stepper.trace import LAST_STEP, next_state
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase
from optimistic.service.unit_inputs import BatchInput, EnginesDisagree


class CorrectedReplay(BatchReplay):
    """A replay on `EvmEngine` that leaves some units to the step machine.

    Parameters
    ----------
    nodes : nodes of the start state; new ones are added to it
    by_machine : which units, by their index in the batch; not the beginning of the batch, 0
    engine : stands on the start state, if there is one
    """

    def __init__(
        self,
        params: RollupParams,
        start: RollupState,
        batch: BatchInput,
        nodes: NodeStore,
        *,
        by_machine: Collection[int] = (),
        engine: EvmEngine | None = None,
    ) -> None:
        self.engine = EvmEngine(params, nodes, start.unit.state_root) if engine is None else engine
        super().__init__(params, start, batch.record, batch.data, batch.deposits, self.engine)
        self._batch: Final = batch
        self._nodes: Final = nodes
        self._by_machine: Final = by_machine

    def _next_unit(self, item: Item) -> UnitResult:
        """Choose and run the next unit; `item` is what the cursor points at."""
        if self._index not in self._by_machine:
            return super()._next_unit(item)
        self.engine.flush()
        full = full_backend(self._params, self._nodes, self._batch, self.state)
        m = Machine(Phase.BOUNDARY, self.state.unit)
        next_state(full, self._index, 0, ZERO_HASH, m)
        run(full, m, LAST_STEP)
        if m.phase not in (Phase.BOUNDARY, Phase.IDLE):
            raise EnginesDisagree(f"the step machine ends unit {self._index} in phase {m.phase.name}")
        self._nodes.put_many(full.nodes.own)
        kind = next_kind(self.state.unit, item)
        raw = item.raw if isinstance(item, TxItem) else None
        self._go_on_from(RollupState(m.unit, full.ring(m.unit.block_hash_ring)))
        index, self._index = self._index, self._index + 1
        return UnitResult(index=index, kind=kind, unit=m.unit, leaf=m.hash(), raw=raw, effect=None)

    def _go_on_from(self, state: RollupState) -> None:
        """Put the transaction engine where the step machine came to."""
        self.state = state
        self._engine = self.engine = EvmEngine(self._params, self._nodes, state.unit.state_root)
        if state.unit.block_open:
            self.engine.begin_block(block_env(state))


def full_backend(
    params: RollupParams,
    nodes: NodeReader,
    batch: BatchInput,
    before: RollupState,
    accs: tuple[Hash32, Hash32] = (ZERO_HASH, ZERO_HASH),
) -> Full:
    """Return what gives the step machine all that units of a batch may ask for.

    Parameters
    ----------
    before : the state that the first unit to be run starts from
    accs : the inbox accumulators before and after the batch; only its first unit asks for them
    """
    return Full(
        params,
        nodes,
        data=[batch.data],
        deposits=dict(enumerate(batch.deposits, batch.record.deposit_start)),
        records={accs[1]: (accs[0], batch.record)},
        rings=[before.ring],
    )
