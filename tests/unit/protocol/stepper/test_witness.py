"""Witnesses: one encoding, which Solidity's decoder reads, and nothing else proves a step."""

from dataclasses import replace
from functools import cache

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.blobs import (
    decode_batch,
    decode_deposit,
    decode_destroyed,
    decode_frame,
)
from optimistic.protocol.stepper.machine_codec import MACHINE_BYTES, decode_machine, encode_machine
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.tape import Range, Tape
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.assembly import SALT, asm, call, create, returning
from tests.helpers.evm_world import ALICE, ETHER, Alloc, sign_tx
from tests.helpers.frame_programs import TARGET as CONTRACT
from tests.helpers.frame_programs import WORLD
from tests.helpers.opcode_stage import stage, view
from tests.helpers.rollup import make_deposit
from tests.helpers.stepper_batch import Proven, StepperBatch, stepper_batch

hashes = st.binary(min_size=32, max_size=32).map(Hash32)
blobs = st.binary(max_size=70)
tapes = st.builds(
    Tape,
    ranges=st.lists(st.builds(Range, blobs, st.lists(hashes, max_size=3).map(tuple)), max_size=3).map(tuple),
    proofs=st.lists(st.lists(blobs, max_size=3).map(tuple), max_size=3).map(tuple),
    blobs=st.lists(blobs, max_size=3).map(tuple),
)
witnesses = st.builds(
    Witness,
    machine=st.binary(min_size=MACHINE_BYTES, max_size=MACHINE_BYTES),
    stack=st.lists(st.integers(0, (1 << 256) - 1), max_size=3).map(tuple),
    stack_rest=hashes,
    code=blobs,
    tape=tapes,
)
STEP_PROOF = (
    f"(bytes32[{MACHINE_BYTES // 32}],(uint256[],bytes32,bytes,(bytes,bytes32[])[],bytes[][],bytes[]))"
)
"""The ABI type of a step proof, the machine's words untyped."""


@cache
def story() -> StepperBatch:
    """A batch with a step of almost every kind."""
    code = (
        asm(1, 2, Op.SSTORE, 0, 1, Op.SSTORE, 7, Op.SLOAD, 0, Op.MSTORE, 40, 3, Op.KECCAK256, 9, 9, Op.TSTORE)
        + asm(ALICE, Op.BALANCE, CONTRACT, Op.EXTCODESIZE, 0, Op.CALLDATALOAD, 10, 0, 70, Op.CALLDATACOPY)
        + asm(0, Op.BLOCKHASH, 5, 32, 0, Op.LOG1, 33_000, 0, 0, Op.MCOPY, 33_000, 0, Op.KECCAK256)
        + call(Op.CALL, Address(bytes(19) + b"\2"), args=(0, 40), out=(0, 32))
        + create(Op.CREATE2, returning(asm(Op.CALLER, Op.SELFDESTRUCT)), value=4, salt=SALT)
        + asm(Op.DUP1)
        + asm(0, 0, 0, 0, 0, Op.DUP6, Op.GAS, Op.CALL)
        + asm(*(b"\xc1" * 20,), Op.EXTCODEHASH, 5, 5, Op.ADDRESS)
    )
    alloc = {**WORLD, CONTRACT: Alloc(balance=1000, nonce=1, code=code, storage={1: 9, 3: 3})}
    access = [{"address": "0x" + CONTRACT.hex(), "storageKeys": [f"0x{key:064x}" for key in range(6)]}]
    raw = sign_tx(to=CONTRACT, data=b"calldata", gas=900_000, value=1, accessList=access)
    return stepper_batch([raw], alloc, deposits=[make_deposit(mint=ETHER, data=b"\0\1", gas_limit=30_000)])


@cache
def proofs() -> tuple[Proven, ...]:
    """Every step of the story."""
    return tuple(story().proofs())


def post_of(proven: Proven, witness: Witness) -> Hash32:
    """What a verifier makes of a witness."""
    return story().verifier().step(proven.pre, proven.j, proven.v, proven.acc, witness)


def test_story__phases__are_all_there() -> None:
    phases = {proven.phase for proven in proofs()}
    assert phases == set(Phase) - {Phase.ERRORED}
    assert [unit.leaf for unit in story().replay()] == story().leaves()


