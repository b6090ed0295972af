// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FeedId, MarketId, MarketKind, MarketStatus, PriceUse, SubaccountId} from "../../types/Settlement.sol";

/// @title Markets (L2)
/// @notice What can be traded, at which tick and lot, with which margin and caps; the mark, and funding.
interface IMarkets {
    /// @notice What never changes about a market.
    /// @param tickWad Smallest price step, a multiple of QUANTUM_WAD.
    /// @param lotWad Smallest size step, a multiple of LOT_WAD.
    /// @param expiry When a dated future settles, a multiple of half an hour; zero for a perpetual.
    struct Terms {
        FeedId feed;
        MarketKind kind;
        uint64 expiry;
        uint128 tickWad;
        uint128 lotWad;
    }

    /// @notice What governance may change, within bounds of the code (library MarketBounds).
    /// @param initialPips imf0: initial margin of a small position.
    /// @param sizeMarginPips imfK: more per root of a million of notional.
    /// @param maintenancePips Maintenance margin as a part of imf0 (default 600,000).
    /// @param volatilityPips volMult: multiplies both; 1,000,000 is one.
    /// @param markBandPips κ: the mark stays this near to the index.
    /// @param takerFeePips, makerFeePips Of the notional, rounded up per fill.
    /// @param openInterestLowWad, openInterestHighWad Open interest at which initial margin starts to grow and is all.
    /// @param openInterestCapWad, positionCapWad More is refused.
    /// @param depthCapWad, depthFloorWad Bounds of the reported depth in the liquidation penalty (notional).
    /// @param minNotionalWad A smaller position is liquidated whole.
    struct Limits {
        uint32 initialPips;
        uint32 sizeMarginPips;
        uint32 maintenancePips;
        uint32 volatilityPips;
        uint32 markBandPips;
        uint32 takerFeePips;
        uint32 makerFeePips;
        uint128 openInterestLowWad;
        uint128 openInterestHighWad;
        uint128 openInterestCapWad;
        uint128 positionCapWad;
        uint128 depthCapWad;
        uint128 depthFloorWad;
        uint128 minNotionalWad;
    }

    /// @notice Where a market is, as of its last refresh. `settleIndexWad` = mark − cumulative funding; a position gains
    /// size × (settleIndexWad − its index) when it is settled. Of an expired future it is the settlement price. A future
    /// whose time has come is HALTED until its settlement price is known.
    /// @param indexPriceWad The price of the feed; of a future, from half an hour before its expiry on, what it would
    /// settle at if that price stood.
    struct State {
        MarketStatus status;
        int256 indexPriceWad;
        int256 markWad;
        int256 settleIndexWad;
        uint64 pricedAt;
    }

    /// @notice What the margin of a leg depends on, in one read: terms, limits and state of a market.
    /// @param isFresh Whether the price behind the mark is fresh enough for the use asked about; true once expired.
    struct MarginTerms {
        MarketStatus status;
        bool isFresh;
        FeedId feed;
        uint32 initialPips;
        uint32 sizeMarginPips;
        uint32 maintenancePips;
        uint32 volatilityPips;
        uint128 openInterestLowWad;
        uint128 openInterestHighWad;
        int256 indexPriceWad;
        int256 markWad;
        int256 settleIndexWad;
        uint64 pricedAt;
    }

    /// @notice What clearing needs of a market for a batch, in one call.
    /// @param canIncrease, canReduce Whether the price behind the mark is fresh enough for that.
    struct Trading {
        MarketStatus status;
        bool canIncrease;
        bool canReduce;
        int256 markWad;
        int256 settleIndexWad;
        uint128 tickWad;
        uint128 lotWad;
        uint32 takerFeePips;
        uint32 makerFeePips;
        uint128 openInterestCapWad;
        uint128 positionCapWad;
    }

