"""Apply many changes to a stored trie at once.

The changes are sorted, so each dirty node is loaded, rebuilt and hashed once,
however many changes meet in it. Items of a node are copied raw from the old node
to the new. `scripts/bench.py` measures the cost per change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import (
    EMPTY_ROOT,
    HASH_PREFIX,
    HASH_REF_BYTES,
    NO_CHILD,
    SLOTS,
    Branch,
    Short,
    common_prefix_length,
    encode_short,
    only_child,
)
from optimistic.protocol.mpt.store import NodeReader, load_node, root_reference
from optimistic.protocol.strict_rlp import encode_string, join_list
from optimistic.protocol.types import Hash32

_Change: TypeAlias = tuple[str, bytes | None]
"""64 hex digits of the key, and the raw item of its new value or None to delete it."""

_Key = TypeVar("_Key", bound=bytes)

_UNSEALED: Final = HASH_PREFIX
"""Stands in a slot for a child whose reference is not known yet."""


def commit(
    reader: NodeReader, root: bytes, changes: Mapping[_Key, bytes | None]
) -> tuple[Hash32, dict[bytes, bytes]]:
    """Trie after `changes`.

    Parameters
    ----------
    reader : holds every node of the trie with `root`
    root : 32 bytes
    changes : 32-byte path (already hashed) to its new value, or None to delete it;
        deleting an absent key changes nothing

    Returns
    -------
    The new root, and the nodes of the new trie that were built on the way by their
    hash; together with the old nodes they are the whole new trie.

    Raises
    ------
    InvalidInput : a key that is not 32 bytes, or an empty value
    MissingNode : the store is incomplete or damaged
    """
    if not changes:
        return Hash32(root), {}
    run = _Commit(reader=reader, changes=sorted(map(_change, changes, changes.values())))
    old = NO_CHILD if root == EMPTY_ROOT else root_reference(root)
    shape = run.update(old, 0, 0, len(run.changes))
    return run.finish(shape), run.built


def _change(key: bytes, value: bytes | None) -> _Change:
    """One checked change."""
    if len(key) != 32:
        raise InvalidInput("trie key is not 32 bytes")
    if value is None:
        return key.hex(), None
    if not value:
        raise InvalidInput("a trie cannot hold an empty value")
    return key.hex(), encode_string(value)


@dataclass(slots=True, kw_only=True)
class _Commit:
    """State of one `commit`: the sorted changes and the nodes built so far.

    Subtrees travel as shapes (see `nodes`), None being the empty one; a range
    [low, high) of `changes` always shares its first `depth` digits.
    """

    reader: NodeReader
    changes: Sequence[_Change]
    built: dict[bytes, bytes] = field(default_factory=dict)

    def update(self, ref: bytes, depth: int, low: int, high: int) -> Short | None:
        """Shape of the subtree at `ref` after changes [low, high)."""
        if ref == NO_CHILD:
            return self.build(self.changes[low:high], depth)
        node = load_node(self.reader, ref)
        if isinstance(node, Short):
            return self.update_short(node, depth, low, high)
        return self.update_branch(node, {}, depth, low, high)

    def update_short(self, node: Short, depth: int, low: int, high: int) -> Short | None:
        """Shape of the subtree that begins with a short node (or a bare reference)."""
        if node.is_leaf:
            return self.update_leaf(node, depth, low, high)
        if node.path:
            return self.update_extension(node, depth, low, high)
        return self.update(node.tail, depth, low, high)

    def update_leaf(self, leaf: Short, depth: int, low: int, high: int) -> Short | None:
        """A leaf is one more key beside the changes, unless a change names the same key."""
        changes = list(self.changes[low:high])
        key = changes[0][0][:depth] + leaf.path
        if all(changed != key for changed, _ in changes):
            changes.append((key, leaf.tail))
            changes.sort()
        return self.build(changes, depth)

    def update_extension(self, node: Short, depth: int, low: int, high: int) -> Short | None:
        """Follow the extension if all changes do, else put a branch where they part."""
        path = node.path
        first, last = self.changes[low][0], self.changes[high - 1][0]
        shared = min(
            common_prefix_length(path, first[depth : depth + len(path)]),
            common_prefix_length(path, last[depth : depth + len(path)]),
        )
        if shared == len(path):
            shape = self.update(node.tail, depth + shared, low, high)
        else:
            below = {int(path[shared], 16): Short(path[shared + 1 :], node.tail, False)}
            shape = self.update_branch([NO_CHILD] * SLOTS, below, depth + shared, low, high)
        return None if shape is None else shape.after(path[:shared])

    def update_branch(
        self, slots: Branch, unsealed: Mapping[int, Short], depth: int, low: int, high: int
    ) -> Short | None:
        """Update each touched child; fold the branch away if fewer than two are left.

        Children that are not in `slots` yet come as shapes in `unsealed`.
        """
        shapes: dict[int, Short | None] = dict(unsealed)
        for index, start, end in self.groups(depth, low, high):
            child = unsealed.get(index)
            if child is None:
                shapes[index] = self.update(slots[index], depth + 1, start, end)
            else:
                shapes[index] = self.update_short(child, depth + 1, start, end)
        if None in shapes.values():
            # children are sealed only when the branch is known to stay: a lone one merges upward
            for index, shape in shapes.items():
                slots[index] = NO_CHILD if shape is None else _UNSEALED
            if slots.count(NO_CHILD) >= SLOTS - 1:
                return self.collapse(slots, shapes)
        for index, shape in shapes.items():
            if shape is not None:
                slots[index] = self.seal(shape)
        return Short("", self.store(join_list(slots)), False)

    def groups(self, depth: int, low: int, high: int) -> Iterator[tuple[int, int, int]]:
        """Runs of changes [start, end) within [low, high) that have the same digit at `depth`, with it."""
        changes = self.changes
        if changes[low][0][depth] == changes[high - 1][0][depth]:
            yield int(changes[low][0][depth], 16), low, high
            return
        while low < high:
            digit = changes[low][0][depth]
            start = low
            while low < high and changes[low][0][depth] == digit:
                low += 1
            yield int(digit, 16), start, low

    def collapse(self, slots: Branch, shapes: Mapping[int, Short | None]) -> Short | None:
        """Shape of a branch with at most one child: that child behind its nibble."""
        index = only_child(slots)
        if index is None:
            return None
        shape = shapes.get(index)
        if shape is None:
            node = load_node(self.reader, slots[index])
            shape = node if isinstance(node, Short) else Short("", slots[index], False)
        return shape.after(f"{index:x}")

    def build(self, changes: Sequence[_Change], depth: int) -> Short | None:
        """Shape of a new subtree that holds the non-deleting `changes`, which are sorted."""
        leaves = [(key, value) for key, value in changes if value is not None]
        if not leaves:
            return None
        return self.build_leaves(leaves, depth)

    def build_leaves(self, leaves: Sequence[tuple[str, bytes]], depth: int) -> Short:
        """Shape of a new subtree that holds sorted `leaves`, at least one."""
        first = leaves[0][0]
        if len(leaves) == 1:
            return Short(first[depth:], leaves[0][1], True)
        fork = common_prefix_length(first, leaves[-1][0])
        slots = [NO_CHILD] * SLOTS
        start = 0
        while start < len(leaves):
            digit = leaves[start][0][fork]
            end = start + 1
            while end < len(leaves) and leaves[end][0][fork] == digit:
                end += 1
            slots[int(digit, 16)] = self.seal(self.build_leaves(leaves[start:end], fork + 1))
            start = end
        return Short(first[depth:fork], self.store(join_list(slots)), False)

    def seal(self, shape: Short) -> bytes:
        """Reference to a shape, whose topmost node is stored if it is long enough for a hash."""
        if not shape.path and not shape.is_leaf:
            return shape.tail
        return self.store(encode_short(shape))

    def store(self, raw: bytes) -> bytes:
        """Reference to the node `raw`, remembered under its hash unless it is inline."""
        if len(raw) < 32:
            return raw
        digest = keccak256(raw)
        self.built[digest] = raw
        return HASH_PREFIX + digest

    def finish(self, shape: Short | None) -> Hash32:
        """Root hash; unlike any other node the root is stored under its hash even if short."""
        if shape is None:
            return EMPTY_ROOT
        ref = self.seal(shape)
        if len(ref) == HASH_REF_BYTES:
            return Hash32(ref[1:])
        digest = keccak256(ref)
        self.built[digest] = ref
        return digest
