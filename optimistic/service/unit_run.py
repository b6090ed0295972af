"""One unit of a batch, rebuilt by execution and ready for the step machine."""

from collections.abc import Callable
from dataclasses import dataclass

from optimistic.protocol.derivation import RollupState, UnitKind, UnitResult
from optimistic.protocol.engine import Outcome
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeOverlay, NodeReader
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import run
from optimistic.protocol.stepper.trace import LAST_STEP, next_state, run_to
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase, machine_hash
from optimistic.service.corrected_replay import CorrectedReplay, full_backend
from optimistic.service.unit_inputs import EnginesDisagree, UnitInputs, UnitPlace, UnknownConfiguration

OnUnits = Callable[[int, int], None]
"""(units done, units to do) of the batch before the wanted unit is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRun:
    """One unit and all that its steps need.

    Attributes
    ----------
    acc : the inbox accumulator of the batch
    full : everything that a step may ask for
    before : the state that the unit starts from
    result : what the transaction engine makes of the unit; None behind the last unit of the batch, where the
        machine rests
    """

    place: UnitPlace
    acc: Hash32
    full: Full
    before: RollupState
    result: UnitResult | None

    @property
    def kind(self) -> UnitKind | None:
        """What the unit does; None behind the last one."""
        return None if self.result is None else self.result.kind

    @property
    def leaf(self) -> Hash32:
        """The machine hash at the end of the unit, as the transaction engine has it."""
        if self.result is None:
            return machine_hash(Phase.IDLE, self.before.unit)
        return self.result.leaf

    @property
    def is_executed(self) -> bool:
        """Whether the unit executes a transaction or deposit, not only passes over it."""
        return self.result is not None and isinstance(self.result.effect, Outcome)

    @property
    def tx_hash(self) -> Hash32 | None:
        """Hash of the transaction or deposit, executed or not; None if the unit has none that can be read."""
        if self.result is None:
            return None
        effect, raw = self.result.effect, self.result.raw
        if isinstance(effect, Outcome):
            return effect.tx_hash
        return None if raw is None else keccak256(raw)

    def start(self) -> Machine:
        """Return a new machine as it stands before the unit: S(0)."""
        is_idle = not self.place.unit or self.result is None
        return Machine(Phase.IDLE if is_idle else Phase.BOUNDARY, self.before.unit)

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
        if end_hash != self.leaf:
            raise EnginesDisagree(
                f"unit {self.place} ends in 0x{end_hash.hex()}, the replay says 0x{self.leaf.hex()}: "
                "one of the two engines is wrong"
            )


def open_unit(inputs: UnitInputs, nodes: NodeReader, on_units: OnUnits = lambda *_: None) -> UnitRun:
    """Rebuild the state before a unit by executing all that precedes it, then execute the unit once.

    Behind the last unit of a batch all are the same: a place there is that of the first of them.

    Parameters
    ----------
    nodes : trie nodes and codes of the start state; never written to

    Raises
    ------
    UnknownConfiguration : a batch cannot be replayed here
    """
    place = inputs.place
    replay, overlay = replay_of(inputs, nodes)
    units = iter(replay)
    for done in range(place.unit):
        if next(units, None) is None:
            place = UnitPlace(place.batch, done)
            break
        on_units(done + 1, place.unit)
    before = replay.state
    replay.engine.flush()
    return UnitRun(
        place=place,
        acc=inputs.acc,
        full=backend_of(inputs, overlay, before),
        before=before,
        result=next(units, None),
    )


def replay_of(inputs: UnitInputs, nodes: NodeReader) -> tuple[CorrectedReplay, NodeOverlay]:
    """Return the replay of the last batch of the inputs, and the nodes it takes on top of `nodes`.

    Raises
    ------
    UnknownConfiguration : a batch cannot be replayed here
    """
    state, overlay = inputs.start, NodeOverlay(nodes)
    first = inputs.place.batch + 1 - len(inputs.batches)
    for number, batch in enumerate(inputs.batches, first):
        if batch.record.config_hash != inputs.params.config_hash():
            raise UnknownConfiguration(f"batch {number} runs under a configuration unknown to this program")
        by_machine = {place.unit for place in inputs.by_machine if place.batch == number}
        replay = CorrectedReplay(inputs.params, state, batch, overlay, by_machine=by_machine)
        if number == inputs.place.batch:
            break
        for _ in replay:
            pass
        replay.engine.flush()
        state = replay.state
    return replay, overlay


def backend_of(inputs: UnitInputs, nodes: NodeReader, before: RollupState) -> Full:
    """Return what gives the step machine all that units of the last batch of the inputs may ask for."""
    accs = inputs.previous_acc, inputs.acc
    return full_backend(inputs.params, nodes, inputs.batches[-1], before, accs)
