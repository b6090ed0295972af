"""One view and its verdicts as numbers; names follow op-dispute-mon where they mean the same.

The prefix `challenger_` is added by the registry.
"""

from collections import Counter

from challenger.model import ChainView, Judgement, Knowledge, Status
from challenger.verifier import Verifier
from optimistic.service.metrics import Metrics

_STATUSES = {Status.LIVE: "live", Status.DEAD: "dead", Status.CONFIRMED: "confirmed"}


def report_replay(metrics: Metrics, view: ChainView, verifier: Verifier) -> None:
    """Report how far the replay is behind L1."""
    behind = len(view.batches) - verifier.n_replayed
    oldest = view.batches[verifier.n_replayed].l1_timestamp if behind else view.now
    metrics.gauge("batches_total", len(view.batches))
    metrics.gauge("batches_replayed", verifier.n_replayed)
    metrics.gauge("replay_lag_batches", behind)
    metrics.gauge("replay_lag_seconds", max(0, view.now - oldest))
    if view.batches:
        metrics.gauge("last_batch_age_seconds", view.now - view.batches[-1].l1_timestamp)


def report_verdicts(metrics: Metrics, view: ChainView, known: Knowledge) -> None:
    """Report what is right, wrong and unknown, and how old the oldest undecided assertion is."""
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


def report_account(metrics: Metrics, view: ChainView) -> None:
    """Report what the own account has and still needs, in wei."""
    if view.me is None:
        return
    stake = view.me.stake
    metrics.gauge("honest_actor_balance_wei", view.me.balance_wei)
    metrics.gauge("honest_actor_bonds_wei", stake.amount)
    metrics.gauge("bond_collateral_required_wei", 0 if stake.amount else view.stake_wei)
    metrics.gauge("bond_collateral_available_wei", view.me.balance_wei)


def _live_openings(view: ChainView) -> int:
    live = {a.id for a in view.assertions.values() if a.status is Status.LIVE}
    return sum(older in live and newer in live for older, newer in view.openings)
