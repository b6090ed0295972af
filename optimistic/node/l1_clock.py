"""L1's time between its blocks, so that L2 timestamps never run ahead of the block that carries them.

L1's clock and this machine's need not agree: a node trusts the difference it
sees. When a new L1 block is seen, L1's time is at least its timestamp; from
then on the local clock tells how much later it is.
"""

import threading

from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock
from optimistic.service.l1_types import Header


class L1Clock:
    """Estimates L1's time from below; any thread may observe and read.

    Parameters
    ----------
    local : this machine's clock
    """

    def __init__(self, local: Clock) -> None:
        self.local = local
        self._lock = threading.Lock()
        self._hash: Hash32 | None = None
        self._timestamp = 0
        self._seen_s = 0.0

    def observe(self, head: Header) -> None:
        """Note L1's newest block; the same block again changes nothing."""
        with self._lock:
            if head.hash != self._hash:
                self._hash = head.hash
                self._timestamp = head.timestamp
                self._seen_s = self.local.monotonic_s()

    def time_s(self) -> int:
        """Return L1's time in whole seconds, rounded down; 0 before the first block was seen."""
        with self._lock:
            if self._hash is None:
                return 0
            return self._timestamp + int(self.local.monotonic_s() - self._seen_s)

    def head_timestamp_s(self) -> int:
        """Return the timestamp of the newest block seen."""
        return self._timestamp
