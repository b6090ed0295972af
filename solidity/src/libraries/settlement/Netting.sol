// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    Bust,
    LegChange,
    MAX_LEGS,
    MarketId,
    PIPS,
    SubaccountChange,
    SubaccountId,
    WAD
} from "../../types/Settlement.sol";
import {Quantum} from "./Quantum.sol";

/// @notice A subaccount of a batch.
/// @param dropped Why all its fills are left out; NONE if they are not.
/// @param nLegs Legs it has in the Ledger; read once it opens one.
/// @param firstLeg Number of the first of its legs that entries of the batch are about; zero if there is none.
/// @param cashWad, nOpened, isTouched Of this round.
struct Account {
    SubaccountId id;
    address owner;
    uint256 nonceFloor;
    Bust dropped;
    uint256 nLegs;
    uint256 firstLeg;
    int256 cashWad;
    uint256 nOpened;
    bool isTouched;
}

/// @notice A leg of a subaccount: what it was before the batch, and what it is in this round.
/// @param next Number of the next leg of the subaccount; legs are numbered from one.
struct Leg {
    uint256 market;
    uint256 next;
    int256 beforeWad;
    int256 sizeWad;
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
/// @param leg Number of the leg it is about.
/// @param reason Why it cannot be filled at all.
/// @param key The digest that was signed; `index` is the quote's or zero.
/// @param filled Lots before the batch; `used` in this round.
struct Entry {
    uint256 account;
    uint256 market;
    uint256 leg;
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
    Leg[] legs;
    uint256 nLegs;
    bytes reasons;
    uint256 fillsAt;
    bool isClose;
}

/// @notice The fill that is looked at; one for the whole batch.
/// @param makerAfterWad, takerAfterWad, growthWad Sizes of the legs, and growth of open interest, if it takes effect.
struct Match {
    Market market;
    Entry maker;
    Entry taker;
    Account makerAccount;
    Account takerAccount;
    Leg makerLeg;
    Leg takerLeg;
    uint256 lots;
    int256 takerSizeWad;
    int256 makerAfterWad;
    int256 takerAfterWad;
    int256 growthWad;
    int256 priceWad;
    int256 notionalWad;
    uint256 makerFeeWad;
    uint256 takerFeeWad;
}

/// @notice The rules of fills, on a batch in memory. Twin: optimistic/protocol/settlement/clearing.py.
/// @dev Unchecked, because the sums are far from their limits: a fill has less than 2^48 lots of at most MAX_STEP_WAD at no
/// more than MAX_PRICE_WAD, and a batch less than 2^16 fills.
library Netting {
    uint256 internal constant REDUCE_ONLY = 1;
    uint256 internal constant POST_ONLY = 2;

    /// @dev A billion; with the caps of positions it keeps every product of margin within 256 bits.
    uint256 internal constant MAX_PRICE_WAD = 1e27;

    /// @dev More than a tick or a lot ever is.
    uint256 internal constant MAX_STEP_WAD = 1e24;

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
        if (_isPriceWrong(maker.ticks, taker, market.tickWad)) return Bust.PRICE;
        if (taker.flags & POST_ONLY != 0) return Bust.POST_ONLY;
        if (market.makerFeePips > maker.maxFeePips) return Bust.FEE_CAP;
        if (!isClose && market.takerFeePips > taker.maxFeePips) return Bust.FEE_CAP;
        return m.makerAccount.dropped != Bust.NONE ? m.makerAccount.dropped : m.takerAccount.dropped;
    }

    function _isPriceWrong(uint256 ticks, Entry memory taker, uint256 tickWad) private pure returns (bool) {
        unchecked {
            if (ticks == 0 || ticks * tickWad > MAX_PRICE_WAD) return true;
        }
        return taker.isBuy ? ticks > taker.ticks : ticks < taker.ticks;
    }

