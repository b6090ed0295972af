"""Wrong witnesses of steps of every kind: in both languages they are refused or lead to the same state."""

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Final

import pytest

from optimistic.protocol.params import RollupParams
from optimistic.protocol.stepper.tape import Tape
from optimistic.protocol.types import Hash32
from tests.helpers.covering_programs import covering, sources
from tests.helpers.forgeries import (
    Verifiers,
    asked_otherwise,
    changed_words,
    crossed,
    executes,
    in_other_phases,
    misplaced,
    of_other_length,
    spoilt,
    zeroed_words,
)
from tests.helpers.stepper_batch import Proven

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # the first test that needs the contracts may have to compile them
]

FEW: Final = 40
"""Of so many sources one is taken for the short sample."""
ALWAYS: Final = ("batch destroyed_thrice", "batch deposit_create")
"""Sources of the short sample for phases that others do not have."""
SHARDS: Final = 8
LONG: Final = 24_000
"""Bytes of a witness of which only some words are changed."""
MOST_WORDS: Final = 300

Sample = tuple[Verifiers, Proven]


@cache
def verifiers(params: RollupParams, deposit_hashes: tuple[Hash32, ...]) -> Verifiers:
    return Verifiers(params, deposit_hashes)


@cache
def samples(every: int) -> tuple[Sample, ...]:
    """A step for each thing that one in `every` sources touches, of the shortest witness."""
    chosen = (source for i, source in enumerate(sources()) if i % every == 0 or source.name in ALWAYS)
    found: dict[tuple[Hash32, int], Sample] = {}
    for program in covering(chosen):
        known = verifiers(program.source.params, program.source.deposit_hashes)
        for step in program.new.values():
            found.setdefault((step.pre, step.v), (known, step))
    return tuple(found.values())


def of_shard(shard: int) -> tuple[Sample, ...]:
    return samples(1)[shard::SHARDS]


# ------------------------------------------------------------------------------------------- checks


def check_bytes(sample: Sample, per_word: int) -> None:
    """Wrong bytes are refused, or lead where the right ones do."""
    known, step = sample
    right = step.witness.encode()
    assert known.both(step, right) == (step.post, step.post)
    for wrong in _wrong_bytes(right, per_word):
        on_l1, in_python = known.both(step, wrong)
        assert on_l1 in (None, step.post)
        assert in_python is None


def _wrong_bytes(right: bytes, per_word: int) -> Iterator[bytes]:
    random = Random(right)
    changed = changed_words(right, random, per_word)
    if per_word > 1:
        yield from _some(zeroed_words(right), right, random)
    yield from _some(changed, right, random)
    yield from of_other_length(right)


def _some(wrong: Iterator[bytes], right: bytes, random: Random) -> Iterator[bytes]:
    """Yield all of them, or some by chance if the witness is long."""
    share = 1.0 if len(right) <= LONG else MOST_WORDS * 32 / len(right)
    return (item for item in wrong if random.random() < share)


def check_items(sample: Sample, other: Sample) -> None:
    """Wrong items are refused in both languages; where nothing is executed, L1 does not look at them."""
    known, step = sample
    right = step.witness
    for wrong in (*misplaced(right), *crossed(right, other[1].witness), *in_other_phases(right)):
        on_l1, in_python = known.both(step, wrong.encode())
        assert in_python == (step.post if wrong == right else None)
        assert on_l1 == in_python or (on_l1 == step.post and not executes(step))
    for wrong in spoilt(right):  # L1 takes a record out of a blob and does not look behind it
        on_l1, in_python = known.both(step, wrong.encode())
        assert on_l1 in (None, step.post)
        assert in_python is None


def check_questions(sample: Sample) -> None:
    """Both languages give the same answer to another question, if they give one."""
    known, step = sample
    witness = step.witness.encode()
    bare = step.witness.with_tape(Tape()).encode()
    for asked in asked_otherwise(step):
        on_l1, in_python = known.both(asked, witness)
        assert asked.pre == step.pre or on_l1 is None
        if executes(asked):
            assert on_l1 == in_python, (asked.j, asked.v)
        else:
            assert on_l1 == known.in_python(asked, bare), (asked.j, asked.v)


def neighbours(found: tuple[Sample, ...]) -> Iterator[tuple[Sample, Sample]]:
    """Yield each sample with one in the same phase, if there is another."""
    by_phase: dict[int, Sample] = {}
    for sample in found:
        yield sample, by_phase.get(sample[1].phase, found[-1])
        by_phase[sample[1].phase] = sample


# ------------------------------------------------------------------------------------------- tests


def test_attack__words_of_the_witness_changed__leads_nowhere_else() -> None:
    for sample in samples(FEW):
        check_bytes(sample, 1)


def test_attack__items_misplaced_or_of_another_step__are_refused() -> None:
    for sample, other in neighbours(samples(FEW)):
        check_items(sample, other)


def test_attack__right_witness_for_another_question__both_languages_agree() -> None:
    for sample in samples(FEW):
        check_questions(sample)


@pytest.mark.nightly
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_attack__any_witness_of_any_kind_of_step__leads_nowhere_else(shard: int) -> None:
    for sample, other in neighbours(of_shard(shard)):
        check_bytes(sample, 3)
        check_items(sample, other)
        check_questions(sample)
