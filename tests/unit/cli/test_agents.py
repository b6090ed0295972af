"""Agents whose node or exchange comes up later."""

from typing import Any

import pytest

from optimistic.cli.agents import _Late
from optimistic.protocol.errors import TemporaryError


class Counting:
    def __init__(self) -> None:
        self.turns = 0

    def step(self) -> dict[str, Any]:
        self.turns += 1
        return {"turns": self.turns}


def test_late__node_not_up_yet__starts_in_a_later_turn_and_once() -> None:
    refusals = [TemporaryError("no node"), TemporaryError("no node")]

    def start() -> Counting:
        if refusals:
            raise refusals.pop()
        return Counting()

    late = _Late(start)
    for _ in range(2):
        with pytest.raises(TemporaryError, match="no node"):
            late.step()

    assert [late.step(), late.step()] == [{"turns": 1}, {"turns": 2}]
