"""Events of one dispute in an order that the game could have emitted, with trees of two children per node."""

from dataclasses import dataclass, field
from typing import Any

from optimistic.protocol.commitment import merkle_root, node_hash
from optimistic.protocol.dispute.ids import Side, commitment_id, dispute_id, duel_id
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.game_index import GameIndex
from optimistic.service.l1_events import (
    Asserted,
    CommitmentDied,
    Committed,
    Died,
    DisputeOpened,
    DisputeSettled,
    DuelStarted,
    L1Event,
    Moved,
    Paid,
    Place,
    StepProven,
    UnitPinned,
)

LOG_ARITY = 1
ALICE, BOB, EVE = (Address(bytes([byte]) * 20) for byte in (0xA1, 0xB0, 0xEE))
LEFT = (1_000, 900)


def ident(name: str) -> Hash32:
    """A 32-byte hash that stands for a name."""
    return keccak256(name.encode())


OLDER, NEWER = ident("older"), ident("newer")
DISPUTE = dispute_id(OLDER, NEWER)
WALK = DISPUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A node from within."""

    end_state: Hash32
    children: tuple[Hash32, Hash32]

    @property
    def hash(self) -> Hash32:
        return node_hash(self.end_state, merkle_root(self.children))


def inner(name: str, end_state: Hash32 | None = None) -> Inner:
    """A node whose content stands for a name."""
    end = ident(f"{name} end") if end_state is None else end_state
    return Inner(end_state=end, children=(ident(f"{name} 0"), ident(f"{name} 1")))


@dataclass
class GameStory:
    """Makes events one per block; what the game would check besides the order is made up."""

    events: list[L1Event] = field(default_factory=list)
    n_commitments: int = 0

    def index(self) -> GameIndex:
        """Fold all events."""
        index = GameIndex(LOG_ARITY)
        for event in self.events:
            index.apply(event)
        return index

    def place(self) -> Place:
        """The next block."""
        number = len(self.events) + 1
        return Place(
            address=Address(bytes(20)),
            block_number=number,
            block_hash=ident(f"block {number}"),
            tx_hash=ident(f"tx {number}"),
            log_index=0,
        )

    def add(self, event: L1Event) -> "GameStory":
        self.events.append(event)
        return self

    # ------------------------------------------------------------------------------ the walk

    def asserted(self, id_: Hash32, poster: Address) -> "GameStory":
        return self.add(
            Asserted(
                place=self.place(),
                id=id_,
                parent=ident("parent"),
                seq=1,
                poster=poster,
                from_batch=0,
                to_batch=1,
                acc=ident("acc"),
                unit_root=ident("root"),
                end_leaf=ident("leaf"),
                children_root=ident("children"),
            )
        )

    def died(self, id_: Hash32) -> "GameStory":
        return self.add(Died(place=self.place(), id=id_))

    def opened(self, level: int, **changes: Any) -> "GameStory":
        """Open; above level 0 the newer side reveals the node "newer" and more."""
        nodes = (inner("older").hash, inner("newer").hash)
        divergence = Divergence(pre=ident("start"), nodes=nodes)
        values: dict[str, Any] = {
            "place": self.place(),
            "dispute": DISPUTE,
            "older": OLDER,
            "newer": NEWER,
            "opener": BOB,
            "level": level,
            "index": 0,
            "divergence": divergence,
            "left_older": LEFT[0],
            "left_newer": LEFT[1],
        }
        return self.add(DisputeOpened(**(values | changes)))

    def walk(self) -> "GameStory":
        """Open at level 1 and reveal."""
        first = inner("newer")
        self.opened(1)
        divergence = Divergence(pre=ident("start"), nodes=(inner("older").hash, first.hash))
        return self.moved(WALK, Side.NEWER, 1, 0, divergence, first)

    def moved(
        self,
        duel: Hash32,
        side: Side,
        level: int,
        index: int,
        divergence: Divergence,
        own: Inner | None,
        **changes: Any,
    ) -> "GameStory":
        values: dict[str, Any] = {
            "place": self.place(),
            "duel": duel,
            "dispute": DISPUTE,
            "mover": ALICE if side is Side.OLDER else EVE,
            "side": side,
            "level": level,
            "index": index,
            "divergence": divergence,
            "end_state": ZERO_HASH if own is None else own.end_state,
            "children": () if own is None else own.children,
        }
        return self.add(Moved(**(values | changes)))

    def pinned(self) -> "GameStory":
        """Walk down to unit 1."""
        return self.walk().moved(WALK, Side.OLDER, 0, 1, self.results(), None).pin(1)

    def pin(self, index: int, **changes: Any) -> "GameStory":
        values: dict[str, Any] = {
            "place": self.place(),
            "dispute": DISPUTE,
            "index": index,
            "divergence": self.results(),
            "budget_older": LEFT[0],
            "budget_newer": LEFT[1],
        }
        return self.add(UnitPinned(**(values | changes)))

    @staticmethod
    def results() -> Divergence:
        """What the two sides say the unit makes of a state."""
        return Divergence(pre=ident("before"), nodes=(ident("right result"), ident("wrong result")))

    # ------------------------------------------------------------------------------ commitments

    def commitment(self, side: Side, name: str, depth: int = 1) -> Hash32:
        """Id of the commitment that stands for a name."""
        return commitment_id(DISPUTE, side, depth, self.root(side, name).hash)

    def root(self, side: Side, name: str) -> Inner:
        return inner(name, self.results().nodes[side])

    def committed(self, side: Side, name: str, owner: Address, depth: int = 1, **changes: Any) -> "GameStory":
        root = self.root(side, name)
        self.n_commitments += 1
        values: dict[str, Any] = {
            "place": self.place(),
            "dispute": DISPUTE,
            "commitment": self.commitment(side, name, depth),
            "owner": owner,
            "side": side,
            "depth": depth,
            "root": root.hash,
            "no": self.n_commitments,
            "is_free": False,
            "children": root.children,
        }
        return self.add(Committed(**(values | changes)))

    def commitment_died(self, id_: Hash32, stake: int = 0) -> "GameStory":
        return self.add(CommitmentDied(place=self.place(), dispute=DISPUTE, commitment=id_, stake=stake))

    # ------------------------------------------------------------------------------ duels

    def met(self, pair: tuple[Hash32, Hash32]) -> "GameStory":
        """Start a duel; a move must follow."""
        duel = duel_id(DISPUTE, pair)
        return self.add(
            DuelStarted(place=self.place(), duel=duel, dispute=DISPUTE, older=pair[0], newer=pair[1])
        )

    def started(self, pair: tuple[Hash32, Hash32], level: int = 0) -> "GameStory":
        """Start a duel with the newer side's first move, to `level`."""
        own = inner("duel") if level else None
        nodes = (ident("older step"), ident("newer step") if own is None else own.hash)
        divergence = Divergence(pre=ident("step pre"), nodes=nodes)
        return self.met(pair).moved(duel_id(DISPUTE, pair), Side.NEWER, level, 1, divergence, own)

    def proven(self, pair: tuple[Hash32, Hash32], prover: Address = ALICE) -> "GameStory":
        return self.add(
            StepProven(
                place=self.place(),
                duel=duel_id(DISPUTE, pair),
                dispute=DISPUTE,
                prover=prover,
                post=ident("older step"),
            )
        )

    def settled(self, winner: Hash32 = OLDER, **changes: Any) -> "GameStory":
        values: dict[str, Any] = {
            "place": self.place(),
            "dispute": DISPUTE,
            "winner": winner,
            "killed": True,
            "pool": 5,
            "to_poster": 0,
            "burned": 1,
        }
        return self.add(DisputeSettled(**(values | changes)))

    def paid(self, account: Address) -> "GameStory":
        return self.add(Paid(place=self.place(), account=account, amount=7))
