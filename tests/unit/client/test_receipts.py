from typing import Any

import pytest

from optimistic.client.receipts import BadReceipt, ReceiptLog, TwoStories
from optimistic.node.api.replies import receipt_out
from optimistic.node.exchange.receipts import GENESIS_RECEIPT, Receipt, ReceiptSigner
from optimistic.protocol.types import Hash32

SIGNER = ReceiptSigner(bytes(31) + b"\x09", 42)


def sent(receipt: Receipt, signer: ReceiptSigner = SIGNER) -> dict[str, Any]:
    """A receipt as the API sends it."""
    out = receipt_out(signer.sign(receipt))
    return {
        "orderHash": out.order_hash,
        "seq": out.seq,
        "prev": out.prev,
        "tsMs": out.ts_ms,
        "signature": out.signature,
    }


def receipt(seq: int, order: int = 1, prev: Hash32 = GENESIS_RECEIPT) -> Receipt:
    return Receipt(Hash32(bytes([order]) * 32), seq, prev, 1_700_000_000_000)


def test_check__chain_of_the_exchange__gives_its_hashes() -> None:
    log = ReceiptLog(42, SIGNER.address)
    first = receipt(1)
    second = receipt(2, 2, Hash32(first.hash))

    assert log.check(sent(first)) == first.hash
    assert log.check(sent(second)) == second.hash
    assert log.check(sent(first)) == first.hash


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 7},
        {"tsMs": 1},
        {"orderHash": "0x" + "00" * 32},
        {"signature": "0x"},
        {"signature": "0x" + "00" * 65},
    ],
)
def test_attack__receipt_changed__is_not_the_exchanges(change: dict[str, Any]) -> None:
    with pytest.raises(BadReceipt):
        ReceiptLog(42, SIGNER.address).check({**sent(receipt(1)), **change})


def test_attack__other_signer_or_chain__is_refused() -> None:
    for signer in (ReceiptSigner(bytes(31) + b"\x08", 42), ReceiptSigner(bytes(31) + b"\x09", 43)):
        with pytest.raises(BadReceipt):
            ReceiptLog(42, SIGNER.address).check(sent(receipt(1), signer))


@pytest.mark.parametrize("other", [receipt(1, 2, Hash32(b"\x01" * 32)), receipt(2, 2)])
def test_attack__two_receipts_in_one_place__are_evidence(other: Receipt) -> None:
    log = ReceiptLog(42, SIGNER.address)
    log.check(sent(receipt(1)))

    with pytest.raises(TwoStories) as caught:
        log.check(sent(other))

    assert [evidence["seq"] for evidence in caught.value.receipts] == [1, other.seq]
