// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {IOneStepVerifier} from "../../src/interfaces/IOneStepVerifier.sol";
import {CREDIT_GAS_STEP} from "../../src/libraries/Constants.sol";
import {Config} from "../../src/types/Records.sol";
import {Commitment, Divergence, DuelKey, NEWER, OLDER, Stage, duelIdOf} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";
import {FakeVerifier} from "../helpers/FakeVerifier.sol";
import {SparseTrees, Tree} from "../helpers/SparseTrees.sol";

/// @notice The one step that decides.
abstract contract DisputeGameStepTest is Disputes {
    using SparseTrees for Tree;

    /* WHO DIES */

    /// @dev Any unit, any step, either side, either order: the truth survives.
    function testFuzz_proveStep_truthSurvives(uint256 first, uint256 at, bool olderIsRight, bool rightIsFirst) public {
        first = first % leaves.length;
        assertSiblings(olderIsRight ? NEVER : first, olderIsRight ? first : NEVER);
        pin(bob);
        Trace memory good = honest(olderIsRight ? OLDER : NEWER);
        Trace memory bad = lie(olderIsRight ? NEWER : OLDER, at % stepsOfUnit(), "bad");
        commit(alice, rightIsFirst ? good : bad);
        commit(alice, rightIsFirst ? bad : good);
        (Trace memory a, Trace memory b) = olderIsRight ? (good, bad) : (bad, good);
        playDown(carol, a, b);
        DuelKey memory key = keyOf(a, b);
        Divergence memory divergence = stepOf(a, b);
        bytes32 post = divergence.nodes[good.side];

        vm.expectEmit(address(disputes));
        emit IDisputeGame.StepProven(duelIdOf(disputeId, key.commitments), disputeId, carol, post);
        vm.expectEmit(address(disputes));
        emit IDisputeGame.CommitmentDied(disputeId, idOf(bad), 0);
        vm.prank(carol);
        disputes.proveStep(key, divergence, "");

        assertTrue(isLive(good));
        assertFalse(isLive(bad));
        assertEq(purse().pool, BOND);
        assertEq(uint8(duelOf(a, b).stage), uint8(Stage.OVER));
        assertEq(tally().liveOlder, olderIsRight ? 1 : 0);
        assertEq(tally().liveNewer, olderIsRight ? 0 : 1);
    }

    function testFuzz_proveStep_bothWrong_bothDie(uint256 at) public {
        assertSiblings(NEVER, 1);
        pin(bob);
        Trace memory a = lie(OLDER, at % 40, "a");
        Trace memory b = lie(NEWER, at % 40, "b");
        // The last state of a side is its result, so at the last step one of the two is right.
        vm.assume(at % 40 != 39);
        commit(alice, a);
        commit(bob, b);
        playDown(carol, a, b);
        proveStep(carol, a, b);

        assertFalse(isLive(a));
        assertFalse(isLive(b));
        assertEq(purse().pool, 2 * BOND);
        assertEq(tally().liveOlder + tally().liveNewer, 0);
        assertEq(tally().creditsOlder, 0);
        assertEq(tally().creditsNewer, worth(openGas()));
    }

    /// @dev Time plays no part: as long as both live, a step can be proven.
    function test_proveStep_afterTheClock() public {
        (Trace memory good, Trace memory bad) = atOneStep();
        skip(10 * T);

        proveStep(carol, good, bad);

        assertTrue(isLive(good));
        assertFalse(isLive(bad));
    }

    function test_proveStep_earnsForTheSurvivor() public {
        (Trace memory good, Trace memory bad) = atOneStep();
        Commitment memory before = commitmentOf(good);
        uint256 credits = tally().creditsOlder;

        proveStep(carol, good, bad);
        assertEq(commitmentOf(good).credits, before.credits + worth(CREDIT_GAS_STEP));
        assertEq(commitmentOf(good).ownerCredits, before.ownerCredits);
        assertEq(tally().creditsOlder, credits + worth(CREDIT_GAS_STEP));
        assertEq(tally().creditsNewer, worth(openGas()));
    }

    /* WHAT THE VERIFIER IS ASKED */

    /// @dev Unit, step and accumulator come from the game: that of the unit's batch, and none behind the last one.
    function testFuzz_proveStep_asksForTheStep(uint256 first) public {
        first = first % leaves.length;
        assertSiblings(NEVER, first);
        pin(bob);
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 0, "bad");
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, good, bad);
        Divergence memory divergence = stepOf(good, bad);
        uint256 step = duelOf(good, bad).index;
        DuelKey memory key = keyOf(good, bad);
        bytes32 acc = inbox.acc(first / 5);

        vm.expectCall(
            address(toy), abi.encodeCall(IOneStepVerifier.step, (divergence.pre, unitAt(first), step, acc, ""))
        );
        disputes.proveStep(key, divergence, "");
    }

    /// @dev Units behind the last batch stand still, and there is nothing to begin.
    function test_proveStep_behindTheLastBatch() public {
        assertBehind();
        Trace memory good = Trace(uint8(OLDER), 1, NEVER, "");
        Trace memory bad = Trace(uint8(NEWER), 1, 0, "");
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, good, bad);
        DuelKey memory key = keyOf(good, bad);
        Divergence memory divergence = stepOf(good, bad);

        bytes memory call_ = abi.encodeCall(IOneStepVerifier.step, (divergence.pre, 2 << 15, 0, bytes32(0), ""));
        vm.expectCall(address(toy), call_);
        disputes.proveStep(key, divergence, "");

        assertTrue(isLive(good));
        assertFalse(isLive(bad));
    }

    /// @dev The verifier is the one of the configuration that the assertion's batches carry.
    function test_proveStep_verifierOfTheConfiguration() public {
        (Trace memory good, Trace memory bad) = atOneStep();
        FakeVerifier other = new FakeVerifier();
        other.setPost(stepOf(good, bad).nodes[NEWER]);
        Config memory config = inbox.config(0);
        config.verifier = address(other);
        vm.mockCall(address(inbox), abi.encodeCall(IInbox.config, (0)), abi.encode(config));

        proveStep(carol, good, bad);

        assertFalse(isLive(good));
        assertTrue(isLive(bad));
    }

    /// @dev Many wrong traces that differ at one dear step: it is executed for the first of them only.
    function test_attack__manyCommitmentsAtOneDearStep_executedOnce() public {
        _proveTwice(600_000, 1);
    }

    function test_proveStep_cheapStep_executedEachTime() public {
        _proveTwice(400_000, 2);
    }

    /// @dev Two wrong traces that part from the right one at one step, which takes `stepGas`.
    function _proveTwice(uint256 stepGas, uint64 executions) internal {
        assertSiblings(NEVER, 1);
        pin(bob);
        Trace memory good = honest(OLDER);
        (Trace memory a, Trace memory b) = (lie(NEWER, 3, "a"), lie(NEWER, 3, "b"));
        commit(alice, good);
        commit(bob, a);
        commit(carol, b);
        playDown(carol, good, a);
        playDown(carol, good, b);
        FakeVerifier dear = new FakeVerifier();
        dear.setPost(stepOf(good, a).nodes[OLDER]);
        dear.setGas(stepGas);
        Config memory config = inbox.config(0);
        config.verifier = address(dear);
        vm.mockCall(address(inbox), abi.encodeCall(IInbox.config, (0)), abi.encode(config));
        vm.expectCall(address(dear), abi.encodePacked(IOneStepVerifier.step.selector), executions);
        proveStep(carol, good, a);
        proveStep(carol, good, b);
        assertTrue(isLive(good));
        assertFalse(isLive(a) || isLive(b));
    }

    /* WHAT PROVES NOTHING */

    /// @dev A verifier that does not accept the witness kills nobody.
    function test_proveStep_refusedWitness_reverts() public {
        (Trace memory good, Trace memory bad) = atOneStep();
        DuelKey memory key = keyOf(good, bad);
        Divergence memory divergence = stepOf(good, bad);

        vm.expectRevert(IOneStepVerifier.WrongCode.selector);
        disputes.proveStep(key, divergence, "x");

        assertTrue(isLive(good) && isLive(bad));
        proveStep(carol, good, bad);
        assertTrue(isLive(good));
    }

    function testFuzz_proveStep_otherDivergence_reverts(uint256 which, bytes32 wrong) public {
        (Trace memory good, Trace memory bad) = atOneStep();
        DuelKey memory key = keyOf(good, bad);
        Divergence memory divergence = stepOf(good, bad);
        if (which % 3 == 2) divergence.pre = wrong;
        else divergence.nodes[which % 3] = wrong;

        vm.expectRevert(IDisputeGame.WrongDivergence.selector);
        disputes.proveStep(key, divergence, "");
    }

    function test_proveStep_aboveTheSteps_reverts() public {
        assertSiblings(NEVER, 1);
        pin(bob);
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 5, "bad");
        DuelKey memory key = keyOf(good, bad);
        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.CommitmentNotLive.selector, key.commitments[0]));
        disputes.proveStep(key, pinned, "");
        commit(alice, good);
        commit(bob, bad);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.proveStep(key, pinned, "");
        start(bob, good, bad);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.proveStep(key, pinned, "");
        vm.expectPartialRevert(IDisputeGame.CommitmentNotLive.selector);
        disputes.proveStep(walkKey(), pinned, "");
    }

    function test_proveStep_twice_reverts() public {
        (Trace memory good, Trace memory bad) = atOneStep();
        DuelKey memory key = keyOf(good, bad);
        Divergence memory divergence = stepOf(good, bad);
        proveStep(carol, good, bad);

        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.CommitmentNotLive.selector, idOf(bad)));
        disputes.proveStep(key, divergence, "");
    }

    function test_proveStep_overDispute_reverts() public {
        (Trace memory good, Trace memory bad) = atOneStep();
        DuelKey memory key = keyOf(good, bad);
        Divergence memory divergence = stepOf(good, bad);
        killAssertion(pair.newer, pair.older);
        disputes.settle(pair);

        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.proveStep(key, divergence, "");
    }

    /* FREE COMMITMENTS */

    function testFuzz_proveStep_freeCommitment_losesTheStake(bool olderIsRight) public {
        assertSiblings(olderIsRight ? NEVER : 1, olderIsRight ? 1 : NEVER);
        pin(bob);
        Trace memory a = olderIsRight ? honest(OLDER) : lie(OLDER, 5, "bad");
        Trace memory b = olderIsRight ? lie(NEWER, 5, "bad") : honest(NEWER);
        commitFree(alice, a);
        commitFree(bob, b);
        playDown(carol, a, b);
        DuelKey memory key = keyOf(a, b);
        Divergence memory divergence = stepOf(a, b);
        Trace memory bad = olderIsRight ? b : a;

        vm.expectEmit(address(disputes));
        emit IDisputeGame.CommitmentDied(disputeId, idOf(bad), S0);
        disputes.proveStep(key, divergence, "");

        assertTrue(chain.isSlashed(olderIsRight ? bob : alice));
        assertEq(purse().forfeitsOlder, olderIsRight ? 0 : S0);
        assertEq(purse().forfeitsNewer, olderIsRight ? S0 : 0);
        assertEq(purse().pool, 0);
        assertEq(address(disputes).balance, S0);
    }

    /// @dev The stake may be gone by then: in another dispute, where the same account lied as well.
    function test_proveStep_freeCommitment_withoutStake() public {
        assertSiblings(NEVER, 1);
        pin(bob);
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 5, "bad");
        commit(alice, good);
        commitFree(bob, bad);
        vm.prank(address(disputes));
        chain.seize(pair.newer, bob);
        playDown(carol, good, bad);

        proveStep(carol, good, bad);

        assertFalse(isLive(bad));
        assertEq(purse().forfeitsNewer, 0);
    }

    /* HELPERS */

    function atOneStep() internal returns (Trace memory good, Trace memory bad) {
        assertSiblings(NEVER, 1);
        pin(bob);
        good = honest(OLDER);
        bad = lie(NEWER, 17, "bad");
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, good, bad);
    }

    /// @dev Siblings that agree on every unit there is; the newer one goes on behind them.
    function assertBehind() internal {
        uint256 n = leaves.length;
        uint256[] memory starts = new uint256[](n + 1);
        bytes32[] memory values = new bytes32[](n + 1);
        for (uint256 i = 0; i < n; ++i) {
            (starts[i], values[i]) = (unitAt(i), leaves[i]);
        }
        (starts[n], values[n]) = (2 << 15, "more");
        Tree memory older = unitTree(NEVER, "");
        Tree memory newer = SparseTrees.make(logArity(), height(), starts, values);
        pair.older = assertTree(alice, older);
        assertNewer(bob, newer);
        disputes.open(pair, 0, older.prove(newer, height(), 0, 0), newer.reveal(0, 0));
        (unit, pinned.pre, pinned.nodes) = (2 << 15, leaves[n - 1], [leaves[n - 1], bytes32("more")]);
    }
}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameStepBinaryTest is DisputeGameStepTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameStepWideTest is DisputeGameStepTest, WideTrees {}
