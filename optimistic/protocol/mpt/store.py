"""Where trie nodes come from, and what goes wrong with them."""

from collections.abc import Mapping
from typing import Protocol

from optimistic.protocol.errors import CriticalError, InvalidInput
from optimistic.protocol.mpt.nodes import HASH_PREFIX, Node, parse_node
from optimistic.protocol.strict_rlp import InvalidRlp


class InvalidProof(InvalidInput):
    """A supplied node list is not the one proof of the claim: nothing follows from it."""


class MissingNode(CriticalError):
    """The local node store lacks a node, or holds a broken one, of a trie it should have whole."""


class NodeReader(Protocol):
    """Content-addressed bytes, keyed by their 32-byte keccak."""

    def get(self, key: bytes, /) -> bytes | None:
        """The bytes with this hash, or None when they are not stored."""
        ...


class NodeStore(NodeReader, Protocol):
    """A `NodeReader` that can be added to. Holds trie nodes and contract code alike."""

    def put_many(self, nodes: Mapping[bytes, bytes], /) -> None:
        """Add nodes, all or none; adding one twice is harmless."""
        ...


class NodeOverlay:
    """A `NodeStore` on top of a reader, which is never written to.

    Attributes
    ----------
    own : what was added, by hash
    """

    def __init__(self, base: NodeReader) -> None:
        self._base = base
        self.own: dict[bytes, bytes] = {}

    def get(self, key: bytes, /) -> bytes | None:
        """The bytes with this hash, or None when they are not stored."""
        found = self.own.get(key)
        return self._base.get(key) if found is None else found

    def put_many(self, nodes: Mapping[bytes, bytes], /) -> None:
        """Add nodes."""
        self.own.update(nodes)


def load_raw(reader: NodeReader, ref: bytes) -> bytes:
    """Encoded node behind a non-empty reference.

    Raises
    ------
    MissingNode : the store does not have it
    """
    if len(ref) < 33:
        return ref
    raw = reader.get(ref[1:])
    if raw is None:
        raise MissingNode(f"trie node {ref[1:].hex()} is not stored")
    return raw


def load_node(reader: NodeReader, ref: bytes) -> Node:
    """Decoded node behind a non-empty reference.

    Raises
    ------
    MissingNode : the store does not have it, or what it has is no node
    """
    raw = load_raw(reader, ref)
    try:
        return parse_node(raw)
    except InvalidRlp as exc:
        raise MissingNode(f"stored bytes are no trie node: {exc}") from exc


def root_reference(root: bytes) -> bytes:
    """The reference a parent of the root would hold; the root is always hashed."""
    return HASH_PREFIX + root
