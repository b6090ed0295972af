"""A person at the table: finds what an id means, and the moves there are."""

from collections.abc import Iterator
from typing import Final, TypeVar

from challenger.defence import open_against, right_side
from challenger.dispute_report import what_next
from challenger.model import Assertion, ChainView, Judgement, Knowledge
from challenger.preconditions import Contracts
from challenger.watchtower import Watchtower
from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DuelKey,
    GameAction,
    Move,
    Open,
    ProveStep,
    Start,
)
from optimistic.protocol.dispute.ids import Ids, Side
from optimistic.protocol.dispute.solver import next_moves
from optimistic.protocol.dispute.views import DisputeView, Stage
from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.service.contracts import AssertionChain, DisputeGame, Inbox
from optimistic.service.game_index import DisputeRecord

T = TypeVar("T")


class NoSuchObject(InvalidInput):
    """L1 has nothing with this id, or more than one that begins like this."""


class NothingToDo(InvalidInput):
    """There is no such move now."""


class NotRight(InvalidInput):
    """The replay does not know which side is right, or it is the other one."""


class L1NotRead(TemporaryError):
    """L1 has no block of the deployment yet."""


class Table:
    """What a tower that has caught up sees of the game, for one account.

    Raises
    ------
    L1NotRead : it has seen nothing yet
    """

    def __init__(self, tower: Watchtower, account: Address | None) -> None:
        findings = tower.monitor.findings
        if findings is None:
            raise L1NotRead("L1 has no block of this deployment yet")
        self.tower: Final = tower
        self.account: Final = account
        self.view: Final[ChainView] = findings.view
        self.known: Final[Knowledge] = findings.known

    @property
    def contracts(self) -> Contracts:
        """The contracts that moves go to."""
        addresses, client = self.tower.deployment.contracts, self.tower.client
        return Contracts(
            client=client,
            inbox=Inbox(client, addresses.inbox),
            chain=AssertionChain(client, addresses.assertion_chain),
            game=DisputeGame(client, addresses.dispute_game),
            account=self.account or Address(bytes(20)),
            challenge_period_s=self.view.challenge_period_s,
        )

    # ------------------------------------------------------------------------------ by id

    def assertion(self, text: str) -> Assertion:
        """Return an assertion by its id or the beginning of it."""
        found = {id_: assertion for id_, assertion in self.view.assertions.items() if _begins(id_, text)}
        return _only(found, text, "assertions")

    def record(self, text: str) -> DisputeRecord:
        """Return a dispute, over or not, by its id or the beginning of it."""
        records = self.tower.loader.game_index.disputes
        return _only({id_: r for id_, r in records.items() if _begins(id_, text)}, text, "disputes")

    def dispute(self, text: str) -> DisputeView:
        """Return a dispute that is not over, by its id or the beginning of it."""
        record = self.record(text)
        found = next((d for d in self.view.disputes if d.id == record.id), None)
        if found is None:
            raise NothingToDo(f"dispute 0x{record.id.hex()} is over: `challenger claim` collects from it")
        return found

    def duel(self, text: str) -> tuple[DisputeView, Ids | None]:
        """Return a duel by its id or the beginning of it; that of a dispute means its walk."""
        found: dict[Hash32, tuple[DisputeView, Ids | None]] = {}
        for dispute in self.view.disputes:
            if _begins(dispute.id, text):
                found[dispute.id] = dispute, None
            for ids in dispute.pairs():
                if _begins(dispute.duel_id(ids), text):
                    found[dispute.duel_id(ids)] = dispute, ids
        return _only(found, text, "disputes or duels of live commitments")

    def duel_of(self, dispute: str, commitments: tuple[str, str]) -> tuple[DisputeView, Ids]:
        """Return the duel of two live commitments of a dispute, the older side's first."""
        found = self.dispute(dispute)
        older, newer = (
            _only({id_: id_ for id_ in found.live(side) if _begins(id_, text)}, text, "live commitments")
            for side, text in zip(Side, commitments, strict=True)
        )
        return found, (older, newer)

    def pair_of(self, older: str, newer: str) -> tuple[Assertion, Assertion]:
        """Return two siblings by their ids, the older one first.

        Raises
        ------
        NothingToDo : they are no siblings in this order
        """
        first, second = self.assertion(older), self.assertion(newer)
        if first.parent != second.parent or first.seq >= second.seq:
            raise NothingToDo("name two children of one parent, the older one first: `challenger assertions`")
        return first, second

    # ------------------------------------------------------------------------------ moves

    def moves(self, dispute: DisputeView, side: Side | None = None) -> list[GameAction]:
        """Return what the right side of a dispute can do now.

        Parameters
        ----------
        side : refuse to play for another one

        Raises
        ------
        NotRight : no side is known to be right, or it is the other one
        """
        right = right_side(self.known, dispute)
        if right is None:
            raise NotRight(f"neither side of dispute 0x{dispute.id.hex()} is known to be right")
        if side is not None and side is not right:
            raise NotRight(f"the {side.name.lower()} side is wrong: there is no right move for it")
        if self.view.me is None:
            raise NothingToDo("whose move? name a key, or with --dry-run an --account")
        parent = self.view.assertions[dispute.assertion(right)].parent
        traces = self.known.traces.get(parent)
        if traces is None:
            raise NotRight("the batches of the right assertion are not replayed: wait, or look for alerts")
        return next_moves(dispute, right, self.view.terms, self.view.me.player, traces, self.view.now)

    def step_down(self, dispute: DisputeView, ids: Ids | None, side: Side | None) -> Move | Start:
        """Return the one move of the right side in the walk (no ids) or in a duel."""
        for move in self.moves(dispute, side):
            if isinstance(move, Move) and move.key.commitments == ids:
                return move
            if isinstance(move, Start) and move.commitments == ids:
                return move
        raise self._nothing(dispute)

    def commitment(self, dispute: DisputeView, side: Side | None) -> Commit:
        """Return the commitment to the right trace."""
        for move in self.moves(dispute, side):
            if isinstance(move, Commit):
                return move
        if dispute.stage is Stage.WALK:
            raise self._nothing(dispute)
        raise NothingToDo("the right trace is committed to already, or the window is over")

    def step(self, dispute: DisputeView, ids: Ids | None) -> ProveStep:
        """Return the proof of the step that a duel came down to."""
        for move in self.moves(dispute):
            if isinstance(move, ProveStep) and move.key.commitments == ids:
                return move
        raise self._nothing(dispute)

    def opening(self, older: Assertion, newer: Assertion) -> Open:
        """Return how the newer, right one of two siblings opens their dispute."""
        if self.view.is_open(older, newer):
            raise NothingToDo("the dispute is open already: `challenger disputes` tells where it stands")
        if {older.status, newer.status} != {AssertionStatus.LIVE}:
            raise NothingToDo("both have to be alive: `challenger assertions` tells which are")
        if not self.known.is_right(newer.id):
            told = self.known.verdicts.get(newer.id)
            why = "not judged" if told is None else f"{told.judgement.value}, {told.reason}"
            raise NotRight(f"the newer one opens, and it is not known to be right: {why}")
        deadline = self.view.window_end(self.view.assertions[newer.parent])
        found = next(open_against(self.view, self.known, older, newer, deadline), None)
        if found is None:
            raise NotRight("the batches of the right assertion are not replayed: wait, or look for alerts")
        return found

    def claims(self, record: DisputeRecord, account: Address) -> Claim:
        """Return the claim of an account on a dispute that is over."""
        if record.settlement is None:
            raise NothingToDo(
                f"dispute 0x{record.id.hex()} is not over: `challenger show` tells what comes next"
            )
        commitments = self.tower.loader.game_index.interests(record, account)
        return Claim(
            reason="asked for",
            older=record.older,
            newer=record.newer,
            commitments=commitments or (),
            account=account,
        )

    def key_of(self, dispute: DisputeView, ids: Ids | None) -> DuelKey:
        """Name a duel, or the walk."""
        return DuelKey(older=dispute.older, newer=dispute.newer, commitments=ids)

    def verdict(self, assertion: Hash32) -> Judgement:
        """Return what is known of an assertion."""
        return self.known.judgement(assertion)

    def _nothing(self, dispute: DisputeView) -> NothingToDo:
        coming = "; ".join(what_next(dispute, self.view.now))
        return NothingToDo(f"there is no such move now; what comes next: {coming}")


def _begins(id_: Hash32, text: str) -> bool:
    wanted = text.lower().removeprefix("0x")
    return id_.hex().startswith(wanted)


def _only(found: dict[Hash32, T], text: str, what: str) -> T:
    values: Iterator[T] = iter(found.values())
    if len(found) != 1:
        raise NoSuchObject(f"{len(found)} {what} begin with {text}")
    return next(values)
