// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {Funding} from "../../../src/libraries/settlement/Funding.sol";

/// @notice Numbers with a name are those exchanges publish: Derive (test of its perpetual: impact prices 6 away from 1500
/// are 0.0005 per hour), Hyperliquid (a premium of zero is 0.0000125 per hour), Paradex (0.03 % of 60,000 is 18 per
/// eight hours).
contract FundingTest is Test {
    int256 internal constant CAP = 0.04e18;
    uint256 internal constant HOUR = 1_800_000_000;
    Funding.Premium internal none = Funding.Premium(0, 0);

    function stateOf(int256 rate) internal pure returns (Funding.State memory) {
        return Funding.State({cumulativeWad: 0, rateWad: rate, premiumSumWad: 0});
    }

    function always(int256 premium) internal pure returns (Funding.Premium memory) {
        return Funding.Premium({wad: premium, until: type(uint40).max});
    }

    /* PREMIUM */

    function test_premium_derive() public pure {
        assertEq(Funding.premium(1500e18, 1506e18, 1512e18), 0.004e18);
        assertEq(Funding.premium(1500e18, 1488e18, 1494e18), -0.004e18);
        assertEq(Funding.premium(1500e18, 1494e18, 1506e18), 0);
    }

    function test_premium_isCut() public pure {
        assertEq(Funding.premium(1500e18, 1530e18, 1600e18), 0.02e18);
        assertEq(Funding.premium(1500e18, 1531e18, 1600e18), 0.02e18);
        assertEq(Funding.premium(1500e18, 1e18, 1469e18), -0.02e18);
    }

    function test_premium_emptySides_sayNothing() public pure {
        assertEq(Funding.premium(1500e18, 0, 0), 0);
        assertEq(Funding.premium(1500e18, 1506e18, 0), 0.004e18);
        assertEq(Funding.premium(1500e18, 0, 1494e18), -0.004e18);
    }

    /* RATE */

    function test_rate8h_hyperliquid() public pure {
        assertEq(Funding.rate8h(0, CAP) / 8, 0.0000125e18);
    }

    function test_rate8h_interestIsDamped() public pure {
        assertEq(Funding.rate8h(0.0001e18, CAP), 0.0001e18);
        assertEq(Funding.rate8h(0.0006e18, CAP), 0.0001e18);
        assertEq(Funding.rate8h(0.0007e18, CAP), 0.0002e18);
        assertEq(Funding.rate8h(-0.0004e18, CAP), 0.0001e18);
        assertEq(Funding.rate8h(-0.0005e18, CAP), 0);
        assertEq(Funding.rate8h(0.004e18, CAP), 0.0035e18);
    }

    function testFuzz_rate8h_isCapped(int256 premium, int256 cap) public pure {
        (premium, cap) = (bound(premium, -0.02e18, 0.02e18), bound(cap, 0, CAP));
        int256 rate = Funding.rate8h(premium, cap);
        assertTrue(rate <= cap && rate >= -cap);
    }

    function test_rateCap_vectors() public pure {
        // 6 · (5 % − 3 %) = 12 %, more than eight hours of 0.5 %.
        assertEq(Funding.rateCap(50_000, 600_000), 0.04e18);
        assertEq(Funding.rateCap(10_000, 600_000), 0.024e18);
        assertEq(Funding.rateCap(10_000, 900_000), 0.006e18);
    }

    /* ACCRUAL */

    function test_accrual_derive() public pure {
        assertEq(Funding.accrual(1500e18, 0.004e18, 3600), 0.75e18);
        assertEq(Funding.accrual(1500e18, -0.004e18, 3600), -0.75e18);
    }

    function test_accrual_paradex() public pure {
        assertEq(Funding.accrual(60_000e18, 0.0003e18, 28_800), 18e18);
        int256 minute = Funding.accrual(60_000e18, 0.0003e18, 60);
        assertEq(minute, 0.0375e18);
        // A long position of half a contract pays half of it.
        assertEq(-minute * 0.5e18 / 1e18, -0.01875e18);
    }

    /// @dev Hyperliquid-math (worked examples): two contracts at 100 pay 0.2 at 0.1 %; a crossed book has no premium.
    function test_accrual_hyperliquid() public pure {
        assertEq(2 * Funding.accrual(100e18, 0.001e18, 28_800), 0.2e18);
        assertEq(Funding.premium(100e18, 110e18, 90e18), 0);
    }

    function testFuzz_accrual_isOddAndTowardZero(uint256 index, int256 rate, uint256 elapsed) public pure {
        int256 price = int256(bound(index, 1e6, 1e27));
        (rate, elapsed) = (bound(rate, 0, CAP), bound(elapsed, 0, 600));
        int256 paid = Funding.accrual(price, rate, elapsed);
        assertEq(Funding.accrual(price, -rate, elapsed), -paid);
        assertLe(paid * 28_800e18, price * rate * int256(elapsed));
    }

    /* TIME */

    function test_advance_withinAnHour_usesItsRate() public view {
        Funding.State memory state = stateOf(0.004e18);
        Funding.advance(state, 1500e18, none, HOUR, HOUR + 60, CAP);
        assertEq(state.cumulativeWad, 0.0125e18);
        assertEq(state.rateWad, 0.004e18);
    }

    function test_advance_theHourBefore_makesTheRate() public pure {
        Funding.State memory state = stateOf(0);
        for (uint256 time = HOUR; time < HOUR + 3600; time += 60) {
            Funding.advance(state, 1500e18, always(0.004e18), time, time + 60, CAP);
        }
        assertEq(state.cumulativeWad, 0);
        assertEq(state.rateWad, 0.0035e18);
        assertEq(state.premiumSumWad, 0);
    }

    function test_advance_aReport_countsUntilItIsOld() public pure {
        Funding.State memory state = stateOf(0);
        Funding.Premium memory reported = Funding.Premium({wad: 0.01e18, until: HOUR + 90});
        Funding.advance(state, 1500e18, reported, HOUR, HOUR + 60, CAP);
        assertEq(state.premiumSumWad, 60 * 0.01e18);
        Funding.advance(state, 1500e18, reported, HOUR + 60, HOUR + 120, CAP);
        assertEq(state.premiumSumWad, 90 * 0.01e18);
        Funding.advance(state, 1500e18, reported, HOUR + 120, HOUR + 180, CAP);
        assertEq(state.premiumSumWad, 90 * 0.01e18);
    }

    function test_advance_acrossTheHour_splitsExactly() public pure {
        Funding.State memory state = stateOf(0.008e18);
        state.premiumSumWad = 3580 * 0.004e18;
        Funding.advance(state, 1500e18, always(0.004e18), HOUR + 3580, HOUR + 3600 + 40, CAP);
        assertEq(state.rateWad, 0.0035e18);
        int256 expected = Funding.accrual(1500e18, 0.008e18, 20) + Funding.accrual(1500e18, 0.0035e18, 40);
        assertEq(state.cumulativeWad, expected);
        assertEq(state.premiumSumWad, 40 * 0.004e18);
    }

    function test_advance_atTheHour_startsANewOne() public pure {
        Funding.State memory state = stateOf(0);
        Funding.advance(state, 1500e18, always(0.01e18), HOUR, HOUR + 3599, CAP);
        assertEq(state.premiumSumWad, 3599 * 0.01e18);
        Funding.advance(state, 1500e18, always(0.01e18), HOUR + 3599, HOUR + 3600, CAP);
        assertEq(state.premiumSumWad, 0);
        assertEq(state.rateWad, 0.0095e18);
    }

    function test_pitfall_25__outage__paysTenMinutes() public view {
        int256 tenMinutes = Funding.accrual(1500e18, 0.004e18, 600);
        uint256[4] memory gaps = [uint256(599), 600, 601, 3000];
        for (uint256 i = 0; i < gaps.length; ++i) {
            Funding.State memory state = stateOf(0.004e18);
            Funding.advance(state, 1500e18, none, HOUR, HOUR + gaps[i], CAP);
            assertEq(state.cumulativeWad, i == 0 ? Funding.accrual(1500e18, 0.004e18, 599) : tenMinutes);
        }
    }

    /// @dev Days without a price cost no more than ten minutes, and leave only the interest.
    function testFuzz_pitfall_25__longOutage__hasNoDebtToPay(uint256 from, uint256 gap, int256 rate, int256 premium)
        public
        pure
    {
        from = HOUR + bound(from, 0, 3599);
        gap = bound(gap, 7200, 365 days);
        (rate, premium) = (bound(rate, -CAP, CAP), bound(premium, -0.02e18, 0.02e18));
        Funding.State memory state = stateOf(rate);
        Funding.advance(state, 1500e18, Funding.Premium(premium, from + 60), from, from + gap, CAP);
        int256 most = Funding.accrual(1500e18, CAP, 600);
        assertTrue(state.cumulativeWad <= most && state.cumulativeWad >= -most);
        assertEq(state.rateWad, 0.0001e18);
        assertEq(state.premiumSumWad, 0);
    }

    /// @dev Against a sum over single seconds.
    function testFuzz_advance_equalsTheSumOverSeconds(uint256 from, uint256 gap, int256 rate, int256 p, uint256 until)
        public
        pure
    {
        from = HOUR + bound(from, 0, 3599);
        gap = bound(gap, 1, 8000);
        (rate, p) = (bound(rate, -CAP, CAP), bound(p, -0.02e18, 0.02e18));
        until = from + bound(until, 0, 4000);
        Funding.State memory state = stateOf(rate);
        state.premiumSumWad = p * int256(from - HOUR);
        int256 sum = state.premiumSumWad;
        Funding.advance(state, 1500e18, Funding.Premium(p, until), from, from + gap, CAP);
        int256 parts = 0;
        for (uint256 time = from; time < from + gap; ++time) {
            if (time % 3600 == 0 && time != from) (rate, sum) = (Funding.rate8h(sum / 3600, CAP), 0);
            if (time - from < 600) parts += rate;
            if (time < until) sum += p;
        }
        if ((from + gap) % 3600 == 0) (rate, sum) = (Funding.rate8h(sum / 3600, CAP), 0);
        assertEq(state.rateWad, rate);
        assertEq(state.premiumSumWad, sum);
        assertApproxEqAbs(state.cumulativeWad, 1500e18 * parts / (1e18 * 28_800), 2);
    }

    /// @dev A tick per second loses at most a wei of each.
    function testFuzz_pitfall_22__manyTicks__accrueLikeOne(uint256 index, int256 rate, uint256 n) public view {
        int256 price = int256(bound(index, 1e6, 1e27));
        (rate, n) = (bound(rate, -CAP, CAP), bound(n, 1, 300));
        Funding.State memory whole = stateOf(rate);
        Funding.State memory split = stateOf(rate);
        Funding.advance(whole, price, none, HOUR, HOUR + n, CAP);
        for (uint256 i = 0; i < n; ++i) {
            Funding.advance(split, price, none, HOUR + i, HOUR + i + 1, CAP);
        }
        assertApproxEqAbs(whole.cumulativeWad, split.cumulativeWad, n);
    }
}
