"""What a method is: a handler, how it runs, and the table they form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from optimistic.node.rpc.params import Params


class Session(Protocol):
    """A connection that can carry notifications."""

    def subscribe(self, params: Params) -> str:
        """Open the subscription that `params` describe; return its id."""

    def unsubscribe(self, params: Params) -> bool:
        """Close a subscription; true if it was open."""


Handler = Callable[[Params], object]
SessionHandler = Callable[[Session, Params], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One JSON-RPC method."""

    handler: Handler
    heavy: bool = False
    """Runs on a worker thread: it may take longer than a few index reads."""


MethodTable = Mapping[str, Method]


def light(handler: Handler) -> Method:
    """A method that runs where the request was read."""
    return Method(handler=handler)


def heavy(handler: Handler) -> Method:
    """A method that runs on a worker thread."""
    return Method(handler=handler, heavy=True)


SESSION_METHODS: Mapping[str, SessionHandler] = {
    "eth_subscribe": lambda session, params: session.subscribe(params),
    "eth_unsubscribe": lambda session, params: session.unsubscribe(params),
}
"""Methods that need a connection able to carry notifications."""
