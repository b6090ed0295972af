from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from challenger.alerts import Alert, AlertLog, Severity, find_alerts
from challenger.model import Judgement, Knowledge, Verdict, WrongUnits
from optimistic.protocol.records import AssertionStatus
from optimistic.service.metrics import NoopMetrics
from tests.unit.challenger.views import GENESIS, PERIOD_S, T0, Story, ident

BLOCK = ident("block")


def kinds(story: Story) -> list[str]:
    return [alert.kind for alert in find_alerts(story.view(), story.known())]


def right_alone() -> Story:
    return Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "right")


def wrong_alone() -> Story:
    return Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "wrong")


CASES = {
    "all_right__silence": (right_alone, []),
    "wrong__is_an_error": (wrong_alone, ["wrong_assertion"]),
    "wrong_and_alone_when_closed__the_window_was_missed": (
        lambda: wrong_alone().at(T0 + PERIOD_S),
        ["wrong_assertion", "window_missed"],
    ),
    "older_wrong_unopened_when_closed__the_opening_was_missed": (
        lambda: wrong_alone().posted(GENESIS, "right").at(T0 + PERIOD_S),
        ["wrong_assertion", "opening_missed"],
    ),
    "contested__is_a_warning": (
        lambda: wrong_alone().posted(GENESIS, "right").opened("wrong", "right"),
        ["wrong_assertion", "right_assertion_contested"],
    ),
    "unknown__is_a_warning": (lambda: right_alone().unknown(GENESIS), ["verdict_unknown"]),
    "right_died__is_critical": (
        lambda: (
            Story()
            .batches(1)
            .right(GENESIS, "right", to=1)
            .posted(GENESIS, "right", status=AssertionStatus.DEAD)
        ),
        ["right_assertion_died"],
    ),
    "wrong_confirmed__is_critical": (
        lambda: (
            Story()
            .batches(1)
            .right(GENESIS, "right", to=1)
            .posted(GENESIS, "wrong", status=AssertionStatus.CONFIRMED)
        ),
        ["wrong_assertion_confirmed"],
    ),
    "precompiles_broken__is_critical": (
        lambda: right_alone().with_broken_precompiles(),
        ["precompiles_broken"],
    ),
    "due_for_long__is_overdue": (lambda: right_alone().at(T0 + 2 * PERIOD_S), ["confirmation_overdue"]),
    "poor__has_too_little": (lambda: right_alone().poor(), ["insufficient_collateral"]),
    "slashed__is_critical": (
        lambda: right_alone().staked("right", slashed=True),
        ["own_stake_slashed"],
    ),
    "stake_on_wrong__is_critical": (
        lambda: right_alone().posted(GENESIS, "bad", status=AssertionStatus.DEAD).staked("bad"),
        ["own_stake_on_wrong_assertion"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_alerts__story__kinds(name: str) -> None:
    build, expected = CASES[name]

    assert kinds(build()) == expected


def test_alerts__wrong_unit_known__is_named() -> None:
    story = wrong_alone()
    wrong = WrongUnits(first=(1 << 15) + 3, last=(1 << 15) + 3)
    verdict = Verdict(judgement=Judgement.INVALID, reason="another end state", wrong=wrong)
    known = Knowledge(
        verdicts={**story.known().verdicts, story.ids["wrong"]: verdict}, drafts=story.known().drafts
    )

    (alert,) = find_alerts(story.view(), known)

    assert alert.detail == "another end state; first wrong unit 32771 (batch 1, unit 3)"


def test_alert_log__same_alert_again__is_said_once_and_cleared_once() -> None:
    alerts = AlertLog(NoopMetrics())
    alert = Alert(severity=Severity.ERROR, kind="wrong_assertion", subject="ab", detail="x")

    with capture_logs() as logs:
        alerts.update([alert], BLOCK)
        alerts.update([alert], BLOCK)
        alerts.update([replace(alert, detail="y")], BLOCK)
        alerts.update([], BLOCK)

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("alert_raised", "error"),
        ("alert_raised", "error"),
        ("alert_cleared", "info"),
    ]
    assert alerts.active == []
