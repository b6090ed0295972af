// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WordTree} from "../../src/libraries/WordTree.sol";

/// @notice External doors to the WordTree library, for calldata and differential tests.
contract WordTreeHarness {
    function root(bytes calldata data) external pure returns (bytes32) {
        return WordTree.root(data);
    }

    function rootOfMemory(bytes memory data) external pure returns (bytes32) {
        return WordTree.rootOfMemory(data);
    }

    function root(bytes calldata data, uint256 depth) external pure returns (bytes32) {
        return WordTree.root(data, depth);
    }

    function rootOfMemory(bytes memory data, uint256 depth) external pure returns (bytes32) {
        return WordTree.rootOfMemory(data, depth);
    }

    function verifyRange(
        bytes32 expected,
        uint256 first,
        bytes calldata words,
        bytes32[] calldata siblings,
        uint256 depth
    ) external pure {
        WordTree.verifyRange(expected, first, words, siblings, depth);
    }

    function foldRange(uint256 first, bytes calldata words, bytes32[] calldata siblings, uint256 depth)
        external
        pure
        returns (bytes32)
    {
        return WordTree.foldRange(first, words, siblings, depth);
    }

    function foldRangeOfMemory(uint256 first, bytes memory words, bytes32[] calldata siblings, uint256 depth)
        external
        pure
        returns (bytes32)
    {
        return WordTree.foldRangeOfMemory(first, words, siblings, depth);
    }

    function foldEnds(uint256 first, uint256 count, bytes calldata ends, bytes32[] calldata siblings, uint256 depth)
        external
        pure
        returns (bytes32)
    {
        return WordTree.foldEnds(first, count, ends, siblings, depth);
    }

    function updateLeaf(
        bytes32 oldRoot,
        uint256 index,
        bytes32 oldLeaf,
        bytes32 newLeaf,
        bytes32[] calldata siblings,
        uint256 depth
    ) external pure returns (bytes32) {
        return WordTree.updateLeaf(oldRoot, index, oldLeaf, newLeaf, siblings, depth);
    }
}
