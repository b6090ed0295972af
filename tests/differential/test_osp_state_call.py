"""Opcodes of state and calls on L1: each step of many programs is proven, at any gas, and in no wrong way."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.tape import Range, Tape
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import ZERO_HASH, Hash32
from tests.helpers.contract_host import Reverted
from tests.helpers.frame_programs import PROGRAMS
from tests.helpers.frame_stage import STEP_INDEX, UNIT_INDEX, charge_points, machines, name_of, proven
from tests.helpers.onchain_host import OnchainHost

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

READS = ("BALANCE", "SELFBALANCE", "EXTCODESIZE", "EXTCODEHASH", "BLOCKHASH", "SLOAD", "TLOAD")
CALLS = ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2")
ENDS = ("RETURN", "REVERT", "STOP", "SELFDESTRUCT", "CREATE_ENTER", "PRECOMPILE", "EXIT")
STEPS = (*READS, "SSTORE", "TSTORE", *CALLS, *ENDS)


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


def on_l1(host: OnchainHost, pre: Hash32, witness: Witness) -> Hash32:
    return host.prove_step(pre, UNIT_INDEX, STEP_INDEX, ZERO_HASH, witness.encode())[0]


@cache
def kinds() -> dict[str, list[tuple[Full, Machine]]]:
    """The machines before steps that differ in what they ask for or how they end, by name of the step."""
    found: dict[str, dict[object, tuple[Full, Machine]]] = {name: {} for name in STEPS}
    for program in PROGRAMS.values():
        for be, m in machines(program):
            name = name_of(be, m)
            if name in found:
                one = proven(be, m)
                operands = one.witness.stack if name in ENDS else ()
                found[name].setdefault((operands, one.kind), (be, copy.deepcopy(m)))
    return {name: list(steps.values()) for name, steps in found.items()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_step__of_each_program__both_languages_agree(host: OnchainHost, name: str) -> None:
    for be, m in machines(PROGRAMS[name]):
        one = proven(be, m)

        assert on_l1(host, one.pre, one.witness) == one.post, name_of(be, m)


@pytest.mark.parametrize("name", STEPS)
def test_step__on_both_sides_of_each_charge__both_languages_agree(host: OnchainHost, name: str) -> None:
    assert kinds()[name]
    for be, m in kinds()[name]:
        for gas in charge_points(be, m):
            one = proven(be, m, gas)

            assert on_l1(host, one.pre, one.witness) == one.post, gas


@pytest.mark.parametrize("name", STEPS)
def test_step__wrong_witness__is_refused_or_changes_nothing(host: OnchainHost, name: str) -> None:
    for be, m in kinds()[name]:
        one = proven(be, m)
        for wrong in _wrong_tapes(one.witness.tape):
            try:
                assert on_l1(host, one.pre, one.witness.with_tape(wrong)) == one.post
            except Reverted:
                continue


def _wrong_tapes(tape: Tape) -> Iterator[Tape]:
    """Yield tapes with an item too few, too many or out of order, and with each item a little wrong."""
    for name in ("ranges", "proofs", "blobs"):
        items = getattr(tape, name)
        for i, item in enumerate(items):
            yield replace(tape, **{name: items[:i] + items[i + 1 :]})
            yield replace(tape, **{name: (*items, item)})
            yield replace(tape, **{name: (*items[i:], *items[:i])})
            for other in _spoilt(item):
                yield replace(tape, **{name: (*items[:i], other, *items[i + 1 :])})


def _spoilt(item: Range | tuple[bytes, ...] | bytes) -> Iterator[object]:
    """Yield an item with one byte changed, and with a part missing."""
    if isinstance(item, bytes):
        yield from _spoilt_bytes(item)
    elif isinstance(item, Range):
        yield from (item._replace(words=words) for words in _spoilt_bytes(item.words))
        yield item._replace(siblings=item.siblings[:-1])
        yield item._replace(siblings=item.siblings[::-1])
    else:
        for i, node in enumerate(item):
            yield from ((*item[:i], other, *item[i + 1 :]) for other in _spoilt_bytes(node))
        yield item[:-1]
        yield (*item, b"\x80")


def _spoilt_bytes(data: bytes) -> Iterator[bytes]:
    """Yield bytes with one changed, and without the last."""
    for place in {0, len(data) // 2, len(data) - 1}:
        yield data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
    yield data[:-1]
