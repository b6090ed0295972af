"""Top-level messages: what transactions and deposits do around running code.

Source: docs/spec/04-execution.md
"""

from dataclasses import dataclass
from typing import Final

from eth.vm.forks.cancun.transaction_context import CancunTransactionContext

from optimistic.protocol.execution.computation import Computation
from optimistic.protocol.execution.evm_state import EvmState
from optimistic.protocol.execution.message import CREATE_ADDRESS, FrameMessage
from optimistic.protocol.transactions import AccessList, create_address
from optimistic.protocol.types import Address

REFUND_QUOTIENT: Final = 5
"""At most this fraction of the gas used is refunded (EIP-3529)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopMessage:
    """The outermost call or creation of a transaction or deposit."""

    sender: Address
    to: Address | None
    value: int
    data: bytes
    gas: int
    """Gas limit without the intrinsic gas."""
    gas_price: int
    nonce: int
    """The sender's nonce before it was raised: it names a created contract."""
    access_list: AccessList = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageResult:
    """What the outermost frame left."""

    gas_left: int
    refund: int
    error: str | None
    """Name of the failure, None on success."""
    reverted: bool
    output: bytes
    """Returned data, or revert data; empty after a successful creation."""
    contract_address: Address | None


def run_message(state: EvmState, top: TopMessage) -> MessageResult:
    """Run the outermost message; its effects on `state` remain pending.

    The caller has paid the gas, raised the nonce and checked that the sender
    can pay `value`.
    """
    target = create_address(top.sender, top.nonce) if top.to is None else top.to
    state.warm_up(top.sender, target)
    for address, keys in top.access_list:
        state.mark_address_warm(address)
        for key in keys:
            state.mark_storage_warm(address, int.from_bytes(key, "big"))
    context = CancunTransactionContext(gas_price=top.gas_price, origin=top.sender)  # type: ignore[arg-type]
    if top.to is None:
        message = FrameMessage(
            top.gas, CREATE_ADDRESS, top.sender, top.value, b"", top.data, create_address=target
        )
    else:
        message = FrameMessage(top.gas, top.to, top.sender, top.value, top.data, state.get_code(top.to))
    frame = _run(state, message, context)
    return MessageResult(
        gas_left=frame.get_gas_remaining(),
        refund=state.refund,
        error=type(frame.error).__name__ if frame.is_error else None,
        reverted=frame.is_error and not frame.should_burn_gas,
        output=b"" if top.to is None and not frame.is_error else frame.output,
        contract_address=target if top.to is None else None,
    )


def _run(state: EvmState, message: FrameMessage, context: CancunTransactionContext) -> Computation:
    """Run the top frame as a call or a creation."""
    if not message.is_create:
        return Computation.apply_message(state, message, context)
    if state.has_code_or_nonce(message.storage_address):
        return Computation.collide(state, message, context)
    return Computation.apply_create_message(state, message, context)


def net_gas(gas_limit: int, result: MessageResult) -> int:
    """Return the gas used, less the refund."""
    used = gas_limit - result.gas_left
    return used - min(result.refund, used // REFUND_QUOTIENT)
