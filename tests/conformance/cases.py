"""Reading the official state tests: one JSON object per line, one case per post-state entry."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account, encode_slot
from optimistic.protocol.engine import BlockEnv
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.types import Address, Hash32
from tests.helpers.memory_nodes import MemoryNodes

FORK = "Cancun"
BLOB_TYPE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One transaction of a state test with what must come out of it."""

    id: str
    """file::name[d<data>,g<gas>,v<value>]"""
    line: str
    """The test it belongs to, as JSON."""
    raw: bytes
    state_root: bytes
    logs_hash: bytes
    exception: str | None
    """What the transaction must be rejected for, None if it is valid."""

    @property
    def is_valid_blob(self) -> bool:
        """Whether it is a blob transaction that Ethereum accepts."""
        return self.raw[:1] == bytes((BLOB_TYPE,)) and self.exception is None


def read_cases(folder: Path) -> Iterator[Case]:
    """Yield every case under `folder`, in order of file name and line."""
    for path in sorted(folder.rglob("*.jsonl*")):
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            for line in lines:
                if line.strip():
                    yield from cases_of(line)


def cases_of(line: str) -> Iterator[Case]:
    """Yield the cases of one test."""
    test = json.loads(line)
    for post in test["post"].get(FORK, ()):
        at = post["indexes"]
        yield Case(
            id=f"{test['file']}::{test['name']}[d{at['data']},g{at['gas']},v{at['value']}]",
            line=line,
            raw=to_bytes(post["txbytes"]),
            state_root=to_bytes(post["hash"]),
            logs_hash=to_bytes(post["logs"]),
            exception=post.get("expectException"),
        )


def to_bytes(text: str) -> bytes:
    """Read 0x-hexadecimal bytes."""
    return bytes.fromhex(text.removeprefix("0x"))


def block_of(test: dict[str, Any], chain_id: int) -> BlockEnv:
    """Return the block the test runs in; earlier blocks have the hash of their decimal number."""
    env = test["env"]
    return BlockEnv(
        chain_id=chain_id,
        number=int(env["currentNumber"], 16),
        timestamp=int(env["currentTimestamp"], 16),
        coinbase=Address(to_bytes(env["currentCoinbase"])),
        gas_limit=int(env["currentGasLimit"], 16),
        base_fee=int(env["currentBaseFee"], 16),
        prev_randao=Hash32(int(env["currentRandom"], 16).to_bytes(32, "big")),
        block_hashes=lambda number: keccak256(str(number).encode()),
    )


def state_of(test: dict[str, Any]) -> tuple[MemoryNodes, Hash32]:
    """Return the trie of the state before the transaction, and its root."""
    nodes = MemoryNodes()
    changes: dict[bytes, bytes | None] = {}
    for address, fields in test["pre"].items():
        code = to_bytes(fields["code"])
        nodes[keccak256(code)] = code
        slots = {int(slot, 16): int(value, 16) for slot, value in fields["storage"].items()}
        account = Account(
            nonce=int(fields["nonce"], 16),
            balance=int(fields["balance"], 16),
            storage_root=_storage_root(nodes, slots),
            code_hash=keccak256(code),
        )
        changes[keccak256(to_bytes(address))] = account.encode()
    root, built = mpt.commit(nodes, EMPTY_ROOT, changes)
    nodes.update(built)
    return nodes, root


def _storage_root(nodes: MemoryNodes, slots: dict[int, int]) -> Hash32:
    changes: dict[bytes, bytes | None] = {
        keccak256(slot.to_bytes(32, "big")): encode_slot(value) for slot, value in slots.items() if value
    }
    root, built = mpt.commit(nodes, EMPTY_ROOT, changes)
    nodes.update(built)
    return root
