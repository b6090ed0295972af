// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {Ewma} from "../../../src/libraries/settlement/Ewma.sol";
import {Marks} from "../../../src/libraries/settlement/Marks.sol";
import {Root} from "../../../src/libraries/settlement/Root.sol";

contract MarksTest is Test {
    int256 internal constant INDEX = 2000e18;
    uint256 internal constant BAND = 30_000;
    uint256 internal constant MAX_PRICE = 1e27;

    function priceOf(uint256 seed) internal pure returns (int256) {
        return int256(bound(seed, 1, MAX_PRICE / 1e6) * 1e6);
    }

    /* DECAY */

    function test_decayed_oneOverE() public pure {
        // exp(−1) and exp(−2), to eighteen digits.
        assertApproxEqAbs(Ewma.decayed(Marks.BASIS_DECAY_WAD, 150), 367_879_441_171_442_321, 200);
        assertApproxEqAbs(Ewma.decayed(Marks.BASIS_DECAY_WAD, 300), 135_335_283_236_612_691, 200);
        assertApproxEqAbs(Ewma.decayed(Marks.VARIANCE_DECAY_WAD, 3600), 367_879_441_171_442_321, 4000);
    }

    function test_decayed_ends() public pure {
        assertEq(Ewma.decayed(Marks.BASIS_DECAY_WAD, 0), 1e18);
        assertEq(Ewma.decayed(Marks.BASIS_DECAY_WAD, 1), Marks.BASIS_DECAY_WAD);
        assertEq(Ewma.decayed(Marks.BASIS_DECAY_WAD, 7000), 0);
        assertEq(Ewma.decayed(Marks.BASIS_DECAY_WAD, type(uint256).max), 0);
    }

    function testFuzz_decayed_falls(uint256 elapsed) public pure {
        elapsed = bound(elapsed, 0, 20_000);
        uint256 less = Ewma.decayed(Marks.BASIS_DECAY_WAD, elapsed + 1);
        // Each product is rounded down, so neighbours may meet within the last digits.
        assertLe(less, Ewma.decayed(Marks.BASIS_DECAY_WAD, elapsed) + 100);
    }

    function testFuzz_decayed_inTwoSteps_isTheSame(uint256 a, uint256 b) public pure {
        (a, b) = (bound(a, 0, 3000), bound(b, 0, 3000));
        uint256 product = Ewma.decayed(Marks.BASIS_DECAY_WAD, a) * Ewma.decayed(Marks.BASIS_DECAY_WAD, b) / 1e18;
        assertApproxEqAbs(product, Ewma.decayed(Marks.BASIS_DECAY_WAD, a + b), 6000);
    }

    function testFuzz_moved_staysBetween(int256 average, int256 sample, uint256 elapsed) public pure {
        (average, sample) = (bound(average, -1e27, 1e27), bound(sample, -1e27, 1e27));
        int256 moved = Ewma.moved(average, sample, Marks.BASIS_DECAY_WAD, elapsed);
        assertEq(Marks.median(average, sample, moved), moved);
    }

    /* MEDIAN */

    function testFuzz_median_isInTheMiddle(int256 a, int256 b, int256 c) public pure {
        int256 middle = Marks.median(a, b, c);
        assertTrue(middle == a || middle == b || middle == c);
        uint256 atMost = (a <= middle ? 1 : 0) + (b <= middle ? 1 : 0) + (c <= middle ? 1 : 0);
        uint256 atLeast = (a >= middle ? 1 : 0) + (b >= middle ? 1 : 0) + (c >= middle ? 1 : 0);
        assertTrue(atMost >= 2 && atLeast >= 2);
    }

    /* BOOK */

    function test_bookPrice_isTheLastTradeBetweenTheBestPrices() public pure {
        assertEq(Marks.bookPrice(INDEX, 1990e18, 2010e18, 2005e18), 2005e18);
        assertEq(Marks.bookPrice(INDEX, 1990e18, 2010e18, 2050e18), 2010e18);
        assertEq(Marks.bookPrice(INDEX, 1990e18, 2010e18, 1950e18), 1990e18);
    }

    function test_bookPrice_withoutATrade_takesTheIndex() public pure {
        assertEq(Marks.bookPrice(INDEX, 2001e18, 2010e18, 0), 2001e18);
        assertEq(Marks.bookPrice(INDEX, 1990e18, 2010e18, 0), INDEX);
    }

    function test_bookPrice_emptySides_areOpen() public pure {
        assertEq(Marks.bookPrice(INDEX, 0, 0, 3000e18), 3000e18);
        assertEq(Marks.bookPrice(INDEX, 0, 2010e18, 1e18), 1e18);
        assertEq(Marks.bookPrice(INDEX, 1990e18, 0, 3000e18), 3000e18);
    }

    function test_isCurrent_boundary() public pure {
        assertTrue(Marks.isCurrent(1000, 1059));
        assertTrue(Marks.isCurrent(1000, 1060));
        assertFalse(Marks.isCurrent(1000, 1061));
        assertTrue(Marks.isCurrent(1000, 900));
        assertFalse(Marks.isCurrent(0, 30));
    }

    /* MARK */

    function test_mark_isTheMedian() public pure {
        assertEq(Marks.mark(INDEX, 0.005e18, 2004e18, BAND), 2004e18);
        assertEq(Marks.mark(INDEX, 0.005e18, 2020e18, BAND), 2010e18);
        assertEq(Marks.mark(INDEX, 0.005e18, 1990e18, BAND), INDEX);
        assertEq(Marks.mark(INDEX, -0.005e18, 1980e18, BAND), 1990e18);
    }

    function test_mark_bandIsTheLastWord() public pure {
        assertEq(Marks.mark(INDEX, 0.01e18, 2020e18, 1000), 2002e18);
        assertEq(Marks.mark(INDEX, -0.01e18, 1980e18, 1000), 1998e18);
    }

    function testFuzz_mark_isOnTheQuantumAndWithinTheBand(uint256 index, int256 basis, uint256 book, uint256 band)
        public
        pure
    {
        (int256 i, int256 b) = (priceOf(index), bound(basis, -Marks.BASIS_CAP_WAD, Marks.BASIS_CAP_WAD));
        band = bound(band, 1000, 50_000);
        int256 mark = Marks.mark(i, b, priceOf(book), band);
        assertEq(mark % 1e6, 0);
        assertGt(mark, 0);
        assertLe((mark > i ? mark - i : i - mark) * 1e6, i * int256(band));
    }

    /// @dev Whatever the book says, the mark stays between the index and what settled trades say.
    function testFuzz_attack__bookReport__movesTheMarkOnlyTowardsTrades(uint256 index, int256 basis, uint256 book)
        public
        pure
    {
        (int256 i, int256 b) = (priceOf(index), bound(basis, -Marks.BASIS_CAP_WAD, Marks.BASIS_CAP_WAD));
        int256 mark = Marks.mark(i, b, priceOf(book), BAND);
        int256 trades = i * (1e18 + b) / 1e18;
        assertGe(mark, (i < trades ? i : trades) - 1e6);
        assertLe(mark, i < trades ? trades : i);
    }

    /* BASIS */

    function test_basisSample_vectors() public pure {
        assertEq(Marks.basisSample(INDEX, 2004e18, 0, 0), 0.002e18);
        assertEq(Marks.basisSample(INDEX, 1996e18, 0, 0), -0.002e18);
        assertEq(Marks.basisSample(INDEX, 2200e18, 0, 0), 0.01e18);
        assertEq(Marks.basisSample(INDEX, 1, 0, 0), -0.01e18);
        assertEq(Marks.basisSample(INDEX, 2004e18, 2006e18, 2010e18), 0.003e18);
        assertEq(Marks.basisSample(INDEX, 2004e18, 2006e18, 0), 0.002e18);
    }

    function test_movedBasis_forgetsInItsTime() public pure {
        int256 moved = 0.01e18;
        for (uint256 i = 0; i < 10; ++i) {
            moved = Marks.movedBasis(moved, 0, 15);
        }
        assertApproxEqAbs(moved, 0.003678794411714423e18, 20);
        assertEq(Marks.movedBasis(0.004e18, 0.01e18, 0), 0.004e18);
    }

    /// @dev 1 − e^(−1/10) of the way, however long nobody traded.
    function test_attack__oneTradeAfterAQuietTime__countsFifteenSeconds() public pure {
        int256 moved = Marks.movedBasis(0, 0.01e18, 15);
        assertApproxEqAbs(moved, 0.000951625819640404e18, 10);
        assertEq(Marks.movedBasis(0, 0.01e18, 16), moved);
        assertEq(Marks.movedBasis(0, 0.01e18, 1 hours), moved);
        assertEq(Marks.movedBasis(0, 0.01e18, type(uint256).max), moved);
        assertLt(Marks.movedBasis(0, 0.01e18, 14), moved);
    }

    /* VOLATILITY */

    /// @dev Moves of 0.8 % up and down every hour are a deviation of about 0.8 % per hour.
    function test_movedVariance_ofHourlyMoves() public pure {
        int256 variance = 0;
        for (uint256 i = 0; i < 40; ++i) {
            (int256 last, int256 next) =
                i % 2 == 0 ? (int256(1000e18), int256(1008e18)) : (int256(1008e18), int256(1000e18));
            variance = Marks.movedVariance(variance, last, next, 3600);
        }
        assertApproxEqRel(Root.sqrtDown(uint256(variance) * 1e18), 0.008e18, 0.01e18);
    }

    /// @dev The same speed seen every ten seconds gives the same deviation per hour.
    function test_movedVariance_doesNotDependOnTheStep() public pure {
        int256 variance = 0;
        // 0.8 % / √360 per ten seconds.
        int256 move = 0.421637e18;
        for (uint256 i = 0; i < 3600; ++i) {
            (int256 last, int256 next) =
                i % 2 == 0 ? (int256(1000e18), 1000e18 + move) : (1000e18 + move, int256(1000e18));
            variance = Marks.movedVariance(variance, last, next, 10);
        }
        assertApproxEqRel(Root.sqrtDown(uint256(variance) * 1e18), 0.008e18, 0.01e18);
    }

    function testFuzz_movedVariance_neverOverflows(uint256 variance, uint256 last, uint256 next, uint256 elapsed)
        public
        pure
    {
        variance = bound(variance, 0, 1e18);
        elapsed = bound(elapsed, 1, type(uint40).max);
        int256 moved = Marks.movedVariance(int256(variance), priceOf(last), priceOf(next), elapsed);
        assertTrue(moved >= 0 && moved <= Marks.VARIANCE_CAP_WAD);
    }

    function test_movedVariance_decaysWithoutMoves() public pure {
        assertApproxEqAbs(Marks.movedVariance(0.01e18, INDEX, INDEX, 3600), 0.003678794411714423e18, 100);
    }
}
