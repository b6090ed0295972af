"""Prices, limits and results of the precompiled contracts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as curve

from optimistic.protocol.execution import bn254
from optimistic.protocol.execution.precompiles import (
    PRECOMPILE_ADDRESSES,
    Precompiles,
    ecrecover,
    modexp,
    modexp_price_berlin,
    modexp_price_osaka,
    point_evaluation,
)
from optimistic.protocol.params import CONFORMANCE, DEVNET

BLS_ORDER = 52435875175126190479447740508185965837690552500527637822603658699938581184513


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    return word(len(base)) + word(len(exponent)) + word(len(modulus)) + base + exponent + modulus


# ------------------------------------------------------------------------------ MODEXP


@pytest.mark.parametrize(
    ("data", "berlin", "osaka"),
    [
        (modexp_input(b"\x03", word(2**256 - 2**32 - 978), word(2**256 - 2**32 - 977)), 1_360, 4_080),
        (modexp_input(b"", word(2**256 - 2**32 - 978), word(2**256 - 2**32 - 977)), 1_360, 4_080),
        (modexp_input(b"\xe0" * 64, b"\x02", b"\xf0" * 64), 200, 500),
        (modexp_input(b"\xe0" * 64, b"\x01\x00\x01", b"\xf0" * 64), 341, 2_048),
        (modexp_input(b"\xe0" * 128, b"\x02", b"\xf0" * 128), 200, 512),
        (modexp_input(b"\xe0" * 128, b"\x01\x00\x01", b"\xf0" * 128), 1_365, 8_192),
        (modexp_input(b"\xe0" * 1024, b"\x02", b"\xf0" * 1024), 5_461, 32_768),
        (modexp_input(b"\xe0" * 1024, b"\x01\x00\x01", b"\xf0" * 1024), 87_381, 524_288),
        (b"", 200, 500),
    ],
)
def test_modexp_price__vectors_of_eip_2565_and_eip_7883(data: bytes, berlin: int, osaka: int) -> None:
    assert modexp_price_berlin(data) == berlin
    assert modexp_price_osaka(data) == osaka


@pytest.mark.parametrize("position", [0, 1, 2])
def test_modexp_price_osaka__a_length_above_1024__fails(position: int) -> None:
    lengths = [1, 1, 1]
    lengths[position] = 1_024
    assert modexp_price_osaka(b"".join(map(word, lengths))) is not None
    lengths[position] = 1_025
    assert modexp_price_osaka(b"".join(map(word, lengths))) is None
    lengths[position] = 2**255
    assert modexp_price_osaka(b"".join(map(word, lengths))) is None


@pytest.mark.parametrize(
    ("data", "result"),
    [
        (modexp_input(b"", b"", b"\x05"), b"\x01"),
        (modexp_input(b"", b"\x03", b"\x05"), b"\x00"),
        (modexp_input(b"\x02", b"\x05", b"\x00\x0d"), b"\x00\x06"),
        (modexp_input(b"\x02", b"\x05", b"\x00"), b"\x00"),
        (modexp_input(b"\x02", b"\x05", b"\x01"), b"\x00"),
        (modexp_input(b"\x02", b"\x05", b""), b""),
        (word(1) + word(1) + word(2) + b"\x03\x02", b"\x00\x00"),
        (b"", b""),
    ],
)
def test_modexp__edge_cases(data: bytes, result: bytes) -> None:
    assert modexp(data) == result


# ------------------------------------------------------------------------------ limits


@pytest.mark.parametrize("number", [2, 3])
def test_hashes__input_above_64_kib__fail_only_under_a_price_cap(number: int) -> None:
    address = PRECOMPILE_ADDRESSES[number - 1]
    capped, free = Precompiles(DEVNET), Precompiles(CONFORMANCE)
    entry, other = capped.get(address), free.get(address)
    assert entry is not None
    assert other is not None
    assert capped.price(entry, bytes(65_536)) is not None
    assert capped.price(entry, bytes(65_537)) is None
    assert free.price(other, bytes(65_537)) is not None


def test_pairing__60_pairs_fit_the_cap_and_61_do_not() -> None:
    capped = Precompiles(DEVNET)
    entry = capped.get(PRECOMPILE_ADDRESSES[7])
    assert entry is not None
    assert capped.price(entry, bytes(192 * 60)) == 45_000 + 60 * 34_000
    assert capped.price(entry, bytes(192 * 61)) is None
    assert capped.price(entry, bytes(191)) is None


def test_table__only_ten_addresses() -> None:
    table = Precompiles(DEVNET)
    assert all(table.get(address) for address in PRECOMPILE_ADDRESSES)
    assert table.get(bytes(20)) is None
    assert table.get((11).to_bytes(20, "big")) is None
    assert table.get(b"") is None


def test_ecrecover__values_out_of_range__return_nothing() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    for v, r, s in (
        (26, 1, 1),
        (29, 1, 1),
        (27, 0, 1),
        (27, 1, 0),
        (27, order, 1),
        (27, 1, order),
        (2**255 + 27, 1, 1),
    ):
        assert ecrecover(bytes(32) + word(v) + word(r) + word(s)) == b""
    assert ecrecover(b"") == b""


def test_blake2f__malformed__fails() -> None:
    table = Precompiles(CONFORMANCE)
    entry = table.get(PRECOMPILE_ADDRESSES[8])
    assert entry is not None
    assert table.price(entry, bytes(212)) is None
    assert table.price(entry, bytes(214)) is None
    assert table.price(entry, bytes(212) + b"\x02") is None
    assert table.price(entry, (7).to_bytes(4, "big") + bytes(209)) == 7


@pytest.mark.slow
def test_point_evaluation__zero_polynomial__verifies() -> None:
    from hashlib import sha256

    infinity = b"\xc0" + bytes(47)
    versioned = b"\x01" + sha256(infinity).digest()[1:]
    data = versioned + word(3) + word(0) + infinity + infinity
    assert point_evaluation(data) == word(4096) + word(BLS_ORDER)
    assert point_evaluation(versioned + word(3) + word(1) + infinity + infinity) is None
    assert point_evaluation(b"\x02" + data[1:]) is None
    assert point_evaluation(data[:-1]) is None
    assert point_evaluation(versioned + word(BLS_ORDER) + word(0) + infinity + infinity) is None


# ------------------------------------------------------------------------------ bn254


def g1(scalar: int) -> bytes:
    point = curve.normalize(curve.multiply(curve.G1, scalar))
    return word(point[0].n) + word(point[1].n) if scalar % curve.curve_order else bytes(64)


def g2(scalar: int) -> bytes:
    point = curve.normalize(curve.multiply(curve.G2, scalar))
    x, y = ([int(part) for part in coordinate.coeffs] for coordinate in point)
    return word(x[1]) + word(x[0]) + word(y[1]) + word(y[0])


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
