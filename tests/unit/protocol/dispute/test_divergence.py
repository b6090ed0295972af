"""First differences: proofs against brute force over all small trees, and everything that is no proof."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.commitment import CommitmentTree, Node, PathStep, Tree, leaf, merkle_root
from optimistic.protocol.dispute.actions import DivergenceProof, Opening
from optimistic.protocol.dispute.divergence import (
    InvalidDivergence,
    InvalidReveal,
    check_divergence,
    check_reveal,
    lift,
)
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.proofs import (
    Inside,
    LiftedTree,
    NoDifference,
    first_difference,
    inside,
    prove_divergence,
    prove_roots,
    reveal,
)
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import ZERO_HASH, Hash32
from scripts.staging.lies import AlteredTree

PRE = keccak256(b"the agreed state before")
FALSE = keccak256(b"what no leaf is")
STATES = [keccak256(bytes([number])) for number in range(3)]
Shape = tuple[int, int, int]
"""log_arity, height, how many different leaves."""
SHAPES: list[Shape] = [(1, 1, 3), (1, 2, 3), (2, 1, 3), (1, 3, 2)]
STRIDE = {(1, 3, 2): 29}
"""Of the larger families only every so many trees are compared with all."""


def tree_of(log_arity: int, height: int, leaves: tuple[Hash32, ...]) -> Tree:
    return CommitmentTree(log_arity, height, [leaf(state) for state in leaves], leaf(leaves[-1]))


def small_trees(log_arity: int, height: int, states: int) -> list[Tree]:
    leaves = product(STATES[:states], repeat=1 << log_arity * height)
    return [tree_of(log_arity, height, choice) for choice in leaves]


def different_pairs(shape: Shape) -> Iterator[tuple[Tree, Tree, int]]:
    """All pairs of small trees that are not equal, with the first different leaf."""
    for own, other in product(small_trees(*shape)[:: STRIDE.get(shape, 1)], small_trees(*shape)):
        index = own.first_difference(other)
        if index is not None:
            yield own, other, index


def way_down(own: Tree, other: Tree, top: int, index: int, depth: int) -> list[Inside]:
    """The other tree's nodes along the first difference, from node `index` of level `top` on."""
    found = []
    for level in range(top, top - depth, -1):
        found.append(inside(other, level, index))
        index = (index << own.log_arity) + first_difference(inside(own, level, index), found[-1])
    return found


