"""The verifier's contracts against the step machine: every step of batches that do all kinds of things."""

from functools import cache

import pytest

from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Hash32
from tests.helpers.batch_cases import batch_cases
from tests.helpers.onchain_host import OnchainHost

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

CASES = batch_cases()
CALLDATA_LIMIT = 131_072


@cache
def host_of(params: RollupParams, deposit_hashes: tuple[Hash32, ...]) -> OnchainHost:
    """Return the verifier of a configuration behind an inbox with these deposits."""
    return OnchainHost(params, dict(enumerate(deposit_hashes)))


@pytest.mark.parametrize("name", CASES)
def test_step__named_batch__each_step_is_proven_on_l1(name: str) -> None:
    batch = CASES[name]
    host = host_of(batch.params, tuple(deposit.hash() for deposit in batch.deposits))

    for proven in batch.proofs():
        witness = proven.witness.encode()
        post, _ = host.prove_step(proven.pre, proven.j, proven.v, proven.acc, witness)
        assert post == proven.post, (proven.j, proven.v, proven.phase)
        assert len(witness) < CALLDATA_LIMIT
