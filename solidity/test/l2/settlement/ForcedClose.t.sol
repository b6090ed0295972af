// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILiquidator} from "../../../src/interfaces/settlement/ILiquidator.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {BAD_DEBT, FeedId, INSURANCE, MarketStatus, PriceUse} from "../../../src/types/Settlement.sol";
import {RiskWorld} from "../../helpers/RiskWorld.sol";

/// @notice An owner whom nobody trades with gets out against the insurance fund, which gets rid of it again.
contract ForcedCloseTest is RiskWorld {
    uint64 internal constant DELAY = 4 hours;
    int256 internal constant MOST = type(int128).max;

    function setUp() public override {
        super.setUp();
        donate(BTC, 500e18);
        donate(GLOBAL, 500e18);
        allowBackstop(BTC, 1_000_000e18);
    }

    /* REQUEST */

    function test_requestClose_byTheOwner() public {
        enter(10e18, 200e18);
        vm.prank(bob);
        vm.expectRevert(ILiquidator.NotOwner.selector);
        KEEPER.requestClose(trader, BTC);
        vm.startPrank(alice);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        KEEPER.requestClose(trader, ETH);
        vm.expectEmit();
        emit ILiquidator.CloseRequested(trader, BTC, 10e18, NOW + DELAY);
        KEEPER.requestClose(trader, BTC);
        vm.stopPrank();
        (int256 size, uint64 at) = KEEPER.closeRequest(trader, BTC);
        assertEq(size, 10e18);
        assertEq(at, NOW + DELAY);
    }

    function test_forceClose_notRequested_reverts() public {
        enter(10e18, 200e18);
        vm.expectRevert(ILiquidator.NotRequested.selector);
        KEEPER.forceClose(trader, BTC);
    }

    function test_forceClose_withinItsWindow() public {
        enter(10e18, 200e18);
        request();
        vm.warp(NOW + DELAY - 1);
        price(PRICE);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.NotExecutable.selector, NOW + DELAY, NOW + DELAY + 7 days));
        KEEPER.forceClose(trader, BTC);
        vm.warp(NOW + DELAY + 7 days + 1);
        price(PRICE);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.NotExecutable.selector, NOW + DELAY, NOW + DELAY + 7 days));
        KEEPER.forceClose(trader, BTC);
        vm.warp(NOW + DELAY + 7 days);
        price(PRICE);
        KEEPER.forceClose(trader, BTC);
    }

    /* EXECUTION */

    function test_forceClose_long_atTheMarkLessOnePercent() public {
        enter(10e18, 200e18);
        request();
        waitAndPrice(110e18);
        vm.expectEmit();
        emit ILiquidator.ForceClosed(trader, BTC, -10e18, 108.9e18);
        vm.prank(hunter);
        assertEq(KEEPER.forceClose(trader, BTC), -10e18);
        assertEq(sizeOf(trader, BTC), 0);
        assertEq(sizeOf(INSURANCE, BTC), 10e18);
        assertEq(cashOf(trader), 289e18);
        assertEq(FUND.trancheWad(BTC), 511e18);
        assertEq(RISK.withdrawableCashWad(trader), 289e18);
        assertEq(worthOfAll(), 0);
        vm.expectRevert(ILiquidator.NotRequested.selector);
        KEEPER.forceClose(trader, BTC);
    }

    function test_forceClose_short_atTheMarkPlusOnePercent() public {
        enter(-10e18, 200e18);
        request();
        waitAndPrice(110e18);
        assertEq(KEEPER.forceClose(trader, BTC), 10e18);
        assertEq(sizeOf(INSURANCE, BTC), -10e18);
        assertEq(cashOf(trader), 89e18);
    }

    function test_forceClose_moreThanTheFundMayHold_closesThatMuch() public {
        allowBackstop(BTC, 405e18);
        enter(10e18, 200e18);
        request();
        waitAndPrice(PRICE);
        assertEq(KEEPER.forceClose(trader, BTC), -4.05e18);
        (int256 left,) = KEEPER.closeRequest(trader, BTC);
        assertEq(left, 5.95e18);
        vm.expectRevert(ILiquidator.OverInsuranceCap.selector);
        KEEPER.forceClose(trader, BTC);
    }

    function test_pitfall_03__fundFull__takesNothingMore() public {
        allowBackstop(BTC, 0);
        enter(10e18, 200e18);
        request();
        waitAndPrice(PRICE);
        vm.expectRevert(ILiquidator.OverInsuranceCap.selector);
        KEEPER.forceClose(trader, BTC);
    }

    function test_forceClose_positionGrownSince_closesWhatWasAsked() public {
        enter(1e18, 2000e18);
        request();
        enterMore(BTC, 9e18);
        waitAndPrice(PRICE);
        assertEq(KEEPER.forceClose(trader, BTC), -1e18);
        assertEq(sizeOf(trader, BTC), 9e18);
    }

    function test_forceClose_positionTurnedSince_reverts() public {
        enter(1e18, 2000e18);
        request();
        enterMore(BTC, -2e18);
        waitAndPrice(PRICE);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        KEEPER.forceClose(trader, BTC);
    }

    /* PRICE */

    function test_forceClose_priceBeforeTheRequest_reverts() public {
        enter(10e18, 200e18);
        skip(1);
        request();
        skip(DELAY);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(1), NOW, 24 hours));
        KEEPER.forceClose(trader, BTC);
    }

    /// @dev With a silent aggregator prices come through L1, half a day old: no feed would call them fresh.
    function test_forceClose_priceThroughL1_isTakenForADay() public {
        enter(10e18, 200e18);
        request();
        skip(1);
        price(PRICE);
        BOARD.setStale(BTC, PriceUse.REDUCE, true);
        BOARD.setStale(BTC, PriceUse.INCREASE, true);
        uint256 snapshot = vm.snapshotState();
        skip(24 hours);
        KEEPER.forceClose(trader, BTC);
        vm.revertToState(snapshot);
        skip(24 hours + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, FeedId.wrap(1), NOW + 1, 24 hours));
        KEEPER.forceClose(trader, BTC);
    }

    function test_forceClose_haltedOrExpired_reverts() public {
        enter(10e18, 200e18);
        request();
        waitAndPrice(PRICE);
        BOARD.setStatus(BTC, MarketStatus.HALTED);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.MarketNotOpen.selector, BTC));
        KEEPER.forceClose(trader, BTC);
        BOARD.setStatus(BTC, MarketStatus.EXPIRED);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.MarketNotOpen.selector, BTC));
        KEEPER.forceClose(trader, BTC);
        BOARD.setStatus(BTC, MarketStatus.REDUCE_ONLY);
        KEEPER.forceClose(trader, BTC);
    }

    /* HEALTH */

    function test_attack__underwaterOwner__cannotHandItsLossToTheFund() public {
        enter(10e18, 40e18);
        request();
        waitAndPrice(96.5e18);
        // 5 are left of 28.95, and one percent costs 9.65.
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Unhealthy.selector, trader));
        KEEPER.forceClose(trader, BTC);
    }

    function testFuzz_forceClose_leavesNoDebt(uint256 cash, int256 move, bool isShort) public {
        enter(isShort ? -10e18 : int256(10e18), int256(bound(cash, 30e18, 200e18)));
        request();
        waitAndPrice(PRICE + bound(move, -500, 500) * 1e16);
        (bool ok,) = address(KEEPER).call(abi.encodeCall(ILiquidator.forceClose, (trader, BTC)));
        (int256 equity,) = healthOf(trader);
        if (ok) assertGe(equity, 0);
        assertEq(cashOf(INSURANCE), tranches());
        assertEq(worthOfAll(), 0);
    }

    /* GIVING UP */

    function test_unwind_withinHalfTheSpread() public {
        takeOver();
        PIT.setMaker(other, 99.49e18, type(uint128).max);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        KEEPER.unwind(BTC, "");
        PIT.setMaker(other, 99.5e18, 4e18);
        assertEq(KEEPER.unwind(BTC, ""), -4e18);
        assertEq(sizeOf(INSURANCE, BTC), 6e18);
        // One percent came in, half of it left.
        assertEq(FUND.trancheWad(BTC), 508e18);
        assertEq(worthOfAll(), 0);
    }

    function test_unwind_nothingHeld_reverts() public {
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        KEEPER.unwind(BTC, "");
    }

    function test_unwind_afterALoss_isBooked() public {
        takeOver();
        price(90e18);
        PIT.setMaker(other, 90e18, type(uint128).max);
        KEEPER.unwind(BTC, "");
        assertEq(sizeOf(INSURANCE, BTC), 0);
        assertEq(FUND.trancheWad(BTC), 410e18);
        assertEq(cashOf(INSURANCE), tranches());
    }

    function test_attack__roundTripThroughTheFund__costsItsMaker() public {
        enter(10e18, 200e18);
        int256 before = equityOf(trader) + equityOf(other);
        request();
        waitAndPrice(PRICE);
        KEEPER.forceClose(trader, BTC);
        PIT.setMaker(other, 99.5e18, type(uint128).max);
        KEEPER.unwind(BTC, "");
        assertEq(equityOf(trader) + equityOf(other), before - 5e18);
    }

    /// @dev Up for the way in and down for the way out: prices of trades with oneself.
    function test_attack__roundTripThroughTheFund__pushedMark__costsTheSame() public {
        enter(10e18, 200e18);
        int256 before = equityOf(trader) + equityOf(other);
        request();
        waitAndPrice(PRICE);
        BOARD.setMark(BTC, PRICE, 101e18, 101e18);
        vm.expectEmit();
        emit ILiquidator.ForceClosed(trader, BTC, -10e18, 99e18);
        KEEPER.forceClose(trader, BTC);
        BOARD.setMark(BTC, PRICE, 99e18, 99e18);
        PIT.setMaker(other, 99.49e18, type(uint128).max);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        KEEPER.unwind(BTC, "");
        PIT.setMaker(other, 99.5e18, type(uint128).max);
        KEEPER.unwind(BTC, "");
        assertEq(equityOf(trader) + equityOf(other), before - 5e18);
    }

    /// @dev A short's are the higher one on the way in and the lower one on the way out.
    function test_attack__roundTripOfAShort__pushedMark__costsTheSame() public {
        enter(-10e18, 200e18);
        request();
        waitAndPrice(PRICE);
        BOARD.setMark(BTC, PRICE, 99e18, 99e18);
        vm.expectEmit();
        emit ILiquidator.ForceClosed(trader, BTC, 10e18, 101e18);
        KEEPER.forceClose(trader, BTC);
        BOARD.setMark(BTC, PRICE, 101e18, 101e18);
        PIT.setMaker(other, 100.51e18, type(uint128).max);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        KEEPER.unwind(BTC, "");
        PIT.setMaker(other, 100.5e18, type(uint128).max);
        assertEq(KEEPER.unwind(BTC, ""), 10e18);
    }

    /// @dev What the fund's own position lost is booked before it pays for others.
    function test_liquidate_fundHoldsTheMarket_settlesItBeforeItPays() public {
        takeOver(); // 10 at 100, and 510 in the tranche
        fund(trader, 1);
        enterMore(BTC, 1e18);
        price(60e18);
        PIT.setMaker(other, 60e18, type(uint128).max);
        int256 owed = -equityOf(trader);
        liquidate(BTC);
        // 400 lost on its own, then the debt.
        assertEq(FUND.trancheWad(BTC), uint256(110e18 - (owed > 0 ? owed : int256(0))));
        assertEq(cashOf(BAD_DEBT), 0);
        assertEq(cashOf(INSURANCE), tranches());
    }

    /* PRIVATE */

    function request() private {
        vm.prank(alice);
        KEEPER.requestClose(trader, BTC);
    }

    function waitAndPrice(int256 priceWad) private {
        skip(DELAY);
        price(priceWad);
    }

    /// @dev The fund holds ten at 100, for 99 each, and the trader nothing.
    function takeOver() private {
        enter(10e18, 11e18);
        request();
        waitAndPrice(PRICE);
        KEEPER.forceClose(trader, BTC);
        assertEq(sizeOf(INSURANCE, BTC), 10e18);
    }
}
