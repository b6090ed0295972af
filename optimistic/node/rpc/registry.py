"""What a method is: a handler, how it runs, and the table they form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
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


class Cost(IntEnum):
    """What a method takes, and so where it runs."""

    LIGHT = 0
    """A few index reads: where the request was read."""
    READ = 1
    """Many reads, or a write: on a thread for reads."""
    EXECUTE = 2
    """An EVM: on a thread for calls, so that slow calls never hold up transactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One JSON-RPC method."""

    handler: Handler
    cost: Cost


MethodTable = Mapping[str, Method]


def light(handler: Handler) -> Method:
    """A method that runs where the request was read."""
    return Method(handler=handler, cost=Cost.LIGHT)


def reading(handler: Handler) -> Method:
    """A method that runs on a thread for reads."""
    return Method(handler=handler, cost=Cost.READ)


def executing(handler: Handler) -> Method:
    """A method that runs on a thread for calls."""
    return Method(handler=handler, cost=Cost.EXECUTE)


SESSION_METHODS: Mapping[str, SessionHandler] = {
    "eth_subscribe": lambda session, params: session.subscribe(params),
    "eth_unsubscribe": lambda session, params: session.unsubscribe(params),
}
"""Methods that need a connection able to carry notifications."""
