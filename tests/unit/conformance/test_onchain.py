"""The engine that has L1 prove steps: which steps it chooses and how it counts, without the contracts."""

from array import array
from random import Random

import pytest

from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.types import Hash32
from tests.conformance import onchain
from tests.conformance.cases import Case, cases_of
from tests.conformance.engines import run_case
from tests.conformance.execution import Proofs, Run, Verdict, load_setting
from tests.conformance.onchain import BY_CHANCE, EVERY_STEP, choosing
from tests.conformance.report import Totals
from tests.conformance.stepping import TooManySteps, prepare, proving
from tests.helpers.contract_host import Reverted
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, Alloc, sign_tx
from tests.helpers.onchain_host import Deployment
from tests.helpers.state_tests import entry, state_test

RUN = Run(engine="onchain", verifier=Deployment("0x", ()))
COUNT_DOWN = bytes.fromhex("61012c5b60019003806003575f5f5f5f5f73" + BOB.hex() + "5af1")
"""Counts down from 300, then calls an account without code."""
LONG = sign_tx(chainId=CONFORMANCE.l2_chain_id, to=CONTRACT)
SHORT = sign_tx(chainId=CONFORMANCE.l2_chain_id)
WRONG = Hash32(b"\x77" * 32)


def case_of(raw: bytes) -> Case:
    pre = {ALICE: Alloc(balance=ETHER), CONTRACT: Alloc(nonce=1, code=COUNT_DOWN)}
    after = {**pre, ALICE: Alloc(balance=ETHER, nonce=1)}
    (case,) = cases_of(state_test("own", pre, entry(raw, after)))
    return case


def chosen(seed: int, max_steps: int | None = None) -> list[int]:
    case = case_of(LONG)
    be, m = prepare(case.raw, load_setting(case.line))
    return list(choosing(Random(seed))(be, m, max_steps))


def test_choice__more_steps_than_are_all_proven__has_ends_bounds_and_some_by_chance() -> None:
    steps = len(chosen(0, 10 * EVERY_STEP))
    enter = 2  # after the choice of the unit and TX_BEGIN
    call = steps - 6  # before the child's STOP and EXIT, the caller's, and TX_END
    bounds = {*range(enter + 1), *range(call, steps)}
    assert steps > EVERY_STEP

    picked = chosen(0)

    assert picked == sorted(set(picked))
    assert bounds <= set(picked)
    assert BY_CHANCE <= len(picked) <= BY_CHANCE + len(bounds)
    assert chosen(0) == picked != chosen(1)


def test_choice__bounded__is_every_step_or_none() -> None:
    everything = chosen(0, 10 * EVERY_STEP)
    assert everything == list(range(len(everything)))
    assert chosen(0, len(everything)) == everything
    with pytest.raises(TooManySteps):
        chosen(0, len(everything) - 1)


class ToyHost:
    """Answers as it is told to, by index."""

    def __init__(self, answers: dict[int, Hash32 | Exception]) -> None:
        self.answers = answers

    def prove_step(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> tuple[Hash32, int]:
        answer = self.answers[v]
        if isinstance(answer, Exception):
            raise answer
        return answer, 100 + v


def judged(monkeypatch: pytest.MonkeyPatch, *wrong: tuple[int, Hash32 | Exception]) -> Verdict:
    """Run the short case on a host whose answers are right but for some."""
    case = case_of(SHORT)
    setting = load_setting(case.line)
    answers: dict[int, Hash32 | Exception] = {}
    be, m = prepare(case.raw, setting)
    proving(lambda step: answers.__setitem__(step.v, step.post))(be, m, None)
    host = ToyHost({**answers, **dict(wrong)})
    monkeypatch.setattr(onchain, "_host", lambda _verifier, _url: host)
    return run_case(case, setting, RUN)


def test_run__right_answers__pass_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = judged(monkeypatch)
    assert (verdict.failure, verdict.steps) == (None, 6)
    assert verdict.proofs is not None
    assert verdict.proofs.proven == 6
    assert verdict.proofs.max_witness_bytes > 109 * 32
    assert list(verdict.proofs.gas) == [100, 101, 102, 103, 104, 105]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (WRONG, f"says 0x{WRONG.hex()}"),
        (Reverted(bytes.fromhex("deadbeef00")), "reverts with 0xdeadbeef"),
        (RuntimeError("out of gas"), "fails: out of gas"),
    ],
)
def test_run__wrong_answer__fails_and_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: Hash32 | Exception, words: str
) -> None:
    verdict = judged(monkeypatch, (3, answer), (5, WRONG))
    assert verdict.failure is not None
    assert verdict.failure.startswith("2 of 6 steps, first v 3, EXEC STOP (0x00) at pc 0: Python says 0x")
    assert verdict.failure.endswith(words)
    assert verdict.proofs is not None
    assert verdict.proofs.proven == 4


def test_totals__of_no_case__are_zero() -> None:
    assert Totals().summary("py-evm") == {}
    assert Totals().summary("stepper") == {"steps": 0}
    assert set(Totals().summary("onchain").values()) == {0}


def test_totals__add_up_over_cases() -> None:
    totals = Totals()
    totals.add(3, Proofs(proven=2, max_witness_bytes=70, gas=array("Q", (5, 9))))
    totals.add(2, None)
    totals.add(1, Proofs(proven=1, max_witness_bytes=40, gas=array("Q", (1,))))
    assert totals.summary("onchain") == {
        "steps": 6,
        "steps_proven": 3,
        "max_witness_bytes": 70,
        "max_step_gas": 9,
        "median_step_gas": 5,
    }
