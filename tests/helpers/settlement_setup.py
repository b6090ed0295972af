"""What settlement worlds have in common: governed markets, signers of prices, signed orders."""

from dataclasses import astuple, replace
from typing import Any, Final

from coincurve import PrivateKey

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement import oracle
from optimistic.protocol.settlement.batch_codec import SignedOrder
from optimistic.protocol.settlement.orders import Order, domain_separator, order_digest
from optimistic.protocol.settlement.signatures import compact_signature
from optimistic.protocol.settlement.types import (
    FeedId,
    MarketId,
    MarketKind,
    Terms,
)
from optimistic.protocol.types import Address, Hash32
from scripts.staging.contract_views import call_data
from scripts.staging.market_terms import FEED, LIMITS, QUORUM, SIGNERS, STEPS, collateral

WAD: Final = 10**18
BTC_FEED, ETHER_FEED = FeedId(1), FeedId(2)
PERPETUAL, FUTURE = MarketId(1), MarketId(2)
BTC_PRICE, ETHER_PRICE = 60_000 * WAD, 3_000 * WAD
SIGNER_NUMBER: Final = 910
FUTURE_LIFE_S: Final = 30 * 86_400
_EXPIRY_STEP_S: Final = 1_800
TOKEN: Final = 10**6
"""One token in its units."""
COLLATERAL_SETTINGS: Final = collateral(ETHER_FEED)


def set_up_calls(manager: Address, now: int) -> list[tuple[str, bytes]]:
    """The calls with which a governor opens the markets, as contract and call data.

    Parameters
    ----------
    manager : reports books
    now : time of L2
    """
    signers = sorted(key_of(SIGNER_NUMBER + i)[1] for i in range(SIGNERS))
    perpetual = Terms(feed=BTC_FEED, kind=MarketKind.PERPETUAL, expiry=0, **STEPS._asdict())
    future = replace(perpetual, kind=MarketKind.FUTURE, expiry=future_expiry(now))
    calls: list[tuple[str, str, tuple[Any, ...]]] = [
        *(("PriceOracle", "setFeed", (feed, FEED, signers)) for feed in (BTC_FEED, ETHER_FEED)),
        ("Markets", "setReporter", (manager,)),
        *(("Markets", "list", (astuple(terms), astuple(LIMITS))) for terms in (perpetual, future)),
        ("InsuranceFund", "setBackstop", (PERPETUAL, 1_000_000 * WAD)),
        ("Collateral", "setSettings", (astuple(COLLATERAL_SETTINGS),)),
    ]
    return [(contract, call_data(contract, name, *arguments)) for contract, name, arguments in calls]


def future_expiry(now: int) -> int:
    """When a future listed now settles: a multiple of the window of the settlement average."""
    return (now + FUTURE_LIFE_S) // _EXPIRY_STEP_S * _EXPIRY_STEP_S


def through_governor(contract: str, data: bytes) -> bytes:
    """Call data of the governor for a call before it is sealed."""
    return call_data("RiskGovernor", "setUp", SETTLEMENT_CONTRACTS[contract], data)


def observations(
    feed: FeedId, price_wad: int, at: int, count: int = QUORUM, chain_id: int = DEVNET.l2_chain_id
) -> list[tuple[int, int, bytes]]:
    """What `count` signers say about a price, in the order the price oracle wants."""
    digest = oracle.observation_digest(oracle.domain_separator(chain_id), feed, price_wad, at)
    keys = sorted((key_of(SIGNER_NUMBER + i) for i in range(SIGNERS)), key=lambda pair: pair[1])[:count]
    return [(price_wad, at, recoverable(key, digest)) for key, _ in keys]


def signed(key: PrivateKey, order: Order, chain_id: int = DEVNET.l2_chain_id) -> SignedOrder:
    """Sign an order of one of the markets."""
    digest = order_digest(domain_separator(chain_id), order, STEPS)
    return SignedOrder(order=order, signature=compact(key, digest))


def compact(key: PrivateKey, digest: Hash32) -> bytes:
    """A signature of 64 bytes."""
    raw = key.sign_recoverable(digest, hasher=None)
    return compact_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64])


def key_of(number: int) -> tuple[PrivateKey, Address]:
    """A key made from a number, and its address."""
    key = PrivateKey(number.to_bytes(32, "big"))
    return key, Address(keccak256(key.public_key.format(compressed=False)[1:])[12:])


def recoverable(key: PrivateKey, digest: Hash32) -> bytes:
    """A signature of 65 bytes, r, s, v."""
    raw = key.sign_recoverable(digest, hasher=None)
    return raw[:64] + bytes((raw[64] + 27,))
