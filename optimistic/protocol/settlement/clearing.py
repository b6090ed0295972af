"""Settle a batch of fills on a state exactly as Clearing does.

Rounds: all fills in their order, then one margin check per touched subaccount; who fails loses all its fills
of the batch, and the next round starts over. What the last round leaves is written once.
Twin: solidity/src/l2/settlement/Clearing.sol
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.batch_codec import Batch
from optimistic.protocol.settlement.ledger import SubaccountChange, settle
from optimistic.protocol.settlement.markets import status_now
from optimistic.protocol.settlement.netting import (
    MAX_STEP_WAD,
    Account,
    Entry,
    Leg,
    Match,
    Venue,
    apply,
    judge,
)
from optimistic.protocol.settlement.orders import (
    REDUCE_ONLY,
    Order,
    Quotes,
    Steps,
    leaf_key,
    order_digest,
    quotes_digest,
)
from optimistic.protocol.settlement.portfolio import check_trade, is_priced
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.signatures import recover
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import (
    LegChange,
    MarketId,
    MarketStatus,
    PriceUse,
    SubaccountId,
)
from optimistic.protocol.settlement.units import QUANTUM_WAD, WAD, floor_to
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32

SCOPE_TRADE = 1
"""What a session key may do: bit 0."""
Recover = Callable[[Hash32, bytes], Address | None]
"""Who signed a digest, from a signature of 64 bytes."""
_NO_KEY = Hash32(bytes(32))


class EntryTwice(InvalidInput):
    """An order that appears twice in a batch was filled beyond its size; Clearing reverts."""


class Settled(NamedTuple):
    """A fill as it was looked at last."""

    reason: Bust
    """NONE if it took effect."""
    maker: SubaccountId
    taker: SubaccountId
    market: MarketId
    maker_key: Hash32
    taker_key: Hash32
    lots: int
    taker_size_wad: int
    price_wad: int
    maker_fee_wad: int
    taker_fee_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a batch did."""

    fills: tuple[Settled, ...]
    """Of the batch, in its order."""
    changes: tuple[SubaccountChange, ...]
    """What the ledger was told."""
    vwap_wad: dict[MarketId, int]
    """The volume-weighted price of each market that traded, rounded down to the quantum."""

    @property
    def n_fills(self) -> int:
        """How many took effect."""
        return sum(fill.reason is Bust.NONE for fill in self.fills)


class Close(NamedTuple):
    """The side of a liquidation that has no signature: a position to close, and the worst price."""

    taker: SubaccountId
    market: MarketId
    size_wad: int
    """Change of the taker's size: opposite to its position."""
    limit_wad: int


def settle_batch(
    state: State, batch: Batch, separator: Hash32, recover_signer: Recover = recover
) -> Settlement:
    """Settle a batch on a state whose markets are as refreshed at `state.now_s`.

    Parameters
    ----------
    separator : EIP-712 domain of Clearing (`orders.domain_separator`)
    recover_signer : may answer from what the caller has checked before

    Raises
    ------
    EntryTwice : Clearing reverts
    """
    return _Book(state, batch, separator, recover_signer, None).settle()


def close_against(
    state: State, close: Close, batch: Batch, separator: Hash32, recover_signer: Recover = recover
) -> Settlement:
    """Close a part of a position against the makers of a batch, whose fills name no taker.

    Raises
    ------
    EntryTwice : Clearing reverts
    InvalidInput : the batch does not name the market
    """
    return _Book(state, batch, separator, recover_signer, close).settle()


def traded_markets(batch: Batch) -> list[MarketId]:
    """Return the markets that Clearing refreshes before it settles a batch, ascending."""
    named = {item.quotes.market for item in batch.quotes} | {item.order.market for item in batch.orders}
    return sorted(named.union(batch.extra_markets))


