// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../src/interfaces/settlement/IPriceOracle.sol";
import {FeedId, MarketId, PriceUse, SubaccountId} from "../../src/types/Settlement.sol";

/// @notice Says what a test wants of margin.
contract FakeRiskManager {
    int256 public cashWad;
    int256 public valueWad;
    bool public isStale;

    function set(int256 newCashWad, int256 newValueWad, bool newIsStale) external {
        (cashWad, valueWad, isStale) = (newCashWad, newValueWad, newIsStale);
    }

    function withdrawableCashWad(SubaccountId) external view returns (int256) {
        _requireFresh();
        return cashWad;
    }

    function withdrawableWad(SubaccountId) external view returns (int256) {
        _requireFresh();
        return valueWad;
    }

    function _requireFresh() internal view {
        if (isStale) revert IPriceOracle.StalePrice(FeedId.wrap(1), 0, 0);
    }
}

/// @notice One feed with a price of a test's choice.
contract FakePriceOracle {
    uint256 public priceWad;
    bool public isFreshNow;

    function set(uint256 newPriceWad, bool newIsFresh) external {
        (priceWad, isFreshNow) = (newPriceWad, newIsFresh);
    }

    function latest(FeedId id) external view returns (uint256, uint64) {
        _requireKnown(id);
        return (priceWad, 0);
    }

    function isFresh(FeedId id, PriceUse) external view returns (bool) {
        _requireKnown(id);
        return isFreshNow;
    }

    function feed(FeedId id) external pure returns (IPriceOracle.Feed memory setting, address[] memory signers) {
        _requireKnown(id);
        return (setting, signers);
    }

    function _requireKnown(FeedId id) internal pure {
        if (FeedId.unwrap(id) != 1) revert IPriceOracle.UnknownFeed(id);
    }
}

/// @notice Counts what it is asked to refresh.
contract FakeMarkets {
    mapping(MarketId market => uint256) public refreshes;

    function refresh(MarketId market) external returns (IMarkets.State memory state) {
        refreshes[market] += 1;
        return state;
    }
}

/// @notice Sealed when a test says so.
contract FakeRiskGovernor {
    bool public isSealed;

    function seal() external {
        isSealed = true;
    }
}
