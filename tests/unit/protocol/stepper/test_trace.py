"""The virtual trace: what each index does to each kind of state."""

from itertools import product

import pytest

from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import run
from optimistic.protocol.stepper.trace import next_state, run_to, unit_trace
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.evm_world import ALICE, BOB, ETHER, Alloc, sign_tx
from tests.helpers.opcode_stage import UNIT, Stage, stage
from tests.helpers.stepper_batch import StepperBatch, stepper_batch

LAST = (1 << STEP_BITS) - 1
BATCH = 1 << UNIT_BITS
ACC = Hash32(b"\xac" * 32)
AT_REST = (Phase.BOUNDARY, Phase.IDLE, Phase.ERRORED)


def small_batch() -> StepperBatch:
    """One transfer."""
    return stepper_batch([sign_tx(to=BOB, value=1)], {ALICE: Alloc(balance=ETHER)})


def is_errored(m: Machine) -> bool:
    """Whether a machine has failed and kept nothing but its unit."""
    return m == Machine(Phase.ERRORED, m.unit)


def acc_if(has_batch: bool) -> Hash32:
    """The accumulator that the game gives."""
    return ACC if has_batch else ZERO_HASH


def running() -> Stage:
    """A frame inside an endless loop."""
    return stage(code=bytes.fromhex("5b600056"))


@pytest.mark.parametrize(
    ("phase", "v", "j", "has_batch"),
    list(product(AT_REST, (1, 2, LAST - 1, LAST), (0, 1, BATCH, BATCH + 7), (False, True))),
)
def test_next__at_rest_after_index_zero__is_padding(phase: Phase, v: int, j: int, has_batch: bool) -> None:
    m = Machine(phase, UNIT)
    before = m.hash()
    assert next_state(running().be, j, v, acc_if(has_batch), m).hash() == before


@pytest.mark.parametrize("j", [0, BATCH, 7 * BATCH])
@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.IDLE])
@pytest.mark.parametrize("has_batch", [False, True])
def test_next__batch_begins_where_none_ended__fails(phase: Phase, j: int, has_batch: bool) -> None:
    be, m = running().be, running().m
    m.phase, m.frame = phase, m.frame if phase is Phase.EXEC else None
    assert is_errored(next_state(be, j, 0, acc_if(has_batch), m))


@pytest.mark.parametrize("j", [0, BATCH])
def test_next__no_more_batches__idles(j: int) -> None:
    m = Machine(Phase.IDLE, UNIT)
    before = m.hash()
    assert next_state(running().be, j, 0, ZERO_HASH, m).hash() == before


def test_next__first_unit_of_a_batch__loads_the_record_and_nothing_else() -> None:
    batch = small_batch()
    m = next_state(batch.full(), 3 * BATCH, 0, batch.acc, batch.machine())
    assert m.phase is Phase.BOUNDARY
    assert m.unit.data_root == batch.record.data_root
    assert m.hash() == batch.replay()[0].leaf


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.ERRORED])
@pytest.mark.parametrize("has_batch", [False, True])
def test_next__unit_after_the_end_of_the_batch__is_padding(phase: Phase, has_batch: bool) -> None:
    m = Machine(phase, UNIT)
    before = m.hash()
    assert next_state(running().be, 5, 0, acc_if(has_batch), m).hash() == before


def test_next__unit_of_a_batch_at_its_boundary__chooses_a_phase_and_changes_nothing_else() -> None:
    batch = small_batch()
    be, m = batch.full(), batch.machine()
    chosen = []
    for j in range(5):
        unit = m.unit
        next_state(be, j, 0, batch.acc, m)
        chosen.append(m.phase)
        assert j in (0, 4) or m.unit == unit
        run(be, m, LAST)
    assert chosen == [Phase.BOUNDARY, Phase.BLOCK_BEGIN, Phase.TX_BEGIN, Phase.BLOCK_END, Phase.IDLE]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in AT_REST])
def test_next__unit_begins_where_none_ended__fails(phase: Phase) -> None:
    be, m = running().be, running().m
    m.phase = phase
    assert is_errored(next_state(be, 5, 0, ACC, m))


def test_next__running_before_the_last_index__steps() -> None:
    stage_ = running()
    next_state(stage_.be, 5, LAST - 1, ZERO_HASH, stage_.m)
    assert stage_.m.phase is Phase.EXEC
    assert stage_.frame.pc == 1


def test_next__still_running_after_the_last_index__fails() -> None:
    stage_ = running()
    assert is_errored(next_state(stage_.be, 5, LAST, ZERO_HASH, stage_.m))


def test_next__unit_ends_at_the_last_index__does_not_fail() -> None:
    batch = small_batch()
    be, m = batch.full(), batch.machine()
    next_state(be, 0, 0, batch.acc, m)
    next_state(be, 1, 0, batch.acc, m)
    assert m.phase is Phase.BLOCK_BEGIN
    assert next_state(be, 1, LAST, batch.acc, m).phase is Phase.BOUNDARY


def test_unit_trace__a_transaction__is_every_state_up_to_the_boundary() -> None:
    batch = small_batch()
    unit = batch.replay()[1].unit
    hashes = list(unit_trace(batch.full(), 2, batch.acc, Machine(Phase.BOUNDARY, unit)))
    assert len(hashes) == 6  # chosen, begun, entered, stopped, left, ended
    for v, state in enumerate([*hashes, hashes[-1], hashes[-1]]):
        m = run_to(batch.full(), 2, v + 1, batch.acc, Machine(Phase.BOUNDARY, unit))
        assert m.hash() == state
    assert hashes[-1] == batch.replay()[2].leaf


def test_unit_trace__padding__is_its_own_state_alone() -> None:
    m = Machine(Phase.IDLE, UNIT)
    assert list(unit_trace(running().be, 5, ACC, m)) == [m.hash()]


def test_run_to__start__changes_nothing() -> None:
    m = Machine(Phase.IDLE, UNIT)
    before = m.hash()
    assert run_to(running().be, 0, 0, ACC, m).hash() == before
