"""The opcode table: both languages have the same row for every byte."""

import pytest

from optimistic.protocol.stepper.opcode_table import OPCODES
from tests.helpers.contract_host import ContractHost

ROW = "row(uint256)->((bool,uint256,uint256,uint256,uint256,uint256))"


@pytest.fixture(scope="module")
def table() -> ContractHost:
    return ContractHost("OpcodeTableHarness")


@pytest.mark.parametrize("byte", range(256))
def test_opcode_row__each_byte__is_the_same(table: ContractHost, byte: int) -> None:
    row = OPCODES[byte]
    expected = row and (True, row.gas, row.pops, row.pushes, row.static, row.group)

    assert table.call(ROW, byte)[0] == (expected or (False, 0, 0, 0, 0, 0))


@pytest.mark.parametrize("number", [256, 257, 2**256 - 1])
def test_opcode_row__no_byte__is_undefined(table: ContractHost, number: int) -> None:
    assert table.call(ROW, number)[0] == (False, 0, 0, 0, 0, 0)
