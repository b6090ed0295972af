"""Where a contract's code calls to, read off its bytecode.

The code is run on words that are the same in every run or unknown, along every path. From one
block of instructions to the next only jump destinations and system addresses are kept, so loops end.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from optimistic.protocol.constants import SYSTEM_RANGE_START
from optimistic.protocol.stepper.opcode_table import OPCODES, Op

LEAVING: Final = frozenset(
    {Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL, Op.CREATE, Op.CREATE2, Op.SELFDESTRUCT}
)
_CALLS: Final = frozenset({Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL})
_ENDING: Final = frozenset({Op.STOP, Op.RETURN, Op.REVERT, Op.SELFDESTRUCT, Op.JUMP, Op.JUMPI})
_WORD: Final = 1 << 256
_RANGE: Final = int.from_bytes(SYSTEM_RANGE_START, "big")
_RANGE_SIZE: Final = 256

Stack = tuple[int | None, ...]
"""Words from the bottom; None is unknown."""


@dataclass(frozen=True, slots=True)
class Site:
    """A call, a creation or a self-destruction.

    Attributes
    ----------
    target : address that is called; None if the code computes it, or nothing is called
    """

    position: int
    opcode: int
    target: int | None


def instructions(code: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield position, opcode and pushed bytes, as one reads code from its beginning."""
    position = 0
    while position < len(code):
        opcode = code[position]
        width = opcode - Op.PUSH0 if Op.PUSH0 < opcode <= Op.PUSH32 else 0
        yield position, opcode, code[position + 1 : position + 1 + width]
        position += 1 + width


def call_sites(code: bytes) -> frozenset[Site]:
    """Return everything of `LEAVING` that some path may reach.

    Raises
    ------
    ValueError : a jump goes to a computed place, so that the paths are not known
    """
    return _Reader(code).read()


class _Reader:
    """Follows all paths of one code."""

    def __init__(self, code: bytes) -> None:
        self._program = {at: (opcode, pushed) for at, opcode, pushed in instructions(code)}
        self._seen: set[tuple[int, Stack]] = set()
        self._open: list[tuple[int, Stack]] = [(0, ())]
        self._sites: set[Site] = set()

    def read(self) -> frozenset[Site]:
        while self._open:
            self._run_block(*self._open.pop())
        return frozenset(self._sites)

    def _run_block(self, position: int, stack: Stack) -> None:
        """Follow a path until it branches or ends."""
        while position in self._program:
            opcode, pushed = self._program[position]
            if opcode in LEAVING:
                target = stack[-2] if opcode in _CALLS else None
                self._sites.add(Site(position, opcode, target))
            behind = position + 1 + len(pushed)
            if opcode in _ENDING or OPCODES[opcode] is None:
                self._branch(position, behind, stack)
                return
            stack, position = _after(opcode, pushed, stack), behind
            if self._is_destination(position):
                self._enter(position, stack)
                return

    def _branch(self, position: int, behind: int, stack: Stack) -> None:
        opcode, _ = self._program[position]
        if opcode not in (Op.JUMP, Op.JUMPI):
            return
        destination = stack[-1]
        if destination is None:
            raise ValueError(f"the jump at {position} goes to a computed place")
        below = stack[:-1] if opcode == Op.JUMP else stack[:-2]
        if self._is_destination(destination):
            self._enter(destination, below)
        if opcode == Op.JUMPI:
            self._enter(behind, below)

    def _enter(self, position: int, stack: Stack) -> None:
        kept = tuple(word if self._is_kept(word) else None for word in stack)
        if (position, kept) not in self._seen:
            self._seen.add((position, kept))
            self._open.append((position, kept))

    def _is_kept(self, word: int | None) -> bool:
        return word is not None and (self._is_destination(word) or 0 <= word - _RANGE < _RANGE_SIZE)

    def _is_destination(self, position: int) -> bool:
        return position in self._program and self._program[position][0] == Op.JUMPDEST


def _after(opcode: int, pushed: bytes, stack: Stack) -> Stack:
    """Return the stack after an instruction that does not jump."""
    if Op.PUSH0 <= opcode <= Op.PUSH32:
        return (*stack, int.from_bytes(pushed, "big"))
    if Op.DUP1 <= opcode <= Op.DUP16:
        return (*stack, stack[Op.DUP1 - opcode - 1])
    if Op.SWAP1 <= opcode <= Op.SWAP16:
        other = len(stack) + Op.SWAP1 - opcode - 2
        return (*stack[:other], stack[-1], *stack[other + 1 : -1], stack[other])
    row = OPCODES[opcode]
    assert row is not None, "unknown opcodes end a path"
    below = stack[: len(stack) - row.pops]
    return (*below, _folded(opcode, stack[len(below) :][::-1])) if row.pushes else below


def _folded(opcode: int, operands: Stack) -> int | None:
    """Return what an instruction makes of its operands, the topmost first."""
    fold = _FOLDED.get(opcode)
    known = [word for word in operands if word is not None]
    return None if fold is None or len(known) < len(operands) else fold(*known) % _WORD


_FOLDED: Final[dict[int, Callable[..., int]]] = {
    Op.ADD: lambda a, b: a + b,
    Op.MUL: lambda a, b: a * b,
    Op.SUB: lambda a, b: a - b,
    Op.EXP: lambda a, b: pow(a, b, _WORD),
    Op.AND: lambda a, b: a & b,
    Op.OR: lambda a, b: a | b,
    Op.NOT: lambda a: ~a,
    Op.SHL: lambda bits, word: word << bits if bits < 256 else 0,
    Op.SHR: lambda bits, word: word >> bits,
}
"""What a compiler writes constants with."""
