"""Whatever the assertion tree looks like, the honest player keeps its promises."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from challenger.actions import AssertBatches, Back, Confirm, KillUnopened, WithdrawStake
from challenger.defence import play
from challenger.model import Judgement
from challenger.policy import BackPolicy, Policy
from challenger.solver import next_actions
from challenger.trace import RollupTrace
from optimistic.protocol.commitment import UnitTree, batch_tree
from optimistic.protocol.dispute.actions import Commit, Move, Open
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.game_calls import dispute_of
from tests.helpers.unit_search import locate_wrong_units
from tests.unit.challenger.disputes import TRACE, UNIT, pinned, walk
from tests.unit.challenger.views import AIRGAP_S, GENESIS, PERIOD_S, T0, Story

STATUSES = st.sampled_from([AssertionStatus.LIVE, AssertionStatus.LIVE, AssertionStatus.DEAD])
POLICIES = st.builds(
    Policy,
    back=st.sampled_from(BackPolicy),
    assert_after_s=st.integers(0, 200),
    release_stake=st.booleans(),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Up to three generations of siblings, right and wrong, some unknown, in any order and state."""
    story = Story(now=T0 + draw(st.integers(0, 2 * PERIOD_S)))
    story.batches(draw(st.integers(0, 2)))
    story.batches(draw(st.integers(0, 2)), is_forced=draw(st.booleans()))
    count, parent = len(story.view().batches), GENESIS
    names: list[str] = []
    for generation in range(draw(st.integers(0, min(3, count)))):
        right = f"right {generation}"
        story.right(parent, right, to=generation + 1)
        posted = draw(st.lists(st.sampled_from([right, "x", "y"]), unique=True, max_size=3))
        for name in posted:
            full = name if name == right else f"{name} {generation}"
            story.posted(parent, full, status=draw(STATUSES), t0=T0)
            names.append(full)
        if draw(st.integers(0, 4)) == 0:
            story.unknown(parent)
        if right not in posted:
            break
        parent = right
    if draw(st.booleans()) and names:
        story.staked(draw(st.sampled_from(names)))
    return story


@given(stories(), POLICIES)
def test_solver__any_tree__supports_only_what_is_right(story: Story, policy: Policy) -> None:
    view, known = story.view(), story.known()
    rights = {draft.id for draft in known.drafts.values()}

    for action in next_actions(view, known, policy):
        match action:
            case AssertBatches():
                assert action.draft in known.drafts.values()
                assert known.judgement(action.draft.parent) is Judgement.VALID
            case Back() | Confirm():
                assert known.judgement(action.assertion) is Judgement.VALID
                assert action.assertion in rights
            case Open():
                assert action.newer in rights
                assert view.assertions[action.older].seq < view.assertions[action.newer].seq
            case KillUnopened():
                assert action.older in rights
                assert action.newer not in rights
                assert view.now >= T0 + PERIOD_S


@given(stories(), POLICIES)
def test_solver__any_tree__confirms_only_what_stands_alone_long_enough(story: Story, policy: Policy) -> None:
    view = story.view()

    for action in next_actions(view, story.known(), policy):
        if isinstance(action, Confirm):
            parent = view.assertions[view.assertions[action.assertion].parent]
            assert parent.status is AssertionStatus.CONFIRMED
            assert parent.live_children == 1
            assert view.now >= T0 + PERIOD_S + AIRGAP_S


@given(stories(), POLICIES)
def test_solver__any_tree__pays_at_most_one_stake_and_asks_for_nothing_twice(
    story: Story, policy: Policy
) -> None:
    actions = next_actions(story.view(), story.known(), policy)

    paid = [a.stake_wei for a in actions if isinstance(a, AssertBatches | Back) and a.stake_wei]
    moves = any(isinstance(a, AssertBatches | Back) for a in actions)
    assert len(paid) <= 1
    assert len(actions) == len(set(actions))
    assert not (moves and any(isinstance(a, WithdrawStake) for a in actions))


