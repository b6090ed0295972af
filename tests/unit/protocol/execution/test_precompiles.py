"""Prices, limits and results of the precompiled contracts."""

import pytest

from optimistic.protocol.execution.precompiles import (
    PRECOMPILE_ADDRESSES,
    Precompiles,
    modexp_price_berlin,
    modexp_price_osaka,
)
from optimistic.protocol.params import CONFORMANCE, DEVNET
from tests.helpers.precompile_cases import modexp_input, word

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


def test_blake2f__malformed__fails() -> None:
    table = Precompiles(CONFORMANCE)
    entry = table.get(PRECOMPILE_ADDRESSES[8])
    assert entry is not None
    assert table.price(entry, bytes(212)) is None
    assert table.price(entry, bytes(214)) is None
    assert table.price(entry, bytes(212) + b"\x02") is None
    assert table.price(entry, (7).to_bytes(4, "big") + bytes(209)) == 7
