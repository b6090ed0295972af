"""Order flow and bars through everything: engine, clearing, batches, watchtower."""

from pathlib import Path

from scripts.staging.bars import generated_closes
from tests.bench.market.flow import generated_flow
from tests.bench.market.market_replay import MarketReplay, middle_of


def test_market_replay__generated_flow__settles_whole_and_everybody_agrees(tmp_path: Path) -> None:
    told: list[str] = []
    closes = generated_closes(seed=5, start_wad=50_000 * 10**18)
    with MarketReplay(tmp_path, closes, told.append) as replay:
        result = replay.play(
            generated_flow(700, seed=5),
            middle_of(generated_flow(700, seed=5)),
            starts_at_ns=0,
            more_bars=2,
        )

    assert result.is_good
    assert result.fills > 50
    assert result.bars >= 2
    assert told
