// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {CommitmentTree, NodeOpening, PathStep} from "../../src/libraries/CommitmentTree.sol";

contract CommitmentTreeTest is Test {
    function subtreeRoot(NodeOpening[] calldata nodes, uint256 height, uint256 logArity, bool areLeaves)
        external
        pure
        returns (bytes32)
    {
        return CommitmentTree.subtreeRoot(nodes, height, logArity, areLeaves);
    }

    function climb(bytes32 node, uint256 index, PathStep[] calldata path, uint256 logArity)
        external
        pure
        returns (bytes32)
    {
        return CommitmentTree.climb(node, index, path, logArity);
    }

    /* SUBTREES */

    /// @dev Padding by repetition equals the tree with every node written out, at both arities.
    function testFuzz_subtreeRoot_equalsNaiveTree(bytes32 seed, uint16 count, bool wide, bool areLeaves) public view {
        (uint256 logArity, uint256 height) = wide ? (uint256(5), uint256(2)) : (uint256(1), uint256(6));
        uint256 capacity = 1 << (logArity * height);
        NodeOpening[] memory nodes = openings(seed, bound(count, 1, capacity), areLeaves);

        bytes32 root = this.subtreeRoot(nodes, height, logArity, areLeaves);

        (bytes32[] memory hashes, bytes32[] memory ends) = writtenOut(nodes, capacity, areLeaves);
        for (uint256 level = 0; level < height; ++level) {
            (hashes, ends) = naiveParents(hashes, ends, 1 << logArity);
        }
        assertEq(root, hashes[0]);
    }

    function test_subtreeRoot_wrongCount_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(CommitmentTree.WrongNodeCount.selector, 32, 0));
        this.subtreeRoot(new NodeOpening[](0), 1, 5, false);

        vm.expectRevert(abi.encodeWithSelector(CommitmentTree.WrongNodeCount.selector, 32, 33));
        this.subtreeRoot(new NodeOpening[](33), 1, 5, false);
    }

    function test_subtreeRoot_leafWithChildren_reverts() public {
        NodeOpening[] memory nodes = openings("seed", 1, true);
        nodes[0].childrenRoot = bytes32(uint256(1));

        vm.expectRevert(CommitmentTree.LeafWithChildren.selector);
        this.subtreeRoot(nodes, 1, 5, true);
    }

    /* PATHS */

    /// @dev The path from any leaf of a written-out tree leads to its root; from any other hash it does not.
    function testFuzz_climb_leadsToTheRoot(bytes32 seed, uint8 index, bytes32 wrong) public view {
        uint256 at = index % 64;
        NodeOpening[] memory nodes = openings(seed, 64, true);
        (bytes32[] memory hashes, bytes32[] memory ends) = writtenOut(nodes, 64, true);
        bytes32 leaf = hashes[at];
        vm.assume(wrong != leaf);
        PathStep[] memory path = new PathStep[](6);
        for (uint256 level = 0; level < 6; ++level) {
            path[level].siblings = new bytes32[](1);
            path[level].siblings[0] = hashes[(at >> level) ^ 1];
            (hashes, ends) = naiveParents(hashes, ends, 2);
            path[level].endState = ends[at >> (level + 1)];
        }

        assertEq(this.climb(leaf, at, path, 1), hashes[0]);
        assertNotEq(this.climb(wrong, at, path, 1), hashes[0]);
    }

    function test_climb_wrongSiblingCount_reverts() public {
        PathStep[] memory path = new PathStep[](1);
        path[0].siblings = new bytes32[](4);

        vm.expectRevert(abi.encodeWithSelector(CommitmentTree.WrongSiblingCount.selector, 5, 4));
        this.climb(0, 0, path, 5);
    }

    /* REFERENCE */

    function openings(bytes32 seed, uint256 count, bool areLeaves) internal pure returns (NodeOpening[] memory nodes) {
        nodes = new NodeOpening[](count);
        for (uint256 i = 0; i < count; ++i) {
            nodes[i].endState = keccak256(abi.encode(seed, "end", i));
            if (!areLeaves) nodes[i].childrenRoot = keccak256(abi.encode(seed, "children", i));
        }
    }

    function writtenOut(NodeOpening[] memory nodes, uint256 capacity, bool areLeaves)
        internal
        pure
        returns (bytes32[] memory hashes, bytes32[] memory ends)
    {
        hashes = new bytes32[](capacity);
        ends = new bytes32[](capacity);
        for (uint256 i = 0; i < capacity; ++i) {
            NodeOpening memory node = nodes[i < nodes.length ? i : nodes.length - 1];
            ends[i] = node.endState;
            hashes[i] = areLeaves ? node.endState : CommitmentTree.hashNode(node.endState, node.childrenRoot);
        }
    }

    function naiveParents(bytes32[] memory hashes, bytes32[] memory ends, uint256 arity)
        internal
        pure
        returns (bytes32[] memory parents, bytes32[] memory parentEnds)
    {
        parents = new bytes32[](hashes.length / arity);
        parentEnds = new bytes32[](parents.length);
        for (uint256 i = 0; i < parents.length; ++i) {
            parentEnds[i] = ends[(i + 1) * arity - 1];
            parents[i] = CommitmentTree.hashNode(parentEnds[i], merkle(hashes, i * arity, arity));
        }
    }

    function merkle(bytes32[] memory hashes, uint256 first, uint256 width) internal pure returns (bytes32) {
        if (width == 1) return hashes[first];
        return keccak256(abi.encode(merkle(hashes, first, width / 2), merkle(hashes, first + width / 2, width / 2)));
    }
}
