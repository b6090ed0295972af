"""Commitment trees in both languages: the same roots, and the same root above any path."""

import pytest

from optimistic.protocol.commitment import CommitmentTree, Node, leaf, node_hash
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32
from tests.helpers.contract_host import ContractHost, Reverted

SHAPES = ((1, 0), (1, 1), (1, 4), (2, 2), (5, 1), (5, 2))
SUBTREE = "subtreeRoot((bytes32,bytes32)[],uint256,uint256,bool)->(bytes32)"
CLIMB = "climb(bytes32,uint256,(bytes32,bytes32[])[],uint256)->(bytes32)"
Opening = tuple[bytes, bytes]

shapes = pytest.mark.parametrize(("log_arity", "height"), SHAPES)


@pytest.fixture(scope="module")
def trees() -> ContractHost:
    return ContractHost("CommitmentTreeHarness")


def word(name: bytes, index: int) -> Hash32:
    return keccak256(b"%s %d" % (name, index))


def leaves(count: int) -> list[Node]:
    return [leaf(word(b"state", index)) for index in range(count)]


def tree_of(nodes: list[Node], log_arity: int, height: int) -> CommitmentTree:
    return CommitmentTree(log_arity, height, nodes, nodes[-1])


def counts(log_arity: int, height: int) -> list[int]:
    """How many nodes are given: all there can be of a small tree, around full groups of a large one."""
    capacity = 1 << (log_arity * height)
    around = {1, 2, 3, 31, 32, 33, 64, 65, capacity - 1, capacity}
    return [count for count in range(1, capacity + 1) if capacity <= 32 or count in around]


@shapes
def test_subtree__of_leaves__is_the_same(trees: ContractHost, log_arity: int, height: int) -> None:
    for count in counts(log_arity, height):
        nodes = leaves(count)
        openings: list[Opening] = [(node.end_state, bytes(32)) for node in nodes]

        root = tree_of(nodes, log_arity, height).root

        assert trees.call(SUBTREE, openings, height, log_arity, True) == (root.hash,), count


@shapes
def test_subtree__of_inner_nodes__is_the_same(trees: ContractHost, log_arity: int, height: int) -> None:
    for count in counts(log_arity, height):
        openings = [(word(b"end", index), word(b"children", index)) for index in range(count)]
        nodes = [Node(end, node_hash(end, children)) for end, children in openings]

        root = tree_of(nodes, log_arity, height).root

        assert trees.call(SUBTREE, openings, height, log_arity, False) == (root.hash,), count


@shapes
def test_subtree__none_or_too_many_nodes__is_refused(
    trees: ContractHost, log_arity: int, height: int
) -> None:
    for count in (0, (1 << (log_arity * height)) + 1):
        with pytest.raises(Reverted) as refused:
            trees.call(SUBTREE, [(bytes(32), bytes(32))] * count, height, log_arity, True)
        assert refused.value.selector == keccak256(b"WrongNodeCount(uint256,uint256)")[:4]


@pytest.mark.parametrize("place", [0, 2])
def test_subtree__leaf_with_children__is_refused(trees: ContractHost, place: int) -> None:
    openings = [(word(b"state", index), bytes(31) + bytes((index == place,))) for index in range(3)]

    with pytest.raises(Reverted) as refused:
        trees.call(SUBTREE, openings, 1, 5, True)

    assert refused.value.selector == keccak256(b"LeafWithChildren()")[:4]


@shapes
def test_climb__from_every_node_near__leads_to_the_root(
    trees: ContractHost, log_arity: int, height: int
) -> None:
    capacity = 1 << (log_arity * height)
    tree = tree_of(leaves((2 * capacity + 2) // 3), log_arity, height)

    for level in range(height + 1):
        last = (capacity >> (log_arity * level)) - 1
        for index in {*range(min(last + 1, 34)), last // 2, last}:
            path = [(step.end_state, step.siblings) for step in tree.prove(level, index)]
            hash_ = tree.node(level, index).hash
            assert trees.call(CLIMB, hash_, index, path, log_arity) == (tree.root.hash,), (level, index)


def test_climb__wrong_number_of_siblings__is_refused(trees: ContractHost) -> None:
    for count in (0, 4, 6):
        path = [(word(b"end", 0), [bytes(32)] * 5), (word(b"end", 1), [bytes(32)] * count)]
        with pytest.raises(Reverted) as refused:
            trees.call(CLIMB, bytes(32), 0, path, 5)
        assert refused.value.selector == keccak256(b"WrongSiblingCount(uint256,uint256)")[:4]
