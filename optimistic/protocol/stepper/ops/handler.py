"""The shape of an operation.

Before a handler runs, the driver has found the opcode defined and allowed in the
frame, enough items and room on the stack, and has taken the constant gas. The
handler takes the rest of the gas, does the work and advances the program counter;
it raises ExceptionalHalt wherever it finds that the frame fails.

When a handler asks the backend for more than one thing, its docstring has the order:
it is the order of the proofs in a witness.
"""

from collections.abc import Callable
from typing import TypeAlias

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.state import Machine

Handler: TypeAlias = Callable[[Backend, Machine], None]
