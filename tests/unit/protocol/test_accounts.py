"""The account codec refuses whatever a state trie cannot hold."""

import pytest
import rlp

from optimistic.protocol.accounts import (
    MAX_NONCE,
    Account,
    decode_slot,
    encode_slot,
)
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.strict_rlp import InvalidRlp, RlpItem, encode

ROOT, CODE = keccak256(b"root"), keccak256(b"code")
REFUSED: dict[str, list[RlpItem]] = {
    "three fields": [b"", b"", ROOT],
    "five fields": [b"", b"", ROOT, CODE, b""],
    "short root": [b"", b"", ROOT[1:], CODE],
    "long code hash": [b"", b"", ROOT, CODE + b"x"],
    "list for a root": [b"", b"", [b"x"] * 32, CODE],
    "leading zero": [b"\x00", b"", ROOT, CODE],
    "nonce of nine bytes": [b"\x01" * 9, b"", ROOT, CODE],
    "balance of 33 bytes": [b"", b"\x01" * 33, ROOT, CODE],
    "list for a nonce": [[], b"", ROOT, CODE],
}


@pytest.mark.parametrize(("nonce", "balance"), [(0, 0), (1, 127), (128, 10**18), (MAX_NONCE, 2**256 - 1)])
def test_account__any_fields__round_trip(nonce: int, balance: int) -> None:
    account = Account(nonce=nonce, balance=balance, storage_root=ROOT, code_hash=CODE)

    raw = account.encode()

    assert Account.decode(raw) == account
    assert raw == rlp.encode([nonce, balance, ROOT, CODE])


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED.keys())
def test_account__malformed__is_refused(fields: list[RlpItem]) -> None:
    with pytest.raises(InvalidRlp):
        Account.decode(encode(fields))


@pytest.mark.parametrize("value", [1, 127, 128, 2**256 - 1])
def test_slot__non_zero__round_trips(value: int) -> None:
    assert decode_slot(encode_slot(value)) == value


@pytest.mark.parametrize(
    "raw", [b"\x80", b"\x00", b"\x82\x00\x01", b"\xc0", b"\x05\x05", b"\xa1" + b"x" * 33]
)
def test_slot__zero_or_malformed__is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRlp):
        decode_slot(raw)
