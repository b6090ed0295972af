"""The verifier's contracts and wrong witnesses: these are refused or change nothing."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final

import pytest

from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.tape import Range, Tape
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.batch_cases import creation_cases, deposit_cases, transaction_cases
from tests.helpers.contract_host import Reverted
from tests.helpers.onchain_host import OnchainHost
from tests.helpers.stepper_batch import Proven, StepperBatch

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

WORD: Final = 32
LONGEST: Final = 6_000
"""Bytes of a witness of which every word is tampered with."""


@pytest.fixture(scope="module")
def hosts() -> dict[str, OnchainHost]:
    return {
        name: OnchainHost(DEVNET, dict(enumerate(deposit_hashes(batch)))) for name, batch in cases().items()
    }


@cache
def cases() -> dict[str, StepperBatch]:
    """Batches whose steps are of many kinds."""
    return {
        "access": transaction_cases()["access_five_keys"],
        "destroyed": transaction_cases()["destroyed_thrice"],
        "refund": transaction_cases()["refund"],
        "sha256": transaction_cases()["sha256"],
        "create": creation_cases()["create_store_4"],
        "deposit": deposit_cases()["deposit_create"],
    }


def deposit_hashes(batch: StepperBatch) -> list[Hash32]:
    """What the inbox stores."""
    return [deposit.hash() for deposit in batch.deposits]


@cache
def samples() -> dict[str, tuple[str, Proven]]:
    """One short step of each kind, and the batch it is from."""
    found: dict[str, tuple[str, Proven]] = {}
    for name, batch in cases().items():
        for proven in batch.proofs():
            if len(proven.witness.encode()) <= LONGEST:
                found.setdefault(_kind(proven), (name, proven))
    return found


def _kind(proven: Proven) -> str:
    """Phase of a step, and its opcode if it reads one."""
    if proven.phase is not Phase.EXEC:
        return f"{proven.phase.name}_{int(proven.v == 0)}"
    m = proven.witness.start()
    assert m.frame is not None
    pc, code = m.frame.pc, proven.witness.code
    return Op(code[pc]).name if pc < len(code) else "END"


def outcome(host: OnchainHost, proven: Proven, witness: bytes) -> Hash32 | None:
    """What the contracts make of a witness; None if they refuse it, in whatever way."""
    try:
        return host.prove_step(proven.pre, proven.j, proven.v, proven.acc, witness)[0]
    except (Reverted, RuntimeError):
        return None


@pytest.mark.parametrize("kind", samples())
def test_step__any_word_of_the_witness_changed__leads_nowhere_else(
    hosts: dict[str, OnchainHost], kind: str
) -> None:
    name, proven = samples()[kind]
    host, right = hosts[name], proven.witness.encode()
    assert outcome(host, proven, right) == proven.post

    for start in range(0, len(right), WORD):
        for place, bit in ((start, 0x80), (start + WORD - 1, 0x01)):
            wrong = bytearray(right)
            wrong[place] ^= bit
            assert outcome(host, proven, bytes(wrong)) in (None, proven.post), (place, bit)


@pytest.mark.parametrize("kind", samples())
def test_step__witness_cut_off__leads_nowhere_else(hosts: dict[str, OnchainHost], kind: str) -> None:
    name, proven = samples()[kind]
    right = proven.witness.encode()

    for length in (0, 31, 64, len(right) // 2, len(right) - WORD):
        assert outcome(hosts[name], proven, right[:length]) in (None, proven.post)


@pytest.mark.parametrize("kind", samples())
def test_step__more_or_less_than_asked_for__is_refused(hosts: dict[str, OnchainHost], kind: str) -> None:
    name, proven = samples()[kind]

    for wrong in _misfits(proven.witness):
        assert outcome(hosts[name], proven, wrong.encode()) is None


def _misfits(right: Witness) -> Iterator[Witness]:
    """Yield witnesses with one item too many, one too few, or two exchanged."""
    tape = right.tape
    yield replace(right, tape=replace(tape, ranges=(*tape.ranges, Range(bytes(WORD), ()))))
    yield replace(right, tape=replace(tape, proofs=(*tape.proofs, ())))
    yield replace(right, tape=replace(tape, blobs=(*tape.blobs, b"")))
    yield replace(right, stack=(*right.stack, 0))
    yield replace(right, code=right.code + b"\0")
    if right.stack:
        yield replace(right, stack=right.stack[:-1])
    if right.code:
        yield replace(right, code=right.code[:-1])
    for field in ("ranges", "proofs", "blobs"):
        items = getattr(tape, field)
        if items:
            yield replace(right, tape=_with(tape, field, items[:-1]))
        if len(items) > 1 and items[0] != items[1]:
            yield replace(right, tape=_with(tape, field, (items[1], items[0], *items[2:])))


def _with(tape: Tape, field: str, items: Any) -> Tape:
    """Return the tape with another list."""
    return replace(tape, **{field: items})


def test_step__other_parameters__other_result(hosts: dict[str, OnchainHost]) -> None:
    name, proven = samples()["BLOCK_BEGIN_0"]
    other: RollupParams = replace(DEVNET, block_gas_limit=1)

    assert outcome(hosts[name], proven, proven.witness.encode()) == proven.post
    assert outcome(OnchainHost(other), proven, proven.witness.encode()) not in (None, proven.post)
