"""What proves one step to somebody who knows nothing but the hash of the machine before it.

The bytes are ``abi.encode(StepProof)`` of solidity/src/dispute/osp/Witness.sol in their one
canonical form.
"""

from dataclasses import dataclass, replace
from typing import Self

from optimistic.protocol.hashing import WORD_BYTES, abi_word, keccak256
from optimistic.protocol.stepper import abi
from optimistic.protocol.stepper.abi import Reader
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.machine_codec import MACHINE_BYTES, decode_machine, encode_machine
from optimistic.protocol.stepper.opcode_table import OPCODES, Op
from optimistic.protocol.stepper.state import Frame, Machine, Stack
from optimistic.protocol.stepper.tape import Range, Tape
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase

_STEP_PROOF: tuple[int, ...] = (0,)
"""The parts of StepProof that stand in its head: the machine, which has a fixed length."""
_WITNESS: tuple[int, ...] = (1,)
"""Those of Witness: the hash of the rest of the stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """The machine before a step and all that the step asks for."""

    machine: bytes
    """109 words, see `machine_codec`."""
    stack: tuple[int, ...]
    """The items that the step reads, top first."""
    stack_rest: Hash32
    """Chain hash of the items below them; zero if `stack` is empty."""
    code: bytes
    """Code of the frame where an opcode is read, else empty."""
    tape: Tape

    @classmethod
    def of(cls, m: Machine, code: bytes) -> Self:
        """Return the witness of a step that asks for nothing.

        Parameters
        ----------
        m : the machine before the step
        code : that of its frame if the step reads an opcode, else empty
        """
        items, rest = stack_items(m, code)
        return cls(machine=encode_machine(m), stack=items, stack_rest=rest, code=code, tape=Tape())

    def with_tape(self, tape: Tape) -> Self:
        """Return the same witness with what the step turned out to ask for."""
        return replace(self, tape=tape)

    def start(self) -> Machine:
        """Return a new machine as it was before the step, with the code and stack items that it reads.

        Raises
        ------
        InvalidWitness : the words are no machine, the code is not the frame's, the items are
            not those on its stack, or more or fewer than the opcode reads
        """
        m = decode_machine(self.machine)
        frame = m.frame
        if frame is not None and reads_opcode(m):
            if keccak256(self.code) != frame.code_hash:
                raise InvalidWitness("the code is not the frame's")
            frame.code = self.code
        elif self.code:
            raise InvalidWitness("code of a step that reads no opcode")
        if len(self.stack) != n_items(m, self.code):
            raise InvalidWitness("not as many stack items as the step reads")
        if frame is not None and self.stack:
            self._load_stack(frame)
        elif self.stack_rest != ZERO_HASH:
            raise InvalidWitness("a rest of the stack below no items")
        return m

    def _load_stack(self, frame: Frame) -> None:
        """Replace the frame's stack by the same one with its highest items at hand."""
        stack = Stack(reversed(self.stack), frame.stack.height - len(self.stack), self.stack_rest)
        if stack.hash() != frame.stack.hash():
            raise InvalidWitness("the items are not those on the stack")
        frame.stack = stack

    def encode(self) -> bytes:
        """Return the bytes that a verifier takes."""
        tape = self.tape
        ranges = [
            abi.struct((abi.string(item.words), abi.words(item.siblings)), inline=()) for item in tape.ranges
        ]
        proofs = [abi.array([abi.string(node) for node in proof]) for proof in tape.proofs]
        witness = abi.struct(
            (
                abi.words(self.stack),
                self.stack_rest,
                abi.string(self.code),
                abi.array(ranges),
                abi.array(proofs),
                abi.array([abi.string(blob) for blob in tape.blobs]),
            ),
            inline=_WITNESS,
        )
        return abi_word(WORD_BYTES) + abi.struct((self.machine, witness), inline=_STEP_PROOF)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Inverse of `encode`.

        Raises
        ------
        InvalidWitness : bytes that `encode` does not give
        """
        reader = Reader(encoded)
        reader.take(WORD_BYTES)
        machine = reader.take(MACHINE_BYTES)
        reader.take(2 * WORD_BYTES)
        stack_rest = reader.hash32()
        reader.take(4 * WORD_BYTES)
        witness = cls(
            machine=machine,
            stack=reader.words(Reader.uint),
            stack_rest=stack_rest,
            code=reader.string(),
            tape=Tape(
                ranges=reader.array(_read_range),
                proofs=reader.array(_read_proof),
                blobs=reader.array(Reader.string),
            ),
        )
        if witness.encode() != encoded:
            raise InvalidWitness("not the canonical encoding of a witness")
        return witness


def _read_range(reader: Reader) -> Range:
    """Read one range."""
    reader.take(2 * WORD_BYTES)
    return Range(reader.string(), reader.words(Reader.hash32))


def _read_proof(reader: Reader) -> tuple[bytes, ...]:
    """Read one node list."""
    return reader.array(Reader.string)


def reads_opcode(m: Machine) -> bool:
    """Whether the next step reads an opcode, and thus the code."""
    return m.phase is Phase.EXEC and m.pend is None


def opcode_at(code: bytes, pc: int) -> int:
    """Return the byte at a program counter; behind the end of the code there is STOP."""
    return code[pc] if pc < len(code) else Op.STOP


def n_items(m: Machine, code: bytes) -> int:
    """Return how many stack items the next step reads: none if its opcode is undefined or has too few.

    The steps of a pending operation read its operands, although only the last one drops them.

    Parameters
    ----------
    code : that of the frame where an opcode is read
    """
    frame = m.frame
    if m.phase is not Phase.EXEC or frame is None:
        return 0
    if m.pend is not None:
        row = OPCODES[m.pend.op]
    else:
        row = OPCODES[opcode_at(code, frame.pc)]
    return row.pops if row is not None and frame.stack.height >= row.pops else 0


def stack_items(m: Machine, code: bytes) -> tuple[tuple[int, ...], Hash32]:
    """Return the items that the next step reads, top first, and the hash of those below; zero if none."""
    count = n_items(m, code)
    if m.frame is None or count == 0:
        return (), ZERO_HASH
    stack = m.frame.stack
    return tuple(reversed(stack[-count:])), Stack(stack[:-count], stack.below, stack.below_hash).hash()