    /// @dev What is wrong with a fill after those before it.
    function judgeInOrder(Match memory m, bool isClose) internal pure returns (Bust) {
        if (m.lots == 0 || _overfills(m.maker, m.lots) || _overfills(m.taker, m.lots)) return Bust.OVERFILLED;
        bool makerReduces;
        bool takerReduces;
        unchecked {
            m.makerAfterWad = m.makerLeg.sizeWad - m.takerSizeWad;
            m.takerAfterWad = m.takerLeg.sizeWad + m.takerSizeWad;
            makerReduces = _reduces(m.makerLeg.sizeWad, m.makerAfterWad);
            takerReduces = _reduces(m.takerLeg.sizeWad, m.takerAfterWad);
        }
        bool isReduceOnly = m.market.isReduceOnly;
        if (!makerReduces && (m.maker.flags & REDUCE_ONLY != 0 || (isReduceOnly && !isClose))) {
            return Bust.NOT_REDUCING;
        }
        if (!takerReduces && (m.taker.flags & REDUCE_ONLY != 0 || isReduceOnly)) return Bust.NOT_REDUCING;
        if (!m.market.isFresh && !(makerReduces && takerReduces)) return Bust.STALE_PRICE;
        if (_breaksCaps(m, makerReduces, takerReduces)) return Bust.OPEN_INTEREST;
        if (_lacksRoom(m.makerAccount, m.makerLeg) || _lacksRoom(m.takerAccount, m.takerLeg)) {
            return Bust.TOO_MANY_LEGS;
        }
        return Bust.NONE;
    }

    function _overfills(Entry memory entry, uint256 lots) private pure returns (bool) {
        unchecked {
            return entry.filled + entry.used + lots > entry.lots;
        }
    }

    /// @dev Whether a leg comes nearer to zero and not beyond.
    function _reduces(int256 beforeWad, int256 afterWad) private pure returns (bool) {
        return beforeWad > 0 ? afterWad >= 0 && afterWad < beforeWad : afterWad <= 0 && afterWad > beforeWad;
    }

    /// @dev Whether the position of either side or open interest would grow beyond its cap.
    function _breaksCaps(Match memory m, bool makerReduces, bool takerReduces) private pure returns (bool) {
        Market memory market = m.market;
        uint256 capWad = market.positionCapWad;
        if (!makerReduces && _breaksCap(m.makerLeg.sizeWad, m.makerAfterWad, capWad)) return true;
        if (!takerReduces && _breaksCap(m.takerLeg.sizeWad, m.takerAfterWad, capWad)) return true;
        unchecked {
            int256 growthWad = _positive(m.makerAfterWad) - _positive(m.makerLeg.sizeWad) + _positive(m.takerAfterWad)
                - _positive(m.takerLeg.sizeWad);
            m.growthWad = growthWad;
            return growthWad > 0 && market.openInterestWad + growthWad > market.openInterestCapWad;
        }
    }

    function _breaksCap(int256 beforeWad, int256 afterWad, uint256 capWad) private pure returns (bool) {
        uint256 absWad = Quantum.abs(afterWad);
        return absWad > capWad && absWad > Quantum.abs(beforeWad);
    }

    function _positive(int256 sizeWad) private pure returns (int256) {
        return sizeWad > 0 ? sizeWad : int256(0);
    }

    /// @dev Whether a leg would be one too many. Legs that the batch closes make no room.
    function _lacksRoom(Account memory account, Leg memory leg) private pure returns (bool) {
        unchecked {
            return leg.beforeWad == 0 && !leg.isTouched && account.nLegs + account.nOpened >= MAX_LEGS;
        }
    }

    /* EFFECTS, in memory */

    /// @dev How much the taker's position changes.
    function size(Match memory m) internal pure {
        unchecked {
            int256 sizeWad = int256(m.lots * m.market.lotWad);
            m.takerSizeWad = m.taker.isBuy ? sizeWad : -sizeWad;
        }
    }

