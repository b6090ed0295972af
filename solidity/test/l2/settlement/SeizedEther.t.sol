// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../../src/interfaces/settlement/ICollateral.sol";
import {COLLATERAL, LIQUIDATOR} from "../../../src/libraries/Constants.sol";
import {INSURANCE} from "../../../src/types/Settlement.sol";
import {SettlementWorld} from "../../helpers/SettlementWorld.sol";

/// @notice Ether of the insurance fund takes nobody's place.
contract SeizedEtherTest is SettlementWorld {
    function test_attack__etherOfTheFund__fillsNoCap() public {
        vm.deal(ownerOf(0), 10 ether);
        vm.prank(ownerOf(0));
        SAFE.depositEther{value: 10 ether}(user(0));
        vm.prank(LIQUIDATOR);
        SAFE.seizeEther(user(0));
        assertEq(SAFE.etherOf(INSURANCE), 10 ether);
        assertEq(SAFE.totalEtherWei(), 0);
        vm.deal(ownerOf(1), 101 ether);
        vm.startPrank(ownerOf(1));
        SAFE.depositEther{value: 100 ether}(user(1));
        assertEq(COLLATERAL.balance, 110 ether);
        vm.expectRevert(abi.encodeWithSelector(ICollateral.OverCap.selector, 100 ether + 1));
        SAFE.depositEther{value: 1}(user(1));
        vm.stopPrank();
    }
}
