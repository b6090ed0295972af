"""Precompiles in both languages: the same prices, the same failures, L1's results equal to the libraries'."""

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyrevm import EVM

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import CONFORMANCE, DEVNET
from optimistic.protocol.stepper.precompiles import PrecompileRules, input_needed, price, run
from tests.helpers.contract_host import CALLER, ContractHost, Reverted
from tests.helpers.precompile_cases import (
    FIELD_MODULUS,
    g1,
    g2,
    hostile_modexp,
    inputs,
    kzg_input,
    modexp_input,
    word,
)

RULES = {"capped": PrecompileRules.of(DEVNET), "free": PrecompileRules.of(CONFORMANCE)}
OSAKA = PrecompileRules(price_cap=0, modexp_osaka=True)
IDENTITY = 4
AFFORDABLE = 1 << 22
BLAKE2F_INPUT = (40_000).to_bytes(4, "big") + bytes(range(208)) + b"\x01"
HOSTILE_LENGTHS = (0, 65_536, 65_537, 192 * 60, 192 * 61, (1 << 256) - 1, 192 << 248)
MODEXP_LENGTHS = (
    (0, 0),
    (1, 0),
    (0, 1),
    (8, 7),
    (9, 8),
    (24, 25),
    (32, 31),
    (33, 32),
    (1, 33),
    (1_024, 64),
    (1_024, 1_025),
)
MODEXP_EXPONENTS = (*map(word, (0, 1, 2, 3, 255, 256, 1 << 128, 1 << 254, 1 << 255)), b"\xff" * 32)
NOT_ENOUGH_GAS = keccak256(b"NotEnoughGas(uint256)")[:4]
PRECOMPILE_BROKEN = keccak256(b"PrecompileBroken(uint256)")[:4]
NOTHING_TO_RUN = keccak256(b"NothingToRun(uint256)")[:4]

rule_sets = pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
numbers = pytest.mark.parametrize("number", range(1, 11))
runnable = pytest.mark.parametrize("number", [n for n in range(1, 11) if n != IDENTITY])

VALID = {
    1: word(5) + word(27) + word(1) + word(1),
    2: b"abc" * 700,
    3: b"abc" * 700,
    5: modexp_input(b"\xa5" * 64, b"\xa5" * 40, b"\xb7" * 64),
    6: g1(1) + g1(2),
    7: g1(1) + word(9),
    8: g1(6) + g2(1) + g1(-2) + g2(3),
    9: BLAKE2F_INPUT,
    10: kzg_input(),
}
INVALID = {
    6: [word(1) + word(1), g1(1) + word(1) + word(2 + FIELD_MODULUS)],
    7: [word(1) + word(1) + word(3), b"\xff" * 96],
    8: [g1(1) + word(1) * 4, word(1) + word(1) + g2(1), g1(1) + g2(1)[:96] + b"\xff" * 32],
    10: [kzg_input(y=1), b"\x02" + kzg_input()[1:], bytes(192)],
}


@cache
def host() -> ContractHost:
    return ContractHost("PrecompileHarness")


@cache
def bare_evm() -> EVM:
    return EVM(gas_limit=100_000_000, spec_id="CANCUN")


def solidity_price(rules: PrecompileRules, number: int, length: int, head: bytes) -> int | None:
    signature = "price(uint256,bool,uint256,uint256,bytes)->(bool,uint256)"
    fails, cost = host().call(signature, rules.price_cap, rules.modexp_osaka, number, length, head)
    return None if fails else int(cost)


def solidity_run(number: int, cost: int, head: bytes) -> bytes | None:
    ok, output = host().call("run(uint256,uint256,bytes)->(bool,bytes)", number, cost, head)
    return bytes(output) if ok else None


# ------------------------------------------------------------------------------ prices


@rule_sets
@numbers
@given(data=st.data())
def test_price__any_input__is_equal(rules: PrecompileRules, number: int, data: st.DataObject) -> None:
    drawn = data.draw(inputs(number))
    head = drawn[: input_needed(rules, number, len(drawn))]

    expected = price(rules, number, drawn)

    assert solidity_price(rules, number, len(drawn), head) == expected
    assert solidity_price(rules, number, len(drawn), drawn) == expected


