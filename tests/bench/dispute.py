"""Whole disputes on anvil: moves, gas, calldata, capital and duration, beside those of other rollups.

The one who is right is the newer sibling: he has to open, which is the dearer side. Both sides
play as well as they can; what is counted begins when both assertions are there.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from optimistic.protocol.dispute.actions import Commit, Move, Open, ProveStep, Start
from optimistic.protocol.dispute.views import DisputeView, Stage
from optimistic.protocol.records import AssertionStatus
from scripts.staging.liar import Liar, Played, WrongDraft
from scripts.staging.lies import Fault, LyingTraces, StepLie, UnitLie
from scripts.staging.strategies import LAST_SECOND_S, STRATEGIES
from tests.bench.dispute_stage import HONEST, LIAR, PERIOD_S, DisputeStage, signer_of
from tests.bench.peers import DISPUTES

ARITIES: Final = {2: 1, 32: 5}
ATTACKERS: Final = 50
MAX_TURNS: Final = 80
_MOVES: Final = (Open, Commit, Start, Move, ProveStep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which step of which transaction is lied about."""

    case: str
    step: int


def measure() -> dict[str, Any]:
    """Run the whole section: every case, arity and way of publishing."""
    rows = [row for arity in ARITIES for row in _rows_of(arity)]
    return {"cpus": os.cpu_count(), "rows": rows, "peer_disputes": list(DISPUTES)}


def _rows_of(arity: int) -> Iterator[dict[str, Any]]:
    with TemporaryDirectory() as folder, DisputeStage(ARITIES[arity], Path(folder)) as stage:
        duration_t = _longest_duration(stage)
        for place in _places(stage):
            for is_published in (True, False):
                yield {
                    "case": place.case,
                    "arity": arity,
                    "leaves": "published" if is_published else "withheld",
                    **_play(stage, place, is_published=is_published),
                    "max_duration_T": duration_t,
                }


