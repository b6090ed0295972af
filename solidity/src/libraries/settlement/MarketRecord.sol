// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {FeedId, LOT_WAD, MarketKind, MarketStatus, QUANTUM_WAD} from "../../types/Settlement.sol";
import {OraclePrices} from "./OraclePrices.sol";

/// @dev What every touch of a market reads. Prices are in quanta.
/// @param expiryWindows Expiry in half hours; zero for a perpetual.
/// @param pricedAt Time of the price behind the mark; zero if there was none.
struct Core {
    MarketStatus status;
    FeedId feed;
    uint24 expiryWindows;
    uint40 pricedAt;
    uint72 indexQuanta;
    uint72 markQuanta;
}

/// @dev Funding as of `pricedAt`.
struct Accrual {
    int112 cumulativeWad;
    int64 rateWad;
    int72 premiumSumWad;
}

/// @dev What settled trades and prices say over time.
struct Trades {
    uint72 lastQuanta;
    int56 basisWad;
    uint40 basisAt;
    uint64 varianceWad;
}

/// @dev The part of a report that the mark and funding read.
struct Top {
    uint72 bidQuanta;
    uint72 askQuanta;
    uint40 reportedAt;
    int56 premiumWad;
}

/// @dev The rest of a report.
struct Depth {
    uint72 impactBidQuanta;
    uint72 impactAskQuanta;
    uint112 depthWad;
}

/// @dev What margin, mark and funding depend on.
struct MarginLimits {
    uint24 initialPips;
    uint24 sizeMarginPips;
    uint24 maintenancePips;
    uint24 volatilityPips;
    uint24 markBandPips;
    uint64 openInterestLowLots;
    uint64 openInterestHighLots;
}

/// @dev What clearing depends on.
struct TradingLimits {
    uint56 tickQuanta;
    uint56 lotLots;
    uint56 openInterestCapLots;
    uint56 positionCapLots;
    uint16 takerFeePips;
    uint16 makerFeePips;
}

/// @dev What liquidation depends on.
struct LiquidationLimits {
    uint88 depthCapWad;
    uint80 depthFloorWad;
    uint72 minNotionalWad;
}

/// @dev Rare things.
/// @param settleFrom End of the first half hour that may still give a future its settlement price.
struct Times {
    uint40 resumedAt;
    uint40 settleFrom;
}

/// @notice A market in storage: one slot per member. MarketBounds keeps every field within its type.
struct MarketRecord {
    Core core;
    Accrual accrual;
    Trades trades;
    Top top;
    Depth depth;
    MarginLimits margin;
    TradingLimits trading;
    LiquidationLimits liquidation;
    Times times;
}

using MarketRecords for MarketRecord global;
using MarketRecords for Core global;

