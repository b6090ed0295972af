"""RLP, accounts and trie nodes one byte off their limits: both languages refuse the same."""

import pytest

from optimistic.protocol import mpt, strict_rlp
from optimistic.protocol.accounts import Account, decode_slot
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32
from tests.helpers.contract_host import ContractHost, Reverted
from tests.helpers.tries import build

ACCOUNT = "decodeAccount(bytes)->((uint64,uint256,bytes32,bytes32))"
WORD = bytes(range(1, 33))
SIZES = (0, 1, 54, 55, 56, 57, 255, 256, 65_535, 65_536, (1 << 24) - 1)
READ = "read(bytes32,bytes32,bytes[])->(bool,bytes)"
FULL_BRANCH = b"\xf9\x02\x11" + b"".join(b"\xa0" + keccak256(bytes((i,))) for i in range(16)) + b"\x80"
HEADERS = (0, 1, 2, *range(3, 532, 33))
"""Bytes of a branch of 16 hashes that are no part of a hash."""


@pytest.fixture(scope="module")
def codecs() -> ContractHost:
    return ContractHost("CodecHarness")


@pytest.fixture(scope="module")
def tries() -> ContractHost:
    return ContractHost("MptHarness")


@pytest.mark.parametrize("size", SIZES)
def test_header__of_any_size__is_written_alike(codecs: ContractHost, size: int) -> None:
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")

    for kind in (0x80, 0xC0):
        expected = bytes((kind + size,)) if size < 56 else bytes((kind + 55 + len(length),)) + length
        assert codecs.call("headers(uint256,uint256)->(bytes,bytes)", kind, size) == (expected, expected)


@pytest.mark.parametrize("value", [0, 1, 0x7F, 0x80, 0x81, 0xFF, 0x100, (1 << 64) - 1, (1 << 256) - 1])
def test_integer__where_its_form_changes__is_written_alike(codecs: ContractHost, value: int) -> None:
    raw = strict_rlp.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    assert codecs.call("encodeInteger(uint256)->(bytes)", value) == (raw,)


@pytest.mark.parametrize("size", range(34))
def test_integer__of_any_length__fits_its_limit_or_is_refused(codecs: ContractHost, size: int) -> None:
    payload = b"\x81" * size
    raw = strict_rlp.encode(payload)

    for most in (0, 1, 8, 31, 32):
        if size <= most:
            expected = int.from_bytes(payload, "big")
            assert codecs.call("decodeInteger(bytes,uint256)->(uint256)", raw, most) == (expected,)
        else:
            with pytest.raises(Reverted):
                codecs.call("decodeInteger(bytes,uint256)->(uint256)", raw, most)


@pytest.mark.parametrize("size", range(34))
def test_slot__of_any_length__is_a_word_or_refused(codecs: ContractHost, size: int) -> None:
    raw = strict_rlp.encode(b"\x81" * size)

    if 0 < size <= 32:
        assert codecs.call("decodeSlot(bytes)->(uint256)", raw) == (decode_slot(raw),)
    else:
        with pytest.raises(Reverted):
            codecs.call("decodeSlot(bytes)->(uint256)", raw)


