// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {MptHarness} from "../helpers/MptHarness.sol";
import {WordTreeHarness} from "../helpers/WordTreeHarness.sol";

/// @notice What the libraries cost, external call included: trie operations over full branches, word trees.
contract LibrariesGasTest is Test {
    MptHarness internal tries;
    WordTreeHarness internal words;

    function setUp() public {
        tries = new MptHarness();
        words = new WordTreeHarness();
    }

    function test_gas_trie_fiveNodes() public {
        _measureTrie(5);
    }

    function test_gas_trie_nineNodes() public {
        _measureTrie(9);
    }

    function test_gas_wordTree_root() public {
        for (uint256 size = 320; size <= 32_000; size *= 100) {
            words.root(_noise(size), 16);
            vm.snapshotGasLastCall("WordTree", string.concat("root of ", vm.toString(size), " bytes"));
        }
    }

    function test_gas_wordTree_oneWord() public {
        words.foldRange(77, _noise(32), new bytes32[](16), 16);
        vm.snapshotGasLastCall("WordTree", "range of 1 word");
    }

    function _measureTrie(uint256 count) internal {
        bytes32 key = keccak256("key");
        bytes32 absent = key ^ bytes32(uint256(1));
        bytes memory value = _noise(70);
        (bytes32 root, bytes[] memory proof) = _path(key, value, count);
        string memory suffix = string.concat(", ", vm.toString(count), " nodes");

        tries.read(root, key, proof);
        vm.snapshotGasLastCall("Mpt", string.concat("read", suffix));
        tries.read(root, absent, proof);
        vm.snapshotGasLastCall("Mpt", string.concat("read absent", suffix));
        tries.upsert(root, key, value, proof);
        vm.snapshotGasLastCall("Mpt", string.concat("update", suffix));
        tries.upsert(root, absent, value, proof);
        vm.snapshotGasLastCall("Mpt", string.concat("insert beside a leaf", suffix));
        tries.remove(root, key, proof);
        vm.snapshotGasLastCall("Mpt", string.concat("remove", suffix));
    }

    /// @dev A leaf below `count - 1` branches with 16 children each.
    function _path(bytes32 key, bytes memory value, uint256 count)
        internal
        pure
        returns (bytes32 digest, bytes[] memory proof)
    {
        proof = new bytes[](count);
        // the path of the leaf has an even number of nibbles: 64 less the branches
        bytes memory packed = bytes.concat(hex"20", _tail(key, 32 - (count - 1) / 2));
        bytes memory items = bytes.concat(bytes1(uint8(0x80 + packed.length)), packed, hex"b846", value);
        proof[count - 1] = bytes.concat(hex"f8", bytes1(uint8(items.length)), items);
        digest = keccak256(proof[count - 1]);
        for (uint256 depth = count - 1; depth > 0; --depth) {
            uint256 nibble = (uint256(key) >> (256 - 4 * depth)) & 0xf;
            bytes memory children;
            for (uint256 i = 0; i < 16; ++i) {
                bytes32 child = i == nibble ? digest : keccak256(abi.encode(depth, i));
                children = bytes.concat(children, hex"a0", child);
            }
            proof[depth - 1] = bytes.concat(hex"f90211", children, hex"80");
            digest = keccak256(proof[depth - 1]);
        }
    }

    /// @dev The last `size` bytes of a key.
    function _tail(bytes32 key, uint256 size) internal pure returns (bytes memory tail) {
        tail = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            tail[i] = key[32 - size + i];
        }
    }

    function _noise(uint256 size) internal pure returns (bytes memory data) {
        data = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            data[i] = bytes1(uint8(1 + i % 255));
        }
    }
}
