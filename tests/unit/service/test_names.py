from dataclasses import fields

import pytest

from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.unit import Unit
from optimistic.service.contracts import AssertionState
from optimistic.service.names import camel_case, snake_case


@pytest.mark.parametrize(("python", "solidity"), [("acc", "acc"), ("l1_timestamp", "l1Timestamp")])
def test_names__field__in_both_spellings(python: str, solidity: str) -> None:
    assert camel_case(python) == solidity
    assert snake_case(solidity) == python


@pytest.mark.parametrize("kind", [Unit, BatchRecord, Deposit, AssertionState])
def test_names__every_field_of_a_struct__comes_back(kind: type) -> None:
    names = [field.name for field in fields(kind)]

    assert [snake_case(camel_case(name)) for name in names] == names
