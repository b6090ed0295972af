"""The verifier's contracts where a small mistake would hide: equal items, exact limits, the last index."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, Final

import pytest

from optimistic.protocol import wordtree
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.constants import STEP_BITS
from optimistic.protocol.hashing import abi_word, keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.machine_codec import MACHINE_BYTES
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.state import SPONGE_LANES, FrameKind, Halt, Machine, Pend
from optimistic.protocol.stepper.tape import Range, Tape
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Phase, Unit
from tests.helpers.contract_host import Reverted
from tests.helpers.evm_world import ALICE, ETHER, Alloc, sign_tx
from tests.helpers.onchain_host import OnchainHost, host_of, step_calldata
from tests.helpers.opcode_stage import OTHER, UNIT, Stage, stage, stage_on, view
from tests.helpers.stepper_batch import Proven, prove_step, stepper_batch

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

LAST: Final = (1 << STEP_BITS) - 1
MEMORY_BYTES: Final = 1 << 21
SYSTEM: Final = Address(b"\x42" + bytes(18) + b"\x77")
BESIDE_SYSTEM: Final = Address(b"\x42" + bytes(17) + b"\x01\x77")
EXPENSIVE: Final = bytes((Op.PUSH1, 1, Op.PUSH0, Op.SSTORE))
WORD: Final = 32
LENGTH_AT: Final = 4 + 5 * WORD
"""Where in a call the length of the witness stands."""
INVALID_WITNESS: Final = keccak256(b"InvalidWitness()")[:4]
NONSENSE: Final = b"\x03" * WORD
MACHINE_WORDS: Final = MACHINE_BYTES // WORD
UNIT_WORDS: Final = 1 + len(fields(Unit))
"""Of the phase and the unit, with which a machine begins."""
PEND_WORDS: Final = 6 + SPONGE_LANES
PEND: Final = MACHINE_WORDS - 1 - PEND_WORDS
"""Where the long operation begins; one word of the machine follows it."""
PEND_LENGTH: Final = PEND + 2


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


def prove(host: OnchainHost, code: bytes, items: tuple[int, ...] = (), v: int = 1, **frame: Any) -> Stage:
    """Run one step of a frame with `items`, top first, on both sides."""
    setting = stage_on(items, code=code, **frame)
    step = prove_step(setting.be, setting.m, v=v)

    assert host.prove(step) == step.post
    return setting


@pytest.mark.parametrize("n", range(1, 17))
def test_step__dup_and_swap_of_different_items__move_the_right_ones(host: OnchainHost, n: int) -> None:
    items = tuple(range(100, 120))

    assert prove(host, bytes((Op.DUP1 + n - 1,)), items).stack == [items[n - 1], *items]
    swapped = [items[n], *items[1:n], items[0], *items[n + 1 :]]
    assert prove(host, bytes((Op.SWAP1 + n - 1,)), items).stack == swapped


@pytest.mark.parametrize("op", [Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL])
@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 12])
def test_step__call_of_low_addresses__knows_the_precompiles(host: OnchainHost, op: Op, number: int) -> None:
    value = (0,) * (op in (Op.CALL, Op.CALLCODE))

    m = prove(host, bytes((op,)), (10_000, number, *value, 0, 0, 0, 0)).m

    assert m.frame is not None
    assert m.frame.precompile == (number if number <= 10 else 0)
    assert m.phase is (Phase.PRECOMPILE if 1 <= number <= 10 else Phase.EXEC)


@pytest.mark.parametrize(
    "code", [b"\xfe", bytes((Op.ADD,)), bytes((Op.JUMP,))], ids=["invalid", "add", "jump"]
)
def test_step__frame_fails_at_the_last_index__is_errored(host: OnchainHost, code: bytes) -> None:
    items = (7,) if code == bytes((Op.JUMP,)) else ()

    assert prove(host, code, items, v=LAST - 1).m.phase is Phase.EXIT
    assert prove(host, code, items, v=LAST).m.phase is Phase.ERRORED


@pytest.mark.parametrize("beyond", [0, 1, 31, 32, 33, 1 << 15, 1 << 16])
def test_step__memory_up_to_its_end__is_out_of_gas_behind_it(host: OnchainHost, beyond: int) -> None:
    frame = prove(host, bytes((Op.MLOAD,)), (MEMORY_BYTES - 32 + beyond,), gas=1 << 40).frame

    assert frame.halt is (Halt.EXCEPTIONAL if beyond else Halt.RUNNING)


@pytest.mark.parametrize("target", [SYSTEM, BESIDE_SYSTEM, None], ids=["system", "beside", "create"])
def test_transaction__that_uses_gas__takes_it_from_its_lane(
    host: OnchainHost, target: Address | None
) -> None:
    alloc = {ALICE: Alloc(balance=ETHER)}
    if target is not None:
        alloc[target] = Alloc(code=EXPENSIVE, nonce=1)
    data = EXPENSIVE if target is None else b""
    batch = stepper_batch([sign_tx(to=target, gas=200_000, data=data)], alloc)
    ends = 0

    for proven in batch.proofs():
        assert host.prove(proven) == proven.post, (proven.v, proven.phase)
        ends += proven.phase is Phase.TX_END

    assert ends == 1
    assert batch.leaves() == [unit.leaf for unit in batch.replay()]


def test_batch__at_its_end__leaves_of_itself_only_the_deposit_cursor(host: OnchainHost) -> None:
    """Also where no run can lead: a closed block with deposits to come."""
    done = replace(
        UNIT,
        data_root=Hash32(b"\x01" * 32),
        data_len=40,
        cursor=40,
        deposit_cursor=5,
        deposit_end=5,
        l1_timestamp=6,
        config_hash=Hash32(b"\x02" * 32),
        left_general=7,
        left_system=8,
        block_open=0,
        block_deposits_left=9,
        blocks=10,
    )
    m = Machine(Phase.BOUNDARY, done)

    step = prove_step(stage().be, m, v=0)

    assert host.prove(step) == step.post
    assert m.phase is Phase.IDLE
    assert m.unit == replace(UNIT, block_open=0, deposit_cursor=5)


def test_batch__at_its_beginning__is_read_from_its_first_byte(host: OnchainHost) -> None:
    """Also where no run can lead: an idle unit with a cursor."""
    batch = stepper_batch([sign_tx()], {ALICE: Alloc(balance=ETHER)})
    m = Machine(Phase.IDLE, replace(batch.start.unit, cursor=40))

    step = prove_step(batch.full(), m, j=0, v=0, acc=batch.acc)

    assert host.prove(step) == step.post
    assert m.unit.cursor == 0


@pytest.mark.parametrize("l1_time", [0, 1, DEVNET.max_time_lag_s, DEVNET.max_time_lag_s + 1])
def test_block__soon_after_the_clock_began__is_not_before_it(host: OnchainHost, l1_time: int) -> None:
    header = encode_batch([BlockInput(timestamp=0, n_deposits=0, transactions=())])
    unit = replace(
        UNIT,
        timestamp=0,
        block_open=0,
        data_root=wordtree.root(header),
        data_len=len(header),
        cursor=1,
        l1_timestamp=l1_time,
    )
    m = Machine(Phase.BLOCK_BEGIN, unit)

    step = prove_step(Full(DEVNET, {}, data=[header]), m)

    assert host.prove(step) == step.post
    assert m.unit.timestamp == max(0, l1_time - DEVNET.max_time_lag_s)


def test_access_list__with_the_longest_headers__is_read_to_the_fourth_key() -> None:
    """Lists of more than 65,535 bytes, which only a longer limit for transactions allows."""
    params = replace(DEVNET, max_tx_bytes=1 << 17)
    keys = [f"0x{key:064x}" for key in range(2_000)]
    access = [{"address": "0x" + ALICE.hex(), "storageKeys": keys}]
    raw = sign_tx(gas=5_000_000, accessList=access)
    batch = stepper_batch([raw], {ALICE: Alloc(balance=ETHER)}, params=params)

    (step,) = batch.proofs(
        lambda _be, m, _j, _v: (
            m.phase is Phase.TX_ACCESS and m.tx is not None and m.tx.access_address != ALICE
        )
    )

    assert host_of(params).prove(step) == step.post


@pytest.mark.parametrize("length", range(4))
def test_access_list__at_any_place_in_a_word__is_read_no_further_than_asked(
    host: OnchainHost, length: int
) -> None:
    keys = [f"0x{key:064x}" for key in range(45)]
    access = [{"address": "0x" + ALICE.hex(), "storageKeys": keys}]
    raw = sign_tx(gas=500_000, data=b"\x07" * length, accessList=access)
    batch = stepper_batch([raw], {ALICE: Alloc(balance=ETHER)})

    for step in batch.proofs(lambda _be, m, _j, _v: m.phase is Phase.TX_ACCESS):
        assert host.prove(step) == step.post


def with_nonsense(step: Proven, places: Iterable[int]) -> bytes:
    """Encode the step's witness with other words of the machine."""
    words = bytearray(step.witness.encode())
    for place in places:
        words[WORD * (1 + place) : WORD * (2 + place)] = NONSENSE
    return bytes(words)


