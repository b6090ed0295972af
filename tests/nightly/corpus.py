"""Calls of contracts with what became of them, as the differential tests made them.

As a plugin of pytest (``-p tests.nightly.corpus``) this module records every call of a harness and of
the verifier, and writes them to build/mutation/corpus.pickle: a changed contract can then
be held against them without Python's side of the tests.
"""

import pickle
import random
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest

from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Hash32
from tests.helpers.contract_host import ContractHost
from tests.helpers.onchain_host import OnchainHost

CORPUS: Final = Path(__file__).parents[2] / "build" / "mutation" / "corpus.pickle"
VERIFIER: Final = "OspEntry"
MOST_PER_TEST: Final = 250
"""Calls of one test kept for each contract, and as many refused ones."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the verifier was deployed with."""

    params: RollupParams
    deposits: tuple[tuple[int, Hash32], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One call; `output` is None if it was refused."""

    contract: str
    setting: Setting | None
    calldata: bytes
    output: bytes | None


@dataclass
class Recording:
    """Calls seen so far: a fixed-size sample of each test, chosen without knowing how many come."""

    cases: dict[tuple[str, str, bool], list[Case]] = field(default_factory=lambda: defaultdict(list))
    seen: dict[tuple[str, str, bool], int] = field(default_factory=lambda: defaultdict(int))
    test: str = ""

    def add(self, case: Case) -> None:
        """Keep a call, or not."""
        key = self.test, case.contract, case.output is None
        kept = self.cases[key]
        self.seen[key] += 1
        if len(kept) < MOST_PER_TEST:
            kept.append(case)
            return
        place = random.Random(zlib.crc32(case.calldata)).randrange(self.seen[key])
        if place < MOST_PER_TEST:
            kept[place] = case

    def write(self) -> None:
        """Write every different call."""
        CORPUS.parent.mkdir(parents=True, exist_ok=True)
        unique = dict.fromkeys(case for cases in self.cases.values() for case in cases)
        CORPUS.write_bytes(pickle.dumps(list(unique)))


def load() -> list[Case]:
    """Return the recorded calls."""
    cases: list[Case] = pickle.loads(CORPUS.read_bytes())
    return cases


# ------------------------------------------------------------------------------------------ the plugin

_recording = Recording()


class _Listener:
    """The EVM of a harness, whose calls are recorded."""

    def __init__(self, evm: Any, contract: str) -> None:
        self._evm = evm
        self._contract = contract

    def message_call(self, caller: str, to: str, *, calldata: bytes, is_static: bool) -> Any:
        output = None
        try:
            output = self._evm.message_call(caller, to, calldata=calldata, is_static=is_static)
            return output
        finally:
            _recording.add(Case(self._contract, None, calldata, output and bytes(output)))


def pytest_configure() -> None:
    """Listen to every host from now on."""
    ContractHost.__init__ = _listening(ContractHost.__init__)  # type: ignore[method-assign]
    OnchainHost.__init__ = _remembering(OnchainHost.__init__)  # type: ignore[method-assign]
    OnchainHost.call = _recorded(OnchainHost.call)  # type: ignore[method-assign]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Know which test calls."""
    _recording.test = item.nodeid


def pytest_sessionfinish() -> None:
    """Write what was recorded."""
    _recording.write()


def _listening(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def listening(self: Any, name: str) -> None:
        init(self, name)
        self._evm = _Listener(self._evm, name)

    return listening


def _remembering(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def remembering(self: Any, verifier: Any, deposit_hashes: Any = None) -> None:
        init(self, verifier, deposit_hashes)
        self.setting = None
        if isinstance(verifier, RollupParams):
            self.setting = Setting(verifier, tuple(sorted((deposit_hashes or {}).items())))

    return remembering


def _recorded(call: Callable[..., tuple[Hash32, int]]) -> Callable[..., tuple[Hash32, int]]:
    @wraps(call)
    def recorded(self: Any, data: bytes) -> tuple[Hash32, int]:
        output = None
        try:
            result = call(self, data)
            output = bytes(result[0])
            return result
        finally:
            if self.setting is not None:
                _recording.add(Case(VERIFIER, self.setting, data, output))

    return recorded
