// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {Bridge} from "../../src/l1/Bridge.sol";
import {Withdrawals} from "../helpers/Withdrawals.sol";

/// @notice The rate that delays and the pause that expires.
contract BridgeRateTest is Withdrawals {
    function setUp() public override {
        super.setUp();
        vm.deal(address(bridge), 1_000_000 ether);
    }

    /* RATE */

    function testFuzz_finalizeWithdrawal_aboveTheRate_waitsInLine(uint96 value) public {
        value = uint96(bound(value, RATE, 100_000 ether));
        Proven memory p = prove(message(0, bob, value));
        bytes32 key = bridge.withdrawalKey(p.message);
        uint256 readyAt = vm.getBlockTimestamp() + value / RATE;
        uint256 before = bob.balance;

        vm.expectEmit(address(bridge));
        emit IBridge.WithdrawalDelayed(key, readyAt);
        finalize(p);

        assertEq(bridge.readyAt(key), readyAt);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyDelayed.selector, key));
        finalize(p);
        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotReady.selector, readyAt));
        bridge.releaseWithdrawal(p.message);
        vm.warp(readyAt);
        expectFinalized(p.message);
        bridge.releaseWithdrawal(p.message);
        assertEq(bob.balance, before + value);
        assertEq(bridge.readyAt(key), 0);
    }

    function test_releaseWithdrawal_neverProven_reverts() public {
        bytes32 key = bridge.withdrawalKey(message(0, bob, 1));
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotDelayed.selector, key));
        bridge.releaseWithdrawal(message(0, bob, 1));
    }

    /// @dev First come, first served: who is proven later is never ready earlier.
    function testFuzz_finalizeWithdrawal_line_isFifo(uint256 seed) public {
        uint256 lastReady;
        for (uint256 i = 0; i < 6; ++i) {
            uint256 value = uint256(keccak256(abi.encode(seed, i))) % 20_000 ether;
            Proven memory p = prove(message(i, bob, value));
            uint256 ready = bridge.queueEnd(value);
            assertGe(ready, lastReady);
            finalize(p);
            if (ready > vm.getBlockTimestamp()) assertEq(bridge.readyAt(bridge.withdrawalKey(p.message)), ready);
            else assertTrue(bridge.isFinalized(bridge.withdrawalKey(p.message)));
            lastReady = ready;
        }
    }

    /// @dev Splitting an amount gains nothing: the parts together are ready when the whole would be.
    function testFuzz_queueEnd_splitting_gainsNothing(uint96 value, uint8 parts) public {
        value = uint96(bound(value, 1 ether, 1000 ether));
        parts = uint8(bound(parts, 1, 10));
        Proven[] memory proofs = new Proven[](parts);
        for (uint256 i = 0; i < parts; ++i) {
            uint256 part = value / parts + (i == 0 ? value % parts : 0);
            proofs[i] = prove(message(i, bob, part));
        }
        uint256 whole = bridge.queueEnd(value);

        for (uint256 i = 0; i < parts; ++i) {
            finalize(proofs[i]);
        }

        assertEq(bridge.queueEnd(0), whole);
    }

    /// @dev A whale in front delays and cannot reject.
    function test_finalizeWithdrawal_behindAWhale_isReadyInTime() public {
        Proven memory whale = prove(message(0, bob, 86_400 ether));
        Proven memory small = prove(message(1, carol, 0.001 ether));
        finalize(whale);
        finalize(small);
        bytes32 key = bridge.withdrawalKey(small.message);
        assertEq(bridge.readyAt(key), vm.getBlockTimestamp() + 86_400);
        skip(86_400);
        bridge.releaseWithdrawal(small.message);
        assertTrue(bridge.isFinalized(key));
    }

    /// @dev A failing call in line keeps its place and blocks nobody.
    function test_releaseWithdrawal_failingCall_canBeRetried() public {
        vm.deal(address(bridge), 10 ether);
        Proven memory p = prove(message(0, bob, 50 ether));
        finalize(p);
        skip(100);
        vm.expectRevert(abi.encodeWithSelector(IBridge.CallFailed.selector, bridge.withdrawalKey(p.message)));
        bridge.releaseWithdrawal(p.message);
        vm.deal(address(bridge), 50 ether);
        bridge.releaseWithdrawal(p.message);
    }

    /* PAUSE */

    function testFuzz_pause_notGuardian_reverts(address who) public {
        vm.assume(who != guardian);
        vm.expectRevert(IBridge.NotGuardian.selector);
        vm.prank(who);
        bridge.pause();
    }

    function test_pause_blocksMessagesOnlyAndExpires() public {
        Proven memory p = prove(message(0, bob, 1));
        Proven memory waiting = prove(message(1, bob, 10 ether));
        finalize(waiting);
        vm.expectEmit(address(bridge));
        emit IBridge.Paused(vm.getBlockTimestamp() + PAUSE_MAX);
        vm.prank(guardian);
        bridge.pause();

        vm.expectRevert(abi.encodeWithSelector(IBridge.IsPaused.selector, vm.getBlockTimestamp() + PAUSE_MAX));
        finalize(p);
        vm.expectRevert(abi.encodeWithSelector(IBridge.IsPaused.selector, vm.getBlockTimestamp() + PAUSE_MAX));
        bridge.releaseWithdrawal(waiting.message);
        depositFrom(alice, 1 ether, 21_000, "");
        confirmed(keccak256("goes on"));

        vm.warp(bridge.pausedUntil());
        finalize(p);
        bridge.releaseWithdrawal(waiting.message);
    }

    /* PRECOMPILES */

    function test_brokenPrecompiles_blockMessagesUntilTheyWork() public {
        Proven memory p = prove(message(0, bob, 1));
        Proven memory waiting = prove(message(1, bob, 10 ether));
        finalize(waiting);
        skip(10);
        probe.setBroken(1);
        guard.probe();

        vm.expectRevert(IBridge.PrecompilesBroken.selector);
        finalize(p);
        vm.expectRevert(IBridge.PrecompilesBroken.selector);
        bridge.releaseWithdrawal(waiting.message);
        depositFrom(alice, 1 ether, 21_000, "");
        confirmed(keccak256("goes on"));

        probe.setReason("");
        guard.probe();
        finalize(p);
        bridge.releaseWithdrawal(waiting.message);
    }

    function testFuzz_pause_again_onlyAfterAsLongAgain(uint32 wait) public {
        vm.prank(guardian);
        bridge.pause();
        uint256 availableAt = bridge.pausedUntil() + PAUSE_MAX;
        skip(wait);

        if (vm.getBlockTimestamp() < availableAt) {
            vm.expectRevert(abi.encodeWithSelector(IBridge.PauseUnavailable.selector, availableAt));
        }
        vm.prank(guardian);
        bridge.pause();
    }

    function test_pause_disabledByProfile_reverts() public {
        IBridge.Setup memory setup = bridgeSetup();
        setup.pauseMax = 0;
        Bridge free = new Bridge(setup);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PauseUnavailable.selector, 0));
        vm.prank(guardian);
        free.pause();
    }
}
