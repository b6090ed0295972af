"""Checks the exchange's receipts: signed by it, and one chain without forks as far as one has seen.

EIP-712 type ``Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)`` in the domain
("Exchange", "1", chain id, Clearing). Two receipts with one number or one predecessor are proof that
the exchange told two stories.

Source: docs/spec/13-exchange.md
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from optimistic.protocol.constants import CLEARING
from optimistic.protocol.errors import CriticalError, InvalidInput
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.settlement.signatures import compact_signature, recover
from optimistic.protocol.types import Address, Hash32

_DOMAIN_TYPE: Final = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_TYPE: Final = keccak256(b"Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)")
_NAME: Final = keccak256(b"Exchange")
_VERSION: Final = keccak256(b"1")


class BadReceipt(InvalidInput):
    """A receipt that the exchange did not sign, or not for this order."""


class TwoStories(CriticalError):
    """Two signed receipts contradict each other.

    Attributes
    ----------
    receipts : both, as the exchange sent them: keep them, they are evidence
    """

    def __init__(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
        super().__init__(f"receipts {first['seq']} and {second['seq']} contradict each other")
        self.receipts = (dict(first), dict(second))


class ReceiptLog:
    """Receipts that were seen and checked.

    Parameters
    ----------
    chain_id : of L2
    signer : `receiptSigner` of ``/v1/markets``
    keep : receipts remembered, for contradictions
    """

    def __init__(self, chain_id: int, signer: Address, keep: int = 100_000) -> None:
        self._separator = keccak256(abi_words(_DOMAIN_TYPE, _NAME, _VERSION, chain_id, CLEARING))
        self._signer = signer
        self._keep = keep
        self._by_place: OrderedDict[tuple[str, int | str], dict[str, Any]] = OrderedDict()

    def check(self, receipt: Mapping[str, Any]) -> Hash32:
        """Check a receipt as the API sends it; return its hash, which the next one names.

        Raises
        ------
        BadReceipt : the signature is not the exchange's
        TwoStories : it contradicts one seen before
        """
        order_hash, prev = (_hash(receipt[name]) for name in ("orderHash", "prev"))
        struct = keccak256(abi_words(_TYPE, order_hash, receipt["seq"], prev, receipt["tsMs"]))
        digest = keccak256(b"\x19\x01" + self._separator + struct)
        raw = bytes.fromhex(receipt["signature"].removeprefix("0x"))
        try:
            r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
            found = recover(digest, compact_signature(r, s, raw[64] - 27))
        except (InvalidInput, IndexError, OverflowError) as error:
            raise BadReceipt(f"receipt {receipt['seq']} has no signature: {error}") from error
        if found != self._signer:
            raise BadReceipt(f"receipt {receipt['seq']} is not signed by 0x{self._signer.hex()}")
        for place in (("seq", receipt["seq"]), ("prev", receipt["prev"])):
            known = self._by_place.setdefault(place, dict(receipt))
            if known["orderHash"] != receipt["orderHash"] or known["seq"] != receipt["seq"]:
                raise TwoStories(known, receipt)
        while len(self._by_place) > 2 * self._keep:
            self._by_place.popitem(last=False)
        return Hash32(struct)


def _hash(text: str) -> Hash32:
    return Hash32(bytes.fromhex(text.removeprefix("0x")))
