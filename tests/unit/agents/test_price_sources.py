from pathlib import Path

import httpx
import pytest

from optimistic.agents.price_sources import BadSeries, HttpSource, NoPrice, ReplaySource

WAD = 10**18


def test_replay__played_faster__gives_the_last_price_so_far() -> None:
    source = ReplaySource([(0, 10), (60, 11), (120, 12)], begins_s=1_000, speed=60)

    assert [source.price_wad(now) for now in (0, 1_000, 1_001, 1_002, 9_999)] == [10, 10, 11, 12, 12]


@pytest.mark.parametrize(
    "times",
    [("60", "120"), ("1640991660000", "1640991720000"), ("2021-12-31 23:01:00", "2021-12-31 23:02:00")],
)
def test_replay__csv__reads_seconds_milliseconds_and_dates(tmp_path: Path, times: tuple[str, str]) -> None:
    file = tmp_path / "bars.csv"
    file.write_text(f"timestamp,close\n{times[0]},46377.0000001\n{times[1]},46411.0\n")

    source = ReplaySource.from_csv(file, time="timestamp", price="close", begins_s=0)

    assert source.price_wad(0) == 46377 * WAD + 10**11
    assert source.price_wad(60) == 46411 * WAD


@pytest.mark.parametrize(
    "text", ["", "timestamp,close\n", "a,b\n1,2\n", "timestamp,close\n1,x\n", "timestamp,close\n2,1\n1,1\n"]
)
def test_replay__no_series__is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bars.csv"
    file.write_text(text)

    with pytest.raises(BadSeries):
        ReplaySource.from_csv(file, time="timestamp", price="close", begins_s=0)


def source_of(answer: httpx.Response) -> HttpSource:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    return HttpSource("http://prices.example/btc", "data.0.price", client)


def test_http__number_or_text__is_read_exactly() -> None:
    for number in ("60000.1000000000000001", '"60000.1000000000000001"'):
        answer = httpx.Response(200, text=f'{{"data": [{{"price": {number}}}]}}')

        assert source_of(answer).price_wad(0) == 60000 * WAD + 10**17


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="{}"),
        httpx.Response(200, text="nonsense"),
        httpx.Response(200, text='{"data": []}'),
        httpx.Response(200, text='{"data": [{"price": 0}]}'),
        httpx.Response(200, text='{"data": [{"price": -1}]}'),
        httpx.Response(200, text='{"data": [{"price": null}]}'),
        httpx.Response(200, text=" " * (2 << 20)),
    ],
)
def test_http__no_usable_price__is_said(answer: httpx.Response) -> None:
    with pytest.raises(NoPrice):
        source_of(answer).price_wad(0)
