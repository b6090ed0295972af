"""Signed receipts: a hash chain over the orders taken, which anybody can verify.

EIP-712 type ``Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)`` in the domain
("Exchange", "1", chain id, Clearing). Two receipts with one `prevReceiptHash` or one `seq` are proof
that the exchange told two stories.
"""

from typing import Final

import msgspec
from coincurve import PrivateKey, PublicKey

from optimistic.protocol.constants import CLEARING
from optimistic.protocol.hashing import abi_word, keccak256
from optimistic.protocol.types import Address, Hash32

GENESIS_RECEIPT: Final = Hash32(bytes(32))
"""`prevReceiptHash` of the first receipt."""

_DOMAIN_TYPE: Final = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_TYPE: Final = keccak256(b"Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)")


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What the exchange says about one signed message it took."""

    order_hash: Hash32
    """The digest that was signed, which names the order (or the tree of quotes) everywhere."""
    seq: int
    prev: Hash32
    """Hash of the receipt before."""
    ts_ms: int

    @property
    def hash(self) -> Hash32:
        """The EIP-712 struct hash, which the next receipt names."""
        return receipt_hash(self.order_hash, self.seq, self.prev, self.ts_ms)


class SignedReceipt(msgspec.Struct, frozen=True, gc=False):
    """A receipt and the exchange's signature over its digest."""

    receipt: Receipt
    signature: bytes
    """65 bytes: r, s, v (27 or 28)."""


def receipt_hash(order_hash: Hash32, seq: int, prev: Hash32, ts_ms: int) -> Hash32:
    """Return the EIP-712 struct hash of a receipt."""
    return keccak256(_TYPE + order_hash + seq.to_bytes(32, "big") + prev + ts_ms.to_bytes(32, "big"))


class ReceiptDomain:
    """The EIP-712 domain of one rollup's receipts."""

    def __init__(self, chain_id: int) -> None:
        separator = keccak256(
            _DOMAIN_TYPE + keccak256(b"Exchange") + keccak256(b"1") + abi_word(chain_id) + abi_word(CLEARING)
        )
        self._prefix = b"\x19\x01" + separator

    def digest(self, struct_hash: Hash32) -> Hash32:
        """Return what is signed for a receipt."""
        return keccak256(self._prefix + struct_hash)

    def signer(self, signed: SignedReceipt) -> Address:
        """Return who signed a receipt.

        Raises
        ------
        ValueError : not a signature
        """
        r_s, v = signed.signature[:64], signed.signature[64] - 27
        digest = self.digest(signed.receipt.hash)
        public = PublicKey.from_signature_and_message(r_s + bytes([v]), digest, hasher=None)
        return Address(keccak256(public.format(compressed=False)[1:])[12:])


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
