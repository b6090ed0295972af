"""Asserts the state after batches, and sees its assertions through.

Each step reads the assertion tree at one L1 block and asks for whatever is due:
a first assertion, a rival of a wrong one, backing an equal one, killing a rival that
never opened a dispute, confirming. Disputes are the defender's. Unit leaves come from the
deriver, so the batches covered are those that L1 holds, in the order L1 holds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import structlog

from optimistic.node.chain_records import Draft, StoredAssertion
from optimistic.node.leaf_publisher import leaf_calls
from optimistic.node.right_path import RightPath, Tip
from optimistic.protocol.constants import BATCH_BITS
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.contract import explain_revert, revert_class
from optimistic.service.contracts import AssertionChain, DisputeGame
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import BlockId, Call, Header
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import Precondition, Readiness, TxOutcome, TxRequest, TxState

log = structlog.get_logger(__name__)

_IN_FLIGHT: Final = "assertion_in_flight"
_READINESS: Final[dict[type[ContractReverted], Readiness]] = {
    revert_class("AssertionExists"): Readiness.DONE,
    revert_class("NotLive"): Readiness.DONE,
    revert_class("WindowOpen"): Readiness.NOT_YET,
    revert_class("AirgapOpen"): Readiness.NOT_YET,
    revert_class("RivalsAlive"): Readiness.NOT_YET,
    revert_class("ParentNotConfirmed"): Readiness.NOT_YET,
}
"""What a refusal means for a transaction of ours; any other makes it impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsserterOptions:
    """When assertions are made; nothing here is consensus."""

    batch_confirmations: int = 1
    """L1 blocks, the batch's own included, before an assertion covers a batch."""
    interval_s: int = 60
    """Least time between two assertions, by L1's clock."""
    max_batches: int = 1 << BATCH_BITS
    publishes_leaves: bool = False
    """Publish the unit leaves of own assertions: costs L1 gas and lets anyone name a wrong unit."""


