// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {MarketId} from "../../src/types/Settlement.sol";

/// @notice Markets as a test sets them: what Clearing asks for, and the trades it reports.
contract FakeMarkets {
    mapping(MarketId market => IMarkets.Trading) internal _tradings;
    mapping(MarketId market => int256) public notedWad;
    uint256 public nNoted;

    function set(MarketId market, IMarkets.Trading calldata trading) external {
        _tradings[market] = trading;
    }

    function tradingOf(MarketId market) external view returns (IMarkets.Trading memory) {
        return _tradings[market];
    }

    function refreshForTrading(MarketId market) external view returns (IMarkets.Trading memory) {
        return _tradings[market];
    }

    function noteTrades(MarketId market, int256 vwapWad) external {
        notedWad[market] = vwapWad;
        ++nNoted;
    }
}
