"""Allowances: a bucket of weight per client that fills at a steady rate."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from optimistic.node.api.errors import rate_limited
from optimistic.node.api.options import ApiLimits
from optimistic.protocol.types import Address

_NANO: Final = 1_000_000_000


class _Bucket:
    """Weight a client may still use, times 10^9."""

    __slots__ = ("at_ns", "left_nano")

    def __init__(self, left_nano: int, at_ns: int) -> None:
        self.left_nano = left_nano
        self.at_ns = at_ns


class RateLimiter:
    """One bucket per client; how many clients are remembered is bounded.

    A client that is forgotten starts with a full bucket again. Those forgotten are the ones that
    asked longest ago, so a client gains nothing by making others be forgotten.

    Parameters
    ----------
    per_s : weight a bucket gains a second
    burst : weight a full bucket holds
    max_clients : buckets kept
    now_ns : monotonic nanoseconds
    """

    def __init__(self, per_s: int, burst: int, max_clients: int, now_ns: Callable[[], int]) -> None:
        self._per_s = per_s
        self._burst_nano = burst * _NANO
        self._max_clients = max_clients
        self._now_ns = now_ns
        self._buckets: OrderedDict[str | bytes, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: str | bytes, weight: int) -> int:
        """Use up weight of a client.

        Returns
        -------
        0 if it was taken; else the milliseconds (rounded up) after which it would be, and nothing
        is taken. Weight above a full bucket is asked of a full one.
        """
        bucket = self._bucket(client)
        wanted = min(weight * _NANO, self._burst_nano)
        if bucket.left_nano >= wanted:
            bucket.left_nano -= wanted
            return 0
        missing_ns = -(-(wanted - bucket.left_nano) // self._per_s)
        return -(-missing_ns // 1_000_000)

    def _bucket(self, client: str | bytes) -> _Bucket:
        now_ns = self._now_ns()
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._burst_nano, now_ns)
            if len(self._buckets) > self._max_clients:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(client)
        gained = (now_ns - bucket.at_ns) * self._per_s
        bucket.left_nano = min(self._burst_nano, bucket.left_nano + gained)
        bucket.at_ns = now_ns
        return bucket


class Allowances:
    """What clients may use: those who logged in by account, the others by network address.

    Parameters
    ----------
    limits : rates and bounds
    now_ns : monotonic nanoseconds
    """

    def __init__(self, limits: ApiLimits, now_ns: Callable[[], int]) -> None:
        clients = limits.max_buckets
        self._anonymous = RateLimiter(limits.anonymous_per_s, limits.anonymous_burst, clients, now_ns)
        self._accounts = RateLimiter(limits.account_per_s, limits.account_burst, clients, now_ns)

    def charge(self, peer: str, account: Address | None, weight: int) -> None:
        """Use up weight of a client.

        Raises
        ------
        ApiError : it has none left; says when it will
        """
        bucket, client = (self._anonymous, peer) if account is None else (self._accounts, account)
        wait_ms = bucket.take(client, weight)
        if wait_ms:
            raise rate_limited(wait_ms)
