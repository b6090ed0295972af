// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {IRiskManager} from "../../../src/interfaces/settlement/IRiskManager.sol";
import {CLEARING} from "../../../src/libraries/Constants.sol";
import {MarginMath} from "../../../src/libraries/settlement/MarginMath.sol";
import {
    Bust,
    FeedId,
    LegChange,
    MarketId,
    MarketStatus,
    PriceUse,
    SubaccountChange
} from "../../../src/types/Settlement.sol";
import {RiskWorld} from "../../helpers/RiskWorld.sol";

/// @notice Margin, acceptance of trades, and what may leave.
contract StandardMarginTest is RiskWorld {
    /* MARGIN */

    function test_margin_oneLeg_handComputed() public {
        enter(10e18, 80e18);
        IRiskManager.Margin memory margin = RISK.margin(trader);
        assertEq(margin.initialWad, 50e18);
        assertEq(margin.maintenanceWad, 30e18);
        assertEq(margin.equityWad, 80e18);
        assertEq(margin.initialEquityWad, 80e18);
    }

    function test_margin_profitAndFundingUnsettled_count() public {
        enter(10e18, 80e18);
        // Index 104, mark 105, and longs have paid 2 per contract: a gain of 3.
        BOARD.setMark(BTC, 104e18, 105e18, 103e18);
        IRiskManager.Margin memory margin = RISK.margin(trader);
        assertEq(margin.equityWad, 110e18);
        assertEq(margin.maintenanceWad, 31.2e18);
    }

    function test_margin_twoLegs_addUp() public {
        enter(10e18, 80e18);
        enterMore(ETH, -4e18);
        (IRiskManager.Margin memory margin, IRiskManager.LegMargin[] memory lines) = RISK.explain(trader);
        assertEq(lines.length, 2);
        assertEq(lines[1].sizeWad, -4e18);
        assertEq(lines[1].notionalWad, 400e18);
        assertEq(margin.initialWad, lines[0].initialWad + lines[1].initialWad);
        assertEq(margin.maintenanceWad, lines[0].maintenanceWad + lines[1].maintenanceWad);
        assertEq(margin.maintenanceWad, 42e18);
    }

    function test_margin_ether_countsWithItsTwoHaircuts() public {
        SAFE.setEther(trader, 1e18, 70e18, 80e18);
        IRiskManager.Margin memory margin = RISK.margin(trader);
        assertEq(margin.initialEquityWad, 70e18);
        assertEq(margin.equityWad, 80e18);
    }

    function test_margin_expiredMarket_needsNothingButKeepsItsGain() public {
        enter(10e18, 80e18);
        price(105e18);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        IRiskManager.Margin memory margin = RISK.margin(trader);
        assertEq(margin.initialWad, 0);
        assertEq(margin.maintenanceWad, 0);
        assertEq(margin.equityWad, 130e18);
    }

    function test_margin_nobody_isZero() public view {
        IRiskManager.Margin memory margin = RISK.margin(user(99));
        assertEq(margin.equityWad, 0);
        assertEq(margin.initialWad, 0);
    }

    /// @dev dYdX (docs, liquidation price): 1,000 in cash after a short of 3 at 3,000 and 5 % maintenance margin: 3,174.60.
    function test_margin_dydxShort_isMaintainedUpToItsLiquidationPrice() public {
        setMaintenance(50_000);
        price(3000e18);
        enter(-3e18, 1000e18);
        price(3174.6e18);
        assertGe(equityOf(trader), RISK.margin(trader).maintenanceWad);
        price(3174.61e18);
        assertLt(equityOf(trader), RISK.margin(trader).maintenanceWad);
    }

    /// @dev dYdX (the same, cross): a short of 1.5 at 3,000 with 5 % beside 1,000 at 1.75 with 10 %: 3,380.95.
    function test_margin_dydxCross_isMaintainedUpToItsLiquidationPrice() public {
        setMaintenance(50_000);
        IMarkets.Limits memory limits = plainLimits();
        (limits.initialPips, limits.maintenancePips) = (100_000, 1_000_000);
        BOARD.setLimits(ETH, limits);
        price(3000e18);
        enter(-1.5e18, 1000e18);
        BOARD.setPrice(ETH, 1.75e18);
        enterMore(ETH, 1000e18);
        price(3380.95e18);
        assertGe(equityOf(trader), RISK.margin(trader).maintenanceWad);
        price(3380.96e18);
        assertLt(equityOf(trader), RISK.margin(trader).maintenanceWad);
    }

    /// @dev Hyperliquid (clearinghouseState in the documentation of its info endpoint, an isolated position with a margin of
    /// 1 / 100): 2,866.26936529, up to what the margin shown there is rounded by.
    function test_margin_hyperliquidSnapshot_isMaintainedDownToItsLiquidationPrice() public {
        setMaintenance(10_000);
        price(2985.9e18);
        enter(0.0335e18, 4.967826e18);
        price(2866.2694e18);
        assertGe(equityOf(trader), RISK.margin(trader).maintenanceWad);
        price(2866.2693e18);
        assertLt(equityOf(trader), RISK.margin(trader).maintenanceWad);
    }

    /// @dev Hyperliquid (liquidation price of a long): 80 / 0.95 = 84.2105.
    function test_margin_hyperliquidLong_isMaintainedDownToItsLiquidationPrice() public {
        setMaintenance(50_000);
        enter(1e18, 20e18);
        price(84.2106e18);
        assertGe(equityOf(trader), RISK.margin(trader).maintenanceWad);
        price(84.2105e18);
        assertLt(equityOf(trader), RISK.margin(trader).maintenanceWad);
    }

    /* CROWDING */

    function test_pitfall_02__crowdedMarket__asksMoreOfNewRiskAndLiquidatesNobody() public {
        enter(10e18, 80e18);
        IMarkets.Limits memory limits = plainLimits();
        (limits.openInterestLowWad, limits.openInterestHighWad) = (5e18, 15e18);
        BOARD.setLimits(BTC, limits);
        IRiskManager.Margin memory margin = RISK.margin(trader);
        // Half of the way: 5 % and half of the other 95 %.
        assertEq(margin.initialWad, 525e18);
        assertEq(margin.maintenanceWad, 30e18);
        assertEq(uint256(check(1e18, 0)), uint256(Bust.MARGIN));
        assertEq(uint256(check(-1e18, 0)), uint256(Bust.NONE));
    }

    /* ACCEPTANCE */

    function test_checkTrade_initialMarginMet_isAccepted() public {
        fund(trader, 50e18);
        assertEq(uint256(check(10e18, 0)), uint256(Bust.NONE));
        assertEq(uint256(check(10e18, -1)), uint256(Bust.MARGIN));
        assertEq(uint256(check(-10e18, 0)), uint256(Bust.NONE));
        assertEq(uint256(check(10.001e18, 0)), uint256(Bust.MARGIN));
    }

    function test_checkTrade_belowInitialMargin_onlyFairReductions() public {
        enter(10e18, 40e18);
        assertEq(uint256(check(0.001e18, 0)), uint256(Bust.MARGIN));
        assertEq(uint256(check(-1e18, 0)), uint256(Bust.NONE));
        // A tenth closed may cost the tenth of maintenance margin that it frees.
        assertEq(uint256(check(-1e18, -3e18)), uint256(Bust.NONE));
        assertEq(uint256(check(-1e18, -3e18 - 1)), uint256(Bust.MARGIN));
    }

    function test_checkTrade_turning_isNoReduction() public {
        enter(10e18, 3e18);
        assertEq(uint256(check(-10e18, 0)), uint256(Bust.NONE));
        assertEq(uint256(check(-11e18, 0)), uint256(Bust.MARGIN));
    }

    function test_checkTrade_reducingOneGrowingOther_isNoReduction() public {
        enter(10e18, 40e18);
        enterMore(ETH, 1e18);
        LegChange[] memory legs = new LegChange[](2);
        legs[0] = LegChange(BTC, -1e18, PRICE);
        legs[1] = LegChange(ETH, -0.5e18, PRICE);
        assertEq(uint256(RISK.checkTrade(trader, legs, 0)), uint256(Bust.NONE));
        legs[1] = LegChange(ETH, 0.001e18, PRICE);
        assertEq(uint256(RISK.checkTrade(trader, legs, 0)), uint256(Bust.MARGIN));
        legs[1] = LegChange(OIL, 0, PRICE);
        assertEq(uint256(RISK.checkTrade(trader, legs, 0)), uint256(Bust.NONE));
    }

    /// @dev A subaccount just above maintenance margin sells to an accomplice below the mark: health by ratio would still
    /// rise, but more value leaves than margin is freed.
    function test_attack__badPricedClose__cannotDumpValueToAnAccomplice() public {
        enter(10e18, 31e18);
        assertEq(uint256(check(-1e18, -3e18)), uint256(Bust.NONE));
        assertEq(uint256(check(-1e18, -3.1e18)), uint256(Bust.MARGIN));
        (int256 equity, int256 maintenance) = healthOf(trader);
        assertGe((equity - 3.1e18) * maintenance, equity * (maintenance - 3e18));
    }

    /// @dev Exactly the rule: what is below zero cannot get better by shrinking at the mark, so it is for liquidation.
    function test_checkTrade_underwater_cannotReduceByItself() public {
        enter(10e18, 31e18);
        price(96e18);
        assertLt(equityOf(trader), 0);
        assertEq(uint256(check(-10e18, 0)), uint256(Bust.MARGIN));
        assertEq(uint256(check(-10e18, 9e18)), uint256(Bust.NONE));
    }

    function test_checkTrade_onlyExpiredLegs_equityMayNotFall() public {
        enter(10e18, 0);
        price(90e18);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        LegChange[] memory none = new LegChange[](0);
        assertEq(uint256(RISK.checkTrade(trader, none, 0)), uint256(Bust.NONE));
        assertEq(uint256(RISK.checkTrade(trader, none, -1)), uint256(Bust.MARGIN));
        assertEq(uint256(RISK.checkTrade(trader, none, 1)), uint256(Bust.NONE));
    }

    /// @dev What is judged before a trade is what is found after it.
    function testFuzz_checkTrade_agreesWithTheMarginAfterTheTrade(
        int256 size,
        uint256 cash,
        int256 delta,
        int256 tradePrice,
        int256 newPrice
    ) public {
        size = bound(size, -100_000, 100_000) * 1e15;
        delta = bound(delta, -150_000, 150_000) * 1e15;
        newPrice = bound(newPrice, 90, 110) * 1e18;
        tradePrice = newPrice + bound(tradePrice, -500, 500) * 1e16;
        enter(size, int256(bound(cash, 0, 2000)) * 1e18);
        price(newPrice);
        IRiskManager.Margin memory was = RISK.margin(trader);
        int256 cashDelta = delta * (newPrice - tradePrice) / 1e18;
        bool isAccepted = check(delta, cashDelta) == Bust.NONE;

        SubaccountChange[] memory changes = tradeOf(trader, other, BTC, delta, tradePrice, newPrice, 0);
        settleAs(CLEARING, changes);
        IRiskManager.Margin memory now_ = RISK.margin(trader);
        bool isMet = now_.initialEquityWad >= now_.initialWad;
        bool isFair = MarginMath.isReduction(size, size + delta)
            && MarginMath.isNoWorse(was.equityWad, was.maintenanceWad, now_.equityWad, now_.maintenanceWad);
        assertEq(isAccepted, isMet || isFair);
    }

    function testFuzz_checkTrade_reducingAtTheMark_isAlwaysAccepted(
        int256 size,
        uint256 part,
        int256 cash,
        int256 newPrice
    ) public {
        size = bound(size, -100_000, 100_000) * 1e15;
        enter(size, int256(bound(uint256(cash), 0, 1000)) * 1e18);
        price(bound(newPrice, 50, 150) * 1e18);
        int256 delta = -size * int256(bound(part, 0, 100)) / 100 / 1e15 * 1e15;
        if (equityOf(trader) < 0) return;
        assertEq(uint256(check(delta, 0)), uint256(Bust.NONE));
    }

    /* FRESHNESS */

    function test_checkTrade_freshnessByUse() public {
        enter(10e18, 200e18);
        BOARD.setStale(BTC, PriceUse.INCREASE, true);
        assertEq(uint256(check(1e18, 0)), uint256(Bust.STALE_PRICE));
        assertEq(uint256(check(-11e18, 0)), uint256(Bust.STALE_PRICE));
        assertEq(uint256(check(-1e18, 0)), uint256(Bust.NONE));
        BOARD.setStale(BTC, PriceUse.REDUCE, true);
        assertEq(uint256(check(-1e18, 0)), uint256(Bust.STALE_PRICE));
    }

    function test_checkTrade_anotherMarketHeld_mustBeFreshToo() public {
        enter(10e18, 200e18);
        enterMore(ETH, 1e18);
        BOARD.setStale(ETH, PriceUse.INCREASE, true);
        assertEq(uint256(check(1e18, 0)), uint256(Bust.STALE_PRICE));
    }

    function test_checkTrade_marketNotHeld_isNeverAsked() public {
        enter(10e18, 200e18);
        BOARD.setStale(ETH, PriceUse.INCREASE, true);
        BOARD.setStale(ETH, PriceUse.REDUCE, true);
        BOARD.setStale(ETH, PriceUse.LIQUIDATE, true);
        assertEq(uint256(check(1e18, 0)), uint256(Bust.NONE));
        RISK.requireFresh(trader, PriceUse.LIQUIDATE);
        assertGt(RISK.withdrawableWad(trader), 0);
    }

    function test_requireFresh_stale_saysWhichFeed() public {
        enter(10e18, 200e18);
        BOARD.setStale(BTC, PriceUse.LIQUIDATE, true);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(1), NOW, 30));
        RISK.requireFresh(trader, PriceUse.LIQUIDATE);
        RISK.requireFresh(trader, PriceUse.REDUCE);
        RISK.requireFresh(other, PriceUse.REDUCE);
    }

    function test_requireFresh_ether_asksItsFeedOfWhoHoldsSome() public {
        PRICES.setStale(FeedId.wrap(99), true);
        RISK.requireFresh(trader, PriceUse.LIQUIDATE);
        SAFE.setEther(trader, 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(99), 0, 1));
        RISK.requireFresh(trader, PriceUse.LIQUIDATE);
    }

    /* WITHDRAWALS */

    function test_withdrawable_withoutPositions_isAllCash() public {
        fund(trader, 80e18);
        assertEq(RISK.withdrawableWad(trader), 80e18);
        assertEq(RISK.withdrawableCashWad(trader), 80e18);
    }

    function test_withdrawable_leavesATenthOfNotionalAndABuffer() public {
        enter(10e18, 200e18);
        // 1,000 notional: 100, though initial margin is 50; and 1.5 %.
        assertEq(RISK.withdrawableWad(trader), 85e18);
        BOARD.setVolatility(BTC, 0.01e18);
        // Ten times 1 % × √(240 / 3600).
        vm.warp(NOW + 180);
        assertEq(RISK.withdrawableWad(trader), 200e18 - 100e18 - 25.819888974716113e18);
    }

    function test_withdrawable_hedged_paysTheTenthOnBothLegs() public {
        enter(10e18, 400e18);
        enterMore(ETH, -10e18);
        assertEq(RISK.withdrawableWad(trader), 400e18 - 200e18 - 30e18);
    }

    function test_withdrawable_stale_reverts() public {
        enter(10e18, 200e18);
        BOARD.setStale(BTC, PriceUse.INCREASE, true);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(1), NOW, 15));
        RISK.withdrawableWad(trader);
    }

    function test_withdrawable_expiredMarket_isNotAsked() public {
        enter(10e18, 200e18);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        assertEq(RISK.withdrawableWad(trader), 200e18);
    }

    function test_withdrawableCash_ether_isNoReasonToBorrow() public {
        SAFE.setEther(trader, 1e18, 1000e18, 1100e18);
        assertEq(RISK.withdrawableWad(trader), 1000e18);
        assertEq(RISK.withdrawableCashWad(trader), 0);
        enter(10e18, 20e18);
        assertEq(RISK.withdrawableCashWad(trader), 20e18);
        price(97e18);
        assertEq(RISK.withdrawableCashWad(trader), 0);
    }

    function testFuzz_withdrawable_whatLeft_isStillMarginedByATenth(int256 size, uint256 cash, int256 newPrice) public {
        size = bound(size, -100_000, 100_000) * 1e15;
        enter(size, int256(bound(cash, 0, 3000)) * 1e18);
        price(bound(newPrice, 80, 120) * 1e18);
        int256 amount = RISK.withdrawableCashWad(trader);
        assertGe(amount, 0);
        if (amount == 0) return;
        withdrawalPends(trader, amount);
        IRiskManager.Margin memory margin = RISK.margin(trader);
        assertGe(margin.initialEquityWad, margin.initialWad);
        (, IRiskManager.LegMargin[] memory lines) = RISK.explain(trader);
        if (lines.length != 0) assertGe(margin.equityWad * 10, lines[0].notionalWad);
        // Some wei of the buffer's rounding remain.
        assertLe(RISK.withdrawableCashWad(trader), 1);
    }

    /* PITFALLS */

    function test_pitfall_01__pumpedPrice__profitOnPaperIsNotLent() public {
        // A short pays for the long of the same hand; the price doubles; the long may take out what the other lost, but never
        // more than it has, and a tenth of its position stays.
        enter(10e18, 100e18);
        price(200e18);
        assertEq(RISK.withdrawableCashWad(trader), 1100e18 - 200e18 - 30e18);
        withdrawalPends(trader, 870e18);
        (int256 equity,) = healthOf(trader);
        assertGt(equity, 0);
    }

    function test_pitfall_04__whale__cannotTakeOutProfitUntilItIsNearlyLiquidatable() public {
        IMarkets.Limits memory limits = plainLimits();
        limits.initialPips = 20_000;
        BOARD.setLimits(BTC, limits);
        enter(100e18, 300e18);
        price(110e18);
        int256 most = RISK.withdrawableCashWad(trader);
        withdrawalPends(trader, most);
        // Fifty times leverage is allowed for new risk, ten times for what leaves.
        (int256 equity, int256 maintenance) = healthOf(trader);
        assertGe(equity * 10, 110e18 * 100);
        assertGt(equity, 8 * maintenance);
    }

    function test_pitfall_08__unsettledProfit__isBackedByAnothersLoss() public {
        enter(10e18, 80e18);
        enterMore(ETH, -5e18);
        price(123e18);
        BOARD.setPrice(ETH, 77e18);
        assertEq(worthOfAll(), 0);
    }

    /* PRIVATE */

    function check(int256 sizeWad, int256 cashWad) private view returns (Bust) {
        LegChange[] memory legs = new LegChange[](1);
        legs[0] = LegChange(BTC, sizeWad, BOARD.state(BTC).settleIndexWad);
        return RISK.checkTrade(trader, legs, cashWad);
    }

    /// @dev Initial and maintenance margin alike.
    function setMaintenance(uint32 pips) private {
        IMarkets.Limits memory limits = plainLimits();
        (limits.initialPips, limits.maintenancePips) = (pips, 1_000_000);
        BOARD.setLimits(BTC, limits);
    }
}
