"""PRECOMPILE: the whole run of a frame that has a rule instead of code."""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.halts import halt
from optimistic.protocol.stepper.phases.parts import frame_of
from optimistic.protocol.stepper.precompiles import (
    IDENTITY,
    PrecompileRules,
    input_needed,
    least_price,
    price,
    run,
)
from optimistic.protocol.stepper.state import Frame, Halt, Machine, View, view_of


def precompile(be: Backend, m: Machine) -> None:
    """Charge the price, then compute; a failure takes the frame's gas.

    Asks: the bytes of the input that decide price and result (range; none if there are none, or
    if its length alone costs more than there is).
    """
    frame = frame_of(m)
    number, length = frame.precompile, frame.calldata.length
    rules = PrecompileRules.of(be.params)
    needed = input_needed(rules, number, length) if least_price(number, length) <= frame.gas else 0
    head = be.read_view(frame.calldata, 0, needed)
    cost = price(rules, number, head, length)
    if cost is None or cost > frame.gas:
        halt(be, m, Halt.EXCEPTIONAL)
        return
    frame.gas -= cost
    output = _output(be, frame, head)
    if output is None:
        halt(be, m, Halt.EXCEPTIONAL)
    else:
        halt(be, m, Halt.SUCCESS, output)


def _output(be: Backend, frame: Frame, head: bytes) -> View | None:
    """Return the view of the output, None if the input is invalid; identity returns its input."""
    if frame.precompile == IDENTITY:
        return frame.calldata
    output = run(frame.precompile, head)
    return None if output is None else view_of(be.new_words(output), 0, len(output))
