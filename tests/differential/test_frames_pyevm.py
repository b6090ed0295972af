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
from tests.helpers.random_programs import BALANCE, CONTRACTS, ORIGIN, programs

COINBASE = bytes.fromhex("fe" * 20)
GAS = 150_000
CHAIN_ID = 1


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
