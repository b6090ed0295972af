"""What proven steps have touched: opcodes in every way they can end, phases, precompiles, long ranges.

Why a step ended as it did is found here from the machine before it, not from what the
step machine says of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from optimistic.protocol.accounts import EMPTY_CODE_HASH
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.params import RollupParams
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.opcode_table import OPCODES, Op, OpcodeRow, StaticRule
from optimistic.protocol.stepper.state import Frame, FrameKind, Halt, Machine
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.stepper.witness import opcode_at, reads_opcode
from optimistic.protocol.stepper.witness_only import WitnessOnly
from optimistic.protocol.stepper.world import open_account
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.stepper_batch import Proven

STACK_LIMIT: Final = 1_024
STIPEND: Final = 2_300
MAX_CODE_BYTES: Final = 24_576
MAX_INITCODE_BYTES: Final = 49_152
ENDLESS_GAS: Final = 1 << 60
UNDEFINED: Final = "undefined"
OUTPUT: Final = "output"

CALLS: Final = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
CREATES: Final = (Op.CREATE, Op.CREATE2)
LOGS: Final = tuple(Op(Op.LOG0 + n) for n in range(5))
COPIES: Final = (Op.CALLDATACOPY, Op.CODECOPY, Op.EXTCODECOPY, Op.RETURNDATACOPY, Op.MCOPY)
WORDS: Final = (Op.MLOAD, Op.MSTORE, Op.MSTORE8)
RANGED: Final = (*WORDS, *COPIES, *LOGS, *CALLS, *CREATES, Op.KECCAK256, Op.RETURN, Op.REVERT)
"""Opcodes that can ask for more memory than there is."""
METERED: Final = (
    *RANGED,
    *(Op.EXP, Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH, Op.SLOAD, Op.SSTORE, Op.SELFDESTRUCT),
)
"""Opcodes that charge more than their constant gas."""


class Touch(NamedTuple):
    """One cell of the table."""

    table: str
    row: str
    column: str


@dataclass(frozen=True)
class Replayed:
    """The machine on both sides of a step, from its witness alone."""

    before: Machine
    after: Machine


def replayed(params: RollupParams, proven: Proven, deposit_hashes: tuple[Hash32, ...] = ()) -> Replayed:
    """Repeat a step by its witness, and see that it leads where it should."""
    after = proven.witness.start()
    backend = WitnessOnly(params, proven.witness.tape, deposit_hashes.__getitem__)
    next_state(backend, proven.j, proven.v, proven.acc, after)
    backend.finish()
    assert after.hash() == proven.post
    return Replayed(proven.witness.start(), after)


def touches(
    params: RollupParams, proven: Proven, deposit_hashes: tuple[Hash32, ...] = ()
) -> frozenset[Touch]:
    """Return the cells that a step fills."""
    step = replayed(params, proven, deposit_hashes)
    found = [Touch("phases", step.before.phase.name, step.after.phase.name)]
    if proven.v == 0 or step.before.frame is None:
        return frozenset(found)
    if reads_opcode(step.before):
        found.append(_opcode(params, proven, step))
        if step.after.pend is not None:
            found.append(Touch("long ranges", _long_name(step.after), "set"))
    elif step.before.pend is not None:
        found.append(_long(step))
    elif step.before.phase is Phase.PRECOMPILE:
        found.append(_precompile(params, proven, step))
    elif step.before.phase is Phase.CREATE_ENTER:
        found += _creation_entered(params, proven, step)
    elif step.before.phase is Phase.EXIT:
        found += _left(step, proven)
    return frozenset(found)


# ------------------------------------------------------------------------------------------- opcodes


def _opcode(params: RollupParams, proven: Proven, step: Replayed) -> Touch:
    frame = _frame(step.before)
    byte = opcode_at(frame.code or b"", frame.pc)
    row = OPCODES[byte]
    if row is None:
        return Touch("opcodes", UNDEFINED, "undefined")
    fails = step.after.phase is Phase.EXIT and _frame(step.after).halt is Halt.EXCEPTIONAL
    op = Op(byte)
    return Touch("opcodes", op.name, _failure(params, proven, row, op) if fails else _success(step, op))


def _success(step: Replayed, op: Op) -> str:
    """How an opcode ends that does not halt its frame in failure."""
    if op is Op.JUMPI:
        return "taken" if step.before.frame and step.before.frame.stack[-2] else "not taken"
    if op in CALLS:
        began = {Phase.PRECOMPILE: "precompile begins", Phase.EXEC: "child begins"}
        return began[step.after.phase] if _is_deeper(step) else "no child"
    if op in CREATES:
        return "child begins" if _is_deeper(step) else "no child"
    return "ok"


def _is_deeper(step: Replayed) -> bool:
    return _frame(step.after).depth > _frame(step.before).depth


def _failure(params: RollupParams, proven: Proven, row: OpcodeRow, op: Op) -> str:
    """Return why the frame fails, in the order of the checks."""
    frame = _frame(proven.witness.start())
    height = frame.stack.height
    if height < row.pops:
        return "underflow"
    if height - row.pops + row.pushes > STACK_LIMIT:
        return "overflow"
    if frame.is_static and row.static is StaticRule.FORBIDDEN:
        return "static"
    if frame.gas < row.gas:
        return "constant gas"
    if op is Op.SSTORE and frame.gas <= STIPEND:
        return "stipend"
    if _fails_with_endless_gas(params, proven):
        return _rule_broken(frame, op)
    return "dynamic gas"


def _fails_with_endless_gas(params: RollupParams, proven: Proven) -> bool:
    """Whether gas makes no difference; a step that asks for more than before got further."""
    m = proven.witness.start()
    _frame(m).gas = ENDLESS_GAS
    try:
        next_state(WitnessOnly(params, proven.witness.tape, _no_deposit), proven.j, proven.v, proven.acc, m)
    except InvalidWitness:
        return False
    return m.phase is Phase.EXIT and _frame(m).halt is Halt.EXCEPTIONAL


def _rule_broken(frame: Frame, op: Op) -> str:
    """Return what no gas helps against."""
    items = list(reversed(frame.stack))
    if op in (Op.JUMP, Op.JUMPI):
        return "bad jump"
    if op is Op.CALL and frame.is_static and items[2]:
        return "static"
    if op is Op.RETURNDATACOPY and items[1] + items[2] > frame.returndata.length:
        return "out of bounds"
    if op in CREATES and items[2] > MAX_INITCODE_BYTES:
        return "initcode too long"
    return "memory limit"


def _no_deposit(index: int) -> Hash32:
    raise InvalidWitness(f"no deposit {index} inside a frame")


# ------------------------------------------------------------------------------------------- the rest


def _long_name(m: Machine) -> str:
    assert m.pend is not None
    return Op(m.pend.op).name if m.pend.op else OUTPUT


def _long(step: Replayed) -> Touch:
    assert step.before.pend is not None
    column = "first" if step.before.pend.done == 0 else "middle"
    return Touch("long ranges", _long_name(step.before), "last" if step.after.pend is None else column)


def _precompile(params: RollupParams, proven: Proven, step: Replayed) -> Touch:
    row = str(_frame(step.before).precompile)
    if _frame(step.after).halt is Halt.SUCCESS:
        return Touch("precompiles", row, "ok")
    refused = _fails_with_endless_gas(params, proven)
    return Touch("precompiles", row, "refused" if refused else "out of gas")


def _creation_entered(params: RollupParams, proven: Proven, step: Replayed) -> list[Touch]:
    if step.after.phase is Phase.EXEC:
        return [Touch("creations", "entered", "with value" if _frame(step.before).value else "ok")]
    address: Address = _frame(step.before).address
    backend = WitnessOnly(params, proven.witness.tape, _no_deposit)
    assert step.before.journal is not None
    assert not isinstance(step.before.journal, bytes)
    _, account = open_account(backend, step.before.journal.state_root, address)
    found = {
        "nonce": account.nonce != 0,
        "code": account.code_hash != EMPTY_CODE_HASH,
        "storage": account.storage_root != EMPTY_ROOT,
    }
    return [Touch("creations", "taken", name) for name, is_there in found.items() if is_there]


def _left(step: Replayed, proven: Proven) -> list[Touch]:
    """Return how a frame was left: by its outcome, and for creations by what became of the code."""
    before = _frame(step.before)
    where = "top" if before.depth == 0 else "inner"
    kind = "creation" if before.kind is FrameKind.CREATE else "call"
    found = [Touch("exits", f"{where} {kind}", before.halt.name.lower())]
    if step.after.pend is not None:
        found.append(Touch("long ranges", OUTPUT, "set"))
    if before.kind is FrameKind.CREATE and before.halt is Halt.SUCCESS:
        found.append(Touch("creations", "code", _deposited(before, proven)))
    return found


def _deposited(frame: Frame, proven: Proven) -> str:
    """Return what becomes of the code that initcode returned."""
    length = frame.returndata.length
    if length > MAX_CODE_BYTES:
        return "too long"
    if frame.gas < 200 * length:
        return "out of gas"
    if length == 0:
        return "empty"
    offset = frame.returndata.offset % 32
    return "reserved byte" if proven.witness.tape.ranges[0].words[offset] == 0xEF else "stored"


def _frame(m: Machine) -> Frame:
    assert m.frame is not None
    return m.frame


# ------------------------------------------------------------------------------------------- complete


def required() -> frozenset[Touch]:
    """Return all cells that there are."""
    return frozenset(
        (
            Touch("opcodes", UNDEFINED, "undefined"),
            *_required_of_opcodes(),
            *(Touch("phases", start.name, end.name) for start, ends in ARROWS.items() for end in ends),
            *(Touch("precompiles", str(n), column) for n in range(1, 11) for column in ("ok", "out of gas")),
            *(Touch("precompiles", str(n), "refused") for n in REFUSING),
            *(Touch("long ranges", name, column) for name in LONG for column in LONG_STEPS),
            *(Touch("creations", row, column) for row, columns in CREATIONS.items() for column in columns),
            *(Touch("exits", row, halt.name.lower()) for row in EXITS for halt in ENDED),
            *(Touch("skips", "transaction", reason) for reason in SKIPS),
        )
    )


def _required_of_opcodes() -> Iterator[Touch]:
    for byte, row in enumerate(OPCODES):
        if row is not None:
            op = Op(byte)
            yield from (Touch("opcodes", op.name, outcome) for outcome in _outcomes(op, row))


def _outcomes(op: Op, row: OpcodeRow) -> Iterator[str]:
    """Yield the ways in which an opcode can end."""
    if op is Op.JUMPI:
        yield from ("taken", "not taken")
    elif op in CALLS:
        yield from ("child begins", "precompile begins", "no child")
    elif op in CREATES:
        yield from ("child begins", "no child")
    else:
        yield "ok"
    conditions = {
        "underflow": row.pops > 0,
        "overflow": row.pushes > row.pops,
        "static": row.static is StaticRule.FORBIDDEN or op is Op.CALL,
        "constant gas": row.gas > 0,
        "dynamic gas": op in METERED,
        "memory limit": op in RANGED,
        "bad jump": op in (Op.JUMP, Op.JUMPI),
        "out of bounds": op is Op.RETURNDATACOPY,
        "initcode too long": op in CREATES,
        "stipend": op is Op.SSTORE,
    }
    yield from (outcome for outcome, can_be in conditions.items() if can_be)


ARROWS: Final = {
    Phase.IDLE: (Phase.IDLE, Phase.BOUNDARY),
    Phase.BOUNDARY: (
        *(Phase.BOUNDARY, Phase.IDLE, Phase.BLOCK_BEGIN, Phase.DEPOSIT, Phase.TX_BEGIN),
        *(Phase.BLOCK_END, Phase.ERRORED),
    ),
    Phase.ERRORED: (Phase.ERRORED,),
    Phase.BLOCK_BEGIN: (Phase.BOUNDARY,),
    Phase.BLOCK_END: (Phase.BOUNDARY,),
    Phase.DEPOSIT: (Phase.TX_ENTER, Phase.TX_END),
    Phase.TX_BEGIN: (Phase.BOUNDARY, Phase.TX_ACCESS, Phase.TX_ENTER),
    Phase.TX_ACCESS: (Phase.TX_ACCESS, Phase.TX_ENTER),
    Phase.TX_ENTER: (Phase.EXEC, Phase.PRECOMPILE, Phase.CREATE_ENTER),
    Phase.EXEC: (Phase.EXEC, Phase.PRECOMPILE, Phase.CREATE_ENTER, Phase.EXIT, Phase.ERRORED),
    Phase.CREATE_ENTER: (Phase.EXEC, Phase.EXIT),
    Phase.PRECOMPILE: (Phase.EXIT,),
    Phase.EXIT: (Phase.EXEC, Phase.TX_END),
    Phase.TX_END: (Phase.TX_DESTROY, Phase.BOUNDARY),
    Phase.TX_DESTROY: (Phase.TX_DESTROY, Phase.BOUNDARY),
}
"""Where each phase leads, as docs/spec/09-step-machine.md has it."""
REFUSING: Final = (5, 6, 7, 8, 9, 10)
"""Precompiles that fail by their input."""
LONG: Final = (*(op.name for op in (*COPIES, Op.KECCAK256, *LOGS)), OUTPUT)
LONG_STEPS: Final = ("set", "first", "middle", "last")
ENDED: Final = (Halt.SUCCESS, Halt.REVERT, Halt.EXCEPTIONAL)
EXITS: Final = tuple(f"{where} {kind}" for where in ("top", "inner") for kind in ("call", "creation"))
CREATIONS: Final = {
    "entered": ("ok", "with value"),
    "taken": ("nonce", "code", "storage"),
    "code": ("stored", "empty", "too long", "reserved byte", "out of gas"),
}
SKIPS: Final = (
    *("unknown_type", "malformed_rlp", "wrong_field_count", "bad_to", "bad_access_list", "bad_v"),
    *("bad_y_parity", "signature_out_of_range", "bad_signature", "wrong_chain_id", "sender_has_code"),
    *("nonce_too_low", "nonce_too_high", "nonce_exhausted", "gas_limit_too_high", "max_fee_below_base_fee"),
    *("priority_fee_above_max_fee", "intrinsic_gas_too_low", "initcode_too_large", "insufficient_funds"),
    *("over_budget", "transaction too long"),
)


def table(seen: Iterable[Touch]) -> str:
    """Return the cells as lines of text, like rows in one; a minus marks what should be there and is not."""
    cells = dict.fromkeys(seen, "+") | dict.fromkeys(required() - frozenset(seen), "-")
    rows: dict[tuple[str, str], list[str]] = {}
    for touch, mark in sorted(cells.items()):
        rows.setdefault((touch.table, touch.row), []).append(mark + touch.column)
    alike: dict[tuple[str, str], list[str]] = {}
    for (name, row), columns in rows.items():
        alike.setdefault((name, ", ".join(columns)), []).append(row)
    return "\n".join(f"{name}: {' '.join(names)}: {columns}" for (name, columns), names in alike.items())
