// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LiquidationMath} from "../../src/libraries/settlement/LiquidationMath.sol";
import {MarginMath} from "../../src/libraries/settlement/MarginMath.sol";
import {Quantum} from "../../src/libraries/settlement/Quantum.sol";
import {Root} from "../../src/libraries/settlement/Root.sol";

/// @notice External doors to the arithmetic of margin and liquidation, for differential tests.
contract MarginMathHarness {
    function exact(int256 sizeWad, int256 priceWad) external pure returns (int256) {
        return Quantum.exact(sizeWad, priceWad);
    }

    function divisions(int256 a, int256 b) external pure returns (int256, int256) {
        return (Quantum.floorDiv(a, b), Quantum.ceilDiv(a, b));
    }

    function steps(int256 value, int256 step) external pure returns (int256, int256) {
        return (Quantum.floorTo(value, step), Quantum.ceilTo(value, step));
    }

    function products(uint256 a, uint256 b) external pure returns (uint256, uint256, uint256, uint256) {
        return (Quantum.mulWadDown(a, b), Quantum.mulWadUp(a, b), Quantum.pipsDown(a, b), Quantum.pipsUp(a, b));
    }

    function roots(uint256 value) external pure returns (uint256, uint256) {
        return (Root.sqrtDown(value), Root.sqrtUp(value));
    }

    function rates(
        uint256 initialPips,
        uint256 sizeMarginPips,
        uint256 maintenancePips,
        uint256 volatilityPips,
        uint256 notionalWad
    ) external pure returns (uint256 initialWad, uint256 maintenanceWad) {
        initialWad = MarginMath.initialRateWad(initialPips, sizeMarginPips, volatilityPips, notionalWad);
        maintenanceWad = MarginMath.maintenanceRateWad(initialPips, maintenancePips, volatilityPips);
    }

    function crowded(uint256 rateWad, uint256 openInterestWad, uint256 lowWad, uint256 highWad)
        external
        pure
        returns (uint256)
    {
        return MarginMath.crowdedRateWad(rateWad, openInterestWad, lowWad, highWad);
    }

    function reduces(int256 beforeWad, int256 afterWad) external pure returns (bool) {
        return MarginMath.isReduction(beforeWad, afterWad);
    }

    function noWorse(int256 equityBefore, int256 maintenanceBefore, int256 equityAfter, int256 maintenanceAfter)
        external
        pure
        returns (bool)
    {
        return MarginMath.isNoWorse(equityBefore, maintenanceBefore, equityAfter, maintenanceAfter);
    }

    function buffer(uint256 hourlyVolatilityWad, uint256 ageS) external pure returns (uint256) {
        return MarginMath.bufferRateWad(hourlyVolatilityWad, ageS);
    }

    function prices(
        int256 sizeWad,
        int256 markWad,
        int256 indexPriceWad,
        int256 equityWad,
        int256 maintenanceWad,
        uint256 rateWad,
        int256 tickWad
    ) external pure returns (int256 bankruptcy, int256 zero, int256 limit) {
        bankruptcy = LiquidationMath.bankruptcyPriceWad(sizeWad, markWad, equityWad, tickWad);
        zero =
            LiquidationMath.zeroPriceWad(sizeWad, markWad, indexPriceWad, equityWad, maintenanceWad, rateWad, tickWad);
        LiquidationMath.Case memory leg;
        (leg.sizeWad, leg.markWad, leg.indexPriceWad) = (sizeWad, markWad, indexPriceWad);
        (leg.equityWad, leg.maintenanceWad, leg.rateWad) = (equityWad, maintenanceWad, rateWad);
        leg.tickWad = uint256(tickWad);
        limit = LiquidationMath.limitPriceWad(leg);
    }

    function spread(int256 sizeWad, int256 markWad, uint256 spreadPips) external pure returns (int256) {
        return LiquidationMath.spreadPriceWad(sizeWad, markWad, spreadPips);
    }

    function closeSize(
        uint256 sizeWad,
        uint256 markWad,
        uint256 indexPriceWad,
        int256 equityWad,
        int256 maintenanceWad,
        uint256 rateWad,
        uint256 penaltyRateWad,
        uint256 lotWad,
        uint256 minNotionalWad
    ) external pure returns (uint256) {
        LiquidationMath.Case memory leg;
        (leg.lotWad, leg.minNotionalWad, leg.rateWad) = (lotWad, minNotionalWad, rateWad);
        (leg.sizeWad, leg.markWad, leg.indexPriceWad) = (int256(sizeWad), int256(markWad), int256(indexPriceWad));
        (leg.equityWad, leg.maintenanceWad) = (equityWad, maintenanceWad);
        return LiquidationMath.closeSizeWad(leg, penaltyRateWad);
    }

    function depth(int256 reportedWad, uint256 floorWad, uint256 capWad) external pure returns (uint256) {
        return LiquidationMath.depthWad(reportedWad, floorWad, capWad);
    }

    function penalty(uint256 notionalWad, uint256 depthWad, uint256 volatilityWad, uint256 rateWad, int256 equityWad)
        external
        pure
        returns (uint256 rate, uint256 paid, uint256 reward)
    {
        rate = LiquidationMath.penaltyRateWad(notionalWad, depthWad, volatilityWad, rateWad);
        paid = LiquidationMath.penaltyWad(notionalWad, rate, equityWad);
        reward = LiquidationMath.rewardWad(paid);
    }
}
