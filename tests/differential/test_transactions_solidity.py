"""The transaction decoders of both languages: the same verdict and the same fields on any bytes."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optimistic.protocol.strict_rlp import (
    InvalidRlp,
    decode_int,
    encode,
    encode_int,
    encode_string,
    item_bounds,
)
from optimistic.protocol.transactions import (
    ACCESS_KEY_BYTES,
    AccessList,
    access_entry_at,
    decode_located,
    decode_transaction,
)
from optimistic.protocol.types import Address, Hash32
from tests.helpers.contract_host import ContractHost
from tests.helpers.tx_cases import (
    CHAIN_ID,
    CURVE_ORDER,
    FIELDS,
    described,
    intrinsic_gas_of,
    invalid_cases,
    items_of,
    sign,
    valid_cases,
    with_signature,
)

DECODE = f"decode(bytes,uint256,uint256)->(bool,({','.join(FIELDS.values())}))"
VALID, INVALID = dict(valid_cases()), dict(invalid_cases())
FAILED = 2**256 - 1
HEADERS = (0, 1, 0x7F, 0x80, 0x81, 0x94, 0xA0, 0xB7, 0xB8, 0xB9, 0xBF, 0xC0, 0xC1, 0xF7, 0xF8, 0xFF)
uint64s = st.integers(0, 300) | st.integers(0, 2**64 - 1)
uint256s = (
    st.integers(0, 300) | st.integers(0, 2**256 - 1) | st.integers(1, 32).map(lambda n: 2 ** (8 * n) - 1)
)
access_lists = st.lists(
    st.tuples(st.binary(min_size=20, max_size=20), st.lists(st.binary(min_size=32, max_size=32), max_size=4)),
    max_size=4,
)
scalars = st.integers(0, 3) | st.integers(0, CURVE_ORDER) | st.integers(0, CURVE_ORDER // 2)


class Pair:
    """One encoding, put to Python and to Solidity."""

    def __init__(self) -> None:
        self._host = ContractHost("TxHarness")

    def fields(self, raw: bytes, before: bytes = b"", after: bytes = b"") -> dict[str, Any] | None:
        """The fields of `raw` or None, on which both agree; in Solidity other bytes stand around it."""
        region = before + raw + after
        valid, fields = self._host.call(DECODE, region, len(before), len(before) + len(raw))
        python = described(raw)
        assert valid == (python is not None)
        assert python is None or dict(zip(FIELDS, fields, strict=True)) == python
        return python

    def read(self, raw: bytes, max_bytes: int) -> list[tuple[int, ...]]:
        """The list, the string and the integer that `raw` begins with."""
        return [
            self._host.call("list(bytes)->(uint256,uint256)", raw),
            self._host.call("str(bytes)->(uint256,uint256)", raw),
            self._host.call("integer(bytes,uint256)->(uint256,uint256)", raw, max_bytes),
        ]

    def intrinsic_gas(self, raw: bytes) -> int:
        (gas,) = self._host.call("intrinsicGas(bytes)->(uint256)", raw)
        return int(gas)

    def access_list(self, raw: bytes, before: bytes) -> AccessList:
        """The access list, walked entry by entry and key by key in Solidity, in agreement with Python."""
        located, entries = decode_located(raw), []
        at, end = located.access_offset, located.access_offset + located.access_length
        while at < end:
            python = access_entry_at(raw, at)
            region, base = before + raw, len(before)
            signature = "entryAt(bytes,uint256)->(address,uint256,uint256)"
            account, start, at = self._host.call(signature, region, base + at)
            at -= base
            assert (bytes.fromhex(account[2:]), start - base, at) == python
            keys = [
                Hash32(self._host.call("keyAt(bytes,uint256)->(bytes32)", region, base + key)[0])
                for key in range(python[1], at, ACCESS_KEY_BYTES)
            ]
            entries.append((Address(python[0]), tuple(keys)))
        assert at == end
        return tuple(entries)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair()


@st.composite
def unsigned(draw: st.DrawFn) -> tuple[int, list[bytes]]:
    """Type and raw items of a transaction, without its signature."""
    changes = {name: encode_int(draw(uint256s)) for name in ("chain_id", "tip", "max_fee", "value")}
    changes |= {name: encode_int(draw(uint64s)) for name in ("nonce", "gas_limit")}
    changes["to"] = encode_string(draw(st.binary(min_size=20, max_size=20) | st.just(b"")))
    changes["data"] = encode_string(draw(st.binary(max_size=120) | st.integers(0, 9_000).map(bytes)))
    changes["access"] = encode(draw(access_lists))
    kind = draw(st.integers(0, 2))
    return kind, items_of(kind, **changes)


@st.composite
def signed(draw: st.DrawFn) -> bytes:
    """A valid transaction."""
    kind, items = draw(unsigned())
    return sign(kind, items, draw(st.none() | st.integers(0, 300) | st.integers(0, 2**255 - 19)))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A transaction with a few places changed, cut or added; biased to bytes that are headers."""
    raw = bytearray(draw(signed()))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, min(12, len(raw))) | st.integers(0, len(raw)))
        cut = draw(st.sampled_from((0, 1, 1, 1, 2, 33)))
        new = draw(st.sampled_from(HEADERS).map(lambda byte: bytes((byte,))) | st.binary(max_size=3))
        raw[place : place + cut] = new
    return bytes(raw)


