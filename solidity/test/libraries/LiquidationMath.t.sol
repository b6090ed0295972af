// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {LiquidationMath} from "../../src/libraries/settlement/LiquidationMath.sol";
import {MarginMath} from "../../src/libraries/settlement/MarginMath.sol";
import {Quantum} from "../../src/libraries/settlement/Quantum.sol";

/// @notice Prices, sizes and penalties of liquidations.
contract LiquidationMathTest is Test {
    int256 internal constant LOT = 1e15;
    int256 internal constant TICK = 1e16;
    uint256 internal constant RATE = 0.03e18;

    /* BANKRUPTCY PRICE */

    /// @dev dYdX v4 (x/clob/keeper/liquidations_test.go): 0.1 BTC at 50,000 and this cash; the quote it is closed for.
    function test_bankruptcyPrice_dydx() public pure {
        int256[3][6] memory rows = [
            [int256(1), -4501, 4501],
            [int256(-1), 5499, -5499],
            [int256(1), -5000, 5000],
            [int256(-1), 5000, -5000],
            [int256(1), -5100, 5100],
            [int256(-1), 4900, -4900]
        ];
        for (uint256 i = 0; i < rows.length; ++i) {
            (int256 size, int256 equity) = (rows[i][0] * 0.1e18, (rows[i][1] + rows[i][0] * 5000) * 1e18);
            int256 price = LiquidationMath.bankruptcyPriceWad(size, 50_000e18, equity, 1e18);
            assertEq(Quantum.exact(size, price), rows[i][2] * 1e18);
        }
        // One BTC with one in cash cannot be sold at a loss.
        assertEq(LiquidationMath.bankruptcyPriceWad(1e18, 50_000e18, 50_001e18, 1e18), -1e18);
    }

    /// @dev The same: 21,347 quantums of BTC against 2,775.11 of quote, a long for 2,776 and a short for 2,775.
    function test_bankruptcyPrice_dydx_isRoundedAgainstTheAccount() public pure {
        (int256 mark, int256 owed) = (10_673_500e18, 2775.11e18);
        assertEq(LiquidationMath.bankruptcyPriceWad(1e18, mark, mark - owed, 1e18), 2776e18);
        assertEq(LiquidationMath.bankruptcyPriceWad(-1e18, mark, owed - mark, 1e18), 2775e18);
    }

    function test_bankruptcyPrice_twoContractsAtHundred() public pure {
        assertEq(LiquidationMath.bankruptcyPriceWad(2e18, 100e18, 50e18, TICK), 75e18);
        assertEq(LiquidationMath.bankruptcyPriceWad(-2e18, 100e18, 50e18, TICK), 125e18);
    }

    function testFuzz_bankruptcyPrice_leavesLessThanATickAndNeverADebt(int256 size, int256 mark, int256 equity)
        public
        pure
    {
        (size, mark) = _leg(size, mark);
        equity = bound(equity, 0, 1e32);
        int256 price = LiquidationMath.bankruptcyPriceWad(size, mark, equity, TICK);
        assertEq(price % TICK, 0);
        int256 left = equity + Quantum.exact(size, price - mark);
        assertGe(left, 0);
        assertLt(left, Quantum.exact(int256(Quantum.abs(size)), TICK));
    }

    /* ZERO PRICE */

    function testFuzz_zeroPrice_keepsEquityOverMaintenance(
        int256 size,
        int256 mark,
        int256 basis,
        uint256 equityPart,
        uint256 othersWad,
        uint256 closedPart
    ) public pure {
        (size, mark) = _leg(size, mark);
        LiquidationMath.Case memory leg = _case(size, mark);
        leg.indexPriceWad += mark / 1000 * bound(basis, -30, 30) / 1e6 * 1e6;
        int256 others = int256(bound(othersWad, 0, 1e30));
        leg.maintenanceWad = _maintenance(size, leg.indexPriceWad) + others;
        leg.equityWad = leg.maintenanceWad * int256(bound(equityPart, 0, 999)) / 1000;
        _checkZeroPrice(leg, size * int256(bound(closedPart, 1, 100)) / 100 / LOT * LOT, others);
    }

    function _checkZeroPrice(LiquidationMath.Case memory leg, int256 closed, int256 others) private pure {
        int256 price = LiquidationMath.zeroPriceWad(
            leg.sizeWad, leg.markWad, leg.indexPriceWad, leg.equityWad, leg.maintenanceWad, leg.rateWad, TICK
        );
        int256 equityAfter = leg.equityWad + Quantum.exact(closed, price - leg.markWad);
        int256 maintenanceAfter = _maintenance(leg.sizeWad - closed, leg.indexPriceWad) + others;
        // One unit of maintenance margin is lost to rounding up.
        assertGe(equityAfter * leg.maintenanceWad, leg.equityWad * (maintenanceAfter - 1));
        assertGe(equityAfter, 0);
    }

    function test_zeroPrice_oneLeg_isTheBankruptcyPrice() public pure {
        // 10 at 100 need 30; with 15 both prices give the fifteen away.
        assertEq(LiquidationMath.zeroPriceWad(10e18, 100e18, 100e18, 15e18, 30e18, RATE, TICK), 98.5e18);
        assertEq(LiquidationMath.bankruptcyPriceWad(10e18, 100e18, 15e18, TICK), 98.5e18);
        assertEq(LiquidationMath.zeroPriceWad(-10e18, 100e18, 100e18, 15e18, 30e18, RATE, TICK), 101.5e18);
    }

    function test_zeroPrice_anotherLeg_keepsItsShareOfEquity() public pure {
        // The other leg needs 60 of 90: only a third of the equity may go with this one.
        assertEq(LiquidationMath.zeroPriceWad(10e18, 100e18, 100e18, 45e18, 90e18, RATE, TICK), 98.5e18);
        assertEq(LiquidationMath.bankruptcyPriceWad(10e18, 100e18, 45e18, TICK), 95.5e18);
    }

    /* LIMIT */

    function testFuzz_limitPrice_neverLeavesADebtNorWorseHealth(
        int256 size,
        int256 mark,
        int256 equity,
        uint256 othersWad
    ) public pure {
        (size, mark) = _leg(size, mark);
        LiquidationMath.Case memory leg = _case(size, mark);
        leg.maintenanceWad += int256(bound(othersWad, 0, 1e30));
        leg.equityWad = bound(equity, -leg.maintenanceWad, leg.maintenanceWad - 1);
        int256 limit = LiquidationMath.limitPriceWad(leg);
        int256 worse = Quantum.exact(size, limit - mark);
        // A long is sold at or below the mark (but for the tick), a short is bought at or above it.
        assertLt(worse, Quantum.exact(int256(Quantum.abs(size)), TICK));
        int256 counted = leg.equityWad > 0 ? leg.equityWad : int256(0);
        assertGe(counted + worse, 0);
        if (leg.equityWad < 0) return; // at the mark nothing is lost
        int256 maintenanceAfter = leg.maintenanceWad - _maintenance(size, mark);
        assertGe((leg.equityWad + worse) * leg.maintenanceWad, leg.equityWad * (maintenanceAfter - 1));
    }

    /// @dev dYdX v4 (the same file): 0.1 ETH at 3,000 beside 0.004 BTC at 50,000, maintenance margin 10 %, equity 10 of 50
    /// needed. Their bankruptcy price of a leg is the zero price here: 294 and 306.
    function test_limitPrice_dydx_twoLegs() public pure {
        LiquidationMath.Case memory leg = _dydx(0.1e18, 3000e18, 10e18, 50e18);
        assertEq(Quantum.exact(leg.sizeWad, LiquidationMath.limitPriceWad(leg)), 294e18);
        leg.sizeWad = -leg.sizeWad;
        assertEq(Quantum.exact(leg.sizeWad, LiquidationMath.limitPriceWad(leg)), -306e18);
    }

    /// @dev The same file, fillable prices of 0.1 BTC at 50,000 that needs 500. The rules differ: theirs widens to 1 % from
    /// the mark at no equity (49,500, 50,500) and the insurance fund pays the loss; here the limit is the mark by then. A
    /// dollar below the margin theirs (49,999, 50,001) is well within ours.
    function test_limitPrice_dydx_fillablePrices() public pure {
        assertEq(LiquidationMath.limitPriceWad(_dydx(0.1e18, 50_000e18, 499e18, 500e18)), 45_010e18);
        assertEq(LiquidationMath.limitPriceWad(_dydx(-0.1e18, 50_000e18, 499e18, 500e18)), 54_990e18);
        for (int256 equity = -500e18; equity <= 0; equity += 500e18) {
            assertEq(LiquidationMath.limitPriceWad(_dydx(0.1e18, 50_000e18, equity, 500e18)), 50_000e18);
            assertEq(LiquidationMath.limitPriceWad(_dydx(-0.1e18, 50_000e18, equity, 500e18)), 50_000e18);
        }
    }

    function test_limitPrice_underwater_isTheMark() public pure {
        LiquidationMath.Case memory leg = _case(10e18, 100.005e18);
        leg.equityWad = -1e18;
        assertEq(LiquidationMath.limitPriceWad(leg), 100.01e18);
        leg = _case(-10e18, 100.005e18);
        leg.equityWad = -1e18;
        assertEq(LiquidationMath.limitPriceWad(leg), 100e18);
    }

    /* SPREAD */

    function testFuzz_spreadPrice_isWorseForWhoGivesUp(int256 size, int256 mark, uint256 pips) public pure {
        (size, mark) = _leg(size, mark);
        pips = bound(pips, 0, 1e6);
        int256 price = LiquidationMath.spreadPriceWad(size, mark, pips);
        assertEq(price % 1e6, 0);
        assertLe(Quantum.exact(size, price - mark), 0);
        assertLe(int256(Quantum.abs(price - mark)), mark * int256(pips) / 1e6 + 1e6);
    }

    /* SIZE */

    function testFuzz_closeSize_atTheMarkWithPenalty_restoresMargin(int256 size, int256 mark, uint256 equityPart)
        public
        pure
    {
        (size, mark) = _leg(size, mark);
        LiquidationMath.Case memory leg = _case(size, mark);
        leg.equityWad = leg.maintenanceWad * int256(bound(equityPart, 0, 999)) / 1000;
        uint256 close = LiquidationMath.closeSizeWad(leg);
        uint256 whole = Quantum.abs(size);
        assertLe(close, whole);
        assertGe(close * 5, whole);
        assertEq(close % leg.lotWad, 0);
        if (close == whole) return;
        uint256 notional = Quantum.mulWadDown(close, uint256(mark));
        uint256 rate = LiquidationMath.penaltyRateWad(notional, leg.depthWad, leg.volatilityWad, leg.rateWad);
        int256 paid = int256(LiquidationMath.penaltyWad(notional, rate, leg.equityWad));
        int256 left = size > 0 ? size - int256(close) : size + int256(close);
        assertGe(leg.equityWad - paid + 2, _maintenance(left, mark));
        assertGe(Quantum.mulWadDown(whole - close, uint256(mark)), leg.minNotionalWad);
    }

    /// @dev Drift protocol-v2 (math/liquidation/tests.rs): 10 are missing, margin 10 %, price 100: 1 without a fee, 10/9 with
    /// 1 %, 1.25 with 2 %. Rounded up to the lot.
    function test_closeSize_drift() public pure {
        LiquidationMath.Case memory leg = _case(4e18, 100e18);
        (leg.rateWad, leg.maintenanceWad, leg.equityWad, leg.minNotionalWad) = (0.1e18, 40e18, 30e18, 0);
        assertEq(LiquidationMath.closeSizeWad(leg, 0), 1e18);
        assertEq(LiquidationMath.closeSizeWad(leg, 0.01e18), 1.112e18);
        assertEq(LiquidationMath.closeSizeWad(leg, 0.02e18), 1.25e18);
    }

    /// @dev Paradex (liquidations): 80 of equity where 88.8 are needed at 1 %, penalty half of that. A fifth closed leaves
    /// 71.12 against 71.04; theirs goes on to 90 %.
    function test_closeSize_paradex_stopsWhereMarginIsRestored() public pure {
        LiquidationMath.Case memory leg = _case(88.8e18, 100e18);
        (leg.rateWad, leg.maintenanceWad, leg.equityWad, leg.minNotionalWad) = (0.01e18, 88.8e18, 80e18, 0);
        uint256 close = LiquidationMath.closeSizeWad(leg, 0.005e18);
        assertEq(close, 17.76e18);
        assertEq(80e18 - LiquidationMath.penaltyWad(close * 100, 0.005e18, 80e18), 71.12e18);
        assertEq(LiquidationMath.penaltyWad(close * 200, 0.005e18, 80e18), 17.76e18);
    }

    function test_pitfall_27__dust__isClosedWhole() public pure {
        LiquidationMath.Case memory leg = _case(0.5e18, 100e18);
        leg.equityWad = leg.maintenanceWad - 1;
        leg.minNotionalWad = 50e18;
        assertEq(LiquidationMath.closeSizeWad(leg), 0.5e18);
        // What would be left of a larger one is worth enough.
        leg = _case(1e18, 100e18);
        leg.equityWad = leg.maintenanceWad - 1;
        leg.minNotionalWad = 50e18;
        assertEq(LiquidationMath.closeSizeWad(leg), 0.2e18);
    }

    /* PENALTY */

    function test_penaltyRate_oneDepthAtCalmVolatility() public pure {
        // 0.5 % + 1 % + half of 0.8 %.
        assertEq(LiquidationMath.penaltyRateWad(1e24, 1e24, 0.008e18, 0.06e18), 0.019e18);
    }

    function testFuzz_penaltyRate_isMonotone(uint256 notional, uint256 depth, uint256 volatility, uint256 rate)
        public
        pure
    {
        notional = bound(notional, 1, 1e30);
        depth = bound(depth, 2, 1e30);
        volatility = bound(volatility, 0, 1e18);
        rate = bound(rate, 0, 1e18);
        uint256 penalty = LiquidationMath.penaltyRateWad(notional, depth, volatility, rate);
        assertGe(LiquidationMath.penaltyRateWad(notional * 2, depth, volatility, rate), penalty);
        assertGe(LiquidationMath.penaltyRateWad(notional, depth / 2, volatility, rate), penalty);
        assertGe(LiquidationMath.penaltyRateWad(notional, depth, volatility * 2 + 1, rate), penalty);
        assertLe(penalty, 0.05e18);
        assertLe(penalty, rate * 7 / 10);
        if (rate > 0.01e18) assertGe(penalty, 0.0025e18);
    }

    function testFuzz_penalty_comesOutOfEquityAlone(uint256 notional, uint256 rate, int256 equity) public pure {
        notional = bound(notional, 0, 1e38);
        rate = bound(rate, 0, 0.05e18);
        equity = bound(equity, -1e38, 1e38);
        uint256 penalty = LiquidationMath.penaltyWad(notional, rate, equity);
        if (equity <= 0) assertEq(penalty, 0);
        else assertLe(penalty, uint256(equity));
        assertLe(penalty, Quantum.mulWadUp(notional, rate));
    }

    function testFuzz_reward_isLessThanThePenalty(uint256 penalty) public pure {
        penalty = bound(penalty, 0, 1e60);
        uint256 reward = LiquidationMath.rewardWad(penalty);
        if (penalty == 0) assertEq(reward, 0);
        else assertLt(reward, penalty);
        assertLe(reward, 500e18);
    }

    function testFuzz_depth_staysWithinBounds(int256 reported, uint128 floor, uint128 cap) public pure {
        vm.assume(floor <= cap);
        uint256 depth = LiquidationMath.depthWad(reported, floor, cap);
        assertGe(depth, floor);
        assertLe(depth, cap == 0 ? 1 : cap);
        assertGt(depth, 0);
    }

    /* PRIVATE */

    function _leg(int256 size, int256 mark) private pure returns (int256, int256) {
        bool isLong = size > 0;
        size = bound(size, 1, 1e12) * LOT;
        return (isLong ? size : -size, bound(mark, 1e6, 1e12) * 1e12);
    }

    function _case(int256 size, int256 mark) private pure returns (LiquidationMath.Case memory leg) {
        (leg.sizeWad, leg.markWad, leg.indexPriceWad) = (size, mark, mark);
        (leg.rateWad, leg.depthWad, leg.volatilityWad) = (RATE, 1e24, 0.008e18);
        (leg.tickWad, leg.lotWad, leg.minNotionalWad) = (uint256(TICK), uint256(LOT), 10e18);
        leg.maintenanceWad = _maintenance(size, mark);
    }

    /// @dev A leg with a maintenance margin of 10 % of a subaccount that needs so much.
    function _dydx(int256 size, int256 mark, int256 equity, int256 maintenance)
        private
        pure
        returns (LiquidationMath.Case memory leg)
    {
        leg = _case(size, mark);
        (leg.rateWad, leg.equityWad, leg.maintenanceWad) = (0.1e18, equity, maintenance);
    }

    function _maintenance(int256 size, int256 index) private pure returns (int256) {
        uint256 notional = uint256(Quantum.exact(int256(Quantum.abs(size)), index));
        return int256(Quantum.mulWadUp(notional, MarginMath.maintenanceRateWad(30_000, 1_000_000, 1_000_000)));
    }
}