@st.composite
def disputed_stories(draw: st.DrawFn) -> Story:
    """Siblings, right, wrong and unknown ones, in disputes at every stage."""
    story = Story(now=T0 + draw(st.integers(0, 3 * PERIOD_S))).batches(1).right(GENESIS, "right", to=1)
    names = draw(st.permutations(["right", "x", "y", "z"]))
    for name in names:
        story.posted(
            GENESIS,
            name,
            status=draw(st.sampled_from([AssertionStatus.LIVE, AssertionStatus.LIVE, AssertionStatus.DEAD])),
        )
    if draw(st.integers(0, 3)) == 0:
        story.doubted(GENESIS, "x")
    if draw(st.booleans()):
        story.steps(UNIT, TRACE)
    for older, newer in combinations(names, 2):
        pair, side = (story.ids[older], story.ids[newer]), draw(st.sampled_from(Side))
        right = Side.OLDER if older == "right" else Side.NEWER if newer == "right" else side
        since = T0 + draw(st.integers(0, PERIOD_S))
        match draw(st.integers(0, 2)):
            case 0:
                turn = draw(st.sampled_from(Side))
                story.disputed(walk(*pair, right=right, turn=turn, since=since, is_moot=draw(st.booleans())))
            case 1:
                joined = st.none() | st.integers(since, since + PERIOD_S)
                ours, theirs = draw(joined), draw(joined)
                story.disputed(pinned(*pair, right=right, since=since, champion_at=ours, rival_at=theirs))
    return story


@given(disputed_stories(), POLICIES)
def test_play__any_disputes__moves_only_for_the_right_side_against_a_wrong_one(
    story: Story, policy: Policy
) -> None:
    view, known = story.view(), story.known()
    by_id = {dispute.id: dispute for dispute in view.disputes}

    played = play(view, known, policy)

    for action in played.actions:
        dispute = by_id[dispute_of(action)]
        sides = [known.judgement(dispute.assertion(side)) for side in Side]
        assert sorted(sides) == [Judgement.INVALID, Judgement.VALID]
        if isinstance(action, Move | Commit):
            assert sides[action.side] is Judgement.VALID
        assert action.deadline is None or view.now < action.deadline
    assert len(played.actions) == len(set(played.actions))


@given(stories(), POLICIES)
def test_solver__nothing_known__does_nothing_about_children(story: Story, policy: Policy) -> None:
    for parent in list(story.ids):
        if story.ids[parent] in story.view().assertions:
            story.unknown(parent)

    actions = next_actions(story.view(), story.known(), policy)

    supporting = AssertBatches | Back | Confirm | Open | KillUnopened
    assert not [action for action in actions if isinstance(action, supporting)]


BATCHES = st.lists(st.integers(1, 70), min_size=1, max_size=4)


def _leaves(sizes: list[int], salt: str, wrong_from: int | None = None) -> list[tuple[Hash32, ...]]:
    """Leaves of batches; those from position `wrong_from` on carry the salt."""
    position, batches = 0, []
    for size in sizes:
        leaves = []
        for _ in range(size):
            told = salt if wrong_from is not None and position >= wrong_from else ""
            leaves.append(keccak256(f"{told}{position}".encode()))
            position += 1
        batches.append(tuple(leaves))
    return batches


@given(BATCHES, st.sampled_from([1, 5]))
def test_trace__any_batches__is_the_unit_tree(sizes: list[int], log_arity: int) -> None:
    batches = _leaves(sizes, "")
    tops = [batch_tree(log_arity, leaves).root for leaves in batches]

    trace = RollupTrace(log_arity, tops, lambda offset: batches[offset])

    tree = UnitTree(log_arity, batches)
    assert trace.root == tree.root
    assert trace.first_difference(tree) is None


@given(BATCHES, st.data(), st.sampled_from([1, 5]))
def test_locate__everything_published__names_the_first_wrong_unit(
    sizes: list[int], data: st.DataObject, log_arity: int
) -> None:
    wrong_from = data.draw(st.integers(0, sum(sizes) - 1))
    own = UnitTree(log_arity, _leaves(sizes, ""))
    told = _leaves(sizes, "lie ", wrong_from)
    other = UnitTree(log_arity, told)
    height = 15 // log_arity
    tops = tuple(other.node(height, i) for i in range(len(sizes) + 1))
    published = [PublishedNodes(level=height, first_index=0, nodes=tops)]
    for offset, leaves in enumerate(told):
        nodes = tuple(other.node(0, (offset << 15) + i) for i in range(len(leaves)))
        published.append(PublishedNodes(level=0, first_index=offset << 15, nodes=nodes))

    found = locate_wrong_units(own, published)

    assert found.unit == own.first_difference(other)
    assert found.proven == found.unit
