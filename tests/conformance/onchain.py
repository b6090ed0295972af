"""Running one case on the step machine with every step proven by the contracts of L1.

Of a case with many steps only some are proven, unless the selection has a bound for steps:
every step that begins or ends a call frame or lies outside of one, and some by chance.
"""

from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from random import Random
from typing import Final, Protocol

from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.opcode_table import OPCODES
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import RESTING, step
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.stepper.witness import opcode_at, reads_opcode
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase
from tests.conformance.cases import Case
from tests.conformance.execution import Proofs, Run, Setting, Verdict
from tests.conformance.stepping import UNIT, Choice, ProvenStep, judge, proving, run_to_end
from tests.helpers.anvil import Anvil
from tests.helpers.contract_host import Reverted
from tests.helpers.onchain_anvil import AnvilHost, install
from tests.helpers.onchain_host import Deployment, OnchainHost, deploy

HOSTS: Final = ("pyrevm", "anvil")
"""EVMs that run the contracts: one in the process of each worker, or one beside all of them."""
ENGINE: Final = "onchain"
EVERY_STEP: Final = 1_000
"""Steps of a case up to which each of them is proven."""
BY_CHANCE: Final = 200
"""Steps of a longer case that are drawn."""


class Host(Protocol):
    """Has the contracts; see `OnchainHost`."""

    def prove_step(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> tuple[Hash32, int]:
        """Return the hash after a step and the gas of the L1 transaction."""
        ...


@contextmanager
def hosted(run: Run, host: str) -> Iterator[Run]:
    """Give a run what its workers share: the contracts, compiled and deployed once, and the anvil.

    Parameters
    ----------
    host : one of `HOSTS`
    """
    if run.engine != ENGINE:
        yield run
        return
    run = replace(run, verifier=deploy(CONFORMANCE))
    if host != "anvil":
        yield run
        return
    with Anvil() as anvil:
        install(anvil, _verifier(run))
        yield replace(run, anvil_url=anvil.url)


@cache
def _host(verifier: Deployment, anvil_url: str) -> Host:
    """Return the one host of this process."""
    return AnvilHost(anvil_url, verifier) if anvil_url else OnchainHost(verifier)


def _verifier(run: Run) -> Deployment:
    """Return the contracts of a run."""
    return run.verifier or deploy(CONFORMANCE)


def run_onchain(case: Case, setting: Setting, run: Run) -> Verdict:
    """Judge the contracts by the step machine, and its end by the official result and `EvmEngine`."""
    prover = _Prover(_host(_verifier(run), run.anvil_url))
    choose = choosing(Random(f"{run.seed} {case.id}"))
    verdict = judge(case, setting, run, proving(prover.check, choose))
    return replace(
        verdict, failure=verdict.failure or prover.failure(), steps=prover.steps, proofs=prover.proofs()
    )


def choosing(random: Random) -> Choice:
    """Return the choice of steps to be proven: all, or some of more than `EVERY_STEP` if that is no bound."""

    def choose(be: Full, m: Machine, max_steps: int | None) -> Iterable[int]:
        if max_steps is not None:
            return range(run_to_end(be, m, max_steps))
        steps, bounds = survey(be, m)
        if steps <= EVERY_STEP:
            return range(steps)
        return sorted({0, steps - 1, *bounds, *random.sample(range(steps), BY_CHANCE)})

    return choose


def survey(be: Full, m: Machine) -> tuple[int, list[int]]:
    """Run a unit to its end; return the number of steps and those that do not stay inside one frame."""
    next_state(be, UNIT, 0, ZERO_HASH, m)
    v, bounds = 1, [0]
    while m.phase not in RESTING:
        frame, phase = m.frame, m.phase
        step(be, m)
        if m.frame is not frame or phase is not Phase.EXEC or m.phase is not Phase.EXEC:
            bounds.append(v)
        v += 1
    return v, bounds


class _Prover:
    """Has L1 prove steps of one case, and counts."""

    def __init__(self, host: Host) -> None:
        self.steps = 0
        self._host = host
        self._max_witness_bytes = 0
        self._gas = array("Q")
        self._wrong: list[str] = []

    def check(self, step: ProvenStep) -> None:
        """Compare what L1 says of a step; it is no reason to stop if that is wrong."""
        witness = step.witness.encode()
        self.steps += 1
        self._max_witness_bytes = max(self._max_witness_bytes, len(witness))
        try:
            post, gas = self._host.prove_step(step.pre, UNIT, step.v, ZERO_HASH, witness)
        except Reverted as error:
            self._wrong.append(_describe(step, f"reverts with 0x{error.selector.hex()}"))
        except RuntimeError as error:
            self._wrong.append(_describe(step, f"fails: {error}"[:200]))
        else:
            self._gas.append(gas)
            if post != step.post:
                self._wrong.append(_describe(step, f"says 0x{post.hex()}"))

    def failure(self) -> str | None:
        """Return the first step that is wrong, and how many are."""
        return f"{len(self._wrong)} of {self.steps} steps, first {self._wrong[0]}" if self._wrong else None

    def proofs(self) -> Proofs:
        """Return the counts."""
        return Proofs(
            proven=self.steps - len(self._wrong), max_witness_bytes=self._max_witness_bytes, gas=self._gas
        )


def _describe(step: ProvenStep, answer: str) -> str:
    """Return which step it is, what follows in Python and what L1 answers."""
    m = step.witness.start()
    where = m.phase.name
    if m.frame is not None and reads_opcode(m):
        pc = m.frame.pc
        opcode = opcode_at(step.witness.code, pc)
        row = OPCODES[opcode]
        where += f" {row.name if row else 'undefined'} (0x{opcode:02x}) at pc {pc}"
    return f"v {step.v}, {where}: Python says 0x{step.post.hex()}, L1 {answer}"
