// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bust, LegChange, MAX_LEGS, MarketId, SubaccountChange, SubaccountId} from "../../types/Settlement.sol";
import {Quantum} from "./Quantum.sol";

/// @dev A leg in memory, by its place; zero is none.
type LegRef is uint256;

/// @notice A subaccount of a batch.
/// @param dropped Why all its fills are left out; NONE if they are not.
/// @param nLegs Legs it has in the Ledger; read once it opens one.
/// @param legs First of its legs that entries of the batch are about.
/// @param cashWad, nOpened, isTouched Of this round.
struct Account {
    SubaccountId id;
    address owner;
    uint256 nonceFloor;
    Bust dropped;
    uint256 nLegs;
    LegRef legs;
    int256 cashWad;
    uint256 nOpened;
    bool isTouched;
}

/// @notice A leg of a subaccount: what it was before the batch, and its change in this round.
struct Leg {
    uint256 market;
    LegRef next;
    int256 beforeWad;
    int256 deltaWad;
    bool isTouched;
}

/// @notice A market of a batch.
/// @param isStale No price is fresh enough for any fill.
/// @param isFresh A price is fresh enough for fills that take risk.
/// @param openInterestWad, volumeWad, notionalWad Of this round.
struct Market {
    MarketId id;
    bool isOpen;
    bool isReduceOnly;
    bool isStale;
    bool isFresh;
    uint256 lotWad;
    uint256 tickWad;
    int256 markWad;
    int256 settleIndexWad;
    uint256 makerFeePips;
    uint256 takerFeePips;
    uint256 positionCapWad;
    int256 openInterestCapWad;
    int256 openInterestBeforeWad;
    int256 openInterestWad;
    int256 volumeWad;
    int256 notionalWad;
}

/// @notice An order or a quote of a batch.
/// @param reason Why it cannot be filled at all.
/// @param key The digest that was signed; `index` is the quote's or zero.
/// @param filled Lots before the batch; `used` in this round.
struct Entry {
    uint256 account;
    uint256 market;
    LegRef leg;
    Bust reason;
    bool isBuy;
    bool isQuote;
    uint256 flags;
    uint256 lots;
    uint256 ticks;
    uint256 maxFeePips;
    bytes32 key;
    uint256 index;
    uint256 filled;
    uint256 used;
}

/// @notice All of a batch.
/// @param isClose The taker of every fill is the last entry, of the last account: it is liquidated.
struct Book {
    Account[] accounts;
    Market[] markets;
    Entry[] entries;
    bytes reasons;
    uint256 fillsAt;
    bool isClose;
}

/// @notice The fill that is looked at; one for the whole batch.
struct Match {
    Market market;
    Entry maker;
    Entry taker;
    Account makerAccount;
    Account takerAccount;
    uint256 lots;
    int256 takerSizeWad;
    int256 priceWad;
    int256 notionalWad;
    uint256 makerFeeWad;
    uint256 takerFeeWad;
}

using {toLeg} for LegRef;

function toLeg(LegRef ref) pure returns (Leg memory leg) {
    assembly ("memory-safe") {
        leg := ref
    }
}

