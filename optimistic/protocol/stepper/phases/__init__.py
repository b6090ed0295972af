"""The steps that are not opcodes: what a unit does before, between and after running code.

Each function does one step and changes the machine in place; its docstring lists
what it asks the backend for, in order. The step at v = 0 and the opcodes are
`trace.next_state` and `ops`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.phases.create_enter import create_enter
from optimistic.protocol.stepper.phases.deposit import deposit
from optimistic.protocol.stepper.phases.exit import exit_frame
from optimistic.protocol.stepper.phases.precompile import precompile
from optimistic.protocol.stepper.phases.tx_access import tx_access
from optimistic.protocol.stepper.phases.tx_begin import tx_begin
from optimistic.protocol.stepper.phases.tx_end import tx_destroy, tx_end
from optimistic.protocol.stepper.phases.tx_enter import tx_enter
from optimistic.protocol.stepper.phases.units import begin_batch, block_begin, block_end, choose_unit
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.unit import Phase

__all__ = ["PHASES", "begin_batch", "choose_unit"]

PHASES: Final[Mapping[Phase, Callable[[Backend, Machine], None]]] = MappingProxyType(
    {
        Phase.BLOCK_BEGIN: block_begin,
        Phase.DEPOSIT: deposit,
        Phase.TX_BEGIN: tx_begin,
        Phase.TX_ACCESS: tx_access,
        Phase.TX_ENTER: tx_enter,
        Phase.PRECOMPILE: precompile,
        Phase.CREATE_ENTER: create_enter,
        Phase.EXIT: exit_frame,
        Phase.TX_END: tx_end,
        Phase.TX_DESTROY: tx_destroy,
        Phase.BLOCK_END: block_end,
    }
)
"""Every phase but EXEC, and but those in which nothing is executed."""