@given(witness=witnesses)
def test_witness__encoding__is_what_an_abi_library_gives(witness: Witness) -> None:
    tape = witness.tape
    machine = [witness.machine[start : start + 32] for start in range(0, MACHINE_BYTES, 32)]
    parts = (
        list(witness.stack),
        witness.stack_rest,
        witness.code,
        list(tape.ranges),
        tape.proofs,
        tape.blobs,
    )
    assert witness.encode() == encode([STEP_PROOF], [(machine, parts)])
    assert Witness.decode(witness.encode()) == witness


@given(witness=witnesses, data=st.data())
def test_witness__changed_bytes__are_another_witness_or_none(witness: Witness, data: st.DataObject) -> None:
    encoded = bytearray(witness.encode())
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    changed = bytes(encoded)
    try:
        assert Witness.decode(changed).encode() == changed
    except InvalidWitness:
        return


@given(witness=witnesses, data=st.data())
def test_witness__cut_or_longer_bytes__are_refused(witness: Witness, data: st.DataObject) -> None:
    encoded = witness.encode()
    for changed in (
        encoded[: data.draw(st.integers(0, len(encoded) - 1))],
        encoded + bytes(32),
        encoded + b"\1",
    ):
        with pytest.raises(InvalidWitness):
            Witness.decode(changed)


@given(raw=st.binary(max_size=5_000))
def test_witness__any_bytes__raise_nothing_else(raw: bytes) -> None:
    for decode in (
        Witness.decode,
        decode_machine,
        decode_frame,
        decode_batch,
        decode_deposit,
        decode_destroyed,
    ):
        with pytest.raises(InvalidWitness):
            decode(raw)


def test_verifier__each_step_of_the_story__agrees() -> None:
    for proven in proofs():
        assert post_of(proven, Witness.decode(proven.witness.encode())) == proven.post


@given(data=st.data())
def test_verifier__one_changed_byte__proves_nothing_else(data: st.DataObject) -> None:
    proven = data.draw(st.sampled_from(proofs()))
    encoded = bytearray(proven.witness.encode())
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidWitness):
        post_of(proven, Witness.decode(bytes(encoded)))


def test_verifier__an_item_less_or_more__is_refused() -> None:
    for proven in proofs():
        witness, tape = proven.witness, proven.witness.tape
        changed = [
            replace(witness, tape=replace(tape, ranges=(*tape.ranges, Range(bytes(32), ())))),
            replace(witness, tape=replace(tape, proofs=(*tape.proofs, ()))),
            replace(witness, tape=replace(tape, blobs=(*tape.blobs, b""))),
            replace(witness, stack=(*witness.stack, 0)),
            replace(witness, code=witness.code + b"\0"),
            replace(witness, stack_rest=keccak256(witness.stack_rest)),
        ]
        if tape.ranges:
            changed.append(replace(witness, tape=replace(tape, ranges=tape.ranges[:-1])))
        if tape.proofs:
            changed.append(replace(witness, tape=replace(tape, proofs=tape.proofs[:-1])))
        if tape.blobs:
            changed.append(replace(witness, tape=replace(tape, blobs=tape.blobs[:-1])))
        if witness.stack:
            changed.append(replace(witness, stack=witness.stack[:-1]))
        for other in changed:
            with pytest.raises(InvalidWitness):
                post_of(proven, other)


def test_verifier__witness_of_another_step__is_refused() -> None:
    for first, second in zip(proofs(), proofs()[1:], strict=False):
        with pytest.raises(InvalidWitness):
            post_of(first, second.witness)


def test_verifier__deposit_of_another_queue__is_refused() -> None:
    verifier = replace(story().verifier(), deposit_hash=lambda _: ZERO_HASH)
    proven = next(proven for proven in proofs() if proven.phase is Phase.DEPOSIT)
    with pytest.raises(InvalidWitness):
        verifier.step(proven.pre, proven.j, proven.v, proven.acc, proven.witness)


def test_machine_codec__any_phase__round_trips() -> None:
    for proven in proofs():
        m = decode_machine(proven.witness.machine)
        assert m.hash() == proven.pre
        assert encode_machine(m) == proven.witness.machine


def test_machine_codec__part_of_another_phase__is_refused() -> None:
    m = stage(calldata=view(b"abc")).m
    words = bytearray(encode_machine(m))
    words[31] = Phase.BOUNDARY
    with pytest.raises(InvalidWitness):
        decode_machine(bytes(words))