class _Book:
    """All of a batch in memory, and the rounds over it."""

    def __init__(
        self, state: State, batch: Batch, separator: Hash32, recover_signer: Recover, close: Close | None
    ) -> None:
        self._state, self._separator, self._recover = state, separator, recover_signer
        self._close = close
        signed: list[Quotes | Order] = [item.quotes for item in batch.quotes]
        signed += [item.order for item in batch.orders]
        self._accounts = {id_: self._account(id_) for id_ in sorted({item.subaccount for item in signed})}
        self._venues = {id_: self._venue(id_) for id_ in traded_markets(batch)}
        self._entries = self._read_entries(batch)
        self._fills = batch.fills
        for entry in self._entries:
            self._load(entry)
        self._closer = self._add_taker(close) if close is not None else None

    def settle(self) -> Settlement:
        """Work the batch out and commit it."""
        accounts = [*self._accounts.values(), *([self._closer.account] if self._closer else ())]
        while True:
            for account in accounts:
                account.reset()
            for venue in self._venues.values():
                venue.reset()
            for entry in self._all_entries():
                entry.used = 0
            played = self._play()
            changes = [self._change(account) for account in accounts if account.is_touched]
            if self._all_pass(changes):
                break
        self._store_filled()
        settle(self._state, changes)
        return Settlement(fills=tuple(played), changes=tuple(changes), vwap_wad=self._vwaps())

    def _account(self, id_: SubaccountId) -> Account:
        """A subaccount as the ledger knows it; a stranger has no owner."""
        known = self._state.subaccounts.get(id_)
        owner = known.owner if known is not None else ZERO_ADDRESS
        n_legs = len(known.legs) if known is not None else 0
        floor = self._state.nonce_floors.get(owner, 0)
        return Account(id=id_, owner=owner, nonce_floor=floor, n_legs=n_legs)

    def _venue(self, id_: MarketId) -> Venue:
        """A market as it is now; one that is not listed is not open."""
        market = self._state.markets.get(id_)
        if market is None:
            return Venue(id=id_)
        terms, limits = market.terms, market.limits
        status = status_now(market, self._state.now_s)
        is_reduce_only = status is MarketStatus.REDUCE_ONLY
        return Venue(
            id=id_,
            is_open=(is_reduce_only or status is MarketStatus.OPEN)
            and max(terms.lot_wad, terms.tick_wad) <= MAX_STEP_WAD,
            is_reduce_only=is_reduce_only,
            is_stale=not is_priced(self._state, id_, PriceUse.REDUCE),
            is_fresh=self._close is not None or is_priced(self._state, id_, PriceUse.INCREASE),
            lot_wad=terms.lot_wad,
            tick_wad=terms.tick_wad,
            mark_wad=market.mark_wad,
            settle_index_wad=market.settle_index_wad,
            maker_fee_pips=limits.maker_fee_pips,
            taker_fee_pips=limits.taker_fee_pips,
            position_cap_wad=limits.position_cap_wad,
            open_interest_cap_wad=limits.open_interest_cap_wad,
            open_interest_before_wad=market.open_interest_wad,
        )

    def _read_entries(self, batch: Batch) -> list[Entry]:
        """Quotes that programs show, in their order, then orders."""
        entries = []
        for item in batch.quotes:
            digest = quotes_digest(self._separator, item.quotes)
            reason = self._authorise(digest, item.quotes, item.signature)
            entries += [
                Entry(
                    account=self._accounts[item.quotes.subaccount],
                    venue=self._venues[item.quotes.market],
                    key=leaf_key(digest, leaf.index),
                    reason=reason,
                    is_buy=leaf.is_buy,
                    lots=leaf.lots,
                    ticks=leaf.ticks,
                    max_fee_pips=item.quotes.max_fee_pips,
                )
                for leaf in item.leaves
            ]
        for signed in batch.orders:
            order, venue = signed.order, self._venues[signed.order.market]
            digest = order_digest(self._separator, order, Steps(venue.tick_wad, venue.lot_wad))
            entries.append(
                Entry(
                    account=self._accounts[order.subaccount],
                    venue=venue,
                    key=digest,
                    reason=self._authorise(digest, order, signed.signature),
                    is_buy=order.is_buy,
                    lots=order.lots,
                    ticks=order.ticks,
                    max_fee_pips=order.max_fee_pips,
                    flags=order.flags,
                )
            )
        return entries

    def _authorise(self, digest: Hash32, signed: Quotes | Order, signature: bytes) -> Bust:
        """What is wrong with a signature, or with the time of it."""
        account = self._accounts[signed.subaccount]
        if account.owner == ZERO_ADDRESS:
            return Bust.UNKNOWN_SUBACCOUNT
        signer = self._recover(digest, signature)
        if signer is None or (signer != account.owner and not self._may_trade(account, signer)):
            return Bust.BAD_SIGNATURE
        if self._state.now_s > signed.expiry:
            return Bust.EXPIRED
        return Bust.NONCE_BELOW_FLOOR if signed.nonce < account.nonce_floor else Bust.NONE

    def _may_trade(self, account: Account, key: Address) -> bool:
        """Whether a session key may trade for a subaccount now."""
        session = self._state.session_keys.get((account.owner, key))
        if session is None or not session.scope & SCOPE_TRADE or self._state.now_s > session.expiry:
            return False
        return session.subaccount in (0, account.id)

    def _load(self, entry: Entry) -> None:
        """Lots already filled, and the leg; of what can be filled at all."""
        if entry.reason is Bust.NONE and entry.venue.is_open:
            entry.filled = self._state.filled_lots.get(entry.key, 0)
            entry.leg = self._leg(entry.account, entry.venue.id)

    def _leg(self, account: Account, market: MarketId) -> Leg:
        """The one leg of an account in a market that all its entries share."""
        if market not in account.legs:
            known = self._state.subaccounts.get(account.id)
            held = known.legs.get(market) if known is not None else None
            account.legs[market] = Leg(before_wad=0 if held is None else held.size_wad)
        return account.legs[market]

    def _add_taker(self, close: Close) -> Entry:
        """The liquidated side: it has no signature, no fee, and only reduces."""
        venue = self._venues.get(close.market)
        if venue is None:
            raise InvalidInput("the batch does not name the market")
        account, is_buy = self._account(close.taker), close.size_wad > 0
        tick, limit = venue.tick_wad, close.limit_wad
        ticks = lots = 0
        if venue.is_open:
            ticks = limit // tick if is_buy else -(-limit // tick)
            lots = abs(close.size_wad) // venue.lot_wad
        taker = Entry(
            account=account,
            venue=venue,
            key=_NO_KEY,
            reason=Bust.NONE,
            is_buy=is_buy,
            lots=lots,
            ticks=max(0, ticks),
            max_fee_pips=0,
            flags=REDUCE_ONLY,
        )
        if venue.is_open:
            taker.leg = self._leg(account, venue.id)
        return taker

    def _all_entries(self) -> Sequence[Entry]:
        """Entries of the batch, and the liquidated one."""
        return [*self._entries, self._closer] if self._closer is not None else self._entries

    def _play(self) -> list[Settled]:
        """One round over all fills."""
        played = []
        for fill in self._fills:
            maker, closer = self._entries[fill.maker], self._closer
            taker, lots = closer, fill.lots
            if closer is None or taker is None:
                taker = self._entries[fill.taker]
            else:
                lots = min(lots, closer.lots - closer.used)
            match = Match(maker, taker, lots, closer is not None)
            reason = judge(match)
            if reason is Bust.NONE:
                apply(match)
            played.append(_settled(match, reason))
        return played

    def _change(self, account: Account) -> SubaccountChange:
        """What the ledger has to do; a leg opened and closed in one batch was never there."""
        legs = tuple(
            LegChange(market, leg.delta_wad, self._venues[market].settle_index_wad)
            for market, leg in account.legs.items()
            if leg.is_touched and (leg.before_wad or leg.delta_wad)
        )
        return SubaccountChange(account.id, account.cash_wad, legs)

    def _all_pass(self, changes: Sequence[SubaccountChange]) -> bool:
        """Ask the margin engine about every subaccount that was touched, but not about the liquidated one."""
        passed = True
        for change in changes:
            if self._closer is not None and self._closer.account.id == change.id:
                continue
            dropped = check_trade(self._state, change.id, change.legs, change.cash_delta_wad)
            self._accounts[change.id].dropped = dropped
            passed = passed and dropped is Bust.NONE
        return passed

    def _store_filled(self) -> None:
        """Count the lots; an order that appears twice counts for both."""
        filled = self._state.filled_lots
        for entry in self._entries:
            if entry.used:
                total = filled.get(entry.key, 0) + entry.used
                if total > entry.lots:
                    raise EntryTwice(entry.key.hex())
                filled[entry.key] = total

    def _vwaps(self) -> dict[MarketId, int]:
        """The volume-weighted price per market that traded."""
        return {
            id_: floor_to(venue.notional_wad * WAD // venue.volume_wad, QUANTUM_WAD)
            for id_, venue in self._venues.items()
            if venue.volume_wad
        }


def _settled(match: Match, reason: Bust) -> Settled:
    """What to tell about a fill."""
    maker, taker = match.maker, match.taker
    return Settled(
        reason,
        maker.account.id,
        taker.account.id,
        maker.venue.id,
        maker.key,
        taker.key,
        match.lots,
        match.taker_size_wad,
        match.price_wad,
        match.maker_fee_wad,
        match.taker_fee_wad,
    )