def claim_difference(own: Tree, other: Tree, level: int, index: int) -> DivergenceProof:
    """A proof for any place below the roots, made of true paths, as a cheat would send it."""
    depth = own.height - level
    zeros = (index & -index).bit_length() - 1
    left = Opening(end_state=ZERO_HASH, children_root=ZERO_HASH)
    path: tuple[PathStep, ...] = ()
    if index:
        below = own.node(level, index - 1)
        left = opened(own, below, level, index - 1)
        path = own.prove(level, index - 1)[: -(-zeros // own.log_arity)]
        if zeros % own.log_arity:
            path = (*path[:-1], PathStep(ZERO_HASH, path[-1].siblings[: zeros % own.log_arity]))
    return DivergenceProof(
        index=index,
        nodes=(own.node(level, index).hash, other.node(level, index).hash),
        paths=(own.prove(level, index)[:depth], other.prove(level, index)[:depth]),
        left=left,
        left_path=path,
    )


def opened(tree: Tree, node: Node, level: int, index: int) -> Opening:
    if not level:
        return Opening(end_state=node.end_state, children_root=ZERO_HASH)
    children = merkle_root([child.hash for child in tree.children(level, index)])
    return Opening(end_state=node.end_state, children_root=children)


# ---------------------------------------------------------------------------------- proofs


@pytest.mark.parametrize("shape", SHAPES)
def test_divergence__all_pairs_of_small_trees__is_found_at_every_depth(shape: Shape) -> None:
    log_arity, height, _ = shape
    for own, other, index in different_pairs(shape):
        for depth in range(1, height + 1):
            level = height - depth
            there = index >> level * log_arity

            proof = prove_divergence(own, Side.NEWER, height, 0, way_down(own, other, height, 0, depth))

            assert proof == claim_difference(other, own, level, there)
            upper, pre = check_divergence(proof, log_arity, level, depth, PRE)
            assert upper == (other.root.hash, own.root.hash)
            assert pre == (own.node(level, there - 1).end_state if there else PRE)


@pytest.mark.parametrize("shape", SHAPES)
def test_divergence__all_pairs_of_small_trees__is_nowhere_else(shape: Shape) -> None:
    log_arity, height, _ = shape
    for own, other, index in different_pairs(shape):
        for level in range(height):
            for there in range(1 << log_arity * (height - level)):
                if there == index >> level * log_arity:
                    continue
                for first, second in ((own, other), (other, own)):
                    with pytest.raises(InvalidDivergence):
                        check_divergence(
                            claim_difference(first, second, level, there),
                            log_arity,
                            level,
                            height - level,
                            PRE,
                        )


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("log_arity", "height"), [(1, 6), (2, 3), (5, 2)])
@given(data=st.data())
def test_divergence__below_any_upper_node__leads_to_it(
    log_arity: int, height: int, side: Side, data: st.DataObject
) -> None:
    size = 1 << log_arity * height
    leaves = tuple(keccak256(number.to_bytes(2, "big")) for number in range(size))
    index = data.draw(st.integers(0, size - 1))
    wrong = (*leaves[:index], *(keccak256(state) for state in leaves[index:]))
    own, other = tree_of(log_arity, height, leaves), tree_of(log_arity, height, wrong)
    top = data.draw(st.integers(1, height))
    depth = data.draw(st.integers(1, top))
    above, there = index >> top * log_arity, index >> (top - depth) * log_arity

    proof = prove_divergence(own, side, top, above, way_down(own, other, top, above, depth))

    assert proof.index == there - (above << depth * log_arity)
    upper, pre = check_divergence(proof, log_arity, top - depth, depth, PRE)
    assert upper == side.pair(own.node(top, above).hash, other.node(top, above).hash)
    assert pre == (own.node(top - depth, there - 1).end_state if proof.index else PRE)


def test_divergence__of_whole_trees__has_no_levels() -> None:
    roots = STATES[0], STATES[1]

    assert check_divergence(prove_roots(roots), 5, 5, 0, PRE) == (roots, PRE)
    with pytest.raises(InvalidDivergence):
        check_divergence(prove_roots((STATES[0], STATES[0])), 5, 5, 0, PRE)


def mutations(proof: DivergenceProof) -> Iterator[DivergenceProof]:
    """The proof with one thing changed."""
    for bit in range(10):
        yield replace(proof, index=proof.index ^ 1 << bit)
    yield replace(proof, index=-1)
    yield replace(proof, index=1 << 10)
    yield replace(proof, nodes=(proof.nodes[1], proof.nodes[0]))
    yield replace(proof, nodes=(FALSE, proof.nodes[1]))
    yield replace(proof, left=replace(proof.left, end_state=FALSE))
    yield replace(proof, left=replace(proof.left, children_root=FALSE))
    for changed in changed_paths(proof.left_path):
        yield replace(proof, left_path=changed)
    for side in Side:
        for changed in changed_paths(proof.paths[side]):
            yield replace(proof, paths=side.pair(changed, proof.paths[side.other]))


def changed_paths(path: tuple[PathStep, ...]) -> Iterator[tuple[PathStep, ...]]:
    yield (*path, PathStep(ZERO_HASH, (FALSE,) * 5))
    for number, step in enumerate(path):
        yield path[:number]
        around = path[:number], path[number + 1 :]
        yield (*around[0], replace(step, end_state=FALSE), *around[1])
        yield (*around[0], replace(step, siblings=step.siblings[1:]), *around[1])
        yield (*around[0], replace(step, siblings=(*step.siblings, FALSE)), *around[1])
        for place in range(len(step.siblings)):
            siblings = (*step.siblings[:place], FALSE, *step.siblings[place + 1 :])
            yield (*around[0], replace(step, siblings=siblings), *around[1])


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("index", [0, 1, 4, 5, 32, 33, 512, 1023])
def test_divergence__any_change_of_a_proof__is_refused_or_leads_elsewhere(index: int, level: int) -> None:
    width = 32**level
    leaves = [leaf(keccak256(number.to_bytes(2, "big"))) for number in range(1024 * width)]
    own = CommitmentTree(5, 2 + level, leaves, leaves[0])
    other = CommitmentTree(5, 2 + level, [*leaves[: index * width], leaf(FALSE)], leaf(FALSE))
    top = own.height
    proof = prove_divergence(own, Side.OLDER, top, 0, way_down(own, other, top, 0, 2))
    proven = check_divergence(proof, 5, level, 2, PRE)

    for changed in mutations(proof):
        try:
            upper, _ = check_divergence(changed, 5, level, 2, PRE)
        except InvalidInput:
            continue
        assert upper != proven[0] or changed == proof


# ------------------------------------------------------------------- false end states, reveals


def all_lies(tree: Tree) -> Iterator[Tree]:
    """A tree with a false end state in one of its inner nodes."""
    for level in range(1, tree.height + 1):
        for index in range(1 << tree.log_arity * (tree.height - level)):
            yield AlteredTree(tree, level, index, FALSE)


@pytest.mark.parametrize("shape", [(1, 2, 2), (2, 1, 2), (1, 3, 2)])
def test_attack__false_inner_end_state__is_stuck_or_found(shape: Shape) -> None:
    """Whatever the liar can reveal differs from ours in a child: it runs out of moves, we never do."""
    stuck = 0
    for own, right in product(small_trees(*shape)[:: 3 * STRIDE.get(shape, 1)], small_trees(*shape)):
        for rival in all_lies(right):
            stuck += not plays_down(own, rival)
    assert stuck


def plays_down(own: Tree, rival: Tree) -> bool:
    """Search the first difference like a duel; whether there is no node the rival cannot reveal."""
    index, pre = 0, PRE
    for level in range(own.height, 0, -1):
        nodes = own.node(level, index).hash, rival.node(level, index).hash
        assert nodes[0] != nodes[1]
        try:
            check_reveal(nodes[1], level, reveal(rival, level, index), own.log_arity)
        except InvalidReveal:
            return False
        proof = prove_divergence(own, Side.OLDER, level, index, [inside(rival, level, index)])
        upper, pre = check_divergence(proof, own.log_arity, level - 1, 1, pre)
        assert upper == nodes
        index = (index << own.log_arity) + proof.index
        assert pre == (own.node(0, (index << (level - 1) * own.log_arity) - 1).hash if index else PRE)
    return True


def test_first_difference__equal_children__is_none() -> None:
    own = tree_of(1, 1, (STATES[0], STATES[1]))
    rival = AlteredTree(own, 1, 0, FALSE)

    with pytest.raises(NoDifference):
        prove_divergence(own, Side.OLDER, 1, 0, [inside(rival, 1, 0)])


@pytest.mark.parametrize("log_arity", [1, 2])
def test_reveal__every_node_of_a_right_tree__is_accepted(log_arity: int) -> None:
    for tree in small_trees(log_arity, 2 if log_arity == 1 else 1, 2):
        for level in range(1, tree.height + 1):
            for index in range(1 << log_arity * (tree.height - level)):
                check_reveal(tree.node(level, index).hash, level, reveal(tree, level, index), log_arity)


@pytest.mark.parametrize("level", [1, 2])
def test_reveal__any_change__is_refused(level: int) -> None:
    tree = tree_of(1, 2, (STATES[0], STATES[1], STATES[2], FALSE))
    node, right = tree.node(level, 0).hash, reveal(tree, level, 0)

    for wrong in (
        replace(right, end_state=PRE),
        replace(right, last_children_root=PRE),
        replace(right, children=right.children[::-1]),
        replace(right, children=right.children[:1]),
        replace(right, children=(*right.children, FALSE)),
        replace(right, children=(FALSE, right.children[1])),
    ):
        with pytest.raises(InvalidReveal):
            check_reveal(node, level, wrong, 1)
    with pytest.raises(InvalidReveal):
        check_reveal(node, 3 - level, right, 1)
    with pytest.raises(InvalidReveal):
        check_reveal(PRE, level, right, 1)


# ------------------------------------------------------------------------------------ lifting


@pytest.mark.parametrize("log_arity", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 33])
def test_lift__a_trace__equals_the_tree_built_that_high(log_arity: int, count: int) -> None:
    states = [keccak256(number.to_bytes(2, "big")) for number in range(count)]
    low = TraceTree(log_arity, states)
    for height in range(low.height, low.height + 4):
        high = TraceTree(log_arity, states, height)

        lifted = LiftedTree(low, height)

        assert lift(low.root.hash, states[-1], low.height, height, log_arity) == high.root.hash
        for level in range(height + 1):
            for index in range(min(40, 1 << log_arity * (height - level))):
                assert lifted.node(level, index) == high.node(level, index)
