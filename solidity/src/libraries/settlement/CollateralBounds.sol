// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../interfaces/settlement/ICollateral.sol";
import {PIPS} from "../../types/Settlement.sol";

/// @notice What governance may set of Collateral. The least rates let everything leave within ten days, and the greatest
/// floors keep the limits a limit.
library CollateralBounds {
    uint256 internal constant MIN_HAIRCUT_PIPS = 50_000;
    uint256 internal constant MAX_MAINTENANCE_HAIRCUT_PIPS = 500_000;
    uint256 internal constant MAX_INITIAL_HAIRCUT_PIPS = 900_000;
    uint256 internal constant MAX_ETHER_CAP_WEI = 1_000_000 ether;
    uint256 internal constant MIN_HOURLY_PIPS = 10_000;
    uint256 internal constant MIN_DAILY_PIPS = 100_000;
    uint256 internal constant MAX_HOURLY_FLOOR_WAD = 10_000_000e18;
    uint256 internal constant MAX_DAILY_FLOOR_WAD = 100_000_000e18;

    /// @dev Reverts with the name of the first parameter that is out of bounds.
    function check(ICollateral.Settings calldata s) internal pure {
        _within(
            s.etherMaintenanceHaircutPips, MIN_HAIRCUT_PIPS, MAX_MAINTENANCE_HAIRCUT_PIPS, "etherMaintenanceHaircutPips"
        );
        _within(
            s.etherInitialHaircutPips,
            s.etherMaintenanceHaircutPips,
            MAX_INITIAL_HAIRCUT_PIPS,
            "etherInitialHaircutPips"
        );
        _within(s.etherCapWei, 0, MAX_ETHER_CAP_WEI, "etherCapWei");
        _within(s.hourlyFloorWad, 0, MAX_HOURLY_FLOOR_WAD, "hourlyFloorWad");
        _within(s.hourlyPips, MIN_HOURLY_PIPS, PIPS, "hourlyPips");
        _within(s.dailyFloorWad, 0, MAX_DAILY_FLOOR_WAD, "dailyFloorWad");
        _within(s.dailyPips, MIN_DAILY_PIPS, PIPS, "dailyPips");
    }

    function _within(uint256 value, uint256 least, uint256 greatest, bytes32 parameter) private pure {
        if (value < least || value > greatest) revert ICollateral.OutOfBounds(parameter);
    }
}
