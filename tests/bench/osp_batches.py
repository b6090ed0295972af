"""Batches whose transactions and deposits are the longest, between accounts that are the deepest.

`LONGEST` are the longest operations that the gas of one transaction pays for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from math import isqrt
from typing import Any, Final

from optimistic.protocol.constants import MAX_DEPOSIT_BYTES, MAX_INITCODE_BYTES
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import Deposit
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.state import Journal
from optimistic.protocol.stepper.step import RESTING, step
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.stepper.world import slot_key
from optimistic.protocol.transactions import create_address
from optimistic.protocol.unit import Phase
from tests.bench.ground_tries import ACCOUNT, surround
from tests.bench.osp_worst import WARM, Setting, filled
from tests.helpers.assembly import asm, run
from tests.helpers.evm_world import ALICE, BOB, Alloc, sign_tx
from tests.helpers.memory_programs import MemoryProgram, batch_of
from tests.helpers.rollup import make_deposit
from tests.helpers.stepper_batch import Proven, StepperBatch, stepper_batch
from tests.helpers.transaction_batches import access_list, number_address

RICHEST: Final = {ALICE: Alloc(balance=(1 << 256) - 1)}
KEYS: Final = tuple((1 << 255) + number for number in range(1_970))
MADE: Final = create_address(ALICE, 0)

# ------------------------------------------------------------------------------------------- transactions


def _longest_of(n_data: int, **fields: Any) -> StepperBatch:
    """Return a transaction of 64 KiB with this much data, which pays fees and moves ether."""
    fees = {"gas": DEVNET.tx_gas_cap, "maxFeePerGas": 1 << 200, "maxPriorityFeePerGas": 1 << 199}
    data = filled(n_data)
    return _deep(stepper_batch([sign_tx(**{**fees, "value": 1 << 200, "data": data, **fields})], RICHEST))


def _transactions() -> dict[str, Callable[[], StepperBatch]]:
    """Return the longest transactions, filled in each way."""
    entries = access_list(*((number_address((1 << 159) + i), ()) for i in range(2_840)))
    most_keys = access_list((BOB, KEYS))
    initcode = {"to": None, "accessList": access_list((BOB, KEYS[:480]))}
    return {
        "data": partial(_longest_of, 65_350),
        "entries": partial(_longest_of, 1, accessList=entries),
        "keys": partial(_longest_of, 1, accessList=most_keys),
        "initcode": partial(_longest_of, MAX_INITCODE_BYTES, **initcode),
    }


def _deep(batch: StepperBatch) -> StepperBatch:
    """Return the batch on a state in which the way to each of its accounts is as deep as can be."""
    unit = batch.start.unit
    keys = [keccak256(address) for address in (ALICE, BOB, MADE, unit.coinbase)]
    root = surround(batch.nodes, unit.state_root, keys, ACCOUNT)
    return replace(batch, start=replace(batch.start, unit=replace(unit, state_root=root)))


def _at(make: Callable[[], StepperBatch], phase: Phase) -> Setting:
    """Return the first machine of a batch in this phase."""
    batch = make()
    be, m = batch.full(), batch.machine()
    for j in count():
        for v in count():
            if m.phase is phase:
                return Setting(be, m, j, v, batch.acc, batch.deposit_hashes)
            next_state(be, j, v, batch.acc, m)
            if m.phase in RESTING:
                break
    raise AssertionError


def _access(make: Callable[[], StepperBatch]) -> Setting:
    """Return the beginning of an access list whose every key is deep in the trie of warmth."""
    setting = _at(make, Phase.TX_ACCESS)
    journal = setting.m.journal
    assert isinstance(journal, Journal)
    first = number_address(1 << 159)
    keys = [keccak256(first), keccak256(BOB), *(slot_key(BOB, slot) for slot in KEYS[:4])]
    warm = surround(setting.be.nodes, EMPTY_ROOT, keys, WARM)
    setting.m.journal = replace(journal, warm_root=warm)
    return setting


def _deposit(**fields: Any) -> StepperBatch:
    """Return a deposit with as much data as there can be."""
    data = filled(MAX_DEPOSIT_BYTES)
    fields = {"sender": ALICE, "to": BOB, "value": 1, "gas_limit": DEVNET.tx_gas_cap, "data": data, **fields}
    rows: Sequence[Deposit] = [make_deposit(**fields)]
    return _deep(stepper_batch((), {BOB: Alloc(balance=1)}, deposits=rows))


def _destroying() -> StepperBatch:
    """Return a creation that destroys itself and is paid afterwards."""
    code = asm(Op.ADDRESS, Op.SELFDESTRUCT)
    return _deep(stepper_batch([sign_tx(to=None, data=code, gas=200_000)], RICHEST))


def _settings() -> Iterator[tuple[str, Callable[[], Setting]]]:
    for name, make in _transactions().items():
        yield f"TX_BEGIN_{name}", partial(_at, make, Phase.TX_BEGIN)
        if name != "data":
            yield f"TX_ACCESS_{name}", partial(_access, make)
    for name in ("data", "initcode"):
        for phase in (Phase.TX_ENTER, Phase.TX_END):
            yield f"{phase.name}_{name}", partial(_at, _transactions()[name], phase)
    for name, fields in (("call", {}), ("creation", {"is_create": True})):
        yield f"DEPOSIT_{name}", partial(_at, partial(_deposit, **fields), Phase.DEPOSIT)
    yield "TX_DESTROY", partial(_at, _destroying, Phase.TX_DESTROY)


BEGINNINGS: Final[Mapping[str, Callable[[], Setting]]] = dict(_settings())
"""What surrounds the running of code, by name; each call makes a fresh machine."""

# ------------------------------------------------------------------------------------------- long ranges

_CODE_BYTES: Final = 24_576
_BUDGET: Final = DEVNET.tx_gas_cap - 21_000 - 10_000
"""Gas for one long operation, behind what the transaction and filling a part of its range cost."""


def _most_bytes(word_gas: int) -> int:
    """Return the length of a range that `_BUDGET` pays for: memory and `word_gas` for each word."""
    linear = 3 + word_gas
    return 32 * (isqrt(512 * (128 * linear * linear + _BUDGET)) - 256 * linear)


def _program(op: Op, word_gas: int) -> MemoryProgram:
    """Return one long operation on memory that is not zero where it begins, in its middle and at its end."""
    length = _most_bytes(word_gas)
    operands = (1, 0, length - 1) if op is Op.MCOPY else (0, length)
    parts = (0, length // 2 - _CODE_BYTES // 2, length - _CODE_BYTES)
    code = (
        b"".join(run(Op.CODECOPY, part, 0, _CODE_BYTES) for part in parts) + run(op, *operands) + asm(Op.STOP)
    )
    return MemoryProgram(code=code + filled(_CODE_BYTES - len(code)), gas=DEVNET.tx_gas_cap)


LONGEST: Final[Mapping[str, MemoryProgram]] = {
    "longest_KECCAK256": _program(Op.KECCAK256, 6),
    "longest_MCOPY": _program(Op.MCOPY, 3),
    "longest_LOG0": _program(Op.LOG0, 32 * 8),
}


def sampled(program: MemoryProgram) -> Iterator[Proven]:
    """Prove the first, a middle and the last step of a program's long operation."""
    batch = batch_of(program)
    entered = _at(lambda: batch, Phase.EXEC)
    be, m = entered.be, entered.m
    while m.pend is None:
        step(be, m)
    yield entered.prove()
    half = m.pend.length // 2
    while m.pend.done < half:
        step(be, m)
    yield entered.prove()
    before = m.pend.done
    step(be, m)
    chunk = m.pend.done - before
    while m.pend.length - m.pend.done > chunk:
        step(be, m)
    yield entered.prove()
    assert m.pend is None
