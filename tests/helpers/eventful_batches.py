"""Batches whose units pass through every phase and every kind of opcode, and where each is found."""

from collections.abc import Iterator
from typing import Final

from challenger.watchtower import Watchtower
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.stepper.opcode_table import OPCODES, Op
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import RESTING
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.stepper.witness import opcode_at, reads_opcode
from optimistic.protocol.unit import Phase
from optimistic.service.unit_inputs import UnitPlace
from optimistic.service.unit_run import UnitRun, open_unit
from tests.helpers.assembly import asm, call, create, returning, store
from tests.helpers.covering_programs import PRECOMPILE_INPUTS
from tests.helpers.l2_wallet import Wallet
from tests.helpers.memory_programs import CHUNK
from tests.helpers.watchtower_stage import Stage

N_BATCHES: Final = 2
PADDING: Final = "padding of a unit"
BEHIND_UNITS: Final = "behind the last unit"
KINDS: Final = tuple(
    f"unit {kind}"
    for kind in ("BEGIN_BATCH", "BLOCK_BEGIN", "DEPOSIT", "TRANSACTION", "BLOCK_END", "END_BATCH")
)
PHASES: Final = tuple(
    f"phase {phase.name}"
    for phase in (
        *(Phase.BLOCK_BEGIN, Phase.DEPOSIT, Phase.TX_BEGIN, Phase.TX_ACCESS, Phase.TX_ENTER),
        *(Phase.CREATE_ENTER, Phase.EXIT, Phase.TX_END, Phase.TX_DESTROY, Phase.BLOCK_END),
    )
)
OPS: Final = tuple(
    f"opcode {op.name}"
    for op in (
        *(Op.STOP, Op.ADD, Op.SDIV, Op.ADDMOD, Op.EXP, Op.SIGNEXTEND, Op.LT, Op.AND, Op.SAR),
        *(Op.KECCAK256, Op.ADDRESS, Op.BALANCE, Op.CALLVALUE, Op.CALLDATALOAD, Op.CALLDATACOPY),
        *(Op.CODECOPY, Op.EXTCODESIZE, Op.EXTCODECOPY, Op.RETURNDATACOPY, Op.EXTCODEHASH),
        *(Op.BLOCKHASH, Op.TIMESTAMP, Op.PREVRANDAO, Op.SELFBALANCE, Op.BASEFEE),
        *(Op.POP, Op.MLOAD, Op.MSTORE, Op.MSTORE8, Op.SLOAD, Op.SSTORE, Op.TLOAD, Op.TSTORE, Op.MCOPY),
        *(Op.JUMP, Op.JUMPI, Op.JUMPDEST, Op.PC, Op.GAS, Op.PUSH32, Op.DUP2, Op.SWAP1, Op.LOG2),
        *(Op.CREATE, Op.CREATE2, Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL),
        *(Op.RETURN, Op.REVERT, Op.SELFDESTRUCT),
    )
)
UNDEFINED: Final = "undefined opcode"
LONG: Final = "middle of a long range"
PRECOMPILES: Final = tuple(f"precompile {number}" for number in PRECOMPILE_INPUTS)
PLACES: Final = (*KINDS, *PHASES, *OPS, UNDEFINED, LONG, *PRECOMPILES, PADDING, BEHIND_UNITS)
"""Everything that a step can be about."""

