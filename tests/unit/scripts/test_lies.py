import pytest

from optimistic.protocol.commitment import Tree, UnitTree, node_hash
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import ZERO_HASH, Hash32
from scripts.staging.lies import (
    AlteredTree,
    Fault,
    LyingTraces,
    NoRoomForLie,
    StepLie,
    UnitLie,
    lying_steps,
    lying_units,
    states_of,
    unit_leaves,
)

BATCHES = [[keccak256(bytes([batch, unit])) for unit in range(5)] for batch in range(3)]
STATES = [keccak256(b"step" + bytes([step])) for step in range(40)]
RESULT = keccak256(b"another result")
SECOND_BATCH = 1 << 15


class Right:
    def __init__(self, log_arity: int) -> None:
        self._log_arity = log_arity

    def units(self) -> Tree:
        return UnitTree(self._log_arity, BATCHES)

    def steps(self, j: int) -> Tree | None:
        return None if j == 0 else TraceTree(self._log_arity, STATES)

    def witness(self, j: int, v: int) -> bytes | None:
        return b"right"


def _units(fault: Fault, log_arity: int = 5) -> Tree:
    return lying_units(log_arity, BATCHES, fault)


def _difference(tree: Tree) -> int | None:
    return UnitTree(tree.log_arity, BATCHES).first_difference(tree)


@pytest.mark.parametrize("log_arity", [1, 5])
def test_leaves__of_right_trees__are_read_back(log_arity: int) -> None:
    assert unit_leaves(UnitTree(log_arity, BATCHES), 3) == BATCHES
    assert states_of(TraceTree(log_arity, STATES)) == STATES


@pytest.mark.parametrize("log_arity", [1, 5])
@pytest.mark.parametrize("lie", [UnitLie.RESULT, UnitLie.ONCE])
@pytest.mark.parametrize("unit", [0, 3, 4, 5, 700, SECOND_BATCH, SECOND_BATCH + 4, 2 * SECOND_BATCH + 32_767])
def test_unit_lie__anywhere__is_first_wrong_there(log_arity: int, lie: UnitLie, unit: int) -> None:
    tree = _units(Fault(unit_lie=lie, unit=unit), log_arity)

    assert _difference(tree) == unit


@pytest.mark.parametrize("unit", [0, 4, 300, SECOND_BATCH + 2])
def test_unit_lie_once__the_end__is_right(unit: int) -> None:
    tree = _units(Fault(unit_lie=UnitLie.ONCE, unit=unit))

    assert tree.root.end_state == BATCHES[-1][-1]
    assert _units(Fault(unit_lie=UnitLie.RESULT, unit=unit)).root.end_state != BATCHES[-1][-1]


def test_unit_lie__wrong_number_of_units__is_first_wrong_behind_the_place() -> None:
    assert _difference(_units(Fault(unit_lie=UnitLie.EXTRA, unit=2))) == 3
    assert _difference(_units(Fault(unit_lie=UnitLie.MISSING, unit=2))) == 2


@pytest.mark.parametrize("lie", [UnitLie.EXTRA, UnitLie.MISSING])
def test_unit_lie__wrong_number_of_units_at_the_end__is_refused(lie: UnitLie) -> None:
    with pytest.raises(NoRoomForLie):
        _units(Fault(unit_lie=lie, unit=4))


def test_unit_lie__in_a_batch_beyond_the_assertion__is_refused() -> None:
    with pytest.raises(NoRoomForLie, match="3 batches"):
        _units(Fault(unit=3 * SECOND_BATCH))


def test_unit_lie__zero__is_zero_everywhere() -> None:
    tree = _units(Fault(unit_lie=UnitLie.ZERO))

    assert tree.root.end_state == ZERO_HASH
    assert _difference(tree) == 0


@pytest.mark.parametrize("log_arity", [1, 5])
@pytest.mark.parametrize("level", [1, 2, 5])
def test_unit_lie__false_end_state__differs_in_no_leaf(log_arity: int, level: int) -> None:
    tree, right = _units(Fault(unit_lie=UnitLie.END_STATE, unit=3, level=level), log_arity), BATCHES[0][3]

    assert tree.root != UnitTree(log_arity, BATCHES).root
    assert tree.node(0, 3).hash == right
    assert tree.children(level, 0) == UnitTree(log_arity, BATCHES).children(level, 0)


