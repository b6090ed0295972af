import pytest

from challenger.locate import MAX_GROUPS, UnitSearch
from challenger.model import WrongUnits, split_unit
from challenger.trace import RollupTrace
from optimistic.protocol.commitment import Tree, UnitTree, batch_tree, leaf
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32
from tests.helpers.unit_search import locate_wrong_units

ALL_UNITS = 1 << 25
ARITIES = (1, 5)


def leaves(name: str, count: int) -> tuple[Hash32, ...]:
    return tuple(keccak256(f"{name} {i}".encode()) for i in range(count))


def trace_of(log_arity: int, batches: list[tuple[Hash32, ...]]) -> RollupTrace:
    return RollupTrace(log_arity, [batch_tree(log_arity, b).root for b in batches], lambda i: batches[i])


def published(tree: Tree, level: int, first: int, count: int) -> PublishedNodes:
    nodes = tuple(tree.node(level, first + i) for i in range(count))
    return PublishedNodes(level=level, first_index=first, nodes=nodes)


BATCHES = [leaves("a", 7), leaves("b", 40), leaves("c", 3)]


def lie(batch: int, unit: int) -> list[tuple[Hash32, ...]]:
    """BATCHES with everything wrong from one unit on."""
    told = list(BATCHES)
    told[batch] = BATCHES[batch][:unit] + leaves("lie", len(BATCHES[batch]) - unit)
    told[batch + 1 :] = [leaves(f"lie {i}", len(b)) for i, b in enumerate(BATCHES[batch + 1 :])]
    return told


@pytest.mark.parametrize("log_arity", ARITIES)
def test_trace__any_batches__equals_the_unit_tree(log_arity: int) -> None:
    trace, tree = trace_of(log_arity, BATCHES), UnitTree(log_arity, BATCHES)

    assert (trace.unit_root, trace.end_leaf) == (tree.unit_root, tree.end_leaf)
    assert trace.children_root() == tree.children_root()
    for level, index in ((0, 6), (0, 7), (0, (1 << 15) + 39), (0, 3 << 15), (0, ALL_UNITS - 1), (1, 2)):
        assert trace.node(level, index) == tree.node(level, index)


@pytest.mark.parametrize("log_arity", ARITIES)
def test_trace__proofs__equal_those_of_the_unit_tree(log_arity: int) -> None:
    trace, tree = trace_of(log_arity, BATCHES), UnitTree(log_arity, BATCHES)

    assert trace.prove(0, (1 << 15) + 3) == tree.prove(0, (1 << 15) + 3)


def test_locate__nothing_published__names_no_unit() -> None:
    wrong = locate_wrong_units(trace_of(5, BATCHES), [])

    assert wrong == WrongUnits(first=0, last=ALL_UNITS - 1)
    assert (wrong.unit, wrong.named, wrong.source) == (None, None, "unit_root")


@pytest.mark.parametrize("log_arity", ARITIES)
def test_locate__leaves_of_the_first_batch__names_the_unit(log_arity: int) -> None:
    other = UnitTree(log_arity, lie(0, 4))

    wrong = locate_wrong_units(trace_of(log_arity, BATCHES), [published(other, 0, 0, 7)])

    assert (wrong.unit, wrong.proven, wrong.source) == (4, 4, "published_leaves")


@pytest.mark.parametrize("log_arity", ARITIES)
def test_locate__batch_ends_and_one_batch__names_the_unit(log_arity: int) -> None:
    other = UnitTree(log_arity, lie(1, 33))
    tops = published(other, 15 // log_arity, 0, 3)

    wrong = locate_wrong_units(trace_of(log_arity, BATCHES), [tops, published(other, 0, 1 << 15, 40)])

    assert wrong.unit == (1 << 15) + 33
    assert split_unit(wrong.first) == (1, 33)


def test_locate__batch_ends_only__bounds_it_to_the_batch() -> None:
    other = UnitTree(5, lie(1, 33))

    wrong = locate_wrong_units(trace_of(5, BATCHES), [published(other, 3, 0, 3)])

    assert (wrong.first, wrong.last) == (1 << 15, (2 << 15) - 1)
    assert (wrong.named, wrong.source) == (None, "published_nodes")


def test_locate__leaves_without_batch_ends__names_the_proven_unit_as_not_exact() -> None:
    other = UnitTree(5, lie(1, 33))
    nodes = [published(other, 0, 0, 7), published(other, 0, 1 << 15, 40)]

    wrong = locate_wrong_units(trace_of(5, BATCHES), nodes)

    assert wrong.unit is None
    assert (wrong.first, wrong.last, wrong.named) == (32, (1 << 15) + 33, (1 << 15) + 33)


def test_locate__contradicting_nodes__says_nothing() -> None:
    own = trace_of(5, BATCHES)
    bad = PublishedNodes(level=0, first_index=0, nodes=(leaf(keccak256(b"x")),))

    wrong = locate_wrong_units(own, [published(own, 5, 0, 1), bad])

    assert wrong == WrongUnits(first=0, last=ALL_UNITS - 1)


def test_locate__nodes_outside_the_tree__are_ignored() -> None:
    own = trace_of(5, BATCHES)
    nodes = [
        PublishedNodes(level=6, first_index=0, nodes=(own.root,)),
        PublishedNodes(level=0, first_index=ALL_UNITS, nodes=(leaf(keccak256(b"x")),)),
        PublishedNodes(level=0, first_index=0, nodes=()),
    ]

    assert locate_wrong_units(own, nodes) == WrongUnits(first=0, last=ALL_UNITS - 1)


def test_attack__nodes_published_without_end__each_group_is_compared_once_and_few_are() -> None:
    # Every new group made the watchtower compare all groups again, each with trees of other batches.
    own, search = trace_of(5, BATCHES), UnitSearch()
    groups = [PublishedNodes(level=0, first_index=i, nodes=(leaf(BATCHES[0][0]),)) for i in range(100)]

    compared = 0
    for count in range(1, len(groups) + 1):
        for nodes in search.news(groups[:count]):
            search.add(own, nodes)
            compared += 1

    assert compared == MAX_GROUPS
    assert search.bounds(own).proven == 1
