"""What stands behind the hashes of a step, each as the ABI words of a Solidity struct.

Decoding is strict: the words are the only ones that encode the value.
"""

from optimistic.protocol.hashing import abi_words
from optimistic.protocol.records import BatchRecord
from optimistic.protocol.stepper.abi import Reader
from optimistic.protocol.stepper.backend import DepositHead, InvalidWitness
from optimistic.protocol.stepper.state import EMPTY_VIEW, Frame, FrameKind, Halt, Stack, View
from optimistic.protocol.stepper.words import SealedWords
from optimistic.protocol.types import Address, Hash32

FRAME_BYTES = 25 * 32


def decode_frame(blob: bytes) -> Frame:
    """Return the frame of 25 words; of its stack nothing is at hand.

    Raises
    ------
    InvalidWitness : anything but the encoding of a frame
    """
    frame = read_frame(Reader(blob))
    if frame.encode() != blob:
        raise InvalidWitness("not the words of a frame")
    return frame


def read_frame(reader: Reader) -> Frame:
    """Read the 25 words of a frame; whoever calls compares the encoding."""
    parent, snapshot, depth = reader.hash32(), reader.hash32(), reader.uint()
    kind, is_static = reader.uint(), reader.uint()
    if kind not in set(FrameKind):
        raise InvalidWitness(f"no kind of frame: {kind}")
    frame = Frame(
        parent=parent,
        snapshot=snapshot,
        depth=depth,
        kind=FrameKind(kind),
        is_static=bool(is_static),
        address=reader.address(),
        caller=reader.address(),
        value=reader.uint(),
        code_hash=reader.hash32(),
        precompile=reader.uint(),
        calldata=read_view(reader),
        pc=reader.uint(),
        gas=reader.uint(),
        stack=_read_stack(reader),
        memory=SealedWords(reader.hash32()),
        memory_words=reader.uint(),
        returndata=read_view(reader),
        out_offset=reader.uint(),
        out_length=reader.uint(),
    )
    halt = reader.uint()
    if halt not in set(Halt):
        raise InvalidWitness(f"no way to end a frame: {halt}")
    frame.halt = Halt(halt)
    return frame


def _read_stack(reader: Reader) -> Stack:
    """Read hash and height of a stack."""
    below_hash, height = reader.hash32(), reader.uint()
    return Stack((), height, below_hash)


def read_view(reader: Reader) -> View:
    """Read the 3 words of a view."""
    return View(reader.hash32(), reader.uint(), reader.uint())


def encode_destroyed(before: Hash32, address: Address) -> bytes:
    """Encode one link of the chain of destroyed accounts."""
    return abi_words(before, address)


def decode_destroyed(blob: bytes) -> tuple[Hash32, Address]:
    """Inverse of `encode_destroyed`; raises InvalidWitness."""
    reader = Reader(blob)
    link = reader.hash32(), reader.address()
    if encode_destroyed(*link) != blob:
        raise InvalidWitness("not the words of a destroyed account")
    return link


def encode_batch(before: Hash32, record: BatchRecord) -> bytes:
    """Encode a batch record behind the accumulator before it."""
    return abi_words(
        before,
        record.data_root,
        record.data_len,
        record.l1_timestamp,
        record.deposit_start,
        record.deposit_end,
        record.gas_budget,
        record.system_gas_budget,
        record.config_hash,
    )


def decode_batch(blob: bytes) -> tuple[Hash32, BatchRecord]:
    """Inverse of `encode_batch`; raises InvalidWitness."""
    reader = Reader(blob)
    before = reader.hash32()
    record = BatchRecord(
        data_root=reader.hash32(),
        data_len=reader.uint(),
        l1_timestamp=reader.uint(),
        deposit_start=reader.uint(),
        deposit_end=reader.uint(),
        gas_budget=reader.uint(),
        system_gas_budget=reader.uint(),
        config_hash=reader.hash32(),
    )
    if encode_batch(before, record) != blob:
        raise InvalidWitness("not the words of a batch record")
    return before, record


def encode_deposit(head: DepositHead) -> bytes:
    """Encode a deposit as L1 hashes it."""
    return abi_words(
        head.sender,
        head.is_create,
        head.to,
        head.mint,
        head.value,
        head.gas_limit,
        head.data_root,
        head.data.length,
        head.l1_timestamp,
    )


def decode_deposit(blob: bytes) -> DepositHead:
    """Inverse of `encode_deposit`; raises InvalidWitness."""
    reader = Reader(blob)
    sender, is_create, to = reader.address(), reader.uint(), reader.address()
    mint, value, gas_limit = reader.uint(), reader.uint(), reader.uint()
    data_root, length, l1_timestamp = reader.hash32(), reader.uint(), reader.uint()
    head = DepositHead(
        sender=sender,
        is_create=bool(is_create),
        to=to,
        mint=mint,
        value=value,
        gas_limit=gas_limit,
        data=View(data_root, 0, length) if length else EMPTY_VIEW,
        l1_timestamp=l1_timestamp,
        data_root=data_root,
    )
    if encode_deposit(head) != blob:
        raise InvalidWitness("not the words of a deposit")
    return head
