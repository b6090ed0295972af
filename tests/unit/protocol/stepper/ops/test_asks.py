"""The order in which opcodes ask for proofs: it is the order of a witness, so L1 has to ask the same way."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from optimistic.protocol.constants import CHUNK_BYTES
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.backend import Leaf
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.world import slot_key
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address, Hash32
from tests.helpers.evm_world import Alloc
from tests.helpers.opcode_stage import ABSENT, BLOCK, OTHER, SELF, SENDER, Stage, memory, number, stage, view

SLOT = 3
NEW = create_address(SELF, 1)
CODE = b"\x5b\x00"
DATA = bytes(range(1, 65))
LONG = CHUNK_BYTES + 1
PROVEN = ("read_memory", "write_memory", "code", "block_hash", "delete_leaf")
KEYS = {
    **{
        keccak256(a): n
        for a, n in ((SELF, "self"), (OTHER, "other"), (ABSENT, "absent"), (SENDER, "sender"), (NEW, "new"))
    },
    keccak256(SLOT.to_bytes(32, "big")): "slot",
    slot_key(SELF, SLOT): "own slot",
}


class Listening:
    """A backend that writes down what it is asked for."""

    def __init__(self, full: Full, scene: Stage) -> None:
        self._full = full
        self._scene = scene
        self.asks: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._full, name)

        def ask(*arguments: Any) -> Any:
            is_proven = name in PROVEN
            if name == "read_view":
                source, offset, _ = arguments
                is_proven = offset < source.length
            if is_proven:
                self.asks.append(name)
            return method(*arguments)

        return ask

    def open_leaf(self, root: Hash32, key: Hash32) -> Leaf:
        """Name the trie and the key; the tries of warmth and of transient storage are both empty at first."""
        journal = self._scene.journal
        tries = {journal.warm_root: "warm", journal.state_root: "state"}
        if journal.state_root != self._scene.m.unit.state_root:
            tries[self._scene.m.unit.state_root] = "start"
        trie = "" if KEYS[key] == "slot" else tries.get(root, "next")
        self.asks.append(f"{trie} {KEYS[key]}".strip())
        return self._full.open_leaf(root, key)


def asks(op: Op, *items: int, steps: bool = False, **changes: Any) -> list[str]:
    """What `op` asks for, or its further steps."""
    start = changes.pop("start", None)
    alloc = {
        SELF: Alloc(nonce=1, balance=100, storage={SLOT: 7, 4: 4}),
        OTHER: Alloc(code=CODE),
    }
    fields = {
        "memory": memory(DATA),
        "memory_words": 2,
        "calldata": view(DATA),
        "returndata": view(DATA),
        "code": CODE,
        **changes,
    }
    scene = stage(alloc, start=start, **fields)
    listening = Listening(scene.be, scene)
    scene.be = cast("Full", listening)
    try:
        scene.run(op, *items)
    except ExceptionalHalt:
        listening.asks.append("halt")
    if steps:
        listening.asks.clear()
        scene.finish()
    return listening.asks


def call(to: bytes, value: int = 0, gas: int = 0) -> tuple[int, ...]:
    """Stack of CALL and CALLCODE."""
    return (gas, number(to), value, 0, 0, 0, 0)


OTHER_START = {SELF: Alloc(nonce=1, storage={SLOT: 5})}
SAME_STORAGE = {SELF: Alloc(nonce=9, storage={SLOT: 7, 4: 4})}


@pytest.mark.parametrize(
    ("op", "items", "expected"),
    [
        (Op.MLOAD, (0,), ["read_memory"]),
        (Op.MSTORE, (0, 1), ["write_memory"]),
        (Op.KECCAK256, (0, 3), ["read_memory"]),
        (Op.KECCAK256, (0, 0), []),
        (Op.LOG1, (0, 3, 9), ["read_memory"]),
        (Op.MCOPY, (0, 1, 5), ["read_memory", "write_memory"]),
        (Op.MCOPY, (0, 1, 0), []),
        (Op.CALLDATALOAD, (63,), ["read_view"]),
        (Op.CALLDATALOAD, (64,), []),
        (Op.CALLDATACOPY, (0, 60, 20), ["read_view", "write_memory"]),
        (Op.CALLDATACOPY, (0, 64, 20), ["write_memory"]),
        (Op.CALLDATACOPY, (0, 0, 0), []),
        (Op.RETURNDATACOPY, (0, 0, 64), ["read_view", "write_memory"]),
        (Op.RETURNDATACOPY, (0, 0, 65), ["halt"]),
        (Op.CODECOPY, (0, 0, 5), ["write_memory"]),
        (Op.EXTCODECOPY, (number(OTHER), 0, 0, 5), ["warm other", "state other", "code", "write_memory"]),
        (Op.EXTCODECOPY, (number(ABSENT), 0, 0, 5), ["warm absent", "state absent", "write_memory"]),
        (Op.EXTCODECOPY, (number(OTHER), 0, 0, 0), ["warm other", "state other"]),
        (Op.EXTCODECOPY, (number(OTHER), 0, 0, LONG), ["warm other", "state other", "code"]),
        (Op.EXTCODECOPY, (number(OTHER), 1 << 64, 0, 1), ["warm other", "halt"]),
        (Op.BALANCE, (number(OTHER),), ["warm other", "state other"]),
        (Op.BALANCE, (number(SENDER),), ["state sender"]),
        (Op.EXTCODEHASH, (number(OTHER),), ["warm other", "state other"]),
        (Op.EXTCODESIZE, (number(OTHER),), ["warm other", "state other", "code"]),
        (Op.EXTCODESIZE, (number(ABSENT),), ["warm absent", "state absent"]),
        (Op.SELFBALANCE, (), ["state self"]),
        (Op.BLOCKHASH, (BLOCK - 1,), ["block_hash"]),
        (Op.BLOCKHASH, (BLOCK,), []),
        (Op.SLOAD, (SLOT,), ["warm own slot", "state self", "slot"]),
        (Op.TLOAD, (SLOT,), ["warm own slot"]),
        (Op.TSTORE, (SLOT, 0), ["warm own slot"]),
        (Op.SSTORE, (SLOT, 9), ["warm own slot", "state self", "slot"]),
        (Op.SSTORE, (SLOT, 7), ["warm own slot", "state self", "slot"]),
        (Op.SSTORE, (SLOT, 0), ["warm own slot", "state self", "slot", "delete_leaf"]),
        (Op.RETURN, (0, 5), []),
        (Op.CALL, call(OTHER), ["warm other", "state other"]),
        (Op.CALL, call(SENDER), ["state sender"]),
        (Op.CALL, call(OTHER, 5), ["warm other", "state other", "state self", "next other"]),
        (Op.CALL, call(OTHER, 101), ["warm other", "state other", "state self"]),
        (Op.CALL, call(SELF, 5), ["warm self", "state self", "state self"]),
        (Op.CALLCODE, call(OTHER, 5), ["warm other", "state other", "state self"]),
        (Op.STATICCALL, (0, number(OTHER), 0, 0, 0, 0), ["warm other", "state other"]),
        (Op.DELEGATECALL, (0, number(OTHER), 0, 0, 0, 0), ["warm other", "state other"]),
        (Op.CREATE, (0, 0, 5), ["state self", "read_memory", "warm new"]),
        (Op.CREATE, (0, 0, 0), ["state self", "warm new"]),
        (Op.CREATE, (101, 0, 5), ["state self"]),
        (
            Op.SELFDESTRUCT,
            (number(OTHER),),
            ["warm other", "state self", "state other", "warm self", "next other"],
        ),
        (Op.SELFDESTRUCT, (number(SELF),), ["warm self", "state self", "warm self"]),
    ],
)
def test_asks__of_an_opcode__have_their_order(op: Op, items: tuple[int, ...], expected: list[str]) -> None:
    assert asks(op, *items) == expected


@pytest.mark.parametrize(
    ("op", "items", "changes", "expected"),
    [
        (Op.BALANCE, (number(OTHER),), {"gas": 2_599}, ["warm other", "halt"]),
        (Op.SLOAD, (SLOT,), {"gas": 2_099}, ["warm own slot", "halt"]),
        (Op.SSTORE, (SLOT, 9), {"gas": 2_300}, ["halt"]),
        (Op.SSTORE, (SLOT, 9), {"gas": 4_999}, ["warm own slot", "state self", "slot", "halt"]),
        (Op.CALL, call(OTHER), {"gas": 2_599}, ["warm other", "state other", "halt"]),
        (Op.CALL, call(OTHER, 5), {"is_static": True}, ["halt"]),
        (Op.CALL, call(OTHER, 5), {"depth": 1_024}, ["warm other", "state other", "state self"]),
        (Op.CREATE, (0, 0, 5), {"depth": 1_024}, ["state self"]),
        (Op.CREATE, (0, 0, 5), {"gas": 32_001}, ["halt"]),
        (
            Op.SELFDESTRUCT,
            (number(OTHER),),
            {"gas": 7_599},
            ["warm other", "state self", "state other", "halt"],
        ),
    ],
)
def test_asks__of_an_opcode_that_fails__end_with_the_check(
    op: Op, items: tuple[int, ...], changes: dict[str, Any], expected: list[str]
) -> None:
    assert asks(op, *items, **changes) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (OTHER_START, ["start self", "slot"]),
        ({OTHER: Alloc(nonce=1)}, ["start self", "slot"]),
        (SAME_STORAGE, ["start self"]),
    ],
)
def test_asks__of_a_write__look_up_the_value_before_the_transaction(
    start: dict[Address, Alloc], expected: list[str]
) -> None:
    assert asks(Op.SSTORE, SLOT, 9, start=start) == ["warm own slot", "state self", "slot", *expected]


@pytest.mark.parametrize(
    ("op", "items", "expected"),
    [
        (Op.CALLDATACOPY, (0, 0, LONG), ["read_view", "write_memory", "write_memory"]),
        (Op.CODECOPY, (0, 0, LONG), ["code", "write_memory"] * 2),
        (Op.EXTCODECOPY, (number(OTHER), 0, 0, LONG), ["code", "write_memory"] * 2),
        (Op.MCOPY, (0, 1, LONG), ["read_view", "write_memory"] * 2),
        (Op.KECCAK256, (0, LONG), ["read_memory"] * 4),
        (Op.LOG0, (0, LONG), ["read_memory"] * 4),
    ],
)
def test_asks__of_long_ranges__repeat(op: Op, items: tuple[int, ...], expected: list[str]) -> None:
    assert asks(op, *items, steps=True) == expected
