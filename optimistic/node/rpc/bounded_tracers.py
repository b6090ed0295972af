"""Tracers that stop before a trace fills the memory of the node.

Gas bounds what an execution does, not what watching it records: every step can
show a megabyte of memory, every call can pass one on.
"""

from typing import Final

from optimistic.node.rpc.errors import limit_exceeded
from optimistic.protocol.execution.frame import Frame
from optimistic.protocol.execution.tracers import CallTracer, StepTracer

# Bytes of JSON that parts of a trace become, roughly.
_STEP_BYTES: Final = 60
_STACK_WORD_BYTES: Final = 16
_SLOT_BYTES: Final = 134
_HEX_BYTES: Final = 2
_CALL_BYTES: Final = 250


class BoundedStepTracer(StepTracer):
    """Records steps until they are `max_bytes` of JSON; the rest is dropped and the trace says so.

    Parameters
    ----------
    max_bytes : size of the JSON, estimated
    memory, storage : what to record besides the stack
    limit : most steps
    """

    def __init__(self, max_bytes: int, *, memory: bool, storage: bool, limit: int) -> None:
        super().__init__(memory=memory, storage=storage, limit=limit)
        self._left_bytes = max_bytes

    def on_step(self, frame: Frame, opcode: int) -> None:
        """Record this step and what it weighs."""
        n_steps = len(self.steps)
        super().on_step(frame, opcode)
        if len(self.steps) == n_steps:
            return
        step = self.steps[-1]
        self._left_bytes -= _STEP_BYTES + _STACK_WORD_BYTES * len(step.stack)
        self._left_bytes -= _HEX_BYTES * len(step.memory or b"") + _SLOT_BYTES * len(step.storage or ())
        if self._left_bytes < 0:
            self._limit = len(self.steps)


class BoundedCallTracer(CallTracer):
    """Records calls; more than `max_bytes` of JSON end the request with an error.

    Parameters
    ----------
    max_bytes : size of the JSON, estimated
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self._left_bytes = max_bytes

    def on_enter(self, frame: Frame, parent: Frame | None) -> None:
        """Record the call.

        Raises
        ------
        RpcError : -32005, the trace is too large.
        """
        super().on_enter(frame, parent)
        message = frame.msg
        self._take(_CALL_BYTES + _HEX_BYTES * len(message.code if message.is_create else message.data))

    def on_exit(self, frame: Frame) -> None:
        """Record how the call ended.

        Raises
        ------
        RpcError : -32005, the trace is too large.
        """
        super().on_exit(frame)
        self._take(_HEX_BYTES * len(frame.output))

    def _take(self, size: int) -> None:
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise limit_exceeded("trace too large")
