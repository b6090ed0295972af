"""Calls at random of all that is not trading: collateral, insurance, keepers, governance; on both sides."""

from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, replace
from random import Random
from typing import Any, Final

from optimistic.protocol.constants import CLEARING, COLLATERAL, INSURANCE_FUND, MARKETS, RISK_GOVERNOR
from optimistic.protocol.records import alias_address
from optimistic.protocol.settlement import (
    closing,
    collateral,
    expiry,
    flags,
    forced_close,
    governor,
    insurance,
    ledger,
    listings,
    permissions,
)
from optimistic.protocol.settlement.batch_codec import Batch, encode
from optimistic.protocol.settlement.orders import domain_separator
from optimistic.protocol.settlement.portfolio import may_leave
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import SessionKey, State
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    INSURANCE,
    Asset,
    MarketId,
    MarketStatus,
    SubaccountId,
)
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from scripts.staging.contract_views import call_data
from tests.helpers.settlement_batches import Trader
from tests.helpers.settlement_chain import CHAIN_ID, GATEWAY, GUARDIAN, OWNER
from tests.helpers.settlement_twins import COLLATERAL as SETTINGS
from tests.helpers.settlement_twins import FUTURE, LIMITS, PERPETUALS, Twins

Outcomes = Counter[tuple[str, str]]
"""How often each function ended with each error; an empty one if it succeeded."""
Change = tuple[Address, bytes, Callable[[State], Any]]
"""A call of the governor: its target, the bytes, and what it does."""
UNIT_WAD: Final = 10**12
MARKETS_ASKED: Final = (*PERPETUALS, FUTURE, MarketId(9))
STRANGER: Final = SubaccountId(99)


