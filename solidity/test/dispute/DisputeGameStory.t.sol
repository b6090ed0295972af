// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Status} from "../../src/types/Assertion.sol";
import {Duel, NEWER, OLDER, Stage} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";

/// @notice Whole disputes, from the opening to the confirmation. An honest player plays one side, the other plays as
/// well as it can.
abstract contract DisputeGameStoryTest is Disputes {
    /// @dev Published leaves: the newcomer pins the unit at once.
    function testFuzz_story_skip(uint256 first, uint256 at, bool olderIsRight) public {
        first = first % leaves.length;
        assertSiblings(olderIsRight ? NEVER : first, olderIsRight ? first : NEVER);
        pin(carol);

        playTrace(olderIsRight, at);
        end(olderIsRight);
    }

    /// @dev Withheld leaves: both walk down from the unit roots, each taking its time.
    function testFuzz_story_walk(uint256 first, uint256 at, bool olderIsRight, uint256 pace) public {
        first = first % leaves.length;
        assertSiblings(olderIsRight ? NEVER : first, olderIsRight ? first : NEVER);
        openAt(carol, height());
        pace = bound(pace, 0, T / 40);
        while (stage() == Stage.WALK) {
            skip(pace);
            walkMove(carol);
        }
        notePinned();

        playTrace(olderIsRight, at);
        end(olderIsRight);
    }

    /// @dev The other side never answers: its clock does.
    function testFuzz_story_silence(bool olderIsRight) public {
        assertSiblings(olderIsRight ? NEVER : 1, olderIsRight ? 1 : NEVER);
        pin(carol);
        commit(carol, honest(olderIsRight ? OLDER : NEWER));

        skip(T);
        end(olderIsRight);
    }

    /// @dev The clock of a walk decides as well.
    function test_story_silenceInTheWalk() public {
        assertSiblings(1, NEVER);
        openAt(bob, height());

        skip(T);
        disputes.timeout(walkKey());

        confirmed(false);
    }

    function playTrace(bool olderIsRight, uint256 at) internal {
        Trace memory good = honest(olderIsRight ? OLDER : NEWER);
        Trace memory bad = lie(olderIsRight ? NEWER : OLDER, at % stepsOfUnit(), "bad");
        commit(carol, good);
        commit(olderIsRight ? bob : alice, bad);
        (Trace memory a, Trace memory b) = olderIsRight ? (good, bad) : (bad, good);
        playDown(carol, a, b);
        proveStep(carol, a, b);
        Duel memory pinned_ = walk();
        uint256 budget = olderIsRight ? pinned_.leftNewer : pinned_.leftOlder;
        vm.warp(pinned_.since + budget);
    }

    function end(bool olderIsRight) internal {
        disputes.settle(pair);
        bytes32[] memory ids = list(idOf(honest(olderIsRight ? OLDER : NEWER)));
        uint256 before = carol.balance;
        disputes.claim(pair, ids, carol);
        assertGt(carol.balance, before + BOND);
        confirmed(olderIsRight);
    }

    function confirmed(bool olderIsRight) internal {
        (bytes32 winner, bytes32 loser) = olderIsRight ? (pair.older, pair.newer) : (pair.newer, pair.older);
        assertEq(uint8(chain.assertion(loser).status), uint8(Status.DEAD));
        skip(T + AIRGAP);
        chain.confirm(winner);
        assertEq(chain.latestConfirmed(), winner);
        assertLe(chain.assertion(genesis).soleSince, START + 2 * INTERVAL + 2 * T);
    }
}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameStoryBinaryTest is DisputeGameStoryTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameStoryWideTest is DisputeGameStoryTest, WideTrees {}
