from typing import Any, cast

import pytest

from optimistic.service.effect_keys import EffectKeys
from optimistic.service.tx_types import TxOutcome, TxState, TxStatus


class FakeManager:
    """Knows what became of some keys."""

    def __init__(self) -> None:
        self.known: dict[str, TxStatus] = {}

    def status(self, key: str) -> TxStatus | None:
        return self.known.get(key)

    def end(self, key: str, outcome: TxOutcome | None, block_number: int | None = None) -> None:
        self.known[key] = TxStatus(
            key=key,
            state=TxState.PENDING if outcome is None else TxState.DONE,
            outcome=outcome,
            detail="",
            nonce=None,
            tx_hash=None,
            block_hash=None,
            block_number=block_number,
        )


@pytest.fixture
def manager() -> FakeManager:
    return FakeManager()


@pytest.fixture
def keys(manager: FakeManager) -> EffectKeys:
    return EffectKeys(cast("Any", manager))


def test_keys__nothing_known__begin_with_the_first(keys: EffectKeys) -> None:
    assert keys.current("move", 1) == ("move#0", None)


@pytest.mark.parametrize("outcome", [None, TxOutcome.ALREADY_DONE, TxOutcome.LOST_RACE])
def test_keys__running_or_evaluated_anew__stay(
    keys: EffectKeys, manager: FakeManager, outcome: TxOutcome | None
) -> None:
    manager.end("move#0", outcome)

    assert keys.current("move", 1_000)[0] == "move#0"


def test_keys__mined_but_still_missing__get_another(keys: EffectKeys, manager: FakeManager) -> None:
    manager.end("move#0", TxOutcome.CONFIRMED, block_number=7)

    assert keys.current("move", 7)[0] == "move#0", "a view of that block does not show it yet"
    assert keys.current("move", 8) == ("move#1", None)


def test_keys__failed_before_it_was_sent__pause_from_when_it_was_seen(
    keys: EffectKeys, manager: FakeManager
) -> None:
    manager.end("move#0", TxOutcome.FAILED)

    assert [keys.current("move", block)[0] for block in (5, 5, 6)] == ["move#0", "move#0", "move#1"]


def test_keys__failing_again_and_again__pause_doubles(keys: EffectKeys, manager: FakeManager) -> None:
    block, pauses = 0, []
    for generation in range(4):
        manager.end(f"move#{generation}", TxOutcome.FAILED, block_number=block)
        start = block
        while keys.current("move", block)[0] == f"move#{generation}":
            block += 1
        pauses.append(block - start)

    assert pauses == [1, 2, 4, 8]


def test_keys__after_a_restart__find_the_newest_again(manager: FakeManager) -> None:
    for generation in range(3):
        manager.end(f"move#{generation}", TxOutcome.FAILED, block_number=1)

    assert EffectKeys(cast("Any", manager)).current("move", 100)[0] == "move#3"
