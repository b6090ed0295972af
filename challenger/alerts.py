"""What an operator must hear about: found by a pure function, told once, remembered while it lasts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog

from challenger.model import Assertion, ChainView, Judgement, Knowledge, split_unit
from challenger.solver import right_chain
from challenger.speed import LIMIT_PERCENT
from challenger.standing import Standing, lost_by_right
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.metrics import Metrics
from optimistic.service.names import hex_of

log = structlog.get_logger(__name__)


class Severity(StrEnum):
    """How loud an alert is: the log level it is written at."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One condition; equal `kind` and `subject` are the same condition."""

    severity: Severity
    kind: str
    subject: str
    """What it is about: an assertion in hex, an account, or empty."""
    detail: str = field(compare=False, default="")


_OVERDUE_PARTS: Final = 4
"""A due confirmation that waits longer than this part of the challenge period is reported."""
_LOW_CLOCK_PARTS: Final = 4
"""A clock of ours with less than this part of the challenge period left is reported."""
_LAG_PARTS: Final = 20
"""A replay that is further behind than this part of the challenge period is reported."""
_STUBBORN_FAILURES: Final = 3
"""A trace that could not be made so often in a row is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the watchtower itself does.

    Attributes
    ----------
    replay_lag_s : age of the oldest batch that is not replayed
    load_percent : share of time that replaying takes when all lanes are full
    troubles : dispute -> why nothing can be done about it
    failing : jobs that failed the last times, and how often
    """

    replay_lag_s: int = 0
    load_percent: float = 0.0
    troubles: Mapping[Hash32, str] = field(default_factory=dict)
    failing: Mapping[str, int] = field(default_factory=dict)


def find_alerts(
    view: ChainView, known: Knowledge, disputes: Sequence[Standing] = (), condition: Condition | None = None
) -> list[Alert]:
    """Return every condition of this view that an operator should know."""
    alerts: list[Alert] = []
    for assertion in sorted(view.assertions.values(), key=lambda a: (a.to_batch, a.seq, a.id)):
        alerts += _about(view, known, assertion)
    for parent in right_chain(view, known):
        alerts += _about_window(view, known, parent)
    alerts += _about_disputes(view, known, disputes)
    alerts += _about_account(view, known)
    alerts += _about_claims(view, disputes)
    alerts += _about_engines(known)
    alerts += _about_precompiles(view)
    if condition is not None:
        alerts += _about_condition(view, condition)
    return alerts


def _about(view: ChainView, known: Knowledge, assertion: Assertion) -> Iterator[Alert]:
    judgement, subject = known.judgement(assertion.id), hex_of(assertion.id)
    reason = known.verdicts[assertion.id].reason if assertion.id in known.verdicts else "not judged"
    if judgement is Judgement.INVALID and assertion.status is AssertionStatus.CONFIRMED:
        yield Alert(
            severity=Severity.CRITICAL, kind="wrong_assertion_confirmed", subject=subject, detail=reason
        )
    elif judgement is Judgement.INVALID and assertion.status is AssertionStatus.LIVE:
        detail = f"{reason}; {_where(known, assertion)}"
        yield Alert(severity=Severity.ERROR, kind="wrong_assertion", subject=subject, detail=detail)
    elif judgement is Judgement.VALID and assertion.status is AssertionStatus.DEAD:
        yield Alert(severity=Severity.CRITICAL, kind="right_assertion_died", subject=subject, detail=reason)
    elif judgement is Judgement.UNKNOWN and assertion.status is AssertionStatus.LIVE:
        yield Alert(severity=Severity.WARNING, kind="verdict_unknown", subject=subject, detail=reason)
    undecided = view.openings - view.settled.keys()
    is_live = judgement is Judgement.VALID and assertion.status is AssertionStatus.LIVE
    if is_live and any(assertion.id in pair for pair in undecided):
        yield Alert(
            severity=Severity.WARNING,
            kind="right_assertion_contested",
            subject=subject,
            detail="a dispute is open",
        )


