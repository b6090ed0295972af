"""Commitment trees: padding equals the naive tree, paths verify and break."""

from dataclasses import replace

import pytest

from optimistic.protocol.commitment import (
    CommitmentTree,
    InvalidPath,
    UnitTree,
    leaf,
    parent,
    verify_path,
)
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32


def states(n: int, salt: int = 0) -> list[Hash32]:
    return [keccak256(bytes([salt]) + i.to_bytes(4, "big")) for i in range(n)]


def naive_root(leaves: list[Hash32], log_arity: int, height: int) -> Hash32:
    level = [leaf(state) for state in leaves]
    level += [level[-1]] * ((1 << log_arity * height) - len(level))
    arity = 1 << log_arity
    while len(level) > 1:
        level = [parent(level[i : i + arity]) for i in range(0, len(level), arity)]
    return level[0].hash


@pytest.mark.parametrize("log_arity", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 31, 32])
def test_tree__padded__equals_naive(log_arity: int, n: int) -> None:
    leaves = states(n)
    height = 5 if log_arity == 1 else 3 if log_arity == 2 else 2

    tree = CommitmentTree(log_arity, height, [leaf(s) for s in leaves], leaf(leaves[-1]))

    assert tree.root.hash == naive_root(leaves, log_arity, height)


def test_tree__too_many_leaves__rejected() -> None:
    with pytest.raises(InvalidInput):
        CommitmentTree(1, 1, [leaf(s) for s in states(3)], leaf(states(1)[0]))


@pytest.mark.parametrize("log_arity", [1, 5])
def test_unit_tree__paths_of_leaves_padding_and_missing_batches__verify(log_arity: int) -> None:
    tree = UnitTree(log_arity, [states(40, 1), states(3, 2)])

    for index, expected in [
        (0, states(40, 1)[0]),
        (39, states(40, 1)[39]),
        (40, states(40, 1)[39]),
        (32_768, states(3, 2)[0]),
        (40_000, states(3, 2)[2]),
        ((1 << 25) - 1, states(3, 2)[2]),
    ]:
        assert tree.node(0, index).hash == expected
        verify_path(tree.unit_root, log_arity, index, expected, tree.prove(0, index))
    assert tree.end_leaf == states(3, 2)[2]


def test_unit_tree__missing_batches__equal_the_last_state_repeated() -> None:
    explicit = UnitTree(5, [states(4), [states(4)[3]]])

    assert UnitTree(5, [states(4)]).unit_root == explicit.unit_root


def test_verify_path__any_change__rejected() -> None:
    tree = UnitTree(5, [states(40)])
    path = tree.prove(0, 7)
    node = tree.node(0, 7).hash

    forged = replace(path[2], end_state=states(1, 9)[0])
    shorter = replace(path[0], siblings=path[0].siblings[1:])
    for bad in [path[:-1], (*path[:2], forged, *path[3:]), (shorter, *path[1:])]:
        with pytest.raises(InvalidPath):
            verify_path(tree.unit_root, 5, 7, node, bad)
    for index in [6, 8, 1 << 25, -1]:
        with pytest.raises(InvalidPath):
            verify_path(tree.unit_root, 5, index, node, path)


@pytest.mark.parametrize("log_arity", [1, 5])
def test_first_difference__one_changed_leaf__found(log_arity: int) -> None:
    mine, its = [states(50), states(50, 1)], [states(50), states(50, 1)]
    its[1][20:] = states(30, 7)

    difference = UnitTree(log_arity, mine).first_difference(UnitTree(log_arity, its))

    assert difference == (1 << 15) + 20
    assert UnitTree(log_arity, mine).first_difference(UnitTree(log_arity, mine)) is None
