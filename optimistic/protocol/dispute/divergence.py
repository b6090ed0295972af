"""Checks of proofs that two trees first differ in two nodes, and of revealed children.

Below an upper node on each side two nodes at one index are the first difference if everything to
their left is equal: wherever a bit of the index is 1, the sibling lies on the left and must be the
same on both sides. The common node next to them on the left, opened, tells the state both reach.

Twin: solidity/src/libraries/Divergences.sol
Source: docs/spec/10-dispute-game.md
"""

from itertools import chain

from optimistic.protocol.commitment import climb, merkle_climb, merkle_root, node_hash
from optimistic.protocol.dispute.actions import DivergenceProof, Opening, Reveal
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Hash32

_NOTHING = Opening(end_state=ZERO_HASH, children_root=ZERO_HASH)

Pair = tuple[Hash32, Hash32]
"""One hash of each side, older first."""


class InvalidDivergence(InvalidInput):
    """The two nodes are not the first difference, or their paths have the wrong shape."""


class InvalidReveal(InvalidInput):
    """The children do not hash to the node, or the node's end state is not its last child's."""


def check_divergence(
    proof: DivergenceProof, log_arity: int, level: int, depth: int, pre: Hash32
) -> tuple[Pair, Hash32]:
    """Check that the nodes of a proof are the first difference below two upper ones.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    level : of the two nodes; 0 if they are leaves
    depth : levels between them and the upper nodes; may be 0
    pre : agreed state before the upper nodes

    Returns
    -------
    The upper nodes the paths lead to, by side, and the agreed state before the two nodes.

    Raises
    ------
    InvalidDivergence : anything is not as it has to be
    """
    _check_shape(proof, log_arity, depth)
    siblings = [list(chain.from_iterable(step.siblings for step in path)) for path in proof.paths]
    for bit, (older, newer) in enumerate(zip(*siblings, strict=True)):
        if proof.index >> bit & 1 and older != newer:
            raise InvalidDivergence(f"the trees differ further left, at bit {bit} of the index")
    older, newer = (
        climb(node, proof.index, path, log_arity) for node, path in zip(proof.nodes, proof.paths, strict=True)
    )
    if proof.index == 0:
        if proof.left != _NOTHING or proof.left_path:
            raise InvalidDivergence("index 0 has no left neighbour")
        return (older, newer), pre
    bits = (proof.index & -proof.index).bit_length() - 1
    if _climb_left(proof, log_arity, level, bits) != siblings[0][bits]:
        raise InvalidDivergence("the left neighbour is not the common one")
    return (older, newer), proof.left.end_state


def check_reveal(node: Hash32, level: int, reveal: Reveal, log_arity: int) -> None:
    """Check the revealed children of a node of `level` (at least 1).

    Raises
    ------
    InvalidReveal : they are not its children, or its end state is false
    """
    if len(reveal.children) != 1 << log_arity:
        raise InvalidReveal(f"a node has {1 << log_arity} children, got {len(reveal.children)}")
    if node != node_hash(reveal.end_state, merkle_root(reveal.children)):
        raise InvalidReveal("the children do not hash to the node")
    last = reveal.end_state if level == 1 else node_hash(reveal.end_state, reveal.last_children_root)
    if level == 1 and reveal.last_children_root != ZERO_HASH:
        raise InvalidReveal("a leaf has no children")
    if last != reveal.children[-1]:
        raise InvalidReveal("the end state of the node is not that of its last child")


def padding(state: Hash32, height: int, log_arity: int) -> list[Hash32]:
    """Return the node of each level from 0 to `height` below which nothing is but one leaf."""
    nodes = [state]
    for _ in range(height):
        children_root = nodes[-1]
        for _ in range(log_arity):
            children_root = keccak256(children_root + children_root)
        nodes.append(node_hash(state, children_root))
    return nodes


def lift(root: Hash32, result: Hash32, from_depth: int, to_depth: int, log_arity: int) -> Hash32:
    """Return the root of a trace tree made higher: behind its end the last state repeats.

    Parameters
    ----------
    root : of a tree of `from_depth` levels with the end state `result`
    to_depth : levels of the higher tree, at least `from_depth`
    """
    pads = padding(result, to_depth, log_arity)
    for depth in range(from_depth, to_depth):
        root = node_hash(result, merkle_root(lifted_children(root, pads[depth], log_arity)))
    return root


def lifted_children(root: Hash32, pad: Hash32, log_arity: int) -> tuple[Hash32, ...]:
    """Return the children of the node one level above `root` in a lifted tree."""
    return (root, *[pad] * ((1 << log_arity) - 1))


def _check_shape(proof: DivergenceProof, log_arity: int, depth: int) -> None:
    """Check everything about a proof that needs no hash."""
    if not 0 <= proof.index < 1 << log_arity * depth:
        raise InvalidDivergence(f"index {proof.index} is outside {depth} levels")
    if any(len(path) != depth for path in proof.paths):
        raise InvalidDivergence(f"a path has {depth} levels")
    if any(len(step.siblings) != log_arity for path in proof.paths for step in path):
        raise InvalidDivergence(f"a level has {log_arity} siblings")
    if proof.nodes[0] == proof.nodes[1]:
        raise InvalidDivergence("the nodes are equal")


def _climb_left(proof: DivergenceProof, log_arity: int, level: int, bits: int) -> Hash32:
    """Return the common left sibling, `bits` binary levels above the left neighbour.

    The neighbour is the last leaf below it, so every sibling on the way up stands on the left.
    """
    left, path = proof.left, proof.left_path
    if level == 0 and left.children_root != ZERO_HASH:
        raise InvalidDivergence("a leaf has no children")
    node = node_hash(left.end_state, left.children_root) if level else left.end_state
    height, rest = divmod(bits, log_arity)
    if [len(step.siblings) for step in path] != [log_arity] * height + [rest] * (rest > 0):
        raise InvalidDivergence("the path of the left neighbour has another shape")
    node = climb(node, (1 << log_arity * height) - 1, path[:height], log_arity)
    for part in path[height:]:
        if part.end_state != ZERO_HASH:
            raise InvalidDivergence("part of a level has no end state")
        node = merkle_climb(node, (1 << rest) - 1, part.siblings)
    return node
