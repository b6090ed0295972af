"""The one-step verifier fits L1."""

import pytest

from tests.helpers.onchain_host import ENTRY, GROUPS, verifier_artifacts

CODE_LIMIT = 24_576
INITCODE_LIMIT = 49_152


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [*GROUPS.values(), ENTRY])
def test_contract__of_the_verifier__fits_l1(name: str) -> None:
    artifact = verifier_artifacts()[name]

    assert len(artifact["deployedBytecode"]["object"]) // 2 - 1 < CODE_LIMIT
    assert len(artifact["bytecode"]["object"]) // 2 - 1 < INITCODE_LIMIT - 32 * 32