@rule_sets
@given(data=hostile_modexp())
@example(data=b"\xff" * 96)
@example(data=bytes(32) + b"\xff" * 32 + bytes(32))
@example(data=b"\xff" * 64 + bytes(32))
@example(data=b"\xff" * 32)
def test_price__modexp_of_hostile_lengths__is_equal(rules: PrecompileRules, data: bytes) -> None:
    assert solidity_price(rules, 5, len(data), data) == price(rules, 5, data)


@pytest.mark.parametrize("osaka", [False, True], ids=["berlin", "osaka"])
@pytest.mark.parametrize("exponent_length", [0, 1, 2, 31, 32, 33, 34, 64, 1_023, 1_024, 1_025])
def test_price__modexp_around_every_edge__is_equal(osaka: bool, exponent_length: int) -> None:
    rules = PrecompileRules(price_cap=0, modexp_osaka=osaka)
    for base, modulus in MODEXP_LENGTHS:
        lengths = word(base) + word(exponent_length) + word(modulus)
        for leading in MODEXP_EXPONENTS:
            data = lengths + b"\xff" * base + leading[-exponent_length or 32 :] + b"\xff" * 8
            assert solidity_price(rules, 5, len(data), data) == price(rules, 5, data)


@rule_sets
@pytest.mark.parametrize("number", [*range(12), (1 << 160) + 2, (1 << 256) - 1])
@pytest.mark.parametrize("length", HOSTILE_LENGTHS)
def test_price__hostile_lengths_and_numbers__are_equal(
    rules: PrecompileRules, number: int, length: int
) -> None:
    signature = "inputNeeded(uint256,bool,uint256,uint256)->(uint256)"

    needed = host().call(signature, rules.price_cap, rules.modexp_osaka, number, length)[0]

    assert needed == input_needed(rules, number, length)
    assert solidity_price(rules, number, length, b"") == price(rules, number, b"", length)


@pytest.mark.parametrize("above", [0, 1])
def test_price__around_the_cap__is_equal(above: int) -> None:
    rules = RULES["capped"]
    rounds = rules.price_cap + above
    data = rounds.to_bytes(4, "big") + bytes(209)

    assert solidity_price(rules, 9, 213, data) == (None if above else rounds) == price(rules, 9, data)


@pytest.mark.parametrize(("number", "length"), [(2, 64), (3, 64), (8, 192)])
@pytest.mark.parametrize("below", [0, 1])
def test_price__by_length_at_the_cap__is_equal(number: int, length: int, below: int) -> None:
    cost = price(OSAKA, number, b"", length)
    assert cost is not None
    rules = PrecompileRules(price_cap=cost - below, modexp_osaka=True)

    assert solidity_price(rules, number, length, b"") == (None if below else cost)
    assert price(rules, number, b"", length) == (None if below else cost)


@numbers
@pytest.mark.parametrize("length", [0, 96, 128, 213])
def test_least_price__any_input__is_not_above_its_price(number: int, length: int) -> None:
    (least,) = host().call("leastPrice(uint256,uint256)->(uint256)", number, length)
    cost = price(RULES["free"], number, bytes(length))

    assert cost is None or least <= cost
    assert least == (0 if number in (5, 9) else cost) or cost is None


@pytest.mark.parametrize("length", range(64, 129))
def test_price__head_that_ends_in_a_word__continues_with_zeros(length: int) -> None:
    data = (word(1) + word(31) + word(1) + b"\xff" * 32)[:length]

    for rules in RULES.values():
        assert solidity_price(rules, 5, length, data) == price(rules, 5, data)


@pytest.mark.slow
@runnable
@given(data=st.data())
def test_price__by_the_rules_of_cancun__is_what_revm_charges(number: int, data: st.DataObject) -> None:
    drawn = data.draw(inputs(number))
    cost = price(RULES["free"], number, drawn)
    if cost is None or cost > AFFORDABLE:
        return

    try:
        bare_evm().message_call(CALLER, f"0x{number:040x}", calldata=drawn)
    except RuntimeError:
        assert run(number, drawn) is None
    else:
        result = bare_evm().result
        assert result is not None
        assert result.gas_used == 21_000 + sum(16 if byte else 4 for byte in drawn) + cost


# ------------------------------------------------------------------------------ results


