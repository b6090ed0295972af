import pytest
from eth_account import Account

from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.protocol.constants import CLEARING
from optimistic.protocol.settlement.receipts import (
    GENESIS_RECEIPT,
    BadReceipt,
    Receipt,
    ReceiptDomain,
    SignedReceipt,
)
from optimistic.protocol.types import Hash32

KEY = bytes(31) + b"\x07"
CHAIN_ID = 7_357
RECEIPT = Receipt(Hash32(b"\x11" * 32), 9, Hash32(b"\x22" * 32), 1_700_000_000_123)


def test_receipt__signed_as_a_wallet_signs_typed_data__has_the_same_signature() -> None:
    types = {
        "Receipt": [
            {"name": "orderHash", "type": "bytes32"},
            {"name": "seq", "type": "uint64"},
            {"name": "prevReceiptHash", "type": "bytes32"},
            {"name": "ts", "type": "uint64"},
        ]
    }
    domain = {
        "name": "Exchange",
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": "0x" + CLEARING.hex(),
    }
    message = {
        "orderHash": RECEIPT.order_hash,
        "seq": RECEIPT.seq,
        "prevReceiptHash": RECEIPT.prev,
        "ts": RECEIPT.ts_ms,
    }
    expected = Account.sign_typed_data(KEY, domain, types, message)

    signed = ReceiptSigner(KEY, CHAIN_ID).sign(RECEIPT)

    assert signed.signature == bytes(expected.signature)
    assert ReceiptDomain(CHAIN_ID).signer(signed) == bytes.fromhex(Account.from_key(KEY).address[2:])


def test_receipt__of_another_rollup_or_changed__has_another_signer() -> None:
    signer = ReceiptSigner(KEY, CHAIN_ID)
    signed = signer.sign(RECEIPT)
    changed = SignedReceipt(RECEIPT._replace(seq=10), signed.signature)

    assert ReceiptDomain(CHAIN_ID + 1).signer(signed) != signer.address
    assert ReceiptDomain(CHAIN_ID).signer(changed) != signer.address


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\xff" * 65, bytes(64) + b"\x1b"])
def test_receipt__signature_of_nobody__is_bad(signature: bytes) -> None:
    with pytest.raises(BadReceipt):
        ReceiptDomain(CHAIN_ID).signer(SignedReceipt(RECEIPT, signature))


def test_receipts__with_one_place__contradict_each_other() -> None:
    following = Receipt(Hash32(b"\x33" * 32), 10, RECEIPT.hash, RECEIPT.ts_ms)

    assert not RECEIPT.contradicts(RECEIPT)
    assert not RECEIPT.contradicts(following)
    assert RECEIPT.contradicts(RECEIPT._replace(order_hash=GENESIS_RECEIPT))
    assert following.contradicts(following._replace(seq=11))
