import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from optimistic.client.errors import ReceiptsNotKept
from optimistic.client.receipts import ReceiptLog, TwoStories, check_results, receipts_in
from optimistic.client.rest import RestClient
from optimistic.node.api.replies import receipt_out
from optimistic.node.exchange.receipts import GENESIS_RECEIPT, Receipt, ReceiptSigner
from optimistic.protocol.settlement.receipts import BadReceipt
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
        {"seq": "1"},
        {"seq": -1},
        {"seq": True},
        {"tsMs": 2**64},
        {"prev": "0x00"},
        {"prev": None},
        {"signature": "0xzz"},
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
    assert caught.value.file is None


def test_attack__another_time_for_one_place__is_evidence() -> None:
    log = ReceiptLog(42, SIGNER.address)
    log.check(sent(receipt(1)))

    with pytest.raises(TwoStories):
        log.check(sent(receipt(1)._replace(ts_ms=1)))


# ---------------------------------------------------------------------------------- files


def test_attack__log_rolled_back_while_the_client_was_gone__is_noticed_and_written(tmp_path: Path) -> None:
    file = tmp_path / "receipts.jsonl"
    first = sent(receipt(1))
    ReceiptLog(42, SIGNER.address, file=file).check(first)
    other = sent(receipt(1, 2))

    with pytest.raises(TwoStories, match="optimistic receipt slash") as caught:
        ReceiptLog(42, SIGNER.address, file=file).check(other)

    assert caught.value.file == tmp_path / "receipts.jsonl.contradiction.json"
    assert receipts_in(caught.value.file) == [first, other]
    assert receipts_in(file) == [first]


def test_receipt_log__file__keeps_each_receipt_once(tmp_path: Path) -> None:
    file = tmp_path / "receipts.jsonl"
    second = receipt(2, 2, receipt(1).hash)
    for _ in range(2):
        log = ReceiptLog(42, SIGNER.address, file=file)
        log.check(sent(receipt(1)))
        log.check(sent(second))

    assert receipts_in(file) == [sent(receipt(1)), sent(second)]


def test_receipt_log__file_with_receipts_of_an_older_key__goes_on(tmp_path: Path) -> None:
    file = tmp_path / "receipts.jsonl"
    older = ReceiptSigner(bytes(31) + b"\x08", 42)
    ReceiptLog(42, older.address, file=file).check(sent(receipt(1, 2), older))

    ReceiptLog(42, SIGNER.address, file=file).check(sent(receipt(1)))

    assert len(receipts_in(file)) == 2


def test_receipt_log__file_in_no_folder__is_critical(tmp_path: Path) -> None:
    log = ReceiptLog(42, SIGNER.address, file=tmp_path / "none" / "receipts.jsonl")

    with pytest.raises(ReceiptsNotKept, match="cannot write"):
        log.check(sent(receipt(1)))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "not json"])
def test_receipts_in__something_else__is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)

    with pytest.raises(BadReceipt, match="not JSON"):
        receipts_in(file)


def test_receipts_in__brackets_in_brackets__are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("[" * 2_000 + "]" * 2_000)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)  # Python's own; some libraries raise it

    try:
        with pytest.raises(BadReceipt, match="brackets in brackets"):
            receipts_in(file)
    finally:
        sys.setrecursionlimit(limit)


def test_receipts_in__answer_of_the_api__finds_them(tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    results = [{"status": "taken", "receipt": sent(receipt(1))}, {"status": "refused", "error": {}}]
    file.write_text(json.dumps({"results": results}, indent=2))

    assert receipts_in(file) == [sent(receipt(1))]


def test_check_results__receipt_of_a_stranger__is_refused() -> None:
    results: list[dict[str, Any]] = [{"status": "refused"}, {"status": "taken", "receipt": sent(receipt(1))}]

    assert check_results(None, results) is results
    with pytest.raises(BadReceipt):
        check_results(ReceiptLog(43, SIGNER.address), results)


def test_attack__client_that_asked_for_markets__notices_without_being_told_to() -> None:
    told = [sent(receipt(1)), sent(receipt(1, 2))]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/markets":
            signer = "0x" + SIGNER.address.hex()
            return httpx.Response(200, json={"chainId": 42, "receiptSigner": signer, "markets": []})
        return httpx.Response(200, json={"results": [{"status": "taken", "receipt": told.pop(0)}]})

    http = httpx.Client(base_url="http://exchange", transport=httpx.MockTransport(answer))
    with RestClient("http://exchange", http) as client:
        client.markets()
        client.place([{}])
        with pytest.raises(TwoStories):
            client.place([{}])
