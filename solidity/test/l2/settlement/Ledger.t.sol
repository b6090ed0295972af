// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILedger} from "../../../src/interfaces/settlement/ILedger.sol";
import {
    CLEARING,
    COLLATERAL,
    INSURANCE_FUND,
    LEDGER,
    LIQUIDATOR,
    MARKETS,
    PRICE_ORACLE,
    RISK_GOVERNOR,
    RISK_MANAGER
} from "../../../src/libraries/Constants.sol";
import {
    BAD_DEBT,
    CashReason,
    FEES,
    INSURANCE,
    Leg,
    LegChange,
    MAX_LEGS,
    MarketId,
    PENDING,
    Position,
    SubaccountChange,
    SubaccountId,
    VAULT
} from "../../../src/types/Settlement.sol";
import {LedgerWorld} from "../../helpers/LedgerWorld.sol";

contract LedgerTest is LedgerWorld {
    SubaccountId internal a;
    SubaccountId internal b;

    function setUp() public override {
        super.setUp();
        a = openFor(alice);
        b = openFor(bob);
        fund(a, 1000e18);
        fund(b, 1000e18);
    }

    /* SUBACCOUNTS */

    function test_open_numbersFromTheFirst() public {
        assertEq(SubaccountId.unwrap(a), 16);
        vm.expectEmit(LEDGER);
        emit ILedger.SubaccountOpened(user(2), alice, 0);
        SubaccountId id = openFor(alice);
        (address owner, uint8 mode, int256 cash) = BOOKS.subaccount(id);
        assertTrue(id == user(2) && owner == alice && mode == 0 && cash == 0);
        assertEq(SubaccountId.unwrap(BOOKS.nextSubaccount()), 19);
    }

    function test_open_otherMarginModesAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(ILedger.InvalidMarginMode.selector, 1));
        BOOKS.open(1);
    }

    function test_openFor_nobodyOwnsTheZeroAddress() public {
        vm.startPrank(COLLATERAL);
        BOOKS.enter();
        vm.expectRevert(ILedger.InvalidOwner.selector);
        BOOKS.openFor(address(0));
        assertTrue(BOOKS.openFor(bob) == user(2));
        vm.stopPrank();
    }

    /* TRADES */

    function test_settle_movesSizesCashAndFees() public {
        SubaccountChange[] memory changes = tradeOf(a, b, BTC, 2e18, 101e18, 100e18, 1e18);
        vm.startPrank(CLEARING);
        BOOKS.enter();
        vm.expectEmit(LEDGER);
        emit ILedger.PositionChanged(a, BTC, 2e18, 100e18);
        vm.expectEmit(LEDGER);
        emit ILedger.CashChanged(a, 997e18);
        vm.expectEmit(LEDGER);
        emit ILedger.PositionChanged(b, BTC, -2e18, 100e18);
        vm.expectEmit(LEDGER);
        emit ILedger.CashChanged(b, 1001e18);
        vm.expectEmit(LEDGER);
        emit ILedger.OpenInterestChanged(BTC, 2e18);
        vm.expectEmit(LEDGER);
        emit ILedger.CashChanged(FEES, 2e18);
        BOOKS.settle(changes);

        assertEq(cashOf(a), 997e18);
        assertEq(cashOf(b), 1001e18);
        assertEq(cashOf(FEES), 2e18);
        assertEq(sizeOf(a, BTC), 2e18);
        assertEq(BOOKS.position(b, BTC).indexWad, 100e18);
        assertEq(BOOKS.openInterestWad(BTC), 2e18);
    }

    function test_settle_movesTheGainWhenALegIsTouched() public {
        trade(a, b, BTC, 2e18, 100e18, 100e18, 0);
        SubaccountChange[] memory changes = only(change(a, 0, BTC, 0, 107e18));
        settleAs(MARKETS, changes);
        assertEq(cashOf(a), 1014e18);
        assertEq(cashOf(b), 1000e18);
        assertEq(BOOKS.position(a, BTC).indexWad, 107e18);
        assertEq(settledWad(a, BTC, 90e18) + settledWad(b, BTC, 90e18), 2000e18);
    }

    function test_settle_endsAPositionAndForgetsIt() public {
        trade(a, b, BTC, 2e18, 100e18, 100e18, 0);
        trade(b, a, BTC, 2e18, 110e18, 110e18, 0);
        assertEq(cashOf(a), 1020e18);
        assertEq(cashOf(b), 980e18);
        assertEq(BOOKS.nLegs(a) + BOOKS.nLegs(b), 0);
        assertEq(BOOKS.openInterestWad(BTC), 0);
        Position memory none = BOOKS.position(a, BTC);
        assertTrue(none.sizeWad == 0 && none.indexWad == 0);
    }

    function test_settle_aTurnedPositionCountsOnceInTheOpenInterest() public {
        trade(a, b, BTC, 2e18, 100e18, 100e18, 0);
        trade(b, a, BTC, 5e18, 100e18, 100e18, 0);
        assertEq(sizeOf(a, BTC), -3e18);
        assertEq(BOOKS.openInterestWad(BTC), 3e18);
    }

    function test_settle_nothingOfNothingLeavesNothing() public {
        settleAs(CLEARING, only(change(a, 0, BTC, 0, 55e18)));
        assertEq(BOOKS.nLegs(a), 0);
        assertEq(BOOKS.position(a, BTC).indexWad, 0);
    }

    function test_settle_theInsurancePotHoldsPositions() public {
        trade(INSURANCE, b, BTC, 1e18, 100e18, 100e18, 0);
        assertEq(sizeOf(INSURANCE, BTC), 1e18);
    }

    /// @dev A trade in parts, with settlements between them or not, ends the same to the last unit.
    function testFuzz_settle_netEqualsSequence(int256[4] memory lots, int256[4] memory quanta, uint256 indexSeed)
        public
    {
        int256 index = int256(bound(indexSeed, 0, 1e20)) * 1e6;
        int256 net;
        int256 paid;
        for (uint256 i = 0; i < 4; ++i) {
            lots[i] = bound(lots[i], -1e15, 1e15) * 1e12;
            quanta[i] = bound(quanta[i], 0, 1e20) * 1e6;
            net += lots[i];
            paid += lots[i] * (quanta[i] - index) / 1e18;
        }
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = change(a, -paid, BTC, net, index);
        changes[1] = change(b, paid, BTC, -net, index);
        uint256 start = vm.snapshotState();
        settleAs(CLEARING, changes);
        (int256 netted, int256 other) = (settledWad(a, BTC, 77e18), settledWad(b, BTC, 77e18));
        vm.revertToState(start);

        int256 between = index;
        for (uint256 i = 0; i < 4; ++i) {
            settleAs(CLEARING, only(change(a, 0, BTC, 0, between)));
            // The price is against the index of the moment, which moves as the mark does.
            trade(a, b, BTC, lots[i], quanta[i], between, 0);
            between = quanta[i];
        }
        assertEq(settledWad(a, BTC, 77e18), netted);
        assertEq(settledWad(b, BTC, 77e18), other);
        assertEq(sizeOf(a, BTC), net);
        assertEq(netted + other, 2000e18);
    }

    /* WHAT NOBODY GETS THROUGH */

    function _expectSettleRevert(SubaccountChange[] memory changes, bytes memory reason) internal {
        vm.startPrank(CLEARING);
        BOOKS.enter();
        vm.expectRevert(reason);
        BOOKS.settle(changes);
        BOOKS.leave();
        vm.stopPrank();
    }

    function test_settle_sizesMustBalance() public {
        _expectSettleRevert(
            only(change(a, 0, BTC, 1e18, 1e18)), abi.encodeWithSelector(ILedger.NotBalanced.selector, int256(1e18))
        );
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = change(a, 0, BTC, 1e18, 1e18);
        changes[1] = change(b, 0, ETH, -1e18, 1e18);
        _expectSettleRevert(changes, abi.encodeWithSelector(ILedger.NotBalanced.selector, int256(1e18)));
    }

    function test_settle_cashIsNeverMade() public {
        _expectSettleRevert(
            only(change(a, 1, BTC, 0, 1e18)), abi.encodeWithSelector(ILedger.NotBalanced.selector, int256(1))
        );
    }

    function test_settle_oneIndexPerMarket() public {
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = change(a, 0, BTC, 1e18, 1e18);
        changes[1] = change(b, 0, BTC, -1e18, 2e18);
        _expectSettleRevert(changes, abi.encodeWithSelector(ILedger.IndicesDiffer.selector, BTC));
    }

    function test_settle_offTheQuanta() public {
        _expectSettleRevert(
            only(change(a, 0, BTC, 1e12 + 1, 1e18)),
            abi.encodeWithSelector(ILedger.OffQuantum.selector, int256(1e12 + 1))
        );
        _expectSettleRevert(
            only(change(a, 0, BTC, 1e12, 1e6 + 1)), abi.encodeWithSelector(ILedger.OffQuantum.selector, int256(1e6 + 1))
        );
    }

    function test_settle_onlySubaccountsAndTheInsurancePot() public {
        SubaccountId[6] memory refused = [VAULT, FEES, PENDING, BAD_DEBT, SubaccountId.wrap(0), BOOKS.nextSubaccount()];
        for (uint256 i = 0; i < refused.length; ++i) {
            _expectSettleRevert(
                only(change(refused[i], 0, BTC, 0, 1e18)),
                abi.encodeWithSelector(ILedger.UnknownSubaccount.selector, refused[i])
            );
        }
    }

    function test_settle_numbersThatDoNotFit() public {
        int256 tooLarge = int256(type(int128).max) / 1e12 * 1e12 + 1e12;
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = change(a, 0, BTC, tooLarge, 1e18);
        changes[1] = change(b, 0, BTC, -tooLarge, 1e18);
        _expectSettleRevert(changes, abi.encodeWithSelector(ILedger.OutOfRange.selector, tooLarge));
        int256 tooHigh = int256(type(int128).max) / 1e6 * 1e6 + 1e6;
        changes[0] = change(a, 0, BTC, 1e12, tooHigh);
        changes[1] = change(b, 0, BTC, -1e12, tooHigh);
        _expectSettleRevert(changes, abi.encodeWithSelector(ILedger.OutOfRange.selector, tooHigh));
    }

    /* LEGS */

    /// @dev Changes of `count` legs from market `first` on, in one call, against the other subaccount.
    function _many(uint32 first, uint256 count, int256 sizeWad) internal view returns (SubaccountChange[] memory) {
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = SubaccountChange(a, 0, new LegChange[](count));
        changes[1] = SubaccountChange(b, 0, new LegChange[](count));
        for (uint256 i = 0; i < count; ++i) {
            MarketId market = MarketId.wrap(uint32(first + i));
            changes[0].legs[i] = LegChange(market, sizeWad, 1e18);
            changes[1].legs[i] = LegChange(market, -sizeWad, 1e18);
        }
        return changes;
    }

    function test_legs_upToTheLimit() public {
        settleAs(CLEARING, _many(1, MAX_LEGS, 1e12));
        assertEq(BOOKS.nLegs(a), MAX_LEGS);
        _expectSettleRevert(_many(1000, 1, 1e12), abi.encodeWithSelector(ILedger.TooManyLegs.selector, a));
        settleAs(CLEARING, _many(1, MAX_LEGS, -1e12));
        assertEq(BOOKS.nLegs(a), 0);
        // All words of the list are empty again.
        settleAs(CLEARING, _many(uint32(type(uint32).max - MAX_LEGS + 1), MAX_LEGS, 1e12));
        (, Leg[] memory legs) = BOOKS.portfolio(a);
        for (uint256 i = 0; i < MAX_LEGS; ++i) {
            assertEq(MarketId.unwrap(legs[i].market), type(uint32).max - MAX_LEGS + 1 + i);
        }
    }

    /// @dev Against a plain set: every market with a position is listed once, and no other one.
    function testFuzz_legs_areTheMarketsWithPositions(uint8[40] memory markets) public {
        uint256 held;
        for (uint256 i = 0; i < markets.length; ++i) {
            uint32 market = markets[i] % 24;
            bool isHeld = held >> market & 1 == 1;
            settleAs(CLEARING, _many(market, 1, isHeld ? int256(-1e12) : int256(1e12)));
            held ^= 1 << market;
            (, Leg[] memory legs) = BOOKS.portfolio(a);
            uint256 seen;
            for (uint256 j = 0; j < legs.length; ++j) {
                assertEq(legs[j].sizeWad, 1e12);
                seen ^= 1 << MarketId.unwrap(legs[j].market);
            }
            assertEq(seen, held);
            assertEq(BOOKS.nLegs(a), legs.length);
        }
    }

    /* THE END OF A MARKET */

    function _close(MarketId market, int256 indexWad, SubaccountId id) internal {
        SubaccountId[] memory ids = new SubaccountId[](1);
        ids[0] = id;
        vm.startPrank(MARKETS);
        BOOKS.enter();
        if (BOOKS.openInterestWad(market) != 0) {
            vm.expectEmit(LEDGER);
            emit ILedger.MarketClosed(market, indexWad);
        }
        BOOKS.closeExpired(market, ids, indexWad);
        BOOKS.leave();
        vm.stopPrank();
    }

    function test_closeExpired_endsEachPositionByItself() public {
        trade(a, b, BTC, 2e18, 100e18, 100e18, 0);
        _close(BTC, 103e18, a);
        assertEq(cashOf(a), 1006e18);
        assertEq(BOOKS.nLegs(a), 0);
        assertEq(BOOKS.openInterestWad(BTC), 0);
        assertEq(cashOf(b), 1000e18);
        _close(BTC, 103e18, b);
        assertEq(cashOf(b), 994e18);
        _close(BTC, 103e18, b);
        assertEq(cashOf(b), 994e18);
        assertEq(BOOKS.openInterestWad(BTC), 0);
    }

    function test_closeExpired_theLastIndexIsTheLast() public {
        trade(a, b, BTC, 2e18, 100e18, 100e18, 0);
        _close(BTC, 103e18, a);
        vm.startPrank(MARKETS);
        BOOKS.enter();
        vm.expectRevert(abi.encodeWithSelector(ILedger.IndicesDiffer.selector, BTC));
        BOOKS.closeExpired(BTC, new SubaccountId[](0), 104e18);
        BOOKS.leave();
        vm.stopPrank();
        _expectSettleRevert(
            only(change(b, 0, BTC, 0, 104e18)), abi.encodeWithSelector(ILedger.IndicesDiffer.selector, BTC)
        );
        settleAs(CLEARING, only(change(b, 0, BTC, 0, 103e18)));
        assertEq(cashOf(b), 994e18);
    }

    /* CASH */

    function test_move_movesCash() public {
        vm.startPrank(LIQUIDATOR);
        BOOKS.enter();
        vm.expectEmit(LEDGER);
        emit ILedger.CashMoved(a, b, 5, CashReason.LIQUIDATION_PENALTY);
        BOOKS.move(a, b, 5, CashReason.LIQUIDATION_PENALTY);
        BOOKS.leave();
        vm.stopPrank();
        assertEq(cashOf(a), 1000e18 - 5);
        assertEq(cashOf(b), 1000e18 + 5);
        moveAs(INSURANCE_FUND, a, a, 7, CashReason.TRANSFER);
        assertEq(cashOf(a), 1000e18 - 5);
    }

    function _expectMoveRevert(address module, SubaccountId from, SubaccountId to, int256 amount, bytes memory reason)
        internal
    {
        vm.startPrank(module);
        BOOKS.enter();
        vm.expectRevert(reason);
        BOOKS.move(from, to, amount, CashReason.TRANSFER);
        BOOKS.leave();
        vm.stopPrank();
    }

    function test_move_potsKeepTheirSign() public {
        SubaccountId[4] memory pots = [FEES, PENDING, VAULT, BAD_DEBT];
        for (uint256 i = 0; i < pots.length; ++i) {
            bool isPayer = i < 2;
            moveAs(COLLATERAL, isPayer ? a : pots[i], isPayer ? pots[i] : a, 10, CashReason.TRANSFER);
            int256 tooMuch = isPayer ? cashOf(pots[i]) + 1 : -cashOf(pots[i]) + 1;
            _expectMoveRevert(
                COLLATERAL,
                isPayer ? pots[i] : a,
                isPayer ? a : pots[i],
                tooMuch,
                abi.encodeWithSelector(ILedger.WrongSign.selector, pots[i])
            );
        }
    }

    function test_move_notBackwardsAndNotToNobody() public {
        bytes memory negative = abi.encodeWithSelector(ILedger.NegativeAmount.selector, int256(-1));
        _expectMoveRevert(COLLATERAL, a, b, -1, negative);
        SubaccountId[3] memory unknown = [SubaccountId.wrap(0), SubaccountId.wrap(6), BOOKS.nextSubaccount()];
        for (uint256 i = 0; i < unknown.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(ILedger.UnknownSubaccount.selector, unknown[i]);
            _expectMoveRevert(COLLATERAL, a, unknown[i], 1, reason);
            _expectMoveRevert(COLLATERAL, unknown[i], a, 1, reason);
        }
    }

    function test_attack__moduleOtherThanCollateralMakesADeposit() public {
        address[3] memory modules = [CLEARING, LIQUIDATOR, INSURANCE_FUND];
        for (uint256 i = 0; i < modules.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(ILedger.NotModule.selector, modules[i]);
            _expectMoveRevert(modules[i], VAULT, a, 1, reason);
            _expectMoveRevert(modules[i], a, VAULT, 1, reason);
            _expectMoveRevert(modules[i], PENDING, a, 0, reason);
            _expectMoveRevert(modules[i], a, PENDING, 1, reason);
        }
    }

    /* WHO MAY */

    function testFuzz_strangers_changeNothing(address stranger) public {
        vm.assume(uint160(stranger) < uint160(LEDGER) || uint160(stranger) > uint160(RISK_GOVERNOR));
        _refused(stranger);
    }

    function test_predeploysThatAreNoModules_changeNothing() public {
        _refused(PRICE_ORACLE);
        _refused(RISK_MANAGER);
        _refused(RISK_GOVERNOR);
        _refused(LEDGER);
    }

    function _refused(address stranger) internal {
        bytes memory reason = abi.encodeWithSelector(ILedger.NotModule.selector, stranger);
        vm.prank(stranger);
        vm.expectRevert(reason);
        BOOKS.enter();
        // Also while a module holds the lock.
        vm.prank(COLLATERAL);
        BOOKS.enter();
        vm.startPrank(stranger);
        vm.expectRevert(reason);
        BOOKS.leave();
        vm.expectRevert(reason);
        BOOKS.openFor(stranger);
        vm.expectRevert(reason);
        BOOKS.settle(new SubaccountChange[](0));
        vm.expectRevert(reason);
        BOOKS.closeExpired(BTC, new SubaccountId[](0), 0);
        vm.expectRevert(reason);
        BOOKS.move(a, b, 1, CashReason.TRANSFER);
        vm.stopPrank();
        vm.prank(COLLATERAL);
        BOOKS.leave();
    }

    function test_modules_doOnlyTheirPart() public {
        address[5] memory modules = [CLEARING, COLLATERAL, LIQUIDATOR, INSURANCE_FUND, MARKETS];
        for (uint256 i = 0; i < modules.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(ILedger.NotModule.selector, modules[i]);
            vm.startPrank(modules[i]);
            BOOKS.enter();
            if (modules[i] == COLLATERAL || modules[i] == INSURANCE_FUND) vm.expectRevert(refusal);
            BOOKS.settle(new SubaccountChange[](0));
            if (modules[i] != COLLATERAL) vm.expectRevert(refusal);
            BOOKS.openFor(alice);
            if (modules[i] == MARKETS) vm.expectRevert(refusal);
            BOOKS.move(a, b, 1, CashReason.TRANSFER);
            if (modules[i] != MARKETS) vm.expectRevert(refusal);
            BOOKS.closeExpired(BTC, new SubaccountId[](0), 0);
            BOOKS.leave();
            vm.stopPrank();
        }
    }

    /* THE LOCK */

    function test_lock_balancesChangeUnderItOnly() public {
        vm.startPrank(CLEARING);
        vm.expectRevert(ILedger.NotEntered.selector);
        BOOKS.settle(new SubaccountChange[](0));
        vm.expectRevert(ILedger.NotEntered.selector);
        BOOKS.move(a, b, 1, CashReason.TRANSFER);
        vm.stopPrank();
        vm.prank(COLLATERAL);
        vm.expectRevert(ILedger.NotEntered.selector);
        BOOKS.openFor(alice);
        vm.prank(MARKETS);
        vm.expectRevert(ILedger.NotEntered.selector);
        BOOKS.closeExpired(BTC, new SubaccountId[](0), 0);
    }

    function test_pitfall_06__moduleInsideAnother__isNotEntered() public {
        vm.prank(LIQUIDATOR);
        BOOKS.enter();
        vm.startPrank(CLEARING);
        vm.expectRevert(ILedger.Reentered.selector);
        BOOKS.enter();
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotModule.selector, CLEARING));
        BOOKS.leave();
        // What the holder calls a module for, that module does.
        BOOKS.settle(new SubaccountChange[](0));
        vm.stopPrank();
        vm.startPrank(LIQUIDATOR);
        vm.expectRevert(ILedger.Reentered.selector);
        BOOKS.enter();
        BOOKS.leave();
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotModule.selector, LIQUIDATOR));
        BOOKS.leave();
        vm.stopPrank();
    }
}
