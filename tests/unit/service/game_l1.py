"""The game's contracts in memory, as far as readers and preconditions ask them; requests are counted."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from optimistic.protocol.dispute.actions import Claim, DuelKey
from optimistic.protocol.dispute.ids import Side, divergence_hash
from optimistic.protocol.dispute.views import Divergence, Life, Stage
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from optimistic.service.contracts import (
    AssertionState,
    CommitmentState,
    DisputeState,
    DuelState,
    PurseState,
    Stake,
    TallyState,
)
from optimistic.service.game_index import DisputeRecord, DuelRecord, GameIndex
from optimistic.service.game_reader import GameReader
from optimistic.service.game_readiness import GameContracts
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import Call, Header
from tests.unit.service.game_story import ALICE, LEFT, NEWER, OLDER, GameStory, ident

T0 = 1_000_000
PERIOD_S = 1_000
NOWHERE = Divergence(pre=ZERO_HASH, nodes=(ZERO_HASH, ZERO_HASH))


def duel_state(
    stage: Stage = Stage.NONE, divergence: Divergence = NOWHERE, since: int = T0, **changes: Any
) -> DuelState:
    values: dict[str, Any] = {
        "left_older": LEFT[0],
        "left_newer": LEFT[1],
        "since": since,
        "turn": Side.OLDER,
        "level": 0,
        "index": 0,
        "stage": stage,
        "divergence": divergence_hash(divergence.pre, divergence.nodes),
    }
    return DuelState(**(values | changes))


def dispute_state(duel: DuelState, live: tuple[int, int] = (0, 0), commitments: int = 0) -> DisputeState:
    tally = TallyState(
        live_older=live[0], live_newer=live[1], commitments=commitments, credits_older=0, credits_newer=0
    )
    return DisputeState(duel=duel, tally=tally, purse=PurseState(pool=0, forfeits_older=0, forfeits_newer=0))


def commitment_state(life: Life = Life.NONE, side: Side = Side.OLDER, no: int = 0) -> CommitmentState:
    return CommitmentState(
        owner=ALICE, joined_at=T0, no=no, life=life, is_free=False, side=side, credits=0, owner_credits=0
    )


def assertion_state(status: AssertionStatus, parent: Hash32 = ZERO_HASH, t0: int = 0) -> AssertionState:
    return AssertionState(
        parent=parent,
        unit_root=ZERO_HASH,
        end_leaf=ZERO_HASH,
        poster=ZERO_ADDRESS,
        seq=1,
        to=1,
        config=0,
        status=status,
        t0=t0,
        sole_since=0,
        live_children=2,
        children=2,
        child_to=1,
    )


@dataclass
class FakeGameL1:
    """What L1 holds; every read is at any block. It is client, game and chain at once."""

    now: int = T0
    disputes: dict[tuple[Hash32, Hash32], DisputeState] = field(default_factory=dict)
    duels: dict[tuple[Hash32, Hash32], DuelState] = field(default_factory=dict)
    commitments: dict[Hash32, CommitmentState] = field(default_factory=dict)
    assertions: dict[Hash32, AssertionState] = field(default_factory=dict)
    stakes: dict[Address, int] = field(default_factory=dict)
    members: set[tuple[Hash32, Address]] = field(default_factory=set)
    claims: dict[tuple[Hash32, Hash32], int] = field(default_factory=dict)
    shares: dict[Address, int] = field(default_factory=dict)
    gas_estimate: int = 100_000
    gas_needed: int = 0
    requests: Counter[str] = field(default_factory=Counter)

    @property
    def client(self) -> Any:
        return self

    def contracts(self) -> GameContracts:
        fake = cast("Any", self)
        return GameContracts(game=fake, chain=fake, account=ALICE, challenge_period_s=PERIOD_S)

    def reader(self) -> GameReader:
        fake = cast("Any", self)
        return GameReader(fake, fake)

    def mirror(self, story: GameStory) -> GameIndex:
        """Store what the story's events leave behind; return their index."""
        index = story.index()
        for record in index.disputes.values():
            self._store(record)
        return index

    def _store(self, record: DisputeRecord) -> None:
        live = (record.live(Side.OLDER), record.live(Side.NEWER))
        self.disputes[record.siblings] = dispute_state(_stored(record.walk), live, len(record.commitments))
        for pair, duel in record.duels.items():
            self.duels[pair] = _stored(duel)

    # ------------------------------------------------------------------------------ contracts

    def is_open(self, older: Hash32, newer: Hash32, *, at: Any) -> bool:
        self.requests["is_open"] += 1
        return (older, newer) in self.disputes

    def dispute(self, older: Hash32, newer: Hash32, *, at: Any) -> DisputeState:
        self.requests["dispute"] += 1
        return self.disputes.get((older, newer), dispute_state(duel_state()))

    def duel(self, key: DuelKey, *, at: Any) -> DuelState:
        self.requests["duel"] += 1
        assert key.commitments is not None
        return self.duels.get(key.commitments, duel_state())

    def commitment(self, older: Hash32, newer: Hash32, id: Hash32, *, at: Any) -> CommitmentState:
        return self.commitments.get(id, commitment_state())

    def claimable(self, action: Claim, *, at: Any) -> int:
        assert self.disputes[action.older, action.newer].duel.stage is Stage.OVER, "else it reverts"
        self.requests["claimable"] += 1
        return self.claims.get((action.older, action.newer), 0)

    def owed(self, account: Address, *, at: Any) -> int:
        self.requests["owed"] += 1
        return self.shares.get(account, 0)

    def assertion(self, id: Hash32, *, at: Any) -> AssertionState:
        return self.assertions.get(id, assertion_state(AssertionStatus.NONE))

    def stake_of(self, staker: Address, *, at: Any) -> Stake:
        return Stake(amount_wei=self.stakes.get(staker, 0), tip=ZERO_HASH)

    def is_member(self, id: Hash32, staker: Address, *, at: Any) -> bool:
        return (id, staker) in self.members

    # ------------------------------------------------------------------------------ the endpoint

    def header(self, at: Any) -> Header:
        self.requests["header"] += 1
        return Header(
            number=1,
            hash=at if isinstance(at, bytes) else ident("block"),  # type: ignore[arg-type]
            parent_hash=ZERO_HASH,
            timestamp=self.now,
            base_fee_wei=10,
            gas_limit=30_000_000,
        )

    def estimate_gas(self, call: Call, at: Any) -> int:
        if not self.gas_estimate:
            raise ContractReverted(b"", "reverted")
        return self.gas_estimate

    def call(self, call: Call, at: Any) -> bytes:
        if call.gas is not None and call.gas < self.gas_needed:
            raise ContractReverted(b"", "not enough gas")
        return b""

    def __getattr__(self, name: str) -> Any:
        if not name.endswith("_call"):
            raise AttributeError(name)
        return lambda action: Call(to=ZERO_ADDRESS, data=f"{name}:{action.kind}".encode())


def _stored(record: DuelRecord) -> DuelState:
    return duel_state(
        record.stage, record.divergence, turn=record.turn, level=record.level, index=record.index
    )


def siblings(
    older: AssertionStatus = AssertionStatus.LIVE, newer: AssertionStatus = AssertionStatus.LIVE
) -> dict[Hash32, AssertionState]:
    """Two children of a parent whose first child came at T0."""
    parent = ident("parent")
    return {
        parent: assertion_state(AssertionStatus.CONFIRMED, t0=T0),
        OLDER: assertion_state(older, parent),
        NEWER: assertion_state(newer, parent),
    }
