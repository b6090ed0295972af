"""Rebuild the state of settlement from the logs of its contracts: they say everything that decides.

Logs of other contracts and other events are passed over. Funding is worked out anew between the prices that
logs tell, and compared.
"""

from collections.abc import Iterable
from typing import Final

from optimistic.protocol.constants import (
    CLEARING,
    COLLATERAL,
    INSURANCE_FUND,
    LEDGER,
    MARKETS,
    PRICE_ORACLE,
)
from optimistic.protocol.engine import Log
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.log_words import Event, Words
from optimistic.protocol.settlement.markets import take_price, take_report
from optimistic.protocol.settlement.office_events import OFFICE_EVENTS
from optimistic.protocol.settlement.oracle import Feed
from optimistic.protocol.settlement.state import (
    FeedState,
    Market,
    SessionKey,
    State,
    Subaccount,
)
from optimistic.protocol.settlement.types import (
    INSURANCE,
    BookReport,
    CollateralSettings,
    Limits,
    MarketKind,
    MarketStatus,
    Position,
    SubaccountId,
    Terms,
)
from optimistic.protocol.types import ZERO_HASH, Hash32

_TERMS: Final = "(uint32,uint8,uint64,uint128,uint128)"
_LIMITS: Final = (
    "(uint32,uint32,uint32,uint32,uint32,uint32,uint32,"
    "uint128,uint128,uint128,uint128,uint128,uint128,uint128)"
)
_REPORT: Final = "(int256,int256,int256,int256,int256,uint64)"
_SETTINGS: Final = "(uint32,uint32,uint32,uint128,uint128,uint32,uint128,uint32)"


class MissingLogs(CriticalError):
    """A log does not follow from those before it: some are missing."""


def rebuild(logs: Iterable[tuple[int, Log]]) -> State:
    """Return the state after all logs the contracts ever wrote, in order, each with its block time."""
    state = State()
    for time, log in logs:
        state.now_s = time
        apply(state, log)
    return state


def apply(state: State, log: Log) -> None:
    """Bring a state from before a log to after it; `state.now_s` is the time of the log's block.

    Raises
    ------
    MissingLogs : the log speaks of something the state does not know
    """
    if not log.topics:
        return
    change = _CHANGES.get((log.address, log.topics[0]))
    if change is None:
        return
    try:
        change(state, Words(log))
    except (LookupError, ValueError) as exc:
        raise MissingLogs(log.topics[0].hex()) from exc


def _opened(state: State, words: Words) -> None:
    """A subaccount was opened."""
    id_ = words.subaccount()
    state.subaccounts[id_] = Subaccount(owner=words.address(), margin_mode=words.uint())
    state.next_subaccount = SubaccountId(id_ + 1)


def _position(state: State, words: Words) -> None:
    """A leg after a trade or a settlement."""
    legs, market = state.subaccounts[words.subaccount()].legs, words.market()
    position = Position(words.int(), words.int())
    if position.size_wad:
        legs[market] = position
    else:
        legs.pop(market, None)


def _cash(state: State, words: Words) -> None:
    """Cash after a trade or a settlement."""
    id_ = words.subaccount()
    state.subaccounts[id_].cash_wad = words.int()


def _moved(state: State, words: Words) -> None:
    """Cash moved without a trade."""
    source, target = state.subaccounts[words.subaccount()], state.subaccounts[words.subaccount()]
    amount = words.int()
    source.cash_wad -= amount
    target.cash_wad += amount


def _open_interest(state: State, words: Words) -> None:
    """The sum of the long positions of a market."""
    id_ = words.market()
    state.markets[id_].open_interest_wad = words.int()


def _closed(state: State, words: Words) -> None:
    """The settlement index of a market will not change any more."""
    id_ = words.market()
    state.closed_at[id_] = words.int()


def _listed(state: State, words: Words) -> None:
    """A market with the terms it keeps."""
    id_ = words.market()
    terms = Terms(
        feed=words.feed(),
        kind=MarketKind(words.uint()),
        expiry=words.uint(),
        tick_wad=words.uint(),
        lot_wad=words.uint(),
    )
    state.markets[id_] = Market(terms, NO_LIMITS)
    state.markets[id_].basis_at = state.now_s


def _limits(state: State, words: Words) -> None:
    """New limits of a market."""
    market = state.markets[words.market()]
    market.limits = Limits(**{name: words.uint() for name in _LIMIT_NAMES})


def _status(state: State, words: Words) -> None:
    """A new status of a market."""
    id_ = words.market()
    state.markets[id_].status = MarketStatus(words.uint())


def _refreshed(state: State, words: Words) -> None:
    """A market at its latest price."""
    market = state.markets[words.market()]
    price, mark, settle_index, rate = words.int(), words.int(), words.int(), words.int()
    take_price(market, price, words.uint(), state.now_s)
    if (market.mark_wad, market.settle_index_wad, market.funding.rate_wad) != (mark, settle_index, rate):
        raise LookupError("another mark")


def _noted(state: State, words: Words) -> None:
    """Trades have moved the average basis."""
    market = state.markets[words.market()]
    market.last_trade_wad, market.basis_wad, market.basis_at = words.int(), words.int(), state.now_s


