"""Polled filters: ``eth_newFilter`` and its relatives.

A filter is a position in the chain feed; polling reads on from there, so a
reorg shows up as removed logs. Filters that nobody polls expire.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from optimistic.node.rpc.codec import MalformedValue, data, quantity
from optimistic.node.rpc.errors import RpcError, limit_exceeded, server_error
from optimistic.node.rpc.eth_logs import EthLogs
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.formatting import log_json
from optimistic.node.rpc.log_query import LogQuery, parse_log_query
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import MethodTable, light, reading

_ID_BITS: Final = 128


class FilterKind(Enum):
    """What a filter reports."""

    LOGS = auto()
    BLOCKS = auto()
    PENDING = auto()


@dataclass(slots=True, kw_only=True)
class Filter:
    """One filter and how far it was read."""

    kind: FilterKind
    position: int
    touched_s: float
    query: LogQuery


class Filters:
    """The filter methods and the filters that exist.

    Parameters
    ----------
    feed : what happens on the chain
    logs : answers whole log queries
    limits : bounds on filters
    clock : monotonic seconds
    """

    def __init__(self, feed: ChainFeed, logs: EthLogs, limits: RpcLimits, clock: Callable[[], float]) -> None:
        self._feed = feed
        self._logs = logs
        self._limits = limits
        self._clock = clock
        self._filters: dict[str, Filter] = {}
        self._lock = threading.Lock()

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_newFilter": light(self.new_filter),
            "eth_newBlockFilter": light(self.new_block_filter),
            "eth_newPendingTransactionFilter": light(self.new_pending_filter),
            "eth_getFilterChanges": reading(self.changes),
            "eth_getFilterLogs": reading(self.all_logs),
            "eth_uninstallFilter": light(self.uninstall),
        }

    def new_filter(self, params: Params) -> str:
        """``eth_newFilter``: logs that match, from now on."""
        params.at_most(1)
        query = params.required(0, lambda value: parse_log_query(value, self._limits.max_log_topics))
        return self._install(FilterKind.LOGS, self._feed.block_position(), query)

    def new_block_filter(self, params: Params) -> str:
        """``eth_newBlockFilter``: hashes of new blocks."""
        params.at_most(0)
        return self._install(FilterKind.BLOCKS, self._feed.block_position(), LogQuery())

    def new_pending_filter(self, params: Params) -> str:
        """``eth_newPendingTransactionFilter``: hashes of transactions that enter the mempool."""
        params.at_most(1)
        return self._install(FilterKind.PENDING, self._feed.pending_position(), LogQuery())

    def changes(self, params: Params) -> list[object]:
        """``eth_getFilterChanges``: what happened since the last poll."""
        params.at_most(1)
        filter_id = params.required(0, _parse_id)
        with self._lock:
            found = self._touch(filter_id)
            result = self._read_on(found)
            if result is None:
                del self._filters[filter_id]
                raise _not_found()
            return result

    def all_logs(self, params: Params) -> list[object]:
        """``eth_getFilterLogs``: every log that the filter's query matches."""
        params.at_most(1)
        with self._lock:
            found = self._touch(params.required(0, _parse_id))
        if found.kind is not FilterKind.LOGS:
            raise _not_found()
        return self._logs.query(found.query)

    def uninstall(self, params: Params) -> bool:
        """``eth_uninstallFilter``: true if the filter existed."""
        params.at_most(1)
        with self._lock:
            self._expire()
            return self._filters.pop(params.required(0, _parse_id), None) is not None

    def _install(self, kind: FilterKind, position: int, query: LogQuery) -> str:
        with self._lock:
            self._expire()
            if len(self._filters) >= self._limits.max_filters:
                raise limit_exceeded(f"too many filters, at most {self._limits.max_filters}")
            filter_id = quantity(secrets.randbits(_ID_BITS))
            self._filters[filter_id] = Filter(
                kind=kind, position=position, touched_s=self._clock(), query=query
            )
            return filter_id

    def _touch(self, filter_id: str) -> Filter:
        self._expire()
        found = self._filters.get(filter_id)
        if found is None:
            raise _not_found()
        found.touched_s = self._clock()
        return found

    def _expire(self) -> None:
        oldest = self._clock() - self._limits.filter_expiry_s
        for filter_id in [key for key, item in self._filters.items() if item.touched_s < oldest]:
            del self._filters[filter_id]

    def _read_on(self, found: Filter) -> list[object] | None:
        if found.kind is FilterKind.PENDING:
            pending, found.position = self._feed.pending_since(found.position)
            return None if pending is None else [data(pooled.tx.hash) for pooled in pending]
        events, found.position = self._feed.blocks_since(found.position)
        if events is None:
            return None
        if found.kind is FilterKind.BLOCKS:
            return [data(event.block.hash) for event in events if not event.removed]
        return [
            log_json(log, removed=event.removed)
            for event in events
            if found.query.covers(event.block.number)
            for log in found.query.select(event.logs)
        ]


def _not_found() -> RpcError:
    return server_error("filter not found")


def _parse_id(value: object) -> str:
    if not isinstance(value, str):
        raise MalformedValue("expected a filter id")
    return value
