// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DevToken} from "../../src/l1/DevToken.sol";
import {Test} from "forge-std/Test.sol";

contract DevTokenTest is Test {
    DevToken internal token = new DevToken();
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");

    function setUp() public {
        token.mint(alice, 100);
    }

    function test_mint_anybody_creates() public view {
        assertEq(token.balanceOf(alice), 100);
        assertEq(token.totalSupply(), 100);
    }

    function testFuzz_transfer_moves(uint256 value) public {
        value = bound(value, 0, 100);
        vm.prank(alice);
        assertTrue(token.transfer(bob, value));
        assertEq(token.balanceOf(alice), 100 - value);
        assertEq(token.balanceOf(bob), value);
    }

    function test_transfer_moreThanThereIs_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(DevToken.InsufficientBalance.selector, alice, 100, 101));
        vm.prank(alice);
        token.transfer(bob, 101);
    }

    function test_transferFrom_takesTheAllowance() public {
        vm.prank(alice);
        token.approve(bob, 60);
        vm.startPrank(bob);
        assertTrue(token.transferFrom(alice, bob, 50));
        vm.expectRevert(abi.encodeWithSelector(DevToken.InsufficientAllowance.selector, bob, 10, 11));
        token.transferFrom(alice, bob, 11);
    }

    function test_transferFrom_greatestAllowance_isNoLimit() public {
        vm.prank(alice);
        token.approve(bob, type(uint256).max);
        vm.prank(bob);
        token.transferFrom(alice, bob, 100);
        assertEq(token.allowance(alice, bob), type(uint256).max);
        assertEq(token.balanceOf(bob), 100);
    }
}
