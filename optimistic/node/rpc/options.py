"""What the operator may set: addresses to listen on, who may ask, and how much."""

from dataclasses import dataclass

from optimistic.node.listener_options import problems_of
from optimistic.protocol.errors import InvalidInput


class InvalidRpcOptions(InvalidInput):
    """A set of RPC options that the server cannot run with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcLimits:
    """Bounds on one request, one connection and the whole server."""

    max_body_bytes: int = 5 * 1024 * 1024
    """Longer HTTP bodies and WebSocket messages are refused."""
    max_batch_items: int = 1_000
    max_batch_response_bytes: int = 25_000_000
    """A batch stops with -32003 once its answers are longer."""
    max_batch_seconds: int = 30
    """The calls of a batch that have not begun by then are answered with -32002."""
    max_log_blocks: int = 10_000
    """Widest block range of one log query."""
    max_log_results: int = 20_000
    max_log_topics: int = 1_000
    """Most addresses, or alternatives in one topic position, of one log query."""
    max_filters: int = 1_000
    """Polled filters of the whole server."""
    filter_expiry_s: int = 300
    """A filter that nobody polled for this long is dropped."""
    max_subscriptions: int = 100
    """Subscriptions of one WebSocket connection."""
    max_connections: int = 500
    max_ws_queue: int = 4_096
    """Messages waiting for a slow WebSocket reader before it is cut off."""
    max_ws_requests: int = 16
    """Requests of one WebSocket connection that may run at the same time."""
    max_waiting_calls: int = 256
    """Requests of one kind waiting for a worker; more are refused."""
    workers: int = 4
    """Threads for reads and transactions, and as many for calls and traces."""
    max_trace_steps: int = 200_000
    """Most lines of a struct-log trace."""
    max_trace_bytes: int = 64_000_000
    """Longest trace, roughly: struct logs are cut there, call traces refused."""
    max_proof_keys: int = 1_024
    max_fee_history_blocks: int = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcOptions:
    """Where the server listens and for whom."""

    host: str = "127.0.0.1"
    port: int = 9545
    """0 takes a free port."""
    cors_origins: tuple[str, ...] = ()
    """Browser origins that may ask; ``*`` admits all, empty admits none."""
    vhosts: tuple[str, ...] = ("localhost",)
    """Host names accepted in the Host header besides IP addresses; ``*`` admits all."""
    limits: RpcLimits = RpcLimits()

    def check(self) -> None:
        """Raise InvalidRpcOptions with all problems at once."""
        problems = [*problems_of(self.host, self.port, self.limits)]
        if problems:
            raise InvalidRpcOptions("; ".join(problems))
