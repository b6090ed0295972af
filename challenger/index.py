"""The rollup's events folded into what decisions need; small, and rebuilt from stored events."""

from collections import defaultdict
from dataclasses import dataclass

from challenger.model import BatchHead
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import BatchRecord
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import (
    Asserted,
    Backed,
    BatchAppended,
    Confirmed,
    DepositEnqueued,
    Died,
    L1Event,
    Place,
    Slashed,
    StakeWithdrawn,
    UnitLeaves,
)
from optimistic.service.published_index import Groups, PublishedIndex


@dataclass(frozen=True, slots=True)
class LogKey:
    """Where an event's bytes are kept."""

    block_number: int
    log_index: int


@dataclass(frozen=True, slots=True)
class DepositHead:
    """What the index keeps of a deposit."""

    hash: Hash32
    key: LogKey
    l1_timestamp: int


class EventIndex:
    """The fold; `apply` takes events in chain order.

    Parameters
    ----------
    genesis_end_leaf : start of the input hashes, so that different rollups never share one
    """

    def __init__(self, genesis_end_leaf: Hash32) -> None:
        self._genesis_end_leaf = genesis_end_leaf
        self.batches: list[BatchHead] = []
        self.batch_keys: list[LogKey] = []
        self.deposits: list[DepositHead] = []
        self.asserted: dict[Hash32, Asserted] = {}
        self.children: dict[Hash32, list[Hash32]] = defaultdict(list)
        self.members: dict[Hash32, list[Address]] = defaultdict(list)
        self.tips: dict[Address, Hash32] = {}
        """Where each stake lies."""
        self.confirmed: set[Hash32] = set()
        self.dead: set[Hash32] = set()
        self._published = PublishedIndex()
        self._n_consumed = 0

    def apply(self, event: L1Event) -> None:
        """Add one event.

        Raises
        ------
        L1Lied : it does not follow those before it, so some are missing
        """
        match event:
            case BatchAppended():
                self._add_batch(event)
            case DepositEnqueued():
                self._add_deposit(event)
            case UnitLeaves():
                self._published.add(event)
            case Asserted() | Backed() | Confirmed() | Died() | Slashed() | StakeWithdrawn():
                self._about_assertions(event)
            case _:
                pass

    @property
    def published(self) -> dict[Hash32, Groups]:
        """Published nodes of unit trees, by assertion."""
        return self._published.groups

    def waiting_since(self) -> int | None:
        """Return the L1 time of the oldest deposit that no batch has taken."""
        waiting = self.deposits[self._n_consumed : self._n_consumed + 1]
        return waiting[0].l1_timestamp if waiting else None

    def settled(self, latest_confirmed: Hash32) -> set[Hash32]:
        """Return the assertions whose children do not matter: dead, below a dead one, or long confirmed."""
        found = self.dead | self.confirmed - {latest_confirmed}
        for id_, event in self.asserted.items():
            if event.parent in found and event.parent not in self.confirmed:
                found.add(id_)
        return found

    def _add_batch(self, event: BatchAppended) -> None:
        expected = self.batches[-1].acc if self.batches else ZERO_HASH
        record = event.record
        follows = event.prev_acc == expected and record.deposit_start == self._n_consumed
        if event.index != len(self.batches) or not follows or record.deposit_end > len(self.deposits):
            raise L1Lied(
                f"batch {event.index} does not follow batch {len(self.batches) - 1}: events are missing"
            )
        self.batches.append(
            BatchHead(
                index=event.index,
                acc=event.acc,
                input_hash=self._input_hash(record),
                l1_timestamp=record.l1_timestamp,
                is_forced=not (record.data_len or record.gas_budget or record.system_gas_budget),
            )
        )
        self.batch_keys.append(_key(event.place))
        self._n_consumed = record.deposit_end

    def _input_hash(self, record: BatchRecord) -> Hash32:
        before = self.batches[-1].input_hash if self.batches else self._genesis_end_leaf
        deposits = self.deposits[record.deposit_start : record.deposit_end]
        return keccak256(before + record.hash() + b"".join(deposit.hash for deposit in deposits))

    def _add_deposit(self, event: DepositEnqueued) -> None:
        if event.index != len(self.deposits):
            raise L1Lied(
                f"deposit {event.index} follows deposit {len(self.deposits) - 1}: events are missing"
            )
        self.deposits.append(DepositHead(event.deposit_hash, _key(event.place), event.deposit.l1_timestamp))

    def _about_assertions(
        self, event: Asserted | Backed | Confirmed | Died | Slashed | StakeWithdrawn
    ) -> None:
        match event:
            case Asserted():
                self.asserted[event.id] = event
                self.children[event.parent].append(event.id)
                self._join(event.id, event.poster)
            case Backed():
                self._join(event.id, event.staker)
            case Confirmed():
                self.confirmed.add(event.id)
                self._published.drop(event.id)
            case Died():
                self.dead.add(event.id)
                self._published.drop(event.id)
            case Slashed() | StakeWithdrawn():
                self.tips.pop(event.staker, None)

    def _join(self, assertion: Hash32, staker: Address) -> None:
        self.tips[staker] = assertion
        if staker not in self.members[assertion]:
            self.members[assertion].append(staker)


def _key(place: Place) -> LogKey:
    return LogKey(place.block_number, place.log_index)
