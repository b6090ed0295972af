"""Contracts in memory, as far as preconditions and the responder read them."""

from dataclasses import dataclass, field
from typing import Any, cast

from challenger.preconditions import Contracts
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from optimistic.service.contracts import AssertionState, Stake
from optimistic.service.l1_types import Call, Header, Receipt
from tests.unit.challenger.views import ME, PERIOD_S, T0, ident

NOTHING = AssertionState(
    parent=ZERO_HASH,
    unit_root=ZERO_HASH,
    end_leaf=ZERO_HASH,
    poster=ZERO_ADDRESS,
    seq=0,
    to=0,
    config=0,
    status=AssertionStatus.NONE,
    t0=0,
    sole_since=0,
    live_children=0,
    children=0,
    child_to=0,
)


@dataclass
class FakeL1:
    """What L1 holds; every read is at any block."""

    now: int = T0
    assertions: dict[Hash32, AssertionState] = field(default_factory=dict)
    stakes: dict[Address, Stake] = field(default_factory=dict)
    members: set[tuple[Hash32, Address]] = field(default_factory=set)
    openings: set[tuple[Hash32, Hash32]] = field(default_factory=set)
    accs: dict[int, Hash32] = field(default_factory=dict)
    receipts: dict[Hash32, Receipt] = field(default_factory=dict)

    def contracts(self) -> Contracts:
        fake = cast("Any", self)
        return Contracts(
            client=fake, inbox=fake, chain=fake, game=fake, account=ME, challenge_period_s=PERIOD_S
        )

    @property
    def client(self) -> Any:
        return self

    def header(self, at: Any) -> Header:
        return Header(
            number=1,
            hash=ident("block"),
            parent_hash=ZERO_HASH,
            timestamp=self.now,
            base_fee_wei=10,
            gas_limit=30_000_000,
        )

    def priority_fee_wei(self) -> int:
        return 1

    def receipt(self, tx_hash: Hash32) -> Receipt | None:
        return self.receipts.get(tx_hash)

    def assertion(self, id: Hash32, *, at: Any) -> AssertionState:
        return self.assertions.get(id, NOTHING)

    def stake_of(self, staker: Address, *, at: Any) -> Stake:
        return self.stakes.get(staker, Stake(amount_wei=0, tip=ZERO_HASH))

    def is_member(self, id: Hash32, staker: Address, *, at: Any) -> bool:
        return (id, staker) in self.members

    def is_open(self, older: Hash32, newer: Hash32, *, at: Any) -> bool:
        return (older, newer) in self.openings

    def acc(self, index: int, *, at: Any) -> Hash32:
        return self.accs.get(index, ZERO_HASH)

    def __getattr__(self, name: str) -> Any:
        if not name.endswith("_call"):
            raise AttributeError(name)
        return lambda *_, **named: Call(
            to=ZERO_ADDRESS, data=name.encode(), value_wei=named.get("stake_wei", 0)
        )