class Offices:
    """Calls of traders, keepers and governors, most of them sensible.

    Parameters
    ----------
    advance : lets time pass to a second, with or without new prices
    """

    def __init__(self, twins: Twins, random: Random, advance: Callable[[int], None]) -> None:
        self.twins, self.random, self.advance = twins, random, advance
        self.outcomes = Outcomes()
        self._settle_from = twins.state.markets[FUTURE].terms.expiry
        self._scheduled: list[tuple[Change, Hash32]] = []

    def step(self) -> None:
        """Make one call."""
        kinds = (
            self.bring,
            self.ask,
            self.ask,
            self.release,
            self.release,
            self.cancel,
            self.transfer,
            self.donate,
            self.watch,
            self.forced,
            self.govern,
            self.guard,
        )
        self.random.choice(kinds)()

    def do(
        self,
        play: Callable[[State], Any],
        sender: Address,
        call: str,
        *arguments: Any,
        value: int = 0,
        touched: tuple[SubaccountId, ...] = (),
    ) -> bool:
        """Make a call, given as Contract.function, in both; return whether it succeeded."""
        contract, name = call.split(".")
        error = self.twins.both(play, sender, (contract, name), *arguments, value=value, touched=touched)
        self.outcomes[call, error] += 1
        return not error

    # ------------------------------------------------------------------------------ owners

    def raise_floor(self, owner: Trader, floor: int) -> None:
        """Kill orders."""
        self.do(
            lambda state: permissions.raise_nonce_floor(state, owner.address, floor),
            owner.address,
            "Clearing.raiseNonceFloor",
            floor,
        )

    def set_key(self, owner: Trader, key: Address, session: SessionKey) -> bool:
        """Let somebody else sign."""
        return self.do(
            lambda state: permissions.set_session_key(state, owner.address, key, session),
            owner.address,
            "Clearing.setSessionKey",
            key,
            session.expiry,
            session.subaccount,
            session.scope,
        )

    # ------------------------------------------------------------------------------ collateral

    def bring(self) -> None:
        """Cash or ether comes in, or a subaccount is opened."""
        trader, id_, random = self._trader(), self._account(), self.random
        kind = random.randrange(4)
        if kind == 0:
            mode = random.choice((0, 1))
            self.do(
                lambda state: ledger.open_subaccount(state, trader.address, mode),
                trader.address,
                "Ledger.open",
                mode,
            )
        elif kind == 1:
            units = random.choice((0, 1, 10**6, random.randint(1, 10**8)))
            self.do(
                lambda state: collateral.credit_token(state, trader.address, id_, units),
                alias_address(GATEWAY),
                "Collateral.creditToken",
                trader.address,
                id_,
                units,
                touched=(id_,),
            )
        else:
            wei = random.choice((0, 0, 10**15, 10**17, 10**18, 3 * 10**18, 5 * 10**18))
            target = random.choice((SubaccountId(0), trader.id, trader.id, trader.id, id_))
            self.do(
                lambda state: collateral.deposit_ether(state, trader.address, target, wei),
                trader.address,
                "Collateral.depositEther",
                target,
                value=wei,
                touched=(target,),
            )

    def ask(self) -> None:
        """Somebody wants to take something out; now and then so often that the queue is full."""
        trader, random, times = self._trader(), self.random, 1
        if random.random() < 0.06:
            trader, times = self.twins.people[0], 9
        self._let_prices_age(16)
        for _ in range(times):
            asset = Asset.CASH if times > 1 else random.choice(tuple(Asset))
            amount = 1 if times > 1 else random.choice((0, 1, *self._amounts(trader.id, asset)))
            id_ = trader.id if random.random() < 0.93 else self._account()
            recipient = trader.address if random.random() < 0.95 else ZERO_ADDRESS
            self.request(trader.address, id_, (asset, amount, recipient))

    def request(self, sender: Address, id_: SubaccountId, wish: tuple[Asset, int, Address]) -> bool:
        return self.do(
            lambda state: collateral.request(state, sender, id_, *wish),
            sender,
            "Collateral.requestWithdrawal",
            id_,
            *wish,
            touched=(id_,),
        )

    def release(self) -> None:
        """A withdrawal leaves, at its turn or around it."""
        queue, random, number = self.twins.state.queue, self.random, self._withdrawal()
        if number in queue.waiting and random.random() < 0.9:
            ready = queue.waiting[number].ready_at
            turn = max(self.twins.chain.now, ready - random.choice((0, 0, 0, 1)))
            random.choice((self.advance, self.advance, self.twins.chain.move_to))(turn)
        waiting = queue.waiting.get(number)

        def play(state: State) -> None:
            collateral.release(state, number)

        self.do(
            play,
            OWNER,
            "Collateral.release",
            number,
            touched=() if waiting is None else (waiting.subaccount,),
        )

    def cancel(self) -> None:
        """A withdrawal is taken back, mostly by its owner."""
        random, number = self.random, self._withdrawal()
        waiting = self.twins.state.queue.waiting.get(number)
        sender = self._trader().address
        if waiting is not None and random.random() < 0.7:
            sender = self.twins.state.owner_of(waiting.subaccount)
        self.do(
            lambda state: collateral.cancel(state, sender, number),
            sender,
            "Collateral.cancel",
            number,
            touched=() if waiting is None else (waiting.subaccount,),
        )

    def transfer(self) -> None:
        """Cash goes from one subaccount of an owner to another."""
        random, rich, spare = self.random, self.twins.people[0], self.twins.spare
        self._let_prices_age(16)
        source, target = random.sample((rich.id, rich.id, rich.id, spare, self._account()), 2)
        amounts = (amount * UNIT_WAD for amount in self._amounts(source, Asset.CASH))
        amount = random.choice((0, -1, 1, *amounts))
        self.do(
            lambda state: collateral.transfer(state, rich.address, source, target, amount),
            rich.address,
            "Collateral.transfer",
            source,
            target,
            amount,
            touched=(source, target),
        )

    def donate(self) -> None:
        """Cash goes to a tranche."""
        trader, random = self._trader(), self.random
        market = random.choice((insurance.GLOBAL, *PERPETUALS, MarketId(9)))
        most = may_leave(self.twins.state, trader.id)[1]
        amount = random.choice((0, 1, WAD // 10, WAD, most + 1))
        id_ = trader.id if random.random() < 0.8 else self._account()
        self.do(
            lambda state: insurance.donate(state, trader.address, market, id_, amount),
            trader.address,
            "InsuranceFund.donate",
            market,
            id_,
            amount,
            touched=(id_,),
        )

    # ------------------------------------------------------------------------------ liquidator

    def watch(self) -> None:
        """A keeper tries its hand at any subaccount, or one that is flagged."""
        id_ = self.random.choice((self._account(), *self.twins.state.flags))
        self._let_prices_age(31)
        self.random.choice((self.flag, self.unflag, self.unflag, self.resolve))(id_)

    def flag(self, id_: SubaccountId) -> bool:
        return self.do(lambda state: flags.flag(state, id_), OWNER, "Liquidator.flag", id_)

    def unflag(self, id_: SubaccountId) -> bool:
        return self.do(lambda state: flags.unflag(state, id_), OWNER, "Liquidator.unflag", id_)

    def resolve(self, id_: SubaccountId) -> bool:
        return self.do(
            lambda state: closing.resolve(state, id_), OWNER, "Liquidator.resolve", id_, touched=(id_,)
        )

    def liquidate(
        self, keeper: Trader, target: tuple[SubaccountId, MarketId], reward_to: SubaccountId, makers: Batch
    ) -> bool:
        """Liquidate against signed orders; a reward to 0 is none."""
        everybody = tuple(trader.id for trader in self.twins.people)
        separator = domain_separator(CHAIN_ID)
        return self.do(
            lambda state: closing.liquidate(
                state, keeper.address, target, reward_to or None, makers, separator
            ),
            keeper.address,
            "Liquidator.liquidate",
            *target,
            reward_to,
            encode(makers),
            touched=(*everybody, target[0], reward_to),
        )

    def settle_future(self, market: MarketId) -> None:
        """Settle the future, or try to settle another market."""
        stopped: list[int] = []

        def play(state: State) -> bool:
            stopped.append(expiry.settle_future(state, market, self._settle_from))
            return state.markets[market].status is MarketStatus.EXPIRED

        if self.do(play, OWNER, "Markets.settleFuture", market):
            self._settle_from = stopped[0]

    def close_expired(self, market: MarketId, ids: tuple[SubaccountId, ...]) -> bool:
        return self.do(
            lambda state: expiry.close_expired(state, market, ids),
            OWNER,
            "Markets.closeExpired",
            market,
            ids,
            touched=ids,
        )

    def forced(self) -> None:
        """Somebody asks for a close, or executes one, whether or not there is anything."""
        trader, id_, market = self._trader(), self._account(), self.random.choice(MARKETS_ASKED)
        if self.random.random() < 0.5:
            self.request_close(trader, trader.id if self.random.random() < 0.9 else id_, market)
        else:
            asked = list(self.twins.state.close_requests)
            self.force_close(*self.random.choice([(id_, market), *asked]))

    def request_close(self, trader: Trader, id_: SubaccountId, market: MarketId) -> bool:
        return self.do(
            lambda state: forced_close.request_close(state, trader.address, id_, market),
            trader.address,
            "Liquidator.requestClose",
            id_,
            market,
        )

    def force_close(self, id_: SubaccountId, market: MarketId) -> bool:
        return self.do(
            lambda state: forced_close.force_close(state, id_, market),
            OWNER,
            "Liquidator.forceClose",
            id_,
            market,
            touched=(id_,),
        )

    def unwind(self, market: MarketId, makers: Batch) -> bool:
        """Let the fund give up what it holds against signed orders."""
        everybody = tuple(trader.id for trader in self.twins.people)
        return self.do(
            lambda state: forced_close.unwind(state, market, makers, domain_separator(CHAIN_ID)),
            OWNER,
            "Liquidator.unwind",
            market,
            encode(makers),
            touched=everybody,
        )

    # ------------------------------------------------------------------------------ governance

    def govern(self) -> None:
        """The owner schedules changes, and those that wait are executed or cancelled."""
        random = self.random
        for _ in range(random.randint(1, 3)):
            self._schedule()
        if random.random() < 0.2:
            self._set_up()
        for _ in range(random.randint(0, 3)):
            if self._scheduled:
                random.choice((self._cancel_call, self._execute, self._execute))()

    def guard(self) -> None:
        """The guardian, or somebody else, says what only a guardian may."""
        for _ in range(self.random.randint(1, 4)):
            self._guard()

    def _guard(self) -> None:
        random = self.random
        market = random.choice(MARKETS_ASKED)
        sender = random.choice((GUARDIAN, GUARDIAN, OWNER))
        if random.random() < 0.5:
            self.do(
                lambda state: governor.tighten(state, sender, market), sender, "RiskGovernor.tighten", market
            )
            return
        tight = self.twins.state.governance.tight_until
        if tight and random.random() < 0.7:
            market, until = random.choice(list(tight.items()))
            if random.random() < 0.3:
                self.advance(max(self.twins.chain.now, until - random.choice((0, 1))))
        self.do(lambda state: governor.loosen(state, sender, market), sender, "RiskGovernor.loosen", market)

    def _set_up(self) -> None:
        """What nobody can do any more."""
        sender, (target, data, _) = self.random.choice((OWNER, GUARDIAN)), self._change()
        self.do(lambda state: governor.seal(state, sender), sender, "RiskGovernor.seal")
        self.do(
            lambda state: governor.set_up(state, sender, target, data),
            sender,
            "RiskGovernor.setUp",
            target,
            data,
        )

    def _schedule(self) -> None:
        random = self.random
        change, salt = self._change(), random.choice((ZERO_HASH, Hash32(random.randbytes(32))))
        if self._scheduled and random.random() < 0.2:
            change, salt = random.choice(self._scheduled)
        (target, data, _), sender = change, random.choice((OWNER, OWNER, OWNER, GUARDIAN))
        is_done = self.do(
            lambda state: governor.schedule(state, sender, target, data, salt),
            sender,
            "RiskGovernor.schedule",
            target,
            data,
            salt,
        )
        if is_done:
            self._scheduled.append((change, salt))

    def _cancel_call(self) -> None:
        (target, data, _), salt = self.random.choice(self._scheduled)
        sender = self.random.choice((OWNER, GUARDIAN, GUARDIAN, self._trader().address))
        self.do(
            lambda state: governor.cancel(state, sender, target, data, salt),
            sender,
            "RiskGovernor.cancel",
            target,
            data,
            salt,
        )

    def _execute(self) -> None:
        """At its time, mostly; what it does is refused inside of the governor's call."""
        random = self.random
        (target, data, effect), salt = random.choice(self._scheduled)
        ready = self.twins.state.governance.ready_at.get(governor.call_id(target, data, salt), 0)
        if ready and random.random() < 0.9:
            late = governor.EXECUTION_WINDOW_S
            self.advance(
                max(self.twins.chain.now, ready + random.choice((-1, 0, 0, 0, 0, 0, late, late + 1)))
            )
        sender = random.choice((OWNER,) * 9 + (GUARDIAN,))

        def play(state: State) -> None:
            governor.execute(state, sender, target, data, salt)
            try:
                effect(state)
            except Refused as refusal:
                raise Refused("CallFailed(bytes)") from refusal

        self.do(play, sender, "RiskGovernor.execute", target, data, salt)

    def _change(self) -> Change:
        """A change of parameters, some out of their bounds; and calls that nobody may schedule."""
        random, market = self.random, self.random.choice(MARKETS_ASKED)
        kind = random.randrange(6)
        if kind == 0:
            pips = random.choice((9_999, 20_000, 100_000, 200_000))
            limits = replace(LIMITS, initial_pips=pips, taker_fee_pips=random.choice((0, 500, 10_001)))
            data = call_data("Markets", "setLimits", market, astuple(limits))
            return MARKETS, data, lambda state: listings.set_limits(state, market, limits)
        if kind == 1:
            status = random.choice((*MarketStatus, MarketStatus.OPEN, MarketStatus.OPEN))
            data = call_data("Markets", "setStatus", market, status)
            return MARKETS, data, lambda state: listings.set_status(state, market, status)
        if kind == 2:
            cap = random.choice((0, 50 * WAD, 1_000 * WAD, insurance.MAX_BACKSTOP_WAD + 1))
            data = call_data("InsuranceFund", "setBackstop", market, cap)
            return INSURANCE_FUND, data, lambda state: insurance.set_backstop(state, market, cap)
        if kind == 3:
            settings = replace(
                SETTINGS,
                hourly_pips=random.choice((9_999, 10_000, 50_000)),
                ether_cap_wei=random.choice((1, 2, 6)) * WAD,
            )
            data = call_data("Collateral", "setSettings", astuple(settings))
            return COLLATERAL, data, lambda state: collateral.set_settings(state, settings)
        if kind == 4:
            data = call_data("RiskGovernor", "setGuardian", GUARDIAN)
            return RISK_GOVERNOR, data, lambda state: setattr(state.governance, "guardian", GUARDIAN)
        return CLEARING, b"", lambda _: None

    # ------------------------------------------------------------------------------ whose, how much

    def _let_prices_age(self, seconds: int) -> None:
        """Let time pass without prices, now and then."""
        if self.random.random() < 0.15:
            self.twins.chain.move_to(self.twins.chain.now + seconds)

    def _trader(self) -> Trader:
        return self.random.choice(self.twins.people)

    def _withdrawal(self) -> int:
        """The number of a withdrawal, mostly of one that waits."""
        if not self.twins.state.queue.waiting:
            self.ask()
        queue = self.twins.state.queue
        if not queue.waiting or self.random.random() < 0.05:
            return queue.last_number + 1
        return self.random.choice(list(queue.waiting))

    def _account(self) -> SubaccountId:
        """Anybody's subaccount, a pot or none."""
        everybody = [trader.id for trader in self.twins.people]
        return self.random.choice((*everybody, INSURANCE, self.random.choice((BAD_DEBT, STRANGER))))

    def _amounts(self, id_: SubaccountId, asset: Asset) -> tuple[int, ...]:
        """What may leave, a little more, and parts of it."""
        state = self.twins.state
        if id_ not in state.subaccounts:
            return (1,)
        if asset is Asset.ETHER:
            held = state.subaccounts[id_].ether_wei
            return held, held, held + 1, held // 2
        units = may_leave(state, id_)[1] // UNIT_WAD
        return units, units, units + 1, units // 2, units // 7, 10**9
