"""Wrong commitments made from right ones: what a liar says about units and about steps.

A lie is made of the right computation and of one fault, so that everything before the fault is
true, as an attacker who wants to be believed would do. Which states it invents depends on a salt:
the same fault of two liars gives two different trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from optimistic.protocol.commitment import Node, Tree, UnitTree, merkle_root, node_hash, parent
from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.dispute.traces import Traces
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import ZERO_HASH, Hash32

_UNITS_OF_BATCH: Final = 1 << UNIT_BITS


class NoRoomForLie(InvalidInput):
    """The computation has no such unit or step, or a lie of this kind cannot stand there."""


class UnitLie(StrEnum):
    """What is wrong with the unit tree of an assertion."""

    NONE = "none"
    """Nothing: the assertion is right, only the trace of a unit is not (sabotage)."""
    RESULT = "result"
    """The unit ends in a false state, and so do all that follow."""
    ONCE = "once"
    """The unit ends in a false state; all others, the last one too, are right."""
    EXTRA = "extra"
    """One unit too many: the unit is followed by one that changes nothing."""
    MISSING = "missing"
    """One unit too few: the unit is left out."""
    END_STATE = "end-state"
    """All units are right; an inner node above the unit names a false end state."""
    ZERO = "zero"
    """Every unit ends in zero."""


class StepLie(StrEnum):
    """What is wrong with the trace of a unit, apart from where it ends."""

    FALSE = "false"
    """The step leads to a false state, and so do all that follow."""
    ONCE = "once"
    """The step leads to a false state; the others are right."""
    EXTRA = "extra"
    """One step too many: the step is made and then stands still once."""
    MISSING = "missing"
    """One step too few: the step is left out."""
    END_STATE = "end-state"
    """All steps are right; an inner node above the step names a false end state."""
    ZERO = "zero"
    """Every step but the last leads to zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Which lie, and where.

    Attributes
    ----------
    unit : index in the assertion, batch offset * 2^15 + unit; it may lie behind the last unit
    step : index in the unit, from 0; it may lie behind the last step; None is the last step
    level : of the inner node with a false end state, at least 1
    depth : least height of the trace trees: more than needed wastes everybody's moves
    """

    unit_lie: UnitLie = UnitLie.RESULT
    unit: int = 0
    step_lie: StepLie = StepLie.FALSE
    step: int | None = None
    level: int = 1
    depth: int = 1
    salt: bytes = b""


def false_state(state: Hash32, salt: bytes = b"") -> Hash32:
    """Return a state that no machine is ever in, made from a right one."""
    return keccak256(b"a lie" + salt + state)


class AlteredTree(Tree):
    """A tree in which one inner node names another end state than its last child.

    The children of that node stay as they are; the nodes above follow.
    """

    def __init__(self, tree: Tree, level: int, index: int, end_state: Hash32) -> None:
        if not 0 < level <= tree.height:
            raise NoRoomForLie(f"the tree has no inner node at level {level}")
        super().__init__(tree.log_arity, tree.height)
        self._tree: Final = tree
        children = [child.hash for child in tree.children(level, index)]
        altered = Node(end_state, node_hash(end_state, merkle_root(children)))
        self._altered: Final = {(level, index): altered}
        while level < tree.height:
            level, index = level + 1, index >> tree.log_arity
            self._altered[level, index] = parent(self.children(level, index))

    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`; level 0 is the base."""
        return self._altered.get((level, index)) or self._tree.node(level, index)


