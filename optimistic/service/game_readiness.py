"""Whether a move of the game still makes sense in the state after one L1 block.

Somebody else may have made it, a reorganisation may have taken away what it answers to, its clock
may have run out: each is told apart, so that "already done" is success and a lost race is not
mistaken for a bug. The only race in a duel is somebody being faster with the same move: its
successor is unique.
"""

from dataclasses import dataclass
from functools import partial

from optimistic.protocol.commitment import merkle_root, node_hash
from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DuelKey,
    GameAction,
    Move,
    Open,
    ProveStep,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.clocks import is_closed, is_window_open, loser
from optimistic.protocol.dispute.ids import Side, commitment_id, dispute_id, divergence_hash
from optimistic.protocol.dispute.views import Divergence, Life, Stage
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.service.contracts import (
    AssertionChain,
    AssertionState,
    CommitmentState,
    DisputeGame,
    DisputeState,
    DuelState,
)
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import BlockId
from optimistic.service.tx_types import Precondition, Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class GameContracts:
    """The contracts a player writes to, and the account it writes from."""

    game: DisputeGame
    chain: AssertionChain
    account: Address
    challenge_period_s: int

    @property
    def client(self) -> L1Client:
        """The endpoint behind them."""
        return self.game.client


def precondition_of(contracts: GameContracts, action: GameAction) -> Precondition:
    """Return the check that the transaction manager makes before and after sending `action`."""
    return partial(_readiness, contracts, action)


def _readiness(contracts: GameContracts, action: GameAction, at: BlockId) -> Readiness:
    match action:
        case Open():
            return _of_open(contracts, action, at)
        case Move():
            return _of_move(contracts, action, at)
        case Commit():
            return _of_commit(contracts, action, at)
        case Start():
            return _of_start(contracts, action, at)
        case ProveStep():
            return _of_step(contracts, action, at)
        case Timeout():
            return _of_timeout(contracts, action, at)
        case Settle():
            return _of_settle(contracts, action, at)
        case Claim():
            return _of_claim(contracts, action, at)


def _of_open(contracts: GameContracts, action: Open, at: BlockId) -> Readiness:
    if contracts.game.is_open(action.older, action.newer, at=at):
        return Readiness.DONE
    older, newer = _siblings(contracts, action.older, action.newer, at)
    if {older.status, newer.status} != {AssertionStatus.LIVE}:
        return Readiness.LOST
    t0 = contracts.chain.assertion(newer.parent, at=at).t0
    is_open = is_window_open(t0, contracts.challenge_period_s, _now(contracts, at))
    return Readiness.READY if is_open else Readiness.LOST


def _of_move(contracts: GameContracts, action: Move, at: BlockId) -> Readiness:
    key = action.key
    dispute = contracts.game.dispute(key.older, key.newer, at=at).duel
    searching = Stage.WALK if key.commitments is None else Stage.TRACE
    if dispute.stage is not searching:
        is_pinned = dispute.stage is Stage.TRACE
        return Readiness.DONE if is_pinned else _beside(dispute.stage, searching)
    if key.commitments is None:
        return _of_turn(dispute, action, _now(contracts, at))
    if not _are_live(_pair(contracts, key, at)):
        return Readiness.LOST
    return _of_turn(contracts.game.duel(key, at=at), action, _now(contracts, at))


def _of_turn(duel: DuelState, action: Move, now: int) -> Readiness:
    """The successor is unique: a duel that is further down has had this very move."""
    if duel.stage is Stage.NONE or duel.level > action.level:
        return Readiness.NOT_YET
    if duel.level < action.level:
        return Readiness.DONE
    can_move = duel.turn is action.side and now < _expires_at(duel)
    return Readiness.READY if can_move else Readiness.LOST


def _of_commit(contracts: GameContracts, action: Commit, at: BlockId) -> Readiness:
    root = node_hash(action.reveal.end_state, merkle_root(action.reveal.children))
    id_ = commitment_id(dispute_id(action.older, action.newer), action.side, action.depth, root)
    if contracts.game.commitment(action.older, action.newer, id_, at=at).life is not Life.NONE:
        return Readiness.DONE
    dispute = contracts.game.dispute(action.older, action.newer, at=at).duel
    if dispute.stage is not Stage.TRACE:
        return _beside(dispute.stage, Stage.TRACE)
    is_late = is_closed(_left(dispute, action.side), dispute.since, _now(contracts, at))
    if is_late or not _is_at(dispute, action.divergence):
        return Readiness.LOST
    return Readiness.READY if not action.is_free or _has_stake(contracts, action, at) else Readiness.LOST


def _has_stake(contracts: GameContracts, action: Commit, at: BlockId) -> bool:
    sibling = (action.older, action.newer)[action.side]
    chain, account = contracts.chain, contracts.account
    return chain.is_member(sibling, account, at=at) and chain.stake_of(account, at=at).amount_wei > 0


def _of_start(contracts: GameContracts, action: Start, at: BlockId) -> Readiness:
    key = DuelKey(older=action.older, newer=action.newer, commitments=action.commitments)
    if contracts.game.duel(key, at=at).stage is not Stage.NONE:
        return Readiness.DONE
    dispute = contracts.game.dispute(action.older, action.newer, at=at).duel
    if dispute.stage is not Stage.TRACE:
        return _beside(dispute.stage, Stage.TRACE)
    pair = _pair(contracts, key, at)
    if any(commitment.life is Life.NONE for commitment in pair):
        return Readiness.NOT_YET
    is_late = _now(contracts, at) >= _start_deadline(dispute, pair)
    return Readiness.READY if _are_live(pair) and not is_late else Readiness.LOST