@pytest.mark.parametrize("raw", [b"\xc0", b"\xc1\x05", b"\xb8\x37" + b"v" * 55], ids=["none", "one", "long"])
def test_slot__list_or_long_form__is_refused(codecs: ContractHost, raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_slot(raw)
    with pytest.raises(Reverted):
        codecs.call("decodeSlot(bytes)->(uint256)", raw)


@pytest.mark.parametrize("place", [0, 1])
def test_account__list_for_a_number__is_refused(codecs: ContractHost, place: int) -> None:
    fields = [b"\x01", b"\x01", strict_rlp.encode(WORD), strict_rlp.encode(WORD)]
    fields[place] = b"\xc0"
    raw = strict_rlp.join_list(fields)

    with pytest.raises(InvalidInput):
        Account.decode(raw)
    with pytest.raises(Reverted):
        codecs.call(ACCOUNT, raw)


def test_list__long_form_of_55_bytes__is_refused(codecs: ContractHost) -> None:
    for raw in (b"\xf8\x37" + b"\x01" * 55, strict_rlp.join_list([b"\xb8\x37" + b"v" * 55])):
        with pytest.raises(InvalidInput):
            strict_rlp.split_list(raw)
        with pytest.raises(Reverted):
            codecs.call("splitList(bytes)->(bytes[])", raw)


@pytest.mark.parametrize(
    "fields",
    [
        (b"\1" * 9, b"\1", WORD, WORD),
        (b"\1", b"\1" * 33, WORD, WORD),
        (b"\0", b"\1", WORD, WORD),
        (b"\1", b"\0\1", WORD, WORD),
        (b"\1", b"\1", WORD[1:], WORD),
        (b"\1", b"\1", WORD, WORD + b"\1"),
        (b"\1", b"\1", WORD, WORD, b""),
        (b"\1", b"\1", WORD),
    ],
    ids=[
        "nonce",
        "balance",
        "zero_nonce",
        "zeros",
        "short_root",
        "long_code_hash",
        "five_fields",
        "three_fields",
    ],
)
def test_account__a_field_off_its_limits__is_refused(codecs: ContractHost, fields: tuple[bytes, ...]) -> None:
    raw = strict_rlp.encode(list(fields))

    with pytest.raises(InvalidInput):
        Account.decode(raw)
    with pytest.raises(Reverted):
        codecs.call(ACCOUNT, raw)


def test_account__largest_fields__is_read(codecs: ContractHost) -> None:
    root, code = Hash32(WORD), Hash32(WORD[::-1])
    account = Account(nonce=2**64 - 1, balance=2**256 - 1, storage_root=root, code_hash=code)

    assert codecs.call(ACCOUNT, account.encode()) == (
        (account.nonce, account.balance, account.storage_root, account.code_hash),
    )


def test_list__item_beyond_its_end__is_refused(codecs: ContractHost) -> None:
    for raw in (b"\xc2\x83\x01", b"\xc1\x81", b"\xc1\xc1", b"\xc3\x82\x01", b"\xc2\xb8\x38", b"\xc2\xf8\x38"):
        with pytest.raises(InvalidInput):
            strict_rlp.split_list(raw)
        with pytest.raises(Reverted):
            codecs.call("splitList(bytes)->(bytes[])", raw + b"\x01" * 64)
        with pytest.raises(Reverted):
            codecs.call("splitList(bytes)->(bytes[])", raw)


# --------------------------------------------------------------------------------------- trie nodes


@pytest.mark.parametrize("place", HEADERS)
@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_full_branch__one_header_changed__is_refused(tries: ContractHost, place: int, flip: int) -> None:
    node = bytearray(FULL_BRANCH)
    node[place] ^= flip
    root = keccak256(bytes(node))

    for nibble in range(16):
        key = bytes((nibble << 4,)) + bytes(31)
        with pytest.raises(mpt.InvalidProof):
            mpt.read(root, key, [bytes(node)])
        with pytest.raises(Reverted):
            tries.call(READ, root, key, [bytes(node)])


@pytest.mark.parametrize("removed", range(16))
def test_delete__one_of_two_children__leaves_the_other(tries: ContractHost, removed: int) -> None:
    names = [bytes((nibble << 4,)) + WORD[1:] for nibble in range(16)]
    for other in set(range(16)) - {removed}:
        content = {names[removed]: b"gone" * 10, names[other]: b"kept" * 10}
        root, nodes = build(content)
        proof = mpt.prove_delete(nodes, root, names[removed])

        (left,) = tries.call("remove(bytes32,bytes32,bytes[])->(bytes32)", root, names[removed], proof)

        assert left == build({names[other]: content[names[other]]})[0]
        assert left == mpt.delete(root, names[removed], proof)


@pytest.mark.parametrize("size", range(30, 36))
def test_leaf__path_one_byte_off__is_refused(tries: ContractHost, size: int) -> None:
    for flag in (0x00, 0x10, 0x20, 0x30, 0x40):
        path = bytes((flag,)) + bytes(size - 1)
        node = strict_rlp.encode([path, b"v" * 40])
        root = keccak256(node)
        try:
            expected = mpt.read(root, bytes(32), [node])
        except mpt.InvalidProof:
            with pytest.raises(Reverted):
                tries.call(READ, root, bytes(32), [node])
        else:
            assert expected == b"v" * 40
            assert tries.call(READ, root, bytes(32), [node]) == (True, expected)
