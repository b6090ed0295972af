"""State snapshots: a file from which a watchtower starts without replaying from genesis.

A snapshot holds the unit, the block hashes and every trie node and contract code of one
confirmed state. Nothing in it is trusted: the unit must hash to the end leaf that L1 confirmed,
and every node must be one that an accepted node named, from the state root down.

::

    gzip( magic ‖ u32 length ‖ header JSON ‖ (u8 kind ‖ u32 length ‖ bytes)* ‖ 0xff )
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from struct import Struct
from typing import Final, Self

from challenger.state_codec import decode_state, encode_ring, encode_unit, end_leaf
from optimistic.protocol.accounts import EMPTY_CODE_HASH, Account
from optimistic.protocol.derivation import RollupState
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT, MissingNode, NodeReader, NodeStore
from optimistic.protocol.mpt.nodes import HASH_REF_BYTES, NO_CHILD, Short, parse_node
from optimistic.protocol.strict_rlp import InvalidRlp, string_payload
from optimistic.protocol.types import Hash32

MAGIC: Final = b"OPTSNAP\x01"
_LENGTH: Final = Struct(">I")
_END: Final = 0xFF
_MAX_HEADER_BYTES: Final = 1 << 20
_MAX_NODE_BYTES: Final = 1 << 17
_CHUNK: Final = 5_000

OnNode = Callable[[int], None]
"""Called with the number of nodes done."""


class InvalidSnapshot(InvalidInput):
    """A file that is no snapshot, or not one of the state it names."""


class NodeKind(IntEnum):
    """What a node is, which says what it names."""

    ACCOUNT_NODE = 0
    STORAGE_NODE = 1
    CODE = 2


Key = tuple[NodeKind, Hash32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotHeader:
    """Which state a snapshot holds."""

    assertion: Hash32
    to_batch: int
    config_hash: Hash32
    state: RollupState

    @property
    def end_leaf(self) -> Hash32:
        """What the assertion must commit to."""
        return end_leaf(self.state)

    def to_json(self) -> str:
        """Return the header as stored."""
        values = {
            "assertion": self.assertion.hex(),
            "toBatch": self.to_batch,
            "configHash": self.config_hash.hex(),
            "unit": encode_unit(self.state.unit),
            "ring": encode_ring(self.state.ring).hex(),
        }
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: bytes) -> "SnapshotHeader":
        """Read what `to_json` wrote.

        Raises
        ------
        InvalidSnapshot : a field is missing or malformed
        """
        try:
            values = json.loads(text)
            return cls(
                assertion=_hash32(values["assertion"]),
                to_batch=int(values["toBatch"]),
                config_hash=_hash32(values["configHash"]),
                state=decode_state(str(values["unit"]), bytes.fromhex(values["ring"])),
            )
        except (ValueError, KeyError, TypeError, InvalidInput) as error:
            raise InvalidSnapshot(f"the snapshot's header is malformed: {error}") from error


def write_snapshot(path: Path, header: SnapshotHeader, nodes: NodeReader, on_node: OnNode) -> int:
    """Write the whole state of `header` and return the number of nodes.

    Raises
    ------
    MissingNode : the store does not hold the whole state
    """
    count = 0
    with gzip.open(path, "wb", compresslevel=6) as file:
        encoded = header.to_json().encode()
        file.write(MAGIC + _LENGTH.pack(len(encoded)) + encoded)
        for kind, raw in walk_state(nodes, header.state.unit.state_root):
            file.write(bytes([kind]) + _LENGTH.pack(len(raw)) + raw)
            count += 1
            on_node(count)
        file.write(bytes([_END]))
    return count


def walk_state(nodes: NodeReader, state_root: Hash32) -> Iterator[tuple[NodeKind, bytes]]:
    """Yield every node and code of a state once, each after one that names it.

    Raises
    ------
    MissingNode : one of them is not stored, or is not a node
    """
    seen: set[Key] = {(NodeKind.ACCOUNT_NODE, state_root)}
    stack: list[Key] = list(seen)
    while stack:
        kind, hash_ = stack.pop()
        raw = nodes.get(hash_)
        if raw is None:
            raise MissingNode(f"the store lacks node {hash_.hex()} of the state")
        yield kind, raw
        try:
            named = _named_by(kind, raw)
        except InvalidRlp as error:
            raise MissingNode(f"stored bytes are no trie node: {error}") from error
        new = [key for key in named if key not in seen]
        seen.update(new)
        stack += new


class SnapshotReader:
    """Reads one snapshot file; a context manager.

    Raises
    ------
    InvalidSnapshot : from every method, when the file is not what it should be
    """

    def __init__(self, path: Path) -> None:
        self._file = gzip.GzipFile(path, "rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def header(self) -> SnapshotHeader:
        """Read the header; the first thing to do."""
        if self._take(len(MAGIC)) != MAGIC:
            raise InvalidSnapshot("not a snapshot of this version")
        return SnapshotHeader.from_json(self._sized(_MAX_HEADER_BYTES))

    def load_nodes(self, state_root: Hash32, nodes: NodeStore, on_node: OnNode) -> int:
        """Store every node of the state and return how many there were.

        Only nodes named by accepted ones are accepted, so nothing foreign gets in and, at the
        end, nothing is missing.
        """
        expected: set[Key] = {(NodeKind.ACCOUNT_NODE, state_root)}
        seen = set(expected)
        pending: dict[bytes, bytes] = {}
        count = 0
        while (kind := self._take(1)[0]) != _END:
            raw = self._sized(_MAX_NODE_BYTES)
            named = _accept(kind, raw, expected)
            new = [key for key in named if key not in seen]
            seen.update(new)
            expected.update(new)
            pending[keccak256(raw)] = raw
            count += 1
            if len(pending) >= _CHUNK:
                nodes.put_many(pending)
                pending.clear()
            on_node(count)
        if expected:
            raise InvalidSnapshot(f"the snapshot lacks {len(expected)} nodes")
        nodes.put_many(pending)
        return count

    def _sized(self, limit: int) -> bytes:
        length: int = _LENGTH.unpack(self._take(_LENGTH.size))[0]
        if length > limit:
            raise InvalidSnapshot(f"a part of {length} bytes is too long")
        return self._take(length)

    def _take(self, length: int) -> bytes:
        try:
            raw = self._file.read(length)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidSnapshot(f"the file is damaged: {error}") from error
        if len(raw) != length:
            raise InvalidSnapshot("the file ends early")
        return raw


def _accept(kind: int, raw: bytes, expected: set[Key]) -> list[Key]:
    """Tick one node off and return what it names."""
    try:
        key = (NodeKind(kind), keccak256(raw))
        named = _named_by(key[0], raw)
    except (ValueError, InvalidRlp) as error:
        raise InvalidSnapshot(f"a part is no node: {error}") from error
    if key not in expected:
        raise InvalidSnapshot(f"node {key[1].hex()} does not belong to the state")
    expected.discard(key)
    return named


def _named_by(kind: NodeKind, raw: bytes) -> list[Key]:
    """Return the nodes and codes that a node names."""
    if kind is NodeKind.CODE:
        return []
    node = parse_node(raw)
    if isinstance(node, Short):
        if not node.is_leaf:
            return _behind(kind, node.tail)
        return _of_account(string_payload(node.tail)) if kind is NodeKind.ACCOUNT_NODE else []
    return [key for child in node[:16] for key in _behind(kind, child)]


def _behind(kind: NodeKind, reference: bytes) -> list[Key]:
    if reference == NO_CHILD:
        return []
    if len(reference) == HASH_REF_BYTES:
        return [(kind, Hash32(reference[1:]))]
    return _named_by(kind, reference)


def _of_account(raw: bytes) -> list[Key]:
    account = Account.decode(raw)
    named: list[Key] = []
    if account.storage_root != EMPTY_ROOT:
        named.append((NodeKind.STORAGE_NODE, account.storage_root))
    if account.code_hash != EMPTY_CODE_HASH:
        named.append((NodeKind.CODE, account.code_hash))
    return named


def _hash32(digits: str) -> Hash32:
    raw = bytes.fromhex(digits)
    if len(raw) != 32:
        raise ValueError("a hash has 32 bytes")
    return Hash32(raw)