def _places(stage: DisputeStage) -> Iterator[Place]:
    """Yield the middle step of a transfer and of a swap, and a step that hashes a whole chunk."""
    for case in ("erc20", "swap"):
        yield Place(case=case, step=stage.n_steps(case) // 2)
    yield Place(case="worst", step=stage.first_sub_step("worst"))


# ---------------------------------------------------------------------------------- one dispute


def _play(stage: DisputeStage, place: Place, *, is_published: bool) -> dict[str, Any]:
    stage.rewind()
    fault = Fault(
        unit=stage.units[place.case], unit_lie=UnitLie.RESULT, step=place.step, step_lie=StepLie.FALSE
    )
    lie = WrongDraft.about(stage.draft, stage.right, fault)
    lie.post(stage.eyes, signer_of(LIAR))
    publishing = stage.gas_of(lambda: lie.publish(stage.eyes, signer_of(LIAR))) if is_published else 0
    honest = join_right(stage)
    liar = Liar(stage.eyes, signer_of(LIAR), lie.draft.id, lie.traces)
    spent = stage.balance(HONEST)
    started = time.monotonic()
    _fight(stage, honest, liar)
    seconds = time.monotonic() - started
    stage.skip_to(stage.t0() + 2 * PERIOD_S)
    for _ in range(4):  # settle, then claim
        honest.turn()
    _check(stage, lie)
    moves = [played for played in (*honest.played, *liar.played) if isinstance(played.action, _MOVES)]
    steps = [played for played in moves if isinstance(played.action, ProveStep)]
    return {
        "step": place.step,
        "moves": len(moves),
        "honest_txs": len(honest.played),
        "honest_gas": _gas(honest.played),
        "total_gas": _gas(honest.played) + _gas(liar.played),
        "honest_calldata": stage.calldata_of(played.receipt for played in honest.played),
        "liar_calldata": stage.calldata_of(played.receipt for played in liar.played),
        "step_gas": _gas(steps),
        "publishing_gas": publishing,
        "honest_capital_wei": stage.deployment.params.stake_wei + _bonds(honest.played),
        "honest_gain_wei": stage.balance(HONEST) - spent,
        "seconds": round(seconds, 2),
    }


def join_right(stage: DisputeStage) -> Liar:
    """The one who is right posts; he plays with the same solver, on true trees."""
    own = stage.own_units()
    truth = WrongDraft(draft=stage.draft, units=own, traces=LyingTraces(stage.right, own, Fault()))
    truth.post(stage.eyes, signer_of(HONEST))
    return Liar(stage.eyes, signer_of(HONEST), stage.draft.id, stage.right)


def _fight(stage: DisputeStage, honest: Liar, liar: Liar) -> None:
    """Let both move until a step was executed."""
    for _ in range(MAX_TURNS):
        honest.turn()
        if any(isinstance(played.action, ProveStep) for played in honest.played):
            return
        liar.turn()
    raise RuntimeError("the dispute did not come to a step")


def _check(stage: DisputeStage, lie: WrongDraft) -> None:
    """Raise unless the right assertion outlived the lie: nothing else is worth a number."""
    found = [stage.chain.assertion(id_, at="latest").status for id_ in (stage.draft.id, lie.draft.id)]
    if found != [AssertionStatus.LIVE, AssertionStatus.DEAD]:
        raise RuntimeError(f"the right assertion is {found[0].name}, the lie {found[1].name}")


def _gas(played: Iterable[Played]) -> int:
    return sum(one.receipt.gas_used for one in played)


def _bonds(played: Iterable[Played]) -> int:
    return sum(one.action.bond_wei for one in played if isinstance(one.action, Commit))


# ---------------------------------------------------------------------------------- many, and slow


def _longest_duration(stage: DisputeStage) -> float:
    """Return how many T it takes to be rid of 50 attackers who stall wherever they can.

    Half of them come first, the others in the last seconds. Time jumps from deadline to
    deadline: to the last moment at which a stalling attacker can still move, and to the first at
    which his clock has run out. The one who is right answers at once.
    """
    stage.rewind()
    numbers = range(LIAR, LIAR + ATTACKERS)
    liars = [_join_stalling(stage, number) for number in numbers[::2]]
    honest = join_right(stage)
    _answer(stage, honest)
    t0 = stage.t0()
    stage.skip_to(t0 + PERIOD_S - 4 * ATTACKERS)
    liars += [_join_stalling(stage, number) for number in numbers[1::2]]
    while stage.live_children() > 1:
        _let_pass(stage, honest, liars)
    return round((stage.now - t0) / PERIOD_S, 4)


def _join_stalling(stage: DisputeStage, number: int) -> Liar:
    """A liar of his own posts, and fights nobody but the one who is right."""
    fault = Fault(
        unit=stage.units["erc20"] - number % 3,
        step=0 if number % 4 < 2 else None,
        salt=number.to_bytes(2, "big"),
    )
    lie = WrongDraft.about(stage.draft, stage.right, fault)
    lie.post(stage.eyes, signer_of(number))
    liar = Liar(stage.eyes, signer_of(number), lie.draft.id, lie.traces, strategy=STRATEGIES["last-second"])
    liar.rivals = frozenset([stage.draft.id])
    return liar


def _let_pass(stage: DisputeStage, honest: Liar, liars: list[Liar]) -> None:
    """Go to the next deadline: attackers move just before it."""
    look = stage.eyes.look(signer_of(HONEST).address)
    now = look.block.timestamp
    ends = [end for view in look.disputes for end in _deadlines(view) if end > now]
    ends += [end for end in (stage.t0() + PERIOD_S,) if end > now]
    if not ends:
        raise RuntimeError("attackers are left, but no clock runs")
    stage.skip_to(min(ends) - LAST_SECOND_S)
    for liar in liars:
        liar.turn()
    _answer(stage, honest)
    stage.skip_to(min(ends))
    _answer(stage, honest)


def _answer(stage: DisputeStage, honest: Liar) -> None:
    """Do all there is to do for the one who is right."""
    while honest.turn():
        pass
    stage.kill_unopened(HONEST)


def _deadlines(view: DisputeView) -> Iterator[int]:
    """Yield when something of a dispute runs out."""
    if view.stage is Stage.WALK:
        yield view.walk.clocks.expires_at
    elif view.stage is Stage.TRACE:
        left = view.walk.clocks.left
        yield from (view.walk.clocks.since + seconds for seconds in left)
        yield from (duel.clocks.expires_at for duel in view.duels.values() if duel.stage is Stage.TRACE)
