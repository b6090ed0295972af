"""The dispute game's events folded into what L1 emits but does not store.

L1 keeps hashes and clocks; the nodes, revealed children and commitments behind them are only in
events. The fold is small and rebuilt from stored events. What an event says about itself was checked
when it was decoded; here its order is checked: one that no game could have emitted after those
before it is the endpoint's fault, and raises L1Lied.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from optimistic.protocol.commitment import merkle_root, node_hash
from optimistic.protocol.dispute.ids import Ids, Side, dispute_id
from optimistic.protocol.dispute.views import Divergence, Life, Stage
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import (
    Asserted,
    Backed,
    CommitmentDied,
    Committed,
    Confirmed,
    Died,
    DisputeOpened,
    DisputeSettled,
    DuelStarted,
    L1Event,
    Moved,
    Paid,
    Place,
    StepProven,
    UnitLeaves,
    UnitPinned,
)
from optimistic.service.published_index import Groups, PublishedIndex


@dataclass(slots=True, kw_only=True)
class DuelRecord:
    """A walk or a duel, without its clocks."""

    stage: Stage
    turn: Side
    level: int
    index: int
    divergence: Divergence
    changed: Place
    """Of its newest event: L1 stores the same about it until the next one."""
    children: tuple[tuple[Hash32, ...] | None, tuple[Hash32, ...] | None] = (None, None)
    end_states: tuple[Hash32 | None, Hash32 | None] = (None, None)


@dataclass(slots=True, kw_only=True)
class CommitmentRecord:
    """A commitment; whether it was paid out after the dispute is not known here."""

    side: Side
    depth: int
    root: Hash32
    owner: Address
    no: int
    is_free: bool
    children: tuple[Hash32, ...]
    joined: Place
    life: Life = Life.LIVE
    stake_wei: int = 0
    """Taken from its owner when it died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a dispute ended."""

    place: Place
    winner: Hash32 | None
    killed: bool
    """Whether the other sibling died by it."""
    pool_wei: int
    to_poster_wei: int
    burned_wei: int


@dataclass(slots=True, kw_only=True)
class DisputeRecord:
    """A dispute with everything its events tell."""

    older: Hash32
    newer: Hash32
    opener: Address
    opened: Place
    walk: DuelRecord
    changed: Place
    """Of its newest event, whatever it is about."""
    is_revealed: bool = True
    """False between the opening of a walk and the first reveal, which belongs to it."""
    commitments: dict[Hash32, CommitmentRecord] = field(default_factory=dict)
    duels: dict[Ids, DuelRecord] = field(default_factory=dict)
    steps: dict[Ids, Hash32] = field(default_factory=dict)
    """Duel -> what the machine made of its step."""
    settlement: Settlement | None = None
    earners: dict[Address, set[Hash32]] = field(default_factory=lambda: defaultdict(set))
    """Who may have something to claim, and for which commitments besides the walk."""

    @property
    def id(self) -> Hash32:
        """Name of the dispute."""
        return dispute_id(self.older, self.newer)

    @property
    def siblings(self) -> tuple[Hash32, Hash32]:
        """The two assertions, by side."""
        return self.older, self.newer

    def live(self, side: Side) -> int:
        """Return the number of live commitments of a side."""
        return sum(1 for c in self.commitments.values() if c.side is side and c.life is Life.LIVE)

    def open_duels(self) -> dict[Ids, DuelRecord]:
        """Return the started duels in which nobody died."""
        return {
            pair: duel
            for pair, duel in self.duels.items()
            if all(self.commitments[id_].life is Life.LIVE for id_ in pair)
        }


class GameIndex:
    """The fold; `apply` takes events in chain order, those of other contracts included.

    Parameters
    ----------
    log_arity : bits per level of the trees
    """

    def __init__(self, log_arity: int) -> None:
        self._log_arity = log_arity
        self._duels: dict[Hash32, tuple[DisputeRecord, Ids]] = {}
        self._posters: dict[Hash32, Address] = {}
        self.disputes: dict[Hash32, DisputeRecord] = {}
        """By id, oldest first."""
        self.dead: set[Hash32] = set()
        """Assertions that died."""
        self._published = PublishedIndex()
        self.memberships: dict[Address, set[Hash32]] = defaultdict(set)
        """Assertions an account posted or backed."""
        self.payments: dict[Address, list[Place]] = defaultdict(list)
        """The payments to each account, oldest first."""

    def apply(self, event: L1Event) -> None:
        """Add one event.

        Raises
        ------
        L1Lied : it cannot follow those before it, so some are missing or invented
        """
        match event:
            case DisputeOpened():
                self._opened(event)
            case Moved() | UnitPinned() | Committed() | DuelStarted() | StepProven() | CommitmentDied():
                self._in_dispute(event)
            case DisputeSettled():
                self._settled(event)
            case Paid():
                self.payments[event.account].append(event.place)
            case Asserted():
                self._posters[event.id] = event.poster
                self.memberships[event.poster].add(event.id)
            case Backed():
                self.memberships[event.staker].add(event.id)
            case Died():
                self.dead.add(event.id)
                self._published.drop(event.id)
            case Confirmed():
                self._published.drop(event.id)
            case UnitLeaves():
                self._published.add(event)
            case _:
                pass

    # ------------------------------------------------------------------------------ questions

    @property
    def published(self) -> dict[Hash32, Groups]:
        """Published nodes of unit trees, by assertion."""
        return self._published.groups

    def find(self, older: Hash32, newer: Hash32) -> DisputeRecord | None:
        """Return the dispute between two siblings."""
        return self.disputes.get(dispute_id(older, newer))

    def pending(self) -> list[DisputeRecord]:
        """Return the disputes that are not over and still have a sibling alive, oldest first."""
        return [
            record
            for record in self.disputes.values()
            if record.settlement is None and not (record.older in self.dead and record.newer in self.dead)
        ]

    def is_moot(self, record: DisputeRecord) -> bool:
        """Return whether a sibling is not alive any more."""
        return not self.dead.isdisjoint(record.siblings)

    def interests(self, record: DisputeRecord, account: Address) -> tuple[Hash32, ...] | None:
        """Return the live commitments an account owns or moved for; None if it took no part in the dispute.

        What was earned for a dead one is void.
        """
        found = record.earners.get(account)
        if found is None:
            return None
        return tuple(id_ for id_, c in record.commitments.items() if id_ in found and c.life is Life.LIVE)

    def free_used(self, account: Address) -> frozenset[Hash32]:
        """Return the disputes in which an account has made its free commitment."""
        return frozenset(
            id_
            for id_, record in self.disputes.items()
            if any(c.is_free and c.owner == account for c in record.commitments.values())
        )

    # ------------------------------------------------------------------------------ openings

    def _opened(self, event: DisputeOpened) -> None:
        if event.dispute in self.disputes:
            raise _impossible(event.dispute, "it was opened twice")
        walk = DuelRecord(
            stage=Stage.WALK,
            turn=Side.OLDER,
            level=event.level,
            index=event.index,
            divergence=event.divergence,
            changed=event.place,
        )
        record = DisputeRecord(
            older=event.older,
            newer=event.newer,
            opener=event.opener,
            opened=event.place,
            walk=walk,
            changed=event.place,
            is_revealed=event.level == 0,
        )
        record.earners[event.opener] = set()
        self.disputes[event.dispute] = record

    def _in_dispute(
        self, event: Moved | UnitPinned | Committed | DuelStarted | StepProven | CommitmentDied
    ) -> None:
        record = self._running(event.dispute)
        if not (record.is_revealed or (isinstance(event, Moved) and event.duel == event.dispute)):
            raise _impossible(event.dispute, "the newer side revealed nothing")
        match event:
            case Moved():
                self._moved(record, event)
            case UnitPinned():
                _pin(record, event)
            case Committed():
                _commit(record, event)
            case DuelStarted():
                self._started(record, event)
            case StepProven():
                self._proven(record, event)
            case CommitmentDied():
                _bury(record, event)
        record.changed = event.place

    def _running(self, dispute: Hash32) -> DisputeRecord:
        record = self.disputes.get(dispute)
        if record is None or record.settlement is not None:
            raise _impossible(dispute, "it is not open")
        return record

    # ------------------------------------------------------------------------------ moves

    def _moved(self, record: DisputeRecord, event: Moved) -> None:
        if event.duel == event.dispute:
            duel = record.walk
            self._check_move(duel, event, Stage.WALK, is_reveal=not record.is_revealed)
            record.is_revealed = True
            record.earners[event.mover] |= set()
        else:
            known, pair = self._duels.get(event.duel, (None, None))
            if known is not record or pair is None:
                raise _impossible(event.dispute, "a move in a duel that never started")
            duel = record.duels[pair]
            self._check_move(duel, event, Stage.TRACE, is_reveal=False)
            record.earners[event.mover].add(pair[event.side])
        duel.children = event.side.pair(event.children if event.level else None, None)
        duel.end_states = event.side.pair(event.end_state if event.level else None, None)
        duel.level, duel.index, duel.divergence = event.level, event.index, event.divergence
        duel.turn, duel.changed = event.side.other, event.place

    def _check_move(self, duel: DuelRecord, event: Moved, stage: Stage, *, is_reveal: bool) -> None:
        if is_reveal:
            fits = (event.side, event.level, event.index, event.divergence) == (
                Side.NEWER,
                duel.level,
                duel.index,
                duel.divergence,
            )
        else:
            above = (event.side, event.level + 1, event.index >> self._log_arity)
            fits = above == (duel.turn, duel.level, duel.index)
        if not fits or duel.stage is not stage:
            raise _impossible(event.dispute, f"a move to level {event.level} of a duel at {duel.level}")
        if event.level and len(event.children) != 1 << self._log_arity:
            raise _impossible(event.dispute, f"{len(event.children)} children")

    def _started(self, record: DisputeRecord, event: DuelStarted) -> None:
        pair = (event.older, event.newer)
        if pair in record.duels:
            raise _impossible(event.dispute, "a duel that started twice")
        sides = [_live_commitment(record, id_).side for id_ in pair]
        if sides != list(Side):
            raise _impossible(event.dispute, "a duel of two commitments of one side")
        depth = max(record.commitments[id_].depth for id_ in pair)
        newer = max(Side, key=lambda side: record.commitments[pair[side]].no)
        record.duels[pair] = DuelRecord(
            stage=Stage.TRACE,
            turn=newer,
            level=depth,
            index=0,
            divergence=Divergence(pre=record.walk.divergence.pre, nodes=(ZERO_HASH, ZERO_HASH)),
            changed=event.place,
        )
        self._duels[event.duel] = (record, pair)

    def _proven(self, record: DisputeRecord, event: StepProven) -> None:
        known, pair = self._duels.get(event.duel, (None, None))
        if known is not record or pair is None or record.duels[pair].level:
            raise _impossible(event.dispute, "a step of a duel that is not at one")
        record.steps[pair] = event.post
        record.earners[event.prover] |= set(pair)

    # ------------------------------------------------------------------------------ the end

    def _settled(self, event: DisputeSettled) -> None:
        record = self._running(event.dispute)
        winner = None if event.winner == ZERO_HASH else event.winner
        if winner is not None and winner not in record.siblings:
            raise _impossible(event.dispute, "it was won by a third assertion")
        record.settlement = Settlement(
            place=event.place,
            winner=winner,
            killed=event.killed,
            pool_wei=event.pool,
            to_poster_wei=event.to_poster,
            burned_wei=event.burned,
        )
        record.walk.stage = Stage.OVER
        record.walk.changed = record.changed = event.place
        if winner is not None and event.to_poster and winner in self._posters:
            record.earners[self._posters[winner]] |= set()


def _pin(record: DisputeRecord, event: UnitPinned) -> None:
    walk = record.walk
    pinned = (walk.stage, walk.level, walk.index, walk.divergence)
    if pinned != (Stage.WALK, 0, event.index, event.divergence):
        raise _impossible(event.dispute, "another unit is pinned than was found")
    walk.stage, walk.changed = Stage.TRACE, event.place


def _commit(record: DisputeRecord, event: Committed) -> None:
    walk = record.walk
    end_state = walk.divergence.nodes[event.side]
    if walk.stage is not Stage.TRACE or event.commitment in record.commitments:
        raise _impossible(event.dispute, "a commitment that is there already, or before its time")
    if event.no != len(record.commitments) + 1:
        raise _impossible(event.dispute, f"commitment {event.no} follows {len(record.commitments)}")
    if node_hash(end_state, merkle_root(event.children)) != event.root:
        raise _impossible(event.dispute, "children of another root")
    record.commitments[event.commitment] = CommitmentRecord(
        side=event.side,
        depth=event.depth,
        root=event.root,
        owner=event.owner,
        no=event.no,
        is_free=event.is_free,
        children=event.children,
        joined=event.place,
    )
    record.earners[event.owner].add(event.commitment)


def _bury(record: DisputeRecord, event: CommitmentDied) -> None:
    commitment = _live_commitment(record, event.commitment)
    commitment.life, commitment.stake_wei = Life.DEAD, event.stake


def _live_commitment(record: DisputeRecord, id_: Hash32) -> CommitmentRecord:
    commitment = record.commitments.get(id_)
    if commitment is None or commitment.life is not Life.LIVE:
        raise _impossible(record.id, f"commitment 0x{id_.hex()} is not alive")
    return commitment


def _impossible(dispute: Hash32, what: str) -> L1Lied:
    return L1Lied(f"events of dispute 0x{dispute.hex()} are missing or invented: {what}")
