"""Who is asking: challenges, logins and the tokens that stand for them."""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from optimistic.node.api.errors import ApiError, Code
from optimistic.node.api.options import ApiLimits
from optimistic.protocol.types import Address, Hash32

_TOKEN_BYTES: Final = 32
_MAC_BYTES: Final = 16
_SESSIONS_PER_ACCOUNT: Final = 16


class Rights(NamedTuple):
    """What a caller may see and do: all that is an owner's, or what is of one of his subaccounts."""

    owner: Address
    subaccount: int | None

    def cover(self, subaccount: int) -> bool:
        """Whether a subaccount of the owner is among it."""
        return self.subaccount in (None, subaccount)


def not_covered(what: str, rights: Rights) -> ApiError:
    """The refusal of something for which a login is too narrow."""
    return ApiError(
        Code.NOT_AUTHORISED,
        f"{what}: the session key of this login is for subaccount {rights.subaccount} only",
        fix="log in as the owner, or with a session key for all of his subaccounts",
    )


@dataclass(frozen=True, slots=True)
class Session:
    """A login."""

    account: Address
    signer: Address
    """The account, or a session key of it; the login is worth as much as that key is."""
    peer: str
    """Network address of the login."""
    token: str
    expires_s: int


class Sessions:
    """Challenges and logins; what is remembered is bounded.

    A challenge is remembered by its own code (a MAC over its time), so that asking for many takes no
    memory. Each is good for one login.

    Parameters
    ----------
    limits : how many, how long
    now_s : Unix seconds
    """

    def __init__(self, limits: ApiLimits, now_s: Callable[[], int]) -> None:
        self._limits = limits
        self._now_s = now_s
        self._secret = secrets.token_bytes(_TOKEN_BYTES)
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._used: OrderedDict[Hash32, None] = OrderedDict()

    def challenge(self) -> tuple[Hash32, int]:
        """Return 32 bytes to sign and the Unix second until which that is good."""
        expires_s = self._now_s() + self._limits.challenge_s
        nonce = secrets.token_bytes(32 - _MAC_BYTES)
        return Hash32(nonce + self._mac(nonce, expires_s)), expires_s

    def check_challenge(self, challenge: Hash32, expires_s: int) -> None:
        """Take a challenge back.

        Raises
        ------
        ApiError : it is not ours, too old, or was used
        """
        nonce, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(nonce, expires_s)):
            raise ApiError(
                Code.CHALLENGE_EXPIRED, "this challenge is not of this server, or not of this time"
            )
        if self._now_s() > expires_s or challenge in self._used:
            raise ApiError(Code.CHALLENGE_EXPIRED, "this challenge is too old, or was used")

    def open(self, account: Address, signer: Address, challenge: Hash32, peer: str) -> Session:
        """Begin a session of an account for which `signer` signed a challenge.

        Where an account or a network address has too many, its oldest ends: not that of another one.
        """
        self._used[challenge] = None
        if len(self._used) > self._limits.max_challenges:
            self._used.popitem(last=False)
        token = secrets.token_hex(_TOKEN_BYTES)
        session = Session(account, signer, peer, token, self._now_s() + self._limits.session_s)
        self._make_room(lambda other: other.account == account, _SESSIONS_PER_ACCOUNT)
        self._make_room(lambda other: other.peer == peer, self._limits.max_sessions_per_address)
        self._sessions[token] = session
        if len(self._sessions) > self._limits.max_sessions:
            self._sessions.popitem(last=False)
        return session

    def _make_room(self, is_own: Callable[[Session], bool], most: int) -> None:
        own = [token for token, other in self._sessions.items() if is_own(other)]
        for token in own[: max(0, len(own) + 1 - most)]:
            del self._sessions[token]

    def find(self, token: str) -> Session:
        """Return the session of a token.

        Raises
        ------
        ApiError : there is none, or no longer
        """
        session = self._sessions.get(token)
        if session is None or session.expires_s < self._now_s():
            self._sessions.pop(token, None)
            raise ApiError(Code.LOGIN_REQUIRED, "this session is unknown or over")
        return session

    def _mac(self, nonce: bytes, expires_s: int) -> bytes:
        message = nonce + expires_s.to_bytes(8, "big")
        return hmac.digest(self._secret, message, "sha256")[:_MAC_BYTES]
