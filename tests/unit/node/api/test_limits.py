import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.node.api.errors import ApiError
from optimistic.node.api.limits import Allowances, RateLimiter, address_of
from optimistic.node.api.options import ApiLimits
from optimistic.protocol.types import Address

SECOND_NS = 1_000_000_000


class Time:
    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def test_take__burst_used_up__says_when_to_come_back() -> None:
    now = Time()
    limiter = RateLimiter(per_s=10, burst=5, max_clients=10, now_ns=now)

    assert [limiter.take("a", 1) for _ in range(5)] == [0] * 5
    assert limiter.take("a", 1) == 100
    assert limiter.take("a", 3) == 300
    assert limiter.take("b", 5) == 0
    now.ns = 100_000_000
    assert limiter.take("a", 1) == 0


def test_take__more_than_a_full_bucket__needs_a_full_one() -> None:
    now = Time()
    limiter = RateLimiter(per_s=10, burst=5, max_clients=10, now_ns=now)

    assert limiter.take("a", 500) == 0
    assert limiter.take("a", 500) == 500


def test_clients__more_than_are_remembered__the_idlest_is_forgotten() -> None:
    limiter = RateLimiter(per_s=1, burst=1, max_clients=2, now_ns=Time())

    for client in ("a", "b", "a", "c"):
        limiter.take(client, 1)

    assert len(limiter) == 2
    assert limiter.take("a", 1) > 0
    assert limiter.take("b", 1) == 0


@given(st.lists(st.tuples(st.integers(0, 2 * SECOND_NS), st.integers(1, 30)), max_size=40))
def test_take__any_use__stays_within_rate_and_burst(uses: list[tuple[int, int]]) -> None:
    now, per_s, burst, taken = Time(), 7, 20, 0
    limiter = RateLimiter(per_s=per_s, burst=burst, max_clients=10, now_ns=now)

    for pause_ns, weight in uses:
        now.ns += pause_ns
        wait_ms = limiter.take("a", weight)
        if not wait_ms:
            taken += min(weight, burst)
        assert taken * SECOND_NS <= burst * SECOND_NS + per_s * now.ns
        if wait_ms:
            now.ns += wait_ms * 1_000_000
            assert limiter.take("a", weight) == 0
            taken += min(weight, burst)


PEER = "192.0.2.1"


def account(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


def used_up(allowances: Allowances, peer: str, who: Address | None, weight: int = 100) -> int:
    """The weight that a client can use before it is refused."""
    used = 0
    while True:
        try:
            allowances.charge(peer, who, weight)
        except ApiError:
            return used
        used += weight


def test_attack__fresh_accounts_from_one_address__share_its_bucket() -> None:
    now = Time()
    allowances = Allowances(ApiLimits(), now)

    first_s = sum(used_up(allowances, PEER, account(number)) for number in range(1, 50))
    now.ns += SECOND_NS
    then_s = sum(used_up(allowances, PEER, account(number)) for number in range(50, 100))

    assert (first_s, then_s) == (20_000, 10_000)
    assert used_up(allowances, "192.0.2.2", account(100)) == 10_000


def test_charge__neighbour_refused__takes_nothing_of_the_address() -> None:
    allowances = Allowances(ApiLimits(address_burst=20_000), Time())

    assert used_up(allowances, PEER, account(1)) == 10_000
    for _ in range(1_000):
        with pytest.raises(ApiError):
            allowances.charge(PEER, account(1), 100)
    assert used_up(allowances, PEER, account(2)) == 10_000


def test_charge__address_refused__takes_nothing_of_the_account() -> None:
    allowances = Allowances(ApiLimits(address_burst=10_000), Time())
    assert used_up(allowances, PEER, account(1)) == 10_000

    assert used_up(allowances, PEER, account(2)) == 0
    assert used_up(allowances, "192.0.2.2", account(2)) == 10_000


def test_address__of_one_ipv6_customer__is_one() -> None:
    assert address_of(PEER) == PEER
    assert address_of("::ffff:192.0.2.1") == PEER
    assert address_of("2001:db8::1") == address_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert address_of("2001:db8:0:1::1") != address_of("2001:db8::1")
