// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMessagePasser} from "../../../src/interfaces/IMessagePasser.sol";
import {ICollateral} from "../../../src/interfaces/settlement/ICollateral.sol";
import {ILedger} from "../../../src/interfaces/settlement/ILedger.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {ITokenGateway} from "../../../src/interfaces/settlement/ITokenGateway.sol";
import {COLLATERAL, LEDGER, MARKETS, MESSAGE_PASSER, RISK_GOVERNOR} from "../../../src/libraries/Constants.sol";
import {CashReason, FeedId, INSURANCE, PENDING, SubaccountId, VAULT} from "../../../src/types/Settlement.sol";
import {CollateralWorld} from "../../helpers/CollateralWorld.sol";
import {FakeMarkets, FakeRiskGovernor} from "../../helpers/FakeSettlement.sol";

contract CollateralTest is CollateralWorld {
    /* TOKENS IN */

    function test_storage_isWhereGenesisWrites() public view {
        assertEq(VAULTS.gateway(), gatewayL1);
        assertEq(VAULTS.tokenUnitWad(), UNIT);
    }

    function test_creditToken_opensForANewcomer() public {
        vm.expectEmit(COLLATERAL);
        emit ICollateral.Deposited(user(0), CASH, 5e6);
        SubaccountId id = credit(alice, NEW, 5e6);
        (address owner,, int256 cash) = BOOKS.subaccount(id);
        assertTrue(id == user(0) && owner == alice);
        assertEq(cash, 5e18);
        assertEq(cashOf(VAULT), -5e18);
    }

    function test_creditToken_addsToTheOwners() public {
        SubaccountId id = credit(alice, NEW, 5e6);
        assertTrue(credit(alice, id, 1) == id);
        assertEq(cashOf(id), 5e18 + 1e12);
    }

    /// @dev Whatever number a user names, the tokens find an account of the user.
    function testFuzz_creditToken_neverRevertsForAMistake(address owner, uint64 number, uint128 amount) public {
        vm.assume(owner != address(0));
        credit(bob, NEW, 1);
        SubaccountId id = SubaccountId.wrap(number);
        SubaccountId got = credit(owner, id, amount);
        (address holder,, int256 cash) = BOOKS.subaccount(got);
        assertEq(holder, owner);
        assertEq(cash, int256(uint256(amount) * UNIT) + (owner == bob && number == 16 ? int256(UNIT) : int256(0)));
    }

    function test_creditToken_worksBeforeTheSeal() public {
        vm.etch(RISK_GOVERNOR, address(new FakeRiskGovernor()).code);
        vm.store(RISK_GOVERNOR, 0, 0);
        SubaccountId id = credit(alice, NEW, 1e6);
        assertEq(cashOf(id), 1e18);
        vm.prank(alice);
        vm.expectRevert(ICollateral.NotSealed.selector);
        VAULTS.depositEther{value: 1}(id);
    }

    /* ETHER IN */

    function test_depositEther_isCollateral() public {
        vm.expectEmit(COLLATERAL);
        emit ICollateral.EtherChanged(user(0), 2 ether);
        vm.expectEmit(COLLATERAL);
        emit ICollateral.Deposited(user(0), ETHER, 2 ether);
        SubaccountId id = etherFor(alice, 2 ether);
        vm.prank(alice);
        VAULTS.depositEther{value: 1 ether}(id);
        assertEq(VAULTS.etherOf(id), 3 ether);
        assertEq(VAULTS.totalEtherWei(), 3 ether);
        (int256 initial, int256 maintenance) = VAULTS.valuesWad(id);
        assertEq(initial, 5100e18);
        assertEq(maintenance, 5400e18);
    }

    function test_depositEther_refusals() public {
        SubaccountId id = etherFor(alice, 500 ether);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.OverCap.selector, 500 ether + 1));
        VAULTS.depositEther{value: 1}(id);
        vm.expectRevert(ICollateral.ZeroAmount.selector);
        VAULTS.depositEther(id);
        vm.stopPrank();
        vm.prank(bob);
        vm.expectRevert(ICollateral.NotOwner.selector);
        VAULTS.depositEther{value: 1}(id);
    }

    function test_values_aStaleFeedCountsForNothingInInitialMargin() public {
        SubaccountId id = etherFor(alice, 1 ether);
        PRICES.set(2000e18, false);
        (int256 initial, int256 maintenance) = VAULTS.valuesWad(id);
        assertEq(initial, 0);
        assertEq(maintenance, 1800e18);
    }

    function test_values_noMoreThanTheCapCounts() public {
        SubaccountId id = etherFor(alice, 10 ether);
        ICollateral.Settings memory settings = defaults();
        settings.etherCapWei = 4 ether;
        setSettings(settings);
        (int256 initial, int256 maintenance) = VAULTS.valuesWad(id);
        assertEq(initial, 6800e18);
        assertEq(maintenance, 7200e18);
    }

    /// @dev Rounded once, and down: parts are never worth more than the whole.
    function testFuzz_values_roundDown(uint96 amount, uint96 part, uint80 price, uint32 haircut) public {
        amount = uint96(bound(amount, 1, 250 ether));
        part = uint96(bound(part, 0, amount - 1));
        ICollateral.Settings memory settings = defaults();
        settings.etherMaintenanceHaircutPips = uint32(bound(haircut, 50_000, 500_000));
        settings.etherInitialHaircutPips = settings.etherMaintenanceHaircutPips;
        setSettings(settings);
        PRICES.set(price, true);
        vm.deal(alice, 800 ether);
        SubaccountId whole = etherFor(alice, amount - part);
        (int256 rest, int256 same) = VAULTS.valuesWad(whole);
        assertEq(rest, same);
        uint256 exact = uint256(amount - part) * price * (1e6 - settings.etherInitialHaircutPips);
        assertTrue(uint256(rest) * 1e24 <= exact && uint256(rest + 1) * 1e24 > exact);
        if (part == 0) return;
        SubaccountId other = etherFor(alice, part);
        (int256 partValue,) = VAULTS.valuesWad(other);
        vm.prank(alice);
        VAULTS.depositEther{value: part}(whole);
        (int256 sum,) = VAULTS.valuesWad(whole);
        assertLe(rest + partValue, sum);
    }

    /* OUT */

    function test_withdraw_tokensBecomeAMessageToTheGateway() public {
        SubaccountId id = credit(alice, NEW, 10e6);
        vm.expectEmit(COLLATERAL);
        emit ICollateral.WithdrawalRequested(1, ICollateral.Withdrawal(id, CASH, 4e6, bob, uint64(START + 1)));
        vm.prank(alice);
        uint256 number = VAULTS.requestWithdrawal(id, CASH, 4e6, bob);
        assertEq(cashOf(id), 6e18);
        assertEq(cashOf(PENDING), 4e18);
        (uint256 cash, uint256 ethers) = VAULTS.pendingOf(id);
        assertEq(cash, 4e18);
        assertEq(ethers, 0);

        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotReady.selector, START + 1));
        VAULTS.release(number);
        later(1);
        vm.expectCall(
            MESSAGE_PASSER,
            abi.encodeCall(
                IMessagePasser.sendMessage, (gatewayL1, 200_000, abi.encodeCall(ITokenGateway.release, (bob, 4e6)))
            )
        );
        bytes32 key = VAULTS.release(number);
        assertTrue(IMessagePasser(MESSAGE_PASSER).sent(key));
        assertEq(cashOf(PENDING), 0);
        assertEq(cashOf(VAULT), -6e18);
        assertEq(VAULTS.withdrawalsOf(id).length, 0);
    }

    function test_withdraw_etherTravelsWithItsMessage() public {
        SubaccountId id = etherFor(alice, 3 ether);
        uint256 number = request(alice, id, ETHER, 2 ether);
        assertEq(VAULTS.etherOf(id), 1 ether);
        (, uint256 pending) = VAULTS.pendingOf(id);
        assertEq(pending, 2 ether);
        later(1);
        vm.expectCall(MESSAGE_PASSER, 2 ether, abi.encodeCall(IMessagePasser.sendMessage, (alice, 100_000, bytes(""))));
        VAULTS.release(number);
        assertEq(COLLATERAL.balance, 1 ether);
        assertEq(VAULTS.totalEtherWei(), 1 ether);
        assertEq(VAULTS.etherOf(id), 1 ether);
    }

    function test_cancel_givesBack() public {
        SubaccountId id = credit(alice, NEW, 10e6);
        vm.prank(alice);
        VAULTS.depositEther{value: 1 ether}(id);
        uint256 first = request(alice, id, CASH, 4e6);
        uint256 second = request(alice, id, ETHER, 1 ether);
        uint256 third = request(alice, id, CASH, 1e6);
        vm.prank(alice);
        vm.expectEmit(COLLATERAL);
        emit ICollateral.WithdrawalCancelled(first);
        VAULTS.cancel(first);
        uint256[] memory left = VAULTS.withdrawalsOf(id);
        assertEq(left.length, 2);
        assertTrue(left[0] == third && left[1] == second);
        assertEq(cashOf(id), 9e18);
        cancelAll(id);
        assertEq(cashOf(id), 10e18);
        assertEq(VAULTS.etherOf(id), 1 ether);
        assertEq(VAULTS.withdrawalsOf(id).length, 0);
    }

    function test_withdraw_refusals() public {
        SubaccountId id = credit(alice, NEW, 10e6);
        expectRequestRevert(bob, id, CASH, 1, abi.encodeWithSelector(ICollateral.NotOwner.selector));
        expectRequestRevert(alice, id, CASH, 0, abi.encodeWithSelector(ICollateral.ZeroAmount.selector));
        expectRequestRevert(
            alice, id, CASH, 10e6 + 1, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(10e18))
        );
        expectRequestRevert(
            alice, id, ETHER, 1, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(0))
        );
        vm.prank(alice);
        vm.expectRevert(ICollateral.InvalidRecipient.selector);
        VAULTS.requestWithdrawal(id, CASH, 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnknownWithdrawal.selector, 1));
        VAULTS.release(1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnknownWithdrawal.selector, 1));
        VAULTS.cancel(1);
    }

    /* MARGIN */

    function test_withdraw_withPositionsMarginDecides() public {
        SubaccountId id = credit(alice, NEW, 1000e6);
        give(id, credit(bob, NEW, 1000e6));
        RISK.set(30e18, 0, false);
        expectRequestRevert(
            alice, id, CASH, 30e6 + 1, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(30e18))
        );
        uint256 number = request(alice, id, CASH, 30e6);
        later(1);
        assertEq(FakeMarkets(MARKETS).refreshes(BTC), 1);

        // Margin has shrunk since: it stays, and comes back.
        RISK.set(29e18, 0, false);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(29e18)));
        VAULTS.release(number);
        assertEq(cashOf(PENDING), 30e18);
        RISK.set(30e18, 0, false);
        VAULTS.release(number);
        assertEq(cashOf(PENDING), 0);
        assertEq(cashOf(id), 970e18);
        assertEq(FakeMarkets(MARKETS).refreshes(BTC), 2);
    }

    function test_withdraw_etherThatCountsMayNotBeMissed() public {
        SubaccountId id = credit(alice, NEW, 1000e6);
        vm.prank(alice);
        VAULTS.depositEther{value: 10 ether}(id);
        give(id, credit(bob, NEW, 1000e6));
        // One ether counts for 1700: with 3400 to spare, less than two may leave.
        RISK.set(0, 3400e18, false);
        expectRequestRevert(
            alice, id, ETHER, 2 ether, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(3400e18))
        );
        request(alice, id, ETHER, 2 ether - 1e6);
        // A stale feed counts for nothing, so nothing is lost: but with nothing to spare margin may be missing.
        PRICES.set(2000e18, false);
        RISK.set(0, 0, false);
        expectRequestRevert(
            alice, id, ETHER, 1, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(0))
        );
        RISK.set(0, 1, false);
        request(alice, id, ETHER, 1 ether);
    }

    function test_withdraw_debtsKeepEther() public {
        SubaccountId id = etherFor(alice, 10 ether);
        SubaccountId other = credit(bob, NEW, 1000e6);
        moveAs(COLLATERAL, id, other, 100e18, CashReason.TRADING_FEE);
        RISK.set(0, 1700e18, false);
        expectRequestRevert(
            alice, id, ETHER, 1 ether, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(1700e18))
        );
        expectRequestRevert(
            alice, id, CASH, 1, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(-100e18))
        );
    }

    /// @dev Who has no position needs no price to leave.
    function test_withdraw_withoutPositionsNoPriceIsAsked() public {
        SubaccountId id = credit(alice, NEW, 10e6);
        vm.prank(alice);
        VAULTS.depositEther{value: 1 ether}(id);
        RISK.set(0, 0, true);
        PRICES.set(0, false);
        uint256 cash = request(alice, id, CASH, 10e6);
        uint256 ethers = request(alice, id, ETHER, 1 ether);
        later(1);
        VAULTS.release(cash);
        VAULTS.release(ethers);
    }

    function test_transfer_isBoundedLikeAWithdrawal() public {
        SubaccountId from = credit(alice, NEW, 10e6);
        SubaccountId to = openFor(alice);
        vm.startPrank(alice);
        VAULTS.transfer(from, to, 4e18 + 1);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(6e18 - 1)));
        VAULTS.transfer(from, to, 6e18);
        vm.expectRevert(ICollateral.ZeroAmount.selector);
        VAULTS.transfer(from, to, 0);
        vm.expectRevert(ICollateral.ZeroAmount.selector);
        VAULTS.transfer(from, to, -1);
        vm.stopPrank();
        assertEq(cashOf(to), 4e18 + 1);
        give(from, credit(bob, NEW, 1000e6));
        RISK.set(1e18, 0, false);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(1e18)));
        VAULTS.transfer(from, to, 1e18 + 1);
        VAULTS.transfer(from, to, 1e18);
        vm.stopPrank();
    }

    /* MODULES AND GOVERNANCE */

    function test_seizeEther_goesToTheInsurancePot() public {
        SubaccountId id = etherFor(alice, 3 ether);
        assertEq(seize(id), 3 ether);
        assertEq(VAULTS.etherOf(id), 0);
        assertEq(VAULTS.etherOf(INSURANCE), 3 ether);
        assertEq(VAULTS.totalEtherWei(), 0);
    }

    function _expectOutOfBounds(ICollateral.Settings memory settings, bytes32 parameter) internal {
        vm.prank(RISK_GOVERNOR);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.OutOfBounds.selector, parameter));
        VAULTS.setSettings(settings);
    }

    function test_settings_stayWithinTheirBounds() public {
        ICollateral.Settings memory s = defaults();
        s.etherMaintenanceHaircutPips = 49_999;
        _expectOutOfBounds(s, "etherMaintenanceHaircutPips");
        s = defaults();
        s.etherInitialHaircutPips = 99_999;
        _expectOutOfBounds(s, "etherInitialHaircutPips");
        s.etherInitialHaircutPips = 900_001;
        _expectOutOfBounds(s, "etherInitialHaircutPips");
        s = defaults();
        s.etherCapWei = 1_000_000 ether + 1;
        _expectOutOfBounds(s, "etherCapWei");
        s = defaults();
        s.hourlyPips = 9_999;
        _expectOutOfBounds(s, "hourlyPips");
        s = defaults();
        s.dailyPips = 1_000_001;
        _expectOutOfBounds(s, "dailyPips");
        s = defaults();
        s.hourlyFloorWad = 10_000_000e18 + 1;
        _expectOutOfBounds(s, "hourlyFloorWad");
        s = defaults();
        s.dailyFloorWad = 100_000_000e18 + 1;
        _expectOutOfBounds(s, "dailyFloorWad");
    }

    function test_settings_nameAFeedThatThereIs() public {
        ICollateral.Settings memory s = defaults();
        s.etherFeed = FeedId.wrap(2);
        vm.prank(RISK_GOVERNOR);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.UnknownFeed.selector, FeedId.wrap(2)));
        VAULTS.setSettings(s);
        s.etherCapWei = 0;
        setSettings(s);
        assertEq(FeedId.unwrap(VAULTS.settings().etherFeed), 2);
    }

    function testFuzz_strangers_areRefused(address stranger) public {
        vm.assume(uint160(stranger) < uint160(LEDGER) || uint160(stranger) > uint160(RISK_GOVERNOR));
        vm.assume(stranger != aliased(gatewayL1) && stranger != alice);
        SubaccountId id = credit(alice, NEW, 10e6);
        uint256 number = request(alice, id, CASH, 1e6);
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotGateway.selector, stranger));
        VAULTS.creditToken(stranger, NEW, 1);
        vm.expectRevert(ICollateral.NotOwner.selector);
        VAULTS.cancel(number);
        vm.expectRevert(ICollateral.NotOwner.selector);
        VAULTS.transfer(id, id, 1);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotModule.selector, stranger));
        VAULTS.cancelAll(id);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotModule.selector, stranger));
        VAULTS.seizeEther(id);
        vm.expectRevert(ICollateral.NotGovernor.selector);
        VAULTS.setSettings(defaults());
        vm.stopPrank();
    }

    function test_creditToken_withoutAGatewayNobodyCredits() public {
        vm.store(COLLATERAL, 0, 0);
        address nobody = aliased(address(0));
        vm.prank(nobody);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotGateway.selector, nobody));
        VAULTS.creditToken(alice, NEW, 1);
    }

    function test_entries_takeTheLock() public {
        SubaccountId id = credit(alice, NEW, 10e6);
        uint256 number = request(alice, id, CASH, 1e6);
        vm.prank(COLLATERAL);
        BOOKS.enter();
        bytes memory reentered = abi.encodeWithSelector(ILedger.Reentered.selector);
        vm.prank(aliased(gatewayL1));
        vm.expectRevert(reentered);
        VAULTS.creditToken(alice, id, 1);
        vm.startPrank(alice);
        vm.expectRevert(reentered);
        VAULTS.depositEther{value: 1}(id);
        vm.expectRevert(reentered);
        VAULTS.requestWithdrawal(id, CASH, 1, alice);
        vm.expectRevert(reentered);
        VAULTS.release(number);
        vm.expectRevert(reentered);
        VAULTS.cancel(number);
        vm.expectRevert(reentered);
        VAULTS.transfer(id, id, 1);
        vm.stopPrank();
    }
}
