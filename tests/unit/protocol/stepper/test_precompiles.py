"""The stepper's rules for precompiles against those of the execution engine."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optimistic.protocol.execution.precompiles import PRECOMPILE_ADDRESSES, Precompiles
from optimistic.protocol.params import CONFORMANCE, DEVNET, RollupParams
from optimistic.protocol.stepper.precompiles import (
    HIGHEST_GAS,
    PrecompileRules,
    input_needed,
    least_price,
    price,
    run,
)
from tests.helpers.precompile_cases import hostile_modexp, inputs

PARAMS = {"capped": DEVNET, "free": CONFORMANCE}
profiles = pytest.mark.parametrize("params", PARAMS.values(), ids=PARAMS.keys())
numbers = pytest.mark.parametrize("number", range(1, 11))


def of_the_engine(params: RollupParams, number: int, data: bytes) -> int | None:
    """The other engine's price; unpayable is failed, and so is a KZG input it prices before it looks."""
    precompiles = Precompiles(params)
    entry = precompiles.get(PRECOMPILE_ADDRESSES[number - 1])
    assert entry is not None
    asked = precompiles.price(entry, data)
    fails = asked is None or asked > HIGHEST_GAS or (number == 10 and len(data) != 192)
    return None if fails else asked


@profiles
@numbers
@given(data=st.data())
def test_price__any_input__is_that_of_the_other_engine(
    params: RollupParams, number: int, data: st.DataObject
) -> None:
    drawn = data.draw(inputs(number))

    assert price(PrecompileRules.of(params), number, drawn) == of_the_engine(params, number, drawn)


@profiles
@given(data=hostile_modexp())
@example(data=b"\xff" * 96)
@example(data=bytes(32) + b"\xff" * 32 + bytes(32))
@example(data=b"\xff" * 64 + bytes(32))
def test_price__modexp_of_hostile_lengths__is_that_of_the_other_engine(
    params: RollupParams, data: bytes
) -> None:
    assert price(PrecompileRules.of(params), 5, data) == of_the_engine(params, 5, data)


@profiles
@numbers
@given(data=st.data(), tail=st.binary(max_size=300))
def test_input_needed__the_rest__decides_nothing(
    params: RollupParams, number: int, data: st.DataObject, tail: bytes
) -> None:
    rules = PrecompileRules.of(params)
    drawn = data.draw(inputs(number)) + tail
    head = drawn[: input_needed(rules, number, len(drawn))]

    asked = price(rules, number, head, len(drawn))

    assert asked == price(rules, number, drawn)
    if asked is not None and asked < 10**6 and number != 4:
        assert run(number, head) == run(number, drawn)


@pytest.mark.parametrize(
    ("number", "length", "needed"),
    [
        (1, 1 << 21, 128),
        (2, 65_536, 65_536),
        (2, 65_537, 0),
        (3, 65_537, 0),
        (4, 1 << 21, 0),
        (5, 1 << 21, 3_168),
        (6, 1 << 21, 128),
        (7, 1 << 21, 96),
        (8, 192 * 60, 192 * 60),
        (8, 192 * 61, 0),
        (8, 191, 0),
        (9, 214, 0),
        (10, 193, 0),
        (11, 100, 0),
    ],
)
def test_input_needed__under_the_cap__fits_a_proof(number: int, length: int, needed: int) -> None:
    assert input_needed(PrecompileRules.of(DEVNET), number, length) == needed


@profiles
@numbers
@given(data=st.data())
def test_least_price__is_never_above_the_price(
    params: RollupParams, number: int, data: st.DataObject
) -> None:
    drawn = data.draw(inputs(number))
    asked = price(PrecompileRules.of(params), number, drawn)
    if asked is not None:
        assert least_price(number, len(drawn)) <= asked


def test_price__at_the_cap__passes_and_above_fails() -> None:
    cap = DEVNET.precompile_price_cap
    rules = PrecompileRules.of(DEVNET)

    assert price(rules, 9, cap.to_bytes(4, "big") + bytes(209)) == cap
    assert price(rules, 9, (cap + 1).to_bytes(4, "big") + bytes(209)) is None


@pytest.mark.parametrize("number", [0, 11, 1 << 160])
def test_price__of_no_precompile__is_none(number: int) -> None:
    assert price(PrecompileRules.of(CONFORMANCE), number, b"") is None
