"""LOG0 to LOG4.

Source: Yellow Paper, appendix H.2 (a0s)
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.constants import CHUNK_BYTES, TAG_LOG
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge, expand
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.ops.handler import Handler
from optimistic.protocol.stepper.ops.hashing import pending_hash
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.world import journal_of
from optimistic.protocol.types import Hash32

_BYTE_GAS: Final = 8
_MAX_TOPICS: Final = 4


def log_of(n_topics: int) -> Handler:
    """Return the handler of a log with 0 to 4 topics; long data takes more steps."""

    def log(be: Backend, m: Machine) -> None:
        """Add a log to the journal."""
        frame = m.frame
        assert frame is not None
        # STACK
        offset, length = frame.stack[-1], frame.stack[-2]
        # GAS
        charge(frame, _BYTE_GAS * length)
        expand(frame, offset, length)
        # OPERATION
        if length > CHUNK_BYTES:
            m.pend = pending_hash(frame, Op.LOG0 + n_topics, offset, length)
            return
        finish_log(m, n_topics, keccak256(be.read_memory(frame, offset, length) if length else b""))

    return log


def finish_log(m: Machine, n_topics: int, data_hash: Hash32) -> None:
    """Drop the operands, append a log with these topics to the journal, and go on."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    topics = [stack[-3 - i] for i in range(n_topics)]
    del stack[-2 - n_topics :]
    # OPERATION
    journal = journal_of(m)
    topics += [0] * (_MAX_TOPICS - n_topics)
    acc = struct_hash(TAG_LOG, journal.log_acc, frame.address, n_topics, *topics, data_hash)
    m.journal = replace(journal, log_acc=acc, log_count=journal.log_count + 1)
    # PC
    frame.pc += 1
