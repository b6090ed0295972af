from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from optimistic.node import defender as defender_module
from optimistic.node.chain_records import StoredAssertion
from optimistic.node.defender import Defender
from optimistic.node.right_path import Tip
from optimistic.protocol.commitment import Node, UnitTree
from optimistic.protocol.dispute.actions import GameAction, Open
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.dispute.solver import TraceMismatch
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.game_index import GameIndex
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_types import Call, Header
from optimistic.service.tx_types import IdempotencyConflict, TxRequest, TxStatus
from tests.unit.service.game_actions import ALL, CLAIM, MOVE, PROVE, SETTLE
from tests.unit.service.game_l1 import T0, FakeGameL1
from tests.unit.service.game_story import ALICE, LOG_ARITY, NEWER, OLDER, GameStory, ident

PARENT = ident("parent")
PERIOD_S = DEVNET.challenge_period_s
OWN_UNITS = UnitTree(DEVNET.log_arity, [[ident("right 1"), ident("right 2")]])


def assertion(id_: Hash32, seq: int, **changes: Any) -> StoredAssertion:
    values: dict[str, Any] = {
        "id": id_,
        "parent": PARENT,
        "seq": seq,
        "poster": ALICE,
        "from_batch": 0,
        "to_batch": 1,
        "acc": ident("acc"),
        "unit_root": ident(f"root {seq}"),
        "end_leaf": ident(f"leaf {seq}"),
        "children_root": ident("children"),
        "l1_timestamp": T0 + seq,
        "l1_block_number": 1,
        "confirmed": False,
        "dead": False,
    }
    return StoredAssertion(**(values | changes))


BOTH = (assertion(OLDER, 1), assertion(NEWER, 2))


