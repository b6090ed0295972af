// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {MarginMath} from "../../src/libraries/settlement/MarginMath.sol";
import {Root} from "../../src/libraries/settlement/Root.sol";

/// @notice Roots, rates of margin, and the rule of acceptance.
contract MarginMathTest is Test {
    /* ROOTS */

    function testFuzz_sqrtDown_isTheGreatestWhoseSquareFits(uint256 value) public pure {
        uint256 root = Root.sqrtDown(value);
        assertLe(root, type(uint128).max);
        assertLe(root * root, value);
        if (root < type(uint128).max) assertGt((root + 1) * (root + 1), value);
    }

    function testFuzz_sqrtUp_isTheLeastWhoseSquareIsNotBelow(uint256 value) public pure {
        value = bound(value, 0, type(uint256).max - type(uint128).max);
        uint256 root = Root.sqrtUp(value);
        assertEq(root, Root.sqrtDown(value) ** 2 == value ? Root.sqrtDown(value) : Root.sqrtDown(value) + 1);
    }

    function test_sqrt_edges() public pure {
        assertEq(Root.sqrtDown(0), 0);
        assertEq(Root.sqrtUp(0), 0);
        assertEq(Root.sqrtDown(1), 1);
        assertEq(Root.sqrtDown(3), 1);
        assertEq(Root.sqrtUp(3), 2);
        assertEq(Root.sqrtDown(type(uint256).max), type(uint128).max);
    }

    /* RATES */

    function test_rates_handComputed() public pure {
        // 5 % × 1.5 plus 0.1 % × √4, of four millions.
        assertEq(MarginMath.initialRateWad(50_000, 1000, 1_500_000, 4_000_000e18), 0.077e18);
        assertEq(MarginMath.maintenanceRateWad(50_000, 600_000, 1_500_000), 0.045e18);
    }

    function testFuzz_initialRate_staysBetweenBaseAndOne(
        uint256 initialPips,
        uint256 sizePips,
        uint256 volatilityPips,
        uint256 notionalWad
    ) public pure {
        (initialPips, sizePips, volatilityPips, notionalWad) =
            _bound(initialPips, sizePips, volatilityPips, notionalWad);
        uint256 rate = MarginMath.initialRateWad(initialPips, sizePips, volatilityPips, notionalWad);
        assertGe(rate, initialPips * 1e12);
        assertLe(rate, 1e18);
    }

    function testFuzz_initialRate_neverFallsWithSizeAndVolatility(
        uint256 initialPips,
        uint256 sizePips,
        uint256 volatilityPips,
        uint256 notionalWad
    ) public pure {
        (initialPips, sizePips, volatilityPips, notionalWad) =
            _bound(initialPips, sizePips, volatilityPips, notionalWad);
        uint256 rate = MarginMath.initialRateWad(initialPips, sizePips, volatilityPips, notionalWad);
        assertGe(MarginMath.initialRateWad(initialPips, sizePips, volatilityPips, notionalWad * 2), rate);
        assertGe(MarginMath.initialRateWad(initialPips, sizePips, volatilityPips + 1, notionalWad), rate);
    }

    function testFuzz_maintenanceRate_isNeverAboveTheInitialRate(
        uint256 initialPips,
        uint256 sizePips,
        uint256 maintenancePips,
        uint256 volatilityPips,
        uint256 notionalWad
    ) public pure {
        (initialPips, sizePips, volatilityPips, notionalWad) =
            _bound(initialPips, sizePips, volatilityPips, notionalWad);
        maintenancePips = bound(maintenancePips, 0, 1e6);
        uint256 rate = MarginMath.maintenanceRateWad(initialPips, maintenancePips, volatilityPips);
        assertLe(rate, MarginMath.initialRateWad(initialPips, sizePips, volatilityPips, notionalWad));
    }

    function testFuzz_crowdedRate_growsToOneBetweenLowAndHigh(
        uint256 rate,
        uint256 openInterest,
        uint256 low,
        uint256 span
    ) public pure {
        rate = bound(rate, 0, 1e18);
        low = bound(low, 0, 1e30);
        span = bound(span, 1, 1e30);
        openInterest = bound(openInterest, 0, 4e30);
        uint256 crowded = MarginMath.crowdedRateWad(rate, openInterest, low, low + span);
        assertGe(crowded, rate);
        assertLe(crowded, 1e18);
        if (openInterest <= low) assertEq(crowded, rate);
        if (openInterest >= low + span) assertEq(crowded, 1e18);
        assertGe(MarginMath.crowdedRateWad(rate, openInterest + 1e12, low, low + span), crowded);
    }

    function testFuzz_crowdedRate_emptyInterval_changesNothing(uint256 rate, uint256 openInterest, uint256 low)
        public
        pure
    {
        assertEq(MarginMath.crowdedRateWad(rate, openInterest, low, bound(openInterest, 0, low)), rate);
    }

    /* ACCEPTANCE */

    function test_isReduction_table() public pure {
        assertTrue(MarginMath.isReduction(10, 10));
        assertTrue(MarginMath.isReduction(10, 1));
        assertTrue(MarginMath.isReduction(10, 0));
        assertTrue(MarginMath.isReduction(0, 0));
        assertTrue(MarginMath.isReduction(-10, -9));
        assertFalse(MarginMath.isReduction(10, 11));
        assertFalse(MarginMath.isReduction(10, -1));
        assertFalse(MarginMath.isReduction(-10, 1));
        assertFalse(MarginMath.isReduction(-10, -11));
        assertFalse(MarginMath.isReduction(0, 1));
        assertFalse(MarginMath.isReduction(0, -1));
    }

    function test_isNoWorse_healthKeptButValueGone_isWorse() public pure {
        // Ten times as healthy by ratio, yet nine tenths of the excess are somebody else's now.
        assertTrue(MarginMath.isNoWorse(100, 10, 91, 1));
        assertFalse(MarginMath.isNoWorse(100, 10, 90, 1));
        assertFalse(MarginMath.isNoWorse(100, 10, 10, 1));
    }

    function test_isNoWorse_unhealthy_ratioDecides() public pure {
        // Equity 5 of 10: closing half may cost half of the equity, no more.
        assertTrue(MarginMath.isNoWorse(50, 100, 25, 50));
        assertFalse(MarginMath.isNoWorse(50, 100, 24, 50));
    }

    function test_isNoWorse_underwater_lossMayNotGrowAgainstMargin() public pure {
        assertTrue(MarginMath.isNoWorse(-50, 100, -25, 50));
        assertTrue(MarginMath.isNoWorse(-50, 100, 0, 0));
        assertFalse(MarginMath.isNoWorse(-50, 100, -50, 50));
    }

    function testFuzz_isNoWorse_nothingHeldBefore_equityMayNotFall(int128 equity, int128 delta) public pure {
        assertEq(MarginMath.isNoWorse(equity, 0, int256(equity) + delta, 0), delta >= 0);
    }

    /* WITHDRAWALS */

    function test_bufferRate_withinBounds() public pure {
        assertEq(MarginMath.bufferRateWad(0, 0), 0.015e18);
        // 10 × 0.8 % × √(1 / 4) at fifteen minutes.
        assertEq(MarginMath.bufferRateWad(0.008e18, 840), 0.04e18);
        assertEq(MarginMath.bufferRateWad(0.5e18, 3600), 0.18e18);
    }

    function testFuzz_bufferRate_neverFallsWithAgeAndVolatility(uint256 volatility, uint256 age) public pure {
        volatility = bound(volatility, 0, 1e18);
        age = bound(age, 0, 1e6);
        uint256 rate = MarginMath.bufferRateWad(volatility, age);
        assertGe(MarginMath.bufferRateWad(volatility + 1, age), rate);
        assertGe(MarginMath.bufferRateWad(volatility, age + 1), rate);
    }

    function _bound(uint256 initialPips, uint256 sizePips, uint256 volatilityPips, uint256 notionalWad)
        private
        pure
        returns (uint256, uint256, uint256, uint256)
    {
        return (
            bound(initialPips, 1, 1e6),
            bound(sizePips, 0, 1e6),
            bound(volatilityPips, 1, 1e7),
            bound(notionalWad, 0, 1e38)
        );
    }
}
