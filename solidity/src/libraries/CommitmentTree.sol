// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TAG_NODE} from "./Constants.sol";

/// @notice A node of a commitment tree, opened; at level 0 `endState` is the leaf and `childrenRoot` is zero.
struct NodeOpening {
    bytes32 endState;
    bytes32 childrenRoot;
}

/// @notice One level of a path: the parent's end state and the child's binary siblings, from the leaves up.
struct PathStep {
    bytes32 endState;
    bytes32[] siblings;
}

/// @notice Commitment trees: node = H(TAG_NODE, endState, merkle_k(children)), k = 2^logArity, a leaf is a state.
/// Twin: optimistic/protocol/commitment.py.
library CommitmentTree {
    /// @notice A level of a path does not have `logArity` siblings.
    error WrongSiblingCount(uint256 expected, uint256 actual);

    /// @notice More nodes than the subtree has room for, or none.
    error WrongNodeCount(uint256 capacity, uint256 actual);

    /// @notice A leaf has no children.
    error LeafWithChildren();

    /// @dev H(TAG_NODE, endState, childrenRoot).
    function hashNode(bytes32 endState, bytes32 childrenRoot) internal pure returns (bytes32) {
        return keccak256(abi.encode(TAG_NODE, endState, childrenRoot));
    }

    /// @dev keccak256(left ‖ right).
    function pair(bytes32 left, bytes32 right) internal pure returns (bytes32 digest) {
        // Two words in scratch space: abi.encode would allocate memory for every pair.
        assembly ("memory-safe") {
            mstore(0x00, left) // left child in the first scratch word
            mstore(0x20, right) // right child in the second
            digest := keccak256(0x00, 0x40) // hash of both
        }
    }

    /// @dev The root that `path` gives for `node` at `index` of its level. The end states of the path are only
    /// bound by hash: a wrong tree may hold false ones.
    function climb(bytes32 node, uint256 index, PathStep[] calldata path, uint256 logArity)
        internal
        pure
        returns (bytes32)
    {
        for (uint256 i = 0; i < path.length; ++i) {
            node = climbLevel(node, index, path[i], logArity);
            index >>= logArity;
        }
        return node;
    }

    /// @dev The parent that one step of a path gives for `node`, of which the low bits of `index` are the place.
    function climbLevel(bytes32 node, uint256 index, PathStep calldata step, uint256 logArity)
        internal
        pure
        returns (bytes32)
    {
        bytes32[] calldata siblings = step.siblings;
        if (siblings.length != logArity) revert WrongSiblingCount(logArity, siblings.length);
        for (uint256 i = 0; i < logArity; ++i) {
            node = index >> i & 1 == 0 ? pair(node, siblings[i]) : pair(siblings[i], node);
        }
        return hashNode(step.endState, node);
    }

    /// @dev Root of the full subtree of `height` levels above the opened `nodes`; missing nodes repeat the last.
    function subtreeRoot(NodeOpening[] calldata nodes, uint256 height, uint256 logArity, bool areLeaves)
        internal
        pure
        returns (bytes32)
    {
        uint256 capacity = 1 << (height * logArity);
        if (nodes.length == 0 || nodes.length > capacity) revert WrongNodeCount(capacity, nodes.length);
        // Entry n is the padding: what every node beyond the given ones is, level by level.
        bytes32[] memory hashes = new bytes32[](nodes.length + 1);
        bytes32[] memory ends = new bytes32[](nodes.length + 1);
        for (uint256 i = 0; i < nodes.length; ++i) {
            ends[i] = nodes[i].endState;
            hashes[i] = _open(nodes[i], areLeaves);
        }
        uint256 count = nodes.length;
        (hashes[count], ends[count]) = (hashes[count - 1], ends[count - 1]);
        for (uint256 level = 0; level < height; ++level) {
            count = _ascend(hashes, ends, count, logArity);
        }
        return hashes[0];
    }

    /// @dev Replace `count` nodes and their padding by their parents, in place; returns how many parents.
    function _ascend(bytes32[] memory hashes, bytes32[] memory ends, uint256 count, uint256 logArity)
        private
        pure
        returns (uint256 parents)
    {
        uint256 arity = 1 << logArity;
        bytes32[] memory group = new bytes32[](arity);
        bytes32 padHash = hashes[count];
        bytes32 padEnd = ends[count];
        parents = (count + arity - 1) / arity;
        for (uint256 i = 0; i <= parents; ++i) {
            uint256 first = i == parents ? count : i * arity;
            for (uint256 j = 0; j < arity; ++j) {
                group[j] = first + j < count ? hashes[first + j] : padHash;
            }
            bytes32 endState = first + arity <= count ? ends[first + arity - 1] : padEnd;
            ends[i] = endState;
            hashes[i] = hashNode(endState, _fold(group, arity));
        }
    }

    /// @dev Binary Merkle root of the first `width` (a power of two) entries; destroys them.
    function _fold(bytes32[] memory group, uint256 width) private pure returns (bytes32) {
        while (width > 1) {
            width /= 2;
            for (uint256 i = 0; i < width; ++i) {
                group[i] = pair(group[2 * i], group[2 * i + 1]);
            }
        }
        return group[0];
    }

    function _open(NodeOpening calldata node, bool isLeaf) private pure returns (bytes32) {
        if (!isLeaf) return hashNode(node.endState, node.childrenRoot);
        if (node.childrenRoot != 0) revert LeafWithChildren();
        return node.endState;
    }
}
