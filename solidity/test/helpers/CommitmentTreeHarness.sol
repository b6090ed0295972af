// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommitmentTree, NodeOpening, PathStep} from "../../src/libraries/CommitmentTree.sol";

/// @notice External doors to commitment trees, for calldata and differential tests.
contract CommitmentTreeHarness {
    function climb(bytes32 node, uint256 index, PathStep[] calldata path, uint256 logArity)
        external
        pure
        returns (bytes32)
    {
        return CommitmentTree.climb(node, index, path, logArity);
    }

    function subtreeRoot(NodeOpening[] calldata nodes, uint256 height, uint256 logArity, bool areLeaves)
        external
        pure
        returns (bytes32)
    {
        return CommitmentTree.subtreeRoot(nodes, height, logArity, areLeaves);
    }
}