    /// @dev Price, value and fees. The value is exact; fees are rounded up, fill by fill; who is liquidated pays none here.
    function value(Match memory m, bool isClose) internal pure {
        Market memory market = m.market;
        unchecked {
            m.priceWad = int256(m.maker.ticks * market.tickWad);
            int256 notionalWad = int256(m.lots * market.lotWad) * m.priceWad / WAD;
            m.notionalWad = notionalWad;
            m.makerFeeWad = (uint256(notionalWad) * market.makerFeePips + (PIPS - 1)) / PIPS;
            m.takerFeeWad = isClose ? 0 : (uint256(notionalWad) * market.takerFeePips + (PIPS - 1)) / PIPS;
        }
    }

    /// @dev Both legs change at the mark; what the price is off the mark moves as cash.
    function execute(Match memory m) internal pure {
        Market memory market = m.market;
        unchecked {
            int256 sizeWad = m.takerSizeWad;
            int256 offMarkWad = sizeWad * (m.priceWad - market.markWad) / WAD;
            _touch(m.makerAccount, m.makerLeg, m.makerAfterWad, offMarkWad - int256(m.makerFeeWad));
            _touch(m.takerAccount, m.takerLeg, m.takerAfterWad, -offMarkWad - int256(m.takerFeeWad));
            market.openInterestWad += m.growthWad;
            market.volumeWad += sizeWad < 0 ? -sizeWad : sizeWad;
            market.notionalWad += m.notionalWad;
            m.maker.used += m.lots;
            m.taker.used += m.lots;
        }
    }

    function _touch(Account memory account, Leg memory leg, int256 sizeWad, int256 cashWad) private pure {
        unchecked {
            if (leg.beforeWad == 0 && !leg.isTouched) account.nOpened += 1;
            leg.isTouched = true;
            leg.sizeWad = sizeWad;
            account.isTouched = true;
            account.cashWad += cashWad;
        }
    }

    /// @dev Back to before the first fill.
    function reset(Book memory book) internal pure {
        for (uint256 i = 0; i < book.accounts.length; ++i) {
            Account memory account = book.accounts[i];
            (account.cashWad, account.nOpened, account.isTouched) = (0, 0, false);
        }
        for (uint256 i = 1; i <= book.nLegs; ++i) {
            (book.legs[i].sizeWad, book.legs[i].isTouched) = (book.legs[i].beforeWad, false);
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

    /// @dev Number of the leg of an account in a market; zero if no entry was about it yet.
    function find(Book memory book, Account memory account, uint256 market) internal pure returns (uint256 number) {
        number = account.firstLeg;
        while (number != 0 && book.legs[number].market != market) {
            number = book.legs[number].next;
        }
    }

    /// @dev A new leg of an account.
    function push(Book memory book, Account memory account, uint256 market, int256 sizeWad)
        internal
        pure
        returns (uint256 number)
    {
        number = ++book.nLegs;
        book.legs[number] =
            Leg({market: market, next: account.firstLeg, beforeWad: sizeWad, sizeWad: sizeWad, isTouched: false});
        account.firstLeg = number;
    }

    /// @dev What the Ledger has to do for an account.
    function changeOf(Book memory book, Account memory account) internal pure returns (SubaccountChange memory change) {
        uint256 count;
        for (uint256 i = account.firstLeg; i != 0; i = book.legs[i].next) {
            if (_changes(book.legs[i])) ++count;
        }
        change.id = account.id;
        change.cashDeltaWad = account.cashWad;
        change.legs = new LegChange[](count);
        for (uint256 i = account.firstLeg; i != 0; i = book.legs[i].next) {
            Leg memory leg = book.legs[i];
            if (!_changes(leg)) continue;
            Market memory market = book.markets[leg.market];
            LegChange memory legChange = change.legs[--count];
            (legChange.market, legChange.sizeDeltaWad, legChange.indexWad) =
            (market.id, leg.sizeWad - leg.beforeWad, market.settleIndexWad);
        }
    }

    /// @dev Whether a leg was traded, and there is something to write: a leg opened and closed in one batch was never there.
    function _changes(Leg memory leg) private pure returns (bool) {
        return leg.isTouched && (leg.beforeWad != 0 || leg.sizeWad != 0);
    }
}