@dataclass
class World:
    """Everything around a defender: it is feed, store, path, traces, shop and transaction manager at once."""

    right: Hash32 = NEWER
    l1: FakeGameL1 = field(default_factory=FakeGameL1)
    index: GameIndex = field(default_factory=lambda: GameIndex(LOG_ARITY))
    siblings: list[StoredAssertion] = field(
        default_factory=lambda: [assertion(OLDER, 1), assertion(NEWER, 2)]
    )
    number: int = 1
    now: int = T0 + 10
    more: int = 0
    made: int = 0
    doubts: int = 0
    trusts: int = 0
    kept: list[set[Hash32]] = field(default_factory=list)
    requests: list[TxRequest] = field(default_factory=list)
    conflicts: bool = False

    def defender(self) -> Defender:
        fake = cast("Any", self)
        return Defender(fake, fake, fake, self.l1.contracts(), fake)

    # what the path, the store and the feed are asked

    @property
    def params(self) -> Any:
        return DEVNET

    @property
    def store(self) -> Any:
        return self

    @property
    def shop(self) -> Any:
        return self

    @property
    def block(self) -> Header | None:
        return Header(
            number=self.number,
            hash=ident(f"block {self.number}"),
            parent_hash=ZERO_HASH,
            timestamp=self.now,
            base_fee_wei=0,
            gas_limit=30_000_000,
        )

    def refresh(self) -> bool:
        self.more -= 1
        return self.more >= 0

    def doubt(self) -> None:
        self.doubts += 1

    def trust(self) -> None:
        self.trusts += 1

    def tips(self) -> list[Tip]:
        right = [s for s in self.siblings if s.id == self.right and not s.dead]
        return [Tip(PARENT, 0, 0), *(Tip(s.id, 1, s.l1_timestamp) for s in right)]

    def assertion_children(self, parent: Hash32) -> list[StoredAssertion]:
        return self.siblings if parent == PARENT else []

    def assertion(self, id_: Hash32) -> StoredAssertion | None:
        return next((s for s in self.siblings if s.id == id_), None)

    # what traces, shop and manager are asked

    def units(self, _: StoredAssertion) -> UnitTree:
        return OWN_UNITS

    def of(self, known: StoredAssertion) -> Any:
        return known

    def keep(self, assertions: set[Hash32]) -> None:
        self.kept.append(assertions)

    def tend(self) -> bool:
        self.made -= 1
        return self.made >= 0

    def status(self, _: str) -> TxStatus | None:
        return None

    def submit(self, request: TxRequest) -> None:
        if self.conflicts:
            raise IdempotencyConflict("signed already")
        self.requests.append(request)

    @property
    def sent(self) -> list[str]:
        """Kinds of what was submitted, in order."""
        return [request.key.split(":")[0] for request in self.requests]


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the solver answers in every dispute; what it was asked is kept in front."""
    answers: list[Any] = []

    def answer(*asked: Any) -> Iterator[GameAction]:
        answers.insert(0, asked)
        yield from (item for item in answers if not isinstance(item, tuple))

    monkeypatch.setattr(defender_module, "next_moves", answer)
    return answers


def in_dispute(story: GameStory, **changes: Any) -> World:
    world = World(**changes)
    world.index = world.l1.mirror(story)
    return world


# ---------------------------------------------------------------------------------- openings


def opening_of(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Open]:
    """The openings that a turn submits."""
    found: list[Open] = []

    def call(_: Any, action: Open) -> Call:
        found.append(action)
        return Call(to=None)

    monkeypatch.setattr(defender_module, "call_of", call)
    world.defender().step()
    return found


def test_defender__older_rival__is_opened_against_from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    [action] = opening_of(world, monkeypatch)

    assert (action.older, action.newer) == (OLDER, NEWER)
    assert action.level == OWN_UNITS.height
    assert action.proof.nodes == (ident("root 1"), OWN_UNITS.root.hash)
    assert action.deadline == T0 + 1 + PERIOD_S
    assert world.kept == [{PARENT, NEWER}]


@pytest.mark.parametrize(
    "changes",
    [
        {"right": OLDER},
        {"right": ident("third")},
        {"now": T0 + 1 + PERIOD_S},
        {"siblings": [assertion(NEWER, 2)]},
        {"siblings": [assertion(OLDER, 1, dead=True), assertion(NEWER, 2)]},
    ],
    ids=["rival_is_newer", "neither_is_right", "window_closed", "no_rival", "rival_dead"],
)
def test_defender__nothing_to_open__opens_nothing(changes: dict[str, Any]) -> None:
    world = World(**changes)

    world.defender().step()

    assert world.sent == []


@pytest.mark.parametrize("dead", [OLDER, NEWER])
def test_defender__game_saw_a_death_first__opens_nothing(dead: Hash32) -> None:
    world = in_dispute(GameStory().died(dead))

    world.defender().step()

    assert world.sent == []


@pytest.mark.parametrize("right", [OLDER, NEWER])
def test_attack__event_of_an_opening_withheld__nothing_is_done(right: Hash32) -> None:
    world = in_dispute(GameStory().walk(), right=right)
    world.index = GameIndex(LOG_ARITY)

    with pytest.raises(L1Lied):
        world.defender().step()

    assert (world.sent, world.doubts) == ([], 1)


# ---------------------------------------------------------------------------------- moves


def test_defender__dispute_with_a_right_side__is_played_for_it(planned: list[Any]) -> None:
    world = in_dispute(GameStory().walk(), right=OLDER)
    planned.append(MOVE)

    world.defender().step()

    view, side, terms, player, traces, now = planned[0]
    assert (view.id, side) == (world.index.disputes[view.id].id, Side.OLDER)
    assert (terms.bond_wei, player.address) == (DEVNET.commitment_bond_wei, ALICE)
    assert (traces.id, now) == (OLDER, world.now)
    assert world.sent == ["move"]
    assert world.trusts == 1


@pytest.mark.parametrize(
    ("siblings", "n_played"),
    [
        ([], 0),
        (list(BOTH), 0),
        ([assertion(OLDER, 1, confirmed=True), assertion(NEWER, 2)], 1),
    ],
    ids=["not_derived_yet", "both_wrong", "one_is_confirmed"],
)
def test_defender__dispute_of_which_a_side_is_confirmed__is_seen_through(
    planned: list[Any], siblings: list[StoredAssertion], n_played: int
) -> None:
    world = in_dispute(GameStory().walk(), right=ident("third"), siblings=siblings)

    world.defender().step()

    assert len(planned) == n_played


def test_defender__several_moves__least_time_first(planned: list[Any]) -> None:
    world = in_dispute(GameStory().walk(), right=OLDER)
    planned += [SETTLE, replace(MOVE, deadline=20), replace(PROVE, deadline=10)]

    world.defender().step()

    assert world.sent == ["prove_step", "move", "settle"]


def test_defender__step__is_given_its_gas(planned: list[Any]) -> None:
    world = in_dispute(GameStory().walk(), right=OLDER)
    planned += [MOVE, PROVE]

    world.defender().step()

    assert [request.gas_limit for request in world.requests] == [None, 125_000]
    assert all(request.precondition is not None for request in world.requests)


def test_defender__something_to_claim__claims_it(planned: list[Any]) -> None:
    story = GameStory().pinned().committed(Side.OLDER, "right", ALICE).settled(OLDER)
    world = in_dispute(story, right=OLDER)
    world.l1.claims[OLDER, NEWER] = 7

    world.defender().step()

    assert world.sent == [CLAIM.kind]
    assert not planned


def test_defender__contradiction_in_one_dispute__others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Iterator[GameAction]:
        raise TraceMismatch("engines disagree")
        yield from ALL

    monkeypatch.setattr(defender_module, "next_moves", refuse)
    world = in_dispute(GameStory().walk())
    world.siblings.append(assertion(ident("third"), 0))

    world.defender().step()

    assert world.sent == ["open"]


def test_defender__same_effect_is_in_flight_in_other_words__is_left_alone(planned: list[Any]) -> None:
    world = in_dispute(GameStory().walk(), right=OLDER, conflicts=True)
    planned.append(MOVE)

    world.defender().step()

    assert world.sent == []


# ---------------------------------------------------------------------------------- turns


def test_defender__nothing_new__plays_once_per_block(planned: list[Any]) -> None:
    world = in_dispute(GameStory().walk(), right=OLDER)
    defender = world.defender()

    for number in (1, 1, 2, 2):
        world.number = number
        assert not defender.step()

    assert len(planned) == 2


def test_defender__trace_made_meanwhile__plays_again(planned: list[Any]) -> None:
    world = in_dispute(GameStory().walk(), right=OLDER, made=1)
    defender = world.defender()

    assert defender.step()
    assert not defender.step()

    assert len(planned) == 2


def test_defender__behind_the_head__reads_on_first(planned: list[Any]) -> None:
    world = in_dispute(GameStory().walk(), right=OLDER, more=1)
    defender = world.defender()

    assert defender.step()
    assert not planned
    defender.step()

    assert len(planned) == 1


def test_defender__rival_with_published_nodes__is_opened_further_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rival = UnitTree(DEVNET.log_arity, [[ident("right 1"), ident("wrong")]])
    known = assertion(OLDER, 1, unit_root=rival.unit_root, end_leaf=rival.end_leaf)
    world = World(siblings=[known, assertion(NEWER, 2)])
    nodes = tuple(Node(leaf, leaf) for leaf in (ident("right 1"), ident("wrong")))
    world.index.published[OLDER] = {(0, 0, 2): PublishedNodes(level=0, first_index=0, nodes=nodes)}

    [action] = opening_of(world, monkeypatch)

    assert (action.level, action.proof.index) == (0, 1)
