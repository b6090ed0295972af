"""Precompile calls on L1: the whole step in both languages, within the gas of one transaction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.precompiles import PrecompileRules, input_needed, price
from optimistic.protocol.stepper.state import Halt
from tests.bench.osp_worst import dearest_failures
from tests.helpers.onchain_host import OnchainHost
from tests.helpers.opcode_stage import precompile_stage
from tests.helpers.precompile_cases import g1, g2, inputs, kzg_input, modexp_input
from tests.helpers.stepper_batch import prove_step

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

RULES = PrecompileRules.of(DEVNET)
NUMBERS = pytest.mark.parametrize("number", range(1, 11))
CAP = DEVNET.precompile_price_cap
LONG = bytes(range(256)) * 255
BY_LENGTH = {2: 60 + 12 * 2_040, 3: 600 + 120 * 2_040}
"""Number to price of 65,280 bytes."""
DEAREST = {
    "sha256": (2, bytes(range(256)) * 256),
    "ripemd160": (3, bytes(range(256)) * 256),
    "identity": (4, bytes(range(256)) * 500),
    "modexp": (5, modexp_input(b"\xa5" * 1_024, b"\xff" * 8, b"\xb7" * 1_024)),
    "pairing": (8, (g1(6) + g2(1)) * 8),
    "blake2f": (9, CAP.to_bytes(4, "big") + bytes(range(208)) + b"\x01"),
    "point_evaluation": (10, kzg_input()),
}


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


def prove(host: OnchainHost, number: int, data: bytes, gas: int) -> Halt:
    """Run the step on both sides and return how the frame ends."""
    return prove_with_ranges(host, number, data, gas)[0]


def prove_with_ranges(host: OnchainHost, number: int, data: bytes, gas: int) -> tuple[Halt, int]:
    """Run the step on both sides; return how the frame ends and how many ranges were asked for."""
    setting = precompile_stage(number, data, gas)
    step = prove_step(setting.be, setting.m)

    assert host.prove(step) == step.post
    return setting.frame.halt, len(step.witness.tape.ranges)


@NUMBERS
@given(data=st.data())
def test_precompile__any_input__both_languages_agree(
    host: OnchainHost, number: int, data: st.DataObject
) -> None:
    given_bytes = data.draw(inputs(number))
    head = given_bytes[: input_needed(RULES, number, len(given_bytes))]
    cost = price(RULES, number, head, len(given_bytes))
    asked = data.draw(st.sampled_from((0, -1, 1, 1_000)))

    ending = prove(host, number, given_bytes, max(0, (cost or 50_000) + asked))

    if cost is None or asked < 0:
        assert ending is Halt.EXCEPTIONAL


@pytest.mark.parametrize("name", DEAREST)
def test_precompile__dearest_inputs__succeed_within_one_transaction(host: OnchainHost, name: str) -> None:
    number, data = DEAREST[name]

    assert prove(host, number, data, CAP) is Halt.SUCCESS
    assert prove(host, number, data, 14) is Halt.EXCEPTIONAL


@pytest.mark.parametrize("name", dearest_failures())
def test_precompile__dearest_failures__fail_within_one_transaction(host: OnchainHost, name: str) -> None:
    number, data = dearest_failures()[name]

    assert prove(host, number, data, CAP) is Halt.EXCEPTIONAL


@pytest.mark.parametrize(("above", "ending"), [(0, Halt.SUCCESS), (1, Halt.EXCEPTIONAL)])
def test_precompile__dearer_than_the_cap__fails_however_much_gas(
    host: OnchainHost, above: int, ending: Halt
) -> None:
    data = (CAP + above).to_bytes(4, "big") + bytes(range(208)) + b"\x01"

    assert prove(host, 9, data, 2 * CAP) is ending


@pytest.mark.parametrize("number", [2, 3])
def test_precompile__length_alone_is_too_dear__input_is_not_asked_for(host: OnchainHost, number: int) -> None:
    price_by_length = BY_LENGTH[number]
    assert prove_with_ranges(host, number, LONG, price_by_length) == (Halt.SUCCESS, 1)
    assert prove_with_ranges(host, number, LONG, price_by_length - 1) == (Halt.EXCEPTIONAL, 0)