def _where(known: Knowledge, assertion: Assertion) -> str:
    wrong = known.verdicts[assertion.id].wrong
    if wrong is None:
        return "below a wrong assertion"
    unit = wrong.named
    if unit is None:
        return "no unit can be named: its leaves are not published"
    offset, within = split_unit(unit)
    return f"first wrong unit {unit} (batch {assertion.from_batch + offset}, unit {within})"


def _about_window(view: ChainView, known: Knowledge, parent: Assertion) -> Iterator[Alert]:
    draft = known.drafts.get(parent.id)
    if draft is None or not parent.child_to:
        return
    closed = view.now >= view.window_end(parent)
    children = view.children(parent.id)
    right = next((child for child in children if child.id == draft.id), None)
    if right is None and closed:
        yield Alert(
            severity=Severity.CRITICAL,
            kind="window_missed",
            subject=hex_of(parent.id),
            detail="only wrong assertions cover its batches and the window is closed",
        )
    if right is None or right.status is not AssertionStatus.LIVE:
        return
    older = [c for c in children if c.seq < right.seq and c.status is AssertionStatus.LIVE]
    if closed and any(not view.is_open(rival, right) for rival in older):
        yield Alert(
            severity=Severity.CRITICAL,
            kind="opening_missed",
            subject=hex_of(right.id),
            detail="an older wrong sibling has no dispute and may kill the right assertion",
        )
    due = max(view.window_end(parent), parent.sole_since + view.airgap_s)
    overdue = view.now >= due + view.challenge_period_s // _OVERDUE_PARTS
    if parent.status is AssertionStatus.CONFIRMED and parent.live_children == 1 and overdue:
        yield Alert(
            severity=Severity.WARNING,
            kind="confirmation_overdue",
            subject=hex_of(right.id),
            detail=f"due since L1 time {due}",
        )


def _about_account(view: ChainView, known: Knowledge) -> Iterator[Alert]:
    if view.me is None:
        return
    stake, subject = view.me.stake, hex_of(view.me.stake.address)
    if stake.is_slashed:
        yield Alert(
            severity=Severity.CRITICAL,
            kind="own_stake_slashed",
            subject=subject,
            detail="use another account; this one can never stake again",
        )
    if stake.amount and known.judgement(stake.tip) is Judgement.INVALID:
        yield Alert(
            severity=Severity.CRITICAL,
            kind="own_stake_on_wrong_assertion",
            subject=subject,
            detail="another program used this key; use another account",
        )
    if not stake.amount and not stake.is_slashed and view.me.balance_wei < view.stake_wei:
        yield Alert(
            severity=Severity.ERROR,
            kind="insufficient_collateral",
            subject=subject,
            detail=f"balance {view.me.balance_wei} wei, one stake is {view.stake_wei} wei",
        )


def _about_disputes(view: ChainView, known: Knowledge, disputes: Sequence[Standing]) -> Iterator[Alert]:
    for winner, loser in lost_by_right(view, known):
        yield Alert(
            severity=Severity.CRITICAL,
            kind="dispute_resolved_against_right",
            subject=hex_of(loser),
            detail=f"a wrong assertion, {hex_of(winner)}, has won",
        )
    for standing in disputes:
        subject, left_s = hex_of(standing.dispute.id), standing.left_s
        if not standing.holds:
            yield Alert(
                severity=Severity.CRITICAL,
                kind="dispute_forecast_lost",
                subject=subject,
                detail="the right side can no longer win it, whatever it does",
            )
        elif left_s is not None and left_s * _LOW_CLOCK_PARTS < view.challenge_period_s:
            yield Alert(
                severity=Severity.CRITICAL,
                kind="clock_low",
                subject=subject,
                detail="less than a quarter of the challenge period is left on a clock of the right side",
            )