def _reported(state: State, words: Words) -> None:
    """What the reporter says of its book."""
    market = state.markets[words.market()]
    report = BookReport(
        best_bid_wad=words.int(),
        best_ask_wad=words.int(),
        impact_bid_wad=words.int(),
        impact_ask_wad=words.int(),
        depth_wad=words.int(),
        timestamp=words.uint(),
    )
    take_report(market, report)


def _future_settled(state: State, words: Words) -> None:
    """A future has its settlement price."""
    market = state.markets[words.market()]
    market.index_price_wad = market.mark_wad = market.settle_index_wad = words.int()
    market.status = MarketStatus.EXPIRED


def _feed(state: State, words: Words) -> None:
    """A setting of a price feed and its signers."""
    id_ = words.feed()
    quorum, jump, ages = words.uint(), words.uint(), (words.uint(), words.uint(), words.uint())
    setting = Feed(quorum=quorum, max_jump_pips=jump, max_age_s=ages, signers=tuple(words.addresses()))
    known = state.feeds.get(id_)
    if known is None:
        state.feeds[id_] = FeedState(setting)
    else:
        known.setting = setting


def _pushed(state: State, words: Words) -> None:
    """A new price."""
    state.feeds[words.feed()].take(words.uint(), words.uint())


def _ether(state: State, words: Words) -> None:
    """Ether of a subaccount after a change; what the fund gets is no user's any more."""
    id_, amount = words.subaccount(), words.uint()
    if id_ == INSURANCE:
        state.queue.total_ether_wei -= amount - state.subaccounts[id_].ether_wei
    state.subaccounts[id_].ether_wei = amount


def _settings(state: State, words: Words) -> None:
    """How ether counts."""
    feed = words.feed()
    state.collateral = CollateralSettings(ether_feed=feed, **{name: words.uint() for name in _SETTING_NAMES})


def _tranche(state: State, words: Words) -> None:
    """A tranche of the insurance fund after a change."""
    id_ = words.market()
    state.tranches_wad[id_] = words.uint()


def _floor(state: State, words: Words) -> None:
    """An owner killed its older orders."""
    id_ = words.address()
    state.nonce_floors[id_] = words.uint()


def _session_key(state: State, words: Words) -> None:
    """An owner let another key trade, or no longer."""
    owner, key = words.address(), words.address()
    state.session_keys[owner, key] = SessionKey(words.uint(), words.subaccount(), words.uint())


def _filled(state: State, words: Words) -> None:
    """Two orders have filled each other."""
    market, _, _ = state.markets[words.market()], words.subaccount(), words.subaccount()
    lots = abs(words.int()) // market.terms.lot_wad
    words.uint()
    for key in (Hash32(words.word()), Hash32(words.word())):
        if key != ZERO_HASH:  # a liquidated side has no order
            state.filled_lots[key] = state.filled_lots.get(key, 0) + lots


NO_LIMITS: Final = Limits(**dict.fromkeys(Limits.__dataclass_fields__, 0))
"""Of a market between its listing and its first limits."""
_LIMIT_NAMES: Final = tuple(Limits.__dataclass_fields__)
_SETTING_NAMES: Final = tuple(CollateralSettings.__dataclass_fields__)[1:]


_EVENTS: Final = (
    *OFFICE_EVENTS,
    Event(LEDGER, "SubaccountOpened(uint64,address,uint8)", _opened),
    Event(LEDGER, "PositionChanged(uint64,uint32,int256,int256)", _position),
    Event(LEDGER, "CashChanged(uint64,int256)", _cash),
    Event(LEDGER, "CashMoved(uint64,uint64,int256,uint8)", _moved),
    Event(LEDGER, "OpenInterestChanged(uint32,int256)", _open_interest),
    Event(LEDGER, "MarketClosed(uint32,int256)", _closed),
    Event(MARKETS, f"MarketListed(uint32,{_TERMS})", _listed),
    Event(MARKETS, f"LimitsChanged(uint32,{_LIMITS})", _limits),
    Event(MARKETS, "StatusChanged(uint32,uint8)", _status),
    Event(MARKETS, "MarketRefreshed(uint32,int256,int256,int256,int256,uint64)", _refreshed),
    Event(MARKETS, "TradesNoted(uint32,int256,int256)", _noted),
    Event(MARKETS, f"BookReported(uint32,{_REPORT})", _reported),
    Event(MARKETS, "FutureSettled(uint32,int256)", _future_settled),
    Event(PRICE_ORACLE, "FeedChanged(uint32,(uint8,uint32,uint32[3]),address[])", _feed),
    Event(PRICE_ORACLE, "PricePushed(uint32,uint256,uint64,uint256)", _pushed),
    Event(COLLATERAL, "EtherChanged(uint64,uint256)", _ether),
    Event(COLLATERAL, f"SettingsChanged({_SETTINGS})", _settings),
    Event(INSURANCE_FUND, "TrancheChanged(uint32,uint256)", _tranche),
    Event(CLEARING, "NonceFloorRaised(address,uint64)", _floor),
    Event(CLEARING, "SessionKeySet(address,address,uint64,uint64,uint8)", _session_key),
    Event(
        CLEARING,
        "Filled(uint32,uint64,uint64,int256,uint256,bytes32,bytes32,uint256,uint256)",
        _filled,
    ),
)
_CHANGES: Final = {(event.contract, keccak256(event.signature.encode())): event.change for event in _EVENTS}
