// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {WordTree} from "../../src/libraries/WordTree.sol";
import {WordTreeHarness} from "../helpers/WordTreeHarness.sol";

/// @notice The WordTree library against a full tree of small depth.
contract WordTreeTest is Test {
    WordTreeHarness internal harness;

    function setUp() public {
        harness = new WordTreeHarness();
    }

    function testFuzz_root_anyData_isTheFullTree(bytes memory data, uint8 depthSeed) public view {
        uint256 depth = depthSeed % 8;
        data = _atMost(data, 32 << depth);
        bytes32 expected = _plainLevels(data, depth)[depth][0];

        assertEq(harness.root(data, depth), expected);
        assertEq(harness.rootOfMemory(data, depth), expected);
    }

    function testFuzz_root_dataTooLong_reverts(uint8 depthSeed, uint8 more) public {
        uint256 depth = depthSeed % 5;
        bytes memory data = new bytes((32 << depth) + 1 + more);

        vm.expectRevert(abi.encodeWithSelector(WordTree.DataTooLong.selector, data.length));
        harness.root(data, depth);
        vm.expectRevert(abi.encodeWithSelector(WordTree.DataTooLong.selector, data.length));
        harness.rootOfMemory(data, depth);
    }

    function testFuzz_root_defaultDepth_extendsByZeroSubtrees(bytes calldata data) public view {
        bytes32 shallow = harness.root(data, 14);
        bytes32 zero = WordTree.zeroRoot(14);

        bytes32 deep = keccak256(abi.encode(keccak256(abi.encode(shallow, zero)), WordTree.zeroRoot(15)));

        assertEq(WordTree.root(data), deep);
        assertEq(WordTree.rootOfMemory(data), deep);
    }

    function testFuzz_range_anyRange_verifiesAndUpdates(bytes memory data, uint8 depthSeed, uint256 a, uint256 b)
        public
        view
    {
        (uint256 depth, uint256 first, uint256 count) = _range(depthSeed, a, b);
        bytes32[][] memory levels = _plainLevels(_atMost(data, 32 << depth), depth);
        (bytes memory words, bytes32[] memory siblings) = _prove(levels, first, count);
        harness.verifyRange(levels[depth][0], first, words, siblings, depth);

        bytes32[] memory leaves = levels[0];
        for (uint256 i = 0; i < count; ++i) {
            leaves[first + i] = keccak256(abi.encode(i, a, b));
        }
        bytes memory updated = abi.encodePacked(leaves);
        (bytes memory newWords,) = _prove(_plainLevels(updated, depth), first, count);

        bytes32 expected = _plainLevels(updated, depth)[depth][0];
        assertEq(harness.foldRange(first, newWords, siblings, depth), expected);
        assertEq(harness.foldRangeOfMemory(first, newWords, siblings, depth), expected);
    }

    function testFuzz_range_tampered_reverts(bytes memory data, uint8 depthSeed, uint256 a, uint256 b, uint256 bit)
        public
    {
        (uint256 depth, uint256 first, uint256 count) = _range(depthSeed, a, b);
        bytes32[][] memory levels = _plainLevels(_atMost(data, 32 << depth), depth);
        (bytes memory words, bytes32[] memory siblings) = _prove(levels, first, count);
        bit %= 256 * (count + siblings.length);
        if (bit < 256 * count) {
            words[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        } else {
            siblings[bit / 256 - count] ^= bytes32(1 << (bit % 256));
        }

        vm.expectRevert(WordTree.RangeMismatch.selector);
        harness.verifyRange(levels[depth][0], first, words, siblings, depth);
    }

    function testFuzz_range_malformed_reverts(uint8 depthSeed, uint256 a, uint256 b) public {
        (uint256 depth, uint256 first, uint256 count) = _range(depthSeed, a, b);
        (bytes memory words, bytes32[] memory siblings) = _prove(_plainLevels("", depth), first, count);
        bytes32[] memory more = new bytes32[](siblings.length + 1);

        vm.expectRevert(WordTree.InvalidRange.selector);
        harness.foldRange(first, words, more, depth);
        vm.expectRevert(WordTree.InvalidRange.selector);
        harness.foldRange(first, "", siblings, depth);
        vm.expectRevert(WordTree.InvalidRange.selector);
        harness.foldRange(first, bytes.concat(words, hex"00"), siblings, depth);
        vm.expectRevert(WordTree.InvalidRange.selector);
        harness.foldRange((1 << depth) - count + 1, words, siblings, depth);
        if (siblings.length == 0) return;
        vm.expectRevert(WordTree.InvalidRange.selector);
        harness.foldRange(first, words, new bytes32[](siblings.length - 1), depth);
    }

    function testFuzz_updateLeaf_anyLeaf_isTheFullTree(bytes memory data, uint256 index, bytes32 leaf) public {
        uint256 depth = 8;
        index %= 256;
        bytes32[][] memory levels = _plainLevels(_atMost(data, 32 << depth), depth);
        (, bytes32[] memory siblings) = _prove(levels, index, 1);
        bytes32 root = levels[depth][0];
        bytes32 old = levels[0][index];
        levels[0][index] = leaf;
        bytes32 expected = _plainLevels(abi.encodePacked(levels[0]), depth)[depth][0];

        assertEq(harness.updateLeaf(root, index, old, leaf, siblings, depth), expected);
        vm.expectRevert(WordTree.RangeMismatch.selector);
        harness.updateLeaf(root, index, ~old, leaf, siblings, depth);
        vm.expectRevert(WordTree.InvalidRange.selector);
        harness.updateLeaf(root, index + 256, old, leaf, siblings, depth);
    }

    // ------------------------------------------------------------------------------------------ reference

    /// @dev Every level of the full tree, leaves first.
    function _plainLevels(bytes memory data, uint256 depth) internal pure returns (bytes32[][] memory levels) {
        levels = new bytes32[][](depth + 1);
        levels[0] = new bytes32[](1 << depth);
        for (uint256 i = 0; i < data.length; ++i) {
            levels[0][i / 32] |= bytes32(data[i]) >> (8 * (i % 32));
        }
        for (uint256 level = 1; level <= depth; ++level) {
            levels[level] = new bytes32[](levels[level - 1].length / 2);
            for (uint256 i = 0; i < levels[level].length; ++i) {
                levels[level][i] = keccak256(abi.encode(levels[level - 1][2 * i], levels[level - 1][2 * i + 1]));
            }
        }
    }

    /// @dev Words and siblings of a range, read off the full tree.
    function _prove(bytes32[][] memory levels, uint256 first, uint256 count)
        internal
        pure
        returns (bytes memory words, bytes32[] memory siblings)
    {
        for (uint256 i = first; i < first + count; ++i) {
            words = bytes.concat(words, levels[0][i]);
        }
        bytes memory packed;
        uint256 last = first + count - 1;
        for (uint256 level = 0; level + 1 < levels.length; ++level) {
            if (first % 2 == 1) packed = bytes.concat(packed, levels[level][first - 1]);
            if (last % 2 == 0) packed = bytes.concat(packed, levels[level][last + 1]);
            (first, last) = (first / 2, last / 2);
        }
        siblings = new bytes32[](packed.length / 32);
        for (uint256 i = 0; i < packed.length; ++i) {
            siblings[i / 32] |= bytes32(packed[i]) >> (8 * (i % 32));
        }
    }

    function _range(uint8 depthSeed, uint256 a, uint256 b)
        internal
        pure
        returns (uint256 depth, uint256 first, uint256 count)
    {
        depth = depthSeed % 6;
        first = a % (1 << depth);
        count = 1 + b % ((1 << depth) - first);
    }

    function _atMost(bytes memory data, uint256 size) internal pure returns (bytes memory cut) {
        cut = new bytes(data.length < size ? data.length : size);
        for (uint256 i = 0; i < cut.length; ++i) {
            cut[i] = data[i];
        }
    }
}
