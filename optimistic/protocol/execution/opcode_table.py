"""The 256 handlers: our own where `opcodes` has one, py-evm's functions otherwise.

py-evm's opcodes are callable objects; calling one costs a C frame. The wrappers
call the Python function behind it, so that nested calls (1,024 deep at most)
need no C stack and run in any thread.
"""

from typing import Any, Final

from eth.exceptions import InvalidInstruction, OutOfGas
from eth.vm.forks.cancun.opcodes import CANCUN_OPCODES

from optimistic.protocol.execution import opcodes, opcodes_state
from optimistic.protocol.execution.frame import Frame
from optimistic.protocol.execution.opcodes import Handler

_CREATE: Final = 0xF0
_CALLS: Final = (0xF1, 0xF2, 0xF4, 0xFA)
_CREATE2: Final = 0xF5
_CREATE_GAS: Final = 32_000


def _invalid(_: Frame) -> None:
    """Handle every byte that is no opcode."""
    raise InvalidInstruction


def _from_function(opcode: Any) -> Handler:
    """Wrap an opcode that is a logic function with a base price."""
    function, price = opcode.logic_fn, opcode.gas_cost

    def handler(frame: Frame) -> None:
        left = frame.gas - price
        if left < 0:
            raise OutOfGas
        frame.gas = left
        function(frame)

    return handler


def _from_object(opcode: Any) -> Handler:
    """Wrap an opcode that is an object with its own `__call__`."""
    call = type(opcode).__call__

    def handler(frame: Frame) -> None:
        call(opcode, frame)

    return handler


def _own_handlers() -> dict[int, Handler]:
    """Return our handlers by opcode."""
    create = opcodes_state.LimitedCreate.configure(
        __name__="LimitedCreate", mnemonic="CREATE", gas_cost=_CREATE_GAS
    )
    create2 = opcodes_state.LimitedCreate2.configure(
        __name__="LimitedCreate2", mnemonic="CREATE2", gas_cost=_CREATE_GAS
    )
    return {
        0x00: opcodes.stop,
        0x01: opcodes.add,
        0x03: opcodes.sub,
        0x15: opcodes.is_zero,
        0x16: opcodes.bit_and,
        0x19: opcodes.bit_not,
        **opcodes.BINARY,
        0x20: opcodes.keccak,
        0x35: opcodes.calldataload,
        **opcodes.ENVIRONMENT,
        0x37: opcodes.calldatacopy,
        0x39: opcodes.codecopy,
        0x3E: opcodes.returndatacopy,
        0x50: opcodes.pop,
        0x51: opcodes.mload,
        0x52: opcodes.mstore,
        0x53: opcodes.mstore8,
        0x54: opcodes_state.sload,
        0x55: opcodes_state.sstore,
        0x56: opcodes.jump,
        0x57: opcodes.jump_if,
        0x5B: opcodes.jumpdest,
        0x5E: opcodes.mcopy,
        **{0x5F + size: opcodes.push_n(size) for size in range(1, 33)},
        **{0x7F + depth: opcodes.dup_n(depth) for depth in range(1, 17)},
        **{0x8F + depth: opcodes.swap_n(depth) for depth in range(1, 17)},
        **{0xA0 + topics: opcodes_state.log_n(topics) for topics in range(5)},
        **{code: _from_object(CANCUN_OPCODES[code]) for code in _CALLS},
        _CREATE: _from_object(create()),
        _CREATE2: _from_object(create2()),
        0xFF: opcodes_state.selfdestruct,
    }


def _build() -> tuple[Handler, ...]:
    """Return 256 handlers: ours, py-evm's for the rest."""
    handlers: list[Handler] = [_invalid] * 256
    own = _own_handlers()
    for code in CANCUN_OPCODES:
        handlers[code] = own[code] if code in own else _from_function(CANCUN_OPCODES[code])
    return tuple(handlers)


HANDLERS: Final = _build()
"""Handler of each opcode byte."""
