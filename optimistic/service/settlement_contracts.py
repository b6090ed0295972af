"""The settlement contracts of L2, typed: reads at a block, and messages to send."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from enum import IntEnum
from typing import Any, Final, Self

from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement.types import (
    BookReport,
    CollateralSettings,
    FeedId,
    Limits,
    MarketId,
    MarketKind,
    MarketStatus,
    PriceUse,
    SubaccountId,
    Terms,
)
from optimistic.protocol.types import Address
from optimistic.service.contract import Contract
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import BlockId, Call


class Asset(IntEnum):
    """What can be withdrawn."""

    CASH = 0
    ETHER = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """A market as the chain has it."""

    number: MarketId
    terms: Terms
    limits: Limits
    status: MarketStatus
    index_price_wad: int
    mark_wad: int
    priced_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginView:
    """Equities and requirements of a subaccount."""

    initial_equity_wad: int
    equity_wad: int
    initial_wad: int
    maintenance_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginLine:
    """What one leg adds."""

    market: MarketId
    size_wad: int
    notional_wad: int
    initial_wad: int
    maintenance_wad: int
    unsettled_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    """A feed's setting and last price."""

    quorum: int
    signers: tuple[Address, ...]
    price_wad: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Observed:
    """One signed observation."""

    price_wad: int
    timestamp: int
    signature: bytes
    """65 bytes r, s, v."""


class _Part(Contract):
    """One settlement contract."""

    @classmethod
    def of(cls, client: L1Client) -> Self:
        """Return it at its address."""
        return cls(client, SETTLEMENT_CONTRACTS[cls.NAME])


class Ledger(_Part):
    """Subaccounts and positions."""

    NAME = "Ledger"

    def next_subaccount(self, at: BlockId) -> int:
        """Return the number the next subaccount will have."""
        return self.read_int("nextSubaccount", at=at)

    def owner_and_cash(self, id_: SubaccountId, at: BlockId) -> tuple[Address, int]:
        """Return a subaccount's owner (zero if there is none) and cash as stored, in WAD."""
        owner, _, cash = self.read("subaccount", id_, at=at)
        return Address(owner), int(cash)

    def legs(self, id_: SubaccountId, at: BlockId) -> dict[MarketId, int]:
        """Return a subaccount's sizes in WAD by market."""
        _, legs = self.read("portfolio", id_, at=at)
        return {MarketId(leg[0]): int(leg[1]) for leg in legs}


class Markets(_Part):
    """What can be traded."""

    NAME = "Markets"

    def market(self, number: MarketId, at: BlockId) -> MarketView:
        """Return one market."""
        terms, limits, state = (self.read(name, number, at=at)[0] for name in ("terms", "limits", "state"))
        status, index, mark, _, priced_at = state
        return MarketView(
            number=number,
            terms=Terms(
                feed=FeedId(terms[0]),
                kind=MarketKind(terms[1]),
                expiry=terms[2],
                tick_wad=terms[3],
                lot_wad=terms[4],
            ),
            limits=Limits(**dict(zip(_LIMIT_FIELDS, limits, strict=True))),
            status=MarketStatus(status),
            index_price_wad=index,
            mark_wad=mark,
            priced_at=priced_at,
        )

    def all(self, at: BlockId) -> list[MarketView]:
        """Return every market."""
        count = self.read_int("nMarkets", at=at)
        return [self.market(MarketId(number), at) for number in range(1, count + 1)]

    def refresh_call(self, number: MarketId) -> Call:
        """Bring mark and funding up to the latest price."""
        return self.call("refresh", number)

    def reporter(self, at: BlockId) -> Address:
        """Return who may report books."""
        return Address(self.read("reporter", at=at)[0])

    def report(self, number: MarketId, at: BlockId) -> BookReport:
        """Return the last report of a book."""
        (values,) = self.read("report", number, at=at)
        return BookReport(**dict(zip(_REPORT_FIELDS, values, strict=True)))

    def report_call(self, number: MarketId, report: BookReport) -> Call:
        """Report a book; the reporter only."""
        return self.call("reportBook", number, astuple(report))

    def premium_wad(self, number: MarketId, at: BlockId) -> int:
        """Return the premium that was last reported of a perpetual."""
        return int(self.read("funding", number, at=at)[2])


_LIMIT_FIELDS: Final = tuple(field.name for field in fields(Limits))
_REPORT_FIELDS: Final = tuple(field.name for field in fields(BookReport))


class PriceOracle(_Part):
    """Signed prices."""

    NAME = "PriceOracle"

    def feed(self, number: FeedId, at: BlockId) -> FeedView:
        """Return a feed."""
        setting, signers = self.read("feed", number, at=at)
        price_wad, timestamp = self.read("latest", number, at=at)
        return FeedView(
            quorum=setting[0],
            signers=tuple(map(Address, signers)),
            price_wad=price_wad,
            timestamp=timestamp,
        )

    def is_fresh(self, number: FeedId, use: PriceUse, at: BlockId) -> bool:
        """Whether a feed's last price is young enough for a use."""
        return bool(self.read("isFresh", number, use, at=at)[0])

    def push_call(self, number: FeedId, observations: Sequence[Observed]) -> Call:
        """Push observations, sorted by signer."""
        values = [(item.price_wad, item.timestamp, item.signature) for item in observations]
        return self.call("push", number, values)


