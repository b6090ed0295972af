// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {FeedId, MarketId, MarketStatus, PriceUse} from "../../src/types/Settlement.sol";

/// @notice Markets as a test sets them, for margin and liquidation: everything is stored, nothing follows.
contract FakeBoard {
    struct Listed {
        IMarkets.Terms terms;
        IMarkets.Limits limits;
        IMarkets.State state;
        IMarkets.BookReport report;
        uint256 volatilityWad;
        uint64 resumedAt;
        bool[3] isStale;
        uint256 nRefreshes;
    }

    mapping(MarketId market => Listed) internal _listed;

    /* SETTING */

    function setUpMarket(MarketId market, IMarkets.Terms calldata terms_, IMarkets.Limits calldata limits_) external {
        _listed[market].terms = terms_;
        _listed[market].limits = limits_;
        _listed[market].state.status = MarketStatus.OPEN;
    }

    function setLimits(MarketId market, IMarkets.Limits calldata limits_) external {
        _listed[market].limits = limits_;
    }

    /// @dev Index and mark alike, priced now, without funding.
    function setPrice(MarketId market, int256 priceWad) external {
        setMark(market, priceWad, priceWad, priceWad);
    }

    function setMark(MarketId market, int256 indexPriceWad, int256 markWad, int256 settleIndexWad) public {
        IMarkets.State storage state_ = _listed[market].state;
        (state_.indexPriceWad, state_.markWad, state_.settleIndexWad) = (indexPriceWad, markWad, settleIndexWad);
        state_.pricedAt = uint64(block.timestamp);
    }

    function setStatus(MarketId market, MarketStatus status) external {
        _listed[market].state.status = status;
    }

    function setStale(MarketId market, PriceUse use, bool isStale) external {
        _listed[market].isStale[uint256(use)] = isStale;
    }

    function setReport(MarketId market, int256 depthWad) external {
        _listed[market].report.depthWad = depthWad;
        _listed[market].report.timestamp = uint64(block.timestamp);
    }

    function setVolatility(MarketId market, uint256 volatilityWad) external {
        _listed[market].volatilityWad = volatilityWad;
    }

    function setResumedAt(MarketId market, uint64 at) external {
        _listed[market].resumedAt = at;
    }

    /* WHAT IS ASKED */

    function terms(MarketId market) external view returns (IMarkets.Terms memory) {
        return _listed[market].terms;
    }

    function limits(MarketId market) external view returns (IMarkets.Limits memory) {
        return _listed[market].limits;
    }

    function state(MarketId market) external view returns (IMarkets.State memory) {
        return _listed[market].state;
    }

    function report(MarketId market) external view returns (IMarkets.BookReport memory) {
        return _listed[market].report;
    }

    function resumedAt(MarketId market) external view returns (uint64) {
        return _listed[market].resumedAt;
    }

    function hourlyVolatilityWad(MarketId market) external view returns (uint256) {
        return _listed[market].volatilityWad;
    }

    function nRefreshes(MarketId market) external view returns (uint256) {
        return _listed[market].nRefreshes;
    }

    function refresh(MarketId market) external returns (IMarkets.State memory) {
        _listed[market].nRefreshes += 1;
        return _listed[market].state;
    }

    function marginTerms(MarketId market, PriceUse use) external view returns (IMarkets.MarginTerms memory answer) {
        Listed storage listed = _listed[market];
        answer.status = listed.state.status;
        answer.isFresh = listed.state.pricedAt != 0 && !listed.isStale[uint256(use)];
        answer.feed = FeedId.wrap(MarketId.unwrap(market));
        answer.initialPips = listed.limits.initialPips;
        answer.sizeMarginPips = listed.limits.sizeMarginPips;
        answer.maintenancePips = listed.limits.maintenancePips;
        answer.volatilityPips = listed.limits.volatilityPips;
        answer.openInterestLowWad = listed.limits.openInterestLowWad;
        answer.openInterestHighWad = listed.limits.openInterestHighWad;
        answer.indexPriceWad = listed.state.indexPriceWad;
        answer.markWad = listed.state.markWad;
        answer.settleIndexWad = listed.state.settleIndexWad;
        answer.pricedAt = listed.state.pricedAt;
    }
}
