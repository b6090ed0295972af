"""The native bn254 against arithmetic in scalars."""

from hypothesis import given
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as curve

from optimistic.protocol.precompiles import bn254
from tests.helpers.precompile_cases import g1, g2, word

scalars = st.one_of(st.integers(0, 5), st.integers(0, curve.curve_order - 1))


@given(left=scalars, right=scalars)
def test_add__equals_the_sum_of_scalars(left: int, right: int) -> None:
    assert bn254.add(g1(left) + g1(right)) == g1((left + right) % curve.curve_order)


@given(point=scalars, factor=st.one_of(st.integers(0, 3), st.integers(0, 2**256 - 1)))
def test_multiply__equals_the_product_of_scalars(point: int, factor: int) -> None:
    assert bn254.multiply(g1(point) + word(factor)) == g1(point * factor % curve.curve_order)


def test_points__outside_the_curve_or_field__fail() -> None:
    bad = (word(1) + word(1), word(0) + word(1), g1(1)[:32] + word(2 + bn254.FIELD_MODULUS), b"\x01")
    for point in bad:
        assert bn254.add(point) is None
        assert bn254.multiply(point) is None
        assert bn254.pairing_check(point.ljust(64, b"\0") + g2(1)) is None
    assert bn254.pairing_check(g1(1) + word(1) * 4) is None
    assert bn254.pairing_check(g1(1) + g2(1)[:96] + word(bn254.FIELD_MODULUS)) is None


def test_pairing_check__bilinear() -> None:
    order = curve.curve_order
    assert bn254.pairing_check(b"") is True
    assert bn254.pairing_check(g1(6) + g2(1) + g1(order - 2) + g2(3)) is True
    assert bn254.pairing_check(g1(6) + g2(1) + g1(order - 2) + g2(2)) is False
    assert bn254.pairing_check(bytes(64) + g2(5)) is True
    assert bn254.pairing_check(g1(5) + bytes(128)) is True
    assert bn254.pairing_check(bytes(191)) is None