_PLAIN: Final = asm(
    *(1, 2, Op.ADD, 3, Op.SWAP1, Op.SDIV, 5, 7, Op.ADDMOD, 2, Op.EXP, 0, Op.SIGNEXTEND),
    *(4, Op.LT, 3, Op.AND, 1, Op.SAR, Op.POP, bytes(32), 1, Op.DUP2, Op.POP, Op.POP, Op.POP),
    *(Op.ADDRESS, Op.BALANCE, Op.POP, Op.CALLVALUE, Op.POP, 0, Op.CALLDATALOAD, Op.POP),
    *(Op.ADDRESS, Op.EXTCODESIZE, Op.POP, Op.ADDRESS, Op.EXTCODEHASH, Op.POP),
    *(0, Op.BLOCKHASH, Op.POP, Op.TIMESTAMP, Op.PREVRANDAO, Op.SELFBALANCE, Op.BASEFEE),
    *(Op.POP, Op.POP, Op.POP, Op.POP, Op.PC, Op.POP, Op.GAS, Op.POP),
)
_MEMORY: Final = asm(
    *(7, 0, Op.MSTORE, 8, 40, Op.MSTORE8, 0, Op.MLOAD, Op.POP, 40, 0, 64, Op.MCOPY),
    *(40, 0, 0, Op.CALLDATACOPY, 40, 0, 64, Op.CODECOPY, 20, 0, 0, Op.ADDRESS, Op.EXTCODECOPY),
    *(40, 0, Op.KECCAK256, Op.POP, CHUNK + 9, 0, 0, Op.CALLDATACOPY, 1, 2, 33, 3, Op.LOG2),
)
_JUMPS: Final = asm(Op.PC, 5, Op.ADD, Op.JUMP, Op.JUMPDEST, 1, Op.PC, 5, Op.ADD, Op.JUMPI, Op.JUMPDEST)
_STATE: Final = asm(1, 0, Op.SSTORE, 0, Op.SLOAD, Op.POP, 1, 0, Op.TSTORE, 0, Op.TLOAD, Op.POP)
_IDENTITY: Final = bytes((4,))
_CALLS: Final = (
    call(Op.CALL, _IDENTITY, args=(0, 40), out=(0, 40))
    + asm(40, 0, 0, Op.RETURNDATACOPY)
    + b"".join(call(op, _IDENTITY) for op in (Op.CALLCODE, Op.DELEGATECALL))
    + create(Op.CREATE, returning(asm(0, Op.SELFDESTRUCT)))
    + asm(*(0,) * 5, Op.DUP6, Op.GAS, Op.CALL)
    + create(Op.CREATE2, returning(asm(0, 0, Op.REVERT)))
    + asm(*(0,) * 4, Op.DUP5, Op.GAS, Op.STATICCALL)
    + create(Op.CREATE, b"\x0c")
)


def _precompile(number: int) -> bytes:
    """Code that calls a precompile on an input that it takes."""
    taken = PRECOMPILE_INPUTS[number][0]
    return store(taken) + call(Op.STATICCALL, bytes((number,)), gas=200_000, args=(0, len(taken)))


_EVERYTHING: Final = _PLAIN + _MEMORY + _STATE + _JUMPS + _CALLS + asm(Op.STOP)
_ALL_PRECOMPILES: Final = b"".join(_precompile(number) for number in PRECOMPILE_INPUTS)


def post_eventful_batches(stage: Stage) -> None:
    """A deposit, every kind of opcode, every precompile, a transaction with an access list."""
    wallet = Wallet(1, stage.params.l2_chain_id)
    stage.deposit(wallet.address)
    stage.append(wallet.transfer(stage.bob.address), wallet.deploy(_EVERYTHING, gas=2_000_000))
    access = [{"address": "0x" + stage.bob.address.hex(), "storageKeys": ["0x" + "00" * 32]}]
    stage.append(
        wallet.deploy(_ALL_PRECOMPILES, gas=2_000_000),
        wallet.transfer(stage.bob.address, gas=30_000, accessList=access),
    )


def find_places(tower: Watchtower) -> dict[str, tuple[int, int]]:
    """Return the first unit and step of each of `PLACES` that a replayed rollup has.

    Parameters
    ----------
    tower : has replayed both batches
    """
    found: dict[str, tuple[int, int]] = {}
    for batch in range(N_BATCHES):
        unit, is_last = 0, False
        while not is_last:
            run = open_unit(tower.verifier.unit_inputs(tower.loader, UnitPlace(batch, unit)), tower.nodes)
            j = (batch << UNIT_BITS) + unit
            for v, names in enumerate(_names(run, j)):
                for name in names:
                    found.setdefault(name, (j, v))
            is_last = run.result is None
            unit += 1
    return found


def _names(run: UnitRun, j: int) -> Iterator[list[str]]:
    """Yield what each index of a unit is, and one behind its end."""
    if run.kind is None:
        yield [BEHIND_UNITS]
        return
    yield [f"unit {run.kind.name}"]
    m = next_state(run.full, j, 0, run.acc, run.start())
    v = 0
    while m.phase not in RESTING:
        yield [_name(run, m)]
        v += 1
        next_state(run.full, j, v, run.acc, m)
    yield [PADDING]


def _name(run: UnitRun, m: Machine) -> str:
    """Return what the next step is about."""
    if m.pend is not None:
        return LONG
    if m.frame is not None and reads_opcode(m):
        byte = opcode_at(run.full.code(m.frame.code_hash), m.frame.pc)
        row = OPCODES[byte]
        return UNDEFINED if row is None else f"opcode {Op(byte).name}"
    if m.phase is Phase.PRECOMPILE:
        assert m.frame is not None
        return f"precompile {m.frame.precompile}"
    return f"phase {m.phase.name}"
