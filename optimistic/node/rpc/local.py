"""The node's JSON-RPC without a socket, for parts of the same process that speak it."""

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.service.l1_transport import unwrap


class LocalTransport:
    """Reaches a dispatcher as `L1Client` reaches an endpoint; safe from any thread.

    Parameters
    ----------
    dispatcher : answers
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._ids = count(1)

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """Return the `result` of one request; see `L1Transport.request`."""
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        message = self._dispatcher.parse(json.dumps(request).encode())
        return unwrap(json.loads(self._dispatcher.run(message)), f"node {method}")
