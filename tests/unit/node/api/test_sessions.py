from hashlib import sha256

import pytest

from optimistic.node.api.errors import ApiError
from optimistic.node.api.options import ApiLimits
from optimistic.node.api.sessions import Session, Sessions
from optimistic.protocol.types import Address, Hash32


def log_in(sessions: Sessions, number: int, peer: str) -> Session:
    account = Address(number.to_bytes(20, "big"))
    return sessions.open(account, account, Hash32(sha256(account).digest()), peer)


def lives(sessions: Sessions, session: Session) -> bool:
    try:
        return sessions.find(session.token) is session
    except ApiError:
        return False


def test_attack__many_fresh_keys_of_one_address__end_no_session_of_another() -> None:
    sessions = Sessions(ApiLimits(max_sessions=20, max_sessions_per_address=5), lambda: 0)
    honest = log_in(sessions, 1, "192.0.2.1")

    many = [log_in(sessions, number, "192.0.2.2") for number in range(2, 100)]

    assert lives(sessions, honest)
    assert [lives(sessions, session) for session in many[-6:]] == [False, *[True] * 5]


def test_sessions__of_one_account__the_oldest_gives_way() -> None:
    sessions = Sessions(ApiLimits(), lambda: 0)

    first, *rest = [log_in(sessions, 1, "192.0.2.1") for _ in range(17)]

    with pytest.raises(ApiError, match="unknown or over"):
        sessions.find(first.token)
    assert all(lives(sessions, session) for session in rest)