class Asserter:
    """The asserter; `step` belongs to one thread.

    Parameters
    ----------
    right : compares the assertions seen with what this node derived
    contract, game : L1
    sender : sends transactions of the staking key
    """

    def __init__(
        self,
        right: RightPath,
        contract: AssertionChain,
        game: DisputeGame,
        sender: TxManager,
        options: AsserterOptions,
    ) -> None:
        self._params = right.params
        self._store = right.store
        self._right = right
        self._client: L1Client = contract.client
        self._contract = contract
        self._game = game
        self._sender = sender
        self._options = options
        self._asked = ""

    def step(self) -> bool:
        """Ask for every transaction that is due; return whether there was one."""
        head = self._client.head()
        path = self._right.tips()
        acted = False
        for parent, child in pairwise(path):
            acted |= self._tend(parent, child, head)
            if self._options.publishes_leaves:
                acted |= self._publish(child.id)
        return self._extend(path, head) or acted

    # ------------------------------------------------------------------------------ extending

    def _extend(self, path: list[Tip], head: Header) -> bool:
        tip = path[-1]
        state = self._contract.assertion(tip.id, at=head.hash)
        to_batch = state.child_to if state.children else self._due_batch(tip, head)
        if to_batch is None:
            return False
        draft = self._right.draft(tip.to_batch, to_batch)
        if draft is None or (state.children and head.timestamp >= state.t0 + self._params.challenge_period_s):
            return False
        if self._is_in_flight():
            return False
        return self._stake_on(path, head) and self._assert(tip, to_batch, draft, head)

    def _is_in_flight(self) -> bool:
        """Return whether an assertion is on its way, be it one that an earlier run signed."""
        key = self._store.note(_IN_FLIGHT)
        status = self._sender.status(key) if key else None
        if status is None or status.is_final:
            return False
        return status.state is not TxState.QUEUED or key == self._asked

    def _due_batch(self, tip: Tip, head: Header) -> int | None:
        """Return where the first assertion on `tip` should end, None if it is too early for one."""
        deepest = head.number + 1 - self._options.batch_confirmations
        to_batch = min(self._store.batch_count_up_to(deepest), tip.to_batch + self._options.max_batches)
        is_late = head.timestamp - tip.made_at_s >= self._options.interval_s
        is_full = to_batch - tip.to_batch >= self._options.max_batches
        return to_batch if to_batch > tip.to_batch and (is_late or is_full) else None

    def _stake_on(self, path: list[Tip], head: Header) -> bool:
        """Return whether the stake may move to a child of the path's end; else back the next on the way."""
        stake = self._contract.stake_of(self._sender.sender, at=head.hash)
        places = [tip.id for tip in path]
        if not stake.amount_wei or stake.tip == places[-1]:
            return True
        status = self._contract.assertion(stake.tip, at=head.hash).status
        if status is AssertionStatus.CONFIRMED:
            return True
        if stake.tip not in places:
            newest = self._store.assertion(stake.tip)
            if newest is not None and self._right.is_right(newest) is False:
                log.error("stake_on_wrong_assertion", tip=stake.tip.hex(), status=status.name)
            return False  # else it was made just now, and the next step sees it
        following = places[places.index(stake.tip) + 1]
        self._request(f"back:{following.hex()}", self._contract.back_call(following, stake_wei=0))
        return False

    def _assert(self, tip: Tip, to_batch: int, draft: Draft, head: Header) -> bool:
        stake = self._contract.stake_of(self._sender.sender, at=head.hash)
        stake_wei = 0 if stake.amount_wei else self._params.stake_wei
        call = self._contract.assert_call(
            parent=tip.id,
            to_batch=to_batch,
            expected_acc=draft.acc,
            roots=(draft.unit_root, draft.end_leaf, draft.children_root),
            stake_wei=stake_wei,
        )
        content = keccak256(call.data + stake_wei.to_bytes(32, "big"))
        key = f"assert:{to_batch}:{content.hex()[:16]}"
        self._store.set_note(_IN_FLIGHT, key)
        self._asked = key
        asked = self._request(key, call)
        if asked:
            log.info("assertion_submitted", parent=tip.id.hex(), from_batch=tip.to_batch, to_batch=to_batch)
        return asked

    # ------------------------------------------------------------------------------ seeing through

    def _tend(self, parent: Tip, child: Tip, head: Header) -> bool:
        """When the window is over, kill newer rivals of `child` without a dispute, then confirm it."""
        siblings = self._store.assertion_children(parent.id)
        opened_at_s = min(sibling.l1_timestamp for sibling in siblings)
        if head.timestamp < opened_at_s + self._params.challenge_period_s:
            return False
        state = self._contract.assertion(parent.id, at=head.hash)
        if state.live_children > 1:
            return self._kill_rivals(siblings, child, head)
        may_confirm = head.timestamp >= state.sole_since + self._params.airgap_s
        if state.status is not AssertionStatus.CONFIRMED or not may_confirm:
            return False
        return self._request(f"confirm:{child.id.hex()}", self._contract.confirm_call(child.id))

    def _kill_rivals(self, siblings: Sequence[StoredAssertion], child: Tip, head: Header) -> bool:
        ours = next(sibling.seq for sibling in siblings if sibling.id == child.id)
        acted = False
        for rival in siblings:
            if rival.dead or rival.seq <= ours or self._game.is_open(child.id, rival.id, at=head.hash):
                continue
            call = self._contract.kill_unopened_call(child.id, rival.id)
            acted |= self._request(f"kill:{child.id.hex()[:16]}:{rival.id.hex()[:16]}", call)
        return acted

    def _publish(self, assertion_id: Hash32) -> bool:
        """Publish the unit leaves of an own assertion once."""
        note = f"published:{assertion_id.hex()}"
        found = self._store.assertion(assertion_id)
        if found is None or found.poster != self._sender.sender or self._store.note(note):
            return False
        leaves = [self._store.unit_leaves(index) for index in range(found.from_batch, found.to_batch)]
        for name, call in leaf_calls(self._contract, assertion_id, self._params.log_arity, leaves):
            self._request(f"leaves:{assertion_id.hex()[:16]}:{name}", call)
        self._store.set_note(note, str(found.to_batch))
        return True

    def _request(self, key: str, call: Call) -> bool:
        """Ask for a transaction, or give its precondition again after a restart; return whether it is new."""
        status = self._sender.status(key)
        if status is not None and status.outcome in (TxOutcome.CONFIRMED, TxOutcome.FAILED):
            if status.outcome is TxOutcome.FAILED:
                log.error("assertion_transaction_failed", effect=key, detail=status.detail)
            return False
        self._sender.submit(TxRequest(key=key, call=call, precondition=self._accepted(call)))
        return status is None

    def _accepted(self, call: Call) -> Precondition:
        """Return the precondition that the contract itself accepts the call in the state after a block."""
        ours = replace(call, sender=self._sender.sender)

        def readiness(at: BlockId) -> Readiness:
            try:
                self._client.call(ours, at)
            except ContractReverted as error:
                return _READINESS.get(type(explain_revert(error)), Readiness.LOST)
            return Readiness.READY

        return readiness
