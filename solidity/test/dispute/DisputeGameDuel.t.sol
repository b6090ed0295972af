// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {DivergenceProof, Divergences, Reveal} from "../../src/libraries/Divergences.sol";
import {
    Divergence,
    Duel,
    DuelKey,
    Life,
    NEWER,
    OLDER,
    Stage,
    commitmentIdOf,
    divergenceHashOf,
    duelIdOf
} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";
import {SparseTrees, Tree} from "../helpers/SparseTrees.sol";

/// @notice Two commitments on their way down to one step. The older side is right, its unit has 40 steps.
abstract contract DisputeGameDuelTest is Disputes {
    using SparseTrees for Tree;

    uint256 internal pinnedAt;
    Trace internal good;
    Trace internal bad;

    function setUp() public override {
        super.setUp();
        assertSiblings(NEVER, 1);
        skip(100);
        pin(bob);
        pinnedAt = vm.getBlockTimestamp();
        good = honest(OLDER);
        bad = lie(NEWER, 17, "bad");
    }

    /* START */

    /// @dev The newer one is on turn since it joined, on whichever side; each clock is its budget less its lateness.
    function testFuzz_start_clocks(bool olderSideIsNewer, uint256[3] memory waits) public {
        uint256[2] memory budget = [uint256(T), T - 100];
        uint256[2] memory joined;
        for (uint256 i = 0; i < 2; ++i) {
            uint256 side = (i == 0) == olderSideIsNewer ? NEWER : OLDER;
            waits[i] = bound(waits[i], 0, (T - 101) / 2);
            skip(waits[i]);
            joined[side] = vm.getBlockTimestamp() - pinnedAt;
            commit(carol, side == OLDER ? good : bad);
        }
        uint256 turn = olderSideIsNewer ? OLDER : NEWER;
        waits[2] = bound(waits[2], 0, budget[turn] - joined[turn] - 1);
        skip(waits[2]);
        uint256[2] memory left = [budget[0] - joined[0], budget[1] - joined[1]];
        left[turn] -= waits[2];

        start(carol, good, bad);

        Duel memory self = duelOf(good, bad);
        assertEq(self.leftOlder, left[OLDER]);
        assertEq(self.leftNewer, left[NEWER]);
        assertEq(self.since, vm.getBlockTimestamp());
        assertEq(self.turn, NEWER - turn);
        assertEq(self.level, leastDepth() - 1);
        assertEq(uint8(self.stage), uint8(Stage.TRACE));
        assertEq(commitmentOf(turn == OLDER ? good : bad).credits, worth(commitGas()) + worth(moveGas()));
    }

    function test_start_emits() public {
        bytes32 older = commit(alice, good);
        bytes32 newer = commit(bob, bad);
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(good, bad);
        Divergence memory found = Divergence(pinned.pre, proof.nodes);
        if (proof.index > 0) found.pre = proof.left.endState;
        bytes32 id = duelIdOf(disputeId, [older, newer]);
        uint8 level = leastDepth() - 1;

        vm.expectEmit(address(disputes));
        emit IDisputeGame.Started(id, disputeId, older, newer);
        vm.expectEmit(address(disputes));
        emit IDisputeGame.Moved(
            id, disputeId, carol, uint8(NEWER), level, proof.index, found, reveal.endState, reveal.children
        );
        start(carol, good, bad);

        assertEq(duelOf(good, bad).divergence, divergenceHashOf(found));
    }

    /// @dev Its window is the newer one's time to start.
    function testFuzz_start_window(bool olderSideIsNewer, uint256 wait) public {
        commit(alice, olderSideIsNewer ? bad : good);
        commit(alice, olderSideIsNewer ? good : bad);
        uint256 budget = olderSideIsNewer ? T : T - 100;
        wait = bound(wait, budget - 2, budget + 1);
        skip(wait);

        tryStart(good, bad, wait < budget ? bytes4(0) : IDisputeGame.ClockExpired.selector);
    }

    function test_start_twice_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        start(bob, good, bad);

        tryStart(good, bad, IDisputeGame.WrongStage.selector);
    }

    function test_start_notBothThere_reverts() public {
        tryStart(good, bad, IDisputeGame.CommitmentNotLive.selector);
        commit(alice, good);
        tryStart(good, bad, IDisputeGame.CommitmentNotLive.selector);
        commit(bob, bad);
        skip(T);
        disputes.timeout(keyOf(good, bad));
        tryStart(good, bad, IDisputeGame.CommitmentNotLive.selector);
    }

    /// @dev A trace is where its author put it: its id says the side.
    function test_start_exchangedSides_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(good, bad);
        bytes32[2] memory roots = [rootOf(bad), rootOf(good)];

        vm.expectPartialRevert(IDisputeGame.CommitmentNotLive.selector);
        disputes.start(pair, [bad.depth, good.depth], roots, pinned, proof, reveal);
    }

    function test_start_otherDepth_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(good, bad);
        bytes32[2] memory roots = [rootOf(good), rootOf(bad)];
        bytes32 other = commitmentIdOf(disputeId, OLDER, good.depth + 1, roots[0]);

        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.CommitmentNotLive.selector, other));
        disputes.start(pair, [good.depth + 1, bad.depth], roots, pinned, proof, reveal);
    }

    function testFuzz_start_otherDivergence_reverts(uint256 which, bytes32 wrong) public {
        commit(alice, good);
        commit(bob, bad);
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(good, bad);
        bytes32[2] memory roots = [rootOf(good), rootOf(bad)];
        Divergence memory other = pinned;
        if (which % 3 == 2) other.pre = wrong;
        else other.nodes[which % 3] = wrong;

        vm.expectRevert(IDisputeGame.WrongDivergence.selector);
        disputes.start(pair, [good.depth, bad.depth], roots, other, proof, reveal);
    }

    /// @dev A proof about two other traces.
    function test_start_otherTraces_reverts() public {
        Trace memory third = lie(NEWER, 3, "third");
        commit(alice, good);
        commit(bob, bad);
        commit(bob, third);
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(good, third);
        bytes32[2] memory roots = [rootOf(good), rootOf(bad)];

        vm.expectRevert(IDisputeGame.WrongDivergence.selector);
        disputes.start(pair, [good.depth, bad.depth], roots, pinned, proof, reveal);
    }

    function test_start_olderOnesChildren_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        (DivergenceProof memory proof,) = startProof(good, bad);
        Reveal memory reveal = traceTree(good, good.depth).reveal(good.depth - 1, proof.index);
        bytes32[2] memory roots = [rootOf(good), rootOf(bad)];

        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.start(pair, [good.depth, bad.depth], roots, pinned, proof, reveal);
    }

    function test_start_overDispute_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        killAssertion(pair.newer, pair.older);
        disputes.settle(pair);

        tryStart(good, bad, IDisputeGame.WrongStage.selector);
    }

    /* LIFTING */

    /// @dev Traces of different depths meet at the greater one, and the duel ends at the same step.
    function testFuzz_start_differentDepths(uint256 older, uint256 newer, uint256 from, bool olderIsFirst) public {
        bad.wrongFrom = bound(from, 0, 39);
        uint256 highest = leastDepth() + 2;
        good.depth = uint8(bound(older, leastDepth(), highest));
        bad.depth = uint8(bound(newer, leastDepth(), highest));
        commit(alice, olderIsFirst ? good : bad);
        commit(alice, olderIsFirst ? bad : good);

        start(carol, good, bad);
        uint8 depth = good.depth > bad.depth ? good.depth : bad.depth;
        assertEq(duelOf(good, bad).level, depth - 1);
        playDown(carol, good, bad);
        assertEq(duelOf(good, bad).index, bad.wrongFrom);
        proveStep(carol, good, bad);

        assertTrue(isLive(good));
        assertFalse(isLive(bad));
    }

    function test_start_highestTree() public {
        bad.depth = height();
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, good, bad);
        assertEq(duelOf(good, bad).index, 17);
    }

    /// @dev Who ends the trace too early is lifted like anybody, and loses at the step it made up.
    function testFuzz_start_tooShallow_loses(uint256 depth) public {
        uint256 least = leastDepth();
        depth = bound(depth, 1, least - 1);
        (uint256[] memory starts, bytes32[] memory values) = truncated(1 << (depth * logArity()));
        Tree memory shallow = SparseTrees.make(logArity(), depth, starts, values);
        Tree memory lifted = SparseTrees.make(logArity(), least, starts, values);
        Tree memory right = traceTree(good, least);
        commit(alice, good);
        Reveal memory reveal = shallow.reveal(depth, 0);
        vm.prank(bob);
        disputes.commitTrace{value: BOND}(pair, uint8(NEWER), uint8(depth), pinned, reveal, false);

        DivergenceProof memory proof = right.prove(lifted, least, 0, least - 1);
        reveal = lifted.reveal(least - 1, proof.index);
        bytes32[2] memory roots = [right.root(), shallow.root()];
        disputes.start(pair, [uint8(least), uint8(depth)], roots, pinned, proof, reveal);
        bytes32 id = commitmentIdOf(disputeId, NEWER, depth, shallow.root());
        DuelKey memory key = DuelKey(pair, [idOf(good), id]);
        playDownIn(carol, key, right, lifted);
        assertEq(disputes.duel(key).index, (1 << (depth * logArity())) - 1);
        disputes.proveStep(key, stepIn(key, right, lifted), "");

        assertEq(uint8(disputes.commitment(pair, id).life), uint8(Life.DEAD));
        assertTrue(isLive(good));
    }

    /* MOVES */

    function testFuzz_move_duel_booksTheTime(uint256[4] memory waits) public {
        good.depth = bad.depth = leastDepth() + 3;
        commit(alice, good);
        commit(bob, bad);
        start(bob, good, bad);
        uint256[2] memory left = [uint256(T), T - 100];

        for (uint256 i = 0; i < 4 && duelOf(good, bad).level > 0; ++i) {
            uint256 turn = i % 2;
            waits[i] = bound(waits[i], 0, left[turn] - 1);
            skip(waits[i]);
            left[turn] -= waits[i];
            duelMove(carol, good, bad);
            Duel memory self = duelOf(good, bad);
            assertEq(self.leftOlder, left[OLDER]);
            assertEq(self.leftNewer, left[NEWER]);
            assertEq(self.turn, NEWER - turn);
        }
        assertLe(vm.getBlockTimestamp(), pinnedAt + 2 * T - 100);
    }

    function testFuzz_move_duel_clock(uint256 wait) public {
        commit(alice, good);
        commit(bob, bad);
        start(bob, good, bad);
        wait = bound(wait, T - 2, T + 1);
        skip(wait);

        tryMove(good, bad, wait < T ? bytes4(0) : IDisputeGame.ClockExpired.selector);
    }

    function test_move_duel_neverStarted_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        DuelKey memory key = keyOf(good, bad);
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(good, bad);

        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.move(key, 0, 0, pinned.pre, proof, reveal);
    }

    function test_move_duel_atOneStep_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        DuelKey memory key = keyOf(good, bad);
        start(bob, good, bad);
        while (duelOf(good, bad).level > 1) {
            duelMove(bob, good, bad);
        }
        (bytes32 pre, DivergenceProof memory proof, Reveal memory reveal) = duelProof(good, bad);
        duelMove(bob, good, bad);
        uint8 turn = duelOf(good, bad).turn;

        vm.expectRevert(IDisputeGame.NotOnTurn.selector);
        disputes.move(key, turn, 0, pre, proof, reveal);
    }

    /// @dev A duel in which somebody died needs no end of its own, and takes no more moves.
    function test_move_duel_deadCommitment_reverts() public {
        Trace memory other = lie(NEWER, 5, "other");
        commit(alice, good);
        commit(bob, bad);
        commit(bob, other);
        start(bob, good, bad);
        start(bob, good, other);
        skip(T);
        disputes.timeout(keyOf(good, bad));
        assertFalse(isLive(good));

        tryMove(good, other, IDisputeGame.CommitmentNotLive.selector);
        refusedTimeout(good, other, IDisputeGame.CommitmentNotLive.selector);
    }

    function test_move_duel_overDispute_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        start(bob, good, bad);
        killAssertion(pair.newer, pair.older);
        disputes.settle(pair);

        tryMove(good, bad, IDisputeGame.WrongStage.selector);
        refusedTimeout(good, bad, IDisputeGame.WrongStage.selector);
    }

    function test_move_duel_earnsForTheCommitment() public {
        good.depth = bad.depth = leastDepth() + 1;
        commit(alice, good);
        commit(bob, bad);
        start(carol, good, bad);
        duelMove(alice, good, bad);

        uint256 joined = worth(commitGas());
        assertEq(commitmentOf(bad).credits, joined + worth(moveGas()));
        assertEq(commitmentOf(bad).ownerCredits, joined);
        assertEq(commitmentOf(good).credits, joined + worth(moveGas()));
        assertEq(commitmentOf(good).ownerCredits, joined + worth(moveGas()));
        assertEq(tally().creditsOlder, joined + worth(moveGas()));
        assertEq(tally().creditsNewer, joined + worth(moveGas()) + worth(openGas()));
    }

    /* TIMEOUTS */

    /// @dev Who came later has to start, until its side's window is over.
    function testFuzz_timeout_neverStarted(bool olderSideIsNewer, uint256 late, uint256 wait) public {
        uint256 budget = olderSideIsNewer ? T : T - 100;
        commit(alice, olderSideIsNewer ? bad : good);
        skip(bound(late, 0, T - 101));
        commit(alice, olderSideIsNewer ? good : bad);
        wait = bound(wait, budget - 1, budget + 1);
        vm.warp(pinnedAt + wait);

        timeOut(wait >= budget, olderSideIsNewer ? OLDER : NEWER);
        assertEq(uint8(duelOf(good, bad).stage), uint8(Stage.NONE));
    }

    function testFuzz_timeout_onTurn(uint256 moves, uint256 wait) public {
        good.depth = bad.depth = leastDepth() + 3;
        commit(alice, good);
        commit(bob, bad);
        start(bob, good, bad);
        for (uint256 i = 0; i < moves % 3; ++i) {
            duelMove(bob, good, bad);
        }
        Duel memory self = duelOf(good, bad);
        uint256 left = self.turn == OLDER ? self.leftOlder : self.leftNewer;
        wait = bound(wait, left - 1, left + 1);
        skip(wait);

        timeOut(wait >= left, self.turn);
        assertEq(uint8(duelOf(good, bad).stage), uint8(wait >= left ? Stage.OVER : Stage.TRACE));
    }

    /// @dev At level 0 the clock still runs: whoever is on turn has to prove, or somebody for it.
    function test_timeout_atOneStep() public {
        commit(alice, good);
        commit(bob, bad);
        playDown(bob, good, bad);
        skip(T);

        timeOut(true, duelOf(good, bad).turn);
    }

    function test_timeout_exchangedSides_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        skip(T);
        DuelKey memory key = keyOf(good, bad);
        (key.commitments[0], key.commitments[1]) = (key.commitments[1], key.commitments[0]);

        vm.expectPartialRevert(IDisputeGame.CommitmentNotLive.selector);
        disputes.timeout(key);
        key.commitments[0] = key.commitments[1];
        vm.expectPartialRevert(IDisputeGame.CommitmentNotLive.selector);
        disputes.timeout(key);
        key.commitments[0] = 0;
        vm.expectPartialRevert(IDisputeGame.CommitmentNotLive.selector);
        disputes.timeout(key);
    }

    function test_timeout_twice_reverts() public {
        commit(alice, good);
        commit(bob, bad);
        skip(T);
        disputes.timeout(keyOf(good, bad));

        refusedTimeout(good, bad, IDisputeGame.CommitmentNotLive.selector);
    }

    /* HELPERS */

    function tryStart(Trace memory older, Trace memory newer, bytes4 reason) internal {
        (DivergenceProof memory proof, Reveal memory reveal) = startProof(older, newer);
        bytes32[2] memory roots = [rootOf(older), rootOf(newer)];
        if (reason != 0) vm.expectPartialRevert(reason);
        disputes.start(pair, [older.depth, newer.depth], roots, pinned, proof, reveal);
    }

    function tryMove(Trace memory older, Trace memory newer, bytes4 reason) internal {
        Duel memory self = duelOf(older, newer);
        (bytes32 pre, DivergenceProof memory proof, Reveal memory reveal) = duelProof(older, newer);
        DuelKey memory key = keyOf(older, newer);
        if (reason != 0) vm.expectPartialRevert(reason);
        disputes.move(key, self.turn, self.level, pre, proof, reveal);
    }

    function refusedTimeout(Trace memory older, Trace memory newer, bytes4 reason) internal {
        DuelKey memory key = keyOf(older, newer);
        vm.expectPartialRevert(reason);
        disputes.timeout(key);
    }

    function timeOut(bool isDue, uint256 loser) internal {
        DuelKey memory key = keyOf(good, bad);
        uint256 pool = purse().pool;
        if (isDue) {
            vm.expectEmit(address(disputes));
            emit IDisputeGame.CommitmentDied(disputeId, key.commitments[loser], 0);
        } else {
            vm.expectRevert(IDisputeGame.ClockRunning.selector);
        }
        disputes.timeout(key);

        assertEq(isLive(good), !isDue || loser == NEWER);
        assertEq(isLive(bad), !isDue || loser == OLDER);
        assertEq(tally().liveOlder, isLive(good) ? 1 : 0);
        assertEq(tally().liveNewer, isLive(bad) ? 1 : 0);
        assertEq(purse().pool, isDue ? pool + BOND : pool);
        if (!isDue) return;
        assertEq(loser == OLDER ? tally().creditsOlder : tally().creditsNewer - worth(openGas()), 0);
    }

    /// @dev The first steps of the right trace, the last of them replaced by the newer side's result.
    function truncated(uint256 steps) internal view returns (uint256[] memory starts, bytes32[] memory values) {
        Tree memory tree = traceTree(good, good.depth);
        starts = new uint256[](steps);
        values = new bytes32[](steps);
        for (uint256 v = 0; v < steps; ++v) {
            (starts[v], values[v]) = (v, tree.node(0, v));
        }
        values[steps - 1] = pinned.nodes[NEWER];
    }
}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameDuelBinaryTest is DisputeGameDuelTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameDuelWideTest is DisputeGameDuelTest, WideTrees {}
