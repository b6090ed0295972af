"""One view and its verdicts as numbers; names follow op-dispute-mon where they mean the same.

The prefix `challenger_` is added by the registry.
"""

from collections import Counter
from collections.abc import Sequence

from challenger.alerts import bonds_needed
from challenger.model import ChainView, Judgement, Knowledge
from challenger.speed import SpeedMeter
from challenger.standing import Standing, count_duels, lost_by_right, own_bonds
from challenger.verifier import Verifier
from optimistic.protocol.records import AssertionStatus
from optimistic.service.metrics import Metrics

_STATUSES = {
    AssertionStatus.LIVE: "live",
    AssertionStatus.DEAD: "dead",
    AssertionStatus.CONFIRMED: "confirmed",
}


def report_replay(metrics: Metrics, view: ChainView, verifier: Verifier) -> None:
    """Report how far the replay is behind L1."""
    behind = len(view.batches) - verifier.n_replayed
    metrics.gauge("batches_total", len(view.batches))
    metrics.gauge("batches_replayed", verifier.n_replayed)
    metrics.gauge("replay_lag_batches", behind)
    metrics.gauge("challenge_period_seconds", view.challenge_period_s)
    metrics.gauge("replay_lag_seconds", replay_lag_s(view, verifier))
    if view.batches:
        metrics.gauge("last_batch_age_seconds", view.now - view.batches[-1].l1_timestamp)


def replay_lag_s(view: ChainView, verifier: Verifier) -> int:
    """Return the age of the oldest batch that is not replayed."""
    if verifier.n_replayed >= len(view.batches):
        return 0
    return max(0, view.now - view.batches[verifier.n_replayed].l1_timestamp)


def report_verdicts(metrics: Metrics, view: ChainView, known: Knowledge) -> None:
    """Report what is right, wrong and unknown, what verdicts rest on, and how long anything waits."""
    counts = Counter((known.judgement(a.id), a.status) for a in view.assertions.values())
    for judgement in Judgement:
        for status, name in _STATUSES.items():
            metrics.gauge(
                "assertions_agreement", counts[judgement, status], verdict=judgement.value, status=name
            )
    valid = [a.to_batch for a in view.assertions.values() if known.judgement(a.id) is Judgement.VALID]
    metrics.gauge("latest_valid_assertion_batch", max(valid, default=0))
    confirmed = view.assertions[view.latest_confirmed]
    metrics.gauge("latest_confirmed_batch", confirmed.to_batch)
    waiting = view.now - confirmed.t0 if confirmed.child_to else 0
    metrics.gauge("oldest_unconfirmed_age_seconds", max(0, waiting))
    metrics.gauge("disputes_open", _live_openings(view))
    metrics.gauge("engines_disagree", len(known.doubts))
    metrics.gauge("precompiles_broken", int(view.has_broken_precompiles))
    waiting_s = 0 if view.waiting_since is None else max(0, view.now - view.waiting_since)
    metrics.gauge("forced_inclusion_queue_age_seconds", waiting_s)


def report_disputes(
    metrics: Metrics, view: ChainView, known: Knowledge, disputes: Sequence[Standing]
) -> None:
    """Report how the disputes of right assertions stand and how those that are over ended."""
    duels = count_duels(disputes, view.now)
    for state in ("open", "my_turn", "their_turn", "expired_unclaimed"):
        metrics.gauge("duels", getattr(duels, state), state=state)
    lost = len(lost_by_right(view, known))
    won = sum(1 for winner in view.settled.values() if winner is not None and known.is_right(winner))
    held = sum(1 for standing in disputes if standing.holds)
    for completion, correct, incorrect in (
        ("in_progress", held, len(disputes) - held),
        ("complete", won, lost),
    ):
        metrics.gauge("games_agreement", correct, completion=completion, result_correctness="correct")
        metrics.gauge("games_agreement", incorrect, completion=completion, result_correctness="incorrect")
    metrics.gauge("tracked_games", len(view.disputes))
    metrics.gauge("inflight_games", len(disputes))
    metrics.gauge("forecast_unexpected", len(disputes) - held)
    metrics.gauge("claims_resolved_against_honest", lost)
    running = [standing.left_s for standing in disputes if standing.left_s is not None]
    metrics.gauge("honest_clock_left_min_seconds", min(running, default=view.challenge_period_s))


def report_account(metrics: Metrics, view: ChainView, disputes: Sequence[Standing]) -> None:
    """Report what the own account has and still needs, in wei."""
    if view.me is None:
        return
    stake = view.me.stake
    bonds_wei = bonds_needed(view, disputes) * view.terms.bond_wei
    metrics.gauge("honest_actor_balance_wei", view.me.balance_wei)
    metrics.gauge("honest_actor_bonds_wei", stake.amount)
    metrics.gauge("bond_collateral_required_wei", bonds_wei + (0 if stake.amount else view.stake_wei))
    metrics.gauge("bond_collateral_available_wei", view.me.balance_wei)
    metrics.gauge("credits", view.claimable_wei, state="withdrawable")
    metrics.gauge("credits", own_bonds(view) * view.terms.bond_wei, state="locked")


def report_speed(metrics: Metrics, meter: SpeedMeter) -> None:
    """Report how fast each lane is replayed, and what that means for full lanes."""
    for lane, gas_per_s in meter.speeds().items():
        metrics.gauge("replay_gas_per_second", gas_per_s, lane=lane)
    metrics.gauge("replay_load_percent", meter.load_percent())


def _live_openings(view: ChainView) -> int:
    live = {a.id for a in view.assertions.values() if a.status is AssertionStatus.LIVE}
    return sum(older in live and newer in live for older, newer in view.openings)
