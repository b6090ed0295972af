"""Our frames against py-evm's own: the same random programs leave the same gas, output, logs and state."""

from dataclasses import dataclass
from typing import Any

from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.state import CancunState
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.engine import BlockEnv
from optimistic.protocol.execution.computation import Computation
from optimistic.protocol.execution.evm_state import EvmState
from optimistic.protocol.execution.precompiles import Precompiles
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.types import Address, Hash32
from tests.helpers.memory_nodes import MemoryNodes

ORIGIN = bytes.fromhex("aa" * 20)
CONTRACTS = tuple(bytes((number,)) * 20 for number in (0xC1, 0xC2, 0xC3))
COINBASE = bytes.fromhex("fe" * 20)
BALANCE = 10**6
GAS = 150_000
CHAIN_ID = 1

PLAIN = (
    *range(0x01, 0x0C),
    *range(0x10, 0x1E),
    *(0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3A, 0x3D),
    *range(0x41, 0x49),
    *(0x49, 0x4A, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x58, 0x59, 0x5A, 0x5B, 0x5C, 0x5D, 0x5F),
    *range(0x80, 0x90),
    *range(0x90, 0xA0),
)
SMALL = st.one_of(
    st.integers(0, 4), st.integers(0, 300), st.sampled_from((2**255, 2**256 - 1, 2**160, 2**64))
)


def push(value: int) -> bytes:
    body = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes((0x5F + len(body),)) + body


def words(*values: int) -> bytes:
    return b"".join(push(value) for value in values)


def memory_range() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, 200), st.integers(0, 100))


@st.composite
def pieces(draw: st.DrawFn) -> bytes:
    kind = draw(st.integers(0, 9))
    if kind <= 3:
        return push(draw(SMALL)) + push(draw(SMALL)) + bytes((draw(st.sampled_from(PLAIN)),))
    if kind == 4:
        start, size = draw(memory_range())
        return words(size, draw(st.integers(0, 60)), start) + bytes(
            (draw(st.sampled_from((0x37, 0x39, 0x3E, 0x5E))),)
        )
    if kind == 5:
        topics = draw(st.integers(0, 4))
        start, size = draw(memory_range())
        return words(*range(topics), size, start) + bytes((0xA0 + topics,))
    if kind == 6:
        return draw(calls())
    if kind == 7:
        start, size = draw(memory_range())
        salt = words(draw(st.integers(0, 2)))
        value = draw(st.sampled_from((0, 1, 2 * BALANCE)))
        create2 = draw(st.booleans())
        return (salt if create2 else b"") + words(size, start, value) + bytes((0xF5 if create2 else 0xF0,))
    if kind == 8:
        account = int.from_bytes(draw(st.sampled_from((*CONTRACTS, ORIGIN, b"\x77" * 20))), "big")
        return push(account) + bytes((draw(st.sampled_from((0x31, 0x3B, 0x3F))),))
    return draw(endings())


@st.composite
def calls(draw: st.DrawFn) -> bytes:
    opcode = draw(st.sampled_from((0xF1, 0xF2, 0xF4, 0xFA)))
    target = draw(st.sampled_from((*CONTRACTS, ORIGIN, b"\x66" * 20, b"\1", b"\2", b"\3", b"\4", b"\x09")))
    in_start, in_size = draw(memory_range())
    out_start, out_size = draw(memory_range())
    code = words(out_size, out_start, in_size, in_start)
    if opcode in (0xF1, 0xF2):
        code += push(draw(st.sampled_from((0, 0, 1, 2 * BALANCE))))
    gas = draw(st.sampled_from((push(0), push(3_000), b"\x5a")))
    return code + push(int.from_bytes(target, "big")) + gas + bytes((opcode,))


@st.composite
def endings(draw: st.DrawFn) -> bytes:
    start, size = draw(memory_range())
    target = int.from_bytes(draw(st.sampled_from((*CONTRACTS, b"\x55" * 20))), "big")
    return draw(
        st.sampled_from(
            (
                b"\x00",
                b"\xfe",
                words(size, start) + b"\xf3",
                words(size, start) + b"\xfd",
                push(target) + b"\xff",
                push(draw(SMALL)) + b"\x56",
                words(draw(st.integers(0, 1)), draw(st.integers(0, 60))) + b"\x57",
            )
        )
    )


