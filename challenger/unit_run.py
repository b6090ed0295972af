"""One unit of a batch, rebuilt from L1 and ready for the step machine."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from challenger.model import ChainView
from challenger.output import Tick
from challenger.verifier import BatchInput
from challenger.watchtower import Watchtower
from optimistic.protocol.batch import OversizedItem, TxItem, next_item
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.derivation import (
    BatchReplay,
    RollupState,
    UnitKind,
    UnitResult,
    begin_batch,
    close_block,
    next_kind,
    open_block,
)
from optimistic.protocol.engine import Outcome
from optimistic.protocol.errors import CriticalError, InvalidInput, TemporaryError
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeOverlay
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import deposit_tx_hash
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import run
from optimistic.protocol.stepper.trace import LAST_STEP, next_state, run_to
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase


class NoSuchUnit(InvalidInput):
    """L1 has no such batch, or the batch has fewer units."""


class NoSuchTransaction(InvalidInput):
    """No batch on L1 contains the transaction."""


class UnknownConfiguration(InvalidInput):
    """The batch runs under parameters that this program does not have."""


class L1NotRead(TemporaryError):
    """L1 has no block of the deployment yet."""


class EnginesDisagree(CriticalError):
    """The step machine and the transaction engine end a unit in different states: one of them is wrong."""


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """Which unit: both numbers count from zero, batches from the genesis on."""

    batch: int
    unit: int

    @property
    def j(self) -> int:
        """(batch << 15) | unit."""
        return self.batch << UNIT_BITS | self.unit

    def __str__(self) -> str:
        return f"{self.batch}:{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRun:
    """One unit and all that its steps need.

    Attributes
    ----------
    acc : the inbox accumulator of the batch
    full : everything that a step may ask for
    before : the state that the unit starts from
    result : what the transaction engine makes of the unit
    """

    place: UnitPlace
    acc: Hash32
    full: Full
    before: RollupState
    result: UnitResult

    @property
    def tx_hash(self) -> Hash32 | None:
        """Hash of the transaction or deposit, executed or not; None if the unit has none that can be read."""
        effect, raw = self.result.effect, self.result.raw
        if isinstance(effect, Outcome):
            return effect.tx_hash
        return None if raw is None else keccak256(raw)

    def start(self) -> Machine:
        """Return a new machine as it stands before the unit: S(0)."""
        return Machine(Phase.BOUNDARY if self.place.unit else Phase.IDLE, self.before.unit)

    def at(self, v: int) -> Machine:
        """Return a new machine as it stands at S(v); behind the end of the unit it rests."""
        return run_to(self.full, self.place.j, v, self.acc, self.start())

    def run_through(self) -> tuple[int, Hash32]:
        """Run the unit and return the number of its steps and the hash of the machine at its end."""
        m = next_state(self.full, self.place.j, 0, self.acc, self.start())
        count = 1 + run(self.full, m, LAST_STEP)
        return count, m.hash()

    def check_end(self, end_hash: Hash32) -> None:
        """Raise EnginesDisagree unless the step machine ends the unit where the transaction engine does."""
        if end_hash != self.result.leaf:
            raise EnginesDisagree(
                f"unit {self.place} ends in 0x{end_hash.hex()}, the replay says 0x{self.result.leaf.hex()}: "
                "one of the two engines is wrong"
            )


def read_view(tower: Watchtower) -> ChainView:
    """Read all of L1 and turn the tower's replay to its batches.

    Raises
    ------
    L1NotRead : there is nothing yet
    """
    while tower.loader.refresh():
        pass
    view = tower.loader.view()
    if view is None:
        raise L1NotRead("L1 has no block of this deployment yet")
    tower.verifier.follow(view.batches)
    return view


def open_unit(tower: Watchtower, view: ChainView, place: UnitPlace, tick: Tick) -> UnitRun:
    """Rebuild the state before a unit by executing all that precedes it, then execute the unit once.

    Raises
    ------
    NoSuchUnit : L1 does not have it
    UnknownConfiguration : the batch cannot be replayed here
    """
    index, count = place.batch, len(view.batches)
    if not 0 <= index < count:
        raise NoSuchUnit(f"there is no batch {index}: L1 has {count}, counted from 0")
    params = tower.deployment.params
    start = tower.verifier.rebuild_state(tower.loader, index)
    batch = tower.loader.batch(index)
    if batch.record.config_hash != params.config_hash():
        raise UnknownConfiguration(f"batch {index} runs under a configuration unknown to this program")
    nodes = NodeOverlay(tower.nodes)
    engine = EvmEngine(params, nodes, start.unit.state_root)
    replay = BatchReplay(params, start, batch.record, batch.data, batch.deposits, engine)
    units = iter(replay)
    for done in range(place.unit):
        if next(units, None) is None:
            raise NoSuchUnit(f"there is no unit {place.unit}: batch {index} has {done}, counted from 0")
        tick(done + 1, place.unit)
    before = replay.state
    engine.flush()
    result = next(units, None)
    if result is None:
        raise NoSuchUnit(f"there is no unit {place.unit}: batch {index} has {place.unit}, counted from 0")
    return UnitRun(
        place=place,
        acc=view.batches[index].acc,
        full=_full(params, nodes, view, (index, batch), before),
        before=before,
        result=result,
    )


def _full(
    params: RollupParams,
    nodes: NodeOverlay,
    view: ChainView,
    numbered: tuple[int, BatchInput],
    before: RollupState,
) -> Full:
    index, batch = numbered
    previous = view.batches[index - 1].acc if index else ZERO_HASH
    return Full(
        params,
        nodes,
        data=[batch.data],
        deposits=dict(enumerate(batch.deposits, batch.record.deposit_start)),
        records={view.batches[index].acc: (previous, batch.record)},
        rings=[before.ring],
    )


# ---------------------------------------------------------------------------------- by transaction


def open_transaction(tower: Watchtower, view: ChainView, tx_hash: Hash32, tick: Tick) -> UnitRun:
    """Open the unit that executes an L2 transaction; if all of its units pass over it, the first one.

    Raises
    ------
    NoSuchTransaction : L1 does not have it
    """
    places = list(_places(tower, view, tx_hash, tick))
    if not places:
        raise NoSuchTransaction(
            f"no batch on L1 contains transaction 0x{tx_hash.hex()}: it is not posted yet, or unknown"
        )
    if len(places) > 1:
        for place in places:
            unit = open_unit(tower, view, place, tick)
            if isinstance(unit.result.effect, Outcome):
                return unit
    return open_unit(tower, view, places[0], tick)


def _places(tower: Watchtower, view: ChainView, tx_hash: Hash32, tick: Tick) -> Iterator[UnitPlace]:
    """Yield every unit that names the transaction."""
    params, genesis = tower.deployment.params, tower.verifier.state_before(0)
    for index in range(len(view.batches)):
        for unit, hash_ in _transactions(params, genesis, tower.loader.batch(index)):
            if hash_ == tx_hash:
                yield UnitPlace(index, unit)
        tick(index + 1, len(view.batches))


def _transactions(
    params: RollupParams, genesis: RollupState, batch: BatchInput
) -> Iterator[tuple[int, Hash32]]:
    """Yield (unit, transaction hash) of a batch: which units there are does not depend on their execution."""
    record = batch.record
    unit = begin_batch(replace(genesis.unit, deposit_cursor=record.deposit_start), record)
    index = 0
    while True:
        index += 1
        item = next_item(batch.data, unit.cursor, params.max_tx_bytes)
        match next_kind(unit, item):
            case UnitKind.BLOCK_BEGIN:
                unit = open_block(unit, item, params)
            case UnitKind.DEPOSIT:
                number, left = unit.deposit_cursor, unit.block_deposits_left
                yield index, deposit_tx_hash(number, batch.deposits[number - record.deposit_start])
                unit = replace(unit, deposit_cursor=number + 1, block_deposits_left=left - 1)
            case UnitKind.TRANSACTION:
                assert isinstance(item, TxItem | OversizedItem)
                if isinstance(item, TxItem):
                    yield index, keccak256(item.raw)
                unit = replace(unit, cursor=item.end)
            case UnitKind.BLOCK_END:
                unit = close_block(unit, unit.parent_hash, unit.block_hash_ring)
            case _:
                return
