// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommitmentTree, NodeOpening, PathStep} from "./CommitmentTree.sol";

/// @notice Proof that two nodes are the first difference below two other nodes, `paths` levels up.
/// @param index Index of the nodes among those below the upper ones.
/// @param nodes The differing nodes, by side.
/// @param older Path from the older side's node to its upper node, bottom up; no steps if they are the same.
/// @param newer The same of the newer side; equal to the other one wherever it names a left sibling.
/// @param left The common node at index − 1, opened; zero at index 0.
/// @param leftPath From the left node up to where it is a left sibling on both paths: whole levels, then, if bits
/// remain, one step with just those siblings and no end state. Empty if the left node is itself a sibling.
struct DivergenceProof {
    uint32 index;
    bytes32[2] nodes;
    PathStep[] older;
    PathStep[] newer;
    NodeOpening left;
    PathStep[] leftPath;
}

/// @notice The children of a node, revealed.
/// @param endState Of the node: must be that of its last child.
/// @param children All 2^logArity of them.
/// @param lastChildrenRoot Opens the last child; zero if the children are leaves.
struct Reveal {
    bytes32 endState;
    bytes32[] children;
    bytes32 lastChildrenRoot;
}

/// @notice First differences between two commitment trees, revealed children, and trees made higher.
/// Twin: optimistic/protocol/dispute/divergence.py.
library Divergences {
    /// @notice The two nodes are not the first difference, or their paths have another shape.
    error InvalidDivergenceProof();

    /// @notice These are not all children of a node, or its end state is not its last child's.
    error InvalidReveal();

    /// @dev Checks that the nodes of `proof` are the first difference below the nodes their paths lead to.
    /// @param pre Agreed state before the upper nodes.
    /// @param level Of the two nodes; 0 if they are leaves.
    /// @param depth Levels between them and the upper nodes.
    /// @return upper The upper nodes, by side.
    /// @return state Agreed state before the two nodes.
    function check(DivergenceProof calldata proof, bytes32 pre, uint256 level, uint256 depth, uint256 logArity)
        internal
        pure
        returns (bytes32[2] memory upper, bytes32 state)
    {
        uint256 index = proof.index;
        bool misplaced = proof.older.length != depth || proof.newer.length != depth || index >> depth * logArity != 0;
        if (misplaced || proof.nodes[0] == proof.nodes[1]) revert InvalidDivergenceProof();
        upper[0] = CommitmentTree.climb(proof.nodes[0], index, proof.older, logArity);
        upper[1] = CommitmentTree.climb(proof.nodes[1], index, proof.newer, logArity);
        NodeOpening calldata left = proof.left;
        if (index == 0) {
            bool isThere = left.endState != 0 || left.childrenRoot != 0 || proof.leftPath.length != 0;
            if (isThere) revert InvalidDivergenceProof();
            return (upper, pre);
        }
        _checkLeft(proof, level, logArity);
        return (upper, left.endState);
    }

    /// @dev The node of `level` (from 1) whose children are revealed.
    function parentOf(Reveal calldata reveal, uint256 level, uint256 logArity) internal pure returns (bytes32) {
        bytes32[] calldata children = reveal.children;
        if (children.length != 1 << logArity) revert InvalidReveal();
        bytes32 endState = reveal.endState;
        bytes32 last = endState;
        if (level > 1) last = CommitmentTree.hashNode(endState, reveal.lastChildrenRoot);
        else if (reveal.lastChildrenRoot != 0) revert InvalidReveal();
        if (last != children[children.length - 1]) revert InvalidReveal();
        return CommitmentTree.hashNode(endState, _merkleRoot(children));
    }

    /// @dev Whether nothing is revealed.
    function isEmpty(Reveal calldata reveal) internal pure returns (bool) {
        return reveal.children.length == 0 && reveal.endState == 0 && reveal.lastChildrenRoot == 0;
    }

    /// @dev The root of a trace tree of `depth` levels and end state `result`, made `target` levels high: behind its
    /// end the last state repeats.
    function lift(bytes32 root, bytes32 result, uint256 depth, uint256 target, uint256 logArity)
        internal
        pure
        returns (bytes32)
    {
        if (depth == target) return root;
        bytes32 pad = result;
        for (uint256 height = 0; height < target; ++height) {
            bytes32 first = root;
            bytes32 rest = pad;
            for (uint256 bit = 0; bit < logArity; ++bit) {
                first = CommitmentTree.pair(first, rest);
                rest = CommitmentTree.pair(rest, rest);
            }
            if (height >= depth) root = CommitmentTree.hashNode(result, first);
            pad = CommitmentTree.hashNode(result, rest);
        }
        return root;
    }

    /// @dev Checks that everything to the left is equal, and that the left node is the last of it. Index above 0.
    function _checkLeft(DivergenceProof calldata proof, uint256 level, uint256 logArity) private pure {
        uint256 index = proof.index;
        uint256 lowest = 0;
        while (index >> lowest & 1 == 0) ++lowest;
        bytes32 sibling = proof.older[lowest / logArity].siblings[lowest % logArity];
        if (_climbLeft(proof, level, lowest, logArity) != sibling) revert InvalidDivergenceProof();
        for (uint256 i = lowest / logArity; index >> i * logArity != 0; ++i) {
            bytes32[] calldata older = proof.older[i].siblings;
            bytes32[] calldata newer = proof.newer[i].siblings;
            uint256 digit = index >> i * logArity;
            for (uint256 bit = 0; bit < logArity; ++bit) {
                // A set bit: the sibling is on the left.
                if (digit >> bit & 1 == 1 && older[bit] != newer[bit]) revert InvalidDivergenceProof();
            }
        }
    }

    /// @dev The node `bits` binary levels above the left node, which is the last one below it.
    function _climbLeft(DivergenceProof calldata proof, uint256 level, uint256 bits, uint256 logArity)
        private
        pure
        returns (bytes32 node)
    {
        uint256 whole = bits / logArity;
        uint256 rest = bits % logArity;
        PathStep[] calldata path = proof.leftPath;
        if (path.length != (rest == 0 ? whole : whole + 1)) revert InvalidDivergenceProof();
        NodeOpening calldata left = proof.left;
        node = level == 0 ? left.endState : CommitmentTree.hashNode(left.endState, left.childrenRoot);
        if (level == 0 && left.childrenRoot != 0) revert InvalidDivergenceProof();
        for (uint256 i = 0; i < whole; ++i) {
            node = CommitmentTree.climbLevel(node, type(uint256).max, path[i], logArity);
        }
        if (rest == 0) return node;
        bytes32[] calldata siblings = path[whole].siblings;
        if (siblings.length != rest || path[whole].endState != 0) revert InvalidDivergenceProof();
        for (uint256 i = 0; i < rest; ++i) {
            node = CommitmentTree.pair(siblings[i], node);
        }
    }

    /// @dev Root of the binary tree over a power of two of entries.
    function _merkleRoot(bytes32[] calldata entries) private pure returns (bytes32 root) {
        // Folded in place behind the free memory pointer: no bounds to check 31 times, nothing to keep.
        assembly ("memory-safe") {
            let start := mload(0x40) // free memory
            let size := shl(5, entries.length) // bytes of the present level
            calldatacopy(start, entries.offset, size) // the leaves
            for {} gt(size, 0x20) {} {
                size := shr(1, size) // of the level above
                for { let i := 0 } lt(i, size) { i := add(i, 0x20) } {
                    mstore(add(start, i), keccak256(add(start, shl(1, i)), 0x40)) // a parent over its left child
                }
            }
            root := mload(start) // the one node left
        }
    }
}
