"""JSON-RPC messages without a server."""

from optimistic.node.rpc.dispatch import Dispatcher


def answer_to(dispatcher: Dispatcher, body: bytes) -> bytes:
    """Parse a body, run its calls, return the answer."""
    return dispatcher.run(dispatcher.parse(body))
