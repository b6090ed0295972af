"""One call frame: py-evm's computation on plain Python integers and bytes.

py-evm keeps a typed stack, a gas meter, a memory object and a code stream per
frame and logs through all of them. Here they are a list, an int, a bytearray
and a byte string; the methods that py-evm's opcodes call keep their names, so
its opcode functions run on this class unchanged.
"""

from typing import TYPE_CHECKING, Any, Final

from eth.exceptions import FullStack, InsufficientStack, OutOfGas, VMError
from eth.vm.forks.cancun.computation import CancunComputation

from optimistic.protocol.engine import Log
from optimistic.protocol.execution.jumps import JumpTable
from optimistic.protocol.execution.message import FrameMessage
from optimistic.protocol.types import Address, Hash32

if TYPE_CHECKING:
    from optimistic.protocol.execution.evm_state import EvmState

STACK_LIMIT: Final = 1024
CODE_PADDING: Final = bytes(33)
"""Zero bytes behind the code: STOP after its end, and the rest of a cut-off PUSH32."""

_VIEW_BYTES: Final = 4_096
"""Longer reads of memory are copied once instead of twice."""


class Frame(CancunComputation):
    """Stack, memory, gas and code of one frame."""

    state: "EvmState"

    # py-evm derives these from the error on every access; `fail` sets them once.
    is_error = False
    is_success = True
    should_burn_gas = False
    should_return_gas = True
    should_erase_return_data = False
    output = b""

    def __init__(self, state: "EvmState", message: Any, transaction_context: Any) -> None:
        self.state = state
        self.msg = message
        self.transaction_context = transaction_context
        self.address = Address(message.storage_address)
        self.gas: int = message.gas
        self.stack: list[int] = []
        self._memory: Any = bytearray()
        self.code_bytes: bytes = message.code
        self.padded_code: bytes = b""
        self.jumps: JumpTable | None = None
        self.pc = 0
        self.return_data = b""

    def fail(self, error: VMError) -> None:
        """Record how the frame failed; everything but REVERT consumes its gas and its output."""
        # Without its traceback the error does not keep the frame, and its memory, alive.
        error.__traceback__ = error.__cause__ = error.__context__ = None
        self._error = error
        self.is_error, self.is_success = True, False
        if error.burns_gas:
            self.should_burn_gas, self.should_return_gas = True, False
            self.gas = 0
        if error.erases_return_data:
            self.should_erase_return_data = True
            self.output = self.return_data = b""

    def prepare_child_message(  # type: ignore[override]
        self, gas: int, to: bytes, value: int, data: bytes, code: bytes, **kwargs: Any
    ) -> Any:
        """Return the message of a child frame; its sender is this contract unless named."""
        sender = kwargs.pop("sender", self.address)
        return FrameMessage(gas, to, sender, value, data, code, depth=self.msg.depth + 1, **kwargs)

    # ------------------------------------------------------------------------------ gas

    def consume_gas(self, amount: int, reason: str = "") -> None:
        """Charge `amount` gas.

        Raises
        ------
        OutOfGas : less is left
        """
        left = self.gas - amount
        if left < 0:
            raise OutOfGas(reason)
        self.gas = left

    def return_gas(self, amount: int) -> None:
        """Give back what a child frame left."""
        self.gas += amount

    def refund_gas(self, amount: int) -> None:
        """Add to the transaction's refund counter; undone with the frame."""
        self.state.refund += amount

    def get_gas_remaining(self) -> int:
        """Return the gas left; nothing after an exceptional halt."""
        return self.gas

    def get_gas_used(self) -> int:
        """Return the gas used so far."""
        gas: int = self.msg.gas
        return gas - self.get_gas_remaining()

    # ------------------------------------------------------------------------------ stack

    def stack_pop1_int(self) -> int:
        """Pop one word."""
        if not self.stack:
            raise InsufficientStack
        return self.stack.pop()

    stack_pop1_any = stack_pop1_int

    def stack_pop1_bytes(self) -> bytes:
        """Pop one word as 32 bytes."""
        return self.stack_pop1_int().to_bytes(32, "big")

    def stack_pop_ints(self, num_items: int) -> tuple[int, ...]:
        """Pop words, the top one first."""
        stack = self.stack
        if num_items > len(stack):
            raise InsufficientStack
        items = tuple(stack[-1 : -num_items - 1 : -1])
        del stack[-num_items:]
        return items

    stack_pop_any = stack_pop_ints

    def stack_pop_bytes(self, num_items: int) -> tuple[bytes, ...]:
        """Pop words as 32 bytes each, the top one first."""
        return tuple(item.to_bytes(32, "big") for item in self.stack_pop_ints(num_items))

    def stack_push_int(self, value: int) -> None:
        """Push one word."""
        if len(self.stack) >= STACK_LIMIT:
            raise FullStack
        self.stack.append(value)

    def stack_push_bytes(self, value: bytes) -> None:
        """Push at most 32 big-endian bytes as one word."""
        self.stack_push_int(int.from_bytes(value, "big"))

    # ------------------------------------------------------------------------------ memory

    def extend_memory(self, start_position: int, size: int) -> None:
        """Charge for and zero-extend the memory to hold [start, start + size)."""
        if size == 0:
            return
        memory = self._memory
        end = start_position + size
        length = len(memory)
        if end <= length:
            return
        words, old = (end + 31) >> 5, length >> 5
        self.consume_gas(3 * (words - old) + (words * words >> 9) - (old * old >> 9), "memory")
        memory.extend(bytes((words << 5) - length))

    def memory_write(self, start_position: int, size: int, value: bytes) -> None:
        """Write into memory that has been extended."""
        if size:
            self._memory[start_position : start_position + size] = value

    def memory_read_bytes(self, start_position: int, size: int) -> bytes:
        """Read from memory that has been extended."""
        if size > _VIEW_BYTES:
            return bytes(memoryview(self._memory)[start_position : start_position + size])
        return bytes(self._memory[start_position : start_position + size])

    def memory_copy(self, destination: int, source: int, length: int) -> None:  # type: ignore[override]
        """Copy within memory that has been extended; the ranges may overlap."""
        memory = self._memory
        memory[destination : destination + length] = memory[source : source + length]

    # ------------------------------------------------------------------------------ logs

    def add_log_entry(self, account: bytes, topics: tuple[int, ...], data: bytes) -> None:
        """Append to the transaction's logs; undone with the frame."""
        words = tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics)
        self.state.logs.append(Log(address=Address(account), topics=words, data=data))
