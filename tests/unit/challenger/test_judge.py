from dataclasses import dataclass, field, replace

from challenger.judge import Judge
from challenger.model import Assertion, ChainView, Judgement, Knowledge
from challenger.trace import RollupTrace
from optimistic.protocol.commitment import assertion_id, batch_tree, leaf
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.unit_inputs import UnitPlace
from tests.unit.challenger.views import GENESIS, PERIOD_S, T0, Story, ident

GENESIS_LEAF = ident("leaf genesis")


@dataclass
class ToyReplay:
    """A replay whose batch i has two leaves; knows the first `n_replayed` of them."""

    n_replayed: int
    start: int = 0
    problem: str | None = None
    hidden: set[int] = field(default_factory=set)
    """Batches whose leaves are not kept."""
    corrected: tuple[UnitPlace, ...] = ()
    """Units about which the engines disagree."""
    knows_uncorrected: bool = True

    def end_leaf(self, to_batch: int) -> Hash32 | None:
        return _leaves(to_batch - 1)[-1] if to_batch <= self.n_replayed else None

    def trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        wanted = range(from_batch, to_batch)
        if to_batch > self.n_replayed or any(i in self.hidden for i in wanted):
            return None
        tops = [batch_tree(5, _leaves(i)).root for i in wanted]
        return RollupTrace(5, tops, lambda offset: _leaves(from_batch + offset))

    def key(self, index: int) -> Hash32:
        return ident(f"input {index}" if not self.corrected else f"corrected {index}")

    def uncorrected_trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        if not self.knows_uncorrected:
            return None
        tops = [batch_tree(5, _wrong_leaves(i)).root for i in range(from_batch, to_batch)]
        return RollupTrace(5, tops, lambda offset: _wrong_leaves(from_batch + offset))

    def first_correction(self, from_batch: int, to_batch: int) -> UnitPlace | None:
        return next((place for place in self.corrected if from_batch <= place.batch < to_batch), None)


def _wrong_leaves(index: int) -> tuple[Hash32, ...]:
    return tuple(keccak256(b"other" + leaf_) for leaf_ in _leaves(index))


def _leaves(index: int) -> tuple[Hash32, ...]:
    return keccak256(f"mid {index}".encode()), keccak256(f"end {index}".encode())


def judge(view: ChainView, replayed: ToyReplay, genesis_leaf: Hash32) -> Knowledge:
    return Judge(replayed, genesis_leaf).judge(view)


def story_with(*posted: tuple[str, str, AssertionStatus]) -> Story:
    story = Story().batches(4)
    for parent, name, status in posted:
        story.posted(parent, name, status=status)
    return story


def with_content(view: ChainView, story: Story, right: tuple[str, ...]) -> ChainView:
    """Give the named assertions the content of the toy replay."""
    assertions = dict(view.assertions)
    for name in right:
        old = assertions[story.ids[name]]
        trace = ToyReplay(99).trace(old.from_batch, old.to_batch)
        assert trace is not None
        assertions[old.id] = replace(old, unit_root=trace.unit_root, end_leaf=trace.end_leaf)
    return replace(view, assertions=assertions)


def verdict_of(view: ChainView, story: Story, replayed: ToyReplay, name: str) -> Judgement:
    return judge(view, replayed, GENESIS_LEAF).judgement(story.ids[name])


LIVE, CONFIRMED = AssertionStatus.LIVE, AssertionStatus.CONFIRMED


def test_judge__equal_roots__is_valid() -> None:
    story = story_with((GENESIS, "a", LIVE))
    view = with_content(story.view(), story, ("a",))

    assert verdict_of(view, story, ToyReplay(4), "a") is Judgement.VALID


