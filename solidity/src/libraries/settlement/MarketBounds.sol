// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {LOT_WAD, MarketKind, PIPS, QUANTUM_WAD} from "../../types/Settlement.sol";
import {OraclePrices} from "./OraclePrices.sol";

/// @notice What governance may set about a market; each bound is also what its field in the storage of Markets holds.
library MarketBounds {
    uint256 internal constant MAX_STEP_WAD = 1e22;
    uint256 internal constant MAX_FUTURE_S = 730 days;

    uint256 internal constant MIN_INITIAL_PIPS = 10_000;
    uint256 internal constant MAX_SIZE_MARGIN_PIPS = 1_000_000;
    uint256 internal constant MIN_MAINTENANCE_PIPS = 300_000;
    uint256 internal constant MAX_MAINTENANCE_PIPS = 900_000;
    uint256 internal constant MAX_VOLATILITY_PIPS = 4_000_000;
    uint256 internal constant MIN_BAND_PIPS = 1000;
    uint256 internal constant MAX_BAND_PIPS = 50_000;
    uint256 internal constant MAX_FEE_PIPS = 10_000;
    uint256 internal constant MAX_SIZE_WAD = 5e28;
    uint256 internal constant MAX_DEPTH_WAD = 1e8 * 1e18;
    uint256 internal constant MIN_DEPTH_WAD = 1e18;
    uint256 internal constant MAX_DEPTH_FLOOR_WAD = 1e6 * 1e18;
    uint256 internal constant MAX_MIN_NOTIONAL_WAD = 1000 * 1e18;

    /// @dev Revert with the term that is out of bounds.
    function check(IMarkets.Terms calldata terms) internal view {
        _step(terms.tickWad, uint256(QUANTUM_WAD), "tickWad");
        _step(terms.lotWad, uint256(LOT_WAD), "lotWad");
        if (terms.kind == MarketKind.PERPETUAL) {
            _within(terms.expiry, 0, 0, "expiry");
        } else {
            _within(terms.expiry, block.timestamp + OraclePrices.WINDOW_S, block.timestamp + MAX_FUTURE_S, "expiry");
            if (terms.expiry % OraclePrices.WINDOW_S != 0) revert IMarkets.OutOfBounds("expiry");
        }
    }

    /// @dev Revert with the limit that is out of bounds.
    function check(IMarkets.Limits calldata limits) internal pure {
        _within(limits.initialPips, MIN_INITIAL_PIPS, PIPS, "initialPips");
        _within(limits.sizeMarginPips, 0, MAX_SIZE_MARGIN_PIPS, "sizeMarginPips");
        _within(limits.maintenancePips, MIN_MAINTENANCE_PIPS, MAX_MAINTENANCE_PIPS, "maintenancePips");
        _within(limits.volatilityPips, PIPS, MAX_VOLATILITY_PIPS, "volatilityPips");
        _within(limits.markBandPips, MIN_BAND_PIPS, MAX_BAND_PIPS, "markBandPips");
        _within(limits.takerFeePips, 0, MAX_FEE_PIPS, "takerFeePips");
        _within(limits.makerFeePips, 0, MAX_FEE_PIPS, "makerFeePips");
        _size(limits.openInterestHighWad, limits.openInterestCapWad, "openInterestHighWad");
        _size(limits.openInterestLowWad, limits.openInterestHighWad, "openInterestLowWad");
        _size(limits.openInterestCapWad, MAX_SIZE_WAD, "openInterestCapWad");
        _size(limits.positionCapWad, limits.openInterestCapWad, "positionCapWad");
        _within(limits.depthCapWad, limits.depthFloorWad, MAX_DEPTH_WAD, "depthCapWad");
        _within(limits.depthFloorWad, MIN_DEPTH_WAD, MAX_DEPTH_FLOOR_WAD, "depthFloorWad");
        _within(limits.minNotionalWad, 0, MAX_MIN_NOTIONAL_WAD, "minNotionalWad");
    }

    function _step(uint256 value, uint256 unit, bytes32 parameter) private pure {
        _within(value, unit, MAX_STEP_WAD, parameter);
        if (value % unit != 0) revert IMarkets.OutOfBounds(parameter);
    }

    function _size(uint256 value, uint256 most, bytes32 parameter) private pure {
        _within(value, 0, most, parameter);
        if (value % uint256(LOT_WAD) != 0) revert IMarkets.OutOfBounds(parameter);
    }

    function _within(uint256 value, uint256 least, uint256 most, bytes32 parameter) private pure {
        if (value < least || value > most) revert IMarkets.OutOfBounds(parameter);
    }
}
