// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILedger} from "../../../src/interfaces/settlement/ILedger.sol";
import {ILiquidator} from "../../../src/interfaces/settlement/ILiquidator.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {LiquidationMath} from "../../../src/libraries/settlement/LiquidationMath.sol";
import {
    BAD_DEBT,
    FEES,
    FeedId,
    INSURANCE,
    MarketStatus,
    PENDING,
    PriceUse,
    SubaccountId,
    VAULT
} from "../../../src/types/Settlement.sol";
import {RiskWorld} from "../../helpers/RiskWorld.sol";

/// @notice Who may be liquidated when, how much at which price, and who pays what.
contract LiquidatorTest is RiskWorld {
    SubaccountId internal constant NOBODY = SubaccountId.wrap(0);

    /* FLAGS */

    function test_flag_belowMaintenance_isNoted() public {
        enter(10e18, 40e18);
        price(98e18);
        vm.expectEmit();
        emit ILiquidator.Flagged(trader, hunter, NOW, NOW);
        vm.prank(hunter);
        KEEPER.flag(trader);
        assertEq(KEEPER.flaggedAt(trader), NOW);
        assertEq(BOARD.nRefreshes(BTC), 1);
    }

    function test_flag_healthy_reverts() public {
        enter(10e18, 40e18);
        price(98.97e18); // 29.7 against 29.691
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Healthy.selector, trader));
        KEEPER.flag(trader);
    }

    function test_flag_again_keepsTheFirst() public {
        flagAt(98e18);
        skip(10);
        KEEPER.flag(trader);
        assertEq(KEEPER.flaggedAt(trader), NOW);
    }

    function test_flag_afterAnHour_isDead() public {
        flagAt(98e18);
        skip(1 hours);
        assertEq(KEEPER.flaggedAt(trader), NOW);
        skip(1);
        assertEq(KEEPER.flaggedAt(trader), 0);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.NotFlagged.selector, trader));
        liquidate(BTC);
        KEEPER.flag(trader);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.InGrace.selector, NOW + 1 hours + 1 + 60));
        liquidate(BTC);
    }

    function test_flag_stalePrice_reverts() public {
        enter(10e18, 40e18);
        price(98e18);
        BOARD.setStale(BTC, PriceUse.LIQUIDATE, true);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(1), NOW, 30));
        KEEPER.flag(trader);
    }

    function test_attack__pots__cannotBeLiquidated() public {
        SubaccountId[6] memory pots = [VAULT, FEES, INSURANCE, PENDING, BAD_DEBT, user(99)];
        assertLt(cashOf(VAULT), 0);
        for (uint256 i; i < pots.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(ILedger.UnknownSubaccount.selector, pots[i]);
            vm.expectRevert(refusal);
            KEEPER.flag(pots[i]);
            vm.expectRevert(refusal);
            KEEPER.resolve(pots[i]);
            vm.expectRevert(refusal);
            KEEPER.liquidate(pots[i], BTC, NOBODY, "");
        }
    }

    function test_unflag_healthyAgain() public {
        flagAt(98e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Unhealthy.selector, trader));
        KEEPER.unflag(trader);
        fund(trader, 20e18);
        KEEPER.unflag(trader);
        assertEq(KEEPER.flaggedAt(trader), 0);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.NotFlagged.selector, trader));
        KEEPER.unflag(trader);
    }

    /* WHEN */

    function testFuzz_attack__healthy__cannotBeLiquidated(uint256 cash, uint256 drop) public {
        enter(10e18, int256(bound(cash, 30e18, 200e18)));
        price(PRICE - int256(bound(drop, 0, 20e18)) / 1e6 * 1e6);
        (int256 equity, int256 maintenance) = healthOf(trader);
        if (equity < maintenance) return;
        assertFalse(KEEPER.isLiquidatable(trader));
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Healthy.selector, trader));
        liquidate(BTC);
    }

    /// @dev A mark that somebody moved, alone: below half of the margin there, and enough at the index.
    function test_pitfall_32__lowAtTheMarkAlone__isHealthy() public {
        enter(10e18, 40e18);
        BOARD.setMark(BTC, 99e18, 97e18, 97e18); // 10 at the mark and 30 at the index against 29.7
        assertFalse(KEEPER.isLiquidatable(trader));
        (int256 size,) = KEEPER.closeTerms(trader, BTC);
        assertEq(size, 0);
        bytes memory refusal = abi.encodeWithSelector(ILiquidator.Healthy.selector, trader);
        vm.expectRevert(refusal);
        KEEPER.flag(trader);
        vm.expectRevert(refusal);
        liquidate(BTC);
        // Nor at the index alone.
        BOARD.setMark(BTC, 97e18, 99e18, 99e18);
        vm.expectRevert(refusal);
        KEEPER.flag(trader);
    }

    /// @dev Half of the margin is judged both ways as well: what the mark alone says has time for the owner to act.
    function test_pitfall_32__farBelowAtTheMarkAlone__needsAFlag() public {
        enter(10e18, 40e18);
        BOARD.setMark(BTC, 98e18, 97.4e18, 97.4e18); // 14 at the mark and 20 at the index against 29.4
        assertFalse(KEEPER.isLiquidatable(trader));
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.NotFlagged.selector, trader));
        liquidate(BTC);
        KEEPER.flag(trader);
        skip(60);
        assertTrue(KEEPER.isLiquidatable(trader));
        BOARD.setMark(BTC, 99e18, 97.4e18, 97.4e18);
        KEEPER.unflag(trader);
    }

    /// @dev A short, and another leg that makes up for it at the index.
    function test_pitfall_32__manyLegs__areJudgedTogether() public {
        enter(-10e18, 60e18);
        enterMore(ETH, 5e18);
        BOARD.setMark(BTC, 100e18, 102e18, 102e18); // at the marks 35, at the indices 60, against 45
        BOARD.setMark(ETH, 100e18, 99e18, 99e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Healthy.selector, trader));
        KEEPER.flag(trader);
        BOARD.setMark(BTC, 102e18, 102e18, 102e18);
        KEEPER.flag(trader);
    }

    function test_liquidate_notFlagged_reverts() public {
        enter(10e18, 40e18);
        price(98e18);
        PIT.setMaker(other, 98e18, type(uint128).max);
        assertFalse(KEEPER.isLiquidatable(trader));
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.NotFlagged.selector, trader));
        liquidate(BTC);
    }

    function test_liquidate_graceByTime() public {
        flagAt(98e18);
        skip(59);
        assertFalse(KEEPER.isLiquidatable(trader));
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.InGrace.selector, NOW + 60));
        liquidate(BTC);
        skip(1);
        assertTrue(KEEPER.isLiquidatable(trader));
        assertLt(liquidate(BTC), 0);
    }

    function test_liquidate_secondPrice_endsGrace() public {
        flagAt(98e18);
        skip(2);
        price(98e18);
        assertTrue(KEEPER.isLiquidatable(trader));
        assertLt(liquidate(BTC), 0);
    }

    function test_liquidate_secondPriceOfOneMarketOnly_doesNot() public {
        enter(10e18, 60e18);
        enterMore(ETH, 1e18);
        BOARD.setPrice(BTC, 96e18);
        KEEPER.flag(trader);
        skip(2);
        BOARD.setPrice(BTC, 96e18);
        assertFalse(KEEPER.isLiquidatable(trader));
        BOARD.setPrice(ETH, PRICE);
        assertTrue(KEEPER.isLiquidatable(trader));
    }

    function test_liquidate_belowHalf_atOnce() public {
        enter(10e18, 40e18);
        price(97.45e18); // 14.5 against 29.235
        PIT.setMaker(other, 97.45e18, type(uint128).max);
        assertTrue(KEEPER.isLiquidatable(trader));
        assertLt(liquidate(BTC), 0);
    }

    function test_liquidate_stalePrice_reverts() public {
        enter(10e18, 40e18);
        price(97e18);
        BOARD.setStale(BTC, PriceUse.LIQUIDATE, true);
        assertFalse(KEEPER.isLiquidatable(trader));
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(1), NOW, 30));
        liquidate(BTC);
    }

    function test_pitfall_25__outage__ownersHaveTimeToAct() public {
        flagAt(98e18);
        BOARD.setResumedAt(BTC, NOW - 10);
        skip(120);
        price(98e18);
        assertFalse(KEEPER.isLiquidatable(trader));
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.InGrace.selector, NOW - 10 + 15 minutes));
        liquidate(BTC);
        skip(15 minutes);
        assertTrue(KEEPER.isLiquidatable(trader));
        // What is below half of its margin cannot wait.
        BOARD.setResumedAt(BTC, uint64(block.timestamp));
        price(97e18);
        assertTrue(KEEPER.isLiquidatable(trader));
    }

    /// @dev A price of zero is none: the market has not been priced, so nothing may be judged by it.
    function test_pitfall_16__noPrice__liquidatesNobody() public {
        enter(10e18, 40e18);
        BOARD.setMark(BTC, 0, 0, 0);
        BOARD.setStale(BTC, PriceUse.LIQUIDATE, true);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(1), NOW, 30));
        liquidate(BTC);
    }

    /* HOW MUCH, AT WHICH PRICE */

    function test_closeTerms_long() public {
        flagAt(98e18);
        (int256 size, int256 limit) = KEEPER.closeTerms(trader, BTC);
        // 9.4 are missing; each contract frees 2.94 and costs 0.58604 of penalty.
        assertEq(size, -3.994e18);
        // A loss of 2 per contract keeps 20 of 29.4.
        assertEq(limit, 96e18);
    }

    function test_closeTerms_short() public {
        enter(-10e18, 40e18);
        price(102e18);
        (int256 size, int256 limit) = KEEPER.closeTerms(trader, BTC);
        assertGt(size, 0);
        assertEq(limit, 104e18);
    }

    function test_closeTerms_healthyOrNothingHeld_areZero() public {
        enter(10e18, 40e18);
        (int256 size, int256 limit) = KEEPER.closeTerms(trader, BTC);
        assertEq(size, 0);
        assertEq(limit, 0);
        price(98e18);
        (size, limit) = KEEPER.closeTerms(trader, ETH);
        assertEq(size, 0);
    }

    function test_liquidate_atTheLimit_keepsHealthBeforeThePenalty() public {
        flagAndWait(98e18);
        PIT.setMaker(other, 96e18, type(uint128).max);
        (int256 equity, int256 maintenance) = healthOf(trader);
        liquidate(BTC);
        (int256 equityAfter, int256 maintenanceAfter) = healthOf(trader);
        equityAfter += cashOf(keeper) + cashOf(INSURANCE);
        assertEq(equityAfter * maintenance, equity * maintenanceAfter);
    }

    function test_liquidate_worseThanTheLimit_reverts() public {
        flagAndWait(98e18);
        PIT.setMaker(other, 95.99e18, type(uint128).max);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        liquidate(BTC);
    }

    function test_liquidate_marketNotHeld_reverts() public {
        flagAndWait(98e18);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        liquidate(ETH);
    }

    function test_liquidate_atTheMark_restoresMarginAndUnflags() public {
        flagAndWait(98e18);
        assertEq(liquidate(BTC), -3.994e18);
        (int256 equity, int256 maintenance) = healthOf(trader);
        assertGe(equity, maintenance);
        assertEq(KEEPER.flaggedAt(trader), 0);
    }

    function test_liquidate_thinMaker_closesWhatItTakes() public {
        flagAndWait(98e18);
        PIT.setMaker(other, 98e18, 1e18);
        assertEq(liquidate(BTC), -1e18);
        assertGt(KEEPER.flaggedAt(trader), 0);
        assertEq(liquidate(BTC), -1e18);
    }

    /* WHO PAYS */

    function test_pitfall_27__dust__isClosedWholeAndPaysItsKeeper() public {
        enter(0.1e18, 0.4e18);
        price(98e18);
        KEEPER.flag(trader);
        skip(60);
        PIT.setMaker(other, 98e18, type(uint128).max);
        vm.expectEmit();
        // 0.50098 % of 9.8.
        emit ILiquidator.Liquidated(trader, BTC, hunter, -0.1e18, 9.8e18, 0.04909604e18, 0.014728812e18);
        liquidate(BTC);
        assertEq(cashOf(keeper), 0.014728812e18);
        assertEq(FUND.trancheWad(BTC), 0.034367228e18);
        assertEq(equityOf(trader), 0.2e18 - 0.04909604e18);
    }

    function test_liquidate_noKeeperNamed_allToInsurance() public {
        flagAndWait(98e18);
        KEEPER.liquidate(trader, BTC, NOBODY, "");
        assertGt(FUND.trancheWad(BTC), 0);
        assertEq(cashOf(keeper), 0);
    }

    function test_liquidate_rewardToAnothersSubaccount_reverts() public {
        flagAndWait(98e18);
        vm.prank(alice);
        vm.expectRevert(ILiquidator.NotOwner.selector);
        KEEPER.liquidate(trader, BTC, keeper, "");
    }

    function test_attack__selfLiquidationForTheReward__getsNone() public {
        SubaccountId second = openFor(alice);
        flagAndWait(98e18);
        vm.prank(alice);
        KEEPER.liquidate(trader, BTC, second, "");
        assertEq(cashOf(second), 0);
    }

    /// @dev The owner is keeper and maker under other names, and takes its own position at the worst price there is: what
    /// it has in all falls by what insurance gets.
    function testFuzz_pitfall_26__selfLiquidation__isNeverProfitable(uint256 cash, uint256 drop, uint256 depth) public {
        enter(10e18, int256(bound(cash, 31e18, 50e18)));
        price(PRICE - int256(bound(drop, 1, 4)) * 1e18);
        BOARD.setReport(BTC, int256(bound(depth, 0, 1e24)));
        (int256 equity, int256 maintenance) = healthOf(trader);
        if (equity >= maintenance || equity < 0) return; // what is below zero is forgiven
        KEEPER.flag(trader);
        skip(60);
        (, int256 limit) = KEEPER.closeTerms(trader, BTC);
        PIT.setMaker(other, limit, type(uint128).max);
        int256 before = equityOf(trader) + equityOf(other) + equityOf(keeper);
        liquidate(BTC);
        int256 afterwards = equityOf(trader) + equityOf(other) + equityOf(keeper);
        assertEq(before - afterwards, int256(FUND.trancheWad(BTC)));
        assertEq(cashOf(BAD_DEBT), 0);
    }

    /// @dev Keeper and maker are one: in one liquidation at the limit they get no more than the share of equity that belongs
    /// to what is closed, and the rest is as safe as before.
    function testFuzz_attack__keeperAndMakerAreOne__cannotDumpValue(uint256 cash, uint256 drop, bool isShort) public {
        int256 size = isShort ? -10e18 : int256(10e18);
        enter(size, int256(bound(cash, 31e18, 50e18)));
        int256 move = int256(bound(drop, 1, 400)) * 1e16;
        price(isShort ? PRICE + move : PRICE - move);
        (int256 equity, int256 maintenance) = healthOf(trader);
        if (equity >= maintenance || equity < 0) return;
        KEEPER.flag(trader);
        skip(60);
        (, int256 limit) = KEEPER.closeTerms(trader, BTC);
        PIT.setMaker(other, limit, type(uint128).max);
        int256 makerBefore = equityOf(other);
        int256 closed = liquidate(BTC);
        int256 gained = equityOf(other) - makerBefore;
        assertGe(gained, 0);
        assertLe(gained * 10e18, equity * (closed < 0 ? -closed : closed));
        (int256 equityAfter, int256 maintenanceAfter) = healthOf(trader);
        int256 penalty = cashOf(keeper) + cashOf(INSURANCE);
        assertGe(equityAfter, 0);
        assertGe((equityAfter + penalty) * maintenance, equity * (maintenanceAfter - 1));
        assertEq(worthOfAll(), 0);
    }

    /// @dev However poor, however dear: the penalty never stops a liquidation nor makes a debt.
    function testFuzz_pitfall_29__penalty__isClampedByEquity(uint256 left, uint256 volatility) public {
        enter(10e18, 20e18 + int256(bound(left, 0, 1e18)));
        price(98e18);
        BOARD.setVolatility(BTC, bound(volatility, 0, 1e18));
        PIT.setMaker(other, 98e18, type(uint128).max);
        int256 equity = equityOf(trader);
        liquidate(BTC);
        int256 penalty = cashOf(keeper) + cashOf(INSURANCE);
        assertLe(penalty, equity);
        assertEq(equityOf(trader), equity - penalty);
        assertEq(cashOf(BAD_DEBT), 0);
        if (penalty != 0) assertLt(cashOf(keeper), penalty);
    }

    function test_liquidate_deepBook_costsLess() public {
        flagAndWait(98e18);
        uint256 snapshot = vm.snapshotState();
        liquidate(BTC);
        int256 dear = cashOf(INSURANCE);
        vm.revertToState(snapshot);
        BOARD.setReport(BTC, 1e24);
        liquidate(BTC);
        int256 cheap = cashOf(INSURANCE);
        assertLt(cheap, dear);
        // An old report counts as none.
        vm.revertToState(snapshot);
        BOARD.setReport(BTC, 1e24);
        skip(10 minutes + 1);
        liquidate(BTC);
        assertEq(cashOf(INSURANCE), dear);
    }

    /* PENDING WITHDRAWALS */

    function test_liquidate_pendingWithdrawal_comesBackFirst() public {
        enter(10e18, 70e18);
        withdrawalPends(trader, 30e18);
        price(98e18);
        KEEPER.flag(trader);
        skip(60);
        assertEq(liquidate(BTC), 0);
        assertEq(sizeOf(trader, BTC), 10e18);
        assertEq(cashOf(PENDING), 0);
        assertEq(equityOf(trader), 50e18);
        assertEq(KEEPER.flaggedAt(trader), 0);
    }

    function test_liquidate_pendingWithdrawalNotEnough_closesLess() public {
        enter(10e18, 45e18);
        withdrawalPends(trader, 5e18);
        price(98e18);
        KEEPER.flag(trader);
        skip(60);
        PIT.setMaker(other, 98e18, type(uint128).max);
        // 4.4 are missing instead of 9.4: the least step.
        assertEq(liquidate(BTC), -2e18);
    }

    /* SHORTFALL */

    function test_liquidate_underwater_atTheMark_insurancePays() public {
        donate(BTC, 4e18);
        donate(GLOBAL, 8e18);
        enter(10e18, 40e18);
        price(94e18);
        PIT.setMaker(other, 94e18, type(uint128).max);
        vm.expectEmit();
        emit ILiquidator.Shortfall(trader, 8e18, 12e18);
        assertEq(liquidate(BTC), -10e18);
        assertEq(cashOf(trader), 0);
        assertEq(FUND.trancheWad(BTC), 0);
        assertEq(FUND.trancheWad(GLOBAL), 4e18);
        assertEq(cashOf(BAD_DEBT), -12e18);
        assertEq(cashOf(keeper), 0);
        assertEq(worthOfAll(), 0);
    }

    function test_liquidate_underwater_otherPositionLeft_paysLater() public {
        donate(GLOBAL, 1000e18);
        enter(10e18, 40e18);
        enterMore(ETH, 1e18);
        price(94e18);
        PIT.setMaker(other, 94e18, type(uint128).max);
        liquidate(BTC);
        assertEq(cashOf(trader), -20e18);
        PIT.setMaker(other, PRICE, type(uint128).max);
        liquidate(ETH);
        assertEq(cashOf(trader), 0);
        assertEq(FUND.trancheWad(GLOBAL), 980e18);
    }

    function test_liquidate_underwater_worseThanTheMark_reverts() public {
        enter(10e18, 40e18);
        price(94e18);
        PIT.setMaker(other, 93.99e18, type(uint128).max);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        liquidate(BTC);
    }

    function test_resolve_nothingHeld_paysFromTheGlobalTranche() public {
        donate(BTC, 100e18);
        donate(GLOBAL, 100e18);
        enter(10e18, 40e18);
        price(94e18);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        KEEPER.resolve(trader);
        assertEq(equityOf(trader), 0);
        assertEq(FUND.trancheWad(GLOBAL), 80e18);
        assertEq(FUND.trancheWad(BTC), 100e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Healthy.selector, trader));
        KEEPER.resolve(trader);
    }

    function test_resolve_positionsLeft_reverts() public {
        enter(10e18, 40e18);
        price(94e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Healthy.selector, trader));
        KEEPER.resolve(trader);
    }

    function test_resolve_pendingWithdrawal_paysFirst() public {
        donate(GLOBAL, 100e18);
        enter(10e18, 50e18);
        withdrawalPends(trader, 10e18);
        price(94e18);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        KEEPER.resolve(trader);
        assertEq(FUND.trancheWad(GLOBAL), 90e18);
        assertEq(cashOf(PENDING), 0);
    }

    function test_resolve_ether_isSeizedForTheCashItOwes() public {
        donate(GLOBAL, 1000e18);
        SAFE.setEther(trader, 1e18, 40e18, 45e18);
        enter(10e18, 0);
        price(94e18);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        KEEPER.resolve(trader);
        assertEq(SAFE.etherOf(trader), 0);
        assertEq(SAFE.etherOf(INSURANCE), 1e18);
        assertEq(equityOf(trader), 0);
        assertEq(FUND.trancheWad(GLOBAL), 940e18);
    }

    function test_resolve_etherAtAnOldPrice_reverts() public {
        SAFE.setEther(trader, 1e18, 40e18, 45e18);
        enter(10e18, 0);
        price(94e18);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        PRICES.setStale(FeedId.wrap(99), true);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(99), 0, 1));
        KEEPER.resolve(trader);
    }

    /* EVERYTHING */

    /// @dev Any portfolio of two legs at any price, closed by any maker within the limit: nothing is made or lost, no
    /// tranche is negative, and who had something is not in debt.
    function testFuzz_liquidate_conservesAndNeverMakesADebt(
        int256 btc,
        int256 eth,
        uint256 cash,
        int256 btcMove,
        int256 ethMove,
        uint256 better
    ) public {
        donate(GLOBAL, 100e18);
        enter(bound(btc, -20_000, 20_000) * 1e15, int256(bound(cash, 1, 200)) * 1e18);
        enterMore(ETH, bound(eth, -20_000, 20_000) * 1e15);
        skip(1);
        BOARD.setPrice(BTC, PRICE + bound(btcMove, -1000, 1000) * 1e16);
        BOARD.setPrice(ETH, PRICE + bound(ethMove, -1000, 1000) * 1e16);
        (int256 equity, int256 maintenance) = healthOf(trader);
        int256 held = sizeOf(trader, BTC);
        if (equity >= maintenance || held == 0) return;
        KEEPER.flag(trader);
        skip(60);
        (, int256 limit) = KEEPER.closeTerms(trader, BTC);
        int256 step = int256(bound(better, 0, 100)) * 1e16;
        PIT.setMaker(other, held > 0 ? limit + step : limit - step, type(uint128).max);
        liquidate(BTC);
        assertEq(worthOfAll(), 0);
        assertEq(cashOf(INSURANCE), tranches());
        assertLe(cashOf(BAD_DEBT), 0);
        if (equity >= 0) {
            assertGe(equityOf(trader), 0);
            assertEq(cashOf(BAD_DEBT), 0);
        }
        assertLt(sizeOf(trader, BTC) * (held > 0 ? int256(1) : int256(-1)), held > 0 ? held : -held);
    }

    /* PRIVATE */

    /// @dev Ten contracts with forty beside them: twenty are left at 98, where 29.4 are needed.
    function flagAt(int256 priceWad) private {
        enter(10e18, 40e18);
        price(priceWad);
        KEEPER.flag(trader);
        PIT.setMaker(other, priceWad, type(uint128).max);
    }

    function flagAndWait(int256 priceWad) private {
        flagAt(priceWad);
        skip(60);
    }
}
