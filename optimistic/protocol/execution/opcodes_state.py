"""Handlers of opcodes that touch the world state.

Source: Ethereum execution specs (Cancun); EIP-2200, EIP-2929, EIP-3529, EIP-3860, EIP-6780
"""

from typing import Any, Final

from eth.exceptions import Halt, OutOfGas, WriteProtection
from eth.vm.forks.shanghai.logic import Create2EIP3860, CreateEIP3860

from optimistic.protocol.constants import MAX_INITCODE_BYTES
from optimistic.protocol.execution.frame import Frame
from optimistic.protocol.execution.opcodes import Handler, charge

_ADDRESS_MASK: Final = (1 << 160) - 1
_COLD_ACCOUNT_GAS: Final = 2_600
_COLD_SLOT_GAS: Final = 2_100
_WARM_GAS: Final = 100
_SSTORE_SENTRY_GAS: Final = 2_300
_SSTORE_SET_GAS: Final = 20_000
_SSTORE_RESET_GAS: Final = 2_900
_SSTORE_CLEAR_REFUND: Final = 4_800
_LOG_GAS: Final = 375
_LOG_BYTE_GAS: Final = 8
_SELFDESTRUCT_GAS: Final = 5_000
_NEW_ACCOUNT_GAS: Final = 25_000


def require_mutable(frame: Frame) -> None:
    """Halt in a static context."""
    if frame.msg.is_static:
        raise WriteProtection


def sload(frame: Frame) -> None:
    """SLOAD."""
    stack, state, address = frame.stack, frame.state, frame.address
    slot = stack[-1]
    if state.is_storage_warm(address, slot):
        charge(frame, _WARM_GAS)
    else:
        state.mark_storage_warm(address, slot)
        charge(frame, _COLD_SLOT_GAS)
    stack[-1] = state.get_storage(address, slot)


def sstore(frame: Frame) -> None:
    """SSTORE."""
    require_mutable(frame)
    if frame.gas <= _SSTORE_SENTRY_GAS:
        raise OutOfGas
    slot, value = frame.stack_pop_ints(2)
    state, address = frame.state, frame.address
    cost = 0
    if not state.is_storage_warm(address, slot):
        state.mark_storage_warm(address, slot)
        cost = _COLD_SLOT_GAS
    current = state.get_storage(address, slot)
    original = state.get_storage(address, slot, from_journal=False)
    if current == original and current != value:
        cost += _SSTORE_SET_GAS if original == 0 else _SSTORE_RESET_GAS
    else:
        cost += _WARM_GAS
    charge(frame, cost)
    if current != value:
        state.refund += _sstore_refund(original, current, value)
        state.set_storage(address, slot, value)


def _sstore_refund(original: int, current: int, value: int) -> int:
    """Return the change of the refund counter when `current` becomes `value`."""
    refund = 0
    if original != 0:
        if current == 0:
            refund -= _SSTORE_CLEAR_REFUND
        if value == 0:
            refund += _SSTORE_CLEAR_REFUND
    if value == original:
        refund += (_SSTORE_SET_GAS if original == 0 else _SSTORE_RESET_GAS) - _WARM_GAS
    return refund


def log_n(topic_count: int) -> Handler:
    """Make LOG0 to LOG4."""

    def handler(frame: Frame) -> None:
        require_mutable(frame)
        start, size, *topics = frame.stack_pop_ints(2 + topic_count)
        charge(frame, _LOG_GAS * (1 + topic_count) + _LOG_BYTE_GAS * size)
        frame.extend_memory(start, size)
        frame.add_log_entry(frame.address, tuple(topics), frame.memory_read_bytes(start, size))

    return handler


def selfdestruct(frame: Frame) -> None:
    """SELFDESTRUCT: move the balance; delete the account only if this transaction created it."""
    require_mutable(frame)
    state, address = frame.state, frame.address
    beneficiary = (frame.stack.pop() & _ADDRESS_MASK).to_bytes(20, "big")
    cost = _SELFDESTRUCT_GAS
    if not state.is_address_warm(beneficiary):
        state.mark_address_warm(beneficiary)
        cost += _COLD_ACCOUNT_GAS
    balance = state.get_balance(address)
    if balance and state.account_is_empty(beneficiary):
        cost += _NEW_ACCOUNT_GAS
    charge(frame, cost)
    state.touch_account(beneficiary)
    state.set_balance(address, 0)
    state.delta_balance(beneficiary, balance)
    if address in state.created:
        state.set_balance(address, 0)
        state.mark_destroyed(address)
    if state.tracer is not None:
        state.tracer.on_selfdestruct(frame, beneficiary, balance)
    raise Halt


class LimitedCreate(CreateEIP3860):
    """CREATE that fails on oversized initcode whatever the creator's balance is."""

    def get_gas_cost(self, data: Any) -> int:
        """Return the gas charged before the child's gas is set aside.

        Raises
        ------
        OutOfGas : the initcode is longer than EIP-3860 allows
        """
        if data.memory_length > MAX_INITCODE_BYTES:
            raise OutOfGas
        return super().get_gas_cost(data)


class LimitedCreate2(Create2EIP3860):
    """CREATE2 with the same rule."""

    def get_gas_cost(self, data: Any) -> int:
        """Return the gas charged before the child's gas is set aside.

        Raises
        ------
        OutOfGas : the initcode is longer than EIP-3860 allows
        """
        if data.memory_length > MAX_INITCODE_BYTES:
            raise OutOfGas
        return super().get_gas_cost(data)
