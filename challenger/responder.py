"""Turns actions into L1 transactions, each effect once, within the operator's budget."""

from collections.abc import Sequence
from typing import Final

import structlog

from challenger.actions import (
    Action,
    AssertBatches,
    Back,
    Confirm,
    KillUnopened,
    MarkDead,
    Slash,
    WithdrawStake,
)
from challenger.model import ChainView
from challenger.preconditions import Contracts, precondition_of
from challenger.standing import own_bonds
from challenger.store import Store
from optimistic.protocol.dispute.actions import Claim, Commit, GameAction, ProveStep, Settle, Timeout
from optimistic.service import game_calls
from optimistic.service.effect_keys import EffectKeys
from optimistic.service.l1_types import Call
from optimistic.service.metrics import Metrics
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import IdempotencyConflict, TxRequest

log = structlog.get_logger(__name__)

_GAS_BOUND: Final = 400_000
"""No action about assertions takes more gas; what the budget reserves for each."""
_DEFENCE_GAS: Final = 10_000_000
"""Stays affordable: the right assertion, and a dispute about it from the opening to the executed step."""


def call_of(contracts: Contracts, action: Action) -> Call:
    """Return the message that performs an action."""
    if isinstance(action, GameAction):
        return game_calls.call_of(contracts.game, action)
    chain = contracts.chain
    match action:
        case AssertBatches(draft=draft):
            return chain.assert_call(
                parent=draft.parent,
                to_batch=draft.to_batch,
                expected_acc=draft.acc,
                roots=(draft.unit_root, draft.end_leaf, draft.children_root),
                stake_wei=action.stake_wei,
            )
        case Back():
            return chain.back_call(action.assertion, stake_wei=action.stake_wei)
        case KillUnopened():
            return chain.kill_unopened_call(action.older, action.newer)
        case Confirm():
            return chain.confirm_call(action.assertion)
        case MarkDead():
            return chain.mark_dead_call(action.assertion)
        case Slash():
            return chain.slash_call(action.assertion, action.staker)
        case WithdrawStake():
            return chain.withdraw_stake_call()


def key_of(view: ChainView, action: Action) -> str:
    """Return the name of an action's effect: the same effect never runs twice under one name."""
    if isinstance(action, GameAction):
        return game_calls.key_of(action)
    match action:
        case AssertBatches():
            parts = [action.draft.id.hex(), str(action.stake_wei)]
        case Back():
            parts = [action.assertion.hex(), str(action.stake_wei)]
        case KillUnopened():
            parts = [action.older.hex(), action.newer.hex()]
        case Confirm() | MarkDead():
            parts = [action.assertion.hex()]
        case Slash():
            parts = [action.assertion.hex(), action.staker.hex()]
        case WithdrawStake():
            parts = [view.me.stake.tip.hex() if view.me is not None else ""]
    return ":".join([action.kind, *parts])


def describe(action: Action) -> dict[str, str | int | bool | None]:
    """Return an action as plain values, for logs and for people."""
    if isinstance(action, GameAction):
        return game_calls.describe(action)
    values: dict[str, str | int | bool | None] = {"action": action.kind, "reason": action.reason}
    for name in ("assertion", "older", "newer", "staker"):
        if hasattr(action, name):
            values[name] = "0x" + getattr(action, name).hex()
    if isinstance(action, AssertBatches):
        values |= {"assertion": "0x" + action.draft.id.hex(), "to_batch": action.draft.to_batch}
    if isinstance(action, AssertBatches | Back):
        values["stake_wei"] = action.stake_wei
    values["deadline"] = action.deadline
    return values


