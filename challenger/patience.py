"""Reads of L1 that are asked again before they count as failed.

One turn makes dozens of requests and needs all of them; through an endpoint that fails one in
ten it would never end. Reading again is harmless, sending again is the transaction manager's job.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final

from optimistic.service.clock import Clock
from optimistic.service.l1_errors import JsonRpcError, L1Unavailable
from optimistic.service.l1_transport import L1Transport

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.1
_ONCE: Final = frozenset({"eth_sendRawTransaction", "eth_getLogs"})
"""Sending is not repeated; a range of logs that is too wide is split by the client."""


class PatientTransport:
    """Another transport whose reads get a second and a third chance."""

    def __init__(self, transport: L1Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._never = threading.Event()

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """Send one request; see `L1Transport.request`."""
        attempts = 1 if method in _ONCE else _ATTEMPTS
        for attempt in range(1, attempts):
            try:
                return self._transport.request(method, params)
            except L1Unavailable:
                self._clock.wait(self._never, attempt * _PAUSE_S)
            except JsonRpcError as error:
                if error.data is not None:
                    raise  # a revert: asking again gives the same
        return self._transport.request(method, params)
