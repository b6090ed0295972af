// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../../src/interfaces/settlement/IClearing.sol";
import {ICollateral} from "../../../src/interfaces/settlement/ICollateral.sol";
import {ILiquidator} from "../../../src/interfaces/settlement/ILiquidator.sol";
import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {IRiskGovernor} from "../../../src/interfaces/settlement/IRiskGovernor.sol";
import {COLLATERAL, MARKETS} from "../../../src/libraries/Constants.sol";
import {BAD_DEBT, Bust, INSURANCE, LegChange, MarketStatus, SubaccountId} from "../../../src/types/Settlement.sol";
import {SettlementWorld} from "../../helpers/SettlementWorld.sol";

/// @notice All modules together: signed orders, signed prices, governance through its timelock.
contract SettlementWholeTest is SettlementWorld {
    SubaccountId internal trader;
    SubaccountId internal hunter;

    function setUp() public override {
        super.setUp();
        (trader, hunter) = (user(TRADER), user(HUNTER));
    }

    /* LIVES */

    function test_life_depositTradeWithdraw() public {
        assertTrue(tradeWithMaker(TRADER, 5e18, 100e18));
        tick(104e18);
        (int256 equity,) = healthOf(trader);
        assertEq(equity, 60e18);
        assertTrue(tradeWithMaker(TRADER, -5e18, 104e18));
        assertEq(cashOf(trader), 60e18);
        vm.prank(ownerOf(TRADER));
        uint256 number = SAFE.requestWithdrawal(trader, ICollateral.Asset.CASH, 60e6, ownerOf(TRADER));
        vm.warp(vm.getBlockTimestamp() + 1 days);
        SAFE.release(number);
        assertEq(cashOf(trader), 0);
        assertSound();
    }

    function test_life_tradeBeyondMargin_isLeftOut() public {
        assertFalse(tradeWithMaker(TRADER, 8.1e18, 100e18));
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        assertFalse(tradeWithMaker(TRADER, 0.1e18, 100e18));
        assertTrue(tradeWithMaker(TRADER, -0.1e18, 100e18));
    }

    function test_life_liquidation_againstASignedOrder() public {
        fall();
        KEEPER.flag(trader);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.InGrace.selector, uint64(vm.getBlockTimestamp() + 60)));
        hunt(bid(1, true, 8e18, 97.5e18));
        tick(97e18);
        (int256 size, int256 limit) = KEEPER.closeTerms(trader, BTC);
        (int256 equity, int256 maintenance) = healthOf(trader);
        bytes memory makers = bid(1, true, 8e18, 97e18);
        int256 closed = hunt(makers);
        assertEq(closed, size);
        assertLe(limit, 97e18);
        assertEq(sizeOf(user(1), BTC), -closed);
        (int256 equityAfter, int256 maintenanceAfter) = healthOf(trader);
        assertLt(equity, maintenance);
        assertGe(equityAfter, maintenanceAfter);
        int256 penalty = equity - equityAfter;
        assertEq(cashOf(hunter), penalty * 3 / 10);
        assertEq(FUND.trancheWad(BTC), uint256(penalty - cashOf(hunter)));
        assertSound();
    }

    function test_life_crash_endsInExplicitBadDebt() public {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        vm.prank(ownerOf(0));
        FUND.donate(BTC, user(0), 10e18);
        tick(92e18);
        vm.expectEmit();
        emit ILiquidator.Shortfall(trader, 10e18, 14e18);
        assertEq(hunt(bid(1, true, 8e18, 92e18)), -8e18);
        assertEq(cashOf(trader), 0);
        assertEq(cashOf(BAD_DEBT), -14e18);
        assertSound();
    }

    /// @dev The aggregator is silent: requests and prices come late, through L1, and the fund is the counterparty.
    function test_life_forcedExit_closesAndWithdraws() public {
        vm.prank(ownerOf(0));
        FUND.donate(GLOBAL, user(0), 1000e18);
        assertTrue(tradeWithMaker(TRADER, 5e18, 100e18));
        vm.warp(vm.getBlockTimestamp() + 12 hours);
        vm.prank(ownerOf(TRADER));
        KEEPER.requestClose(trader, BTC);
        vm.warp(vm.getBlockTimestamp() + 1);
        IPriceOracle.Observation[] memory seen = agree(4, 98e18, vm.getBlockTimestamp());
        vm.warp(vm.getBlockTimestamp() + 12 hours);
        ORACLE.push(FEED, seen);
        assertEq(KEEPER.forceClose(trader, BTC), -5e18);
        // 98 less one percent, for each of five bought at 100.
        assertEq(cashOf(trader), 40e18 - 5 * 2.98e18);
        vm.prank(ownerOf(TRADER));
        SAFE.requestWithdrawal(trader, ICollateral.Asset.CASH, 25.1e6, ownerOf(TRADER));
        assertEq(cashOf(trader), 0);
        assertSound();

        tick(98e18);
        assertEq(KEEPER.unwind(BTC, bid(1, true, 5e18, 97.6e18)), -5e18);
        assertEq(sizeOf(INSURANCE, BTC), 0);
        assertSound();
    }

    function test_life_etherTrader_owesCash_isTakenOver() public {
        address owner = ownerOf(HUNTER);
        vm.deal(owner, 1 ether);
        vm.prank(owner);
        SAFE.depositEther{value: 1 ether}(hunter);
        vm.prank(ownerOf(0));
        FUND.donate(GLOBAL, user(0), 1000e18);
        // 80 of initial margin for a short of eight; ether and market have one feed.
        assertTrue(tradeWithMaker(HUNTER, -8e18, 100e18));
        tick(108e18);
        tick(116e18);
        assertEq(KEEPER.liquidate(hunter, BTC, NOBODY, bid(1, false, 8e18, 116e18)), 8e18);
        // It owes 128 and holds ether that counts 104.4: the fund gets the ether and pays.
        assertEq(SAFE.etherOf(hunter), 0);
        assertEq(SAFE.etherOf(INSURANCE), 1 ether);
        assertEq(cashOf(hunter), 0);
        assertEq(FUND.trancheWad(GLOBAL), 872e18);
        assertSound();
    }

    /* ATTACKS */

    function test_attack__closeAgainst__isTheLiquidatorsAlone() public {
        fall();
        bytes memory makers = bid(1, true, 8e18, 50e18);
        vm.prank(ownerOf(HUNTER));
        vm.expectRevert(abi.encodeWithSelector(IClearing.NotModule.selector, ownerOf(HUNTER)));
        CLEAR.closeAgainst(trader, BTC, -8e18, 0, makers);
    }

    function test_attack__accompliceBelowTheLimit__getsNothing() public {
        fall();
        KEEPER.flag(trader);
        tick(97e18);
        (, int256 limit) = KEEPER.closeTerms(trader, BTC);
        bytes memory makers = bid(1, true, 8e18, uint256(limit) - TICK);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        hunt(makers);
        assertEq(sizeOf(trader, BTC), 8e18);
    }

    function test_attack__ownOrderAsMaker__isNoTrade() public {
        fall();
        KEEPER.flag(trader);
        tick(97e18);
        traderKeys.push(traderKeys[TRADER]);
        vm.prank(ownerOf(TRADER));
        assertTrue(BOOKS.open(0) == user(4));
        fund(user(4), 1000e18);
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (5, 1);
        addOrder(draft, order(4, true, 8e18, 97e18));
        addFill(draft, 0, NO_TAKER, uint48(8e18 / LOT));
        bytes memory makers = bytesOf(draft);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        hunt(makers);
    }

    function test_attack__makerWithoutMargin__takesNothingOver() public {
        fall();
        KEEPER.flag(trader);
        tick(97e18);
        vm.prank(ownerOf(1));
        SAFE.requestWithdrawal(user(1), ICollateral.Asset.CASH, 999_999e6, ownerOf(1));
        // One is left, and buying eight takes nearly forty.
        bytes memory makers = bid(1, true, 8e18, 97e18);
        vm.expectRevert(ILiquidator.NothingToClose.selector);
        hunt(makers);
    }

    function test_attack__healthyAccount__isNotLiquidatedByAnyOrder() public {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        tick(99e18);
        bytes memory makers = bid(1, true, 8e18, 99e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.Healthy.selector, trader));
        hunt(makers);
    }

    /* PITFALLS */

    /// @dev A hand with two accounts pumps the price as far as signers would let it in one step, and takes out what it may:
    /// no more than its other hand lost, and the rest still carries the position.
    function test_pitfall_01__pumpedPrice__profitIsNotLent() public {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        vm.warp(vm.getBlockTimestamp() + 1);
        IPriceOracle.Observation[] memory seen = agree(3, 150e18, vm.getBlockTimestamp());
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.Jump.selector, 150e18, 100e18));
        ORACLE.push(FEED, seen);
        tick(110e18);
        int256 most = RISK.withdrawableCashWad(trader);
        (int256 equity,) = healthOf(trader);
        assertLe(most, equity - 88e18);
        vm.prank(ownerOf(TRADER));
        vm.expectRevert();
        SAFE.requestWithdrawal(trader, ICollateral.Asset.CASH, uint128(uint256(most) / UNIT + 1), ownerOf(TRADER));
    }

    function test_pitfall_16__priceOfZero__isNotAPrice() public {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        vm.warp(vm.getBlockTimestamp() + 1);
        IPriceOracle.Observation[] memory seen = agree(4, 0, vm.getBlockTimestamp());
        vm.expectRevert(IPriceOracle.ZeroPrice.selector);
        ORACLE.push(FEED, seen);
        assertFalse(KEEPER.isLiquidatable(trader));
    }

    function test_pitfall_25__outage__ownersHaveTimeToTopUp() public {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        vm.warp(vm.getBlockTimestamp() + 1 hours);
        push(97.3e18);
        MARKETS_.refresh(BTC);
        (int256 equity, int256 maintenance) = healthOf(trader);
        assertLt(equity, maintenance);
        assertGe(2 * equity, maintenance);
        KEEPER.flag(trader);
        uint256 back = vm.getBlockTimestamp();
        tick(97.3e18);
        bytes memory makers = bid(1, true, 8e18, 97.3e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidator.InGrace.selector, uint64(back + 15 minutes)));
        hunt(makers);
        vm.prank(address(uint160(gatewayL1) + uint160(0x1111000000000000000000000000000000001111)));
        SAFE.creditToken(ownerOf(TRADER), trader, 20e6);
        KEEPER.unflag(trader);
        assertFalse(KEEPER.isLiquidatable(trader));
    }

    /// @dev Whatever the reporter says of its own book, the mark stays between the index and the average of trades.
    function test_pitfall_32__thinBook__cannotLiquidate() public {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        tick(99.5e18);
        vm.prank(reporter);
        MARKETS_.reportBook(BTC, IMarkets.BookReport(50e18, 51e18, 50e18, 51e18, 1e18, uint64(vm.getBlockTimestamp())));
        tick(99.5e18);
        assertEq(MARKETS_.state(BTC).markWad, 99.5e18);
        assertFalse(KEEPER.isLiquidatable(trader));
        // Nor do trades of two accomplices far from the index, which count as one percent at most.
        newTrader(1000e18);
        assertTrue(tradeWithMaker(4, 0.1e18, 60e18));
        tick(99.5e18);
        assertGe(MARKETS_.state(BTC).markWad, 98.5e18);
    }

    /// @dev Minutes of trades with oneself and a false report of the book push the mark by almost one percent. Who has
    /// enough at the index stays.
    function test_pitfall_32__pushedMark__liquidatesNobodyHealthyAtTheIndex() public {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        tick(98e18);
        newTrader(1000e18);
        for (uint256 i; i < 30; ++i) {
            vm.warp(vm.getBlockTimestamp() + 14);
            tick(98e18);
            assertTrue(tradeWithMaker(4, 0.1e18, 60e18));
        }
        vm.prank(reporter);
        MARKETS_.reportBook(BTC, IMarkets.BookReport(50e18, 51e18, 50e18, 51e18, 1e18, uint64(vm.getBlockTimestamp())));
        tick(98e18);
        assertLt(MARKETS_.state(BTC).markWad, 97.1e18);
        (int256 equity, int256 maintenance) = healthOf(trader);
        assertLt(equity, maintenance);
        assertFalse(KEEPER.isLiquidatable(trader));
        bytes memory makers = bid(1, true, 8e18, 97e18);
        bytes memory refusal = abi.encodeWithSelector(ILiquidator.Healthy.selector, trader);
        vm.expectRevert(refusal);
        KEEPER.flag(trader);
        vm.expectRevert(refusal);
        hunt(makers);
        // 23.2 are left of 23.496 where the index itself falls.
        tick(97.9e18);
        KEEPER.flag(trader);
    }

    function test_pitfall_34__swappedSettings__areOutOfBounds() public {
        IMarkets.Limits memory limits = calmLimits();
        (limits.openInterestLowWad, limits.openInterestHighWad) =
        (limits.openInterestHighWad, limits.openInterestLowWad);
        expectRefused(MARKETS, abi.encodeCall(IMarkets.setLimits, (BTC, limits)));
        limits = calmLimits();
        (limits.initialPips, limits.maintenancePips) = (limits.maintenancePips, 1_000_001);
        expectRefused(MARKETS, abi.encodeCall(IMarkets.setLimits, (BTC, limits)));
        limits = calmLimits();
        (limits.depthCapWad, limits.depthFloorWad) = (limits.depthFloorWad, limits.depthCapWad);
        expectRefused(MARKETS, abi.encodeCall(IMarkets.setLimits, (BTC, limits)));
        ICollateral.Settings memory settings = safeSettings();
        (settings.etherInitialHaircutPips, settings.etherMaintenanceHaircutPips) =
        (settings.etherMaintenanceHaircutPips, settings.etherInitialHaircutPips);
        expectRefused(COLLATERAL, abi.encodeCall(ICollateral.setSettings, (settings)));
    }

    /* GUARDIAN */

    function test_tighten_reductionsAndLiquidationsGoOn() public {
        assertTrue(tradeWithMaker(TRADER, 7e18, 100e18));
        vm.prank(guardian);
        GOVERNOR.tighten(BTC);
        assertFalse(tradeWithMaker(TRADER, 0.5e18, 100e18));
        assertTrue(tradeWithMaker(TRADER, -0.5e18, 100e18));
        tick(96e18);
        tick(95.2e18);
        // The first maker is short and buys back.
        assertLt(hunt(bid(0, true, 6.5e18, 95.2e18)), 0);
        vm.warp(vm.getBlockTimestamp() + 24 hours);
        GOVERNOR.loosen(BTC);
        assertEq(uint256(MARKETS_.state(BTC).status), uint256(MarketStatus.OPEN));
    }

    /* GAS */

    /// @dev Not a bound but a measure: a check of one subaccount with one leg, after the first one of the batch.
    function test_gas_checkTrade_oneLeg_warm() public {
        assertTrue(tradeWithMaker(TRADER, 7e18, 100e18));
        LegChange[] memory legs = new LegChange[](1);
        legs[0] = LegChange(BTC, 0.5e18, 100e18);
        RISK.checkTrade(user(0), legs, 0);
        uint256 before = gasleft();
        Bust bust = RISK.checkTrade(trader, legs, 0);
        uint256 used = before - gasleft();
        assertEq(uint256(bust), uint256(Bust.NONE));
        assertLt(used, 40_000);
        emit log_named_uint("checkTrade, one leg", used);
    }

    /* PRIVATE */

    /// @dev Eight at 100 with forty beside them: at 97 sixteen are left of 23.28.
    function fall() private {
        assertTrue(tradeWithMaker(TRADER, 8e18, 100e18));
        tick(97e18);
    }

    function hunt(bytes memory makers) private returns (int256) {
        vm.prank(ownerOf(HUNTER));
        return KEEPER.liquidate(trader, BTC, hunter, makers);
    }

    /// @dev By governance after its delay, because of the module's bounds.
    function expectRefused(address target, bytes memory data) private {
        vm.startPrank(governance);
        GOVERNOR.schedule(target, data, 0);
        vm.warp(vm.getBlockTimestamp() + 48 hours);
        vm.expectPartialRevert(IRiskGovernor.CallFailed.selector);
        GOVERNOR.execute(target, data, 0);
        vm.stopPrank();
    }
}
