"""``eth_subscribe``: live notifications. The hub lives on the server's event loop; no locks."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from optimistic.node.mempool import PooledTransaction
from optimistic.node.rpc.codec import MalformedValue, data, parse_bool, quantity
from optimistic.node.rpc.errors import invalid_params, limit_exceeded, server_error
from optimistic.node.rpc.feed import BlockEvent
from optimistic.node.rpc.formatting import header_json, log_json, pending_transaction_json
from optimistic.node.rpc.log_query import LogQuery, parse_log_query
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.protocol.params import RollupParams

_ID_BITS: Final = 128
_EVERY_LOG: Final = LogQuery()
_encoder = msgspec.json.Encoder()


class SubscriptionKind(StrEnum):
    """What can be subscribed to."""

    NEW_HEADS = "newHeads"
    LOGS = "logs"
    NEW_PENDING = "newPendingTransactions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One client's interest, and where its notifications go."""

    id: str
    kind: SubscriptionKind
    push: Callable[[bytes], None]
    query: LogQuery = _EVERY_LOG
    full: bool = False
    """Whole pending transactions instead of hashes."""

    def notify(self, result: bytes) -> None:
        """Send one notification; `result` is JSON."""
        body = {"subscription": self.id, "result": msgspec.Raw(result)}
        self.push(_encoder.encode({"jsonrpc": "2.0", "method": "eth_subscription", "params": body}))


class SubscriptionHub:
    """The active subscriptions of all connections.

    Parameters
    ----------
    params : the rollup's parameters, for headers
    limits : bounds on subscriptions and log filters
    """

    def __init__(self, params: RollupParams, limits: RpcLimits) -> None:
        self._params = params
        self._limits = limits
        self._active: dict[SubscriptionKind, dict[str, Subscription]] = {
            kind: {} for kind in SubscriptionKind
        }

    def parse(self, params: Params, push: Callable[[bytes], None], n_open: int) -> Subscription:
        """Read the arguments of ``eth_subscribe``.

        Parameters
        ----------
        params : kind, then a filter object or a flag
        push : takes the bytes of each notification
        n_open : subscriptions that the connection already has

        Raises
        ------
        RpcError : malformed, an unknown kind, or too many subscriptions.
        """
        params.at_most(2)
        kind = params.required(0, _parse_kind)
        if n_open >= self._limits.max_subscriptions:
            raise limit_exceeded(
                f"too many subscriptions, at most {self._limits.max_subscriptions} per connection"
            )
        query, full = _EVERY_LOG, False
        if kind is SubscriptionKind.LOGS:
            query = params.optional(
                1, lambda value: parse_log_query(value, self._limits.max_log_topics), query
            )
        elif kind is SubscriptionKind.NEW_PENDING:
            full = params.optional(1, parse_bool, full)
        else:
            params.at_most(1)
        return Subscription(
            id=quantity(secrets.randbits(_ID_BITS)), kind=kind, push=push, query=query, full=full
        )

    def find(self, params: Params, owned: Mapping[str, Subscription]) -> Subscription:
        """Read the argument of ``eth_unsubscribe``.

        Raises
        ------
        RpcError : malformed, or not an id in `owned`.
        """
        params.at_most(1)
        subscription = owned.get(params.required(0, _parse_id))
        if subscription is None:
            raise server_error("subscription not found")
        return subscription

    def add(self, subscription: Subscription) -> None:
        """Start to deliver."""
        self._active[subscription.kind][subscription.id] = subscription

    def remove(self, subscription: Subscription) -> None:
        """Stop to deliver; nothing happens if it never started."""
        self._active[subscription.kind].pop(subscription.id, None)

    def publish_blocks(self, events: Sequence[BlockEvent]) -> None:
        """Notify about blocks: heads that were added, logs of all, removed ones marked."""
        heads, logs = self._active[SubscriptionKind.NEW_HEADS], self._active[SubscriptionKind.LOGS]
        for event in events:
            if heads and not event.removed:
                result = _encoder.encode(header_json(event.block, self._params))
                for subscription in list(heads.values()):
                    subscription.notify(result)
            if logs and event.logs:
                _notify_logs(event, list(logs.values()))

    def publish_pending(self, pooled: PooledTransaction) -> None:
        """Notify about a transaction that the mempool took."""
        tx = pooled.tx
        for subscription in list(self._active[SubscriptionKind.NEW_PENDING].values()):
            result = pending_transaction_json(tx, pooled.sender) if subscription.full else data(tx.hash)
            subscription.notify(_encoder.encode(result))


def _notify_logs(event: BlockEvent, subscriptions: Sequence[Subscription]) -> None:
    for log in event.logs:
        interested = [subscription for subscription in subscriptions if subscription.query.matches(log)]
        if interested:
            result = _encoder.encode(log_json(log, removed=event.removed))
            for subscription in interested:
                subscription.notify(result)


def _parse_kind(value: object) -> SubscriptionKind:
    try:
        return SubscriptionKind(str(value))
    except ValueError as exc:
        raise invalid_params(f'no "{value}" subscription in eth namespace') from exc


def _parse_id(value: object) -> str:
    if not isinstance(value, str):
        raise MalformedValue("expected a subscription id")
    return value