def _about_claims(view: ChainView, disputes: Sequence[Standing]) -> Iterator[Alert]:
    for account in sorted({claim.account for claim in view.claims}):
        yield Alert(
            severity=Severity.WARNING,
            kind="credits_unclaimed",
            subject=hex_of(account),
            detail="disputes are over and owe this account something",
        )
    if view.me is None or view.me.stake.is_slashed:
        return
    needed_wei = bonds_needed(view, disputes) * view.terms.bond_wei
    if needed_wei and view.me.balance_wei < needed_wei:
        yield Alert(
            severity=Severity.CRITICAL,
            kind="bond_collateral_missing",
            subject=hex_of(view.me.stake.address),
            detail=f"balance {view.me.balance_wei} wei, commitments take {needed_wei} wei",
        )


def bonds_needed(view: ChainView, disputes: Sequence[Standing]) -> int:
    """Return how many commitments are still to be made that no stake of ours answers for."""
    if view.me is None:
        return 0
    player = view.me.player
    return sum(
        1
        for standing in disputes
        if not standing.has_champion
        and not (
            standing.dispute.assertion(standing.right) in player.staked_on
            and standing.dispute.id not in player.used_free
        )
    )


def _about_engines(known: Knowledge) -> Iterator[Alert]:
    for parent, doubt in sorted(known.doubts.items()):
        yield Alert(
            severity=Severity.CRITICAL,
            kind="engines_disagree",
            subject=hex_of(parent),
            detail=f"about unit {doubt.unit} of batch {doubt.batch}: L1 will decide as the step machine does",
        )


def _about_precompiles(view: ChainView) -> Iterator[Alert]:
    if view.has_broken_precompiles:
        yield Alert(
            severity=Severity.CRITICAL,
            kind="precompiles_broken",
            subject="",
            detail="L1 runs a precompile otherwise than the verifier counts on: withdrawals wait",
        )


def _about_condition(view: ChainView, condition: Condition) -> Iterator[Alert]:
    if condition.replay_lag_s * _LAG_PARTS > view.challenge_period_s:
        yield Alert(
            severity=Severity.ERROR,
            kind="replay_behind",
            subject="",
            detail="the replay is behind by more than a twentieth of the challenge period",
        )
    if condition.load_percent > LIMIT_PERCENT:
        yield Alert(
            severity=Severity.ERROR,
            kind="replay_too_slow",
            subject="",
            detail="full lanes would take more than half of the time to replay: use a faster machine",
        )
    for dispute, reason in sorted(condition.troubles.items()):
        yield Alert(
            severity=Severity.CRITICAL,
            kind="dispute_contradicts_replay",
            subject=hex_of(dispute),
            detail=reason,
        )
    if any(count >= _STUBBORN_FAILURES for count in condition.failing.values()):
        yield Alert(
            severity=Severity.ERROR,
            kind="traces_failing",
            subject="",
            detail="traces cannot be made: the log tells why",
        )


class AlertLog:
    """Says each alert once when it appears and once when it is over."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._active: dict[tuple[str, str], Alert] = {}
        self._kinds: set[str] = set()

    @property
    def active(self) -> list[Alert]:
        """What holds now."""
        return list(self._active.values())

    def update(self, alerts: Iterable[Alert], block: Hash32) -> None:
        """Compare with what was active before; log and count the changes."""
        found = {(alert.kind, alert.subject): alert for alert in alerts}
        for key, alert in found.items():
            before = self._active.get(key)
            if before is None or before.detail != alert.detail:
                self._raise(alert, block)
        for key, alert in self._active.items():
            if key not in found:
                log.info("alert_cleared", alert=alert.kind, subject=alert.subject)
        self._active = found
        self._kinds.update(kind for kind, _ in found)
        for kind in self._kinds:
            self._metrics.gauge("alerts_active", sum(key[0] == kind for key in found), kind=kind)

    def _raise(self, alert: Alert, block: Hash32) -> None:
        write = getattr(log, alert.severity.value)
        write("alert_raised", alert=alert.kind, subject=alert.subject, detail=alert.detail, l1_block=block)
        self._metrics.count("alerts_raised", kind=alert.kind, severity=alert.severity.value)
