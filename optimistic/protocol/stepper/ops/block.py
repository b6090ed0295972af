"""What a frame knows of its block.

There are no blobs here: no transaction carries one and their base fee is at its minimum.

Source: Yellow Paper, appendix H.2 (40s); EIP-4844, EIP-7516
"""

from typing import Final

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.unit import RING_SIZE

_BLOB_BASE_FEE: Final = 1


def block_hash(be: Backend, m: Machine) -> None:
    """Push the hash of one of the last 256 blocks, zero for any other number; asks only for those."""
    frame, unit = m.frame, m.unit
    assert frame is not None
    # STACK
    stack = frame.stack
    number = stack.pop()
    # OPERATION
    result = b""
    if unit.number - RING_SIZE <= number < unit.number:
        result = be.block_hash(unit.block_hash_ring, number % RING_SIZE)
    stack.append(int.from_bytes(result, "big"))
    # PC
    frame.pc += 1


def coinbase(be: Backend, m: Machine) -> None:
    """Push the receiver of fees."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(int.from_bytes(m.unit.coinbase, "big"))
    # PC
    frame.pc += 1


def timestamp(be: Backend, m: Machine) -> None:
    """Push the block's time in seconds."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(m.unit.timestamp)
    # PC
    frame.pc += 1


def number(be: Backend, m: Machine) -> None:
    """Push the block's number."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(m.unit.number)
    # PC
    frame.pc += 1


def prev_randao(be: Backend, m: Machine) -> None:
    """Push the block's PREVRANDAO."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(int.from_bytes(m.unit.prev_randao, "big"))
    # PC
    frame.pc += 1


def gas_limit(be: Backend, m: Machine) -> None:
    """Push the block's gas limit."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(m.unit.gas_limit)
    # PC
    frame.pc += 1


def chain_id(be: Backend, m: Machine) -> None:
    """Push the chain's number."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(m.unit.chain_id)
    # PC
    frame.pc += 1


def base_fee(be: Backend, m: Machine) -> None:
    """Push the block's base fee."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(m.unit.base_fee)
    # PC
    frame.pc += 1


def blob_hash(be: Backend, m: Machine) -> None:
    """Push zero whatever the index."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack[-1] = 0
    # PC
    frame.pc += 1


def blob_base_fee(be: Backend, m: Machine) -> None:
    """Push one."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(_BLOB_BASE_FEE)
    # PC
    frame.pc += 1
