"""What lies around running code, on both engines and step by step from witnesses."""

import pytest

from optimistic.protocol.stepper.witness import Witness
from tests.helpers.batch_cases import batch_cases

CASES = batch_cases()


@pytest.mark.parametrize("name", CASES)
def test_step_machine__named_batch__ends_units_as_py_evm_does(name: str) -> None:
    assert CASES[name].leaves() == [unit.leaf for unit in CASES[name].replay()]


@pytest.mark.parametrize("name", CASES)
def test_step_machine__named_batch__each_step_is_proven_by_its_witness(name: str) -> None:
    batch = CASES[name]
    verifier = batch.verifier()
    for proven in batch.proofs():
        witness = Witness.decode(proven.witness.encode())
        post = verifier.step(proven.pre, proven.j, proven.v, proven.acc, witness)
        assert post == proven.post, (proven.j, proven.v, proven.phase)