@runnable
@given(data=st.data())
def test_run__any_input__gives_what_the_libraries_give(number: int, data: st.DataObject) -> None:
    rules = RULES["free"]
    drawn = data.draw(inputs(number))
    head = drawn[: input_needed(rules, number, len(drawn))]
    cost = price(rules, number, drawn)
    if cost is None or cost > AFFORDABLE:
        return

    assert solidity_run(number, cost, head) == run(number, head)


@pytest.mark.parametrize(
    ("number", "data"), [(number, data) for number, bad in INVALID.items() for data in bad]
)
def test_run__invalid_points__fail_in_both_languages(number: int, data: bytes) -> None:
    cost = price(RULES["capped"], number, data)
    assert cost is not None

    assert run(number, data) is None
    assert solidity_run(number, cost, data) is None


@pytest.mark.parametrize("number", [0, IDENTITY, 11, (1 << 160) + 2])
def test_run__nothing_to_run__reverts(number: int) -> None:
    with pytest.raises(Reverted) as refused:
        solidity_run(number, 15, b"abc")

    assert refused.value.selector == NOTHING_TO_RUN


# ------------------------------------------------------------------------------ gas


@pytest.mark.parametrize(
    ("number", "data"),
    [
        *VALID.items(),
        *((number, bad[0]) for number, bad in INVALID.items()),
    ],
)
def test_run__with_any_gas__answers_the_same_or_reverts(number: int, data: bytes) -> None:
    cost = price(RULES["capped"], number, data)
    assert cost is not None
    answer = solidity_run(number, cost, data)
    enough = 64 * (4 * max(cost, 2_500) + 20_000) // 63
    signature = "runWithin(uint256,uint256,uint256,bytes)->(bool,bool,bytes)"
    answered = []

    for gas in (*range(0, enough, enough // 50), *range(enough, enough + 40_000, 500), 10 * enough):
        reverted, ok, output = host().call(signature, gas, number, cost, data)
        answered.append(not reverted)
        if reverted:
            assert output[:4] in (NOT_ENOUGH_GAS, b"")
        else:
            assert (bytes(output) if ok else None) == answer

    assert answered == sorted(answered)
    assert not answered[0]
    assert answered[-1]


@given(data=hostile_modexp(), cost=st.integers(0, 20_000) | st.integers(0, 1 << 64))
@example(data=modexp_input(b"\1", b"\xff" * 1_024, b"\1"), cost=2_730)
@example(data=modexp_input(b"\1", b"\xff" * 1_024, b"\1"), cost=1 << 30)
@example(data=modexp_input(bytes(1_025), b"\1", b"\1"), cost=5_547)
def test_forwarded__modexp__is_enough_for_either_schedule(data: bytes, cost: int) -> None:
    needed = max(cost, price(OSAKA, 5, data) or 0, 2_500)

    assert host().call("gasForwarded(uint256,uint256,bytes)->(uint256)", 5, cost, data) == (4 * needed,)


@pytest.mark.parametrize("cost", [0, 2_499, 2_500, 2_501, 1 << 64])
def test_forwarded__any_other__is_four_times_the_price(cost: int) -> None:
    for number, data in VALID.items():
        if number != 5:
            forwarded = host().call("gasForwarded(uint256,uint256,bytes)->(uint256)", number, cost, data)
            assert forwarded == (4 * max(cost, 2_500),)


def test_run__priced_below_what_l1_asks__never_counts_as_failed() -> None:
    with pytest.raises(Reverted) as refused:
        solidity_run(9, 9_999, BLAKE2F_INPUT)

    assert refused.value.selector == PRECOMPILE_BROKEN


# ------------------------------------------------------------------------------ probe


def test_probe__on_cancun__passes() -> None:
    assert host().call("probe()->()") == ()


@runnable
def test_vector__each__is_what_the_libraries_give(number: int) -> None:
    data, output_hash = host().call("vector(uint256)->(bytes,bytes32)", number)

    output = run(number, data)

    assert output is not None
    assert keccak256(output) == output_hash


@pytest.mark.parametrize("number", [0, IDENTITY, 11, (1 << 160) + 2])
def test_vector__nothing_to_run__reverts(number: int) -> None:
    with pytest.raises(Reverted) as refused:
        host().call("vector(uint256)->(bytes,bytes32)", number)

    assert refused.value.selector == NOTHING_TO_RUN
