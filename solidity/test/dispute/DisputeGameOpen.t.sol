// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DisputeGame} from "../../src/dispute/DisputeGame.sol";
import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {DivergenceProof, Divergences, Reveal} from "../../src/libraries/Divergences.sol";
import {Divergence, Duel, NEWER, OLDER, Pair, Stage, divergenceHashOf} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, WideTrees} from "../helpers/Disputes.sol";
import {SparseTrees, Tree} from "../helpers/SparseTrees.sol";

abstract contract DisputeGameOpenTest is Disputes {
    using SparseTrees for Tree;

    /* DEPLOYMENT */

    function test_constructor_takesTheChainsTerms() public view {
        assertEq(address(disputes.CHAIN()), address(chain));
        assertEq(address(disputes.INBOX()), address(inbox));
        assertEq(disputes.BOND(), BOND);
        assertEq(disputes.CHALLENGE_PERIOD(), T);
        assertEq(disputes.LOG_ARITY(), logArity());
    }

    function test_constructor_wrongBond_reverts() public {
        vm.expectRevert(IDisputeGame.InvalidSetup.selector);
        new DisputeGame(address(chain), 0);
        vm.expectRevert(IDisputeGame.InvalidSetup.selector);
        new DisputeGame(address(chain), 1 << 96);
        new DisputeGame(address(chain), (1 << 96) - 1);
    }

    function testFuzz_constructor_otherArity_reverts(uint256 other) public {
        vm.assume(other != 1 && other != 5);
        vm.mockCall(address(chain), abi.encodeCall(IAssertionChain.LOG_ARITY, ()), abi.encode(other));

        vm.expectRevert(IDisputeGame.InvalidSetup.selector);
        new DisputeGame(address(chain), BOND);
    }

    function testFuzz_receive_fromAnyone_reverts(address who, uint96 amount) public {
        vm.assume(who != address(chain));
        vm.deal(who, amount);

        vm.prank(who);
        vm.expectRevert(IDisputeGame.UnexpectedPayment.selector);
        payable(address(disputes)).transfer(amount);
    }

    /* OPENING */

    function testFuzz_open_atTheLeaves_pinsTheUnit(uint256 seed, uint256 wait, address who) public {
        uint256 first = assertSomeSiblings(seed);
        wait = bound(wait, 0, T - 1);
        skip(wait);
        notePinned();
        uint40 time = uint40(vm.getBlockTimestamp());
        uint32 left = uint32(T - wait);

        vm.expectEmit(address(disputes));
        emit IDisputeGame.Opened(disputeId, pair.older, pair.newer, who, 0, uint32(unit), pinned, uint32(T), left);
        vm.expectEmit(address(disputes));
        emit IDisputeGame.UnitPinned(disputeId, uint32(unit), pinned, uint32(T), left);
        openAt(who, 0);

        assertEq(unit, unitAt(first));
        assertEq(pinned.pre, first == 0 ? genesisEndLeaf() : leaves[first - 1]);
        same(walk(), Duel(uint32(T), left, time, 0, 0, uint32(unit), Stage.TRACE, divergenceHashOf(pinned)));
        assertEq(tally().creditsNewer, worth(openGas()));
        assertTrue(disputes.isOpen(pair.older, pair.newer));
        assertFalse(disputes.isOpen(pair.newer, pair.older));
    }

    function testFuzz_open_above_beginsTheWalk(uint256 seed, uint256 wait, uint256 level, address who) public {
        assertSomeSiblings(seed);
        skip(bound(wait, 0, T - 1));
        uint8 at = uint8(bound(level, 1, height()));
        DivergenceProof memory proof = openingProof(at);
        Reveal memory reveal = unitTree(NEWER).reveal(at, proof.index);
        uint32 index = proof.index;
        bytes32 pre = index == 0 ? genesisEndLeaf() : unitTree(OLDER).endState(at, index - 1);
        Divergence memory found = Divergence(pre, proof.nodes);
        uint32 left = uint32(START + 2 * INTERVAL + T - vm.getBlockTimestamp());

        vm.expectEmit(address(disputes));
        emit IDisputeGame.Opened(disputeId, pair.older, pair.newer, who, at, index, found, uint32(T), left);
        vm.expectEmit(address(disputes));
        emit IDisputeGame.Moved(
            disputeId, disputeId, who, uint8(NEWER), at, index, found, reveal.endState, reveal.children
        );
        vm.prank(who);
        disputes.open(pair, at, proof, reveal);

        uint40 time = uint40(vm.getBlockTimestamp());
        same(walk(), Duel(uint32(T), left, time, uint8(OLDER), at, index, Stage.WALK, divergenceHashOf(found)));
        assertEq(tally().creditsNewer, worth(openGas()));
        assertTrue(disputes.isOpen(pair.older, pair.newer));
    }

    /// @dev At the top the nodes are the unit roots themselves.
    function test_open_atTheTop_needsNoPath() public {
        assertSiblings(NEVER, 3);
        DivergenceProof memory proof;
        proof.nodes = [unitTree(OLDER).root(), unitTree(NEWER).root()];

        disputes.open(pair, height(), proof, unitTree(NEWER).reveal(height(), 0));

        assertEq(walk().level, height());
    }

    function testFuzz_open_window(uint256 wait) public {
        assertSiblings(NEVER, 3);
        wait = bound(wait, T - 3, T + 3);
        uint256 closesAt = vm.getBlockTimestamp() + T;
        skip(wait);

        DivergenceProof memory proof = openingProof(0);
        Reveal memory reveal;
        if (wait >= T) vm.expectRevert(abi.encodeWithSelector(IDisputeGame.WindowClosed.selector, closesAt));
        disputes.open(pair, 0, proof, reveal);

        assertEq(disputes.isOpen(pair.older, pair.newer), wait < T);
    }

    function test_open_twice_reverts() public {
        assertSiblings(NEVER, 3);
        openAt(bob, 0);

        DivergenceProof memory proof = openingProof(0);
        Reveal memory reveal;
        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.AlreadyOpen.selector, pair.older, pair.newer));
        disputes.open(pair, 0, proof, reveal);

        skip(T);
        disputes.settle(pair);
        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.AlreadyOpen.selector, pair.older, pair.newer));
        disputes.open(pair, 0, proof, reveal);
    }

    function test_open_strangersOrWrongOrder_reverts() public {
        assertSiblings(NEVER, 3);
        notLive(Pair(pair.newer, pair.older));
        notLive(Pair(pair.older, pair.older));
        notLive(Pair(genesis, pair.newer));
        notLive(Pair(pair.older, "nobody"));
        notLive(Pair("nobody", pair.newer));
    }

    function test_open_deadSibling_reverts() public {
        assertSiblings(NEVER, 3);
        uint256 snapshot = vm.snapshotState();
        killAssertion(pair.newer, pair.older);
        notLive(pair);
        vm.revertToState(snapshot);
        killAssertion(pair.older, pair.newer);
        notLive(pair);
    }

    function testFuzz_open_levelAboveTheTop_reverts(uint8 level) public {
        assertSiblings(NEVER, 3);
        level = uint8(bound(level, height() + 1, type(uint8).max));
        DivergenceProof memory proof = openingProof(height());
        Reveal memory reveal = unitTree(NEWER).reveal(height(), 0);

        vm.expectRevert(Divergences.InvalidDivergenceProof.selector);
        disputes.open(pair, level, proof, reveal);
    }

    /// @dev The paths must lead to the roots of these two, each on its side.
    function testFuzz_open_otherRoots_reverts(uint256 level, bool isSwapped) public {
        assertSiblings(NEVER, 3);
        uint8 at = uint8(bound(level, 0, height()));
        Tree memory other = isSwapped ? unitTree(OLDER) : unitTree(3, "third");
        DivergenceProof memory proof = (isSwapped ? unitTree(NEWER) : unitTree(OLDER)).prove(other, height(), 0, at);
        Reveal memory reveal = other.reveal(at, proof.index);

        vm.expectRevert(Divergences.InvalidDivergenceProof.selector);
        disputes.open(pair, at, proof, reveal);
    }

    function test_open_wrongReveal_reverts() public {
        assertSiblings(NEVER, 3);
        DivergenceProof memory proof = openingProof(0);
        Reveal memory reveal = unitTree(NEWER).reveal(1, 0);
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.open(pair, 0, proof, reveal);

        proof = openingProof(1);
        Reveal memory nothing;
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.open(pair, 1, proof, nothing);

        // The older side's children are not what the newer one has to show.
        reveal = unitTree(OLDER).reveal(1, proof.index);
        vm.expectRevert(Divergences.InvalidReveal.selector);
        disputes.open(pair, 1, proof, reveal);
    }

    /* HELPERS */

    function notLive(Pair memory which) internal {
        DivergenceProof memory proof = openingProof(0);
        Reveal memory reveal;
        vm.expectRevert(abi.encodeWithSelector(IDisputeGame.NotLiveSiblings.selector, which.older, which.newer));
        disputes.open(which, 0, proof, reveal);
        assertFalse(disputes.isOpen(which.older, which.newer));
    }
}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameOpenBinaryTest is DisputeGameOpenTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameOpenWideTest is DisputeGameOpenTest, WideTrees {}
