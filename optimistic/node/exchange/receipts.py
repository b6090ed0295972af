"""Signs receipts; what they are and how they are verified is in the protocol."""

from coincurve import PrivateKey

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.receipts import (
    GENESIS_RECEIPT,
    Receipt,
    ReceiptDomain,
    SignedReceipt,
)
from optimistic.protocol.types import Address

__all__ = ["GENESIS_RECEIPT", "Receipt", "ReceiptDomain", "ReceiptSigner", "SignedReceipt"]


class ReceiptSigner:
    """Signs receipts; the same receipt gets the same signature always (RFC 6979)."""

    def __init__(self, private_key: bytes, chain_id: int) -> None:
        self.chain_id = chain_id
        self._key = PrivateKey(private_key)
        self._domain = ReceiptDomain(chain_id)
        self.address = Address(keccak256(self._key.public_key.format(compressed=False)[1:])[12:])

    def sign(self, receipt: Receipt) -> SignedReceipt:
        """Sign a receipt."""
        signature = self._key.sign_recoverable(self._domain.digest(receipt.hash), hasher=None)
        return SignedReceipt(receipt, signature[:64] + bytes([signature[64] + 27]))
