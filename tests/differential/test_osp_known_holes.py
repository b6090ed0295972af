"""Holes of other one-step verifiers, and pitfalls known beforehand: none is open here."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.machine_codec import MACHINE_BYTES
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.state import Halt
from optimistic.protocol.stepper.tape import Range
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase
from optimistic.service.one_step import L1_TX_GAS_CAP
from tests.helpers.assembly import asm
from tests.helpers.batch_cases import creation_cases, deposit_cases, transaction_cases
from tests.helpers.covering_programs import PRECOMPILE_INPUTS
from tests.helpers.forgeries import Verifiers
from tests.helpers.frame_programs import PROGRAMS, WORD_MAX, Program
from tests.helpers.frame_stage import machines, name_of, proven
from tests.helpers.known_holes import HELD_BY
from tests.helpers.onchain_host import CALLER, OnchainHost, step_calldata, verifier_artifacts
from tests.helpers.opcode_stage import BLOCK, memory, precompile_stage, stage_on, view
from tests.helpers.stepper_batch import Proven, StepperBatch, prove_step

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

ROOT: Final = Path(__file__).parents[2]
WORD: Final = 32
WRAP: Final = 1 << 64
"""Zero for whoever looks at 64 bits."""
STARVED_PROGRAMS: Final = ("CALL_value_payee", "CREATE_runtime", "SSTORE_1_0_7", "SELFDESTRUCT_payee")
NEITHER: Final = (None, None)


@pytest.fixture(scope="module")
def verifiers() -> Verifiers:
    return Verifiers(DEVNET, ())


@pytest.mark.parametrize("hole", HELD_BY)
def test_hole__each__is_held_by_tests(hole: str) -> None:
    for name in HELD_BY[hole]:
        path, test = name.split("::")
        source = (ROOT / path).read_text()
        assert re.search(rf"^\s*(?:def|function) {test}\(", source, re.MULTILINE), name


def step_of(code: bytes, items: Iterable[int] = (), **frame: Any) -> tuple[Proven, Halt, list[int]]:
    """Prove a step of a frame; return it, how the frame is then, and its stack."""
    setting = stage_on(items, code=code, **frame)
    step = prove_step(setting.be, setting.m)
    return step, setting.frame.halt, setting.stack


def step_named(name: str, program: Program) -> Proven:
    """Return the first step of this name."""
    for be, m in machines(program):
        if name_of(be, m) == name:
            return proven(be, m)
    raise AssertionError(name)


# ------------------------------------------------------------------------------------------- code


@pytest.mark.parametrize(
    "other",
    [asm(6, Op.STOP), asm(Op.STOP, Op.STOP, Op.STOP), asm(5), asm(5, Op.STOP, Op.JUMPDEST), b""],
    ids=["push_data", "opcode", "shorter", "longer", "empty"],
)
def test_attack__code_chosen_by_the_prover__is_refused(verifiers: Verifiers, other: bytes) -> None:
    step, _, _ = step_of(asm(5, Op.STOP))

    assert verifiers.both(step, step.witness.encode()) == (step.post, step.post)
    assert verifiers.both(step, replace(step.witness, code=other).encode()) == NEITHER


def test_attack__destination_made_by_the_prover__is_refused(verifiers: Verifiers) -> None:
    step, halt, _ = step_of(asm(Op.JUMP, Op.STOP), (1,))

    assert halt is Halt.EXCEPTIONAL
    assert verifiers.both(step, step.witness.encode()) == (step.post, step.post)
    assert verifiers.both(step, replace(step.witness, code=asm(Op.JUMP, Op.JUMPDEST)).encode()) == NEITHER


def test_attack__other_code_of_an_account__is_refused(verifiers: Verifiers) -> None:
    step = step_named("EXTCODESIZE", PROGRAMS["EXTCODESIZE_contract"])
    (code,) = step.witness.tape.blobs

    for blob in (code + b"\0", code[:-1], b""):
        wrong = step.witness.with_tape(replace(step.witness.tape, blobs=(blob,)))
        assert verifiers.both(step, wrong.encode()) == NEITHER


# ------------------------------------------------------------------------------------------- numbers

_ENDS: Final[dict[Halt, dict[str, tuple[Op, tuple[int, ...]]]]] = {
    Halt.EXCEPTIONAL: {
        "mload": (Op.MLOAD, (WRAP,)),
        "mload_last": (Op.MLOAD, (WORD_MAX,)),
        "mstore": (Op.MSTORE, (WRAP, 1)),
        "mstore8": (Op.MSTORE8, (WRAP, 1)),
        "keccak_offset": (Op.KECCAK256, (WRAP, 1)),
        "keccak_length": (Op.KECCAK256, (0, WRAP)),
        "keccak_sum_wraps": (Op.KECCAK256, (WORD_MAX, 2)),
        "mcopy_source": (Op.MCOPY, (0, WRAP, 1)),
        "calldatacopy_length": (Op.CALLDATACOPY, (0, 0, WRAP)),
        "codecopy_destination": (Op.CODECOPY, (WRAP, 0, 1)),
        "returndatacopy_nothing_from_afar": (Op.RETURNDATACOPY, (0, WRAP, 0)),
        "returndatacopy_sum_wraps": (Op.RETURNDATACOPY, (0, WORD_MAX, 1)),
        "log": (Op.LOG0, (WRAP, 1)),
        "jump": (Op.JUMP, (WRAP + 1,)),
        "jumpi": (Op.JUMPI, (WRAP + 1, 1)),
        "return": (Op.RETURN, (WRAP, 1)),
        "revert": (Op.REVERT, (0, WRAP)),
        "create": (Op.CREATE, (0, 0, WRAP)),
        "create_far": (Op.CREATE2, (0, WRAP, 1, 0)),
        "call_input": (Op.CALL, (0, 0, 0, WRAP, 1, 0, 0)),
        "call_output": (Op.STATICCALL, (0, 0, 0, 0, 0, WRAP)),
    },
    Halt.RUNNING: {
        "keccak_of_nothing": (Op.KECCAK256, (WORD_MAX, 0)),
        "copy_of_nothing": (Op.CALLDATACOPY, (WORD_MAX, WORD_MAX, 0)),
        "copy_from_afar": (Op.CALLDATACOPY, (0, WRAP, 4)),
        "code_from_afar": (Op.CODECOPY, (0, WRAP, 4)),
        "log_of_nothing": (Op.LOG0, (WORD_MAX, 0)),
        "gas_of_call": (Op.CALL, (WRAP, 0xDEAD, 0, 0, 0, 0, 0)),
        "condition": (Op.JUMPI, (1, WRAP)),
    },
    Halt.SUCCESS: {"return_of_nothing": (Op.RETURN, (WORD_MAX, 0))},
    Halt.REVERT: {"revert_of_nothing": (Op.REVERT, (WRAP, 0))},
}


@pytest.mark.parametrize(
    ("op", "items", "expected"),
    [(*case, halt) for halt, cases in _ENDS.items() for case in cases.values()],
    ids=[name for cases in _ENDS.values() for name in cases],
)
def test_attack__number_that_is_small_in_64_bits__is_as_large_as_it_is(
    verifiers: Verifiers, op: Op, items: tuple[int, ...], expected: Halt
) -> None:
    frame = {"calldata": view(b"\xff" * 64), "returndata": view(b"\xff" * 64), "memory": memory(b"\x11" * 64)}
    step, halt, _ = step_of(asm(op, Op.JUMPDEST, 5), items, memory_words=2, **frame)

    assert halt is expected
    assert verifiers.both(step, step.witness.encode()) == (step.post, step.post)


@pytest.mark.parametrize(
    ("op", "items", "result"),
    [
        (Op.CALLDATALOAD, (WRAP,), 0),
        (Op.SHL, (WRAP, 1), 0),
        (Op.SHR, (WRAP, 1), 0),
        (Op.SAR, (WRAP, WORD_MAX), WORD_MAX),
        (Op.BYTE, (WRAP + 31, 7), 0),
        (Op.SIGNEXTEND, (WRAP, 0xFF), 0xFF),
        (Op.BLOCKHASH, (WRAP + BLOCK - 1,), 0),
        (Op.EXP, (2, WRAP), 0),
        (Op.ISZERO, (WRAP,), 0),
        (Op.SLOAD, (WRAP,), 0),
    ],
    ids=lambda item: item.name if isinstance(item, Op) else "",
)
def test_attack__operand_of_more_than_64_bits__counts_whole(
    verifiers: Verifiers, op: Op, items: tuple[int, ...], result: int
) -> None:
    step, _, stack = step_of(asm(op), items, calldata=view(b"\xff" * 64))

    assert stack == [result]
    assert verifiers.both(step, step.witness.encode()) == (step.post, step.post)


# ------------------------------------------------------------------------------------------- memory and stack


@pytest.mark.parametrize(("op", "place"), [(Op.MSTORE8, 37), (Op.MSTORE, 37), (Op.MLOAD, 37)])
def test_attack__bytes_beside_those_written__are_the_old_ones(
    verifiers: Verifiers, op: Op, place: int
) -> None:
    items = (place,) if op is Op.MLOAD else (place, 0xAB)
    step, _, _ = step_of(asm(op), items, memory=memory(bytes(range(1, 97))), memory_words=3)
    (right,) = step.witness.tape.ranges

    assert verifiers.both(step, step.witness.encode()) == (step.post, step.post)
    for at in range(len(right.words)):
        words = right.words[:at] + bytes((right.words[at] ^ 0xFF,)) + right.words[at + 1 :]
        wrong = step.witness.with_tape(replace(step.witness.tape, ranges=(Range(words, right.siblings),)))
        assert verifiers.both(step, wrong.encode()) == NEITHER


def test_attack__items_on_an_empty_stack__are_refused(verifiers: Verifiers) -> None:
    step, halt, _ = step_of(asm(Op.ADD))

    assert halt is Halt.EXCEPTIONAL
    assert verifiers.both(step, step.witness.encode()) == (step.post, step.post)
    for rest in (ZERO_HASH, Hash32(b"\x01" * WORD)):
        wrong = replace(step.witness, stack=(1, 2), stack_rest=rest)
        assert verifiers.both(step, wrong.encode()) == NEITHER


def test_attack__items_below_the_bottom_of_the_stack__are_refused(verifiers: Verifiers) -> None:
    step, _, _ = step_of(asm(Op.POP), (5,))

    for rest in (Hash32(b"\x01" * WORD), Hash32(bytes(31) + b"\x01")):
        assert verifiers.both(step, replace(step.witness, stack_rest=rest).encode()) == NEITHER


# ------------------------------------------------------------------------------------------- state


def test_attack__walk_that_breaks_off__proves_no_absence(verifiers: Verifiers) -> None:
    step = step_named("BALANCE", PROGRAMS["BALANCE_payee"])
    absent = step_named("BALANCE", PROGRAMS["BALANCE_nobody"])
    warm, account = step.witness.tape.proofs

    assert len(account) > 1
    for walk in (account[:-1], account[:1], (), (*account[:-1], b"\x80"), absent.witness.tape.proofs[1]):
        wrong = step.witness.with_tape(replace(step.witness.tape, proofs=(warm, walk)))
        assert verifiers.both(step, wrong.encode()) == NEITHER


def test_attack__second_update_on_the_old_root__is_refused(verifiers: Verifiers) -> None:
    step = step_named("CALL", PROGRAMS["CALL_value_payee"])
    proofs = step.witness.tape.proofs
    at_old_root, at_new_root = proofs[1], proofs[-1]

    assert at_old_root != at_new_root
    assert verifiers.both(step, step.witness.encode()) == (step.post, step.post)
    wrong = step.witness.with_tape(replace(step.witness.tape, proofs=(*proofs[:-1], at_old_root)))
    assert verifiers.both(step, wrong.encode()) == NEITHER


def test_attack__value_before_the_transaction_from_the_present_state__is_refused(
    verifiers: Verifiers,
) -> None:
    twice = Program(code=asm(5, 1, Op.SSTORE, 6, 1, Op.SSTORE))
    _, step = (proven(be, m) for be, m in machines(twice) if name_of(be, m) == "SSTORE")
    proofs = step.witness.tape.proofs

    assert proofs[-1] != proofs[2]
    wrong = step.witness.with_tape(replace(step.witness.tape, proofs=(*proofs[:3], *proofs[1:3])))
    assert len(wrong.tape.proofs) == len(proofs)
    assert verifiers.both(step, wrong.encode()) == NEITHER


# ------------------------------------------------------------------------------------------- machine


@cache
def story() -> tuple[tuple[tuple[Hash32, ...], Proven], ...]:
    """One step of each phase, and the deposits there are."""
    found: dict[Phase, tuple[tuple[Hash32, ...], Proven]] = {}
    batches: tuple[StepperBatch, ...] = (
        transaction_cases()["access_five_keys"],
        transaction_cases()["sha256"],
        transaction_cases()["destroyed_thrice"],
        creation_cases()["create_store_4"],
        deposit_cases()["deposit_create"],
    )
    for batch in batches:
        for step in batch.proofs():
            found.setdefault(step.phase, (batch.deposit_hashes, step))
    return tuple(found.values())


@pytest.mark.parametrize("phase", [item for item in Phase if item is not Phase.ERRORED])
def test_attack__part_that_the_phase_has_not__leaves_no_trace(phase: Phase) -> None:
    hashes, step = next(item for item in story() if item[1].phase is phase)
    known = Verifiers(DEVNET, hashes)
    right = step.witness

    assert known.both(step, right.encode()) == (step.post, step.post)
    for at in range(0, MACHINE_BYTES, WORD):
        for word in (1, 1 << 255):
            machine = right.machine[:at] + word.to_bytes(WORD, "big") + right.machine[at + WORD :]
            if machine != right.machine:
                wrong = replace(right, machine=machine).encode()
                assert known.on_l1(step, wrong) in (None, step.post)
                assert known.in_python(step, wrong) is None


def test_attack__deposit_that_l1_does_not_have__is_refused() -> None:
    hashes, step = next(item for item in story() if item[1].phase is Phase.DEPOSIT)

    for other in ((), (ZERO_HASH,), (Hash32(b"\x01" * WORD),), (ZERO_HASH, *hashes)):
        assert Verifiers(DEVNET, other).both(step, step.witness.encode()) == NEITHER


# ------------------------------------------------------------------------------------------- verifier


def test_attack__constants_of_another_chain__make_another_step() -> None:
    _, step = next(item for item in story() if item[1].phase is Phase.BLOCK_BEGIN)
    witness = step.witness.encode()
    on_l1, in_python = Verifiers(replace(DEVNET, block_gas_limit=1), ()).both(step, witness)

    assert Verifiers(DEVNET, ()).both(step, witness) == (step.post, step.post)
    assert on_l1 == in_python
    assert on_l1 not in (None, step.post)


def test_attack__verifier_changed_during_a_dispute__has_no_way_to_be() -> None:
    for name, artifact in verifier_artifacts().items():
        functions = [item for item in artifact["abi"] if item["type"] == "function"]
        assert functions, name
        assert all(item["stateMutability"] in ("view", "pure") for item in functions), name
        assert not any("owner" in item["name"].lower() for item in functions), name


def test_attack__handler_named_by_the_caller__is_not_asked_for() -> None:
    (step,) = (item for item in verifier_artifacts()["OspEntry"]["abi"] if item.get("name") == "step")

    assert [item["name"] for item in step["inputs"]] == ["pre", "j", "v", "acc", "witness"]


@cache
def starved_steps() -> dict[str, Proven]:
    """Steps that call other contracts or need much gas."""
    found: dict[str, Proven] = {}
    for number, (data, _) in PRECOMPILE_INPUTS.items():
        setting = precompile_stage(number, data, 1_000_000)
        found[f"precompile_{number}"] = prove_step(setting.be, setting.m)
    for name in STARVED_PROGRAMS:
        found[name] = step_named(name.split("_")[0], PROGRAMS[name])
    return found


@pytest.mark.parametrize(
    "name", [*(f"precompile_{number}" for number in PRECOMPILE_INPUTS), *STARVED_PROGRAMS]
)
def test_attack__little_gas__gives_no_other_answer(name: str) -> None:
    step = starved_steps()[name]
    host = OnchainHost(DEVNET)
    right = step.witness.encode()
    _, enough = host.prove_step(step.pre, step.j, step.v, step.acc, right)
    data = step_calldata(step.pre, step.j, step.v, step.acc, right)

    answers = set()
    for gas in (*range(21_000, 2 * enough, enough // 100), L1_TX_GAS_CAP):
        before = host._evm.snapshot()
        try:
            answers.add(bytes(host._evm.message_call(CALLER, host._entry, calldata=data, gas=gas)))
        except RuntimeError:
            answers.add(b"refused")
        finally:
            host._evm.revert(before)

    assert answers == {b"refused", bytes(step.post)}
