"""What the governor of a new exchange sets up before trading begins: feeds, markets, collateral."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement.types import (
    CollateralSettings,
    FeedId,
    Limits,
    MarketId,
    MarketKind,
    Terms,
)
from optimistic.protocol.types import Address
from optimistic.service.contract import load_abi
from optimistic.service.files import read_json_object
from optimistic.service.l1_types import Call
from optimistic.service.names import camel_case, hex_of

_GOVERNOR: Final = "RiskGovernor"
_ADDRESS_BYTES: Final = 20


class InvalidOpening(InvalidInput):
    """A file that does not say how to open an exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOpening:
    """A feed: who signs its prices, how many of them make one.

    Attributes
    ----------
    max_jump_pips : greatest change at once, millionths
    max_ages_s : greatest age of a price for an increase of risk, a liquidation, a reduction
    """

    number: FeedId
    quorum: int
    max_jump_pips: int
    max_ages_s: tuple[int, int, int]
    signers: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOpening:
    """A market, and how much of it in cash the insurance fund holds at most."""

    terms: Terms
    limits: Limits
    backstop_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """All that is set up.

    Attributes
    ----------
    reporter : may report books; zero: nobody
    markets : numbered from 1 in this order
    """

    feeds: tuple[FeedOpening, ...]
    reporter: Address
    markets: tuple[MarketOpening, ...]
    collateral: CollateralSettings

    def calls(self) -> list[Call]:
        """Return the governor's calls, in their order; on a chain that has no market yet."""
        calls = [
            _set_up(
                "PriceOracle",
                "setFeed",
                feed.number,
                (feed.quorum, feed.max_jump_pips, feed.max_ages_s),
                sorted(feed.signers),
            )
            for feed in self.feeds
        ]
        calls.append(_set_up("Markets", "setReporter", self.reporter))
        for number, market in enumerate(self.markets, 1):
            calls.append(_set_up("Markets", "list", astuple(market.terms), astuple(market.limits)))
            calls.append(_set_up("InsuranceFund", "setBackstop", MarketId(number), market.backstop_wad))
        calls.append(_set_up("Collateral", "setSettings", astuple(self.collateral)))
        return calls

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: camelCase, addresses as 0x-hex, WAD as decimal strings."""
        return {
            "feeds": [
                _members(feed) | {"signers": [hex_of(signer) for signer in feed.signers]}
                for feed in self.feeds
            ],
            "reporter": hex_of(self.reporter),
            "markets": [
                {
                    "terms": _members(market.terms) | {"kind": market.terms.kind.name.lower()},
                    "limits": _members(market.limits),
                    "backstopWad": str(market.backstop_wad),
                }
                for market in self.markets
            ],
            "collateral": _members(self.collateral),
        }

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of what `to_json` returns.

        Raises
        ------
        InvalidOpening : it cannot be read, or a member is missing, unknown or malformed
        """
        try:
            return cls.from_json(read_json_object(path))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidOpening(f"{path} does not say how to open an exchange: {error!r}") from error

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned.

        Raises
        ------
        KeyError, TypeError, ValueError, AttributeError : a member is missing, unknown or malformed
        """
        return cls(
            feeds=tuple(_feed(feed) for feed in values["feeds"]),
            reporter=_address(values["reporter"]),
            markets=tuple(_market(market) for market in values["markets"]),
            collateral=CollateralSettings(**_integers(CollateralSettings, values["collateral"])),
        )


def seal_call() -> Call:
    """End the set-up for ever."""
    return _governor_call("seal")


def _set_up(contract: str, name: str, *arguments: Any) -> Call:
    """A call of a module in the name of the governor, before it is sealed."""
    data = load_abi(contract).functions[name].encode(arguments)
    return _governor_call("setUp", SETTLEMENT_CONTRACTS[contract], data)


def _governor_call(name: str, *arguments: Any) -> Call:
    data = load_abi(_GOVERNOR).functions[name].encode(arguments)
    return Call(to=SETTLEMENT_CONTRACTS[_GOVERNOR], data=data)


def _feed(values: Mapping[str, Any]) -> FeedOpening:
    increase_s, liquidate_s, reduce_s = map(int, values["maxAgesS"])
    return FeedOpening(
        number=FeedId(int(values["number"])),
        quorum=int(values["quorum"]),
        max_jump_pips=int(values["maxJumpPips"]),
        max_ages_s=(increase_s, liquidate_s, reduce_s),
        signers=tuple(_address(signer) for signer in values["signers"]),
    )


def _market(values: Mapping[str, Any]) -> MarketOpening:
    terms = values["terms"]
    kind = MarketKind[terms["kind"].upper()]
    return MarketOpening(
        terms=Terms(**(_integers(Terms, terms | {"kind": kind}) | {"kind": kind})),
        limits=Limits(**_integers(Limits, values["limits"])),
        backstop_wad=int(values["backstopWad"]),
    )


def _integers(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a dataclass of integers.

    Raises
    ------
    ValueError : names that are missing or unknown, or no integers
    """
    names = {camel_case(field.name): field.name for field in fields(kind)}
    if values.keys() != names.keys():
        raise ValueError(f"missing or unknown: {', '.join(sorted(values.keys() ^ names.keys()))}")
    return {name: int(values[spelt]) for spelt, name in names.items()}


def _members(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as JSON has them; amounts are longer than its numbers."""
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        camel_case(name): str(item) if name.endswith(("_wad", "_wei")) else item
        for name, item in found.items()
    }


def _address(text: str) -> Address:
    value = bytes.fromhex(text.removeprefix("0x"))
    if len(value) != _ADDRESS_BYTES:
        raise ValueError(f"{text} is not {_ADDRESS_BYTES} bytes")
    return Address(value)
