"""Where a price signer gets its prices: a recorded series, or somebody's HTTP endpoint."""

import csv
import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol, Self

import httpx

from optimistic.client.quantities import NotAnAmount, to_wad
from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.settlement.units import QUANTUM_WAD

_MAX_ANSWER_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 5
_LAST_SECOND: Final = 10**11
"""Larger times are milliseconds."""


class BadSeries(InvalidInput):
    """A price file that is missing, empty or not a table of times and prices."""


class NoPrice(TemporaryError):
    """The source has no usable price now."""


class PriceSource(Protocol):
    """Says what something costs."""

    def price_wad(self, now_s: int) -> int:
        """Return the price at Unix second `now_s`: above zero, a multiple of the quantum.

        Raises
        ------
        NoPrice : there is none now
        """


class ReplaySource:
    """A recorded series played from its beginning.

    Parameters
    ----------
    rows : (seconds, price), ascending in time; the first begins when the source is made
    begins_s : Unix second at which the series begins
    speed : seconds of the series in one second
    """

    def __init__(self, rows: Sequence[tuple[int, int]], begins_s: int, speed: int = 1) -> None:
        if not rows:
            raise BadSeries("the series has no rows")
        self._times = [time for time, _ in rows]
        self._prices = [price for _, price in rows]
        if sorted(self._times) != self._times:
            raise BadSeries("the series does not ascend in time")
        self._begins_s = begins_s
        self._speed = speed

    @classmethod
    def from_csv(cls, path: Path, *, time: str, price: str, begins_s: int, speed: int = 1) -> Self:
        """Read columns of a CSV file with a header; times in seconds, milliseconds or ISO 8601.

        Raises
        ------
        BadSeries : no such file or columns, or a value that is no number
        """
        try:
            with path.open(newline="", encoding="utf-8") as file:
                table = csv.DictReader(file)
                rows = [(_seconds(row[time]), _quantum_down(to_wad(row[price]))) for row in table]
        except (OSError, KeyError, ValueError, NotAnAmount) as error:
            raise BadSeries(
                f"{path} has no usable columns {time!r} and {price!r}: {type(error).__name__} {error}"
            ) from error
        return cls(rows, begins_s, speed)

    def price_wad(self, now_s: int) -> int:
        """Return the last price up to now; the last one of all once the series is over."""
        at = self._times[0] + max(0, now_s - self._begins_s) * self._speed
        return self._prices[bisect_right(self._times, at) - 1]


class HttpSource:
    """One number in the JSON answer of an HTTP endpoint.

    Parameters
    ----------
    url : asked with GET
    path : keys and list indices that lead to the number, separated by dots
    """

    def __init__(self, url: str, path: str, client: httpx.Client | None = None) -> None:
        self._url = url
        self._path = path.split(".") if path else []
        self._client = client or httpx.Client(timeout=_TIMEOUT_S)

    def price_wad(self, now_s: int) -> int:
        """Ask the endpoint; numbers may be JSON strings, and are read exactly."""
        try:
            answer = self._client.get(self._url)
            answer.raise_for_status()
            if len(answer.content) > _MAX_ANSWER_BYTES:
                raise NoPrice(f"{self._url} answered {len(answer.content)} bytes")
            price_wad = _quantum_down(to_wad(_find(_exact_json(answer.text), self._path)))
        except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError, NotAnAmount) as error:
            raise NoPrice(f"{self._url} gave no price: {type(error).__name__} {error}") from error
        if price_wad <= 0:
            raise NoPrice(f"{self._url} gave a price of {price_wad}")
        return price_wad


def _exact_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _find(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _seconds(text: str) -> int:
    """Return Unix seconds from seconds, milliseconds, or a UTC date and time of ISO 8601."""
    if "-" in text:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    number = int(text.partition(".")[0])
    return number // 1_000 if number > _LAST_SECOND else number


def _quantum_down(wad: int) -> int:
    return wad - wad % QUANTUM_WAD