/// @notice The rules of fills, on a batch in memory. Twin: optimistic/protocol/settlement/clearing.py.
library Netting {
    uint256 internal constant REDUCE_ONLY = 1;
    uint256 internal constant POST_ONLY = 2;

    /// @dev A billion; with the caps of positions it keeps every product of margin within 256 bits.
    uint256 internal constant MAX_PRICE_WAD = 1e27;

    /* RULES */

    /// @dev What is wrong with a fill whatever else happens in its batch; the first of the order of Bust.
    function judge(Match memory m, bool isClose) internal pure returns (Bust) {
        Market memory market = m.market;
        Entry memory maker = m.maker;
        Entry memory taker = m.taker;
        if (!market.isOpen) return Bust.MARKET_NOT_OPEN;
        if (market.isStale) return Bust.STALE_PRICE;
        if (maker.market != taker.market) return Bust.MARKETS_DIFFER;
        if (maker.isBuy == taker.isBuy) return Bust.SAME_SIDE;
        if (m.makerAccount.owner == m.takerAccount.owner) return Bust.SELF_TRADE;
        if (maker.reason != Bust.NONE) return maker.reason;
        if (taker.reason != Bust.NONE) return taker.reason;
        if (maker.ticks == 0 || maker.ticks * market.tickWad > MAX_PRICE_WAD) return Bust.PRICE;
        if (taker.isBuy ? maker.ticks > taker.ticks : maker.ticks < taker.ticks) return Bust.PRICE;
        if (taker.flags & POST_ONLY != 0) return Bust.POST_ONLY;
        if (market.makerFeePips > maker.maxFeePips) return Bust.FEE_CAP;
        if (!isClose && market.takerFeePips > taker.maxFeePips) return Bust.FEE_CAP;
        return m.makerAccount.dropped != Bust.NONE ? m.makerAccount.dropped : m.takerAccount.dropped;
    }

    /// @dev What is wrong with a fill after those before it.
    function judgeInOrder(Match memory m, bool isClose) internal pure returns (Bust) {
        Entry memory maker = m.maker;
        Entry memory taker = m.taker;
        uint256 lots = m.lots;
        if (lots == 0 || maker.filled + maker.used + lots > maker.lots) return Bust.OVERFILLED;
        if (taker.filled + taker.used + lots > taker.lots) return Bust.OVERFILLED;
        Leg memory makerLeg = maker.leg.toLeg();
        Leg memory takerLeg = taker.leg.toLeg();
        bool makerReduces = _reduces(makerLeg, -m.takerSizeWad);
        bool takerReduces = _reduces(takerLeg, m.takerSizeWad);
        if (!makerReduces && (maker.flags & REDUCE_ONLY != 0 || (m.market.isReduceOnly && !isClose))) {
            return Bust.NOT_REDUCING;
        }
        if (!takerReduces && (taker.flags & REDUCE_ONLY != 0 || m.market.isReduceOnly)) return Bust.NOT_REDUCING;
        if (!m.market.isFresh && !(makerReduces && takerReduces)) return Bust.STALE_PRICE;
        if (_breaksCaps(m, makerLeg, takerLeg)) return Bust.OPEN_INTEREST;
        if (_lacksRoom(m.makerAccount, makerLeg) || _lacksRoom(m.takerAccount, takerLeg)) return Bust.TOO_MANY_LEGS;
        return Bust.NONE;
    }

    /// @dev Whether a change brings a leg nearer to zero and not beyond.
    function _reduces(Leg memory leg, int256 changeWad) private pure returns (bool) {
        int256 sizeWad = leg.beforeWad + leg.deltaWad;
        return sizeWad > 0 ? changeWad < 0 && sizeWad + changeWad >= 0 : changeWad > 0 && sizeWad + changeWad <= 0;
    }

    /// @dev Whether the position of either side or open interest would grow beyond its cap.
    function _breaksCaps(Match memory m, Leg memory makerLeg, Leg memory takerLeg) private pure returns (bool) {
        Market memory market = m.market;
        if (_breaksCap(makerLeg, -m.takerSizeWad, market.positionCapWad)) return true;
        if (_breaksCap(takerLeg, m.takerSizeWad, market.positionCapWad)) return true;
        int256 growthWad = _longGrowth(makerLeg, -m.takerSizeWad) + _longGrowth(takerLeg, m.takerSizeWad);
        return growthWad > 0 && market.openInterestWad + growthWad > market.openInterestCapWad;
    }

    function _breaksCap(Leg memory leg, int256 changeWad, uint256 capWad) private pure returns (bool) {
        int256 sizeWad = leg.beforeWad + leg.deltaWad;
        uint256 absWad = Quantum.abs(sizeWad + changeWad);
        return absWad > capWad && absWad > Quantum.abs(sizeWad);
    }

    /// @dev How much the long part of a leg grows.
    function _longGrowth(Leg memory leg, int256 changeWad) private pure returns (int256) {
        int256 sizeWad = leg.beforeWad + leg.deltaWad;
        return _positive(sizeWad + changeWad) - _positive(sizeWad);
    }

    function _positive(int256 value) private pure returns (int256) {
        return value > 0 ? value : int256(0);
    }

    /// @dev Whether a leg would be one too many. Legs that the batch closes make no room.
    function _lacksRoom(Account memory account, Leg memory leg) private pure returns (bool) {
        return leg.beforeWad == 0 && !leg.isTouched && account.nLegs + account.nOpened >= MAX_LEGS;
    }

    /* EFFECTS, in memory */

    /// @dev Size, price, value and fees of a fill. Fees are rounded up, fill by fill; who is liquidated pays none here.
    function price(Match memory m, bool isClose) internal pure {
        Market memory market = m.market;
        int256 sizeWad = int256(m.lots * market.lotWad);
        m.takerSizeWad = m.taker.isBuy ? sizeWad : -sizeWad;
        m.priceWad = int256(m.maker.ticks * market.tickWad);
        m.notionalWad = Quantum.exact(sizeWad, m.priceWad);
        m.makerFeeWad = Quantum.pipsUp(uint256(m.notionalWad), market.makerFeePips);
        m.takerFeeWad = isClose ? 0 : Quantum.pipsUp(uint256(m.notionalWad), market.takerFeePips);
    }

    /// @dev Both legs change at the mark; what the price is off the mark moves as cash.
    function apply_(Match memory m) internal pure {
        Market memory market = m.market;
        Leg memory makerLeg = m.maker.leg.toLeg();
        Leg memory takerLeg = m.taker.leg.toLeg();
        int256 sizeWad = m.takerSizeWad;
        market.openInterestWad += _longGrowth(makerLeg, -sizeWad) + _longGrowth(takerLeg, sizeWad);
        market.volumeWad += int256(Quantum.abs(sizeWad));
        market.notionalWad += m.notionalWad;
        int256 offMarkWad = Quantum.exact(sizeWad, m.priceWad - market.markWad);
        _touch(m.makerAccount, makerLeg, -sizeWad, offMarkWad - int256(m.makerFeeWad));
        _touch(m.takerAccount, takerLeg, sizeWad, -offMarkWad - int256(m.takerFeeWad));
        m.maker.used += m.lots;
        m.taker.used += m.lots;
    }

    function _touch(Account memory account, Leg memory leg, int256 sizeWad, int256 cashWad) private pure {
        if (leg.beforeWad == 0 && !leg.isTouched) account.nOpened += 1;
        leg.isTouched = true;
        leg.deltaWad += sizeWad;
        account.isTouched = true;
        account.cashWad += cashWad;
    }

    /// @dev Back to before the first fill.
    function reset(Book memory book) internal pure {
        for (uint256 i = 0; i < book.accounts.length; ++i) {
            Account memory account = book.accounts[i];
            (account.cashWad, account.nOpened, account.isTouched) = (0, 0, false);
            for (LegRef ref = account.legs; LegRef.unwrap(ref) != 0; ref = ref.toLeg().next) {
                (ref.toLeg().deltaWad, ref.toLeg().isTouched) = (0, false);
            }
        }
        for (uint256 i = 0; i < book.markets.length; ++i) {
            Market memory market = book.markets[i];
            (market.openInterestWad, market.volumeWad, market.notionalWad) = (market.openInterestBeforeWad, 0, 0);
        }
        for (uint256 i = 0; i < book.entries.length; ++i) {
            book.entries[i].used = 0;
        }
    }

    /* LEGS AND CHANGES */

    /// @dev The leg of an account in a market; zero if no entry was about it yet.
    function find(Account memory account, uint256 market) internal pure returns (LegRef ref) {
        ref = account.legs;
        while (LegRef.unwrap(ref) != 0 && ref.toLeg().market != market) {
            ref = ref.toLeg().next;
        }
    }

    /// @dev A new leg of an account.
    function push(Account memory account, uint256 market, int256 sizeWad) internal pure returns (LegRef ref) {
        Leg memory leg = Leg({market: market, next: account.legs, beforeWad: sizeWad, deltaWad: 0, isTouched: false});
        assembly ("memory-safe") {
            ref := leg
        }
        account.legs = ref;
    }

    /// @dev What the Ledger has to do for an account.
    function change(Account memory account, Market[] memory markets)
        internal
        pure
        returns (SubaccountChange memory result)
    {
        uint256 count;
        for (LegRef ref = account.legs; LegRef.unwrap(ref) != 0; ref = ref.toLeg().next) {
            if (_changes(ref.toLeg())) ++count;
        }
        result.id = account.id;
        result.cashDeltaWad = account.cashWad;
        result.legs = new LegChange[](count);
        for (LegRef ref = account.legs; LegRef.unwrap(ref) != 0; ref = ref.toLeg().next) {
            Leg memory leg = ref.toLeg();
            if (!_changes(leg)) continue;
            Market memory market = markets[leg.market];
            LegChange memory legChange = result.legs[--count];
            (legChange.market, legChange.sizeDeltaWad, legChange.indexWad) =
            (market.id, leg.deltaWad, market.settleIndexWad);
        }
    }

    /// @dev Whether a leg was traded, and there is something to write: a leg opened and closed in one batch was never there.
    function _changes(Leg memory leg) private pure returns (bool) {
        return leg.isTouched && (leg.beforeWad != 0 || leg.deltaWad != 0);
    }
}
