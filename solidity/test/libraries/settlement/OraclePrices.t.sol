// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {OraclePrices} from "../../../src/libraries/settlement/OraclePrices.sol";
import {PriceMathHarness} from "../../helpers/PriceMathHarness.sol";

contract OraclePricesTest is Test {
    PriceMathHarness internal math = new PriceMathHarness();

    /* MEDIAN */

    function test_medianDown_vectors() public view {
        uint256[] memory prices = new uint256[](3);
        (prices[0], prices[1], prices[2]) = (9e18, 3e18, 6e18 + 999_999);
        assertEq(math.medianDown(prices), 6e18);
        prices = new uint256[](4);
        (prices[0], prices[1], prices[2], prices[3]) = (4e18, 1e18, 3e18, 2e18);
        assertEq(math.medianDown(prices), 2e18, "the lower of the two in the middle");
    }

    /// @dev At most half are below it, and fewer than half are above its quantum.
    function testFuzz_medianDown_isTheLowerMedian(uint256[] memory prices) public view {
        vm.assume(prices.length != 0 && prices.length <= 16);
        for (uint256 i = 0; i < prices.length; ++i) {
            prices[i] = bound(prices[i], 1, 1e27);
        }
        uint256 median = math.medianDown(prices);
        (uint256 below, uint256 above) = (0, 0);
        for (uint256 i = 0; i < prices.length; ++i) {
            if (prices[i] < median) ++below;
            if (prices[i] >= median + 1e6) ++above;
        }
        assertLe(2 * below, prices.length - 1);
        assertLe(2 * above, prices.length);
        assertEq(median % 1e6, 0);
    }

    function testFuzz_medianDown_doesNotDependOnTheOrder(uint256[5] memory seeds, uint256 shift) public view {
        uint256[] memory prices = new uint256[](5);
        uint256[] memory shifted = new uint256[](5);
        for (uint256 i = 0; i < 5; ++i) {
            prices[i] = bound(seeds[i], 1, 1e27);
            shifted[(i + shift % 5) % 5] = prices[i];
        }
        assertEq(math.medianDown(prices), math.medianDown(shifted));
    }

    /* MOVES */

    function test_isJump_boundary() public pure {
        assertFalse(OraclePrices.isJump(1050e6, 1000e6, 50_000));
        assertTrue(OraclePrices.isJump(1050e6 + 1, 1000e6, 50_000));
        assertFalse(OraclePrices.isJump(950e6, 1000e6, 50_000));
        assertTrue(OraclePrices.isJump(950e6 - 1, 1000e6, 50_000));
    }

    function test_breaks_boundary() public pure {
        assertFalse(OraclePrices.breaks(1500, 1000));
        assertTrue(OraclePrices.breaks(1501, 1000));
        assertFalse(OraclePrices.breaks(500, 1000));
        assertTrue(OraclePrices.breaks(499, 1000));
    }

    function testFuzz_moves_neverOverflow(uint256 price, uint256 last, uint256 pips) public pure {
        (price, last) = (bound(price, 1, 1e27), bound(last, 1, 1e27));
        OraclePrices.isJump(price, last, bound(pips, 0, 1e6));
        OraclePrices.breaks(price, last);
    }

    /* AVERAGES */

    function test_movedAverage_vectors() public pure {
        assertEq(OraclePrices.movedAverage(1000e18, 1300e18, 0), 1000e18);
        assertEq(OraclePrices.movedAverage(1000e18, 1300e18, 60), 1060e18);
        assertEq(OraclePrices.movedAverage(1000e18, 1300e18, 299), 1299e18);
        assertEq(OraclePrices.movedAverage(1000e18, 1300e18, 300), 1300e18);
        assertEq(OraclePrices.movedAverage(1000e18, 1300e18, type(uint256).max), 1300e18);
    }

    function test_windowEnd_boundary() public pure {
        assertEq(OraclePrices.windowEnd(3599), 3600);
        assertEq(OraclePrices.windowEnd(3600), 5400);
        assertEq(OraclePrices.windowEnd(3601), 5400);
    }

    function test_windowAverage_boundaries() public pure {
        uint256 integral = 1800 * 2000e18 + 1800e6 - 1;
        assertEq(OraclePrices.windowAverage(integral, 30, 180), 2000e18);
        assertEq(OraclePrices.windowAverage(integral + 1, 30, 180), 2000e18 + 1e6);
        assertEq(OraclePrices.windowAverage(integral, 29, 180), 0);
        assertEq(OraclePrices.windowAverage(integral, 30, 181), 0);
    }
}
