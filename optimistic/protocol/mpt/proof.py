"""Reading and changing a trie of which only a root and a few nodes are known.

This is what L1 does with a witness, so every function is strict: the node list
is the only one that proves the claim, or `InvalidProof` is raised. A missing node
is never read as an absent key.

A proof lists the encoded nodes on the way from the root to where the key ends,
in this order and without inline nodes, which are part of their parent (EIP-1186).
The proof for the empty trie is the empty list. `delete` of a key whose branch is
left with one child needs, at the end of the list, that sibling's node too, unless
it is inline: whether it is a leaf, an extension or a branch decides the result.

Source: docs/spec/05-state-commitments.md §5.3; twin: solidity/src/libraries/Mpt.sol.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import (
    EMPTY_ROOT,
    HASH_REF_BYTES,
    KEY_NIBBLES,
    NO_CHILD,
    SLOTS,
    Branch,
    Node,
    Short,
    branch_shape,
    common_prefix_length,
    only_child,
    parse_node,
    root_of,
    seal,
)
from optimistic.protocol.mpt.store import InvalidProof, root_reference
from optimistic.protocol.strict_rlp import InvalidRlp, encode_string, string_payload
from optimistic.protocol.types import Hash32


class _BranchFrame(NamedTuple):
    """A branch passed on the way down."""

    slots: Branch
    nibble: int


Frame: TypeAlias = "_BranchFrame | str"
"""A node passed on the way down: a branch, or the path of an extension."""


class _Walk(NamedTuple):
    """Where a key ends in a trie.

    Attributes
    ----------
    frames : nodes passed, root first
    rest : digits of the key not consumed by the frames
    end : the leaf or diverging extension found there, or None for an empty place
    unused : supplied nodes that the way down did not need
    """

    frames: list[Frame]
    rest: str
    end: Short | None
    unused: Sequence[bytes]

    @property
    def is_found(self) -> bool:
        """Whether the trie has the key."""
        return self.end is not None and self.end.is_leaf and self.end.path == self.rest


def read(root: bytes, key: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Value of `key` in the trie with `root`, or None if `proof` shows that it has none.

    Parameters
    ----------
    root : 32 bytes
    key : 32-byte path (already hashed)
    proof : encoded nodes from the root down

    Raises
    ------
    InvalidProof : anything but the complete canonical node list for `key`
    """
    walk = _walk(root, key, proof)
    _require_used_up(walk.unused)
    if walk.end is None or not walk.is_found:
        return None
    return string_payload(walk.end.tail)


def upsert(root: bytes, key: bytes, value: bytes, proof: Sequence[bytes]) -> Hash32:
    """Root after setting `key` to `value`, whether or not the key was there.

    Parameters
    ----------
    value : at least one byte
    proof : as for `read` of `key`

    Raises
    ------
    InvalidProof : as for `read`
    InvalidInput : an empty value, which a trie cannot hold
    """
    if not value:
        raise InvalidInput("a trie cannot hold an empty value")
    walk = _walk(root, key, proof)
    _require_used_up(walk.unused)
    leaf = Short(walk.rest, encode_string(value), True)
    if walk.end is None or walk.is_found:
        return _rebuild(walk.frames, leaf)
    return _rebuild(walk.frames, _split(walk.end, leaf))


def delete(root: bytes, key: bytes, proof: Sequence[bytes]) -> Hash32:
    """Root after removing `key`; `root` itself if the proof shows that the key is absent.

    Parameters
    ----------
    proof : as for `read`, followed by the sibling's node if a branch collapses onto a hashed sibling

    Raises
    ------
    InvalidProof : as for `read`, or the sibling's node is missing or another
    """
    walk = _walk(root, key, proof)
    if not walk.is_found:
        _require_used_up(walk.unused)
        return Hash32(root)
    if not walk.frames:
        _require_used_up(walk.unused)
        return EMPTY_ROOT
    *frames, parent = walk.frames
    if isinstance(parent, str):
        raise InvalidProof("extension leads to a leaf")
    slots = parent.slots
    slots[parent.nibble] = NO_CHILD
    sibling = only_child(slots)
    if sibling is None:
        _require_used_up(walk.unused)
        return _rebuild(frames, branch_shape(slots))
    node, unused = _resolve(slots[sibling], walk.unused, is_root=False)
    _require_used_up(unused)
    _check_depth(node, walk.rest)
    shape = node if isinstance(node, Short) else Short("", slots[sibling], False)
    return _rebuild(frames, shape.after(f"{sibling:x}"))


