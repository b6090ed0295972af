"""Arithmetic, comparisons and bits against definitions that work another way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.stepper.opcode_table import Op
from tests.helpers.opcode_stage import stage

MAX = (1 << 256) - 1
MIN_SIGNED = 1 << 255
EDGES = (0, 1, 2, 3, 7, 31, 32, 255, 256, 257, MIN_SIGNED - 1, MIN_SIGNED, MIN_SIGNED + 1, MAX - 1, MAX)

items = st.one_of(st.sampled_from(EDGES), st.integers(0, MAX), st.integers(0, 300))


def result(op: Op, *operands: int) -> int:
    """What `op` leaves on an otherwise empty stack."""
    scene = stage()
    scene.run(op, *operands)
    assert scene.frame.pc == 1
    (only,) = scene.stack
    assert 0 <= only <= MAX
    return only


def minus(value: int) -> int:
    """The item that means -value."""
    return (1 << 256) - value


def from_item(item: int) -> int:
    """The number that an item means with a sign."""
    return int.from_bytes(item.to_bytes(32, "big"), "big", signed=True)


def to_item(value: int) -> int:
    """The item that means a number in [-2^255, 2^255)."""
    return int.from_bytes(value.to_bytes(32, "big", signed=True), "big")


@pytest.mark.parametrize(
    ("op", "operands", "expected"),
    [
        (Op.ADD, (MAX, 2), 1),
        (Op.MUL, (MAX, MAX), 1),
        (Op.SUB, (1, 3), minus(2)),
        (Op.DIV, (7, 2), 3),
        (Op.DIV, (7, 0), 0),
        (Op.SDIV, (minus(7), 2), minus(3)),
        (Op.SDIV, (7, minus(2)), minus(3)),
        (Op.SDIV, (minus(7), minus(2)), 3),
        (Op.SDIV, (MIN_SIGNED, MAX), MIN_SIGNED),
        (Op.SDIV, (minus(1), 0), 0),
        (Op.MOD, (7, 0), 0),
        (Op.MOD, (7, 4), 3),
        (Op.SMOD, (minus(7), 4), minus(3)),
        (Op.SMOD, (7, minus(4)), 3),
        (Op.SMOD, (minus(8), 4), 0),
        (Op.SMOD, (minus(8), 0), 0),
        (Op.ADDMOD, (MAX, MAX, 7), (2 * MAX) % 7),
        (Op.ADDMOD, (1, 2, 0), 0),
        (Op.MULMOD, (MAX, MAX, 12), MAX * MAX % 12),
        (Op.MULMOD, (3, 5, 0), 0),
        (Op.EXP, (0, 0), 1),
        (Op.EXP, (2, 255), MIN_SIGNED),
        (Op.EXP, (2, 256), 0),
        (Op.SIGNEXTEND, (0, 0x7F), 0x7F),
        (Op.SIGNEXTEND, (0, 0x80), minus(0x80)),
        (Op.SIGNEXTEND, (0, 0x1FF), MAX),
        (Op.SIGNEXTEND, (1, 0x12_FF80), minus(0x80)),
        (Op.SIGNEXTEND, (30, 1 << 247), minus(1 << 247)),
        (Op.SIGNEXTEND, (31, MIN_SIGNED), MIN_SIGNED),
        (Op.SIGNEXTEND, (MAX, 0x80), 0x80),
        (Op.SLT, (minus(1), 0), 1),
        (Op.SLT, (0, minus(1)), 0),
        (Op.SGT, (minus(2), minus(1)), 0),
        (Op.SGT, (1, MIN_SIGNED), 1),
        (Op.ISZERO, (0,), 1),
        (Op.ISZERO, (MAX,), 0),
        (Op.NOT, (0,), MAX),
        (Op.BYTE, (0, 0xAB << 248), 0xAB),
        (Op.BYTE, (31, 0x12AB), 0xAB),
        (Op.BYTE, (32, MAX), 0),
        (Op.BYTE, (MAX, MAX), 0),
        # EIP-145
        (Op.SHL, (255, 1), MIN_SIGNED),
        (Op.SHL, (256, 1), 0),
        (Op.SHL, (1, MAX), MAX - 1),
        (Op.SHR, (1, MIN_SIGNED), 1 << 254),
        (Op.SHR, (256, MIN_SIGNED), 0),
        (Op.SHR, (MAX, MAX), 0),
        (Op.SAR, (1, MIN_SIGNED), 3 << 254),
        (Op.SAR, (255, MIN_SIGNED), MAX),
        (Op.SAR, (256, MIN_SIGNED), MAX),
        (Op.SAR, (256, MIN_SIGNED - 1), 0),
        (Op.SAR, (254, 1 << 254), 1),
    ],
)
def test_number__known_case__has_the_known_result(op: Op, operands: tuple[int, ...], expected: int) -> None:
    assert result(op, *operands) == expected


@given(a=items, b=items)
def test_division__signed__quotient_and_remainder_fit_together(a: int, b: int) -> None:
    dividend, divisor = from_item(a), from_item(b)
    quotient, remainder = from_item(result(Op.SDIV, a, b)), from_item(result(Op.SMOD, a, b))

    if divisor == 0:
        assert (quotient, remainder) == (0, 0)
        return
    assert (quotient * divisor + remainder - dividend) % (1 << 256) == 0
    assert abs(remainder) < abs(divisor)
    assert remainder == 0 or (remainder < 0) == (dividend < 0)


@given(a=items, b=items)
def test_comparison__any_items__orders_numbers(a: int, b: int) -> None:
    assert result(Op.LT, a, b) == int(a < b)
    assert result(Op.GT, a, b) == int(a > b)
    assert result(Op.EQ, a, b) == int(a == b)
    assert result(Op.SLT, a, b) == int(from_item(a) < from_item(b))
    assert result(Op.SGT, a, b) == int(from_item(a) > from_item(b))


@given(a=items, b=items)
def test_bits__any_items__are_those_of_each_byte(a: int, b: int) -> None:
    left, right = a.to_bytes(32, "big"), b.to_bytes(32, "big")

    assert result(Op.AND, a, b) == int.from_bytes(
        bytes(x & y for x, y in zip(left, right, strict=True)), "big"
    )
    assert result(Op.OR, a, b) == int.from_bytes(
        bytes(x | y for x, y in zip(left, right, strict=True)), "big"
    )
    assert result(Op.XOR, a, b) == int.from_bytes(
        bytes(x ^ y for x, y in zip(left, right, strict=True)), "big"
    )
    assert result(Op.NOT, a) == int.from_bytes(bytes(255 - x for x in left), "big")
    assert [result(Op.BYTE, i, a) for i in range(33)] == [*left, 0]


@given(shift=st.integers(0, 300), word=items)
def test_shift__any_amount__moves_binary_digits(shift: int, word: int) -> None:
    digits = f"{word:0256b}"
    sign = digits[0]

    assert result(Op.SHL, shift, word) == int((digits + "0" * shift)[-256:], 2) * (shift < 256)
    assert result(Op.SHR, shift, word) == int(("0" * shift + digits)[:256], 2)
    assert result(Op.SAR, shift, word) == int((sign * shift + digits)[:256], 2)


@given(index=st.integers(0, 40), word=items)
def test_signextend__any_byte__repeats_its_sign(index: int, word: int) -> None:
    data = word.to_bytes(32, "big")
    if index < 31:
        low = data[31 - index :]
        data = low.rjust(32, b"\xff" if low[0] & 0x80 else b"\0")

    assert result(Op.SIGNEXTEND, index, word) == int.from_bytes(data, "big")


@given(base=items, exponent=st.integers(0, 70))
def test_exp__small_exponent__is_repeated_multiplication(base: int, exponent: int) -> None:
    product = 1
    for _ in range(exponent):
        product = product * base & MAX

    assert result(Op.EXP, base, exponent) == product


@given(a=items, b=items)
def test_negation__twice__gives_the_number_back(a: int, b: int) -> None:
    assert result(Op.SUB, 0, result(Op.SUB, 0, a)) == a
    assert result(Op.ADD, result(Op.SUB, a, b), b) == a
    assert to_item(from_item(a)) == a


@pytest.mark.parametrize(
    ("exponent", "gas"), [(0, 10), (1, 60), (255, 60), (256, 110), (1 << 248, 10 + 32 * 50)]
)
def test_exp__each_byte_of_the_exponent__costs_fifty(exponent: int, gas: int) -> None:
    assert stage().run(Op.EXP, 2, exponent) == gas


def test_exp__too_little_gas__fails() -> None:
    assert stage(gas=59).fails(Op.EXP, 2, 1)
    assert not stage(gas=60).fails(Op.EXP, 2, 1)
