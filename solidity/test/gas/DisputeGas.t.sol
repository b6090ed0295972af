// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {VmSafe} from "forge-std/Vm.sol";
import {CREDIT_GAS_STEP} from "../../src/libraries/Constants.sol";
import {Duel, NEWER, OLDER, Stage} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";

/// @notice Calls of the game and what they cost as L1 transactions.
abstract contract DisputeCalls is Disputes {
    /// @dev A whole transaction with one step of an ERC-20 transfer, at the median: tests/bench/snapshots/osp.json.
    uint256 internal constant STEP_TRANSACTION_GAS = 142_245;

    /// @dev Gas of the last call as a transaction of its own: what it used, or what EIP-7623 asks for its calldata.
    /// @param what Name in the snapshot; none if it is empty.
    function paid(string memory what) internal returns (uint256 gas_) {
        gas_ = vm.lastCallGas().gasTotalUsed;
        if (bytes(what).length != 0) vm.snapshotGasLastCall("Game", named(what));
        VmSafe.AccountAccess[] memory calls = vm.stopAndReturnStateDiff();
        for (uint256 i = 0; i < calls.length; ++i) {
            if (calls[i].account != address(disputes) || calls[i].kind != VmSafe.AccountAccessKind.Call) continue;
            uint256 floor = calldataFloor(calls[i].data);
            return gas_ < floor ? floor : gas_;
        }
        revert("no call of the game");
    }

    function named(string memory what) internal pure returns (string memory) {
        return string.concat(what, logArity() == 1 ? ", arity 2" : ", arity 32");
    }

    function calldataFloor(bytes memory data) internal pure returns (uint256 gas_) {
        gas_ = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gas_ += data[i] == 0 ? 10 : 40;
        }
    }

    function openFor(address who, uint8 level, string memory what) internal returns (uint256) {
        vm.startStateDiffRecording();
        openAt(who, level);
        return paid(what);
    }

    function commitFor(address who, Trace memory trace, string memory what) internal returns (uint256) {
        vm.startStateDiffRecording();
        commit(who, trace);
        return paid(what);
    }

    function startFor(address who, Trace memory a, Trace memory b, string memory what) internal returns (uint256) {
        vm.startStateDiffRecording();
        start(who, a, b);
        return paid(what);
    }

    function moveFor(address who, Trace memory a, Trace memory b, string memory what) internal returns (uint256) {
        vm.startStateDiffRecording();
        duelMove(who, a, b);
        return paid(what);
    }

    function proveFor(address who, Trace memory a, Trace memory b, string memory what) internal returns (uint256) {
        vm.startStateDiffRecording();
        proveStep(who, a, b);
        return paid(what);
    }

    function settleFor(string memory what) internal returns (uint256) {
        vm.startStateDiffRecording();
        disputes.settle(pair);
        return paid(what);
    }

    function claimFor(address who, Trace memory trace, string memory what) internal returns (uint256) {
        bytes32[] memory ids = list(idOf(trace));
        vm.startStateDiffRecording();
        disputes.claim(pair, ids, who);
        return paid(what);
    }
}

