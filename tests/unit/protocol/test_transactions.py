"""Decoding, recovery, intrinsic gas and validity of transactions."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account as Signer

from optimistic.protocol.accounts import Account
from optimistic.protocol.params import DEVNET
from optimistic.protocol.strict_rlp import encode
from optimistic.protocol.transactions import (
    ACCESS_KEY_BYTES,
    BlockFields,
    InvalidTransaction,
    Transaction,
    access_entry_at,
    decode_located,
    decode_transaction,
    intrinsic_gas,
    recover_sender,
    validate,
    within_budget,
)
from optimistic.protocol.types import Address, Hash32

KEY = bytes.fromhex("45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8")
SENDER = bytes.fromhex("a94f5374fce5edbc8e2a8697c15331677e6ebf0b")
TO = "0x" + "11" * 20
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
RICH = Account(nonce=7, balance=10**24)
BLOCK = BlockFields(DEVNET.l2_chain_id, DEVNET.block_gas_limit, 0)


def sign(**fields: Any) -> bytes:
    base = {"nonce": 7, "gas": 100_000, "to": TO, "value": 5, "data": "0x00ff", "chainId": DEVNET.l2_chain_id}
    if fields.get("to", TO) is None:
        fields.pop("to")
        base.pop("to")
    return bytes(Signer.sign_transaction({**base, **fields}, KEY).raw_transaction)


def legacy(**fields: Any) -> bytes:
    return sign(gasPrice=9, **fields)


def dynamic(**fields: Any) -> bytes:
    return sign(type=2, **{"maxFeePerGas": 9, "maxPriorityFeePerGas": 3, **fields})


def check(tx: Transaction, account: Account = RICH, **changes: Any) -> None:
    validate(tx, account, replace(DEVNET, **changes), BLOCK)


def test_decode__each_type_from_a_foreign_signer__same_fields_and_sender() -> None:
    entry = {"address": TO, "storageKeys": ["0x" + "22" * 32]}
    for kind, raw in (
        (0, legacy()),
        (1, sign(type=1, gasPrice=9, accessList=[entry])),
        (2, dynamic(accessList=[entry])),
    ):
        tx = decode_transaction(raw)
        assert (tx.type, tx.chain_id, tx.nonce, tx.gas_limit) == (kind, DEVNET.l2_chain_id, 7, 100_000)
        assert (tx.to, tx.value, tx.data, tx.max_fee) == (bytes.fromhex(TO[2:]), 5, b"\0\xff", 9)
        assert tx.max_priority_fee == (3 if kind == 2 else 9)
        assert tx.access_list == (((tx.to, (Hash32(b"\x22" * 32),)),) if kind else ())
        assert recover_sender(tx) == SENDER


def test_decode__legacy_without_chain_id__is_accepted() -> None:
    raw = bytes(
        Signer.sign_transaction(
            {"nonce": 7, "gasPrice": 9, "gas": 21_000, "to": TO, "value": 0}, KEY
        ).raw_transaction
    )
    tx = decode_transaction(raw)
    assert tx.chain_id is None
    assert recover_sender(tx) == SENDER
    check(tx)


def test_decode__high_s__is_refused() -> None:
    tx = decode_transaction(dynamic())
    fields: list[Any] = [DEVNET.l2_chain_id, 7, 3, 9, 100_000, tx.to, 5, tx.data, [], 1 - tx.y_parity, tx.r]
    raw = b"\x02" + encode([int_or_item(item) for item in [*fields, CURVE_ORDER - tx.s]])
    with pytest.raises(InvalidTransaction, match="signature_out_of_range"):
        decode_transaction(raw)


def int_or_item(item: Any) -> Any:
    return item.to_bytes((item.bit_length() + 7) // 8, "big") if isinstance(item, int) else item


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (1, b"\0\x07"),
        (1, b"\x01" + bytes(8)),
        (2, b"\x01" + bytes(32)),
        (4, b"\x01" + bytes(8)),
        (5, b"\x11" * 19),
        (5, b"\x11" * 21),
        (6, b"\x01" + bytes(32)),
        (7, []),
        (8, b""),
        (8, [b"\x11" * 20]),
        (8, [[b"\x11" * 19, []]]),
        (8, [[b"\x11" * 20, [b"\x22" * 31]]]),
        (8, [[b"\x11" * 20, [], b""]]),
        (9, b"\x02"),
        (9, b"\x1b"),
        (10, b""),
        (10, CURVE_ORDER.to_bytes(32, "big")),
        (11, b""),
        (0, []),
    ],
)
def test_decode__one_field_out_of_shape__is_refused(index: int, value: Any) -> None:
    tx = decode_transaction(dynamic())
    head: list[Any] = [DEVNET.l2_chain_id, 7, 3, 9, 100_000, tx.to, 5, tx.data, []]
    fields = [int_or_item(item) for item in (*head, tx.y_parity, tx.r, tx.s)]
    assert decode_transaction(b"\x02" + encode(fields)) == tx
    fields[index] = value
    with pytest.raises(InvalidTransaction):
        decode_transaction(b"\x02" + encode(fields))


@pytest.mark.parametrize("v", [0, 1, 26, 29, 34])
def test_decode__legacy_v_of_no_rule__is_refused(v: int) -> None:
    tx = decode_transaction(legacy())
    fields = [int_or_item(item) for item in (7, 9, 100_000, tx.to, 5, tx.data, v, tx.r, tx.s)]
    with pytest.raises(InvalidTransaction, match="bad_v"):
        decode_transaction(encode(fields))


@pytest.mark.parametrize(
    "raw", [b"", b"\x00", b"\x03\xc0", b"\x04\xc0", b"\x7f", b"\x80", b"\xc0", b"\x02", b"\x02\x80"]
)
def test_decode__no_transaction__is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidTransaction):
        decode_transaction(raw)


def test_decode__trailing_or_missing_byte__is_refused() -> None:
    for raw in (legacy(), dynamic()):
        for bad in (raw + b"\0", raw[:-1]):
            with pytest.raises(InvalidTransaction):
                decode_transaction(bad)


def test_recover__r_without_point__is_refused() -> None:
    tx = replace(decode_transaction(legacy()), r=5)
    with pytest.raises(InvalidTransaction, match="bad_signature"):
        recover_sender(tx)


def test_intrinsic_gas__counts_data_initcode_and_access_list() -> None:
    entry = {"address": TO, "storageKeys": ["0x" + "22" * 32, "0x" + "33" * 32]}
    assert intrinsic_gas(decode_transaction(legacy())) == 21_000 + 4 + 16
    tx = decode_transaction(dynamic(accessList=[entry]))
    assert intrinsic_gas(tx) == 21_000 + 4 + 16 + 2_400 + 2 * 1_900
    create = decode_transaction(legacy(to=None, data="0x" + "01" * 33))
    assert intrinsic_gas(create) == 21_000 + 33 * 16 + 32_000 + 2 * 2


@pytest.mark.parametrize(
    ("raw", "account", "reason"),
    [
        (legacy(chainId=1), RICH, "wrong_chain_id"),
        (dynamic(chainId=1), RICH, "wrong_chain_id"),
        (legacy(), replace(RICH, code_hash=Hash32(b"\x01" * 32)), "sender_has_code"),
        (legacy(), replace(RICH, nonce=8), "nonce_too_low"),
        (legacy(), replace(RICH, nonce=6), "nonce_too_high"),
        (legacy(nonce=2**64 - 1), replace(RICH, nonce=2**64 - 1), "nonce_exhausted"),
        (legacy(gas=DEVNET.tx_gas_cap + 1), RICH, "gas_limit_too_high"),
        (dynamic(maxPriorityFeePerGas=10), RICH, "priority_fee_above_max_fee"),
        (legacy(gas=21_019), RICH, "intrinsic_gas_too_low"),
        (legacy(to=None, data="0x" + "00" * 49_153, gas=8_000_000), RICH, "initcode_too_large"),
        (legacy(), replace(RICH, balance=900_004), "insufficient_funds"),
        (dynamic(), replace(RICH, balance=900_004), "insufficient_funds"),
    ],
)
def test_validate__one_broken_rule__names_it(raw: bytes, account: Account, reason: str) -> None:
    with pytest.raises(InvalidTransaction, match=reason):
        check(decode_transaction(raw), account)


def test_validate__exactly_enough__passes() -> None:
    check(decode_transaction(legacy()), replace(RICH, balance=900_005))
    check(decode_transaction(legacy(gas=21_020)), RICH)
    check(decode_transaction(legacy(to=None, data="0x" + "00" * 49_152, gas=8_000_000)), RICH)


def test_validate__block_of_another_chain__is_refused() -> None:
    with pytest.raises(InvalidTransaction, match="wrong_chain_id"):
        validate(decode_transaction(legacy()), RICH, DEVNET, BLOCK._replace(chain_id=1))


def test_validate__fee_cap_below_base_fee__is_refused() -> None:
    with pytest.raises(InvalidTransaction, match="max_fee_below_base_fee"):
        validate(decode_transaction(legacy()), RICH, DEVNET, BLOCK._replace(base_fee=10))


def test_within_budget__counts_execution_gas_of_its_own_lane() -> None:
    general = decode_transaction(legacy(gas=21_020 + 50))
    assert within_budget(general, (50, 0))
    assert not within_budget(general, (49, 10**9))
    system = decode_transaction(
        legacy(gas=21_020 + 50, to=bytes.fromhex("42000000000000000000000000000000000000ff"))
    )
    assert within_budget(system, (0, 50))
    outside = replace(system, to=Address(bytes.fromhex("4200000000000000000000000000000000000100")))
    assert not within_budget(outside, (0, 50))


@pytest.mark.parametrize(
    "raw",
    [
        legacy(),
        legacy(data="0x" + "07" * 300),
        sign(type=1, gasPrice=9),
        dynamic(
            data="0x05", accessList=[{"address": TO, "storageKeys": ["0x" + "22" * 32, "0x" + "00" * 32]}] * 3
        ),
        dynamic(data="0x", accessList=[{"address": TO, "storageKeys": []}]),
    ],
)
def test_decode_located__each_type__offsets_lead_to_data_and_access_list(raw: bytes) -> None:
    located = decode_located(raw)
    tx, at = located.transaction, located.access_offset
    entries = []
    while at < located.access_offset + located.access_length:
        address, keys, end = access_entry_at(raw, at)
        places = range(keys, end, ACCESS_KEY_BYTES)
        entries.append((address, tuple(raw[place + 1 : place + ACCESS_KEY_BYTES] for place in places)))
        at = end

    assert tx == decode_transaction(raw)
    assert raw[located.data_offset :].startswith(tx.data)
    assert tuple(entries) == tx.access_list
    assert at == located.access_offset + located.access_length
    assert (located.access_offset == 0) == (tx.type == 0)
