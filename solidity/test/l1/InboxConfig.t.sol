// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInbox} from "../../src/interfaces/IInbox.sol";
import {Config, UNPINNED} from "../../src/types/Records.sol";
import {FakeVerifier} from "../helpers/FakeVerifier.sol";
import {Rollup} from "../helpers/Rollup.sol";

/// @notice The append-only schedule of configurations.
contract InboxConfigTest is Rollup {
    bytes32 internal constant NEXT = keccak256("next config");

    function test_config_first_isPinnedToBatchZero() public view {
        assertEq(inbox.configCount(), 1);
        assertEq(inbox.config(0).hash, CONFIG);
        assertEq(inbox.config(0).verifier, address(verifier));
        assertEq(inbox.config(0).firstBatch, 0);
        assertEq(inbox.activeConfigHash(), CONFIG);
    }

    function testFuzz_scheduleConfig_notGovernance_reverts(address who) public {
        vm.assume(who != governance);
        vm.expectRevert(IInbox.NotGovernance.selector);
        vm.prank(who);
        inbox.scheduleConfig(NEXT, address(verifier));
    }

    function testFuzz_scheduleConfig_takesEffectAfterTheDelayOnly(uint32 early, uint32 late) public {
        early = uint32(bound(early, 0, CONFIG_DELAY - 1));
        schedule(NEXT);

        vm.warp(START + early);
        append("", 0);
        assertEq(inbox.activeConfigHash(), CONFIG);
        assertEq(inbox.config(1).firstBatch, UNPINNED);

        vm.warp(START + CONFIG_DELAY + INTERVAL + late);
        assertEq(inbox.activeConfigHash(), NEXT);
        vm.expectEmit(address(inbox));
        emit IInbox.ConfigPinned(1, 1);
        append("", 0);
        assertEq(inbox.config(1).firstBatch, 1);
    }

    function test_scheduleConfig_whileOneWaits_reverts() public {
        schedule(NEXT);
        vm.expectRevert(IInbox.ConfigPending.selector);
        vm.prank(governance);
        inbox.scheduleConfig(keccak256("third"), address(verifier));

        skip(CONFIG_DELAY);
        append("", 0);
        schedule(keccak256("third"));
        assertEq(inbox.configCount(), 3);
    }

    /// @dev Every configuration names its own verifier, and that of the one before stays with its batches.
    function test_scheduleConfig_verifier_isThatOfTheConfiguration() public {
        address next = address(new FakeVerifier());
        vm.expectEmit(address(inbox));
        emit IInbox.ConfigScheduled(1, NEXT, next, START + CONFIG_DELAY);
        vm.prank(governance);
        inbox.scheduleConfig(NEXT, next);

        Config memory scheduled = inbox.config(1);
        assertEq(scheduled.hash, NEXT);
        assertEq(scheduled.verifier, next);
        assertEq(inbox.config(0).verifier, address(verifier));
    }

    function testFuzz_scheduleConfig_noContract_reverts(address nobody) public {
        vm.assume(nobody.code.length == 0);
        vm.expectRevert(abi.encodeWithSelector(IInbox.NoVerifier.selector, nobody));
        vm.prank(governance);
        inbox.scheduleConfig(NEXT, nobody);
    }

    function test_scheduleConfig_brokenPrecompiles_reverts() public {
        probe.setBroken(9);
        guard.probe();
        vm.expectRevert(IInbox.PrecompilesBroken.selector);
        vm.prank(governance);
        inbox.scheduleConfig(NEXT, address(verifier));

        probe.setReason("");
        guard.probe();
        schedule(NEXT);
        assertEq(inbox.configCount(), 2);
    }

    function test_forceBatch_dueConfig_isPinned() public {
        schedule(NEXT);
        depositFrom(alice, 0, 21_000, "");
        skip(CONFIG_DELAY);

        inbox.forceBatch();

        assertEq(inbox.config(1).firstBatch, 0);
    }

    /* SPANS */

    function test_span_withinOneConfig_returnsItsAccAndIndex() public {
        appendMany(3);
        (bytes32 acc, uint256 index) = inbox.span(0, 1, 3);
        assertEq(acc, inbox.acc(2));
        assertEq(index, 0);
    }

    function testFuzz_span_equalsSearch(uint8 before, uint8 afterwards, uint8 from, uint8 to) public {
        uint256 boundary = bound(before, 1, 6);
        uint256 total = boundary + bound(afterwards, 1, 6);
        appendMany(boundary);
        schedule(NEXT);
        skip(CONFIG_DELAY);
        appendMany(total - boundary);
        uint256 first = bound(from, 0, 14);
        uint256 last = bound(to, 0, 14);
        uint256 parentConfig = first > boundary ? 1 : 0;
        bool crossing = first < boundary && last > boundary;

        if (first >= last || last > total || crossing) {
            vm.expectRevert(abi.encodeWithSelector(IInbox.InvalidRange.selector, first, last));
            inbox.span(parentConfig, first, last);
            return;
        }
        (bytes32 acc, uint256 index) = inbox.span(parentConfig, first, last);
        assertEq(acc, inbox.acc(last - 1));
        assertEq(index, first >= boundary ? 1 : 0);
    }

    function schedule(bytes32 hash) internal {
        vm.prank(governance);
        inbox.scheduleConfig(hash, address(verifier));
    }
}
