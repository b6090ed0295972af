import gzip
from pathlib import Path
from typing import Any

import pytest

from challenger.snapshots import (
    MAGIC,
    InvalidSnapshot,
    NodeKind,
    SnapshotHeader,
    SnapshotReader,
    walk_state,
    write_snapshot,
)
from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account, encode_slot
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT, MissingNode
from optimistic.protocol.types import Hash32
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.rollup import make_genesis
from tests.unit.challenger.views import ident

GENESIS = make_genesis()
HEADER = SnapshotHeader(assertion=ident("a"), to_batch=3, config_hash=ident("config"), state=GENESIS.state)
ROOT = GENESIS.state.unit.state_root


def ignore(_: int) -> None:
    """No progress to show."""


def write(path: Path, nodes: Any = GENESIS.nodes) -> int:
    return write_snapshot(path, HEADER, MemoryNodes(nodes), ignore)


def read(path: Path) -> tuple[SnapshotHeader, MemoryNodes]:
    nodes = MemoryNodes()
    with SnapshotReader(path) as reader:
        header = reader.header()
        reader.load_nodes(header.state.unit.state_root, nodes, ignore)
    return header, nodes


def rewrite(path: Path, change: Any) -> None:
    """Change the unpacked bytes of a snapshot."""
    raw = bytearray(gzip.decompress(path.read_bytes()))
    path.write_bytes(gzip.compress(bytes(change(raw))))


def big_state() -> tuple[Hash32, dict[bytes, bytes]]:
    """Accounts with storage and code, one code twice, one slot trie twice."""
    nodes: dict[bytes, bytes] = {}
    slots = {keccak256(bytes([i])): encode_slot(i + 1) for i in range(40)}
    storage_root, written = mpt.commit({}, EMPTY_ROOT, slots)
    nodes.update(written)
    code = b"\x60" * 100
    nodes[keccak256(code)] = code
    accounts: dict[bytes, bytes | None] = {}
    for i in range(60):
        contract = Account(nonce=1, balance=2, storage_root=storage_root, code_hash=keccak256(code))
        account = Account(nonce=i, balance=i) if i % 3 else contract
        accounts[keccak256(b"account" + bytes([i]))] = account.encode()
    root, written = mpt.commit({}, EMPTY_ROOT, accounts)
    nodes.update(written)
    return root, nodes


def test_snapshot__written_and_read__is_the_whole_state(tmp_path: Path) -> None:
    count = write(tmp_path / "s")

    header, nodes = read(tmp_path / "s")

    assert header.to_json() == HEADER.to_json()
    assert header.end_leaf == GENESIS.end_leaf
    assert len(nodes) == count == len(GENESIS.nodes)
    assert all(nodes.get(key) == raw for key, raw in GENESIS.nodes.items())


def test_walk__state_without_a_node__is_noticed(tmp_path: Path) -> None:
    for missing in GENESIS.nodes:
        nodes = {key: raw for key, raw in GENESIS.nodes.items() if key != missing}

        with pytest.raises(MissingNode):
            write(tmp_path / "s", nodes)


def test_walk__shared_code_and_storage__come_once() -> None:
    root, nodes = big_state()

    found = list(walk_state(MemoryNodes(nodes), root))

    assert sum(kind is NodeKind.CODE for kind, _ in found) == 1
    assert {keccak256(raw) for _, raw in found} == set(nodes)
    assert len(found) == len(nodes)


def test_reader__cut_anywhere__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    write(path)
    whole = gzip.decompress(path.read_bytes())

    for length in range(0, len(whole), max(1, len(whole) // 30)):
        path.write_bytes(gzip.compress(whole[:length]))
        with pytest.raises(InvalidSnapshot):
            read(path)


def test_reader__any_byte_changed__is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s"
    write(path)
    whole = gzip.decompress(path.read_bytes())
    for position in range(0, len(whole), max(1, len(whole) // 50)):
        raw = bytearray(whole)
        raw[position] ^= 0x41
        path.write_bytes(gzip.compress(bytes(raw)))

        try:
            header, nodes = read(path)
        except InvalidSnapshot:
            continue

        # Only what the caller compares with L1 may differ: assertion, range, configuration, unit.
        assert header.to_json() != HEADER.to_json()
        assert len(nodes) == len(GENESIS.nodes)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"wrong" + raw,
        lambda raw: raw[: len(MAGIC)] + b"\xff\xff\xff\xff" + raw[len(MAGIC) + 4 :],
        lambda raw: raw[:-1] + b"\x02\x00\x00\x00\x01\x60\xff",
        lambda raw: raw[:-1] + b"\x07\x00\x00\x00\x01\x60\xff",
        lambda raw: raw[:-1] + b"\x00\xff\xff\xff\xff",
    ],
    ids=["magic", "header_length", "foreign_code", "foreign_kind", "node_length"],
)
def test_reader__foreign_parts__are_refused(tmp_path: Path, change: Any) -> None:
    write(tmp_path / "s")
    rewrite(tmp_path / "s", change)

    with pytest.raises(InvalidSnapshot):
        read(tmp_path / "s")


def test_reader__not_gzip__is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"text")

    with pytest.raises(InvalidSnapshot):
        read(tmp_path / "s")


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"assertion": "00"}', b"\xff"])
def test_header__malformed__is_refused(text: bytes) -> None:
    with pytest.raises(InvalidSnapshot):
        SnapshotHeader.from_json(text)