class DryRun:
    """Says what would be sent, once for each effect."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def perform(self, view: ChainView, actions: Sequence[Action]) -> None:
        """Log the actions that are new."""
        keys = {key_of(view, action): action for action in actions}
        for key, action in keys.items():
            if key not in self._said:
                log.info("action_planned", l1_block=view.block.number, **describe(action))
        self._said = set(keys)


class Responder:
    """Hands actions to the transaction manager.

    Parameters
    ----------
    max_spend_wei : most that fees so far, the stake, bonds and what is sent next may sum up to
    """

    def __init__(
        self,
        contracts: Contracts,
        manager: TxManager,
        store: Store,
        metrics: Metrics,
        *,
        max_spend_wei: int | None = None,
    ) -> None:
        self._contracts = contracts
        self._manager = manager
        self._store = store
        self._metrics = metrics
        self._max_spend_wei = max_spend_wei
        self._keys = EffectKeys(manager)
        self._watched: set[str] = set()

    def perform(self, view: ChainView, actions: Sequence[Action]) -> None:
        """Submit the actions; one that was submitted before only continues."""
        self._book_fees()
        reserved = 0
        for action in actions:
            gas_limit = self._gas_limit(view, action)
            cost = self._cost_wei(view, action, gas_limit)
            if not self._can_afford(view, reserved + cost + self._defence_wei(view, action)):
                self._metrics.count("actions_unaffordable", kind=action.kind)
                log.error("action_over_budget", max_spend_wei=self._max_spend_wei, **describe(action))
                continue
            reserved += cost
            self._submit(view, action, gas_limit)

    def _submit(self, view: ChainView, action: Action, gas_limit: int | None) -> None:
        key, known = self._keys.current(key_of(view, action), view.block.number)
        request = TxRequest(
            key=key,
            call=call_of(self._contracts, action),
            precondition=precondition_of(self._contracts, action),
            gas_limit=gas_limit,
            deadline=action.deadline,
        )
        try:
            status = self._manager.submit(request)
        except IdempotencyConflict:
            return  # the same effect is on its way, planned when less was known: that one goes on
        self._watched.add(key)
        if known is None:
            self._metrics.count("actions_submitted", kind=action.kind)
            if isinstance(action, GameAction):
                self._metrics.count("moves", kind=action.kind)
            log.info("action_submitted", effect=key, state=status.state.value, **describe(action))

    def _gas_limit(self, view: ChainView, action: Action) -> int | None:
        """Return the gas limit of an action that no estimate fits, unless it was signed already."""
        if not isinstance(action, GameAction):
            return None
        _, known = self._keys.current(key_of(view, action), view.block.number)
        if known is not None and not known.is_final:
            return None
        return game_calls.gas_limit_of(self._contracts.of_game, action, view.block.hash)

    def _cost_wei(self, view: ChainView, action: Action, gas_limit: int | None) -> int:
        if self._max_spend_wei is None:
            return 0
        if isinstance(action, GameAction):
            gas = game_calls.GAS_BOUNDS[action.kind] if gas_limit is None else gas_limit
            value_wei = action.bond_wei if isinstance(action, Commit) else 0
        else:
            gas = _GAS_BOUND
            value_wei = action.stake_wei if isinstance(action, AssertBatches | Back) else 0
        return value_wei + gas * self._gas_price_wei(view)

    def _defence_wei(self, view: ChainView, action: Action) -> int:
        """Return what must remain after an action that nobody loses by doing late.

        Others decide how many such actions there are; they must not use up what a defence takes.
        """
        if self._max_spend_wei is None or action.deadline is not None:
            return 0
        if isinstance(action, WithdrawStake | ProveStep | Timeout | Settle | Claim):
            return 0
        is_staked = view.me is None or view.me.stake.amount or isinstance(action, AssertBatches | Back)
        return (0 if is_staked else view.stake_wei) + _DEFENCE_GAS * self._gas_price_wei(view)

    def _gas_price_wei(self, view: ChainView) -> int:
        base_fee = self._contracts.client.header(view.block.hash).base_fee_wei
        return 2 * base_fee + self._contracts.client.priority_fee_wei()

    def _can_afford(self, view: ChainView, cost_wei: int) -> bool:
        if self._max_spend_wei is None or view.me is None:
            return True
        locked_wei = view.me.stake.amount + own_bonds(view) * view.terms.bond_wei
        return self._store.fees_wei() + locked_wei + cost_wei <= self._max_spend_wei

    def _book_fees(self) -> None:
        """Remember what the transactions that ended since have cost."""
        for key in sorted(self._watched):
            status = self._manager.status(key)
            if status is None or not status.is_final:
                continue
            self._watched.discard(key)
            receipt = None if status.tx_hash is None else self._contracts.client.receipt(status.tx_hash)
            if receipt is not None:
                fee_wei = receipt.gas_used * receipt.effective_gas_price_wei
                self._store.book_fee(receipt.tx_hash, fee_wei)
                self._metrics.gauge("gas_spent_wei", self._store.fees_wei())
