"""The running check of settlement's invariants."""

from typing import Any

from structlog.testing import capture_logs

from optimistic.node.exchange.auditor import Auditor
from optimistic.protocol.settlement.state import State, Subaccount
from optimistic.protocol.settlement.types import FIRST_SUBACCOUNT, VAULT, SubaccountId
from optimistic.protocol.settlement.units import WAD
from tests.helpers.exchange_world import market_state


class Gauges:
    """Keeps what is measured."""

    def __init__(self) -> None:
        self.values: list[tuple[str, float]] = []

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        raise AssertionError(name)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.values.append((name, value))

    def observe(self, name: str, value: float, **labels: str) -> None:
        raise AssertionError(name)


def balanced() -> State:
    state = market_state(1_000)
    for number, cash_wad in ((VAULT, -5 * WAD), (SubaccountId(FIRST_SUBACCOUNT), 5 * WAD)):
        state.subaccounts[number] = Subaccount(cash_wad=cash_wad)
    return state


def looked(auditor: Auditor, state: State, block: int) -> list[Any]:
    with capture_logs() as logs:
        auditor.look(state, block)
    return [entry for entry in logs if entry["event"] == "settlement_invariant_broken"]


def test_auditor__sound_state__counts_nothing() -> None:
    metrics = Gauges()

    assert not looked(Auditor(metrics), balanced(), 1)

    assert metrics.values == [("settlement_invariants_broken", 0)]


def test_auditor__cash_from_nowhere__is_told_once_and_counted_each_time() -> None:
    metrics, state = Gauges(), balanced()
    auditor = Auditor(metrics)
    state.subaccounts[SubaccountId(FIRST_SUBACCOUNT)].cash_wad += 1

    first = looked(auditor, state, 1)
    assert first
    assert not looked(auditor, state, 2)
    assert not looked(auditor, state, 17)

    assert [value for _, value in metrics.values] == [len(first)] * 2


def test_auditor__chain_went_back__looks_again() -> None:
    metrics = Gauges()
    auditor = Auditor(metrics)

    for block in (40, 41, 30):
        auditor.look(balanced(), block)

    assert len(metrics.values) == 2
