"""The rules of gas of slots, calls and messages in both languages: the same prices and refunds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.stepper.ops.accounts import access_gas
from optimistic.protocol.stepper.ops.calls import all_but_one_64th
from optimistic.protocol.stepper.ops.storage import store_gas, store_refund
from optimistic.protocol.transactions import intrinsic_message_gas
from tests.helpers.contract_host import ContractHost

WORDS = st.one_of(st.integers(0, 2), st.integers(0, (1 << 256) - 1))
COLD = 2_100
GIVEN_BEFORE = 1 << 20


@pytest.fixture(scope="module")
def host() -> ContractHost:
    return ContractHost("FrameGasHarness")


@given(original=WORDS, current=WORDS, value=WORDS, was_warm=st.booleans())
def test_store__any_slot__both_languages_agree(
    host: ContractHost, original: int, current: int, value: int, was_warm: bool
) -> None:
    cost = host.call("store(uint256,uint256,uint256,bool)->(uint256)", original, current, value, was_warm)[0]
    after = host.call(
        "refundAfter(uint256,uint256,uint256,uint256)->(uint256)", GIVEN_BEFORE, original, current, value
    )[0]

    assert cost == store_gas(original, current, value) + (0 if was_warm else COLD)
    assert after == GIVEN_BEFORE + store_refund(original, current, value)


@given(gas=WORDS, was_warm=st.booleans())
def test_call__any_gas__both_languages_agree(host: ContractHost, gas: int, was_warm: bool) -> None:
    assert host.call("allButOne64th(uint256)->(uint256)", gas) == (all_but_one_64th(gas),)
    assert host.call("access(bool)->(uint256)", was_warm) == (access_gas(was_warm),)


@pytest.mark.parametrize("is_create", [False, True])
@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 63, 64, 65, 96, 300])
def test_intrinsic__data_of_any_length__both_languages_agree(
    host: ContractHost, size: int, is_create: bool
) -> None:
    signature = "intrinsic(bytes,bool)->(uint256)"

    for data in (bytes(size), b"\xff" * size, bytes(1 << at % 8 if at % 3 else 0 for at in range(size))):
        assert host.call(signature, data, is_create) == (intrinsic_message_gas(data, is_create=is_create),)
