"""What REST and WebSocket have in common: who may do what, and how it is done."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final

from optimistic.node.api.channels import Hub
from optimistic.node.api.errors import ApiError, Code, malformed
from optimistic.node.api.intake import Intake
from optimistic.node.api.limits import Allowances
from optimistic.node.api.options import ApiLimits
from optimistic.node.api.ports import ChainView
from optimistic.node.api.replies import RefusedOut, TakenOut, hex_of, result_out
from optimistic.node.api.sessions import Rights, Session, Sessions, not_covered
from optimistic.node.api.wire import (
    AmendsIn,
    CancelAllIn,
    CancelIn,
    DeadManIn,
    LoginIn,
    PlaceIn,
    address_bytes,
    amend_commands,
    cancel_all_command,
    cancel_command,
    dead_man_command,
    hash_bytes,
    n_orders,
    place_commands,
    signature_bytes,
    subaccounts_of,
)
from optimistic.node.exchange.commands import Command
from optimistic.node.exchange.ports import ExchangePort
from optimistic.protocol.settlement.login import login_digest
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock
from optimistic.service.metrics import Metrics

WEIGHT_LOGIN: Final = 10
WEIGHT_SUBSCRIBE: Final = 5
WEIGHT_MASS_CANCEL: Final = 5


@dataclass(slots=True)
class Caller:
    """Who asks: a network address, and its login."""

    peer: str
    login: Session | None = None
    session: int = 0
    """Of a WebSocket connection; orders may end with it."""

    @property
    def account(self) -> Address | None:
        """Whom it has logged in as."""
        return None if self.login is None else self.login.account


class Office:
    """The operations of the API; on the server's event loop.

    Parameters
    ----------
    exchange, view : whose front this is
    intake, hub : ways in and out
    limits : bounds
    chain_id : of L2
    clock : of challenges and allowances
    metrics : counts orders, refusals and connections that were cut
    """

    def __init__(  # noqa: PLR0913 - the composition root names every part
        self,
        exchange: ExchangePort,
        view: ChainView,
        intake: Intake,
        hub: Hub,
        limits: ApiLimits,
        *,
        chain_id: int,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.exchange = exchange
        self.view = view
        self.hub = hub
        self.limits = limits
        self.chain_id = chain_id
        self.sessions = Sessions(limits, clock.time_s)
        self.allowances = Allowances(limits, lambda: int(clock.monotonic_s() * 1e9))
        self._intake = intake
        self.clock = clock
        self.metrics = metrics

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return self.clock.time_ms()

    def charge(self, caller: Caller, weight: int) -> None:
        """Use up weight of a caller; raises ApiError if it has none left."""
        self.allowances.charge(caller.peer, caller.account, weight)

    # ------------------------------------------------------------------------------ rights

    def rights(self, caller: Caller) -> Rights:
        """Return what a caller may see and do now.

        Raises
        ------
        ApiError : nobody has logged in, or the key that did is no longer the account's
        """
        login = caller.login
        if login is None:
            raise ApiError(Code.LOGIN_REQUIRED, "this needs a login")
        if login.signer == login.account:
            return Rights(login.account, None)
        subaccount = self.exchange.session_key(login.account, login.signer)
        if subaccount is None:
            raise ApiError(
                Code.LOGIN_REQUIRED, f"the session key {hex_of(login.signer)} of this login is over"
            )
        return Rights(login.account, subaccount or None)

    def owner(self, caller: Caller, what: str) -> Address:
        """Return the account of a caller for something that is about all of it.

        Raises
        ------
        ApiError : as for `rights`, or the login is for one subaccount
        """
        rights = self.rights(caller)
        if rights.subaccount is not None:
            raise not_covered(what, rights)
        return rights.owner

    def _check_bound(self, caller: Caller, message: PlaceIn | AmendsIn) -> None:
        """Check that orders may end with a connection: it has one, and they are the caller's."""
        if not message.cancel_on_disconnect:
            return
        if not caller.session:
            raise malformed("cancelOnDisconnect needs a WebSocket connection")
        rights = self.rights(caller)
        for subaccount in subaccounts_of(message):
            if self.exchange.owner(subaccount) not in (None, rights.owner):
                raise ApiError(
                    Code.NOT_AUTHORISED,
                    f"cancelOnDisconnect: subaccount {subaccount} is not of the account that has logged in",
                )

    # ------------------------------------------------------------------------------ orders

    async def place(
        self, caller: Caller, message: PlaceIn, after: Awaitable[object] | None = None
    ) -> list[TakenOut | RefusedOut]:
        """Place orders; each is signed, so anybody may bring them."""
        self._bound(n_orders(message))
        self.charge(caller, n_orders(message))
        self._check_bound(caller, message)
        return await self.run(place_commands(message, caller.session), after)

    async def amend(
        self, caller: Caller, message: AmendsIn, after: Awaitable[object] | None = None
    ) -> list[TakenOut | RefusedOut]:
        """Amend orders of the caller."""
        rights = self.rights(caller)
        self._bound(len(message.amendments))
        self.charge(caller, len(message.amendments))
        self._check_bound(caller, message)
        return await self.run(amend_commands(message, rights, caller.session), after)

    async def cancel(
        self, caller: Caller, message: CancelIn, after: Awaitable[object] | None = None
    ) -> list[TakenOut | RefusedOut]:
        """Cancel orders of the caller."""
        rights = self.rights(caller)
        self._bound(len(message.orders))
        self.charge(caller, len(message.orders))
        return await self.run([cancel_command(name, rights) for name in message.orders], after)

    async def cancel_all(
        self, caller: Caller, message: CancelAllIn, after: Awaitable[object] | None = None
    ) -> list[TakenOut | RefusedOut]:
        """Cancel all orders of the caller that a message describes."""
        self.charge(caller, WEIGHT_MASS_CANCEL)
        return await self.run([cancel_all_command(message, self.rights(caller))], after)

    async def dead_man(
        self, caller: Caller, message: DeadManIn, after: Awaitable[object] | None = None
    ) -> list[TakenOut | RefusedOut]:
        """Arm or disarm the caller's dead-man switch."""
        self.charge(caller, 1)
        return await self.run([dead_man_command(message, self.owner(caller, "the dead-man switch"))], after)

    async def run(
        self, commands: Sequence[Command], after: Awaitable[object] | None = None
    ) -> list[TakenOut | RefusedOut]:
        """Have commands decided."""
        results = [result_out(answer) for answer in await self._intake.run(commands, after)]
        refused = sum(isinstance(result, RefusedOut) for result in results)
        self.metrics.count("api_commands", len(results) - refused, result="taken")
        self.metrics.count("api_commands", refused, result="refused")
        return results

    def _bound(self, count: int) -> None:
        if not count:
            raise malformed("the message names no order")
        if count > self.limits.max_orders:
            raise ApiError(
                Code.TOO_LARGE, f"{count} orders in one message; at most {self.limits.max_orders} are taken"
            )

    # ------------------------------------------------------------------------------ logins

    async def login(self, caller: Caller, message: LoginIn) -> Session:
        """Check a signed challenge; its signer is the account or a session key of it."""
        self.charge(caller, WEIGHT_LOGIN)
        account, challenge = address_bytes(message.account), hash_bytes(message.challenge)
        self.sessions.check_challenge(challenge, message.expires_at)
        digest = login_digest(self.chain_id, account, challenge, message.expires_at)
        signer = await self._intake.signer(digest, signature_bytes(message.signature))
        if signer != account and self.exchange.session_key(account, signer) is None:
            raise ApiError(
                Code.BAD_SIGNATURE,
                f"{hex_of(signer)} signed, who is neither {message.account} nor a session key of it",
                typedDataHash=hex_of(digest),
                recovered=hex_of(signer),
            )
        return self.sessions.open(account, signer, challenge, caller.peer)