def unit_leaves(tree: Tree, n_batches: int) -> list[list[Hash32]]:
    """Return the unit leaves of each batch of a right unit tree, without their padding."""
    found = []
    for first in range(0, n_batches * _UNITS_OF_BATCH, _UNITS_OF_BATCH):
        end = tree.node(UNIT_BITS // tree.log_arity, first >> UNIT_BITS).end_state
        found.append(_leaves_until(tree, first, end, _UNITS_OF_BATCH))
    return found


def states_of(tree: Tree) -> list[Hash32]:
    """Return S(1), S(2), ... of a right trace tree, without their padding."""
    return _leaves_until(tree, 0, tree.root.end_state, 1 << STEP_BITS)


def lying_units(log_arity: int, batches: Sequence[Sequence[Hash32]], fault: Fault) -> Tree:
    """Return a unit tree with a lie in it.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    batches : the right unit leaves of each batch

    Raises
    ------
    NoRoomForLie : there is no place for it
    """
    right = UnitTree(log_arity, batches)
    match fault.unit_lie:
        case UnitLie.NONE:
            return right
        case UnitLie.END_STATE:
            index = fault.unit >> fault.level * log_arity
            false = false_state(right.node(fault.level, index).end_state, fault.salt)
            return AlteredTree(right, fault.level, index, false)
        case UnitLie.ZERO:
            return UnitTree(log_arity, [[ZERO_HASH] for _ in batches])
    changed = [list(leaves) for leaves in batches]
    offset, unit = divmod(fault.unit, _UNITS_OF_BATCH)
    if offset >= len(changed):
        raise NoRoomForLie(f"the assertion has {len(changed)} batches")
    changed[offset] = _change_leaves(changed[offset], unit, fault)
    if fault.unit_lie is UnitLie.RESULT:
        changed[offset + 1 :] = [
            [false_state(leaf, fault.salt) for leaf in leaves] for leaves in changed[offset + 1 :]
        ]
    return UnitTree(log_arity, changed)


def _change_leaves(leaves: list[Hash32], unit: int, fault: Fault) -> list[Hash32]:
    """Return the leaves of a batch with the lie; leaves behind the last one repeat it."""
    match fault.unit_lie:
        case UnitLie.EXTRA if unit < len(leaves) - 1:
            return [*leaves[: unit + 1], *leaves[unit:]]
        case UnitLie.MISSING if unit < len(leaves) - 1:
            return [*leaves[:unit], *leaves[unit + 1 :]]
        case UnitLie.EXTRA | UnitLie.MISSING:
            raise NoRoomForLie(f"the batch has {len(leaves)} units, and its last one must stay")
    padded = [*leaves, *leaves[-1:] * (min(unit + 2, _UNITS_OF_BATCH) - len(leaves))]
    end = unit + 1 if fault.unit_lie is UnitLie.ONCE else len(padded)
    false = [false_state(leaf, fault.salt) for leaf in padded[unit:end]]
    return [*padded[:unit], *false, *padded[end:]]


def lying_steps(tree: Tree, result: Hash32, fault: Fault) -> Tree:
    """Return a trace tree with a lie in it.

    Parameters
    ----------
    tree : the right trace of the unit
    result : where the lying trace ends; the right end of the unit makes it a sabotage

    Raises
    ------
    NoRoomForLie : the tree has no inner node at the level of the fault
    """
    states = states_of(tree)
    step = len(states) - 1 if fault.step is None else fault.step
    if fault.step_lie is StepLie.END_STATE:
        right = TraceTree(tree.log_arity, [*states[:-1], result], fault.depth)
        index = step >> fault.level * tree.log_arity
        false = false_state(right.node(min(fault.level, right.height), index).end_state, fault.salt)
        return AlteredTree(right, fault.level, index, false)
    return TraceTree(tree.log_arity, [*_change_states(states, step, fault)[:-1], result], fault.depth)


def _change_states(states: list[Hash32], step: int, fault: Fault) -> list[Hash32]:
    """Return the states of a unit with the lie; what the last one is, the caller decides."""
    near = min(step, len(states) - 1)
    match fault.step_lie:
        case StepLie.EXTRA:
            return [*states[: near + 1], *states[near:]]
        case StepLie.MISSING:
            return [*states[:near], *states[near + 1 :], ZERO_HASH][: max(1, len(states) - 1)]
        case StepLie.ZERO:
            return [ZERO_HASH] * len(states)
    padded = [*states, *states[-1:] * (step + 1 - len(states))]
    if step == len(padded) - 1 and fault.step_lie is StepLie.ONCE:
        padded.append(padded[-1])  # so that the false state is not the last one
    end = step + 1 if fault.step_lie is StepLie.ONCE else len(padded)
    false = [false_state(state, fault.salt) for state in padded[step:end]]
    return [*padded[:step], *false, *padded[end:]]


class LyingTraces:
    """What a liar claims to know; implements `Traces`.

    Parameters
    ----------
    right : the right computation of the same batches
    units : the unit tree of the liar's assertion; that of the right one for a saboteur
    fault : what is wrong with its traces
    """

    def __init__(self, right: Traces, units: Tree, fault: Fault) -> None:
        self._right: Final = right
        self._units: Final = units
        self._fault: Final = fault
        self._steps: dict[int, Tree] = {}

    def units(self) -> Tree:
        """Return the lying unit tree."""
        return self._units

    def steps(self, j: int) -> Tree | None:
        """Return a trace of unit `j` that ends where the lying unit tree says; None while it is not known."""
        if j not in self._steps:
            right = self._right.steps(j)
            if right is None:
                return None
            result = self._units.node(0, j).hash
            is_true = result == right.root.end_state and self._fault.unit_lie is not UnitLie.NONE
            self._steps[j] = right if is_true else lying_steps(right, result, self._fault)
        return self._steps[j]

    def witness(self, j: int, v: int) -> bytes | None:
        """Return None: a liar has the wrong step executed by nobody, least of all by L1."""
        return None


def _leaves_until(tree: Tree, first: int, end: Hash32, most: int) -> list[Hash32]:
    """Return the leaves from `first` up to the first one that is `end`, at most so many."""
    found = [tree.node(0, first).hash]
    while found[-1] != end and len(found) < most:
        found.append(tree.node(0, first + len(found)).hash)
    return found
