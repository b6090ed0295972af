// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bust, LegChange, SubaccountId} from "../../src/types/Settlement.sol";

/// @notice A margin engine that refuses a subaccount whose cash would change by less than its floor.
contract FakeRiskManager {
    struct Floor {
        bool isSet;
        int256 cashDeltaWad;
        Bust reason;
    }

    mapping(SubaccountId id => Floor) internal _floors;

    function setFloor(SubaccountId id, int256 cashDeltaWad, Bust reason) external {
        _floors[id] = Floor(true, cashDeltaWad, reason);
    }

    function checkTrade(SubaccountId id, LegChange[] calldata, int256 cashDeltaWad) external view returns (Bust) {
        Floor memory floor = _floors[id];
        return floor.isSet && cashDeltaWad < floor.cashDeltaWad ? floor.reason : Bust.NONE;
    }
}