def test_altered_tree__its_nodes__are_hashes_of_what_they_say() -> None:
    tree = AlteredTree(UnitTree(5, BATCHES), 1, 0, RESULT)

    above = tree.node(2, 0)

    assert tree.node(1, 0).end_state == RESULT
    assert above.hash != UnitTree(5, BATCHES).node(2, 0).hash
    assert tree.root.hash == node_hash(tree.root.end_state, tree.children_root())


def test_altered_tree__outside_of_the_tree__is_refused() -> None:
    with pytest.raises(NoRoomForLie):
        AlteredTree(UnitTree(5, BATCHES), 6, 0, RESULT)


# ---------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("lie", [lie for lie in StepLie if lie is not StepLie.END_STATE])
@pytest.mark.parametrize("step", [0, 1, 20, 38])
@pytest.mark.parametrize("result", [RESULT, STATES[-1]])
def test_step_lie__any__ends_where_the_liar_says(lie: StepLie, step: int, result: Hash32) -> None:
    tree = lying_steps(TraceTree(5, STATES), result, Fault(step_lie=lie, step=step))

    assert tree.root.end_state == result
    assert tree.root != TraceTree(5, STATES, tree.height).root


@pytest.mark.parametrize("step", [0, 17, 39, 40, 1_000])
def test_step_lie__false_from_a_step__is_first_wrong_there(step: int) -> None:
    tree = lying_steps(TraceTree(5, STATES), RESULT, Fault(step=step))

    assert TraceTree(5, STATES, tree.height).first_difference(tree) == step


def test_step_lie__the_last_step_by_default__is_the_only_wrong_one() -> None:
    tree = lying_steps(TraceTree(5, STATES), RESULT, Fault())

    assert states_of(tree) == [*STATES[:-1], RESULT]


@pytest.mark.parametrize("step", [0, 20, 39])
def test_step_lie__once_for_the_right_result__is_a_sabotage(step: int) -> None:
    tree = lying_steps(TraceTree(5, STATES), STATES[-1], Fault(step_lie=StepLie.ONCE, step=step))

    assert TraceTree(5, STATES, tree.height).first_difference(tree) == step
    assert tree.root.end_state == STATES[-1]


def test_step_lie__deeper_than_needed__is_first_wrong_at_the_same_step() -> None:
    tree = lying_steps(TraceTree(5, STATES), RESULT, Fault(step=7, depth=5))

    assert tree.height == 5
    assert TraceTree(5, STATES, 5).first_difference(tree) == 7


def test_step_lie__false_end_state__has_right_steps() -> None:
    tree = lying_steps(TraceTree(5, STATES), STATES[-1], Fault(step_lie=StepLie.END_STATE, step=3))

    assert tree.root != TraceTree(5, STATES).root
    assert states_of(tree) == STATES


# ---------------------------------------------------------------------------------- traces


def test_lying_traces__a_unit_it_lies_about__ends_in_its_leaf() -> None:
    fault = Fault(unit=2)
    traces = LyingTraces(Right(5), _units(fault), fault)

    steps = traces.steps(2)

    assert steps is not None
    assert steps.root.end_state == traces.units().node(0, 2).hash
    assert traces.steps(2) is steps
    assert traces.witness(2, 0) is None


def test_lying_traces__a_trace_that_is_not_known__stays_unknown() -> None:
    fault = Fault()

    assert LyingTraces(Right(5), _units(fault), fault).steps(0) is None


def test_lying_traces__of_a_saboteur__are_wrong_for_the_right_result() -> None:
    right, fault = TraceTree(5, STATES), Fault(unit_lie=UnitLie.NONE, step_lie=StepLie.ONCE, step=3)
    units = lying_units(5, [[*BATCHES[0][:4], STATES[-1]]], fault)

    steps = LyingTraces(Right(5), units, fault).steps(4)

    assert steps is not None
    assert right.first_difference(steps) == 3
    assert steps.root.end_state == STATES[-1]


def test_salt__of_two_liars__makes_two_trees() -> None:
    assert _units(Fault(salt=b"1")).root != _units(Fault(salt=b"2")).root
