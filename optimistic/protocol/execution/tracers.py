"""What can be watched while a message runs: calls, single steps, and accesses.

A tracer is attached to the state; frames report to it. Values stay bytes and
ints; whoever shows them chooses the notation.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from eth.vm.forks.cancun.opcodes import CANCUN_OPCODES

from optimistic.protocol.engine import Log
from optimistic.protocol.execution.frame import Frame
from optimistic.protocol.execution.precompiles import PRECOMPILE_ADDRESSES
from optimistic.protocol.types import Address

_CALL_KINDS: Final = {
    0xF0: "CREATE",
    0xF1: "CALL",
    0xF2: "CALLCODE",
    0xF4: "DELEGATECALL",
    0xF5: "CREATE2",
    0xFA: "STATICCALL",
}
_ADDRESS_MASK: Final = (1 << 160) - 1
_SLOT_OPCODES: Final = frozenset((0x54, 0x55))
_ACCOUNT_ARGUMENT: Final = {0x31: 1, 0x3B: 1, 0x3C: 1, 0x3F: 1, 0xF1: 2, 0xF2: 2, 0xF4: 2, 0xFA: 2, 0xFF: 1}
"""Stack position, from the top, of the account an opcode looks at."""

MAX_STEPS: Final = 200_000
"""Steps recorded by a step trace; the rest is dropped and the trace says so."""

MNEMONICS: Final = {
    code: getattr(opcode, "mnemonic", "SELFDESTRUCT") for code, opcode in CANCUN_OPCODES.items()
}


class Tracer(Protocol):
    """Hears of the frames of one top-level message."""

    def on_enter(self, frame: Frame, parent: Frame | None) -> None:
        """A frame is about to run; its value has been transferred."""

    def on_step(self, frame: Frame, opcode: int) -> None:
        """An opcode is about to run; `frame.pc` is its position."""

    def on_exit(self, frame: Frame) -> None:
        """A frame has ended."""

    def on_selfdestruct(self, frame: Frame, beneficiary: bytes, balance: int) -> None:
        """A frame moves its whole balance and ends."""


class NullTracer:
    """Ignores everything; the base of tracers that hear only some events."""

    def on_enter(self, frame: Frame, parent: Frame | None) -> None:
        """Ignore."""

    def on_step(self, frame: Frame, opcode: int) -> None:
        """Ignore."""

    def on_exit(self, frame: Frame) -> None:
        """Ignore."""

    def on_selfdestruct(self, frame: Frame, beneficiary: bytes, balance: int) -> None:
        """Ignore."""


# ------------------------------------------------------------------------------ calls


@dataclass(slots=True, kw_only=True)
class CallTrace:
    """One call or creation and those inside it."""

    kind: str
    sender: Address
    to: Address
    """The account whose code runs; for a creation the new contract."""
    value: int
    gas: int
    input: bytes
    gas_used: int = 0
    output: bytes = b""
    error: str | None = None
    """Name of the failure, None on success."""
    reverted: bool = False
    calls: list["CallTrace"] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    """Logs of this frame itself; gone if it or an outer frame fails."""


class CallTracer(NullTracer):
    """Builds the tree of calls."""

    def __init__(self) -> None:
        self.root: CallTrace | None = None
        self._open: list[tuple[CallTrace, int]] = []

    def on_enter(self, frame: Frame, parent: Frame | None) -> None:
        """Open a call below the innermost open one."""
        message = frame.msg
        trace = CallTrace(
            kind=_kind(frame, parent),
            sender=_caller(frame, parent),
            to=frame.address if message.is_create else Address(message.code_address),
            value=message.value,
            gas=message.gas,
            input=bytes(message.code if message.is_create else message.data),
        )
        self._attach(trace)
        self._open.append((trace, len(frame.state.logs)))

    def on_exit(self, frame: Frame) -> None:
        """Close the innermost call."""
        trace, first_log = self._open.pop()
        trace.gas_used = frame.get_gas_used()
        trace.output = frame.output
        if frame.is_error:
            trace.error = type(frame.error).__name__
            trace.reverted = not frame.should_burn_gas
        else:
            trace.logs = [log for log in frame.state.logs[first_log:] if log.address == frame.address]

    def on_selfdestruct(self, frame: Frame, beneficiary: bytes, balance: int) -> None:
        """Record the transfer as a call without code."""
        self._attach(
            CallTrace(
                kind="SELFDESTRUCT",
                sender=frame.address,
                to=Address(beneficiary),
                value=balance,
                gas=0,
                input=b"",
            )
        )

    def _attach(self, trace: CallTrace) -> None:
        """Put a finished call under the one that made it."""
        if self._open:
            self._open[-1][0].calls.append(trace)
        elif self.root is None:
            self.root = trace


def _kind(frame: Frame, parent: Frame | None) -> str:
    """The opcode that opened the frame, as callTracer names it."""
    if parent is None:
        return "CREATE" if frame.msg.is_create else "CALL"
    return _CALL_KINDS[parent.code_bytes[parent.pc - 1]]


def _caller(frame: Frame, parent: Frame | None) -> Address:
    """Who opened the frame, as callTracer shows it."""
    return Address(frame.msg.sender) if parent is None else parent.address


# ------------------------------------------------------------------------------ steps


@dataclass(slots=True, kw_only=True)
class StepTrace:
    """The machine before one opcode."""

    pc: int
    opcode: int
    depth: int
    """1 for the outermost frame."""
    gas: int
    stack: tuple[int, ...]
    """Bottom first."""
    memory: bytes | None
    storage: dict[int, int] | None
    """Slots of this contract seen so far, with the value the opcode leaves."""
    gas_cost: int = 0
    """For a call it includes the gas handed to the callee."""
    error: str | None = None

    @property
    def mnemonic(self) -> str:
        """Name of the opcode."""
        return MNEMONICS.get(self.opcode, f"opcode 0x{self.opcode:x} not defined")


class StepTracer(NullTracer):
    """Records every step, up to `limit`."""

    def __init__(self, *, memory: bool = False, storage: bool = True, limit: int = MAX_STEPS) -> None:
        self.steps: list[StepTrace] = []
        self.truncated = False
        self._memory = memory
        self._storage = storage
        self._limit = limit
        self._last: list[StepTrace | None] = []
        self._seen: dict[Address, dict[int, int]] = {}

    def on_enter(self, frame: Frame, parent: Frame | None) -> None:
        """Price the call that opens this frame, then watch the frame."""
        if parent is not None:
            self._price(parent, keep=True)
        self._last.append(None)

    def on_step(self, frame: Frame, opcode: int) -> None:
        """Price the step before and record this one."""
        self._price(frame, keep=False)
        if len(self.steps) >= self._limit:
            self.truncated = True
            self._last[-1] = None
            return
        step = StepTrace(
            pc=frame.pc,
            opcode=opcode,
            depth=frame.msg.depth + 1,
            gas=frame.gas,
            stack=tuple(frame.stack),
            memory=frame.memory_read_bytes(0, len(frame._memory)) if self._memory else None,
            storage=self._storage_after(frame, opcode) if self._storage else None,
        )
        self.steps.append(step)
        self._last[-1] = step

    def on_exit(self, frame: Frame) -> None:
        """Price the frame's last step and give it the frame's error."""
        step = self._last.pop()
        if step is None:
            return
        if not step.gas_cost and not frame.should_burn_gas:
            step.gas_cost = step.gas - frame.gas
        if frame.is_error:
            step.error = type(frame.error).__name__

    def _price(self, frame: Frame, *, keep: bool) -> None:
        """Fill in what the last step of this frame cost."""
        step = self._last[-1]
        if step is not None and not step.gas_cost:
            step.gas_cost = step.gas - frame.gas
        if not keep:
            self._last[-1] = None

    def _storage_after(self, frame: Frame, opcode: int) -> dict[int, int] | None:
        """Return the contract's slots seen so far, for opcodes that read or write one."""
        operands = 2 if opcode == 0x55 else 1
        if opcode not in _SLOT_OPCODES or len(frame.stack) < operands:
            return None
        slots = self._seen.setdefault(frame.address, {})
        slot = frame.stack[-1]
        slots[slot] = frame.stack[-2] if opcode == 0x55 else frame.state.get_storage(frame.address, slot)
        return dict(slots)


# ------------------------------------------------------------------------------ accesses


class AccessTracer(NullTracer):
    """Collects the accounts and slots that code touches, also in frames that fail."""

    def __init__(self, *exclude: bytes) -> None:
        self._exclude = frozenset((*exclude, *PRECOMPILE_ADDRESSES))
        self.accessed: dict[Address, dict[int, bool]] = {}

    def on_step(self, frame: Frame, opcode: int) -> None:
        """Note the account or slot the opcode is about to access."""
        if opcode in _SLOT_OPCODES:
            if frame.stack:
                self.accessed.setdefault(frame.address, {})[frame.stack[-1]] = True
            return
        position = _ACCOUNT_ARGUMENT.get(opcode)
        if position is not None and len(frame.stack) >= position:
            address = Address((frame.stack[-position] & _ADDRESS_MASK).to_bytes(20, "big"))
            if address not in self._exclude:
                self.accessed.setdefault(address, {})