def test_judge__other_root__is_invalid_and_so_is_everything_below() -> None:
    story = story_with((GENESIS, "a", LIVE), ("a", "b", LIVE))
    view = with_content(story.view(), story, ("b",))

    known = judge(view, ToyReplay(4), GENESIS_LEAF)

    assert known.verdicts[story.ids["a"]].reason == "another end state"
    assert known.verdicts[story.ids["a"]].wrong is not None
    assert known.verdicts[story.ids["b"]].reason == "its parent is wrong"
    assert known.verdicts[story.ids["b"]].wrong is None


def test_judge__right_end_by_another_root__is_invalid() -> None:
    story = story_with((GENESIS, "a", LIVE))
    view = with_content(story.view(), story, ("a",))
    wrong = replace(view.assertions[story.ids["a"]], unit_root=ident("sabotage"))
    view = replace(view, assertions={**view.assertions, wrong.id: wrong})

    verdict = judge(view, ToyReplay(4), GENESIS_LEAF).verdicts[wrong.id]

    assert (verdict.judgement, verdict.reason) == (Judgement.INVALID, "the right end state by a wrong way")


def test_judge__replay_behind__is_unknown_with_everything_below() -> None:
    story = story_with((GENESIS, "a", LIVE), ("a", "b", LIVE))
    view = with_content(story.view(), story, ("a", "b"))

    known = judge(view, ToyReplay(0), GENESIS_LEAF)

    assert known.verdicts[story.ids["a"]].reason == "replay is at batch 0 of 1"
    assert known.judgement(story.ids["b"]) is Judgement.UNKNOWN
    assert known.drafts == {}


def test_judge__confirmed_but_not_replayed__is_unknown_without_a_snapshot() -> None:
    story = story_with((GENESIS, "a", CONFIRMED))
    view = with_content(story.view(), story, ("a",))

    assert verdict_of(view, story, ToyReplay(0), "a") is Judgement.UNKNOWN


def test_judge__confirmed_before_the_snapshot__is_taken_as_valid() -> None:
    story = story_with((GENESIS, "a", CONFIRMED), ("a", "b", LIVE))
    view = with_content(story.view(), story, ("a", "b"))
    replayed = ToyReplay(4, start=1, hidden={0})

    known = judge(view, replayed, GENESIS_LEAF)

    assert known.verdicts[story.ids["a"]].reason == "confirmed before the replay starts"
    assert known.judgement(story.ids["b"]) is Judgement.VALID


def test_judge__confirmed_with_another_end__is_invalid() -> None:
    story = story_with((GENESIS, "a", CONFIRMED))

    assert verdict_of(story.view(), story, ToyReplay(4, start=1, hidden={0}), "a") is Judgement.INVALID


def test_judge__problem_of_the_replay__is_the_reason() -> None:
    story = story_with((GENESIS, "a", LIVE))

    known = judge(story.view(), ToyReplay(0, problem="an unknown configuration"), GENESIS_LEAF)

    assert known.verdicts[story.ids["a"]].reason == "an unknown configuration"


def test_judge__foreign_genesis__makes_everything_invalid() -> None:
    story = story_with((GENESIS, "a", LIVE))
    view = with_content(story.view(), story, ("a",))

    known = judge(view, ToyReplay(4), ident("another genesis"))

    assert {v.judgement for v in known.verdicts.values()} == {Judgement.INVALID}


def test_judge__no_children__drafts_as_far_as_the_replay_sees() -> None:
    story = story_with((GENESIS, "a", LIVE))
    view = with_content(story.view(), story, ("a",))

    draft = judge(view, ToyReplay(3), GENESIS_LEAF).drafts[story.ids["a"]]

    assert (draft.from_batch, draft.to_batch, draft.acc) == (1, 3, ident("acc 2"))


def test_judge__children_there__drafts_their_range() -> None:
    story = story_with((GENESIS, "a", LIVE))

    known = judge(story.view(), ToyReplay(4), GENESIS_LEAF)

    draft = known.drafts[ident(GENESIS)]
    assert (draft.from_batch, draft.to_batch) == (0, 1)
    assert isinstance(story.view().assertions[story.ids["a"]], Assertion)


