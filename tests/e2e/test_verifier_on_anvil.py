"""The verifier on an anvil answers as it does in the EVM of other tests: hashes, gas, refusals."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.types import ZERO_HASH, Hash32
from tests.conformance.execution import load_setting
from tests.conformance.stepping import UNIT, ProvenStep, prepare, proving
from tests.helpers.anvil import Anvil
from tests.helpers.contract_host import Reverted
from tests.helpers.evm_world import ALICE, CONTRACT, ETHER, Alloc, sign_tx
from tests.helpers.onchain_anvil import AnvilHost, install
from tests.helpers.onchain_host import OnchainHost, deploy
from tests.helpers.state_tests import state_test

pytestmark = pytest.mark.timeout(900)  # the contracts may have to be compiled first

PRE = {ALICE: Alloc(balance=ETHER), CONTRACT: Alloc(nonce=1, code=bytes.fromhex("60016000556020600020"))}
RAW = sign_tx(chainId=CONFORMANCE.l2_chain_id, to=CONTRACT)


class Host(Protocol):
    def prove_step(
        self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes, /
    ) -> tuple[Hash32, int]: ...


@pytest.fixture(scope="module", name="anvil_host")
def _anvil_host() -> Iterator[AnvilHost]:
    deployment = deploy(CONFORMANCE)
    with Anvil() as anvil:
        install(anvil, deployment)
        yield AnvilHost(anvil.url, deployment)


def proven_steps() -> list[ProvenStep]:
    steps: list[ProvenStep] = []
    be, m = prepare(RAW, load_setting(state_test("own", PRE)))
    proving(steps.append)(be, m, None)
    return steps


def refusal(host: Host, step: ProvenStep, witness: bytes) -> bytes:
    with pytest.raises(Reverted) as refused:
        host.prove_step(step.pre, UNIT, step.v, ZERO_HASH, witness)
    return refused.value.selector


def test_verifier__each_step__same_hash_and_gas_on_both(anvil_host: AnvilHost) -> None:
    host = OnchainHost(CONFORMANCE)
    for step in proven_steps():
        call = (step.pre, UNIT, step.v, ZERO_HASH, step.witness.encode())
        answer = host.prove_step(*call)
        assert answer[0] == step.post
        assert anvil_host.prove_step(*call) == answer


def test_verifier__wrong_witness__same_refusal_on_both(anvil_host: AnvilHost) -> None:
    host = OnchainHost(CONFORMANCE)
    for step in proven_steps():
        wrong = bytearray(step.witness.encode())
        wrong[20 * 32 - 1] ^= 1  # inside the machine, which is no longer the one before the step
        selector = refusal(host, step, bytes(wrong))
        assert len(selector) == 4
        assert refusal(anvil_host, step, bytes(wrong)) == selector
