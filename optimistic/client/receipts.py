"""Checks the exchange's receipts: signed by it, and one chain without forks as far as one has seen.

What a receipt is, who signed it and what contradicts it is in the protocol; here is how it is sent, and the
memory that notices a contradiction. A file of receipts is one JSON object a line.

Source: docs/spec/13-exchange.md §13.4
"""

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from optimistic.client.errors import ReceiptsNotKept
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.settlement.receipts import BadReceipt, Receipt, ReceiptDomain, SignedReceipt
from optimistic.protocol.types import Address, Hash32

_FIELDS: Final = ("orderHash", "seq", "prev", "tsMs", "signature")
_HASH_BYTES: Final = 32
_MOST_UINT64: Final = 2**64 - 1
_MOST_BRACKETS: Final = 4_096
"""In one document; without a limit, nothing but brackets could overflow the parser's stack."""


class TwoStories(CriticalError):
    """Two signed receipts contradict each other: they take the bond of the exchange's key on L1.

    Attributes
    ----------
    receipts : both, as the exchange sends them: keep them, they are evidence
    file : where they are written, as `optimistic receipt slash` takes them; None: nowhere
    """

    def __init__(self, first: Mapping[str, Any], second: Mapping[str, Any], file: Path | None = None) -> None:
        kept = "" if file is None else f"; both are in {file}: optimistic receipt slash {file}"
        super().__init__(f"receipts {first['seq']} and {second['seq']} contradict each other{kept}")
        self.receipts = (dict(first), dict(second))
        self.file = file


class ReceiptLog:
    """Receipts that were seen and checked.

    Parameters
    ----------
    chain_id : of L2
    signer : `receiptSigner` of ``/v1/markets``
    keep : receipts remembered, for contradictions
    file : also keeps them over the end of the process; those in it are remembered. Receipts of another key
        are passed over. A contradiction goes to the same name with ``.contradiction.json``

    Raises
    ------
    BadReceipt : a line of the file is none
    TwoStories : receipts in the file contradict each other
    ReceiptsNotKept : the file cannot be read
    """

    def __init__(
        self, chain_id: int, signer: Address, keep: int = 100_000, *, file: Path | None = None
    ) -> None:
        self._domain = ReceiptDomain(chain_id)
        self._signer = signer
        self._keep = keep
        self._by_place: OrderedDict[int | Hash32, SignedReceipt] = OrderedDict()
        self._file: Path | None = None
        if file is not None and file.exists():
            for values in receipts_in(file):
                if self._domain.signer(signed_receipt(values)) == signer:
                    self.check(values)
        self._file = file

    def check(self, values: Mapping[str, Any]) -> Hash32:
        """Check a receipt as the API sends it; return its hash, which the next one names.

        Raises
        ------
        BadReceipt : it is malformed, or not signed by the exchange
        TwoStories : it contradicts one seen before
        ReceiptsNotKept : it cannot be added to the file
        """
        signed = signed_receipt(values)
        receipt = signed.receipt
        if self._domain.signer(signed) != self._signer:
            raise BadReceipt(f"receipt {receipt.seq} is not signed by 0x{self._signer.hex()}")
        places = (receipt.seq, receipt.prev)
        for place in places:
            known = self._by_place.get(place)
            if known is not None and receipt.contradicts(known.receipt):
                raise self._two_stories(known, signed)
        if any(place not in self._by_place for place in places):
            if self._file is not None:
                _write(self._file, json.dumps(_json_of(signed)), mode="a")
            self._by_place.update(dict.fromkeys(places, signed))
        while len(self._by_place) > 2 * self._keep:
            self._by_place.popitem(last=False)
        return receipt.hash

    def _two_stories(self, *receipts: SignedReceipt) -> TwoStories:
        """Write both down and return the error that names them."""
        first, second = map(_json_of, receipts)
        if self._file is None:
            return TwoStories(first, second)
        path = self._file.with_name(self._file.name + ".contradiction.json")
        _write(path, json.dumps({"receipts": [first, second]}), mode="w")
        return TwoStories(first, second, path)


def check_results(log: ReceiptLog | None, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Check the receipts among the results of a message; return the results."""
    if log is not None:
        for result in results:
            if "receipt" in result:
                log.check(result["receipt"])
    return results


def signed_receipt(values: Mapping[str, Any]) -> SignedReceipt:
    """Read a receipt as the API sends it.

    Raises
    ------
    BadReceipt : a field is missing or malformed
    """
    try:
        order_hash, prev, signature = (
            bytes.fromhex(values[name].removeprefix("0x")) for name in ("orderHash", "prev", "signature")
        )
        seq, ts_ms = values["seq"], values["tsMs"]
        numbers_fit = all(type(number) is int and 0 <= number <= _MOST_UINT64 for number in (seq, ts_ms))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadReceipt(f"this is no receipt: {error!r}") from error
    if not numbers_fit or len(order_hash) != _HASH_BYTES or len(prev) != _HASH_BYTES:
        raise BadReceipt("this is no receipt: hashes have 32 bytes, numbers 64 bits")
    return SignedReceipt(Receipt(Hash32(order_hash), seq, Hash32(prev), ts_ms), signature)


def receipts_in(file: Path) -> list[dict[str, Any]]:
    """Find the receipts in a file: in a JSON document of any shape, or one document a line.

    Raises
    ------
    BadReceipt : it holds something else than JSON
    ReceiptsNotKept : it cannot be read
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ReceiptsNotKept(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise BadReceipt(f"{file} is not text") from error
    try:
        return [found for line in text.splitlines() if line.strip() for found in _receipts_of(line)]
    except ValueError:
        try:
            return _receipts_of(text)
        except ValueError as error:
            raise BadReceipt(f"{file} is not JSON, nor JSON in every line: {error}") from error


def _receipts_of(text: str) -> list[dict[str, Any]]:
    """Return the receipts in one document; raises ValueError if it is none."""
    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        raise ValueError(f"more than {_MOST_BRACKETS} brackets")
    try:
        return list(_find(json.loads(text)))
    except RecursionError as error:
        raise ValueError("too many brackets in brackets") from error


def _find(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and value.keys() >= set(_FIELDS):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _find(part)


def _json_of(signed: SignedReceipt) -> dict[str, Any]:
    order_hash, seq, prev, ts_ms = signed.receipt
    values = ("0x" + order_hash.hex(), seq, "0x" + prev.hex(), ts_ms, "0x" + signed.signature.hex())
    return dict(zip(_FIELDS, values, strict=True))


def _write(path: Path, line: str, mode: str) -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise ReceiptsNotKept(f"cannot write {path}: {error.strerror}") from error
