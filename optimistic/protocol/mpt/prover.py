"""Reading a stored trie, and producing the proofs that `proof` checks."""

from optimistic.protocol.mpt.nodes import (
    EMPTY_ROOT,
    HASH_REF_BYTES,
    NO_CHILD,
    Short,
    only_child,
)
from optimistic.protocol.mpt.store import NodeReader, load_node, load_raw, root_reference
from optimistic.protocol.strict_rlp import string_payload


def get(reader: NodeReader, root: bytes, key: bytes) -> bytes | None:
    """Value of `key`, or None if the trie has no such key.

    Parameters
    ----------
    reader : holds every node of the trie
    root : 32 bytes
    key : 32-byte path (already hashed)

    Raises
    ------
    MissingNode : the store is incomplete or damaged
    """
    if root == EMPTY_ROOT:
        return None
    rest = key.hex()
    ref = root_reference(root)
    while ref != NO_CHILD:
        node = load_node(reader, ref)
        if isinstance(node, Short):
            if node.is_leaf:
                return string_payload(node.tail) if node.path == rest else None
            if not rest.startswith(node.path):
                return None
            rest = rest[len(node.path) :]
            ref = node.tail
        else:
            ref = node[int(rest[0], 16)]
            rest = rest[1:]
    return None


def prove(reader: NodeReader, root: bytes, key: bytes) -> list[bytes]:
    """Proof of the value or the absence of `key`, for `read` and `upsert`; EIP-1186 node list.

    Raises
    ------
    MissingNode : the store is incomplete or damaged
    """
    return _descend(reader, root, key)[0]


def prove_delete(reader: NodeReader, root: bytes, key: bytes) -> list[bytes]:
    """Proof for `delete`: `prove`, then the sibling's node if the branch above the leaf collapses onto it.

    Raises
    ------
    MissingNode : the store is incomplete or damaged
    """
    proof, sibling = _descend(reader, root, key)
    if sibling is not None and len(sibling) == HASH_REF_BYTES:
        proof.append(load_raw(reader, sibling))
    return proof


def _descend(reader: NodeReader, root: bytes, key: bytes) -> tuple[list[bytes], bytes | None]:
    """Hashed nodes on the way to `key`; and its sibling's reference when `key` is one of two children."""
    proof: list[bytes] = []
    sibling: bytes | None = None
    if root == EMPTY_ROOT:
        return proof, None
    rest = key.hex()
    ref = root_reference(root)
    while ref != NO_CHILD:
        if len(ref) == HASH_REF_BYTES:
            proof.append(load_raw(reader, ref))
        node = load_node(reader, ref)
        if isinstance(node, Short):
            if node.is_leaf:
                return proof, sibling if node.path == rest else None
            if not rest.startswith(node.path):
                return proof, None
            rest = rest[len(node.path) :]
            ref = node.tail
        else:
            index = int(rest[0], 16)
            ref = node[index]
            sibling = _other_child(node, index)
            rest = rest[1:]
    return proof, None


def _other_child(branch: list[bytes], index: int) -> bytes | None:
    """Reference of the only child besides `index`, or None if there are more."""
    others = branch.copy()
    others[index] = NO_CHILD
    other = only_child(others)
    return None if other is None else others[other]
