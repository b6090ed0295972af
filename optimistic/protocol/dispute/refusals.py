"""What the contracts refuse, by the names of their errors; for proofs and reveals see `divergence`.

Twins: solidity/src/interfaces/IDisputeGame.sol, solidity/src/interfaces/IAssertionChain.sol
"""

from optimistic.protocol.errors import InvalidInput


class Refused(InvalidInput):
    """A call that the contracts revert; nothing has changed."""


class NotLiveSiblings(Refused):
    """The two are not live children of one parent in this order of age."""


class AlreadyOpen(Refused):
    """There already is a dispute between the two."""


class WindowClosed(Refused):
    """The window has closed."""


class WrongStage(Refused):
    """The dispute or duel is not in the stage the call needs."""


class NotOnTurn(Refused):
    """Another side is on turn, or the level is another one: somebody moved before."""


class ClockExpired(Refused):
    """The clock of the side on turn ran out."""


class ClockRunning(Refused):
    """No clock of the duel ran out yet."""


class WrongDivergence(Refused):
    """The agreed state or the nodes are not those of the duel."""


class InvalidDepth(Refused):
    """A depth no trace has."""


class CommitmentExists(Refused):
    """The same commitment is already there."""


class CommitmentNotLive(Refused):
    """No such commitment, or it is dead."""


class WrongBond(Refused):
    """A commitment needs exactly the bond; a free one needs none."""


class NoFreeCommitment(Refused):
    """The caller has no stake on that sibling, or has used its free commitment."""


class Undecided(Refused):
    """The dispute cannot be settled yet."""


class NotLive(Refused):
    """No such assertion, or not in the state the call needs."""


class NotDead(Refused):
    """The assertion is not dead."""


class ParentNotAlive(Refused):
    """The parent is dead or unknown."""


class ParentNotConfirmed(Refused):
    """The parent is not confirmed."""


class AssertionExists(Refused):
    """The same content was asserted before."""


class WindowOpen(Refused):
    """The window is still open."""


class RivalsAlive(Refused):
    """Other children of the parent are alive."""


class AirgapOpen(Refused):
    """The airgap is not over."""


class WrongStake(Refused):
    """The call needs exactly another value."""


class StakeElsewhere(Refused):
    """The stake lies on another branch."""


class StakerSlashed(Refused):
    """The account lost its stake and can never stake again."""


class NoStake(Refused):
    """The account has no stake here."""


class NotMember(Refused):
    """The account never staked on the assertion."""


class NotSiblings(Refused):
    """The two are not children of one parent, or not in this order of age."""


class DisputeOpen(Refused):
    """A dispute decides between the two."""