/// @notice Between a market's record and what the interface says about it.
library MarketRecords {
    uint256 private constant QUANTUM = uint256(QUANTUM_WAD);
    uint256 private constant LOT = uint256(LOT_WAD);

    /* WRITE */

    function setTerms(MarketRecord storage self, IMarkets.Terms calldata terms) internal {
        self.core.feed = terms.feed;
        self.core.expiryWindows = uint24(terms.expiry / OraclePrices.WINDOW_S);
        self.times.settleFrom = uint40(terms.expiry);
        self.trading.tickQuanta = uint56(terms.tickWad / QUANTUM);
        self.trading.lotLots = uint56(terms.lotWad / LOT);
    }

    function setLimits(MarketRecord storage self, IMarkets.Limits calldata limits) internal {
        self.margin = MarginLimits({
            initialPips: uint24(limits.initialPips),
            sizeMarginPips: uint24(limits.sizeMarginPips),
            maintenancePips: uint24(limits.maintenancePips),
            volatilityPips: uint24(limits.volatilityPips),
            markBandPips: uint24(limits.markBandPips),
            openInterestLowLots: uint64(limits.openInterestLowWad / LOT),
            openInterestHighLots: uint64(limits.openInterestHighWad / LOT)
        });
        TradingLimits storage trading = self.trading;
        trading.openInterestCapLots = uint56(limits.openInterestCapWad / LOT);
        trading.positionCapLots = uint56(limits.positionCapWad / LOT);
        trading.takerFeePips = uint16(limits.takerFeePips);
        trading.makerFeePips = uint16(limits.makerFeePips);
        self.liquidation = LiquidationLimits({
            depthCapWad: uint88(limits.depthCapWad),
            depthFloorWad: uint80(limits.depthFloorWad),
            minNotionalWad: uint72(limits.minNotionalWad)
        });
    }

    /// @dev Prices below a quantum's multiple are rounded down to it; depth is cut at what the field holds.
    function setReport(MarketRecord storage self, IMarkets.BookReport calldata report, int256 premiumWad) internal {
        uint256 depth = uint256(report.depthWad);
        self.top = Top({
            bidQuanta: uint72(uint256(report.bestBidWad) / QUANTUM),
            askQuanta: uint72(uint256(report.bestAskWad) / QUANTUM),
            reportedAt: uint40(report.timestamp),
            premiumWad: int56(premiumWad)
        });
        self.depth = Depth({
            impactBidQuanta: uint72(uint256(report.impactBidWad) / QUANTUM),
            impactAskQuanta: uint72(uint256(report.impactAskWad) / QUANTUM),
            depthWad: uint112(depth < type(uint112).max ? depth : type(uint112).max)
        });
    }

    /* READ */

    function indexWad(Core memory self) internal pure returns (int256) {
        return int256(uint256(self.indexQuanta) * QUANTUM);
    }

    function markWad(Core memory self) internal pure returns (int256) {
        return int256(uint256(self.markQuanta) * QUANTUM);
    }

    function expiry(Core memory self) internal pure returns (uint64) {
        return uint64(self.expiryWindows * OraclePrices.WINDOW_S);
    }

    function isPerpetual(Core memory self) internal pure returns (bool) {
        return self.expiryWindows == 0;
    }

    /// @dev Whether a price of this time is part of what a future will settle at.
    function isSettling(Core memory self, uint256 time) internal pure returns (bool) {
        return !self.isPerpetual() && time + OraclePrices.WINDOW_S >= self.expiry();
    }

    /// @dev Nothing may be traded between a future's expiry and its settlement.
    function statusNow(Core memory self) internal view returns (MarketStatus) {
        bool isOver = self.expiryWindows != 0 && block.timestamp >= self.expiry();
        return isOver && self.status != MarketStatus.EXPIRED ? MarketStatus.HALTED : self.status;
    }

    /// @dev Mark less cumulative funding; the latter toward zero to the quantum.
    function settleIndexWad(MarketRecord storage self, Core memory core) internal view returns (int256) {
        return core.markWad() - int256(self.accrual.cumulativeWad) / QUANTUM_WAD * QUANTUM_WAD;
    }

    function asTerms(MarketRecord storage self) internal view returns (IMarkets.Terms memory) {
        Core memory core = self.core;
        return IMarkets.Terms({
            feed: core.feed,
            kind: core.isPerpetual() ? MarketKind.PERPETUAL : MarketKind.FUTURE,
            expiry: core.expiry(),
            tickWad: uint128(self.trading.tickQuanta * QUANTUM),
            lotWad: uint128(self.trading.lotLots * LOT)
        });
    }

    function asLimits(MarketRecord storage self) internal view returns (IMarkets.Limits memory) {
        MarginLimits memory margin = self.margin;
        TradingLimits memory trading = self.trading;
        LiquidationLimits memory liquidation = self.liquidation;
        return IMarkets.Limits({
            initialPips: margin.initialPips,
            sizeMarginPips: margin.sizeMarginPips,
            maintenancePips: margin.maintenancePips,
            volatilityPips: margin.volatilityPips,
            markBandPips: margin.markBandPips,
            takerFeePips: trading.takerFeePips,
            makerFeePips: trading.makerFeePips,
            openInterestLowWad: uint128(margin.openInterestLowLots * LOT),
            openInterestHighWad: uint128(margin.openInterestHighLots * LOT),
            openInterestCapWad: uint128(trading.openInterestCapLots * LOT),
            positionCapWad: uint128(trading.positionCapLots * LOT),
            depthCapWad: liquidation.depthCapWad,
            depthFloorWad: liquidation.depthFloorWad,
            minNotionalWad: liquidation.minNotionalWad
        });
    }

    function asReport(MarketRecord storage self) internal view returns (IMarkets.BookReport memory) {
        Top memory top = self.top;
        Depth memory depth = self.depth;
        return IMarkets.BookReport({
            bestBidWad: int256(top.bidQuanta * QUANTUM),
            bestAskWad: int256(top.askQuanta * QUANTUM),
            impactBidWad: int256(depth.impactBidQuanta * QUANTUM),
            impactAskWad: int256(depth.impactAskQuanta * QUANTUM),
            depthWad: int256(uint256(depth.depthWad)),
            timestamp: top.reportedAt
        });
    }
}
