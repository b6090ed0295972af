"""The settlement contracts beside their twin in Python: what happens to one happens to the other."""

import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import astuple, replace
from typing import Any, Final

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement import insurance, markets, oracle
from optimistic.protocol.settlement.batch_codec import Batch, encode
from optimistic.protocol.settlement.clearing import EntryTwice, Settlement, settle_batch, traded_markets
from optimistic.protocol.settlement.invariants import broken, broken_by_step, differences
from optimistic.protocol.settlement.orders import Steps, domain_separator
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import POTS, State
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    FEES,
    FIRST_SUBACCOUNT,
    INSURANCE,
    BookReport,
    FeedId,
    Limits,
    MarketId,
    MarketKind,
    SubaccountId,
    Terms,
)
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import Address
from optimistic.service.contract import load_abi
from scripts.staging.market_terms import FEED, SIGNERS, collateral
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_batches import Trader, traders
from tests.helpers.settlement_chain import CHAIN_ID, OWNER, START, SettlementChain
from tests.helpers.settlement_setup import SIGNER_NUMBER, key_of, recoverable

STEPS: Final = Steps(tick_wad=WAD // 100, lot_wad=WAD // 1_000)
MIDDLE: Final = 10_000
"""The first price, in ticks."""
FEEDS: Final = (FeedId(1), FeedId(2))
PERPETUALS: Final = (MarketId(1), MarketId(2))
FUTURE: Final = MarketId(3)
FUTURE_LIFE_S: Final = 10 * 1_800
LIMITS: Final = Limits(
    initial_pips=100_000,
    size_margin_pips=20_000,
    maintenance_pips=500_000,
    volatility_pips=1_000_000,
    mark_band_pips=20_000,
    taker_fee_pips=500,
    maker_fee_pips=200,
    open_interest_low_wad=4 * WAD,
    open_interest_high_wad=18 * WAD,
    open_interest_cap_wad=20 * WAD,
    position_cap_wad=12 * WAD,
    depth_cap_wad=10**6 * WAD,
    depth_floor_wad=10**3 * WAD,
    min_notional_wad=100 * WAD,
)
"""Small enough that a few orders meet every cap."""
COLLATERAL: Final = replace(
    collateral(FEEDS[1], ether_cap_wei=4 * WAD),
    hourly_floor_wad=20 * WAD,
    hourly_pips=20_000,
    daily_floor_wad=100 * WAD,
    daily_pips=100_000,
)
"""Narrow enough that withdrawals have to wait."""
BACKSTOPS: Final = (600 * WAD, 60 * WAD)
"""Caps on the fund's positions in the perpetuals."""
GIFTS: Final = (30, 8, 4)
"""To the global tranche and those of the perpetuals, in whole units."""
CASH: Final = (1_000, 300, 120, 40, 15)
"""Of the traders, in whole units."""
ERRORS: Final = {
    error.selector: error.name
    for contract in SETTLEMENT_CONTRACTS
    for error in load_abi(contract).errors.values()
}
"""Names of all errors, by selector."""
_BUSTED: Final = keccak256(b"FillBusted(uint256,uint64,uint64,uint8)")


def copy_of(state: State) -> State:
    """A state that shares nothing with another; ten times faster than `copy.deepcopy`."""
    copied: State = pickle.loads(pickle.dumps(state, pickle.HIGHEST_PROTOCOL))
    return copied


class Twins:
    """Governed markets with prices and traders, on the contracts; `state` is what their logs say.

    Parameters
    ----------
    is_sealed : whether the set-up is over
    """

    def __init__(self, *, is_sealed: bool = True) -> None:
        self.chain = SettlementChain()
        self.people: list[Trader] = []
        self.effects = Counter[str]()
        signers = sorted(key_of(SIGNER_NUMBER + i)[1] for i in range(SIGNERS))
        for feed in FEEDS:
            self.chain.govern("PriceOracle", "setFeed", feed, FEED, signers)
        self.chain.govern("Markets", "setReporter", OWNER)
        perpetual = Terms(feed=FEEDS[0], kind=MarketKind.PERPETUAL, expiry=0, **STEPS._asdict())
        expiry = (START // 1_800) * 1_800 + FUTURE_LIFE_S
        future = replace(perpetual, kind=MarketKind.FUTURE, expiry=expiry)
        for terms in (perpetual, replace(perpetual, feed=FEEDS[1]), future):
            self.chain.govern("Markets", "list", astuple(terms), astuple(LIMITS))
        self.chain.govern("Collateral", "setSettings", astuple(COLLATERAL))
        for market, backstop in zip(PERPETUALS, BACKSTOPS, strict=True):
            self.chain.govern("InsuranceFund", "setBackstop", market, backstop)
        if is_sealed:
            self.chain.act(OWNER, "RiskGovernor", "seal")
        for feed in FEEDS:
            self.push(feed, MIDDLE * STEPS.tick_wad)
        self.people = traders(len(CASH), FIRST_SUBACCOUNT, CHAIN_ID, STEPS)
        for trader, cash in zip(self.people, CASH, strict=True):
            self.chain.deposit(trader.address, 0, cash * 10**6)
        for market in (*PERPETUALS, FUTURE):
            self.chain.act(OWNER, "Markets", "refresh", market)
        rich = self.people[0]
        self.chain.deposit(rich.address, rich.id, sum(GIFTS) * 10**6)
        for tranche, gift in zip((MarketId(0), *PERPETUALS), GIFTS, strict=True):
            self.chain.act(rich.address, "InsuranceFund", "donate", tranche, rich.id, gift * WAD)
        self.spare = SubaccountId(self.chain.act(rich.address, "Ledger", "open", 0))

    @property
    def state(self) -> State:
        """The contracts as their logs tell."""
        return self.chain.state

    def push(self, feed: FeedId, price_wad: int) -> None:
        """Push a price of now, signed by all."""
        digest = oracle.observation_digest(oracle.domain_separator(CHAIN_ID), feed, price_wad, self.chain.now)
        keys = sorted((key_of(SIGNER_NUMBER + i) for i in range(SIGNERS)), key=lambda pair: pair[1])
        seen = [(price_wad, self.chain.now, recoverable(key, digest)) for key, _ in keys]
        self.chain.act(OWNER, "PriceOracle", "push", feed, seen)

    def refresh(self, market: MarketId) -> None:
        """Refresh a market in both."""
        twin = copy_of(self.state)
        markets.refresh(twin, market)
        self.chain.act(OWNER, "Markets", "refresh", market)
        self.agree(twin)

    def report(self, market: MarketId, report: BookReport) -> None:
        """Report a book to both, unless one of them refuses it: then both do."""
        twin: State | None = copy_of(self.state)
        try:
            assert twin is not None
            markets.report_book(twin, market, report)
        except markets.InvalidReport:
            twin = None
        try:
            self.chain.act(OWNER, "Markets", "reportBook", market, astuple(report))
        except Reverted:
            assert twin is None
        else:
            assert twin is not None
            self.agree(twin)

    def settle(self, batch: Batch) -> Settlement | None:
        """Settle a batch in both; None if both refuse it. The invariants hold after it."""
        before = copy_of(self.state)
        for market in traded_markets(batch):
            markets.refresh(before, market)
        twin, n_logs = copy_of(before), len(self.chain.logs)
        try:
            settled: Settlement | None = settle_batch(twin, batch, domain_separator(CHAIN_ID))
        except EntryTwice:
            settled = None
        try:
            n_fills = self.chain.act(OWNER, "Clearing", "settleBatch", encode(batch))
        except Reverted:
            assert settled is None
            return None
        assert settled is not None
        for market, vwap in settled.vwap_wad.items():
            markets.note_trades(twin, market, vwap)
        assert n_fills == settled.n_fills
        assert self._busts(n_logs) == [
            (number, fill.reason) for number, fill in enumerate(settled.fills) if fill.reason is not Bust.NONE
        ]
        self.agree(twin)
        touched = {change.id for change in settled.changes}
        assert not broken_by_step(before, self.state, {*touched, FEES})
        return settled

    def both(
        self,
        play: Callable[[State], Any],
        sender: Address,
        call: tuple[str, str],
        *arguments: Any,
        value: int = 0,
        touched: Iterable[SubaccountId] = (),
    ) -> str:
        """Make a call in both.

        Parameters
        ----------
        play : the twin of the call
        call : contract and function
        touched : subaccounts it may change, beside the pots

        Returns
        -------
        The name of the error with which both refuse; empty if both agree on what happened
        """
        before = copy_of(self.state)
        twin, refusal, result = copy_of(before), None, None
        try:
            result = play(twin)
        except InvalidInput as exc:
            refusal = exc
        try:
            answer = self.chain.act(sender, *call, *arguments, value=value)
        except Reverted as exc:
            return _agreed(refusal, exc.output)
        assert refusal is None, (call, refusal)
        assert result is None or answer == result
        self.agree(twin)
        assert not broken_by_step(before, self.state, {*POTS, *touched})
        self._note(before)
        return ""

    def _note(self, before: State) -> None:
        """Count what cash that was missing has done."""
        after, pots = self.state, (BAD_DEBT, INSURANCE)
        debts, funds = ([one.subaccounts[pot] for one in (before, after)] for pot in pots)
        paid = [
            after.tranches_wad[market] < before.tranches_wad[market]
            for market in (insurance.GLOBAL, *PERPETUALS)
        ]
        spent = after.fund.day == before.fund.day and after.fund.left_wad < before.fund.left_wad
        self.effects.update(
            name
            for name, happened in {
                "bad debt": debts[1].cash_wad < debts[0].cash_wad,
                "market tranche pays": any(paid[1:]),
                "ether seized": funds[1].ether_wei > funds[0].ether_wei,
                "global tranche pays": paid[0],
                "global tranche pays twice a day": spent,
                "position of the fund": len(funds[1].legs) > len(funds[0].legs),
                "position of the fund ends": len(funds[1].legs) < len(funds[0].legs),
            }.items()
            if happened
        )

    def agree(self, twin: State) -> None:
        """Require that the twin is what the logs tell, and sound."""
        assert not differences(twin, self.state)
        assert twin.filled_lots == self.state.filled_lots
        for id_, market in self.state.markets.items():
            mine = twin.markets[id_]
            assert mine.funding == market.funding
            assert (mine.variance_wad, mine.premium_wad) == (market.variance_wad, market.premium_wad)
            assert (mine.basis_at, mine.resumed_at) == (market.basis_at, market.resumed_at)
        assert not broken(self.state)

    def _busts(self, start: int) -> list[tuple[int, Bust]]:
        """Busts that the logs from `start` on tell."""
        return [
            (int.from_bytes(log.topics[1], "big"), Bust(log.data[-1]))
            for _, log in self.chain.logs[start:]
            if log.topics[0] == _BUSTED
        ]


def _agreed(refusal: BaseException | None, output: bytes) -> str:
    """The name of the error that both give, with the same arguments; which of two stale feeds is open."""
    name = ERRORS[output[:4]]
    if name == "CallFailed":  # of the governor; what it called says why
        assert isinstance(refusal, Refused)
        assert refusal.error.startswith(name)
        length = int.from_bytes(output[36:68], "big")
        return f"{name}: {_agreed(refusal.__cause__, output[68 : 68 + length])}"
    if not isinstance(refusal, Refused):
        assert type(refusal).__name__ == name
    elif name == "StalePrice":
        assert refusal.output[:4] == output[:4]
    else:
        assert refusal.output == output, (refusal, output.hex())
    return name
