"""What a frame knows of its call and transaction.

Source: Yellow Paper, appendix H.2 (30s)
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.state import Machine


def address(be: Backend, m: Machine) -> None:
    """Push the account whose code or storage this is."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(int.from_bytes(frame.address, "big"))
    # PC
    frame.pc += 1


def origin(be: Backend, m: Machine) -> None:
    """Push the sender of the transaction."""
    frame, tx = m.frame, m.tx
    assert frame is not None
    assert tx is not None
    # STACK
    frame.stack.append(int.from_bytes(tx.sender, "big"))
    # PC
    frame.pc += 1


def caller(be: Backend, m: Machine) -> None:
    """Push the caller."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(int.from_bytes(frame.caller, "big"))
    # PC
    frame.pc += 1


def call_value(be: Backend, m: Machine) -> None:
    """Push the wei that came with the call."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(frame.value)
    # PC
    frame.pc += 1


def calldata_load(be: Backend, m: Machine) -> None:
    """Push 32 bytes of calldata, zeros beyond its end."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(int.from_bytes(be.read_view(frame.calldata, stack.pop(), 32), "big"))
    # PC
    frame.pc += 1


def calldata_size(be: Backend, m: Machine) -> None:
    """Push the length of the calldata."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(frame.calldata.length)
    # PC
    frame.pc += 1


def code_size(be: Backend, m: Machine) -> None:
    """Push the length of the running code."""
    frame = m.frame
    assert frame is not None
    assert frame.code is not None
    # STACK
    frame.stack.append(len(frame.code))
    # PC
    frame.pc += 1


def gas_price(be: Backend, m: Machine) -> None:
    """Push what the sender pays for gas."""
    frame, tx = m.frame, m.tx
    assert frame is not None
    assert tx is not None
    # STACK
    frame.stack.append(tx.gas_price)
    # PC
    frame.pc += 1


def returndata_size(be: Backend, m: Machine) -> None:
    """Push the length of what the last call returned."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(frame.returndata.length)
    # PC
    frame.pc += 1