def changed_bytes(raw: bytes) -> Iterator[bytes]:
    """Every byte of `raw` changed alone, to every header and to its neighbours in value."""
    for place, byte in enumerate(raw):
        near = {byte ^ (1 << bit) for bit in range(8)} | {(byte + 1) & 0xFF, (byte - 1) & 0xFF}
        for other in sorted((near | {*HEADERS}) - {byte}):
            yield raw[:place] + bytes((other,)) + raw[place + 1 :]


@pytest.mark.parametrize("raw", VALID.values(), ids=VALID.keys())
def test_decode__valid_case__both_read_the_same(pair: Pair, raw: bytes) -> None:
    assert pair.fields(raw) is not None
    assert pair.intrinsic_gas(raw) == intrinsic_gas_of(raw)
    assert pair.access_list(raw, b"before") == decode_transaction(raw).access_list


@pytest.mark.parametrize("raw", INVALID.values(), ids=INVALID.keys())
def test_decode__one_rule_broken__both_say_invalid(pair: Pair, raw: bytes) -> None:
    assert pair.fields(raw) is None


@given(raw=signed(), before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_decode__valid_anywhere_in_a_region__both_read_the_same(
    pair: Pair, raw: bytes, before: bytes, after: bytes
) -> None:
    assert pair.fields(raw, before, after) is not None
    assert pair.intrinsic_gas(raw) == intrinsic_gas_of(raw)
    assert pair.access_list(raw, before) == decode_transaction(raw).access_list


@pytest.mark.parametrize("kind", range(3))
def test_decode__every_byte_changed__both_agree(pair: Pair, kind: int) -> None:
    raw = sign(kind, items_of(kind))

    verdicts = [pair.fields(changed) is not None for changed in changed_bytes(raw)]

    assert any(verdicts)
    assert not all(verdicts)


@pytest.mark.parametrize("kind", range(3))
def test_decode__cut_or_continued__both_say_invalid(pair: Pair, kind: int) -> None:
    raw = sign(kind, items_of(kind))

    for size in range(len(raw)):
        assert pair.fields(raw[:size], after=raw[size:]) is None
    for more in (b"\0", b"\x80", b"\xc0", b"\xff" * 32, raw):
        assert pair.fields(raw + more) is None


@given(raw=mutated(), after=st.binary(max_size=40))
def test_decode__mutated__both_agree(pair: Pair, raw: bytes, after: bytes) -> None:
    pair.fields(raw, after=after)


@given(raw=st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"\x02\xf8" + tail))
def test_decode__any_bytes__both_agree(pair: Pair, raw: bytes) -> None:
    pair.fields(raw)


@given(body=unsigned(), parity=st.integers(0, 1), r=scalars, s=scalars)
def test_decode__signature_of_nobody__both_agree(
    pair: Pair, body: tuple[int, list[bytes]], parity: int, r: int, s: int
) -> None:
    pair.fields(with_signature(*body, (parity, r, s), CHAIN_ID))


@given(
    prefix=st.integers(0, 255),
    length=st.integers(0, 70).map(encode_int) | st.binary(max_size=9),
    payload=st.binary(max_size=80),
    max_bytes=st.integers(1, 32),
)
@example(prefix=0xD7, length=b"\xff" * 32, payload=b"", max_bytes=32)
def test_read__any_item__is_what_python_reads_or_failed(
    pair: Pair, prefix: int, length: bytes, payload: bytes, max_bytes: int
) -> None:
    for raw in (bytes((prefix,)) + payload, bytes((prefix,)) + length + payload):
        assert pair.read(raw, max_bytes) == python_reads(raw, max_bytes)
    assert pair.read(b"", max_bytes) == [(FAILED, FAILED), (FAILED, FAILED), (0, FAILED)]


def python_reads(raw: bytes, max_bytes: int) -> list[tuple[int, int]]:
    """What `Pair.read` must give."""
    bounds, number = (FAILED, FAILED), (0, FAILED)
    with suppress(InvalidRlp):
        bounds = item_bounds(raw, 0)
        if raw[0] < 0xC0:
            number = decode_int(raw[slice(*bounds)], max_bytes), bounds[1]
    places = [bounds, (FAILED, FAILED)]
    return [*(places if raw[0] >= 0xC0 else reversed(places)), number]


@given(kind=st.integers(0, 2), data=st.data())
def test_decode__item_replaced_and_signed__both_agree(pair: Pair, kind: int, data: st.DataObject) -> None:
    items = items_of(kind)
    place = data.draw(st.integers(0, len(items) - 1))
    start = data.draw(st.sampled_from(HEADERS))
    items[place] = bytes((start,)) + data.draw(st.binary(max_size=40))

    pair.fields(sign(kind, items))
