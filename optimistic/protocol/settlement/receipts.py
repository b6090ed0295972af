"""Receipts of an exchange: a hash chain over the signed messages it took, which anybody can verify.

EIP-712 type ``Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)`` in the domain
("Exchange", "1", chain id, Clearing). Two receipts that contradict each other prove that the exchange told
two stories, and take its bond on L1. Twin: solidity/src/libraries/settlement/Receipts.sol.

Source: docs/spec/13-exchange.md §13.4; EIP-712
"""

from typing import Final, NamedTuple

from optimistic.protocol.constants import CLEARING
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.settlement.signatures import compact_signature, recover
from optimistic.protocol.types import Address, Hash32

GENESIS_RECEIPT: Final = Hash32(bytes(32))
"""`prevReceiptHash` of the first receipt."""

_DOMAIN_TYPE: Final = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_RECEIPT_TYPE: Final = keccak256(b"Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)")
_NAME: Final = keccak256(b"Exchange")
_VERSION: Final = keccak256(b"1")
_SIGNATURE_BYTES: Final = 65
_V: Final = (27, 28)


class BadReceipt(InvalidInput):
    """A receipt whose signature is none."""


class Receipt(NamedTuple):
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
        words = self.order_hash + self.seq.to_bytes(32, "big") + self.prev + self.ts_ms.to_bytes(32, "big")
        return keccak256(_RECEIPT_TYPE + words)

    def contradicts(self, other: "Receipt") -> bool:
        """Whether no honest exchange gives both: they differ and claim one place."""
        return self != other and (self.seq == other.seq or self.prev == other.prev)


class SignedReceipt(NamedTuple):
    """A receipt and the exchange's signature over its digest."""

    receipt: Receipt
    signature: bytes
    """65 bytes: r, s (the lower of the two), v (27 or 28)."""


class ReceiptDomain:
    """The EIP-712 domain of one rollup's receipts."""

    def __init__(self, chain_id: int) -> None:
        separator = keccak256(abi_words(_DOMAIN_TYPE, _NAME, _VERSION, chain_id, CLEARING))
        self._prefix = b"\x19\x01" + separator

    def digest(self, receipt_hash: Hash32) -> Hash32:
        """Return the 32 bytes that are signed for the receipt of a struct hash."""
        return keccak256(self._prefix + receipt_hash)

    def signer(self, signed: SignedReceipt) -> Address:
        """Return who signed a receipt.

        Raises
        ------
        BadReceipt : nobody did
        """
        raw = signed.signature
        if len(raw) != _SIGNATURE_BYTES or raw[64] not in _V:
            raise BadReceipt("a receipt's signature has 65 bytes, the last of them 27 or 28")
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
        try:
            found = recover(self.digest(signed.receipt.hash), compact_signature(r, s, raw[64] - 27))
        except InvalidInput as error:
            raise BadReceipt(f"the receipt's signature is nobody's: {error}") from error
        if found is None:
            raise BadReceipt("the receipt's signature is nobody's")
        return found
