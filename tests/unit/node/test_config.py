from dataclasses import replace
from pathlib import Path

import pytest

from optimistic.node.batcher import BatcherOptions
from optimistic.node.config import InvalidConfig, NodeConfig, Role
from optimistic.node.sequencer import SequencerOptions
from optimistic.protocol.params import PROFILES
from optimistic.service.log_reader import ReaderOptions

DEFAULT = NodeConfig(data_dir=Path("data"))


@pytest.mark.parametrize("profile", ["devnet", "stage1", "stage2"])
def test_check__defaults__fit_every_profile(profile: str) -> None:
    DEFAULT.check(PROFILES[profile])


def test_check__several_problems__all_named_at_once() -> None:
    config = replace(
        DEFAULT,
        sequencer=SequencerOptions(block_interval_ms=99, max_drift_s=600),
        batcher=BatcherOptions(max_delay_s=100, max_empty_delay_s=50),
        reader=ReaderOptions(confirmations=3),
    )

    with pytest.raises(InvalidConfig) as caught:
        config.check(PROFILES["devnet"])

    for name in ("block_interval_ms", "max_drift_s", "max_empty_delay_s", "reader.confirmations"):
        assert name in str(caught.value)


def test_check__replica__may_wait_for_confirmations() -> None:
    replace(DEFAULT, role=Role.REPLICA, reader=ReaderOptions(confirmations=3)).check(PROFILES["devnet"])
