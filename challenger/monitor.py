"""One turn of the watchtower: read L1, replay, judge, play, tell, act.

Stateless: each turn starts from L1 at one block. What is kept between turns is a cache, what
is unknown is left alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

import structlog

from challenger.actions import Action
from challenger.alerts import Alert, AlertLog, Condition, Severity, find_alerts
from challenger.defence import Played, play
from challenger.judge import Judge
from challenger.loader import Loader
from challenger.metrics import (
    replay_lag_s,
    report_account,
    report_disputes,
    report_replay,
    report_speed,
    report_verdicts,
)
from challenger.model import ChainView, Judgement, Knowledge
from challenger.policy import Policy
from challenger.right_traces import RightTraces
from challenger.solver import next_actions, right_chain
from challenger.speed import SpeedMeter
from challenger.standing import Standing, standings
from optimistic.protocol.mpt import MissingNode
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock
from optimistic.service.metrics import Metrics
from optimistic.service.storage_errors import CorruptStorage

log = structlog.get_logger(__name__)

T = TypeVar("T")

_Thought = tuple[Knowledge, Played, list[Standing]]

_REPLAY_BUDGET_S: Final = 5.0
"""After this long a turn looks at L1 again, and at whether it is told to stop."""


class Performer(Protocol):
    """Does something about actions: sends them, or only says so."""

    def perform(self, view: ChainView, actions: Sequence[Action]) -> None:
        """Take the actions planned for a view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the last complete turn saw and thought."""

    view: ChainView
    known: Knowledge
    actions: tuple[Action, ...]
    alerts: tuple[Alert, ...]
    disputes: tuple[Standing, ...]
    """Those that are not over and have a right side."""
    n_replayed: int
    """Batches replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorOptions:
    """How a turn works."""

    genesis_end_leaf: Hash32
    policy: Policy
    batches_per_turn: int
    stale_after_s: int
    """Age of L1's newest block from which on the endpoint is suspected to be stuck."""


