"""The operator's choices; none of them is consensus."""

from dataclasses import dataclass
from enum import StrEnum


class BackPolicy(StrEnum):
    """When to put the stake behind a right assertion of somebody else."""

    CONTESTED = "contested"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the solver asks the operator."""

    back: BackPolicy = BackPolicy.CONTESTED
    assert_after_s: int
    """Age at which batches nobody asserted get an assertion from us."""
    max_delay_s: int = 300
    """Honest watchers spread what is not urgent over this time, by address."""
    urgent_s: int = 43_200
    """With less time than this left, nothing is delayed."""
    release_stake: bool = True
    """Withdraw the stake when nothing needs it."""
    response_delay_s: int = 0
    """Pause before each answer in a dispute, for people to look at it; none with half of the clock used."""
    response_delay_after: int = 0
    """The pause is made only once a walk or a duel was narrowed down by this many levels."""
