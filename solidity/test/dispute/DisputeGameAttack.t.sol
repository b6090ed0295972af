// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {CommitmentTree} from "../../src/libraries/CommitmentTree.sol";
import {DivergenceProof, Divergences, Reveal} from "../../src/libraries/Divergences.sol";
import {Status} from "../../src/types/Assertion.sol";
import {DuelKey, NEWER, OLDER, Pair, disputeIdOf} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";
import {SparseTrees, Tree} from "../helpers/SparseTrees.sol";

/// @notice Ways to make the right assertion lose, or to make money from trying. alice is honest, bob is not.
abstract contract DisputeGameAttackTest is Disputes {
    using SparseTrees for Tree;

    /* DISPUTES THAT ARE NOT MINE */

    /// @dev Two wrong siblings fight about a unit in which one of them says what the right one says, and that one
    /// loses on purpose. Nothing follows for anybody else.
    function test_attack__verdictAboutAnotherPair() public {
        assertSiblings(NEVER, 1);
        bytes32 right = pair.older;
        pair.older = pair.newer;
        (wrongFrom[OLDER], salts[OLDER]) = (1, "newer");
        assertNewer(carol, 4, "third");
        pin(carol);
        Trace memory sabotage = lie(NEWER, 3, "sabotage");
        Trace memory bad = lie(OLDER, 20, "bad");
        commit(bob, sabotage);
        commit(bob, bad);
        playDown(bob, bad, sabotage);
        proveStep(bob, bad, sabotage);
        assertEq(pinned.nodes[NEWER], leaves[1]);
        skip(T);
        disputes.settle(pair);
        assertEq(uint8(chain.assertion(pair.newer).status), uint8(Status.DEAD));

        chain.killUnopened(right, pair.older);
        skip(AIRGAP);
        chain.confirm(right);
    }

    /// @dev A commitment is nothing outside its dispute: neither timed out, nor moved for, nor paid.
    function test_attack__commitmentOfAnotherDispute() public {
        assertSiblings(NEVER, 1);
        Pair memory mine = pair;
        pin(bob);
        Trace memory good = honest(OLDER);
        bytes32 goodId = commit(alice, good);
        skip(100);
        assertNewer(carol, 1, "third");
        Pair memory theirs = pair;
        pin(carol);
        bytes32 theirNewer = commit(bob, lie(NEWER, 3, "bad"));
        bytes32 theirOlder = commit(bob, lie(OLDER, 3, "bad"));
        skip(2 * T);

        noDuel(DuelKey(theirs, [goodId, theirNewer]), goodId);
        noDuel(DuelKey(mine, [goodId, theirNewer]), theirNewer);
        noDuel(DuelKey(mine, [theirOlder, theirNewer]), theirOlder);
        pair = mine;
        disputeId = disputeIdOf(mine);
        disputes.settle(mine);
        uint256 before = bob.balance;
        disputes.claim(mine, list(theirOlder, theirNewer), bob);
        // bob opened this one, but lost it.
        assertEq(bob.balance, before);
    }

    /* TIME */

    /// @dev Opened in the last second, with a sabotage in the same block: the older side still has all of T.
    function test_attack__lastSecondOpening() public {
        assertSiblings(NEVER, 1);
        skip(T - 1);
        pin(bob);
        Trace memory sabotage = lie(OLDER, 3, "sabotage");
        Trace memory bad = lie(NEWER, 20, "bad");
        commit(bob, sabotage);
        commit(bob, bad);
        playDown(bob, sabotage, bad);
        proveStep(bob, sabotage, bad);
        skip(T - 1);
        vm.expectRevert(IDisputeGame.Undecided.selector);
        disputes.settle(pair);

        Trace memory good = honest(OLDER);
        commit(alice, good);
        playDown(alice, good, bad);
        proveStep(alice, good, bad);
        disputes.settle(pair);

        assertEq(uint8(chain.assertion(pair.older).status), uint8(Status.LIVE));
        assertEq(uint8(chain.assertion(pair.newer).status), uint8(Status.DEAD));
    }

    /// @dev Commitments of the last second have to start their duels in it, or die of their window.
    function testFuzz_attack__lastSecondCommitments(uint256 late) public {
        assertSiblings(NEVER, 1);
        skip(bound(late, 0, T - 2));
        uint256 t0 = chain.assertion(genesis).t0;
        pin(bob);
        uint256 budget = walk().leftNewer;
        Trace memory good = honest(OLDER);
        commit(alice, good);
        skip(budget - 1);
        Trace memory starts = lie(NEWER, 3, "starts");
        Trace memory sleeps = lie(NEWER, 3, "sleeps");
        commit(bob, starts);
        commit(bob, sleeps);
        start(bob, good, starts);
        skip(1);
        disputes.timeout(keyOf(good, sleeps));
        // The honest commitment has its whole clock against the one that started.
        skip(T - 2);
        playDown(alice, good, starts);
        proveStep(alice, good, starts);
        disputes.settle(pair);

        assertEq(uint8(chain.assertion(pair.older).status), uint8(Status.LIVE));
        assertLe(vm.getBlockTimestamp(), t0 + 2 * T);
    }

    /// @dev An attacker beats its own rival in a minute; the window for the right one stays open.
    function test_attack__earlySelfPlay() public {
        assertSiblings(1, 2);
        openAt(bob, 0);
        notePinned();
        bytes32 right = assertTree(carol, unitTree(NEVER, ""));
        killAssertion(pair.newer, pair.older);
        disputes.settle(pair);

        uint256 closesAt = chain.assertion(genesis).t0 + T;
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.WindowOpen.selector, closesAt));
        chain.confirm(pair.older);
        pair.newer = right;
        (wrongFrom[NEWER], salts[NEWER]) = (NEVER, "");
        disputeId = disputeIdOf(pair);
        pin(carol);
        commit(carol, honest(NEWER));
        skip(T);
        disputes.settle(pair);
        assertEq(uint8(chain.assertion(pair.older).status), uint8(Status.DEAD));
    }

    /* FALSE TREES */

    /// @dev A right tree under a false end state has no wrong leaf, and no children to show.
    function test_attack__falseEndState_ofTheNewcomer() public {
        Tree memory right = unitTree(NEVER, "");
        pair.older = assertTree(alice, right);
        bytes32 root = falseRoot(right);
        pair.newer = assertFalseTree(bob, right);
        DivergenceProof memory proof;
        proof.nodes = [right.root(), root];
        Reveal memory reveal = right.reveal(height(), 0);
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.open(pair, height(), proof, reveal);
        reveal.endState = "false";
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.open(pair, height(), proof, reveal);

        skip(T);
        chain.killUnopened(pair.older, pair.newer);
        assertEq(uint8(chain.assertion(pair.newer).status), uint8(Status.DEAD));
    }

    /// @dev The same from the older one: it is on turn and has no move, so its clock runs out.
    function test_attack__falseEndState_ofTheOlder() public {
        Tree memory right = unitTree(NEVER, "");
        pair.older = assertFalseTree(bob, right);
        pair.newer = assertTree(alice, right);
        DivergenceProof memory proof;
        proof.nodes = [falseRoot(right), right.root()];
        disputes.open(pair, height(), proof, right.reveal(height(), 0));

        // Every child is equal; a proof that claims otherwise fails.
        proof = right.proveAt(right, height(), 0, height() - 1, 0);
        proof.older[0].endState = "false";
        Reveal memory reveal = right.reveal(height() - 1, 0);
        bytes32 pre = genesisEndLeaf();
        vm.expectRevert(Divergences.InvalidDivergenceProof.selector);
        disputes.move(walkKey(), 0, height(), pre, proof, reveal);
        skip(T);
        disputes.timeout(walkKey());
        assertEq(uint8(chain.assertion(pair.older).status), uint8(Status.DEAD));
    }

    /* BONDS AND STAKES */

    /// @dev One stake answers for free commitments in many disputes and is taken only once: nothing more is promised
    /// to anybody than came in.
    function test_attack__oneStakeForManyLies() public {
        assertSiblings(NEVER, 1);
        (wrongFrom[OLDER], salts[OLDER]) = (1, "newer");
        pair.older = pair.newer;
        Pair[2] memory pairs;
        vm.deal(guardian, S0);
        for (uint256 i = 0; i < 2; ++i) {
            assertNewer([guardian, carol][i], 2 + i, bytes32(i));
            pairs[i] = pair;
            pin(carol);
            commitFree(bob, lie(OLDER, 3, "bad"));
            commit(carol, honest(NEWER));
        }
        for (uint256 i = 0; i < 2; ++i) {
            (pair, wrongFrom[NEWER], salts[NEWER]) = (pairs[i], 2 + i, bytes32(i));
            disputeId = disputeIdOf(pair);
            notePinned();
            playDown(carol, lie(OLDER, 3, "bad"), honest(NEWER));
            proveStep(carol, lie(OLDER, 3, "bad"), honest(NEWER));
            assertEq(purse().forfeitsOlder, i == 0 ? S0 : 0);
        }
        assertEq(address(disputes).balance, 2 * BOND + S0);
        skip(T);
        disputes.settle(pairs[0]);
        disputes.settle(pairs[1]);

        uint256 promised = disputes.owed(guardian) + disputes.owed(carol) + 2 * BOND + purse().pool;
        pair = pairs[0];
        assertEq(address(disputes).balance, 2 * BOND + S0);
        assertLe(promised + purse().pool, address(disputes).balance);
    }

    /// @dev Burning one's own stake below the lie does not take it from those who prove the lie.
    function test_attack__burnedStakeBelowTheLie() public {
        assertSiblings(NEVER, 1);
        pin(alice);
        commit(alice, honest(OLDER));
        appendMany(1);
        bytes32 rival = childOf(pair.newer, carol, "rival");
        bytes32 below = childOf(pair.newer, bob, "below");
        skip(T);
        chain.killUnopened(rival, below);
        chain.slash(below, bob);

        uint256 before = address(disputes).balance;
        disputes.settle(pair);

        assertEq(uint8(chain.assertion(pair.newer).status), uint8(Status.DEAD));
        assertEq(address(disputes).balance, before + S0);
        assertEq(disputes.owed(alice), (S0 - tally().creditsOlder) / 2);
    }

    /// @dev Posting the honest commitment first only gives it a second owner with a bond at stake.
    function test_attack__copiedCommitment() public {
        assertSiblings(NEVER, 1);
        pin(bob);
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(bob, good);
        commit(bob, bad);
        Reveal memory reveal = traceTree(good, good.depth).reveal(good.depth, 0);
        bytes memory exists = abi.encodeWithSelector(IDisputeGame.CommitmentExists.selector, idOf(good));
        vm.prank(alice);
        vm.expectRevert(exists);
        disputes.commitTrace{value: BOND}(pair, 0, good.depth, pinned, reveal, false);

        playDown(alice, good, bad);
        proveStep(alice, good, bad);
        skip(T);
        disputes.settle(pair);
        assertEq(uint8(chain.assertion(pair.newer).status), uint8(Status.DEAD));
        assertGt(disputes.claim(pair, list(idOf(good)), alice), 0);
    }

    /// @dev Whatever somebody playing both sides does: half of what the credits leave is gone.
    function testFuzz_attack__selfPlay_neverPays(uint256 price, uint8 helpers) public {
        vm.fee(bound(price, 1 gwei, 300 gwei));
        vm.txGasPrice(block.basefee + 2 gwei);
        uint256 wealth = alice.balance + bob.balance;
        assertSiblings(NEVER, 1);
        pin(alice);
        Trace memory good = honest(OLDER);
        commit(alice, good);
        uint256 n = helpers % 4;
        for (uint256 i = 0; i <= n; ++i) {
            Trace memory bad = lie(NEWER, 3 + i, bytes32(i));
            commit(bob, bad);
            playDown(alice, good, bad);
            proveStep(alice, good, bad);
        }
        skip(T);
        uint256 credits = tally().creditsOlder;
        disputes.settle(pair);
        disputes.claim(pair, list(idOf(good)), alice);
        uint256 pool = S0 + (n + 1) * BOND;

        // alice's own stake is still on her assertion.
        uint256 lost = wealth - alice.balance - bob.balance - S0;
        assertEq(lost, (pool - credits + 1) / 2);
    }

    /// @dev The end costs the same, however many commitments there were.
    function test_attack__manyCommitments() public {
        assertSiblings(NEVER, 1);
        pin(bob);
        uint256 snapshot = vm.snapshotState();
        skip(T);
        uint256 gas_ = gasleft();
        disputes.settle(pair);
        uint256 few = gas_ - gasleft();
        vm.revertToState(snapshot);
        commit(alice, honest(OLDER));
        for (uint256 i = 0; i < 20; ++i) {
            Trace memory bad = lie(NEWER, 3, bytes32(i));
            commit(bob, bad);
        }
        skip(T);
        for (uint256 i = 0; i < 20; ++i) {
            disputes.timeout(keyOf(honest(OLDER), lie(NEWER, 3, bytes32(i))));
        }
        gas_ = gasleft();
        disputes.settle(pair);

        assertApproxEqAbs(gas_ - gasleft(), few, 40_000);
    }

    /* HELPERS */

    function noDuel(DuelKey memory key, bytes32 stranger) internal {
        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.CommitmentNotLive.selector, stranger));
        disputes.timeout(key);
        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.CommitmentNotLive.selector, stranger));
        disputes.proveStep(key, pinned, "");
    }

    function falseRoot(Tree memory tree) internal pure returns (bytes32) {
        return CommitmentTree.hashNode("false", tree.childrenRoot(tree.height, 0));
    }

    function assertFalseTree(address who, Tree memory tree) internal returns (bytes32) {
        uint256 to = inbox.batchCount();
        bytes32 acc = inbox.acc(to - 1);
        bytes32 childrenRoot = tree.childrenRoot(tree.height, 0);
        bytes32 root = falseRoot(tree);
        uint256 value = due(who);
        vm.prank(who);
        return chain.assertBatches{value: value}(genesis, uint64(to), acc, root, "false", childrenRoot);
    }

    function childOf(bytes32 parent, address who, bytes32 salt) internal returns (bytes32) {
        uint256 to = inbox.batchCount();
        bytes32 acc = inbox.acc(to - 1);
        bytes32 root = CommitmentTree.hashNode(salt, salt);
        uint256 value = due(who);
        vm.prank(who);
        return chain.assertBatches{value: value}(parent, uint64(to), acc, root, salt, salt);
    }
}

/// forge-config: default.fuzz.runs = 32
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameAttackBinaryTest is DisputeGameAttackTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 32
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameAttackWideTest is DisputeGameAttackTest, WideTrees {}
