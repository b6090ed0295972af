"""Results of the precompiled contracts."""

from importlib.resources import files

import pytest

from optimistic.protocol.precompiles.results import RESULTS, blake2f, ecrecover, modexp, point_evaluation
from tests.helpers.precompile_cases import BLS_ORDER, kzg_input, modexp_input, word


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
    assert blake2f(bytes(212)) is None
    assert blake2f(bytes(214)) is None
    assert blake2f(bytes(212) + b"\x02") is None


def test_blake2f__no_rounds_on_zeros__leaves_the_initial_vector() -> None:
    result = blake2f(bytes(213))

    assert result is not None
    assert result[:8] == bytes.fromhex("08c9bcf367e6096a")


def test_results__their_numbers__are_one_to_ten() -> None:
    assert list(RESULTS) == list(range(1, 11))


def test_trusted_setup__its_file__is_the_one_of_ethereum() -> None:
    own = files("optimistic.protocol.precompiles").joinpath("kzg_trusted_setup.txt").read_bytes()
    of_py_evm = files("eth._utils").joinpath("kzg_trusted_setup.txt").read_bytes()

    assert own == of_py_evm


@pytest.mark.slow
def test_point_evaluation__zero_polynomial__verifies() -> None:
    data = kzg_input()
    assert point_evaluation(data) == word(4096) + word(BLS_ORDER)
    assert point_evaluation(kzg_input(y=1)) is None
    assert point_evaluation(b"\x02" + data[1:]) is None
    assert point_evaluation(data[:-1]) is None
    assert point_evaluation(kzg_input(point=BLS_ORDER)) is None
