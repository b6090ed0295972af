"""Whether an action still makes sense in the state after one block.

Another watcher may have done it, a reorganisation may have taken away what it rests on, its
window may have closed: each is told apart, so that "already done" is success and a lost race
is not mistaken for a bug.
"""

from dataclasses import dataclass
from functools import partial

from challenger.actions import (
    Action,
    AssertBatches,
    AssertionAction,
    Back,
    Confirm,
    KillUnopened,
    MarkDead,
    Slash,
    WithdrawStake,
)
from optimistic.protocol.dispute.actions import GameAction
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.service import game_readiness
from optimistic.service.contracts import AssertionChain, AssertionState, DisputeGame, Inbox
from optimistic.service.game_readiness import GameContracts
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import BlockId
from optimistic.service.tx_types import Precondition, Readiness

_ALIVE = (AssertionStatus.LIVE, AssertionStatus.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """The contracts a watchtower writes to, and the account it writes from."""

    client: L1Client
    inbox: Inbox
    chain: AssertionChain
    game: DisputeGame
    account: Address
    challenge_period_s: int

    @property
    def of_game(self) -> GameContracts:
        """Those that a player of the dispute game needs."""
        return GameContracts(
            game=self.game,
            chain=self.chain,
            account=self.account,
            challenge_period_s=self.challenge_period_s,
        )


def precondition_of(contracts: Contracts, action: Action) -> Precondition:
    """Return the check that the transaction manager makes before and after sending `action`."""
    if isinstance(action, GameAction):
        return game_readiness.precondition_of(contracts.of_game, action)
    return partial(_readiness, contracts, action)


def _readiness(contracts: Contracts, action: AssertionAction, at: BlockId) -> Readiness:
    match action:
        case AssertBatches():
            return _of_assert(contracts, action, at)
        case Back():
            return _of_back(contracts, action, at)
        case KillUnopened():
            return _of_kill(contracts, action, at)
        case Confirm():
            return _of_confirm(contracts, action, at)
        case MarkDead():
            return _of_mark_dead(contracts, action, at)
        case Slash():
            amount = contracts.chain.stake_of(action.staker, at=at).amount_wei
            dead = contracts.chain.assertion(action.assertion, at=at).status is AssertionStatus.DEAD
            return Readiness.DONE if not amount else Readiness.READY if dead else Readiness.LOST
        case WithdrawStake():
            return _of_withdraw(contracts, at)


def _of_assert(contracts: Contracts, action: AssertBatches, at: BlockId) -> Readiness:
    draft, chain = action.draft, contracts.chain
    if chain.assertion(draft.id, at=at).status is not AssertionStatus.NONE:
        return Readiness.DONE
    parent = chain.assertion(draft.parent, at=at)
    if parent.status not in _ALIVE or parent.child_to not in (0, draft.to_batch):
        return Readiness.LOST
    if parent.children and _now(contracts, at) >= parent.t0 + contracts.challenge_period_s:
        return Readiness.LOST
    if contracts.inbox.acc(draft.to_batch - 1, at=at) != draft.acc:
        return Readiness.LOST
    return _stake_readiness(contracts, draft.parent, action.stake_wei, at)


def _of_back(contracts: Contracts, action: Back, at: BlockId) -> Readiness:
    if contracts.chain.is_member(action.assertion, contracts.account, at=at):
        return Readiness.DONE
    state = contracts.chain.assertion(action.assertion, at=at)
    if state.status is not AssertionStatus.LIVE:
        return Readiness.LOST
    return _stake_readiness(contracts, state.parent, action.stake_wei, at)


def _stake_readiness(contracts: Contracts, parent: Hash32, stake_wei: int, at: BlockId) -> Readiness:
    """Whether the stake is where it can roll onto a child of `parent` for this payment."""
    stake = contracts.chain.stake_of(contracts.account, at=at)
    if bool(stake.amount_wei) == bool(stake_wei):
        return Readiness.LOST
    if not stake.amount_wei or stake.tip == parent:
        return Readiness.READY
    is_free = contracts.chain.assertion(stake.tip, at=at).status is AssertionStatus.CONFIRMED
    return Readiness.READY if is_free else Readiness.NOT_YET


def _of_kill(contracts: Contracts, action: KillUnopened, at: BlockId) -> Readiness:
    older, newer = _pair(contracts, action.older, action.newer, at)
    if newer.status is AssertionStatus.DEAD:
        return Readiness.DONE
    if older.status is not AssertionStatus.LIVE or newer.status is not AssertionStatus.LIVE:
        return Readiness.LOST
    if contracts.game.is_open(action.older, action.newer, at=at):
        return Readiness.LOST
    parent = contracts.chain.assertion(newer.parent, at=at)
    too_early = _now(contracts, at) < parent.t0 + contracts.challenge_period_s
    return Readiness.NOT_YET if too_early else Readiness.READY


def _of_confirm(contracts: Contracts, action: Confirm, at: BlockId) -> Readiness:
    state = contracts.chain.assertion(action.assertion, at=at)
    if state.status is AssertionStatus.CONFIRMED:
        return Readiness.DONE
    if state.status is not AssertionStatus.LIVE:
        return Readiness.LOST
    parent = contracts.chain.assertion(state.parent, at=at)
    ready = parent.status is AssertionStatus.CONFIRMED and parent.live_children == 1
    return Readiness.READY if ready else Readiness.LOST


def _of_mark_dead(contracts: Contracts, action: MarkDead, at: BlockId) -> Readiness:
    state = contracts.chain.assertion(action.assertion, at=at)
    if state.status is AssertionStatus.DEAD:
        return Readiness.DONE
    parent_dead = contracts.chain.assertion(state.parent, at=at).status is AssertionStatus.DEAD
    return Readiness.READY if parent_dead and state.status is AssertionStatus.LIVE else Readiness.LOST


def _of_withdraw(contracts: Contracts, at: BlockId) -> Readiness:
    stake = contracts.chain.stake_of(contracts.account, at=at)
    if not stake.amount_wei:
        return Readiness.DONE
    is_free = contracts.chain.assertion(stake.tip, at=at).status is AssertionStatus.CONFIRMED
    return Readiness.READY if is_free else Readiness.LOST


def _pair(
    contracts: Contracts, older: Hash32, newer: Hash32, at: BlockId
) -> tuple[AssertionState, AssertionState]:
    return contracts.chain.assertion(older, at=at), contracts.chain.assertion(newer, at=at)


def _now(contracts: Contracts, at: BlockId) -> int:
    return contracts.client.header(at).timestamp
