// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../src/interfaces/settlement/IPriceOracle.sol";
import {FeedId, PriceUse} from "../../src/types/Settlement.sol";

/// @notice Feeds that are stale if a test says so.
contract FakePriceOracle {
    mapping(FeedId feed => bool) internal _isStale;

    function setStale(FeedId id, bool isStale) external {
        _isStale[id] = isStale;
    }

    function fresh(FeedId id, PriceUse use) external view returns (uint256) {
        if (_isStale[id]) revert IPriceOracle.StalePrice(id, 0, uint256(use));
        return 1e18;
    }

    function feed(FeedId) external pure returns (IPriceOracle.Feed memory setting, address[] memory signers) {
        setting.maxAgeS = [uint32(15), 30, 120];
        signers = new address[](0);
    }
}
