"""The verifier's contracts against the step machine: every step of batches that do all kinds of things."""

import pytest

from tests.helpers.batch_cases import batch_cases
from tests.helpers.onchain_host import L1_TX_BYTES, host_of

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

CASES = batch_cases()


@pytest.mark.parametrize("name", CASES)
def test_step__named_batch__each_step_is_proven_on_l1(name: str) -> None:
    batch = CASES[name]
    host = host_of(batch.params, batch.deposit_hashes)

    for proven in batch.proofs():
        witness = proven.witness.encode()
        assert host.prove(proven, witness) == proven.post, (proven.j, proven.v, proven.phase)
        assert len(witness) < L1_TX_BYTES
