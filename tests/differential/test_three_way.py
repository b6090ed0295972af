"""Random transactions by all who know how to execute them: py-evm, the step machine, its verifiers, EELS.

EELS takes part where it is installed, see `tests/helpers/eels.py`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimistic.protocol.derivation import UnitResult
from optimistic.protocol.engine import Outcome
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import Address
from tests.helpers import frame_programs, memory_programs
from tests.helpers.biased_programs import THEMES, Case, cases
from tests.helpers.eels import Executed, installed
from tests.helpers.evm_world import Alloc, sign_tx
from tests.helpers.forgeries import Verifiers
from tests.helpers.stepper_batch import Proven, StepperBatch, stepper_batch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7_200)]

EXAMPLES: Final = {"nightly": 2_000, "ci": 60}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 10)
"""Of each of the five themes."""
EVERY_STEP: Final = 100
"""Steps of a case up to which each is proven; of a longer one as many are drawn."""


@pytest.fixture(scope="module")
def verifiers() -> Verifiers:
    return Verifiers(DEVNET, ())


def some_steps(batch: StepperBatch) -> Iterator[Proven]:
    """Return all steps, or some of many, with their proofs."""
    order = batch.indices()
    if len(order) <= EVERY_STEP:
        return batch.proofs()
    chosen = set(Random(batch.data).sample(order, EVERY_STEP))
    return batch.proofs(lambda _be, _m, j, v: (j, v) in chosen)


def check_eels(alloc: Mapping[Address, Alloc], raw: Sequence[bytes], replay: list[UnitResult]) -> None:
    """Compare what py-evm says of the transactions of one block with what the specification says."""
    eels = installed()
    if eels is None:
        return
    block = next(result.unit for result in replay if result.unit.block_open)
    root, executed = eels.run(alloc, block, raw)
    assert [_executed(result) for result in replay if result.raw is not None] == executed
    assert replay[-1].unit.state_root == root


def _executed(result: UnitResult) -> Executed | None:
    effect = result.effect
    if not isinstance(effect, Outcome):
        return None
    logs = tuple((bytes(log.address), tuple(map(bytes, log.topics)), log.data) for log in effect.logs)
    return Executed(effect.status == 1, effect.gas_used, logs)


@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_transactions__random__everybody_agrees(
    verifiers: Verifiers, theme: str, data: st.DataObject
) -> None:
    case: Case = data.draw(cases(theme))
    replay = case.batch.replay()

    assert case.batch.leaves() == [unit.leaf for unit in replay]
    check_eels(case.alloc, case.raw, replay)
    for step in some_steps(case.batch):
        answers = verifiers.both(step, step.witness.encode())
        assert answers == (step.post, step.post), (step.j, step.v, step.phase)


def test_named_programs__eels_agrees_where_it_is_installed() -> None:
    if installed() is None:
        return
    for program in frame_programs.PROGRAMS.values():
        if program.depth or program.is_static:
            continue
        to = None if program.is_create else frame_programs.TARGET
        gas = program.gas + 900_000 * program.is_create
        raw = sign_tx(to=to, data=program.code if to is None else program.data, value=program.value, gas=gas)
        alloc = frame_programs.world_of(program)
        check_eels(alloc, [raw], stepper_batch([raw], alloc).replay())
    for program_ in memory_programs.PROGRAMS.values():
        batch = memory_programs.batch_of(program_)
        replay = batch.replay()
        raws = [result.raw for result in replay if result.raw is not None]
        check_eels(memory_programs.world_of(program_), raws, replay)
