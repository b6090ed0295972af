// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {CommitmentTree, PathStep} from "../../src/libraries/CommitmentTree.sol";
import {DivergenceProof, Divergences, Reveal} from "../../src/libraries/Divergences.sol";
import {DivergencesHarness} from "../helpers/DivergencesHarness.sol";
import {SparseTrees, Tree} from "../helpers/SparseTrees.sol";

/// @notice First differences in trees of 2^10 or 32^2 leaves.
abstract contract DivergencesTest is Test {
    using SparseTrees for Tree;

    bytes32 internal constant PRE = "pre";
    uint256 internal constant BITS = 10;

    DivergencesHarness internal harness = new DivergencesHarness();

    function logArity() internal pure virtual returns (uint256);

    function height() internal pure returns (uint256) {
        return BITS / logArity();
    }

    /* FIRST DIFFERENCES */

    function testFuzz_check_firstDifference_isAccepted(bytes32 seed, uint256 place, uint256 level, uint256 from)
        public
        view
    {
        (Tree memory older, Tree memory newer) = twoTrees(seed, place % (1 << BITS));
        level = bound(level, 0, height());
        from = bound(from, level, height());
        uint256 top = older.firstDifference(newer, height(), 0, from);
        DivergenceProof memory proof = older.prove(newer, from, top, level);

        (bytes32[2] memory upper, bytes32 state) = harness.check(proof, PRE, level, from - level, logArity());

        assertEq(upper[0], older.node(from, top));
        assertEq(upper[1], newer.node(from, top));
        uint256 index = older.firstDifference(newer, height(), 0, level);
        bool isFirst = index == top << (from - level) * logArity();
        assertEq(state, isFirst ? PRE : older.endState(level, index - 1));
    }

    function testFuzz_check_everyPlace(uint256 place) public view {
        place = bound(place, 0, (1 << BITS) - 1);
        (Tree memory older, Tree memory newer) = twoTrees("every place", place);

        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);
        (, bytes32 state) = harness.check(proof, PRE, 0, height(), logArity());

        assertEq(proof.index, place);
        assertEq(state, place == 0 ? PRE : older.node(0, place - 1));
    }

    function testFuzz_check_laterDifference_reverts(bytes32 seed, uint256 place, uint256 later) public {
        place = bound(place, 0, (1 << BITS) - 2);
        later = bound(later, place + 1, (1 << BITS) - 1);
        (Tree memory older, Tree memory newer) = twoTrees(seed, place);

        refused(older.proveAt(newer, height(), 0, 0, later), 0, height());
    }

    /// @dev Trees may agree again further right: that is nobody's business.
    function testFuzz_check_agreementBehind_isAccepted(bytes32 seed, uint256 place) public view {
        place = bound(place, 0, (1 << BITS) - 2);
        (Tree memory older,) = twoTrees(seed, place);
        Tree memory newer = changedAt(older, place);

        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);
        (bytes32[2] memory upper,) = harness.check(proof, PRE, 0, height(), logArity());

        assertEq(proof.index, place);
        assertEq(upper[1], newer.root());
    }

    function testFuzz_check_earlierPlace_reverts(bytes32 seed, uint256 place, uint256 earlier) public {
        place = bound(place, 1, (1 << BITS) - 1);
        earlier = bound(earlier, 0, place - 1);
        (Tree memory older, Tree memory newer) = twoTrees(seed, place);

        // The nodes are equal there.
        refused(older.proveAt(newer, height(), 0, 0, earlier), 0, height());
    }

    /* SHAPE */

    function testFuzz_check_otherDepth_reverts(bytes32 seed, uint256 place, uint256 depth) public {
        (Tree memory older, Tree memory newer) = twoTrees(seed, place % (1 << BITS));
        depth = bound(depth, 0, 2 * height());
        vm.assume(depth != height());

        refused(older.prove(newer, height(), 0, 0), 0, depth);
    }

    function testFuzz_check_pathsOfTwoLengths_revert(bytes32 seed, bool olderIsShort) public {
        (Tree memory older, Tree memory newer) = twoTrees(seed, 0);
        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);
        if (olderIsShort) proof.older = older.path(0, 0, height() - 1);
        else proof.newer = newer.path(0, 0, height() - 1);

        refused(proof, 0, height());
        refused(proof, 0, height() - 1);
    }

    function testFuzz_check_indexOutside_reverts(bytes32 seed, uint32 beyond) public {
        (Tree memory older, Tree memory newer) = twoTrees(seed, 0);
        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);
        proof.index = uint32(bound(beyond, 1 << BITS, type(uint32).max));

        refused(proof, 0, height());
    }

    function testFuzz_check_wrongSiblingCount_reverts(bytes32 seed, uint8 count) public {
        (Tree memory older, Tree memory newer) = twoTrees(seed, 0);
        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);
        uint256 wrong = count % 8;
        vm.assume(wrong != logArity());
        proof.newer[0].siblings = new bytes32[](wrong);

        vm.expectRevert(abi.encodeWithSelector(CommitmentTree.WrongSiblingCount.selector, logArity(), wrong));
        harness.check(proof, PRE, 0, height(), logArity());
    }

    function test_check_leftOfTheFirst_reverts() public {
        (Tree memory older, Tree memory newer) = twoTrees("seed", 0);
        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);

        proof.left.endState = "x";
        refused(proof, 0, height());
        proof.left.endState = 0;
        proof.left.childrenRoot = "x";
        refused(proof, 0, height());
        proof.left.childrenRoot = 0;
        proof.leftPath = new PathStep[](1);
        refused(proof, 0, height());
    }

    function testFuzz_check_leafWithChildren_reverts(bytes32 seed, uint256 place, bytes32 children) public {
        vm.assume(children != 0);
        (Tree memory older, Tree memory newer) = twoTrees(seed, bound(place, 1, (1 << BITS) - 1));
        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);
        proof.left.childrenRoot = children;

        refused(proof, 0, height());
    }

    /// @dev A false state of the left neighbour is a false state to start from.
    function testFuzz_check_falseLeftState_reverts(bytes32 seed, uint256 place, uint256 level, bytes32 state) public {
        (Tree memory older, Tree memory newer) = twoTrees(seed, bound(place, 1 << (BITS - 1), (1 << BITS) - 1));
        level = bound(level, 0, height() - 1);
        DivergenceProof memory proof = older.prove(newer, height(), 0, level);
        vm.assume(state != proof.left.endState);
        proof.left.endState = state;

        refused(proof, level, height());
    }

    function testFuzz_check_leftPathOfAnotherShape_reverts(uint256 place, bool tooLong) public {
        place = bound(place, 1, (1 << BITS) - 1);
        (Tree memory older, Tree memory newer) = twoTrees("seed", place);
        DivergenceProof memory proof = older.prove(newer, height(), 0, 0);
        uint256 steps = proof.leftPath.length;
        vm.assume(tooLong ? steps < height() : steps > 0);
        proof.leftPath = older.path(0, place - 1, tooLong ? steps + 1 : steps - 1);

        refused(proof, 0, height());
    }

    /// @dev Any word of a proof that is changed: refused, or read as before, or about other nodes.
    function testFuzz_check_anyWordChanged_provesSomethingElse(
        bytes32 seed,
        uint256 place,
        uint256 level,
        uint256 at,
        uint256 flip
    ) public view {
        vm.assume(flip != 0);
        (Tree memory older, Tree memory newer) = twoTrees(seed, place % (1 << BITS));
        level = bound(level, 0, height());
        DivergenceProof memory proof = older.prove(newer, height(), 0, level);
        bytes memory call_ = abi.encodeCall(harness.read, (proof, level, height() - level, logArity()));
        (, bytes memory right) = address(harness).staticcall(call_);
        // The words behind the selector and the four heads are the proof.
        uint256 word = bound(at, 4, (call_.length - 4) / 32 - 1);
        assembly {
            let where := add(add(call_, 0x24), shl(5, word))
            mstore(where, xor(mload(where), flip))
        }

        (bool ok, bytes memory got) = address(harness).staticcall(call_);

        if (!ok) return;
        (bytes32 answer, bytes32 content) = abi.decode(got, (bytes32, bytes32));
        (bytes32 rightAnswer, bytes32 rightContent) = abi.decode(right, (bytes32, bytes32));
        assertTrue(answer != rightAnswer || content == rightContent);
    }

    /* REVEALED CHILDREN */

    function testFuzz_parentOf_isTheNode(bytes32 seed, uint256 place, uint256 level) public view {
        place = place % (1 << BITS);
        (Tree memory tree,) = twoTrees(seed, place);
        level = bound(level, 1, height());
        uint256 index = place >> level * logArity();

        assertEq(harness.parentOf(tree.reveal(level, index), level, logArity()), tree.node(level, index));
    }

    function testFuzz_parentOf_wrongNumber_reverts(bytes32 seed, uint8 count) public {
        (Tree memory tree,) = twoTrees(seed, 0);
        Reveal memory reveal = tree.reveal(1, 0);
        uint256 wrong = count % 70;
        vm.assume(wrong != 1 << logArity());
        reveal.children = new bytes32[](wrong);

        refused(reveal, 1);
    }

    /// @dev A node whose end state is not its last child's cannot be revealed, although it hashes all right.
    function testFuzz_parentOf_falseEndState_reverts(bytes32 seed, bytes32 state, uint256 level) public {
        (Tree memory tree,) = twoTrees(seed, 5);
        level = bound(level, 1, height());
        Reveal memory reveal = tree.reveal(level, 0);
        vm.assume(state != reveal.endState);
        reveal.endState = state;

        refused(reveal, level);
    }

    function testFuzz_parentOf_wrongLastChild_reverts(bytes32 seed, bytes32 wrong) public {
        (Tree memory tree,) = twoTrees(seed, 5);
        vm.assume(wrong != 0);
        Reveal memory reveal = tree.reveal(1, 0);
        reveal.lastChildrenRoot = wrong;
        refused(reveal, 1);
        reveal = tree.reveal(2, 0);
        vm.assume(wrong != reveal.lastChildrenRoot);
        reveal.lastChildrenRoot = wrong;
        refused(reveal, 2);
    }

    function testFuzz_isEmpty_onlyNothing(bytes32 word, uint8 which) public view {
        vm.assume(word != 0);
        Reveal memory reveal;
        assertTrue(harness.isEmpty(reveal));
        if (which % 3 == 0) reveal.endState = word;
        else if (which % 3 == 1) reveal.lastChildrenRoot = word;
        else reveal.children = new bytes32[](1);
        assertFalse(harness.isEmpty(reveal));
    }

    /* LIFTING */

    /// @dev The same leaves in a higher tree: made from nothing but the root and the result.
    function testFuzz_lift_isTheHigherTree(bytes32 seed, uint256 count, uint256 depth, uint256 target) public view {
        depth = bound(depth, 1, height());
        target = bound(target, depth, 25 / logArity());
        uint256 most = 1 << depth * logArity();
        count = bound(count, 1, most < 20 ? most : 20);
        uint256[] memory starts = new uint256[](count);
        bytes32[] memory values = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            (starts[i], values[i]) = (i, keccak256(abi.encode(seed, i)));
        }
        Tree memory low = SparseTrees.make(logArity(), depth, starts, values);
        Tree memory high = SparseTrees.make(logArity(), target, starts, values);

        assertEq(harness.lift(low.root(), low.endLeaf(), depth, target, logArity()), high.root());
    }

    /* HELPERS */

    function refused(DivergenceProof memory proof, uint256 level, uint256 depth) internal {
        vm.expectRevert(Divergences.InvalidDivergenceProof.selector);
        harness.check(proof, PRE, level, depth, logArity());
    }

    function refused(Reveal memory reveal, uint256 level) internal {
        vm.expectRevert(Divergences.InvalidReveal.selector);
        harness.parentOf(reveal, level, logArity());
    }

    /// @dev Two trees that are equal before leaf `place` and different everywhere from there on.
    function twoTrees(bytes32 seed, uint256 place) internal pure returns (Tree memory older, Tree memory newer) {
        uint256 n = 2 + uint256(seed) % 6;
        uint256[] memory starts = new uint256[](n + 1);
        bytes32[] memory a = new bytes32[](n + 1);
        bytes32[] memory b = new bytes32[](n + 1);
        uint256 count = 0;
        for (uint256 i = 0; i < n; ++i) {
            uint256 at = i * (1 << BITS) / n + (i == 0 ? 0 : uint256(keccak256(abi.encode(seed, "at", i))) % 40);
            if (count > 0 && starts[count - 1] < place && place < at) {
                (starts[count], count) = (place, count + 1);
            }
            (starts[count], count) = (at, count + 1);
        }
        if (starts[count - 1] < place) (starts[count], count) = (place, count + 1);
        assembly {
            mstore(starts, count)
            mstore(a, count)
            mstore(b, count)
        }
        for (uint256 i = 0; i < count; ++i) {
            a[i] = keccak256(abi.encode(seed, i));
            b[i] = starts[i] < place ? a[i] : keccak256(abi.encode(seed, "other", i));
        }
        older = SparseTrees.make(logArity(), height(), starts, a);
        newer = SparseTrees.make(logArity(), height(), starts, b);
    }

    /// @dev The same tree but for one leaf.
    function changedAt(Tree memory tree, uint256 place) internal pure returns (Tree memory) {
        uint256 count = 0;
        uint256[] memory starts = new uint256[](tree.starts.length + 2);
        bytes32[] memory values = new bytes32[](starts.length);
        for (uint256 i = 0; i < tree.starts.length; ++i) {
            uint256 at = tree.starts[i];
            if (at == place || at == place + 1) continue;
            if (at > place && (count == 0 || starts[count - 1] < place)) {
                count = _insert(tree, starts, values, count, place);
            }
            (starts[count], values[count]) = (at, tree.values[i]);
            ++count;
        }
        if (count == 0 || starts[count - 1] < place) count = _insert(tree, starts, values, count, place);
        assembly {
            mstore(starts, count)
            mstore(values, count)
        }
        return SparseTrees.make(logArity(), height(), starts, values);
    }

    /// @dev The changed leaf and, unless it is the last one, what comes behind it.
    function _insert(Tree memory tree, uint256[] memory starts, bytes32[] memory values, uint256 count, uint256 place)
        private
        pure
        returns (uint256)
    {
        (starts[count], values[count]) = (place, "changed");
        if (place + 1 == 1 << BITS) return count + 1;
        (starts[count + 1], values[count + 1]) = (place + 1, tree.node(0, place + 1));
        return count + 2;
    }
}

/// forge-config: default.fuzz.runs = 128
/// forge-config: nightly.fuzz.runs = 2000
contract DivergencesBinaryTest is DivergencesTest {
    function logArity() internal pure override returns (uint256) {
        return 1;
    }
}

/// forge-config: default.fuzz.runs = 128
/// forge-config: nightly.fuzz.runs = 2000
contract DivergencesWideTest is DivergencesTest {
    function logArity() internal pure override returns (uint256) {
        return 5;
    }
}