    /// @notice What the reporter says about its book; unverifiable, so its power is bounded: the mark never leaves the
    /// stretch between the index and the average of settled trades because of it.
    /// @param bestBidWad, bestAskWad Zero: that side is empty.
    /// @param impactBidWad, impactAskWad Average price of a trade of the impact notional; zero: not enough depth.
    /// @param depthWad Notional near the mark, for the liquidation penalty.
    struct BookReport {
        int256 bestBidWad;
        int256 bestAskWad;
        int256 impactBidWad;
        int256 impactAskWad;
        int256 depthWad;
        uint64 timestamp;
    }

    event MarketListed(MarketId indexed market, Terms terms);
    event LimitsChanged(MarketId indexed market, Limits limits);
    event StatusChanged(MarketId indexed market, MarketStatus status);

    /// @notice Index, mark, settlement index and funding rate after a refresh; funding accrued up to `timestamp`.
    event MarketRefreshed(
        MarketId indexed market,
        int256 indexPriceWad,
        int256 markWad,
        int256 settleIndexWad,
        int256 fundingRateWad,
        uint64 timestamp
    );
    event TradesNoted(MarketId indexed market, int256 vwapWad, int256 basisWad);
    event ReporterChanged(address indexed reporter);
    event BookReported(MarketId indexed market, BookReport report);
    event FutureSettled(MarketId indexed market, int256 settlementPriceWad);

    error UnknownMarket(MarketId market);
    error OutOfBounds(bytes32 parameter);
    error NotReporter();
    error NotGovernor();
    error NotModule(address caller);
    error NotExpired(uint64 expiry);
    error NotSettled(MarketId market);
    error ReportNotNewer();
    error ReportFromTheFuture(uint64 timestamp);
    error InvalidReport();
    error NoSettlementPriceYet();

    function terms(MarketId market) external view returns (Terms memory);
    function limits(MarketId market) external view returns (Limits memory);
    function state(MarketId market) external view returns (State memory);
    function report(MarketId market) external view returns (BookReport memory);

    /// @notice Of an expired future everything that asks for margin is zero.
    function marginTerms(MarketId market, PriceUse use) external view returns (MarginTerms memory);

    /// @notice When prices came back after the last outage (a gap of more than ten minutes); liquidations wait a while from
    /// then on, so that owners can act first.
    function resumedAt(MarketId market) external view returns (uint64);
    function nMarkets() external view returns (uint32);
    function reporter() external view returns (address);

    /// @notice The rate of this hour per eight hours, the sum of funding to the wei (what a long contract has paid), the
    /// reported premium that is being averaged, the average basis, and the price up to which all of it has come. In WAD.
    function funding(MarketId market)
        external
        view
        returns (int256 ratePer8hWad, int256 cumulativeWad, int256 premiumWad, int256 basisWad, uint64 accruedAt);

    /// @notice Standard deviation of the index per hour (EWMA), in WAD; for the liquidation penalty.
    function hourlyVolatilityWad(MarketId market) external view returns (uint256);

    /// @notice Bring mark and funding up to the latest price. Anybody. Never reverts for a listed market.
    function refresh(MarketId market) external returns (State memory);

    /// @notice Refresh, and what clearing needs to know. Anybody. Never reverts; of an unknown market the status is NONE.
    function refreshForTrading(MarketId market) external returns (Trading memory);

    /// @notice Volume-weighted price of a batch; moves the basis average. Clearing only, after a refresh.
    function noteTrades(MarketId market, int256 vwapWad) external;

    /// @notice Reporter only.
    function reportBook(MarketId market, BookReport calldata report) external;

    /// @notice Fix the settlement price of a future whose time has come: the average of the half hour before it or, if that
    /// one does not count, of the first later one that does. Anybody.
    /// @return settled False if more half hours have to be looked at: call again.
    function settleFuture(MarketId market) external returns (bool settled);

    /// @notice Turn positions of a settled future into cash; subaccounts without one are passed over. Anybody.
    function closeExpired(MarketId market, SubaccountId[] calldata ids) external;

    /// @notice List a market; RiskGovernor only.
    function list(Terms calldata terms, Limits calldata limits) external returns (MarketId market);

    /// @notice RiskGovernor only.
    function setLimits(MarketId market, Limits calldata limits) external;
    function setStatus(MarketId market, MarketStatus status) external;
    function setReporter(address reporter) external;
}
