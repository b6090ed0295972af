"""Secure Merkle Patricia Trie over 32-byte hashed keys.

`proof` checks and applies node lists as L1 does, `prover` reads a stored trie and
makes those lists, `committer` applies many changes at once.
"""

from optimistic.protocol.mpt.committer import commit
from optimistic.protocol.mpt.nodes import EMPTY_ROOT
from optimistic.protocol.mpt.proof import delete, read, upsert
from optimistic.protocol.mpt.prover import get, prove, prove_delete
from optimistic.protocol.mpt.store import InvalidProof, MissingNode, NodeOverlay, NodeReader, NodeStore

__all__ = [
    "EMPTY_ROOT",
    "InvalidProof",
    "MissingNode",
    "NodeOverlay",
    "NodeReader",
    "NodeStore",
    "commit",
    "delete",
    "get",
    "prove",
    "prove_delete",
    "read",
    "upsert",
]