programs = st.lists(pieces(), min_size=1, max_size=25).map(b"".join)


@dataclass(frozen=True)
class Seen:
    """What both machines must agree on."""

    error: bool
    burns: bool
    gas: int
    output: bytes
    refund: int
    logs: Any
    destroyed: Any
    accounts: Any


def seen(state: Any, frame: Any, refund: int, logs: Any, destroyed: Any) -> Seen:
    accounts = [
        (
            state.get_balance(address),
            state.get_nonce(address),
            state.get_code(address),
            [state.get_storage(address, slot) for slot in range(5)],
        )
        for address in (*CONTRACTS, ORIGIN, COINBASE, b"\x66" * 20, b"\x55" * 20)
    ]
    return Seen(
        error=frame.is_error,
        burns=frame.should_burn_gas,
        gas=frame.get_gas_remaining(),
        output=frame.output,
        refund=0 if frame.is_error else refund,
        logs=[] if frame.is_error else logs,
        destroyed=sorted(destroyed),
        accounts=accounts,
    )


def prepare(state: Any, codes: list[bytes]) -> None:
    state.set_balance(ORIGIN, BALANCE)
    for address, code in zip(CONTRACTS, codes, strict=True):
        state.set_balance(address, BALANCE)
        state.set_nonce(address, 1)
        state.set_code(address, code)
        state.set_storage(address, 1, 7)


def message(codes: list[bytes], data: bytes) -> Message:
    target: Any = CONTRACTS[0]
    sender: Any = ORIGIN
    return Message(gas=GAS, to=target, sender=sender, value=1, data=data, code=codes[0])


def context() -> CancunTransactionContext:
    origin: Any = ORIGIN
    return CancunTransactionContext(gas_price=9, origin=origin)


def run_ours(codes: list[bytes], data: bytes) -> Seen:
    state = EvmState(MemoryNodes(), EMPTY_ROOT, Precompiles(CONFORMANCE))
    state.begin_block(
        BlockEnv(
            chain_id=CHAIN_ID,
            number=1,
            timestamp=1_000,
            coinbase=Address(COINBASE),
            gas_limit=10**7,
            base_fee=7,
            prev_randao=Hash32(b"\x21" * 32),
            block_hashes=lambda _: Hash32(bytes(32)),
        )
    )
    prepare(state, codes)
    state.finish_transaction()
    state.warm_up(Address(ORIGIN), Address(CONTRACTS[0]))
    frame = Computation.apply_message(state, message(codes, data), context())
    logs = [
        (log.address, tuple(int.from_bytes(topic, "big") for topic in log.topics), log.data)
        for log in state.logs
    ]
    return seen(state, frame, state.refund, logs, state.destroyed)


def run_theirs(codes: list[bytes], data: bytes) -> Seen:
    coinbase: Any = COINBASE
    number: Any = 1
    randao: Any = b"\x21" * 32
    root: Any = EMPTY_ROOT
    state = CancunState(
        AtomicDB(),
        ExecutionContext(
            coinbase=coinbase,
            timestamp=1_000,
            block_number=number,
            difficulty=0,
            mix_hash=randao,
            gas_limit=10**7,
            prev_hashes=(),
            chain_id=CHAIN_ID,
            base_fee_per_gas=7,
            excess_blob_gas=0,
        ),
        root,
    )
    prepare(state, codes)
    state.persist()
    state.lock_changes()
    for address in (ORIGIN, CONTRACTS[0]):
        warm: Any = address
        state.mark_address_warm(warm)
    frame = state.computation_class.apply_message(state, message(codes, data), context())
    logs = list(frame.get_log_entries())
    return seen(state, frame, frame.get_gas_refund(), logs, frame.get_accounts_for_deletion())


@given(codes=st.lists(programs, min_size=3, max_size=3), data=st.binary(max_size=64))
def test_frames__random_programs__agree_with_stock_py_evm(codes: list[bytes], data: bytes) -> None:
    assert run_ours(codes, data) == run_theirs(codes, data)