/// @notice Gas as receipts show it: every call is a transaction of its own, on cold storage.
abstract contract DisputeGasTest is DisputeCalls {
    uint256 internal constant HONEST_CEILING = 900_000;
    uint256 internal constant BOTH_CEILING = 1_800_000;

    /// @dev The honest side opens, commits, starts, proves, settles and claims; it never needs more than this.
    function test_dispute_newerIsHonest() public {
        assertSiblings(1, NEVER);
        uint256 mine = openFor(bob, 0, "open: at the leaves");
        notePinned();
        (Trace memory bad, Trace memory good) = (lie(OLDER, 37, "bad"), honest(NEWER));
        uint256 theirs = commitFor(alice, bad, "commitTrace");
        mine += commitFor(bob, good, "commitTrace: second");
        mine += startFor(bob, bad, good, "start");
        (uint256 a, uint256 b) = playAll(bad, good, "move");

        end(mine + b, theirs + a, bad, good, true);
    }

    /// @dev The other side opens; the honest one commits, moves, proves, settles and claims.
    function test_dispute_olderIsHonest() public {
        assertSiblings(NEVER, 1);
        uint256 theirs = openFor(bob, 0, "");
        notePinned();
        (Trace memory good, Trace memory bad) = (honest(OLDER), lie(NEWER, 37, "bad"));
        theirs += commitFor(bob, bad, "");
        uint256 mine = commitFor(alice, good, "");
        mine += startFor(alice, good, bad, "");
        (uint256 a, uint256 b) = playAll(good, bad, "");

        end(mine + a, theirs + b, good, bad, false);
    }

    /// @dev Leaves withheld: a walk from the unit roots.
    function test_walk() public {
        assertSiblings(1, NEVER);
        openFor(bob, height(), "open: at the top");
        while (stage() == Stage.WALK) {
            vm.startStateDiffRecording();
            walkMove(alice);
            paid("move: in the walk");
        }
    }

    /// @dev A unit whose left neighbour is far away in the tree.
    function test_open_longLeftPath() public {
        assertSiblings(5, NEVER);
        assertLe(openFor(bob, 0, "open: first unit of a batch"), 300_000);
    }

    /// @dev Once per pair of siblings: credited with at most the cheapest transaction.
    function test_credit_open() public {
        assertSiblings(1, NEVER);
        for (uint8 level = 0; level <= height(); ++level) {
            uint256 snapshot = vm.snapshotState();
            vm.startStateDiffRecording();
            openAt(bob, level);
            assertLe(openGas(), paid(""));
            vm.revertToState(snapshot);
        }
    }

    function test_timeouts() public {
        assertSiblings(1, NEVER);
        openAt(bob, 0);
        notePinned();
        (Trace memory a, Trace memory b) = (lie(OLDER, 37, "bad"), lie(OLDER, 3, "silent"));
        Trace memory good = honest(NEWER);
        commitFree(alice, a);
        commit(bob, good);
        commit(alice, b);
        start(bob, a, good);
        skip(T);
        vm.startStateDiffRecording();
        disputes.timeout(keyOf(b, good));
        paid("timeout: duel that never started");
        vm.startStateDiffRecording();
        disputes.timeout(keyOf(a, good));
        paid("timeout: free commitment");
    }

    function playAll(Trace memory a, Trace memory b, string memory what)
        internal
        returns (uint256 older, uint256 newer)
    {
        Duel memory self = duelOf(a, b);
        while (self.level > 0) {
            uint256 gas_ = moveFor(carol, a, b, what);
            if (self.turn == OLDER) older += gas_;
            else newer += gas_;
            self = duelOf(a, b);
        }
    }

    function end(uint256 mine, uint256 theirs, Trace memory a, Trace memory b, bool isNewer) internal {
        uint256 proven = proveFor(carol, a, b, isNewer ? "proveStep: without the verifier" : "");
        // Every step that is proven costs somebody a bond.
        assertLe(CREDIT_GAS_STEP, proven);
        mine += proven + STEP_TRANSACTION_GAS;
        skip(T);
        mine += settleFor(isNewer ? "settle" : "");
        mine += claimFor(isNewer ? bob : alice, isNewer ? b : a, isNewer ? "claim" : "");
        vm.snapshotValue("Game", named(isNewer ? "honest newer side" : "honest older side"), mine);
        if (logArity() == 1) return;
        assertLe(mine, HONEST_CEILING);
        assertLe(mine + theirs, BOTH_CEILING);
    }
}

/// @notice Nobody gains by playing against himself, not even with many moves in one transaction, on storage that is
/// warm already, from a contract that makes its proofs in memory.
/// @dev What can be repeated at will is credited with that least cost: commitments. Every credited move but a `start`
/// follows one that earns nothing, so two of them may cost less than one is worth. The next contract has the rest.
abstract contract DisputeCreditTest is DisputeCalls {
    function test_credit_commit() public {
        assertSiblings(1, NEVER);
        pin(bob);
        uint256 least = type(uint256).max;
        for (uint256 i = 0; i < 6; ++i) {
            commit(bob, lie(NEWER, i, bytes32(i)));
            least = lesser(least);
        }
        commitFree(bob, honest(NEWER));
        least = lesser(least);
        covers("commitTrace", commitGas(), least);
    }

    function test_credit_move() public {
        assertSiblings(1, NEVER);
        openAt(bob, 3);
        uint256 least = type(uint256).max;
        while (stage() == Stage.WALK) {
            walkMove(bob);
            least = lesser(least);
        }
        notePinned();
        Trace memory good = honest(NEWER);
        commit(bob, good);
        uint256 leastStart = type(uint256).max;
        for (uint256 i = 0; i < 40; i += 3) {
            Trace memory bad = lie(OLDER, i, bytes32(i));
            commit(bob, bad);
            start(bob, bad, good);
            leastStart = lesser(leastStart);
            while (duelOf(bad, good).level > 0) {
                duelMove(bob, bad, good);
                least = lesser(least);
            }
        }
        covers("two moves", moveGas(), 2 * least);
        covers("start", moveGas(), leastStart);
    }

    function lesser(uint256 least) internal view returns (uint256) {
        uint256 gas_ = vm.lastCallGas().gasTotalUsed;
        return gas_ < least ? gas_ : least;
    }

    function covers(string memory what, uint256 credit, uint256 least) internal {
        vm.snapshotValue("Game", named(string.concat("least gas of ", what)), least);
        assertLe(credit, least);
    }
}

/// forge-config: default.isolate = true
contract DisputeGasBinaryTest is DisputeGasTest, BinaryTrees {}

/// forge-config: default.isolate = true
contract DisputeGasWideTest is DisputeGasTest, WideTrees {}

contract DisputeCreditBinaryTest is DisputeCreditTest, BinaryTrees {}

contract DisputeCreditWideTest is DisputeCreditTest, WideTrees {}
