"""Allowances: a bucket of weight per client that fills at a steady rate."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from typing import Final

from optimistic.node.api.errors import rate_limited
from optimistic.node.api.options import ApiLimits
from optimistic.protocol.types import Address

_NANO: Final = 1_000_000_000
_IPV6_PREFIX: Final = 64
"""What one customer of a provider has at least."""


def address_of(host: str) -> str:
    """Return what counts as one network address: of IPv6, all that one customer has."""
    try:
        found = IPv6Address(host)
    except ValueError:
        return host
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), _IPV6_PREFIX), strict=False))


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
        wait_ms = self.wait_ms(client, weight)
        if not wait_ms:
            self._buckets[client].left_nano -= min(weight * _NANO, self._burst_nano)
        return wait_ms

    def wait_ms(self, client: str | bytes, weight: int) -> int:
        """Return after how many milliseconds (rounded up) a client may use up weight; nothing is taken."""
        missing_nano = min(weight * _NANO, self._burst_nano) - self._bucket(client).left_nano
        missing_ns = -(-max(0, missing_nano) // self._per_s)
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

    All accounts of one address have a larger bucket together: fresh keys cost nothing.

    Parameters
    ----------
    limits : rates and bounds
    now_ns : monotonic nanoseconds
    """

    def __init__(self, limits: ApiLimits, now_ns: Callable[[], int]) -> None:
        clients = limits.max_buckets
        self._anonymous = RateLimiter(limits.anonymous_per_s, limits.anonymous_burst, clients, now_ns)
        self._accounts = RateLimiter(limits.account_per_s, limits.account_burst, clients, now_ns)
        self._addresses = RateLimiter(limits.address_per_s, limits.address_burst, clients, now_ns)

    def charge(self, peer: str, account: Address | None, weight: int) -> None:
        """Use up weight of a client.

        Raises
        ------
        ApiError : it has none left; says when it will
        """
        if account is None:
            wait_ms = self._anonymous.take(peer, weight)
        else:
            wait_ms = self._addresses.wait_ms(peer, weight) or self._accounts.take(account, weight)
            if not wait_ms:
                self._addresses.take(peer, weight)
        if wait_ms:
            raise rate_limited(wait_ms)