def _of_step(contracts: GameContracts, action: ProveStep, at: BlockId) -> Readiness:
    key = action.key
    pair = _pair(contracts, key, at)
    if any(commitment.life is Life.DEAD for commitment in pair):
        return Readiness.DONE
    dispute = contracts.game.dispute(key.older, key.newer, at=at).duel
    if dispute.stage is not Stage.TRACE:
        return _beside(dispute.stage, Stage.TRACE)
    duel = contracts.game.duel(key, at=at)
    if duel.stage is Stage.NONE or duel.level:
        return Readiness.NOT_YET
    return Readiness.READY if _is_at(duel, action.divergence) else Readiness.LOST


def _of_timeout(contracts: GameContracts, action: Timeout, at: BlockId) -> Readiness:
    key = action.key
    dispute = contracts.game.dispute(key.older, key.newer, at=at).duel
    if key.commitments is None:
        if dispute.stage is not Stage.WALK:
            return Readiness.DONE if dispute.stage is Stage.OVER else _beside(dispute.stage, Stage.WALK)
        return _of_clock(_expires_at(dispute), contracts, at)
    pair = _pair(contracts, key, at)
    if any(commitment.life is Life.DEAD for commitment in pair):
        return Readiness.DONE
    if dispute.stage is not Stage.TRACE:
        return _beside(dispute.stage, Stage.TRACE)
    duel = contracts.game.duel(key, at=at)
    is_started = duel.stage is not Stage.NONE
    return _of_clock(_expires_at(duel) if is_started else _start_deadline(dispute, pair), contracts, at)


def _of_clock(expires_at: int, contracts: GameContracts, at: BlockId) -> Readiness:
    """A clock that runs again is no reason to wait: whoever is on turn now may be on our side."""
    return Readiness.READY if _now(contracts, at) >= expires_at else Readiness.LOST


def _of_settle(contracts: GameContracts, action: Settle, at: BlockId) -> Readiness:
    dispute = contracts.game.dispute(action.older, action.newer, at=at)
    if dispute.duel.stage is Stage.NONE:
        return Readiness.NOT_YET
    if dispute.duel.stage is Stage.OVER:
        return Readiness.DONE
    siblings = _siblings(contracts, action.older, action.newer, at)
    is_moot = any(sibling.status is not AssertionStatus.LIVE for sibling in siblings)
    is_decided = is_moot or _has_loser(dispute, _now(contracts, at))
    return Readiness.READY if is_decided else Readiness.NOT_YET


def _has_loser(dispute: DisputeState, now: int) -> bool:
    duel, tally = dispute.duel, dispute.tally
    if duel.stage is not Stage.TRACE:
        return False
    older, newer = (is_closed(_left(duel, side), duel.since, now) for side in Side)
    return loser((older, newer), (tally.live_older, tally.live_newer)) is not None


def _of_claim(contracts: GameContracts, action: Claim, at: BlockId) -> Readiness:
    if contracts.game.dispute(action.older, action.newer, at=at).duel.stage is not Stage.OVER:
        return Readiness.NOT_YET
    return Readiness.READY if contracts.game.claimable(action, at=at) else Readiness.DONE


# ---------------------------------------------------------------------------------- parts


def _beside(stage: Stage, wanted: Stage) -> Readiness:
    """Return what it means that a dispute is before or past the stage that a move needs."""
    return Readiness.NOT_YET if stage < wanted else Readiness.LOST


def _siblings(
    contracts: GameContracts, older: Hash32, newer: Hash32, at: BlockId
) -> tuple[AssertionState, AssertionState]:
    return contracts.chain.assertion(older, at=at), contracts.chain.assertion(newer, at=at)


def _pair(contracts: GameContracts, key: DuelKey, at: BlockId) -> tuple[CommitmentState, CommitmentState]:
    assert key.commitments is not None, "a walk has no commitments"
    older, newer = (contracts.game.commitment(key.older, key.newer, id_, at=at) for id_ in key.commitments)
    return older, newer


def _are_live(pair: tuple[CommitmentState, CommitmentState]) -> bool:
    return all(commitment.life is Life.LIVE for commitment in pair)


def _is_at(duel: DuelState, divergence: Divergence) -> bool:
    return duel.divergence == divergence_hash(divergence.pre, divergence.nodes)


def _left(duel: DuelState, side: Side) -> int:
    return duel.left_older if side is Side.OLDER else duel.left_newer


def _expires_at(duel: DuelState) -> int:
    return duel.since + _left(duel, duel.turn)


def _start_deadline(dispute: DuelState, pair: tuple[CommitmentState, CommitmentState]) -> int:
    """Return when the newer of two commitments can no longer start their duel."""
    newer = max(pair, key=lambda commitment: commitment.no)
    return dispute.since + _left(dispute, newer.side)


def _now(contracts: GameContracts, at: BlockId) -> int:
    return contracts.client.header(at).timestamp
