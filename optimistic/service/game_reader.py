"""The dispute game at one L1 block, as a player sees it.

Clocks, stages and counters are read from the contracts at the very block the events end with;
everything else comes from the events, which must agree. A record on L1 changes only by calls that
emit an event of it, so each is read once after each of its events: others pay for all the work
that they make.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from optimistic.protocol.dispute.actions import Claim, DuelKey
from optimistic.protocol.dispute.ids import Ids, Side, divergence_hash
from optimistic.protocol.dispute.traces import Player
from optimistic.protocol.dispute.views import Clocks, CommitmentView, DisputeView, DuelView, Stage
from optimistic.protocol.types import Address, Hash32
from optimistic.service.contracts import AssertionChain, DisputeGame, DisputeState, DuelState
from optimistic.service.game_index import (
    CommitmentRecord,
    DisputeRecord,
    DuelRecord,
    GameIndex,
)
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import Place
from optimistic.service.l1_types import BlockId, Header

_TIMES_KEPT: Final = 10_000
"""Block times remembered; all are forgotten when there are more."""

_Version = tuple[Hash32, int]
"""What a record was read after: block hash and log index of its newest event."""


@dataclass(slots=True)
class _Reading:
    """What was read of one dispute."""

    version: _Version
    state: DisputeState
    duels: dict[Ids, tuple[_Version, DuelState]] = field(default_factory=dict)


class GameReader:
    """Reads disputes; keeps what cannot have changed since.

    Every method is given the index with the events up to the very block that it is given.
    """

    def __init__(self, game: DisputeGame, chain: AssertionChain) -> None:
        self._client = game.client
        self._game = game
        self._chain = chain
        self._times: dict[Hash32, int] = {}
        self._readings: dict[Hash32, _Reading] = {}
        self._paid: dict[tuple[Hash32, Address], tuple[Place, Place | None]] = {}
        """(dispute, account) -> settlement and newest payment after which nothing was left to claim."""

    # ------------------------------------------------------------------------------ disputes

    def disputes(
        self, index: GameIndex, block: Header, about: Collection[Hash32] | None = None
    ) -> list[DisputeView]:
        """Return the disputes that are not over and have a sibling alive, oldest first.

        Parameters
        ----------
        about : assertions of which one must take part; None returns all disputes

        Raises
        ------
        L1Lied : the contracts contradict the events
        """
        pending = index.pending()
        running = {record.id for record in pending}
        self._readings = {id_: reading for id_, reading in self._readings.items() if id_ in running}
        return [
            self.view(index, record, block)
            for record in pending
            if about is None or record.older in about or record.newer in about
        ]

    def view(self, index: GameIndex, record: DisputeRecord, block: Header) -> DisputeView:
        """Return one dispute, over or not; of its duels only those in which nobody died.

        Raises
        ------
        L1Lied : the contracts contradict the events
        """
        try:
            return self._view(index, record, block)
        except L1Lied:
            self._readings.pop(record.id, None)
            raise

    def check_openings(self, index: GameIndex, block: Header, pairs: Iterable[tuple[Hash32, Hash32]]) -> None:
        """Check that of no dispute between these siblings (older, newer) the event is missing.

        Raises
        ------
        L1Lied : L1 has a dispute that no event opened
        """
        for older, newer in pairs:
            if index.find(older, newer) is None and self._game.is_open(older, newer, at=block.hash):
                raise L1Lied(f"0x{older.hex()} and 0x{newer.hex()} are in dispute, but no event says so")

    # ------------------------------------------------------------------------------ accounts

    def player(self, index: GameIndex, block: Header, account: Address) -> Player:
        """Return what an account may answer with."""
        has_stake = self._chain.stake_of(account, at=block.hash).amount_wei > 0
        return Player(
            address=account,
            staked_on=frozenset(index.memberships.get(account, ())) if has_stake else frozenset(),
            used_free=index.free_used(account),
        )

    def claims(self, index: GameIndex, block: Header, account: Address) -> list[Claim]:
        """Return the claims that would pay an account something, oldest dispute first.

        Any of them pays the shares it is owed as a poster, too.
        """
        over = [claim for record in index.disputes.values() if (claim := _claim(index, record, account))]
        if not over:
            return []
        owed_wei = self._game.owed(account, at=block.hash)
        due = [claim for claim in over if self._is_due(index, claim, block, owed_wei)]
        return due if due or not owed_wei else over[-1:]

    def _is_due(self, index: GameIndex, claim: Claim, block: Header, owed_wei: int) -> bool:
        """Return whether a claim would pay something of its own dispute; asked until it would not."""
        record, payments = index.find(claim.older, claim.newer), index.payments.get(claim.account, [])
        assert record is not None, "it was made of the record"
        assert record.settlement is not None, "only what is over can be claimed"
        settled, after = self._paid.get((record.id, claim.account), (None, None))
        if settled == record.settlement.place and (after is None or after in payments):
            return False
        if self._game.claimable(claim, at=block.hash) > owed_wei:
            return True
        self._paid[record.id, claim.account] = (
            record.settlement.place,
            payments[-1] if payments else None,
        )
        return False

    # ------------------------------------------------------------------------------ parts

    def _view(self, index: GameIndex, record: DisputeRecord, block: Header) -> DisputeView:
        if not record.is_revealed:
            raise L1Lied(f"dispute 0x{record.id.hex()} was opened, but no event reveals a node")
        reading = self._read(record, block)
        tally, settlement = reading.state.tally, record.settlement
        counted = (record.live(Side.OLDER), record.live(Side.NEWER), len(record.commitments))
        if counted != (tally.live_older, tally.live_newer, tally.commitments):
            raise L1Lied(f"dispute 0x{record.id.hex()} has other commitments than its events name")
        return DisputeView(
            older=record.older,
            newer=record.newer,
            opened_at=self._time(record.opened),
            walk=_duel_view(record, record.walk, reading.state.duel),
            commitments={id_: self._commitment(c) for id_, c in record.commitments.items()},
            duels={
                pair: _duel_view(record, duel, self._read_duel(record, reading, pair, block))
                for pair, duel in record.open_duels().items()
            },
            winner=None if settlement is None else settlement.winner,
            is_moot=index.is_moot(record),
        )

    def _read(self, record: DisputeRecord, block: Header) -> _Reading:
        reading, version = self._readings.get(record.id), _version(record.changed)
        if reading is None or reading.version != version:
            state = self._game.dispute(record.older, record.newer, at=block.hash)
            duels = {} if reading is None else reading.duels
            reading = self._readings[record.id] = _Reading(version, state, duels)
        return reading

    def _read_duel(self, record: DisputeRecord, reading: _Reading, pair: Ids, block: Header) -> DuelState:
        kept, version = reading.duels.get(pair), _version(record.duels[pair].changed)
        if kept is None or kept[0] != version:
            key = DuelKey(older=record.older, newer=record.newer, commitments=pair)
            kept = reading.duels[pair] = (version, self._game.duel(key, at=block.hash))
        return kept[1]

    def _commitment(self, record: CommitmentRecord) -> CommitmentView:
        return CommitmentView(
            side=record.side,
            depth=record.depth,
            root=record.root,
            owner=record.owner,
            joined_at=self._time(record.joined),
            no=record.no,
            life=record.life,
            is_free=record.is_free,
            children=record.children,
        )

    def _time(self, place: Place) -> int:
        found = self._times.get(place.block_hash)
        if found is None:
            if len(self._times) >= _TIMES_KEPT:
                self._times.clear()
            found = self._times[place.block_hash] = self._client.header(place.block_hash).timestamp
        return found


def payable_wei(game: DisputeGame, claims: Iterable[Claim], *, at: BlockId) -> int:
    """Return what claims of disputes that are over would pay together.

    Each alone would also pay the shares its account is owed as a poster: they count once.
    """
    shares_wei: dict[Address, int] = {}
    own_wei = 0
    for claim in claims:
        if claim.account not in shares_wei:
            shares_wei[claim.account] = game.owed(claim.account, at=at)
        own_wei += game.claimable(claim, at=at) - shares_wei[claim.account]
    return own_wei + sum(shares_wei.values())


def _claim(index: GameIndex, record: DisputeRecord, account: Address) -> Claim | None:
    """Return what an account may have to claim in a dispute that is over."""
    commitments = index.interests(record, account)
    if record.settlement is None or commitments is None:
        return None
    return Claim(
        reason="the dispute is over",
        older=record.older,
        newer=record.newer,
        commitments=commitments,
        account=account,
    )


def _duel_view(dispute: DisputeRecord, record: DuelRecord, state: DuelState) -> DuelView:
    """Join what events tell of a duel with what L1 stores, which must be the same duel."""
    told = (record.stage, record.level, record.index)
    divergence = record.divergence
    agrees = divergence_hash(divergence.pre, divergence.nodes) == state.divergence
    if told != (state.stage, state.level, state.index) or not agrees:
        raise L1Lied(f"a duel of dispute 0x{dispute.id.hex()} stands elsewhere than its events say")
    is_search = record.stage is Stage.WALK or record is not dispute.walk
    if is_search and state.turn is not record.turn:
        raise L1Lied(f"a duel of dispute 0x{dispute.id.hex()} has another side on turn than its events say")
    return DuelView(
        stage=record.stage,
        clocks=Clocks(left=(state.left_older, state.left_newer), since=state.since, turn=state.turn),
        level=record.level,
        index=record.index,
        divergence=divergence,
        children=record.children,
        end_states=record.end_states,
    )


def _version(place: Place) -> _Version:
    return place.block_hash, place.log_index