def test_judge__same_view_again__reads_no_leaves_again() -> None:
    story = story_with((GENESIS, "a", LIVE), ("a", "b", LIVE))
    view = with_content(story.view(), story, ("a",))
    replayed = ToyReplay(4)
    judged = Judge(replayed, GENESIS_LEAF)
    first = judged.judge(view)

    replayed.hidden = {0, 1, 2, 3}
    second = judged.judge(view)

    assert second.verdicts == first.verdicts


def test_judge__leaves_published_later__names_the_unit_then() -> None:
    story = story_with((GENESIS, "a", LIVE))
    view, wrong_id = story.view(), story.ids["a"]
    judged = Judge(ToyReplay(4), GENESIS_LEAF)
    before = judged.judge(view).verdicts[wrong_id].wrong
    nodes = PublishedNodes(level=0, first_index=0, nodes=(leaf(ident("lie")),))

    after = judged.judge(replace(view, published={wrong_id: (nodes,)})).verdicts[wrong_id].wrong

    assert before is not None
    assert after is not None
    assert (before.unit, after.unit) == (None, 0)


# ---------------------------------------------------------------------------------- two engines

DOUBTED = (UnitPlace(0, 1),)


def doubtful(now: int, *, knows_uncorrected: bool = True) -> tuple[Story, Knowledge]:
    """The step machine's, the transaction engine's and a third opinion about batch 0, on L1 together."""
    story = story_with((GENESIS, "machine", LIVE), (GENESIS, "engine", LIVE), (GENESIS, "lie", LIVE)).at(now)
    replayed = ToyReplay(4, corrected=DOUBTED, knows_uncorrected=knows_uncorrected)
    view = with_content(story.view(), story, ("machine",))
    other = ToyReplay(4).uncorrected_trace(0, 1)
    assert other is not None
    assertions = dict(view.assertions)
    for name, trace in (("machine", replayed.trace(0, 1)), ("engine", other)):
        assert trace is not None
        old = assertions.pop(story.ids[name])
        new_id = assertion_id(old.parent, old.acc, trace.unit_root, trace.end_leaf)
        story.ids[name] = new_id
        assertions[new_id] = replace(old, id=new_id, unit_root=trace.unit_root, end_leaf=trace.end_leaf)
    return story, judge(replace(view, assertions=assertions), replayed, GENESIS_LEAF)


def judgements(story: Story, known: Knowledge) -> tuple[Judgement, Judgement, Judgement]:
    machine, engine, lie = (known.judgement(story.ids[name]) for name in ("machine", "engine", "lie"))
    return machine, engine, lie


def test_judge__engines_disagree__third_opinion_is_wrong_and_the_engines_is_undecided() -> None:
    story, known = doubtful(T0)

    assert judgements(story, known) == (Judgement.VALID, Judgement.UNKNOWN, Judgement.INVALID)
    doubt = known.doubts[story.ids[GENESIS]]
    assert (doubt.batch, doubt.unit, doubt.other) == (0, 1, story.ids["engine"])


def test_judge__engines_disagree_for_half_the_window__the_step_machine_decides() -> None:
    story, known = doubtful(T0 + PERIOD_S // 2)

    assert judgements(story, known) == (Judgement.VALID, Judgement.INVALID, Judgement.INVALID)


def test_judge__engines_disagree_and_the_other_result_is_gone__it_is_wrong_like_any_other() -> None:
    story, known = doubtful(T0, knows_uncorrected=False)

    assert judgements(story, known) == (Judgement.VALID, Judgement.INVALID, Judgement.INVALID)


def test_judge__disagreement_behind_an_assertion__is_a_doubt_about_its_children() -> None:
    story = story_with((GENESIS, "a", LIVE))
    view = with_content(story.view(), story, ("a",))

    known = judge(view, ToyReplay(4, corrected=(UnitPlace(3, 1),)), GENESIS_LEAF)

    assert set(known.doubts) == {story.ids["a"]}
    assert known.judgement(story.ids["a"]) is Judgement.VALID
