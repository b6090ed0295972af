"""Parameters around all their bounds, on the deployed contracts and their twins: taken or refused alike."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, fields, replace
from functools import cache, partial
from typing import Any, Final, TypeVar

import pytest

from optimistic.protocol.constants import COLLATERAL, INSURANCE_FUND, MARKETS, PRICE_ORACLE
from optimistic.protocol.settlement import bounds, collateral, governor, insurance, listings
from optimistic.protocol.settlement.oracle import WINDOW_S, Feed
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import (
    CollateralSettings,
    FeedId,
    Limits,
    MarketId,
    MarketKind,
    MarketStatus,
    Terms,
)
from optimistic.protocol.settlement.units import LOT_WAD, QUANTUM_WAD, WAD
from optimistic.protocol.types import Address
from scripts.staging.contract_views import call_data
from tests.helpers.settlement_chain import OWNER, START
from tests.helpers.settlement_setup import key_of
from tests.helpers.settlement_twins import COLLATERAL as SETTINGS
from tests.helpers.settlement_twins import FEEDS, LIMITS, PERPETUALS, STEPS, Twins

Effect = Callable[[State], Any]
Settings = TypeVar("Settings", Limits, CollateralSettings, Terms)
EDGES: Final = sorted(
    {value + by for value in vars(bounds).values() if isinstance(value, int) for by in (-1, 0, 1)}
)
"""Every bound, and what is next to it."""
TARGETS: Final = {
    "Collateral": COLLATERAL,
    "InsuranceFund": INSURANCE_FUND,
    "Markets": MARKETS,
    "PriceOracle": PRICE_ORACLE,
}
FUTURE: Final = Terms(
    feed=FEEDS[0],
    kind=MarketKind.FUTURE,
    expiry=(START // WINDOW_S + 2) * WINDOW_S,
    **STEPS._asdict(),
)


@cache
def twins() -> Twins:
    """Contracts that can still be set up."""
    return Twins(is_sealed=False)


def set_up(contract: str, name: str, arguments: tuple[Any, ...], effect: Effect) -> str:
    """Let the governor make a call; return how both ended, and go back."""
    data, target, mark = call_data(contract, name, *arguments), TARGETS[contract], twins().chain.snapshot()

    def play(state: State) -> None:
        governor.set_up(state, OWNER, target, data)
        try:
            effect(state)
        except Refused as refusal:
            raise Refused("CallFailed(bytes)") from refusal

    ended = twins().both(play, OWNER, ("RiskGovernor", "setUp"), target, data)
    twins().chain.restore(mark)
    return ended


def variants(valid: Settings, extra: tuple[int, ...] = ()) -> Iterator[Settings]:
    """The same parameters with one at every edge that its width can hold."""
    for field in fields(valid):
        width = 32 if field.name.endswith("_pips") else 64 if field.name == "expiry" else 128
        value: Any
        for value in (*EDGES, *extra):
            if isinstance(getattr(valid, field.name), MarketKind) or not 0 <= value < 1 << width:
                continue
            yield replace(valid, **{field.name: value})


def test_limits__around_every_bound__are_taken_or_refused_alike() -> None:
    ends = Counter(
        set_up(
            "Markets",
            "setLimits",
            (1, astuple(one)),
            partial(listings.set_limits, id_=PERPETUALS[0], limits=one),
        )
        for one in variants(LIMITS, (LOT_WAD, LOT_WAD + 1, 20 * WAD, 12 * WAD))
    )

    assert set(ends) == {"", "CallFailed: OutOfBounds"}


def test_collateral__around_every_bound__is_taken_or_refused_alike() -> None:
    ends = Counter(
        set_up(
            "Collateral",
            "setSettings",
            (astuple(one),),
            partial(collateral.set_settings, settings=one),
        )
        for one in variants(replace(SETTINGS, ether_feed=FEEDS[0]), (100_000, 200_000))
        if one.ether_feed < 1 << 32
    )

    assert set(ends) == {"", "CallFailed: OutOfBounds", "CallFailed: UnknownFeed"}


@pytest.mark.parametrize("terms", [FUTURE, replace(FUTURE, kind=MarketKind.PERPETUAL, expiry=0)])
def test_terms__around_every_bound__are_taken_or_refused_alike(terms: Terms) -> None:
    end = START + bounds.MAX_FUTURE_S
    times = (START + WINDOW_S, FUTURE.expiry - WINDOW_S, end, end // WINDOW_S * WINDOW_S, end + WINDOW_S)
    steps = (2 * QUANTUM_WAD, 2 * LOT_WAD)
    ends = Counter(
        set_up(
            "Markets",
            "list",
            (astuple(one), astuple(LIMITS)),
            partial(listings.list_market, terms=one, limits=LIMITS),
        )
        for one in variants(terms, (*times, *steps))
        if one.feed < 1 << 32
    )

    assert set(ends) == {"", "CallFailed: OutOfBounds", "CallFailed: UnknownFeed"}


def test_statuses__of_any_market__are_taken_or_refused_alike() -> None:
    ends = Counter(
        set_up(
            "Markets",
            "setStatus",
            (market, status),
            partial(listings.set_status, id_=market, status=status),
        )
        for market in (PERPETUALS[0], MarketId(9))
        for status in MarketStatus
    )

    assert set(ends) == {"", "CallFailed: OutOfBounds", "CallFailed: UnknownMarket"}


def feeds() -> Iterator[Feed]:
    """Every quorum of every number of signers; then jumps and ages."""
    signers = tuple(sorted(key_of(1_000 + i)[1] for i in range(bounds.MAX_SIGNERS + 1)))
    valid = Feed(quorum=3, max_jump_pips=100_000, max_age_s=(15, 30, 120), signers=signers[:4])
    for count in range(len(signers) + 1):
        for quorum in range(count + 2):
            yield replace(valid, quorum=quorum, signers=signers[:count])
    for jump in EDGES:
        if 0 <= jump < 1 << 32:
            yield replace(valid, max_jump_pips=jump)
    for place, most in enumerate(bounds.MAX_AGES_S):
        for age in (0, 1, 14, 15, 16, 29, 30, 31, 119, 120, 121, most - 1, most, most + 1):
            ages = list(valid.max_age_s)
            ages[place] = age
            yield replace(valid, max_age_s=(ages[0], ages[1], ages[2]))
    yield replace(valid, signers=(signers[1], signers[0], *signers[2:4]))
    yield replace(valid, signers=(signers[0], signers[0], *signers[2:4]))
    yield replace(valid, signers=(Address(bytes(20)), *signers[1:4]))


def test_feeds__any_quorum_and_ages__are_taken_or_refused_alike() -> None:
    ends = Counter(
        set_up(
            "PriceOracle",
            "setFeed",
            (7, (one.quorum, one.max_jump_pips, one.max_age_s), one.signers),
            partial(listings.set_feed, id_=FeedId(7), setting=one),
        )
        for one in feeds()
    )

    assert set(ends) == {"", "CallFailed: OutOfBounds", "CallFailed: SignersNotSorted"}


def test_backstop__around_its_bound__is_taken_or_refused_alike() -> None:
    ends = Counter(
        set_up(
            "InsuranceFund",
            "setBackstop",
            (1, insurance.MAX_BACKSTOP_WAD + by),
            partial(
                insurance.set_backstop, market=PERPETUALS[0], notional_wad=insurance.MAX_BACKSTOP_WAD + by
            ),
        )
        for by in (-1, 0, 1)
    )

    assert ends == {"": 2, "CallFailed: OutOfBounds": 1}


def test_seal__only_by_the_owner_and_once__and_only_then_ether_comes_in() -> None:
    mark, trader = twins().chain.snapshot(), twins().people[0]

    def deposit() -> str:
        return twins().both(
            lambda state: collateral.deposit_ether(state, trader.address, trader.id, WAD),
            trader.address,
            ("Collateral", "depositEther"),
            trader.id,
            value=WAD,
            touched=(trader.id,),
        )

    def seal(sender: Address) -> str:
        return twins().both(lambda state: governor.seal(state, sender), sender, ("RiskGovernor", "seal"))

    assert deposit() == "NotSealed"
    assert [seal(trader.address), seal(OWNER), seal(OWNER)] == ["NotOwner", "", "AlreadySealed"]
    assert not deposit()
    twins().chain.restore(mark)
