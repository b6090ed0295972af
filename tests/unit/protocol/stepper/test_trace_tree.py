"""The lean tree over a trace, against the general one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.commitment import CommitmentTree, leaf, verify_path
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Hash32


def states(count: int) -> list[Hash32]:
    """Different states."""
    return [keccak256(number.to_bytes(4, "big")) for number in range(count)]


@given(count=st.integers(1, 300), log_arity=st.sampled_from((1, 5)), data=st.data())
def test_trace_tree__any_trace__equals_the_general_tree(
    count: int, log_arity: int, data: st.DataObject
) -> None:
    leaves = states(count)
    lean = TraceTree(log_arity, iter(leaves))
    nodes = [leaf(state) for state in leaves]
    general = CommitmentTree(log_arity, lean.height, nodes, nodes[-1])
    assert lean.root == general.root
    level = data.draw(st.integers(0, lean.height))
    index = data.draw(st.integers(0, (1 << log_arity * (lean.height - level)) - 1))
    assert lean.node(level, index) == general.node(level, index)
    verify_path(lean.root.hash, log_arity, index, lean.node(level, index).hash, lean.prove(level, index))


@pytest.mark.parametrize(
    ("count", "log_arity", "height"),
    [
        (1, 1, 1),
        (2, 1, 1),
        (3, 1, 2),
        (4, 1, 2),
        (5, 1, 3),
        (1, 5, 1),
        (32, 5, 1),
        (33, 5, 2),
        (1024, 5, 2),
        (1025, 5, 3),
    ],
)
def test_trace_tree__height__is_the_least_that_holds_the_trace(
    count: int, log_arity: int, height: int
) -> None:
    assert TraceTree(log_arity, states(count)).height == height


def test_trace_tree__no_state__is_refused() -> None:
    with pytest.raises(InvalidInput):
        TraceTree(5, [])


@pytest.mark.parametrize("log_arity", [1, 5])
def test_trace_tree__higher_than_needed__is_padded_with_the_last_state(log_arity: int) -> None:
    lean = TraceTree(log_arity, states(3), height=4)
    nodes = [leaf(state) for state in states(3)]
    assert lean.height == 4
    assert lean.root == CommitmentTree(log_arity, 4, nodes, nodes[-1]).root
