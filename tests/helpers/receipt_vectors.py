"""Vectors of receipts: who signed them, and which contradict each other."""

from typing import Any

from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.protocol.settlement.receipts import (
    GENESIS_RECEIPT,
    BadReceipt,
    Receipt,
    ReceiptDomain,
    SignedReceipt,
)
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32

CHAIN_ID = 901
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SIGNERS = tuple(ReceiptSigner(bytes([i + 1]) * 32, CHAIN_ID) for i in range(2))
FIRST = Receipt(Hash32(b"\x11" * 32), 1, GENESIS_RECEIPT, 1_700_000_000_123)
SECOND = Receipt(Hash32(b"\x22" * 32), 2, FIRST.hash, 1_700_000_000_124)


def malleated(signature: bytes) -> bytes:
    """The other signature of the same message: s on the other half, the other parity."""
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


def signed_pairs() -> list[tuple[str, SignedReceipt, SignedReceipt]]:
    """Two receipts each, honest or not."""
    sign, other = SIGNERS[0].sign, SIGNERS[1].sign
    first, elsewhere = sign(FIRST), ReceiptSigner(bytes([1]) * 32, CHAIN_ID + 1)
    highest = Receipt(Hash32(b"\xff" * 32), 2**64 - 1, Hash32(b"\xff" * 32), 2**64 - 1)
    pairs = [
        ("one after the other", first, sign(SECOND)),
        ("the same twice", first, first),
        ("another order", first, sign(FIRST._replace(order_hash=Hash32(b"\x33" * 32)))),
        ("another time", first, sign(FIRST._replace(ts_ms=FIRST.ts_ms + 1))),
        ("another number after the same", sign(SECOND), sign(SECOND._replace(seq=9))),
        ("the same number after another", sign(SECOND), sign(SECOND._replace(prev=GENESIS_RECEIPT))),
        ("two beginnings", first, sign(SECOND._replace(prev=GENESIS_RECEIPT))),
        ("largest fields", first, sign(highest)),
        ("another key", first, other(FIRST._replace(seq=9))),
        ("another chain", first, elsewhere.sign(FIRST._replace(seq=9))),
    ]
    raw = first.signature
    odd = {
        "the other s": malleated(raw),
        "v of 0 or 1": raw[:64] + bytes([raw[64] - 27]),
        "v of 29 or 30": raw[:64] + bytes([raw[64] + 2]),
        "the other v": raw[:64] + bytes([55 - raw[64]]),
        "64 bytes": raw[:64],
        "66 bytes": raw + b"\0",
        "nothing": b"",
        "zeros": bytes(64) + b"\x1b",
        "r of the order": CURVE_ORDER.to_bytes(32, "big") + raw[32:],
    }
    return pairs + [(name, first, SignedReceipt(FIRST, signature)) for name, signature in odd.items()]


def receipt_vectors() -> list[dict[str, Any]]:
    """Pairs with their signers and whether they contradict each other."""
    return [
        {
            "name": name,
            "chainId": hex(CHAIN_ID),
            "a": described(a),
            "b": described(b),
            "contradict": a.receipt.contradicts(b.receipt),
        }
        for name, a, b in signed_pairs()
    ]


def described(signed: SignedReceipt) -> dict[str, str]:
    """A receipt, its signature, and who signed; the zero address for nobody."""
    receipt = signed.receipt
    return {
        "orderHash": "0x" + receipt.order_hash.hex(),
        "seq": hex(receipt.seq),
        "prevReceiptHash": "0x" + receipt.prev.hex(),
        "ts": hex(receipt.ts_ms),
        "signature": "0x" + signed.signature.hex(),
        "signer": "0x" + signer_of(signed).hex(),
    }


def signer_of(signed: SignedReceipt) -> Address:
    """Who signed; zero for nobody."""
    try:
        return ReceiptDomain(CHAIN_ID).signer(signed)
    except BadReceipt:
        return ZERO_ADDRESS
