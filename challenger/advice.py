"""What to do instead: advice for each refusal of the contracts that a person may run into."""

from typing import Final

from optimistic.protocol.errors import InvalidInput
from optimistic.service.contract import NamedRevert, explain_revert
from optimistic.service.l1_errors import ContractReverted

_LOOK_AGAIN: Final = "L1 has changed since this was planned: look again with `challenger show`"

ADVICE: Final = {
    "AirgapOpen": "wait for the end of the airgap; `challenger show` names it",
    "AlreadyOpen": "the dispute is open already: `challenger move` plays it",
    "AssertionExists": "somebody asserted the same: `challenger back` puts a stake behind it",
    "ClockExpired": "the clock of the side on turn ran out: `challenger timeout` ends it",
    "ClockRunning": "no clock ran out yet: `challenger show` tells when it does",
    "CommitmentExists": "the same commitment is there: moves for it count for it, whoever made it",
    "CommitmentNotLive": "that commitment is dead or unknown: `challenger commitments` lists those that live",
    "DisputeOpen": "a dispute decides between the two: `challenger show` tells where it stands",
    "InvalidDivergenceProof": _LOOK_AGAIN,
    "InvalidReveal": _LOOK_AGAIN,
    "NoFreeCommitment": "no stake there, or its free commitment is used: pay the bond (--bond)",
    "NoStake": "there is no stake to take or to return",
    "NotDead": "only stakes on dead assertions are slashed, and only children of dead ones marked",
    "NotLive": "the assertion is dead, confirmed or unknown: `challenger assertions` tells",
    "NotLiveSiblings": "they must be live children of one parent, the older one first",
    "NotMember": "the account never staked on that assertion",
    "NotOnTurn": "somebody moved before: look again with `challenger show`",
    "NotSiblings": "they must be children of one parent, the older one first",
    "ParentNotAlive": "its parent is dead: nothing below it counts",
    "ParentNotConfirmed": "its parent has to be confirmed first",
    "RivalsAlive": "siblings are alive: win the disputes with them first",
    "StakeElsewhere": "the stake lies elsewhere until its assertion is confirmed: use another account",
    "StakerSlashed": "this account lost its stake and can never stake again: use another one",
    "Undecided": "not decided yet: `challenger show` tells which windows are open and what comes next",
    "WindowClosed": "the challenge period is over: nothing new can be asserted or opened there",
    "WindowOpen": "wait until then; it is the `windowEnd` of the parent in `challenger show`",
    "WrongDivergence": _LOOK_AGAIN,
    "WrongStage": "the dispute is at another stage: `challenger show` tells what comes next",
    "WrongStake": "an account without a stake pays exactly one, others pay nothing: look again",
    "NotEnoughGas": "the step calls a precompile that needs more gas than L1 allows: see the runbook",
    "PrecompileBroken": "L1 runs a precompile in another way than the verifier counts on: see the runbook",
}
"""Name of a Solidity error -> what the person should do."""


class Refused(InvalidInput):
    """L1 would refuse it; nothing was sent."""


def refusal(error: ContractReverted) -> Refused:
    """Return a revert with what to do about it."""
    explained = explain_revert(error)
    advice = ADVICE.get(explained.name) if isinstance(explained, NamedRevert) else None
    return Refused(f"L1 would refuse it: {explained}" + ("" if advice is None else f"; {advice}"))