class Monitor:
    """Runs turns; `turn` is the step of the daemon's loop."""

    def __init__(
        self,
        loader: Loader,
        traces: RightTraces,
        performer: Performer,
        options: MonitorOptions,
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._loader = loader
        self._verifier = traces.verifier
        self._traces = traces
        self._performer = performer
        self._options = options
        self._clock = clock
        self._metrics = metrics
        self._alerts = AlertLog(metrics)
        self._judge = Judge(self._verifier, options.genesis_end_leaf)
        self._meter = SpeedMeter(loader.params, clock)
        self._has_rebuilt = False
        self.findings: Findings | None = None

    def turn(self) -> bool:
        """Do one turn and return whether the next one should follow at once.

        Raises
        ------
        TemporaryError : L1 is not readable or not believable now; nothing was done
        """
        if self._loader.refresh():
            return True
        view = self._loader.view()
        if view is None:
            return False
        thought = self._guarded(lambda: self._think(view))
        if thought is None:
            return True
        known, played, disputes = thought
        self._loader.ignore(_below_wrong(view, known))
        actions = next_actions(view, known, self._options.policy, played.actions)
        self._tell(view, known, actions, played, disputes)
        self._performer.perform(view, actions)
        self._metrics.gauge("highest_acted_l1_block", view.block.number)
        made = self._guarded(self._traces.tend)
        return made is not False or self._is_behind(view)

    def _is_behind(self, view: ChainView) -> bool:
        return self._verifier.problem is None and self._verifier.n_replayed < len(view.batches)

    def _guarded(self, work: Callable[[], T]) -> T | None:
        """Do something with the cache; None if it was damaged and had to be thrown away."""
        problem: MissingNode | CorruptStorage
        try:
            return work()
        except (MissingNode, CorruptStorage) as error:
            if self._has_rebuilt:
                raise
            problem = error
        log.error("replay_cache_damaged", error=str(problem), reaction="replaying from the start")
        self._metrics.count("replay_cache_rebuilds")
        self._has_rebuilt = True
        self._verifier.restart()
        return None

    def _think(self, view: ChainView) -> _Thought | None:
        """Replay what is new, judge and play; None if the engines turned out to disagree about something."""
        self._replay(view)
        judged = self._judge.judge(view)
        traces = self._traces.traces(view, judged)
        places = self._traces.disagreements(view, judged, traces)
        for place in places:
            log.critical("engines_disagree", batch=place.batch, unit=place.unit)
            self._verifier.correct(place)
        if places:
            return None
        known = replace(judged, traces=traces, unchecked=self._traces.unchecked(view, judged))
        self._loader.check_openings(_unopened(view, known))
        return known, play(view, known, self._options.policy), standings(view, known)

    def _replay(self, view: ChainView) -> None:
        start_s = self._clock.monotonic_s()
        self._verifier.follow(view.batches)
        done, seconds = 0, 0.0
        while done < self._options.batches_per_turn and seconds < _REPLAY_BUDGET_S:
            self._meter.start()
            if not self._verifier.advance(self._loader, 1, self._meter.unit):
                break
            done += 1
            seconds = self._clock.monotonic_s() - start_s
        if done:
            self._has_rebuilt = False
            self._metrics.observe("replay_seconds", seconds)
            log.info(
                "batches_replayed",
                count=done,
                n_replayed=self._verifier.n_replayed,
                of=len(view.batches),
                seconds=round(seconds, 3),
            )
            report_speed(self._metrics, self._meter)
        report_replay(self._metrics, view, self._verifier)

    def _tell(
        self,
        view: ChainView,
        known: Knowledge,
        actions: Sequence[Action],
        played: Played,
        disputes: Sequence[Standing],
    ) -> None:
        condition = Condition(
            replay_lag_s=replay_lag_s(view, self._verifier),
            load_percent=self._meter.load_percent(),
            troubles=played.troubles,
            failing=self._traces.failing(),
        )
        alerts = [*find_alerts(view, known, disputes, condition), *self._staleness(view)]
        self._alerts.update(alerts, view.block.hash)
        report_verdicts(self._metrics, view, known)
        report_disputes(self._metrics, view, known, disputes)
        report_account(self._metrics, view, disputes)
        self._metrics.gauge("l1_block", view.block.number)
        before = self.findings
        found = Findings(
            view=view,
            known=known,
            actions=tuple(actions),
            alerts=tuple(self._alerts.active),
            disputes=tuple(disputes),
            n_replayed=self._verifier.n_replayed,
        )
        if before is None or before.view is not view or before != found:
            self.findings = found
            _log_verdicts(None if before is None else before.known, found)

    def _staleness(self, view: ChainView) -> list[Alert]:
        age_s = self._clock.time_s() - view.now
        self._metrics.gauge("l1_head_age_seconds", max(0, age_s))
        if age_s < self._options.stale_after_s:
            return []
        return [
            Alert(
                severity=Severity.ERROR,
                kind="l1_head_stale",
                subject="",
                detail="the newest L1 block is too old: the endpoint may be stuck",
            )
        ]


def _unopened(view: ChainView, known: Knowledge) -> list[tuple[Hash32, Hash32]]:
    """Return the pairs (older, newer) of a live right child and a live rival without a dispute."""
    pairs = []
    for parent in right_chain(view, known):
        live = [child for child in view.children(parent.id) if child.status is AssertionStatus.LIVE]
        right = next((child for child in live if known.is_right(child.id)), None)
        rivals = [] if right is None else [child for child in live if child.id != right.id]
        for rival in rivals:
            assert right is not None, "there are rivals"
            older, newer = sorted((rival, right), key=lambda child: child.seq)
            if not view.is_open(older, newer):
                pairs.append((older.id, newer.id))
    return pairs


def _below_wrong(view: ChainView, known: Knowledge) -> frozenset[Hash32]:
    """Return the assertions below wrong ones: one stake pays for any number of them."""
    wrong = {id_ for id_, verdict in known.verdicts.items() if verdict.judgement is Judgement.INVALID}
    return frozenset(id_ for id_ in wrong if view.assertions[id_].parent in wrong)


def _log_verdicts(before: Knowledge | None, findings: Findings) -> None:
    """Say each verdict that is new or changed."""
    for id_, verdict in findings.known.verdicts.items():
        if before is not None and before.verdicts.get(id_) == verdict:
            continue
        assertion = findings.view.assertions[id_]
        log.info(
            "assertion_judged",
            assertion=id_,
            verdict=verdict.judgement.value,
            reason=verdict.reason,
            from_batch=assertion.from_batch,
            to_batch=assertion.to_batch,
            first_wrong_unit=None if verdict.wrong is None else verdict.wrong.named,
            l1_block=findings.view.block.number,
        )
