from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from challenger.cli_options import KEY_VARIABLE, acting_options, daemon_config, reading_options
from challenger.config import ChallengerConfig, InvalidConfig, Mode

GOOD = ChallengerConfig(
    l1_rpc_url="http://one", deployment=Path("deployment.json"), data_dir=Path("data"), has_key=True
)

PROBLEMS: dict[str, tuple[ChallengerConfig, str]] = {
    "act_without_key": (replace(GOOD, has_key=False), "needs a key"),
    "dry_run_without_account": (replace(GOOD, has_key=False, mode=Mode.DRY_RUN), "needs --account"),
    "account_with_key": (replace(GOOD, account=bytes(20)), "--account"),
    "short_account": (replace(GOOD, has_key=False, mode=Mode.DRY_RUN, account=b"\x01"), "--account"),
    "same_endpoint_twice": (replace(GOOD, l1_check_url="http://one"), "--l1-check-url"),
    "nothing_to_spend": (replace(GOOD, max_spend_wei=0), "--max-spend"),
    "no_timeout": (replace(GOOD, l1_timeout_ms=0), "--l1-timeout must be positive"),
    "no_pause": (replace(GOOD, poll_interval_ms=0), "--poll-interval must be positive"),
    "no_cache": (replace(GOOD, trace_cache_bytes=0), "--trace-cache"),
    "workers_below_none": (replace(GOOD, trace_workers=-1), "--trace-workers"),
    "short_claimant": (replace(GOOD, claim_for=(b"\x01",)), "--claim-for"),
    "part_of_a_second": (replace(GOOD, assert_after_ms=1_500), "--assert-after"),
}


def test_config__defaults_with_a_key__are_fine() -> None:
    GOOD.check()


@pytest.mark.parametrize("name", PROBLEMS)
def test_config__problem__is_named(name: str) -> None:
    config, part = PROBLEMS[name]

    (problem,) = config.problems()

    assert part in problem


def test_config__several_problems__are_named_together() -> None:
    config = replace(GOOD, has_key=False, max_spend_wei=0, batches_per_turn=0)

    with pytest.raises(InvalidConfig, match=r"needs a key.*--max-spend.*--batches-per-turn"):
        config.check()


def test_config__watch_only__needs_no_key() -> None:
    assert replace(GOOD, has_key=False, mode=Mode.WATCH_ONLY).problems() == []


def test_config__no_options__is_the_default_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ChallengerConfig] = []

    @click.command()
    @reading_options
    @acting_options
    def program(**values: Any) -> None:
        made.append(daemon_config(values))

    deployment = tmp_path / "deployment.json"
    deployment.touch()
    monkeypatch.setenv(KEY_VARIABLE, "11" * 32)
    arguments = ["--l1-rpc-url", "http://one", "--deployment", str(deployment), "--data-dir", "data"]
    result = CliRunner().invoke(program, arguments)

    assert result.exit_code == 0, result.output
    assert made == [replace(GOOD, deployment=deployment)]
