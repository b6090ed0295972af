"""System-lane contracts call nothing but each other, so the lane's worst-case speed is known."""

from collections.abc import Iterator

import pytest

from optimistic.artifacts import load
from optimistic.protocol.constants import MESSAGE_PASSER, SYSTEM_RANGE_START

PREDEPLOYS = ("MessagePasser", "FeeVault")
PUSH1, PUSH32 = 0x60, 0x7F
CALL, CALLCODE, DELEGATECALL, STATICCALL = 0xF1, 0xF2, 0xF4, 0xFA
CREATE, CREATE2, SELFDESTRUCT = 0xF0, 0xF5, 0xFF
LEAVING = {CALL, CALLCODE, DELEGATECALL, STATICCALL, CREATE, CREATE2, SELFDESTRUCT}
ADDRESS_BYTES = 20


def _instructions(code: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(code):
        opcode = code[position]
        width = opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0
        yield opcode, code[position + 1 : position + 1 + width]
        position += 1 + width


def _leaving_opcodes(name: str) -> set[int]:
    return {opcode for opcode, _ in _instructions(load(name).deployed_bytecode)} & LEAVING


def _pushed_addresses(name: str) -> set[bytes]:
    pushed = (push for _, push in _instructions(load(name).deployed_bytecode))
    return {push for push in pushed if len(push) == ADDRESS_BYTES and push.strip(b"\xff")}


def test_message_passer__its_code__calls_nobody() -> None:
    assert not _leaving_opcodes("MessagePasser")


def test_fee_vault__its_code__calls_the_message_passer_only() -> None:
    assert _leaving_opcodes("FeeVault") == {CALL}
    assert _pushed_addresses("FeeVault") == {MESSAGE_PASSER}


@pytest.mark.parametrize("name", PREDEPLOYS)
def test_predeploy__addresses_in_its_code__lie_in_the_system_range(name: str) -> None:
    assert not [push.hex() for push in _pushed_addresses(name) if push[:19] != SYSTEM_RANGE_START[:19]]