def _walk(root: bytes, key: bytes, proof: Sequence[bytes]) -> _Walk:
    """Follow `key` down from `root`, checking every node against its reference."""
    if len(key) * 2 != KEY_NIBBLES or len(root) != 32:
        raise InvalidProof("key or root is not 32 bytes")
    rest = key.hex()
    frames: list[Frame] = []
    unused: Sequence[bytes] = proof
    if root == EMPTY_ROOT:
        return _Walk(frames, rest, None, unused)
    ref = root_reference(root)
    while ref != NO_CHILD:
        node, unused = _resolve(ref, unused, is_root=not frames)
        _check_depth(node, rest)
        if isinstance(node, Short):
            if frames and isinstance(frames[-1], str):
                raise InvalidProof("extension leads to no branch")
            if node.is_leaf or not rest.startswith(node.path):
                return _Walk(frames, rest, node, unused)
            frames.append(node.path)
            rest = rest[len(node.path) :]
            ref = node.tail
        else:
            index = int(rest[0], 16)
            frames.append(_BranchFrame(node, index))
            rest = rest[1:]
            ref = node[index]
    return _Walk(frames, rest, None, unused)


def _resolve(ref: bytes, unused: Sequence[bytes], is_root: bool) -> tuple[Node, Sequence[bytes]]:
    """Node behind a non-empty reference: inline, or the next supplied node; and the nodes after it."""
    try:
        if len(ref) < HASH_REF_BYTES:
            return parse_node(ref), unused
        if not unused:
            raise InvalidProof("proof ends before the key does")
        raw = unused[0]
        if keccak256(raw) != ref[1:]:
            raise InvalidProof("node does not match its hash")
        if len(raw) < 32 and not is_root:
            raise InvalidProof("a node below 32 bytes is named by hash")
        return parse_node(raw), unused[1:]
    except InvalidRlp as exc:
        raise InvalidProof(f"malformed node: {exc}") from exc


def _check_depth(node: Node, rest: str) -> None:
    """A leaf must consume the rest of the key exactly; anything else leaves a nibble to the branch below."""
    if isinstance(node, Short) and node.is_leaf:
        if len(node.path) != len(rest):
            raise InvalidProof("leaf path does not complete the key")
    elif (len(node.path) if isinstance(node, Short) else 0) >= len(rest):
        raise InvalidProof("branch below the last nibble")


def _require_used_up(unused: Sequence[bytes]) -> None:
    """A proof with nodes to spare is not the canonical one."""
    if unused:
        raise InvalidProof(f"{len(unused)} nodes more than the proof needs")


def _split(old: Short, leaf: Short) -> Short:
    """Shape of the branch that separates `leaf` from a leaf or extension with another path."""
    shared = common_prefix_length(old.path, leaf.path)
    slots = [NO_CHILD] * SLOTS
    for shape in (old, leaf):
        below = Short(shape.path[shared + 1 :], shape.tail, shape.is_leaf)
        slots[int(shape.path[shared], 16)] = seal(below)
    return branch_shape(slots).after(old.path[:shared])


def _rebuild(frames: Sequence[Frame], shape: Short) -> Hash32:
    """Root after `shape` replaces what was below the last frame."""
    for frame in reversed(frames):
        if isinstance(frame, str):
            shape = shape.after(frame)
        else:
            frame.slots[frame.nibble] = seal(shape)
            shape = branch_shape(frame.slots)
    return root_of(shape)
