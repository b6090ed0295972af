"""The lies that can be staged, by name: what is wrong, where, and how the liar plays."""

from dataclasses import dataclass
from typing import Final

from scripts.staging.faults import Lie
from scripts.staging.forged_settlement import SKIPPED_MARGIN_CHECK, WORSE_FILL, WRONG_LIQUIDATION, Forgery
from scripts.staging.lies import StepLie, UnitLie


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of lie.

    Attributes
    ----------
    help : what it is, for people
    unit_lie, step_lie : what is wrong with the two trees
    engine_lie : what a transaction did falsely, if the wrong states are those of a false execution
    forgery : the same, of a transaction of settlement; instead of `engine_lie` and `place`
    place : of the first wrong unit, unless told otherwise; see `Insider.target`
    sabotages : whether a second account commits to wrong traces for the right side
    is_late : whether it is posted in the last seconds of the window
    count : accounts that tell it, each a little differently
    strategy : see `STRATEGIES`
    """

    help: str
    unit_lie: UnitLie = UnitLie.RESULT
    step_lie: StepLie = StepLie.FALSE
    engine_lie: Lie | None = None
    forgery: Forgery | None = None
    place: str = "newest"
    sabotages: bool = False
    is_late: bool = False
    count: int = 1
    strategy: str = "plays"


_ENGINE_HELP: Final = {
    Lie.CREDIT: "the sender of a transaction gets ether from nowhere",
    Lie.NONCE: "the sender's nonce rises once too often",
    Lie.GAS: "a receipt names one gas more than was used",
    Lie.STATUS: "success is reported as failure, failure as success",
    Lie.LOGS: "a receipt hides a log, or has one that nobody emitted",
}

SCENARIOS: Final = {
    **{lie.value: Scenario(help=_ENGINE_HELP[lie], engine_lie=lie) for lie in Lie},
    "skipped-margin-check": Scenario(
        help="a trade settles that its margin check refuses", forgery=SKIPPED_MARGIN_CHECK
    ),
    "worse-fill": Scenario(help="a fill costs a thousand more than was signed", forgery=WORSE_FILL),
    "wrong-liquidation": Scenario(help="a healthy account is liquidated", forgery=WRONG_LIQUIDATION),
    "step": Scenario(help="states are invented from one step on"),
    "once": Scenario(help="one unit ends falsely, all others are right", unit_lie=UnitLie.ONCE),
    "padding": Scenario(help="a false state behind the last unit of a batch", place="padding"),
    "extra-unit": Scenario(help="a unit too many", unit_lie=UnitLie.EXTRA, place="first"),
    "missing-unit": Scenario(help="a unit too few", unit_lie=UnitLie.MISSING),
    "extra-step": Scenario(help="a step too many", step_lie=StepLie.EXTRA),
    "missing-step": Scenario(help="a step too few", step_lie=StepLie.MISSING),
    "end-state": Scenario(help="right units below a node with a false end state", unit_lie=UnitLie.END_STATE),
    "step-end-state": Scenario(
        help="right steps below a node with a false end state", step_lie=StepLie.END_STATE
    ),
    "zero": Scenario(help="every unit ends in zero", unit_lie=UnitLie.ZERO, step_lie=StepLie.ZERO),
    "sabotage": Scenario(help="besides, wrong traces are given for the right side", sabotages=True),
    "silent": Scenario(help="a rival that never answers", strategy="silent"),
    "last-second": Scenario(help="every clock runs until almost nothing is left", strategy="last-second"),
    "random": Scenario(help="moves at random, partly nonsense", strategy="random"),
    "late": Scenario(help="a rival in the last seconds of the window", is_late=True),
    "sybils": Scenario(help="five accounts, each with a lie of its own", count=5),
}
