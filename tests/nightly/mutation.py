"""Mutation testing of the Solidity: would the recorded calls notice a small wrong change of a source file?"""

import hashlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from tests.helpers.contract_host import ROOT
from tests.helpers.onchain_host import ENTRY
from tests.nightly import corpus
from tests.nightly.changed_contracts import ADDRESSES, Chain, Compiled, Compiler, DoesNotCompile
from tests.nightly.corpus import Case
from tests.nightly.mutants import Mutant, mutants
from tests.nightly.mutation_targets import TARGETS

RESULTS: Final = ROOT / "build" / "mutation"
EQUIVALENTS: Final = ROOT / "tests" / "nightly" / "mutation_equivalents.json"
INVALID, KILLED, SURVIVED, EQUIVALENT = "invalid", "killed", "survived", "equivalent"
_STUB_BYTES: Final = 32


class Checks:
    """The corpus by the contract that a call is about; calls that noticed something come first.

    All calls of the verifier are about its entry, and each that reaches a group is about that one, too.
    """

    def __init__(self, cases: Sequence[Case], contracts: Mapping[str, Compiled]) -> None:
        chain = Chain(contracts)
        stubs = Chain(
            dict(contracts) | {name: _stub(at) for at, name in enumerate(ADDRESSES) if name != ENTRY}
        )
        self._by_contract: dict[str, list[Case]] = {}
        for case in cases:
            is_known = case.setting is not None or case.contract in contracts
            if is_known and chain.call(case) == case.output:
                for contract in {case.contract, _about(case, stubs)}:
                    self._by_contract.setdefault(contract, []).append(case)

    def notice(self, contract: str, chain: Chain) -> bool:
        """Whether any call about a contract has another result on a chain."""
        cases = self._by_contract.get(contract, [])
        for at, case in enumerate(cases):
            if chain.call(case) != case.output:
                cases.insert(0, cases.pop(at))
                return True
        return False


def _stub(number: int) -> Compiled:
    """Return a contract that answers everything with a number."""
    answer = bytes((0x60, number, 0x5F, 0x52, 0x60, _STUB_BYTES, 0x5F, 0xF3))
    return Compiled([], bytes((0x67, *answer, 0x5F, 0x52, 0x60, len(answer), 0x60, 24, 0xF3)))


def _about(case: Case, stubs: Chain) -> str:
    """Return which contract makes a step: the one whose number comes back; if none does, the entry."""
    if case.setting is None:
        return case.contract
    output = stubs.call(case)
    names = list(ADDRESSES)
    number = len(names) if output is None else int.from_bytes(output, "big")
    return names[number] if number < len(names) else ENTRY


class Mutation:
    """Measures source files, one mutant after the other."""

    def __init__(self) -> None:
        self._compiler = Compiler()

    @cached_property
    def _contracts(self) -> dict[str, Compiled]:
        names = dict.fromkeys((*ADDRESSES, *(name for names in TARGETS.values() for name in names)))
        return {name: self._compiler.compile(name, {}) for name in names}

    @cached_property
    def checks(self) -> Checks:
        """The corpus, as far as the unchanged contracts agree with it."""
        return Checks(corpus.load(), self._contracts)

    def measure(self, path: str, sample: int, seed: int) -> dict[str, Any]:
        """Judge the mutants of solidity/src/`path`.sol that no earlier run has judged; keep the result."""
        file = f"solidity/src/{path}.sol"
        source = (ROOT / file).read_text()
        report = Report(path, source)
        for mutant in chosen(mutants(source), sample, seed):
            if not report.knows(mutant):
                report.add(mutant, *self._judge(path, file, mutant.apply(source)))
        return report.summary()

    def _judge(self, path: str, file: str, changed: str) -> tuple[str, str]:
        """Return the fate of a changed file, and the contract whose calls noticed it."""
        for contract in TARGETS[path]:
            try:
                compiled = self._compiler.compile(contract, {file: changed})
            except DoesNotCompile:
                return INVALID, ""
            if compiled.bytecode == self._contracts[contract].bytecode:
                continue
            if self.checks.notice(contract, Chain(self._contracts | {contract: compiled})):
                return KILLED, contract
        return SURVIVED, ""


def chosen(all_mutants: list[Mutant], sample: int, seed: int) -> list[Mutant]:
    """Return a sample in the order of the file; all if `sample` is zero or enough."""
    if not 0 < sample < len(all_mutants):
        return all_mutants
    places = random.Random(seed).sample(range(len(all_mutants)), sample)
    return [all_mutants[place] for place in sorted(places)]


class Report:
    """Fates of the mutants of one version of a file, kept in build/mutation."""

    def __init__(self, path: str, source: str) -> None:
        self._file = RESULTS / f"{path.replace('/', '-')}.json"
        self._digest = hashlib.sha256(source.encode()).hexdigest()
        known = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._rows: list[dict[str, Any]] = known["mutants"] if known.get("source") == self._digest else []
        self._path = path
        self._known = {(row["start"], row["end"], row["text"]) for row in self._rows}
        self._equivalents = equivalents(path)

    def knows(self, mutant: Mutant) -> bool:
        """Whether the fate of a mutant is known."""
        return (mutant.start, mutant.end, mutant.text) in self._known

    def add(self, mutant: Mutant, fate: str, by: str) -> None:
        """Keep the fate of a mutant."""
        row = {
            "line": mutant.line,
            "function": mutant.function,
            "before": mutant.before,
            "after": mutant.after,
        }
        place = {"start": mutant.start, "end": mutant.end, "text": mutant.text}
        self._rows.append({**row, **place, "fate": fate, "by": by})
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({"source": self._digest, "mutants": self._rows}, indent=1))

    def summary(self) -> dict[str, Any]:
        """Numbers of all judged mutants, and those that nothing noticed."""
        survivors = [row for row in self._rows if row["fate"] == SURVIVED]
        alive = [row for row in survivors if _identity(row) not in self._equivalents]
        killed = sum(row["fate"] == KILLED for row in self._rows)
        return {
            "file": self._path,
            "mutants": killed + len(survivors),
            KILLED: killed,
            EQUIVALENT: len(survivors) - len(alive),
            "score": round(100 * killed / max(1, killed + len(alive)), 1),
            SURVIVED: [
                f"{row['line']} {row['function']}: {row['before']} => {row['after']}" for row in alive
            ],
        }


def equivalents(path: str) -> set[tuple[str, str, str]]:
    """Return the changes of a file that are known to change nothing."""
    rows: Iterable[dict[str, str]] = json.loads(EQUIVALENTS.read_text()).get(path, ())
    return {_identity(row) for row in rows}


def _identity(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["function"], row["before"], row["after"]
