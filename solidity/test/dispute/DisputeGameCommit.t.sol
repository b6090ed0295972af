// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {Divergences, Reveal} from "../../src/libraries/Divergences.sol";
import {Commitment, Divergence, Life, NEWER, OLDER, Pair} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";
import {SparseTrees, Tree} from "../helpers/SparseTrees.sol";

/// @notice Commitments to the steps of the pinned unit.
abstract contract DisputeGameCommitTest is Disputes {
    using SparseTrees for Tree;

    function pinSome() internal {
        assertSiblings(NEVER, 1);
        pin(bob);
    }

    /* JOINING */

    function testFuzz_commitTrace_joins(uint256 side, uint256 depth, uint256 wait, address who) public {
        vm.assume(who.code.length == 0);
        pinSome();
        wait = bound(wait, 0, T - 1);
        skip(wait);
        Trace memory trace = honest(side % 2);
        trace.depth = uint8(bound(depth, leastDepth(), height()));
        Tree memory tree = traceTree(trace, trace.depth);
        bytes32[] memory children = tree.children(trace.depth, 0);
        bytes32 id = idOf(trace);
        vm.deal(who, BOND);

        vm.expectEmit(address(disputes));
        emit IDisputeGame.Committed(disputeId, id, who, trace.side, trace.depth, tree.root(), 1, false, children);
        commit(who, trace);

        uint128 earned = uint128(worth(commitGas()));
        uint40 time = uint40(vm.getBlockTimestamp());
        Commitment memory expected = Commitment(who, time, 1, Life.LIVE, false, trace.side, earned, earned);
        assertEq(abi.encode(commitmentOf(trace)), abi.encode(expected));
        assertEq(tally().liveOlder, trace.side == OLDER ? 1 : 0);
        assertEq(tally().liveNewer, trace.side == NEWER ? 1 : 0);
        assertEq(tally().commitments, 1);
        assertEq(trace.side == OLDER ? tally().creditsOlder : tally().creditsNewer - worth(openGas()), earned);
        assertEq(address(disputes).balance, BOND);
    }

    /// @dev There may be any number on either side; `no` tells their order.
    function test_commitTrace_many_areNumbered() public {
        pinSome();
        for (uint256 i = 0; i < 6; ++i) {
            commit(alice, lie(i % 2, 3, bytes32(i)));
            assertEq(commitmentOf(lie(i % 2, 3, bytes32(i))).no, i + 1);
        }
        assertEq(tally().liveOlder, 3);
        assertEq(tally().liveNewer, 3);
    }

    /// @dev The same trace at two depths is two claims.
    function test_commitTrace_otherDepth_isAnother() public {
        pinSome();
        Trace memory trace = honest(OLDER);
        commit(alice, trace);
        trace.depth += 1;
        commit(alice, trace);

        assertEq(tally().liveOlder, 2);
    }

    function testFuzz_commitTrace_window(uint256 side, uint256 late, uint256 wait) public {
        assertSiblings(NEVER, 1);
        late = bound(late, 0, T - 1);
        skip(late);
        pin(bob);
        side = side % 2;
        uint256 budget = side == OLDER ? T : T - late;
        wait = bound(wait, budget - 1, budget + 1);
        uint256 closesAt = vm.getBlockTimestamp() + budget;
        skip(wait);

        bytes memory late_ = abi.encodeWithSelector(IDisputeGame.WindowClosed.selector, closesAt);
        refused(honest(side), BOND, false, wait < budget ? bytes("") : late_);
    }

    /* REFUSED COMMITMENTS */

    function test_commitTrace_notPinned_reverts() public {
        assertSiblings(NEVER, 1);
        notePinned();
        refused(honest(OLDER), BOND, false, abi.encodeWithSelector(IDisputeGame.WrongStage.selector));
        openAt(bob, 2);
        refused(honest(OLDER), BOND, false, abi.encodeWithSelector(IDisputeGame.WrongStage.selector));
        walkMove(alice);
        walkMove(bob);
        uint256 snapshot = vm.snapshotState();
        commit(alice, honest(OLDER));
        vm.revertToState(snapshot);
        skip(T);
        disputes.settle(pair);
        refused(honest(OLDER), BOND, false, abi.encodeWithSelector(IDisputeGame.WrongStage.selector));
    }

    function testFuzz_commitTrace_otherDivergence_reverts(uint256 which, bytes32 wrong) public {
        pinSome();
        Trace memory trace = honest(OLDER);
        Reveal memory reveal = traceTree(trace, trace.depth).reveal(trace.depth, 0);
        Divergence memory other = pinned;
        if (which % 3 == 2) other.pre = wrong;
        else other.nodes[which % 3] = wrong;

        vm.expectRevert(IDisputeGame.WrongDivergence.selector);
        disputes.commitTrace{value: BOND}(pair, OLDER_, trace.depth, other, reveal, false);
    }

    function testFuzz_commitTrace_depth(uint8 depth) public {
        pinSome();
        Trace memory trace = honest(OLDER);
        Reveal memory reveal = traceTree(trace, height()).reveal(height(), 0);
        vm.assume(depth == 0 || depth > height());

        vm.expectRevert(IDisputeGame.InvalidDepth.selector);
        disputes.commitTrace{value: BOND}(pair, OLDER_, depth, pinned, reveal, false);
    }

    /// @dev A trace must end in what its side says comes out.
    function test_commitTrace_otherResult_reverts() public {
        pinSome();
        Trace memory trace = honest(NEWER);
        Reveal memory reveal = traceTree(trace, trace.depth).reveal(trace.depth, 0);

        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.commitTrace{value: BOND}(pair, OLDER_, trace.depth, pinned, reveal, false);
    }

    function test_commitTrace_falseChildren_reverts() public {
        pinSome();
        Trace memory trace = honest(OLDER);
        Reveal memory reveal = traceTree(trace, trace.depth).reveal(trace.depth, 0);
        reveal.children[arity() - 1] = "false";

        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.commitTrace{value: BOND}(pair, OLDER_, trace.depth, pinned, reveal, false);
    }

    function test_commitTrace_thirdSide_reverts() public {
        pinSome();
        Trace memory trace = honest(NEWER);
        Reveal memory reveal = traceTree(trace, trace.depth).reveal(trace.depth, 0);

        vm.expectRevert();
        disputes.commitTrace{value: BOND}(pair, 2, trace.depth, pinned, reveal, false);
    }

    function testFuzz_commitTrace_again_reverts(bool isFree) public {
        pinSome();
        Trace memory trace = honest(OLDER);
        commit(bob, trace);

        bytes memory exists = abi.encodeWithSelector(IDisputeGame.CommitmentExists.selector, idOf(trace));
        refused(trace, isFree ? 0 : BOND, isFree, exists);
    }

    /// @dev What died does not come back.
    function test_commitTrace_deadOne_reverts() public {
        pinSome();
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(bob, honest(OLDER));
        commit(bob, bad);
        playDown(bob, honest(OLDER), bad);
        proveStep(bob, honest(OLDER), bad);
        assertFalse(isLive(bad));

        refused(bad, BOND, false, abi.encodeWithSelector(IDisputeGame.CommitmentExists.selector, idOf(bad)));
    }

    /* BONDS */

    function testFuzz_commitTrace_wrongBond_reverts(uint96 value, bool isFree) public {
        pinSome();
        uint256 expected = isFree ? 0 : BOND;
        vm.assume(value != expected);
        vm.deal(alice, value);

        bytes memory wrong = abi.encodeWithSelector(IDisputeGame.WrongBond.selector, expected, value);
        refused(honest(OLDER), value, isFree, wrong);
    }

    function test_commitTrace_free_ofTheMember() public {
        pinSome();
        commitFree(alice, honest(OLDER));
        commitFree(bob, honest(NEWER));

        assertTrue(commitmentOf(honest(OLDER)).isFree);
        assertTrue(commitmentOf(honest(NEWER)).isFree);
        assertEq(address(disputes).balance, 0);
    }

    function test_commitTrace_free_ofABacker() public {
        pinSome();
        vm.prank(carol);
        chain.back{value: S0}(pair.older);

        commitFree(carol, honest(OLDER));

        assertEq(commitmentOf(honest(OLDER)).owner, carol);
    }

    /// @dev Once per dispute and side; another dispute is another matter.
    function test_commitTrace_free_twice_reverts() public {
        pinSome();
        commitFree(alice, honest(OLDER));
        bytes memory no = abi.encodeWithSelector(IDisputeGame.NoFreeCommitment.selector);
        refused(lie(OLDER, 3, "second"), 0, true, no);
        commit(alice, lie(OLDER, 3, "second"));

        assertNewer(carol, 2, "third");
        pin(carol);
        commitFree(alice, honest(OLDER));
    }

    function test_commitTrace_free_stranger_reverts() public {
        pinSome();
        bytes memory no = abi.encodeWithSelector(IDisputeGame.NoFreeCommitment.selector);

        // Members of the other side, and nobody's.
        refused(honest(NEWER), 0, true, no);
        refusedAs(bob, honest(OLDER), 0, true, no);
        refusedAs(carol, honest(OLDER), 0, true, no);
    }

    /// @dev A stake that is gone answers for nothing.
    function test_commitTrace_free_slashed_reverts() public {
        pinSome();
        vm.prank(address(disputes));
        chain.seize(pair.older, alice);

        refused(honest(OLDER), 0, true, abi.encodeWithSelector(IDisputeGame.NoFreeCommitment.selector));
    }

    /* HELPERS */

    uint8 internal constant OLDER_ = uint8(OLDER);

    function refused(Trace memory trace, uint256 value, bool isFree, bytes memory reason) internal {
        refusedAs(alice, trace, value, isFree, reason);
    }

    function refusedAs(address who, Trace memory trace, uint256 value, bool isFree, bytes memory reason) internal {
        Reveal memory reveal = traceTree(trace, trace.depth).reveal(trace.depth, 0);
        vm.prank(who);
        if (reason.length != 0) vm.expectRevert(reason);
        disputes.commitTrace{value: value}(pair, trace.side, trace.depth, pinned, reveal, isFree);
    }
}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameCommitBinaryTest is DisputeGameCommitTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameCommitWideTest is DisputeGameCommitTest, WideTrees {}
