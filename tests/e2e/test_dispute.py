"""A liar as a process against the daemons on anvil, down to the executed step."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.service.l1_events import StepProven
from scripts.staging.onlooker import Onlooker
from tests.architecture.source_tree import ROOT
from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import USER, RollupOnAnvil, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PERIOD_S = 300
LIAR_KEY = 5
RECEIVER = Address(b"\x77" * 20)


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[RollupOnAnvil]:
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with RollupOnAnvil(tmp_path, challenge_period_s=PERIOD_S) as built:
        yield built


def lie(rollup: RollupOnAnvil, kind: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / "trigger_dispute.py"), *rollup.on_l1]
    return subprocess.Popen(
        [*command, "--kind", kind, "--json"],
        env=os.environ | {"LIAR_PRIVATE_KEY": rollup.keys[LIAR_KEY].hex(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("defender", ["watchtower", "aggregator"])
def test_dispute__a_lie_about_a_transaction__is_dead_and_the_right_one_confirmed(
    rollup: RollupOnAnvil, defender: str
) -> None:
    by_aggregator = defender == "aggregator"
    aggregator = rollup.aggregator(*([] if by_aggregator else ["--no-defend"])).start()
    node = rollup.node_of(aggregator)
    if not by_aggregator:
        rollup.watchtower().start()
    rollup.deposit(node)
    rollup.transfer(node, node.nonce(rollup.signers[USER].address, "latest"), RECEIVER)
    head = node.head().number
    wait_for(lambda: (safe := node.tagged("safe")) is not None and safe.number > head, "the batch")
    eyes = Onlooker(rollup.l1, rollup.deployment)

    liar = lie(rollup, "step")
    wait_for(
        lambda: [e for e in eyes.events(rollup.l1.head()) if isinstance(e, StepProven)],
        "the executed step",
        patience_s=150,
    )
    rollup.anvil.advance_time(PERIOD_S + 1)
    output, _ = liar.communicate(timeout=60)
    told = json.loads(output)

    right = Hash32(bytes.fromhex(told["right"][2:]))
    assert [wrong["status"] for wrong in told["assertions"]] == ["dead"]
    assert liar.returncode == 0
    wait_for(
        lambda: rollup.assertions.assertion(right, at="latest").status is AssertionStatus.CONFIRMED,
        "the confirmation",
    )