class StandardMargin(_Part):
    """Margin."""

    NAME = "StandardMargin"

    def margin(self, id_: SubaccountId, at: BlockId) -> MarginView:
        """Return a subaccount's equities and requirements now."""
        return _margin(self.read("margin", id_, at=at)[0])

    def explain(self, id_: SubaccountId, at: BlockId) -> tuple[MarginView, list[MarginLine]]:
        """Return the same, line by line."""
        margin, legs = self.read("explain", id_, at=at)
        return _margin(margin), [_line(leg) for leg in legs]

    def withdrawable_cash_wad(self, id_: SubaccountId, at: BlockId) -> int:
        """Return the cash that may leave a subaccount at once."""
        return self.read_int("withdrawableCashWad", id_, at=at)


class Liquidator(_Part):
    """Liquidations and forced closes."""

    NAME = "Liquidator"

    def is_liquidatable(self, id_: SubaccountId, at: BlockId) -> bool:
        """Whether a subaccount may be liquidated now."""
        return bool(self.read("isLiquidatable", id_, at=at)[0])

    def flagged_at(self, id_: SubaccountId, at: BlockId) -> int:
        """Return when a subaccount was flagged, in Unix seconds; 0: it is not."""
        return self.read_int("flaggedAt", id_, at=at)

    def close_terms(self, id_: SubaccountId, market: MarketId, at: BlockId) -> tuple[int, int]:
        """Return the size the next liquidation closes at most, and its worst price, in WAD."""
        size, limit = self.read("closeTerms", id_, market, at=at)
        return int(size), int(limit)

    def flag_call(self, id_: SubaccountId) -> Call:
        """Note that a subaccount is below maintenance margin."""
        return self.call("flag", id_)

    def liquidate_call(
        self, id_: SubaccountId, market: MarketId, reward_to: SubaccountId, makers: bytes
    ) -> Call:
        """Close a part of a position against signed orders."""
        return self.call("liquidate", id_, market, reward_to, makers)

    def resolve_call(self, id_: SubaccountId) -> Call:
        """Have the insurance fund pay what a subaccount without positions owes."""
        return self.call("resolve", id_)

    def request_close_call(self, id_: SubaccountId, market: MarketId) -> Call:
        """Ask for a forced close."""
        return self.call("requestClose", id_, market)

    def force_close_call(self, id_: SubaccountId, market: MarketId) -> Call:
        """Carry a forced close out."""
        return self.call("forceClose", id_, market)


class Collateral(_Part):
    """Money in and out."""

    NAME = "Collateral"

    def deposit_ether_call(self, id_: SubaccountId, amount_wei: int) -> Call:
        """Make ether of the caller collateral; 0 opens a subaccount."""
        return self.call("depositEther", id_, value_wei=amount_wei)

    def request_withdrawal_call(
        self, id_: SubaccountId, asset: Asset, amount: int, recipient: Address
    ) -> Call:
        """Ask for a withdrawal; the amount in the token's units or in wei."""
        return self.call("requestWithdrawal", id_, asset, amount, "0x" + recipient.hex())

    def release_call(self, number: int) -> Call:
        """Send a withdrawal whose time has come to L1."""
        return self.call("release", number)

    def cancel_call(self, number: int) -> Call:
        """Take a withdrawal back."""
        return self.call("cancel", number)

    def token_unit_wad(self, at: BlockId) -> int:
        """Return what one unit of the cash token is worth in cash."""
        return self.read_int("tokenUnitWad", at=at)

    def ether_of(self, id_: SubaccountId, at: BlockId) -> int:
        """Return the ether of a subaccount in wei, without what is on its way out."""
        return self.read_int("etherOf", id_, at=at)

    def settings(self, at: BlockId) -> CollateralSettings:
        """Return the haircuts, the cap and the limits."""
        (values,) = self.read("settings", at=at)
        return CollateralSettings(**dict(zip(_SETTING_FIELDS, values, strict=True)))


_SETTING_FIELDS: Final = tuple(field.name for field in fields(CollateralSettings))


class Clearing(_Part):
    """What traders may do there themselves."""

    NAME = "Clearing"

    def raise_nonce_floor_call(self, floor: int) -> Call:
        """Kill every order of the caller with a nonce below the floor."""
        return self.call("raiseNonceFloor", floor)

    def set_session_key_call(self, key: Address, expiry: int, id_: SubaccountId, scope: int) -> Call:
        """Let another key trade; scope 0 revokes."""
        return self.call("setSessionKey", "0x" + key.hex(), expiry, id_, scope)


def _margin(values: tuple[int, ...]) -> MarginView:
    initial_equity, equity, initial, maintenance = values
    return MarginView(
        initial_equity_wad=initial_equity, equity_wad=equity, initial_wad=initial, maintenance_wad=maintenance
    )


def _line(values: tuple[Any, ...]) -> MarginLine:
    market, size, notional, initial, maintenance, unsettled = values
    return MarginLine(
        market=MarketId(market),
        size_wad=size,
        notional_wad=notional,
        initial_wad=initial,
        maintenance_wad=maintenance,
        unsettled_wad=unsettled,
    )
