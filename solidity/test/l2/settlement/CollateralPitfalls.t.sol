// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../../src/interfaces/settlement/ICollateral.sol";
import {COLLATERAL, LEDGER} from "../../../src/libraries/Constants.sol";
import {CashReason, PENDING, SubaccountId, VAULT} from "../../../src/types/Settlement.sol";
import {CollateralWorld} from "../../helpers/CollateralWorld.sol";

/// @notice How others lost what they held, tried here.
contract CollateralPitfallsTest is CollateralWorld {
    SubaccountId internal id;

    function setUp() public override {
        super.setUp();
        id = credit(alice, NEW, 1000e6);
    }

    /* TWICE */

    function test_pitfall_13__withdrawalReleasedAgain__isUnknown() public {
        uint256 number = request(alice, id, CASH, 100e6);
        later(1);
        VAULTS.release(number);
        bytes memory unknown = abi.encodeWithSelector(ICollateral.UnknownWithdrawal.selector, number);
        vm.expectRevert(unknown);
        VAULTS.release(number);
        vm.prank(alice);
        vm.expectRevert(unknown);
        VAULTS.cancel(number);
        cancelAll(id);
        assertEq(cashOf(id), 900e18);
        assertEq(cashOf(VAULT), -900e18);
    }

    function test_pitfall_13__withdrawalCancelled__isNotReleased() public {
        uint256 number = request(alice, id, CASH, 100e6);
        vm.prank(alice);
        VAULTS.cancel(number);
        later(1);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.UnknownWithdrawal.selector, number));
        VAULTS.release(number);
        assertEq(cashOf(id), 1000e18);
        assertEq(cashOf(PENDING), 0);
    }

    /* DEPOSITS THAT NEVER WERE */

    function test_pitfall_23__creditByTheGatewayItself__isRefused() public {
        // On L2 an account of the gateway's own address is somebody else.
        vm.prank(gatewayL1);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotGateway.selector, gatewayL1));
        VAULTS.creditToken(bob, NEW, 1e6);
    }

    function test_pitfall_28__etherSentPlainly__isRefused() public {
        vm.prank(alice);
        (bool ok,) = COLLATERAL.call{value: 1 ether}("");
        assertFalse(ok);
    }

    function test_pitfall_28__etherForcedIn__isNobodys() public {
        SubaccountId other = etherFor(bob, 1 ether);
        vm.deal(COLLATERAL, 101 ether);
        assertEq(VAULTS.totalEtherWei(), 1 ether);
        expectRequestRevert(
            bob,
            other,
            ETHER,
            1 ether + 1,
            abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(1 ether))
        );
    }

    /* STRANGERS */

    function test_pitfall_30__tinyDepositsOfAStranger__reachTheirOwnSubaccount() public {
        for (uint256 i = 0; i < 20; ++i) {
            SubaccountId got = credit(bob, id, 1);
            (address owner,,) = BOOKS.subaccount(got);
            assertEq(owner, bob);
        }
        assertEq(cashOf(id), 1000e18);
        SubaccountId bobs = openFor(bob);
        vm.prank(bob);
        vm.expectRevert(ICollateral.NotOwner.selector);
        VAULTS.transfer(bobs, id, 1);
        vm.prank(alice);
        vm.expectRevert(ICollateral.NotOwner.selector);
        VAULTS.transfer(id, bobs, 1);
    }

    /// @dev What a liquidation has to cancel is bounded, and cheap.
    function test_pitfall_29__manyWithdrawals__doNotStopALiquidation() public {
        for (uint256 i = 0; i < 8; ++i) {
            request(alice, id, CASH, 1e6);
        }
        expectRequestRevert(alice, id, CASH, 1e6, abi.encodeWithSelector(ICollateral.TooManyWithdrawals.selector, id));
        uint256 before = gasleft();
        cancelAll(id);
        assertLt(before - gasleft(), 500_000);
        assertEq(cashOf(id), 1000e18);
    }

    /* MARGIN */

    /// @dev A gain of the same second does not leave: prices have moved on before the second check.
    function test_pitfall_36__gainOfOneSecond__isCheckedAgain() public {
        give(id, credit(bob, NEW, 1000e6));
        RISK.set(800e18, 0, false);
        uint256 number = request(alice, id, CASH, 800e6);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotReady.selector, START + 1));
        VAULTS.release(number);
        later(1);
        RISK.set(10e18, 0, false);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(10e18)));
        VAULTS.release(number);
        // A liquidation finds the money where it was.
        cancelAll(id);
        assertEq(cashOf(id), 1000e18);
    }

    /// @dev Gains that nobody has paid in tokens yet are not promised.
    function test_pitfall_08__gainsBeyondTheTokens__stayInTheLedger() public {
        SubaccountId other = etherFor(bob, 100 ether);
        moveAs(COLLATERAL, other, id, 500e18, CashReason.TRADING_FEE);
        expectRequestRevert(
            alice, id, CASH, 1001e6, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(1000e18))
        );
        request(alice, id, CASH, 700e6);
        expectRequestRevert(
            alice, id, CASH, 301e6, abi.encodeWithSelector(ICollateral.NotWithdrawable.selector, int256(300e18))
        );
    }

    /// @dev What is on its way out is no margin any more, nor is it lost when it comes back.
    function testFuzz_pitfall_19__inAndOutInParts__makesNothing(uint64[6] memory parts) public {
        int256 taken;
        for (uint256 i = 0; i < parts.length; ++i) {
            uint128 part = uint128(bound(parts[i], 1, 160e6));
            uint256 number = request(alice, id, CASH, part);
            taken += int256(uint256(part) * UNIT);
            assertEq(cashOf(id) + cashOf(PENDING) + cashOf(VAULT), 0);
            later(1);
            if (i % 2 == 0) {
                VAULTS.release(number);
            } else {
                vm.prank(alice);
                VAULTS.cancel(number);
                taken -= int256(uint256(part) * UNIT);
            }
            assertEq(cashOf(id), 1000e18 - taken);
            assertEq(cashOf(VAULT), -1000e18 + taken);
        }
    }

    /// @dev A transfer to oneself moves nothing.
    function testFuzz_attack__transferToItself(uint96 amount) public {
        amount = uint96(bound(amount, 1, 1000e18));
        vm.prank(alice);
        VAULTS.transfer(id, id, int256(uint256(amount)));
        assertEq(cashOf(id), 1000e18);
        (address owner,,) = BOOKS.subaccount(id);
        assertEq(owner, alice);
        assertEq(LEDGER.balance, 0);
    }
}
