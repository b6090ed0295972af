// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInbox} from "../../src/interfaces/IInbox.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {MAX_BATCH_BYTES, MAX_DEPOSITS_PER_BATCH} from "../../src/libraries/Constants.sol";
import {WordTree} from "../../src/libraries/WordTree.sol";
import {BatchRecord, nextAcc} from "../../src/types/Records.sol";
import {Rollup} from "../helpers/Rollup.sol";

/// @notice Batches, forced batches and gas buckets.
contract InboxTest is Rollup {
    /* SETUP */

    function test_constructor_burstBelowTwoCaps_reverts() public {
        IInbox.Setup memory setup = inboxSetup(address(bridge));
        setup.gasBurst = 2 * TX_GAS_CAP - 1;
        vm.expectRevert(IInbox.InvalidSetup.selector);
        new Inbox(setup);
    }

    function test_constructor_burstAboveTenMinutes_reverts() public {
        IInbox.Setup memory setup = inboxSetup(address(bridge));
        setup.systemGasBurst = 600 * SYSTEM_RATE + 1;
        vm.expectRevert(IInbox.InvalidSetup.selector);
        new Inbox(setup);
    }

    function test_constructor_noSequencerOrBridgeOrRate_reverts() public {
        IInbox.Setup memory setup = inboxSetup(address(0));
        vm.expectRevert(IInbox.InvalidSetup.selector);
        new Inbox(setup);

        setup = inboxSetup(address(bridge));
        setup.sequencer = address(0);
        vm.expectRevert(IInbox.InvalidSetup.selector);
        new Inbox(setup);

        setup = inboxSetup(address(bridge));
        setup.gasRate = 0;
        vm.expectRevert(IInbox.InvalidSetup.selector);
        new Inbox(setup);
    }

    /* APPEND */

    function testFuzz_appendBatch_recordsAndEmitsEverything(bytes calldata data, uint64 general, uint64 system) public {
        general = uint64(bound(general, 0, BURST));
        system = uint64(bound(system, 0, BURST));
        depositFrom(alice, 1 ether, 21_000, "");
        BatchRecord memory record = BatchRecord({
            dataRoot: WordTree.root(data),
            dataLen: uint64(data.length),
            l1Timestamp: uint64(START),
            depositStart: 0,
            depositEnd: 1,
            gasBudget: general,
            systemGasBudget: system,
            configHash: CONFIG
        });
        bytes32 acc = nextAcc(0, record.recordHashOf());

        vm.expectEmit(address(inbox));
        emit IInbox.BatchAppended(0, acc, 0, record, data);
        vm.prank(sequencer);
        inbox.appendBatch(0, 0, data, 1, general, system);

        assertEq(inbox.acc(0), acc);
        assertEq(inbox.batchCount(), 1);
        assertEq(inbox.consumedDeposits(), 1);
        assertEq(inbox.lastAppend(), START);
    }

    function testFuzz_appendBatch_chainsAccumulators(bytes32 first, bytes32 second) public {
        append(abi.encode(first), 0);
        bytes32 before = inbox.acc(0);
        skip(INTERVAL);

        append(abi.encode(second), 0);

        assertEq(inbox.acc(0), before);
        assertNotEq(inbox.acc(1), before);
    }

    function testFuzz_appendBatch_notSequencer_reverts(address who) public {
        vm.assume(who != sequencer);
        vm.expectRevert(IInbox.NotSequencer.selector);
        vm.prank(who);
        inbox.appendBatch(0, 0, "", 0, 0, 0);
    }

    function testFuzz_appendBatch_wrongIndex_reverts(uint256 index) public {
        vm.assume(index != 0);
        vm.expectRevert(abi.encodeWithSelector(IInbox.UnexpectedIndex.selector, index, 0));
        vm.prank(sequencer);
        inbox.appendBatch(index, 0, "", 0, 0, 0);
    }

    function testFuzz_appendBatch_wrongPrevAcc_reverts(bytes32 prevAcc) public {
        append("", 0);
        bytes32 acc = inbox.acc(0);
        vm.assume(prevAcc != acc);
        skip(INTERVAL);

        vm.expectRevert(abi.encodeWithSelector(IInbox.UnexpectedPrevAcc.selector, prevAcc, acc));
        vm.prank(sequencer);
        inbox.appendBatch(1, prevAcc, "", 0, 0, 0);
    }

    function testFuzz_appendBatch_tooSoon_reverts(uint64 wait) public {
        wait = uint64(bound(wait, 0, INTERVAL - 1));
        append("", 0);
        skip(wait);

        bytes32 prevAcc = lastAcc();
        vm.expectRevert(abi.encodeWithSelector(IInbox.BatchTooSoon.selector, START + INTERVAL));
        vm.prank(sequencer);
        inbox.appendBatch(1, prevAcc, "", 0, 0, 0);
    }

    function test_appendBatch_longestBatch_fits() public {
        append(new bytes(MAX_BATCH_BYTES), 0);
        assertEq(inbox.batchCount(), 1);
    }

    function test_appendBatch_tooLong_reverts() public {
        bytes memory data = new bytes(MAX_BATCH_BYTES + 1);
        vm.expectRevert(abi.encodeWithSelector(IInbox.BatchTooLong.selector, data.length));
        vm.prank(sequencer);
        inbox.appendBatch(0, 0, data, 0, 0, 0);
    }

    /* DEPOSIT COVER */

    function test_appendBatch_dueDepositLeftOut_reverts() public {
        depositFrom(alice, 0, 21_000, "");
        skip(FORCE_DELAY);

        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositEndOutOfRange.selector, 0, 0, 1));
        vm.prank(sequencer);
        inbox.appendBatch(0, 0, "", 0, 0, 0);
    }

    function test_appendBatch_depositNotDueLeftOut_isAllowed() public {
        depositFrom(alice, 0, 21_000, "");
        skip(FORCE_DELAY - 1);

        append("", 0);

        assertEq(inbox.consumedDeposits(), 0);
    }

    function testFuzz_appendBatch_depositEnd_coversExactlyTheAllowed(uint8 old, uint8 fresh, uint8 end) public {
        old = uint8(bound(old, 0, 20));
        fresh = uint8(bound(fresh, 0, 20));
        end = uint8(bound(end, 0, 50));
        enqueue(old);
        skip(FORCE_DELAY);
        enqueue(fresh);
        bool allowed = end >= old && end <= uint256(old) + fresh;

        vm.prank(sequencer);
        (bool ok,) = address(inbox).call(abi.encodeCall(inbox.appendBatch, (0, 0, "", end, 0, 0)));

        assertEq(ok, allowed);
    }

    function test_appendBatch_movesBackwards_reverts() public {
        depositFrom(alice, 0, 21_000, "");
        append("", 1);
        skip(INTERVAL);
        bytes32 prevAcc = lastAcc();

        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositEndOutOfRange.selector, 0, 1, 1));
        vm.prank(sequencer);
        inbox.appendBatch(1, prevAcc, "", 0, 0, 0);
    }

    function test_appendBatch_longQueue_takesAtMostOneBatchful() public {
        uint256 most = MAX_DEPOSITS_PER_BATCH;
        enqueue(most + 3);
        skip(FORCE_DELAY);

        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositEndOutOfRange.selector, most + 1, 0, most));
        vm.prank(sequencer);
        inbox.appendBatch(0, 0, "", uint64(most + 1), 0, 0);

        append("", uint64(most));
        inbox.forceBatch();
        assertEq(inbox.consumedDeposits(), most + 3);
    }

    /* FORCED BATCHES */

    function testFuzz_forceBatch_anyoneOnceDue(address who, uint8 count) public {
        count = uint8(bound(count, 1, 30));
        enqueue(count);
        skip(FORCE_DELAY);
        BatchRecord memory record = BatchRecord({
            dataRoot: WordTree.rootOfMemory(""),
            dataLen: 0,
            l1Timestamp: uint64(vm.getBlockTimestamp()),
            depositStart: 0,
            depositEnd: count,
            gasBudget: 0,
            systemGasBudget: 0,
            configHash: CONFIG
        });

        vm.expectEmit(address(inbox));
        emit IInbox.BatchAppended(0, nextAcc(0, record.recordHashOf()), 0, record, "");
        vm.prank(who);
        inbox.forceBatch();

        assertEq(inbox.consumedDeposits(), count);
    }

    function test_forceBatch_nothingQueued_reverts() public {
        skip(10 * FORCE_DELAY);
        vm.expectRevert(IInbox.NothingToForce.selector);
        inbox.forceBatch();
    }

    function testFuzz_forceBatch_notDue_reverts(uint64 age) public {
        depositFrom(alice, 0, 21_000, "");
        skip(bound(age, 0, FORCE_DELAY - 1));
        vm.expectRevert(IInbox.NothingToForce.selector);
        inbox.forceBatch();
    }

    function test_forceBatch_twice_reverts() public {
        depositFrom(alice, 0, 21_000, "");
        skip(FORCE_DELAY);
        inbox.forceBatch();
        vm.expectRevert(IInbox.NothingToForce.selector);
        inbox.forceBatch();
    }

    /// @dev A forced batch in between must neither delay the sequencer nor let it post what it made before.
    function test_forceBatch_inBetween_makesTheSequencersBatchStale() public {
        append("", 0);
        bytes32 prevAcc = lastAcc();
        depositFrom(alice, 0, 21_000, "");
        skip(FORCE_DELAY);
        (uint64 general, uint64 system) = inbox.availableBudgets();
        inbox.forceBatch();

        vm.expectRevert(abi.encodeWithSelector(IInbox.UnexpectedIndex.selector, 1, 2));
        vm.prank(sequencer);
        inbox.appendBatch(1, prevAcc, "", 1, 0, 0);

        (uint64 generalAfter, uint64 systemAfter) = inbox.availableBudgets();
        assertEq(generalAfter, general);
        assertEq(systemAfter, system);
        append("", 1);
        assertEq(inbox.batchCount(), 3);
    }

    /* BUCKETS */

    function test_availableBudgets_startsFull() public view {
        (uint64 general, uint64 system) = inbox.availableBudgets();
        assertEq(general, BURST);
        assertEq(system, BURST);
    }

    function testFuzz_appendBatch_drawsAndRefills(uint64 general, uint64 system, uint32 wait) public {
        general = uint64(bound(general, 0, BURST));
        system = uint64(bound(system, 0, BURST));
        vm.prank(sequencer);
        inbox.appendBatch(0, 0, "", 0, general, system);

        skip(wait);

        (uint64 generalLeft, uint64 systemLeft) = inbox.availableBudgets();
        assertEq(generalLeft, _min(BURST, BURST - general + uint256(GAS_RATE) * wait));
        assertEq(systemLeft, _min(BURST, BURST - system + uint256(SYSTEM_RATE) * wait));
    }

    function testFuzz_appendBatch_overdraft_reverts(uint64 excess, bool fromSystem) public {
        excess = uint64(bound(excess, 1, type(uint64).max - BURST));
        uint64 asked = BURST + excess;

        vm.expectRevert(abi.encodeWithSelector(IInbox.BudgetExceeded.selector, asked, BURST));
        vm.prank(sequencer);
        inbox.appendBatch(0, 0, "", 0, fromSystem ? 0 : asked, fromSystem ? asked : 0);
    }

    /// @dev Over any run the budgets drawn stay within one burst plus the rate.
    function testFuzz_appendBatch_longRun_staysWithinTheRate(uint256 seed) public {
        uint256 drawn;
        for (uint256 i = 0; i < 20; ++i) {
            skip(INTERVAL + uint256(keccak256(abi.encode(seed, i))) % 60);
            (uint64 general,) = inbox.availableBudgets();
            uint64 ask = uint64(uint256(keccak256(abi.encode(seed, i, "ask"))) % (uint256(general) + 1));
            bytes32 prevAcc = lastAcc();
            vm.prank(sequencer);
            inbox.appendBatch(i, prevAcc, "", 0, ask, 0);
            drawn += ask;
            assertLe(drawn, BURST + uint256(GAS_RATE) * (vm.getBlockTimestamp() - START));
        }
    }

    /* HELPERS */

    function enqueue(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            // A block of its own for each: the meter is tested elsewhere.
            vm.roll(vm.getBlockNumber() + 300);
            depositFrom(alice, 0, 21_000, "");
        }
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
