"""Parts of the machine that a phase knows to be there, and bytes of the batch."""

from optimistic.protocol.stepper.state import EMPTY_VIEW, Frame, Machine, TxContext, View
from optimistic.protocol.unit import Unit


def tx_of(m: Machine) -> TxContext:
    """Return the transaction of a phase inside one."""
    assert m.tx is not None
    return m.tx


def frame_of(m: Machine) -> Frame:
    """Return the frame of a phase inside one."""
    assert m.frame is not None
    return m.frame


def batch_view(unit: Unit, offset: int, length: int) -> View:
    """Return the view of bytes [offset, offset + length) of the batch data."""
    return View(unit.data_root, offset, length) if length else EMPTY_VIEW