def test_step__nonsense_where_a_frame_has_no_long_operation__is_not_looked_at(host: OnchainHost) -> None:
    setting = stage_on((0, 100_000), code=bytes((Op.KECCAK256,)))
    unused = {*range(PEND, MACHINE_WORDS)} - {PEND_LENGTH}

    step = prove_step(setting.be, setting.m)

    assert setting.m.pend is not None
    assert host.prove(step, with_nonsense(step, unused)) == step.post
    with pytest.raises(Reverted):
        host.prove(step, with_nonsense(step, {PEND_LENGTH}))


def test_step__that_a_group_refuses__is_refused_with_its_reason(host: OnchainHost) -> None:
    setting = stage_on((), code=bytes((Op.STOP,)))
    step = prove_step(setting.be, setting.m)
    too_much = step.witness.with_tape(Tape(blobs=(b"",)))

    with pytest.raises(Reverted) as refused:
        host.prove(step, too_much.encode())

    assert refused.value.selector == INVALID_WITNESS


@pytest.mark.parametrize("n_words", [1, 2, 3, 4])
def test_attack__range_of_another_length_that_is_proven_well__is_refused(
    host: OnchainHost, n_words: int
) -> None:
    """A shorter one would leave the bytes behind it to whoever wrote the witness."""
    length, source = 2 * WORD, view(bytes(range(2 * WORD)), offset=0)
    setting = stage_on((0, 0, length), code=bytes((Op.CALLDATACOPY,)), calldata=source)
    assert source.words is not None
    whole = source.words.read(0, 4 * WORD)
    step = prove_step(setting.be, setting.m)
    right = step.witness.tape
    (place,) = (at for at, item in enumerate(right.ranges) if item.words == whole[:length])
    proof = wordtree.prove_range(whole, 0, n_words)
    other = Range(proof.words, tuple(map(Hash32, proof.siblings)))
    ranges = (*right.ranges[:place], other, *right.ranges[place + 1 :])
    witness = step.witness.with_tape(replace(right, ranges=ranges))

    if n_words == length // WORD:
        assert host.prove(step, witness.encode()) == step.post
    else:
        with pytest.raises(Reverted) as refused:
            host.prove(step, witness.encode())
        assert refused.value.selector == INVALID_WITNESS


