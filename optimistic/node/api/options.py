"""What the operator may set of the API: where it listens, and every bound."""

from dataclasses import dataclass

from optimistic.node.listener_options import problems_of
from optimistic.protocol.errors import InvalidInput


class InvalidApiOptions(InvalidInput):
    """A set of options that the API cannot run with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """Bounds on one message, one connection, one client and the whole server."""

    max_message_bytes: int = 256 * 1024
    """Longer HTTP bodies and WebSocket messages are refused."""
    max_orders: int = 100
    """Orders, amendments or cancels in one message."""
    max_connections: int = 1_000
    """Open at a time; nine of ten may be WebSockets."""
    max_streams_per_address: int = 200
    """WebSockets of one network address."""
    max_subscriptions: int = 64
    """Channels of one WebSocket connection."""
    max_queue_bytes: int = 4 * 1024 * 1024
    """What may wait for a slow WebSocket reader before it is cut off."""
    max_in_flight: int = 32
    """Messages of one WebSocket connection that are being worked on; no more are read then."""
    max_waiting_reads: int = 256
    """Questions waiting for a thread; more are refused."""
    max_waiting_orders: int = 20_000
    """Orders waiting for their signature to be checked; beyond, messages are refused whole."""
    max_sessions: int = 10_000
    max_sessions_per_address: int = 1_000
    """REST logins of one network address that last."""
    max_challenges: int = 10_000
    session_s: int = 24 * 3_600
    challenge_s: int = 60
    book_depth: int = 500
    """Levels a side in a snapshot."""
    max_trades: int = 1_000
    """Trades kept per market for those who come later."""
    max_events: int = 200_000
    """Events of owners kept for the drop copy and for queries."""
    max_scan: int = 20_000
    """Events of an owner that one query looks through."""
    max_page: int = 1_000
    """Rows of one answer, and messages of one replay."""
    anonymous_per_s: int = 200
    """Weight a second of an address that has not logged in; an order weighs 1."""
    anonymous_burst: int = 1_000
    account_per_s: int = 5_000
    """Weight a second of an account that has logged in."""
    account_burst: int = 10_000
    address_per_s: int = 10_000
    """Weight a second of all accounts that have logged in from one address; two at their full rate."""
    address_burst: int = 20_000
    max_buckets: int = 20_000
    """Clients whose use is remembered; those who used least lately are forgotten first."""

    @property
    def max_replay_bytes(self) -> int:
        """Bytes after which a replay pauses until its reader, who has room for no more, asks again."""
        return max(1, self.max_queue_bytes // 2)

    @property
    def max_streams(self) -> int:
        """WebSocket connections at a time; what is left of all connections is for REST."""
        return max(1, self.max_connections * 9 // 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """Where the server listens, for whom, and with how many helpers."""

    host: str = "127.0.0.1"
    port: int = 9550
    """0 takes a free port."""
    cors_origins: tuple[str, ...] = ()
    """Browser origins that may ask; ``*`` admits all."""
    readers: int = 4
    """Threads that answer questions about subaccounts."""
    verifiers: int = 1
    """Processes that check signatures."""
    limits: ApiLimits = ApiLimits()

    def check(self) -> None:
        """Raise InvalidApiOptions with all problems at once."""
        problems = [*problems_of(self.host, self.port, self.limits)]
        if self.verifiers < 1 or self.readers < 1:
            problems.append("verifiers and readers must be positive")
        if problems:
            raise InvalidApiOptions("; ".join(problems))
