"""Programs of state and calls on both engines: each transaction ends alike."""

import pytest

from tests.helpers.evm_world import sign_tx
from tests.helpers.frame_programs import PROGRAMS, TARGET, Program, world_of
from tests.helpers.stepper_batch import stepper_batch

CREATE_GAS = 53_000
INITCODE_BYTE_GAS = 17
WHOLE = {name: item for name, item in PROGRAMS.items() if not item.depth and not item.is_static}
"""Programs that need no frame that a transaction cannot begin with."""


def signed(program: Program) -> bytes:
    if not program.is_create:
        return sign_tx(to=TARGET, data=program.data, value=program.value, gas=program.gas)
    gas = program.gas + CREATE_GAS + INITCODE_BYTE_GAS * len(program.code)
    return sign_tx(to=None, data=program.code, value=program.value, gas=gas)


@pytest.mark.parametrize("name", WHOLE)
def test_program__as_a_transaction__both_engines_agree(name: str) -> None:
    program = WHOLE[name]
    batch = stepper_batch([signed(program)], world_of(program))

    assert batch.leaves() == [unit.leaf for unit in batch.replay()]
