"""Which assertions are right: those that say what this node derived from L1's batches."""

from dataclasses import dataclass

from optimistic.node.chain_records import Draft, StoredAssertion
from optimistic.node.chain_store import ChainStore
from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Hash32


class WrongConfirmed(CriticalError):
    """L1 confirmed an assertion that contradicts what this node derived."""


@dataclass(frozen=True, slots=True)
class Tip:
    """An assertion this node agrees with."""

    id: Hash32
    to_batch: int
    made_at_s: int


class RightPath:
    """Compares assertions with derived batches; of any thread.

    Parameters
    ----------
    params : consensus parameters
    store : derived batches with their unit leaves, and assertions seen
    genesis_id : the assertion that is confirmed from the start
    """

    def __init__(self, params: RollupParams, store: ChainStore, genesis_id: Hash32) -> None:
        self.params = params
        self.store = store
        self._genesis_id = genesis_id

    def tips(self) -> list[Tip]:
        """Return the newest confirmed assertion and its right descendants that live, oldest first.

        Raises
        ------
        WrongConfirmed : the confirmed one is not right
        """
        confirmed = self.store.latest_confirmed_assertion()
        if confirmed is None:
            path = [Tip(self._genesis_id, 0, 0)]
        else:
            if self.is_right(confirmed) is False:
                raise WrongConfirmed(
                    f"assertion 0x{confirmed.id.hex()} is confirmed and wrong: stop, keep the evidence, "
                    "ask the guardian to pause withdrawals"
                )
            path = [Tip(confirmed.id, confirmed.to_batch, confirmed.l1_timestamp)]
        while (child := self._right_child(path[-1].id)) is not None:
            path.append(Tip(child.id, child.to_batch, child.l1_timestamp))
        return path

    def _right_child(self, parent: Hash32) -> StoredAssertion | None:
        for child in self.store.assertion_children(parent):
            if not child.dead and self.is_right(child):
                return child
        return None

    def is_right(self, assertion: StoredAssertion) -> bool | None:
        """Return whether an assertion says what this node derived; None if its batches are not derived."""
        draft = self.draft(assertion.from_batch, assertion.to_batch)
        if draft is None:
            return None
        return (draft.acc, draft.unit_root, draft.end_leaf) == (
            assertion.acc,
            assertion.unit_root,
            assertion.end_leaf,
        )

    def draft(self, from_batch: int, to_batch: int) -> Draft | None:
        """Return the draft about batches [from_batch, to_batch); None if not all are derived."""
        last = self.store.batch(to_batch - 1)
        if last is None:
            return None
        draft = self.store.draft(from_batch, to_batch, last.acc)
        if draft is None:
            leaves = [self.store.unit_leaves(index) for index in range(from_batch, to_batch)]
            tree = UnitTree(self.params.log_arity, leaves)
            draft = Draft(
                from_batch=from_batch,
                to_batch=to_batch,
                acc=last.acc,
                unit_root=tree.unit_root,
                end_leaf=tree.end_leaf,
                children_root=tree.children_root(),
            )
            self.store.add_draft(draft)
        return draft
