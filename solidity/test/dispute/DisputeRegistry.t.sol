// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DisputeRegistry} from "../../src/dispute/DisputeRegistry.sol";
import {IDisputeRegistry} from "../../src/interfaces/IDisputeRegistry.sol";
import {Rollup} from "../helpers/Rollup.sol";

contract DisputeRegistryTest is Rollup {
    DisputeRegistry internal registry;

    function setUp() public override {
        super.setUp();
        registry = new DisputeRegistry(address(chain));
        appendMany(2);
    }

    function testFuzz_open_liveSiblings_isRecordedOnce(address who) public {
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");

        vm.expectEmit(address(registry));
        emit IDisputeRegistry.Opened(older, newer, who);
        vm.prank(who);
        registry.open(older, newer);

        assertTrue(registry.isOpen(older, newer));
        assertFalse(registry.isOpen(newer, older));
        vm.expectRevert(abi.encodeWithSelector(IDisputeRegistry.AlreadyOpen.selector, older, newer));
        registry.open(older, newer);
    }

    function test_open_wrongOrderOrStrangers_reverts() public {
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        bytes32 below = assertAs(bob, newer, 2, "c");
        refused(newer, older);
        refused(older, older);
        refused(older, below);
        refused(genesis, older);
        refused(older, "no");
    }

    function test_open_deadSibling_reverts() public {
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        game.kill(chain, newer, older);
        refused(older, newer);
    }

    function testFuzz_open_window(uint32 wait) public {
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        uint256 closedAt = vm.getBlockTimestamp() + T;
        skip(wait);

        if (wait >= T) vm.expectRevert(abi.encodeWithSelector(IDisputeRegistry.WindowClosed.selector, closedAt));
        registry.open(older, newer);

        assertEq(registry.isOpen(older, newer), wait < T);
    }

    function refused(bytes32 older, bytes32 newer) internal {
        vm.expectRevert(abi.encodeWithSelector(IDisputeRegistry.NotLiveSiblings.selector, older, newer));
        registry.open(older, newer);
    }
}
