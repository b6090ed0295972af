// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {DivergenceProof, Divergences, Reveal} from "../../src/libraries/Divergences.sol";
import {Status} from "../../src/types/Assertion.sol";
import {Divergence, Duel, DuelKey, NEWER, OLDER, Stage, divergenceHashOf} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, WideTrees} from "../helpers/Disputes.sol";
import {SparseTrees, Tree} from "../helpers/SparseTrees.sol";

/// @notice The search for the unit, when the older side's leaves were withheld.
abstract contract DisputeGameWalkTest is Disputes {
    using SparseTrees for Tree;

    /* THE WAY DOWN */

    /// @dev Whatever the level it begins at: the walk finds the unit that a skip pins at once.
    function testFuzz_move_toTheLeaves_pinsTheUnit(uint256 seed, uint256 level) public {
        assertSomeSiblings(seed);
        uint8 at = uint8(bound(level, 1, height()));
        openAt(bob, at);
        notePinned();

        for (uint256 i = 1; i < at; ++i) {
            walkMove(carol);
            assertEq(uint8(stage()), uint8(Stage.WALK));
        }
        skip(7);
        Duel memory last = walk();
        uint32[2] memory left = [last.leftOlder, last.leftNewer];
        left[last.turn] -= 7;
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        bytes32 pre = walkPre();
        vm.expectEmit(address(disputes));
        emit IDisputeGame.Moved(
            disputeId, disputeId, carol, last.turn, 0, uint32(unit), pinned, bytes32(0), reveal.children
        );
        vm.expectEmit(address(disputes));
        emit IDisputeGame.UnitPinned(disputeId, uint32(unit), pinned, left[OLDER], left[NEWER]);
        vm.prank(carol);
        disputes.move(walkKey(), last.turn, 1, pre, proof, reveal);

        Duel memory found = walk();
        assertEq(uint8(found.stage), uint8(Stage.TRACE));
        assertEq(found.index, unit);
        assertEq(found.divergence, divergenceHashOf(pinned));
        assertEq(found.since, vm.getBlockTimestamp());
        assertEq(found.leftOlder, left[OLDER]);
        assertEq(found.leftNewer, left[NEWER]);
    }

    /// @dev The clock of the side on turn runs, and no other.
    function testFuzz_move_booksTheTime(uint256 late, uint256[3] memory waits) public {
        assertSiblings(2, NEVER);
        late = bound(late, 0, T / 2);
        skip(late);
        openAt(bob, 3);
        uint256[2] memory left = [uint256(T), T - late];

        for (uint256 i = 0; i < 2; ++i) {
            uint256 turn = i % 2;
            waits[i] = bound(waits[i], 0, left[turn] - 1);
            skip(waits[i]);
            walkMove(carol);
            left[turn] -= waits[i];
            Duel memory self = walk();
            assertEq(self.leftOlder, left[OLDER]);
            assertEq(self.leftNewer, left[NEWER]);
            assertEq(self.since, vm.getBlockTimestamp());
            assertEq(self.turn, NEWER - turn);
        }
    }

    function test_move_emitsTheNewChildren() public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        Divergence memory found = Divergence(walkPre(), proof.nodes);
        if (proof.index > 0) found.pre = proof.left.endState;
        uint32 index = uint32(walk().index * arity() + proof.index);
        bytes32 pre = walkPre();

        vm.expectEmit(address(disputes));
        emit IDisputeGame.Moved(
            disputeId, disputeId, carol, uint8(OLDER), 1, index, found, reveal.endState, reveal.children
        );
        vm.prank(carol);
        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, reveal);

        assertEq(tally().creditsOlder, worth(moveGas()));
    }

    function testFuzz_move_clock(uint256 wait) public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        wait = bound(wait, T - 2, T + 2);
        skip(wait);

        tryMove(wait < T ? bytes4(0) : IDisputeGame.ClockExpired.selector);
    }

    /// @dev A newcomer's clock has run since the first child came.
    function testFuzz_move_newcomersClock(uint256 late, uint256 wait) public {
        assertSiblings(NEVER, 3);
        late = bound(late, 0, T - 1);
        skip(late);
        openAt(bob, 3);
        skip(T - 1);
        walkMove(alice);
        uint256 left = T - late;
        wait = bound(wait, left - 1, left + 1);
        skip(wait);

        tryMove(wait < left ? bytes4(0) : IDisputeGame.ClockExpired.selector);
    }

    /* REFUSED MOVES */

    function test_move_withoutWalk_reverts() public {
        assertSiblings(NEVER, 3);
        openAt(bob, 1);
        uint256 snapshot = vm.snapshotState();
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        bytes32 pre = walkPre();
        walkMove(alice);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.move(walkKey(), 1, 0, pre, proof, reveal);

        vm.revertToState(snapshot);
        DuelKey memory key = walkKey();
        (key.pair.older, key.pair.newer) = (pair.newer, pair.older);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.move(key, 0, 1, pre, proof, reveal);
    }

    function testFuzz_move_afterSomebodyElse_reverts(uint8 turn, uint8 level) public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        vm.assume(turn != OLDER || level != 2);
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        bytes32 pre = walkPre();

        vm.expectRevert(IDisputeGame.NotOnTurn.selector);
        disputes.move(walkKey(), turn, level, pre, proof, reveal);
    }

    function test_move_deadSibling_reverts() public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        killAssertion(pair.older, pair.newer);

        tryMove(IDisputeGame.NotLiveSiblings.selector);
    }

    function testFuzz_move_falseState_reverts(bytes32 state) public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        vm.assume(state != walkPre());

        vm.expectRevert(IDisputeGame.WrongDivergence.selector);
        disputes.move(walkKey(), uint8(OLDER), 2, state, proof, reveal);
    }

    /// @dev A proof about other nodes of the same trees, or with the sides exchanged.
    function test_move_otherNodes_reverts() public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        Tree memory older = unitTree(OLDER);
        Tree memory newer = unitTree(NEWER);
        bytes32 pre = walkPre();

        uint256 other = (1 << 15) >> (2 * logArity());
        DivergenceProof memory proof = older.prove(newer, 2, other, 1);
        Reveal memory reveal = older.reveal(1, other * arity() + proof.index);
        vm.expectRevert(IDisputeGame.WrongDivergence.selector);
        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, reveal);

        proof = newer.prove(older, 2, walk().index, 1);
        reveal = newer.reveal(1, walk().index * arity() + proof.index);
        vm.expectRevert(IDisputeGame.WrongDivergence.selector);
        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, reveal);
    }

    function test_move_notTheFirstDifference_reverts() public {
        assertSiblings(NEVER, 0);
        openAt(bob, 2);
        Tree memory older = unitTree(OLDER);
        DivergenceProof memory proof = older.proveAt(unitTree(NEWER), 2, 0, 1, 1);
        Reveal memory reveal = older.reveal(1, 1);
        bytes32 pre = walkPre();

        vm.expectRevert(Divergences.InvalidDivergenceProof.selector);
        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, reveal);
    }

    function test_move_twoLevels_reverts() public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        DivergenceProof memory proof = unitTree(OLDER).prove(unitTree(NEWER), 2, 0, 0);
        Reveal memory nothing;
        bytes32 pre = walkPre();

        vm.expectRevert(Divergences.InvalidDivergenceProof.selector);
        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, nothing);
    }

    function test_move_wrongReveal_reverts() public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        bytes32 pre = walkPre();
        Reveal memory wrong = unitTree(NEWER).reveal(1, proof.index);
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, wrong);

        Reveal memory nothing;
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, nothing);

        disputes.move(walkKey(), uint8(OLDER), 2, pre, proof, reveal);
        (proof,) = walkProof();
        pre = walkPre();
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.move(walkKey(), uint8(NEWER), 1, pre, proof, reveal);
    }

    /* TIMEOUT */

    /// @dev The side on turn dies one second after the last in which it could have moved.
    function testFuzz_timeout_walk_older(uint256 wait) public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        wait = bound(wait, T - 2, T + 2);
        skip(wait);

        timeOut(wait >= T, pair.older, pair.newer);
    }

    function testFuzz_timeout_walk_newer(uint256 late, uint256 spent, uint256 wait) public {
        assertSiblings(NEVER, 3);
        late = bound(late, 0, T - 1);
        skip(late);
        openAt(bob, 3);
        skip(bound(spent, 0, T - 1));
        walkMove(alice);
        uint256 left = T - late;
        wait = bound(wait, left - 1, left + 1);
        skip(wait);

        timeOut(wait >= left, pair.newer, pair.older);
        assertLe(walk().since + left, START + 2 * INTERVAL + 2 * T);
    }

    function test_timeout_walk_wrongStage_reverts() public {
        assertSiblings(NEVER, 3);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.timeout(walkKey());

        pin(bob);
        skip(2 * T);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.timeout(walkKey());

        disputes.settle(pair);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.timeout(walkKey());
    }

    /// @dev A sibling that died elsewhere makes the walk moot: nobody else dies by it.
    function testFuzz_timeout_walk_moot(bool olderDied) public {
        assertSiblings(NEVER, 3);
        openAt(bob, 2);
        (bytes32 dead, bytes32 winner) = olderDied ? (pair.older, pair.newer) : (pair.newer, pair.older);
        killAssertion(dead, winner);
        skip(T);

        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, winner, false, 0, 0, 0);
        disputes.timeout(walkKey());

        assertEq(uint8(chain.assertion(winner).status), uint8(Status.LIVE));
        assertEq(uint8(stage()), uint8(Stage.OVER));
    }

    /* HELPERS */

    function tryMove(bytes4 expected) internal {
        Duel memory self = walk();
        (DivergenceProof memory proof, Reveal memory reveal) = walkProof();
        bytes32 pre = walkPre();
        if (expected != 0) vm.expectPartialRevert(expected);
        disputes.move(walkKey(), self.turn, self.level, pre, proof, reveal);
    }

    function timeOut(bool isDue, bytes32 loser, bytes32 winner) internal {
        if (!isDue) vm.expectRevert(IDisputeGame.ClockRunning.selector);
        disputes.timeout(walkKey());

        assertEq(uint8(chain.assertion(loser).status), uint8(isDue ? Status.DEAD : Status.LIVE));
        assertEq(uint8(chain.assertion(winner).status), uint8(Status.LIVE));
        assertEq(uint8(stage()), uint8(isDue ? Stage.OVER : Stage.WALK));
        if (isDue) assertEq(walk().turn, winner == pair.older ? OLDER : NEWER);
    }
}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameWalkBinaryTest is DisputeGameWalkTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameWalkWideTest is DisputeGameWalkTest, WideTrees {}