@pytest.mark.parametrize("phase", [Phase.CREATE_ENTER, Phase.EXIT])
def test_step__nonsense_before_a_frame_runs__is_no_long_operation(host: OnchainHost, phase: Phase) -> None:
    parent = stage_on((), code=b"\x00").frame
    halt = Halt.SUCCESS if phase is Phase.EXIT else Halt.RUNNING
    setting = stage(
        {OTHER: Alloc(nonce=1)}, code=b"\x00", kind=FrameKind.CREATE, parent=parent, depth=1, halt=halt
    )
    setting.m.phase = phase

    step = prove_step(setting.be, setting.m)

    assert setting.m.phase is Phase.EXEC
    assert host.prove(step, with_nonsense(step, range(PEND, MACHINE_WORDS))) == step.post


def test_step__long_operation_of_one_byte__is_done(host: OnchainHost) -> None:
    """Where no run can lead: a range this short is never left for later."""
    source = view(b"\x07" * 40)
    setting = stage_on((0, 3, 1), code=bytes((Op.CALLDATACOPY,)), calldata=source)
    setting.m.pend = Pend(
        op=Op.CALLDATACOPY, done=0, length=1, src_root=source.root, src_offset=3, dst=0, words=source.words
    )

    step = prove_step(setting.be, setting.m)

    assert host.prove(step) == step.post
    assert setting.m.pend is None


def test_step__nonsense_outside_of_transactions__is_not_looked_at(host: OnchainHost) -> None:
    m = Machine(Phase.BOUNDARY, replace(UNIT, block_open=0, blocks=1))
    unused = range(UNIT_WORDS, MACHINE_WORDS)

    step = prove_step(stage().be, m, v=0)

    assert host.prove(step, with_nonsense(step, unused)) == step.post


@pytest.mark.parametrize("is_kept", [False, True])
def test_step__witness_that_does_not_begin_with_its_offset__is_refused(
    host: OnchainHost, is_kept: bool
) -> None:
    setting = stage_on((), code=bytes((Op.STOP,)))
    if is_kept:  # a machine at rest needs no other contract, which would refuse the witness, too
        setting.m = Machine(Phase.BOUNDARY, UNIT)
    step = prove_step(setting.be, setting.m)
    right = step.witness.encode()

    assert host.prove(step, right) == step.post
    for wrong in (b"", right[:32], right[:63], bytes(WORD) + right[WORD:], NONSENSE + right[WORD:]):
        with pytest.raises(Reverted) as refused:
            host.prove(step, wrong)
        assert refused.value.selector == INVALID_WITNESS
    call = step_calldata(step.pre, step.j, step.v, step.acc, right)
    for length in (WORD, 2 * WORD - 1):  # the rest of the witness follows its end
        with pytest.raises(Reverted):
            host.call(call[:LENGTH_AT] + abi_word(length) + call[LENGTH_AT + WORD :])
