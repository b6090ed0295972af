"""How a frame ends.

A frame that has ended keeps only what EXIT needs, so it has one encoding whatever
had happened before the end: an operation may fail after it has changed its own
frame or the journal.
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.state import EMPTY_VIEW, Halt, Machine, Stack, View
from optimistic.protocol.unit import Phase


class ExceptionalHalt(Exception):
    """The frame fails and loses its gas; `step` turns it into a halt."""


def halt(be: Backend, m: Machine, status: Halt, output: View = EMPTY_VIEW) -> None:
    """End the present frame and go on with EXIT.

    Parameters
    ----------
    status : anything but RUNNING; all but SUCCESS restore the journal, EXCEPTIONAL takes the gas
    output : what the frame returns; ignored if EXCEPTIONAL
    """
    frame = m.frame
    assert frame is not None
    frame.halt = status
    frame.returndata = output
    frame.stack = Stack()
    frame.memory = be.new_memory()
    frame.memory_words = 0
    frame.pc = 0
    if status is Halt.EXCEPTIONAL:
        frame.gas = 0
        frame.returndata = EMPTY_VIEW
    if status is not Halt.SUCCESS:
        m.journal = frame.snapshot
    m.pend = None
    m.phase = Phase.EXIT
