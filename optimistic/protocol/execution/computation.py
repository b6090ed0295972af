"""Messages: what a call or a creation does around running its code.

The order of effects is that of the execution specs.
"""

from typing import Any, Final

from eth.exceptions import (
    ContractCreationCollision,
    Halt,
    InsufficientStack,
    OutOfGas,
    ReservedBytesInCode,
    VMError,
)

from optimistic.protocol.errors import CriticalError
from optimistic.protocol.execution.frame import CODE_PADDING, Frame
from optimistic.protocol.execution.opcode_table import HANDLERS

MAX_CODE_BYTES: Final = 24_576
CODE_DEPOSIT_GAS_PER_BYTE: Final = 200
_RESERVED_FIRST_BYTE: Final = b"\xef"


def _stack_underflow(error: IndexError) -> Exception:
    """Return the halt for a handler that popped an empty stack; any deeper origin is a fault of ours.

    Handlers index the stack in their own Python frame, one below the loop's.
    """
    loop = error.__traceback__
    handler = None if loop is None else loop.tb_next
    if handler is None or handler.tb_next is not None:
        return CriticalError("index out of range inside an opcode")
    return InsufficientStack()


class Computation(Frame):
    """A frame that can be run, and the messages that run one."""

    def run(self) -> None:
        """Execute the frame to its end; afterwards `is_error` tells how it went."""
        try:
            precompile = self.state.precompiles.get(self.msg.code_address)
            if precompile is not None:
                self._run_precompile(precompile)
            elif self.state.tracer is not None:
                self._interpret_traced()
            else:
                self._interpret()
        except Halt:
            return
        except VMError as error:
            self.fail(error)

    def _interpret(self) -> None:
        """Run the code until a handler ends the frame by raising."""
        if not self.code_bytes:
            return
        code = self.padded_code = self.code_bytes + CODE_PADDING
        handlers = HANDLERS
        try:
            while True:
                opcode = code[self.pc]
                self.pc += 1
                handlers[opcode](self)
        except IndexError as error:
            raise _stack_underflow(error) from error

    def _interpret_traced(self) -> None:
        """The same loop with a tracer called before each opcode."""
        code = self.padded_code = self.code_bytes + CODE_PADDING
        tracer = self.state.tracer
        try:
            while True:
                opcode = code[self.pc]
                tracer.on_step(self, opcode)
                self.pc += 1
                HANDLERS[opcode](self)
        except IndexError as error:
            raise _stack_underflow(error) from error

    def _run_precompile(self, precompile: Any) -> None:
        """Price first, then run; a failure consumes the frame's gas."""
        data = bytes(self.msg.data)
        price = self.state.precompiles.price(precompile, data)
        if price is None:
            raise VMError("precompile input out of range")
        self.consume_gas(price, "precompile")
        output = precompile.run(data)
        if output is None:
            raise VMError("precompile failed")
        self.output = output

    # ------------------------------------------------------------------------------ messages

    def apply_child_computation(self, child_msg: Any) -> "Computation":
        """Run a child frame and keep its return data."""
        apply = self.apply_create_message if child_msg.is_create else self.apply_message
        child = apply(self.state, child_msg, self.transaction_context, self)
        self.return_data = b"" if child_msg.is_create and child.is_success else child.output
        return child

    @classmethod
    def apply_message(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> "Computation":
        """Transfer the value and run the code; undo both if that fails."""
        snapshot = state.snapshot()
        if message.should_transfer_value and message.value:
            state.delta_balance(message.sender, -message.value)
            state.delta_balance(message.storage_address, message.value)
        state.touch_account(message.storage_address)
        frame = cls(state, message, transaction_context)
        tracer = state.tracer
        if tracer is not None:
            tracer.on_enter(frame, parent_computation)
        frame.run()
        if frame.is_error:
            state.revert(snapshot)
        if tracer is not None and not message.is_create:
            tracer.on_exit(frame)
        return frame

    @classmethod
    def apply_create_message(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> "Computation":
        """Create a contract: nonce 1, run the initcode, deposit the code."""
        snapshot = state.snapshot()
        state.mark_created(message.storage_address)
        state.increment_nonce(message.storage_address)
        frame = cls.apply_message(state, message, transaction_context, parent_computation)
        if not frame.is_error:
            frame.deposit_code()
        if frame.is_error:
            state.revert(snapshot)
        if state.tracer is not None:
            state.tracer.on_exit(frame)
        return frame

    @classmethod
    def collide(cls, state: Any, message: Any, transaction_context: Any) -> "Computation":
        """Return the failed frame of a creation whose address is taken."""
        frame = cls(state, message, transaction_context)
        if state.tracer is not None:
            state.tracer.on_enter(frame, None)
        frame.fail(ContractCreationCollision())
        if state.tracer is not None:
            state.tracer.on_exit(frame)
        return frame

    def deposit_code(self) -> None:
        """Charge for the returned code and store it, or fail."""
        code = self.output
        if not code:
            return
        try:
            if code[:1] == _RESERVED_FIRST_BYTE:
                raise ReservedBytesInCode
            if len(code) > MAX_CODE_BYTES:
                raise OutOfGas
            self.consume_gas(CODE_DEPOSIT_GAS_PER_BYTE * len(code), "code deposit")
        except VMError as error:
            self.fail(error)
        else:
            self.state.set_code(self.address, code)
