// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Mpt} from "../../src/libraries/Mpt.sol";
import {MptHarness} from "../helpers/MptHarness.sol";
import {Entry, PlainTrie} from "../helpers/PlainTrie.sol";

/// @notice The trie library against a trie built plainly from its whole content.
contract MptTest is Test {
    MptHarness internal harness;

    /// Storage slots whose hashed keys share ten nibbles: small values give two inline leaves.
    uint256 internal constant INLINE_A = 247_476;
    uint256 internal constant INLINE_B = 515_151;

    function setUp() public {
        harness = new MptHarness();
    }

    // ------------------------------------------------------------------------------------------ properties

    function testFuzz_read_anyKey_isItsValueOrAbsent(uint256 seed, uint8 count) public view {
        (Entry[] memory content, bytes32 key) = _content(seed, count % 9);

        (bool exists, bytes memory value) =
            harness.read(PlainTrie.root(content), key, PlainTrie.prove(content, key, false));

        (bool expected, uint256 place) = _find(content, key);
        assertEq(exists, expected);
        assertEq(value, expected ? content[place].value : bytes(""));
    }

    function testFuzz_upsert_anyKey_isThePlainTrie(uint256 seed, uint8 count) public view {
        (Entry[] memory content, bytes32 key) = _content(seed, count % 9);
        bytes memory value = _value(seed >> 128);

        bytes32 root = harness.upsert(PlainTrie.root(content), key, value, PlainTrie.prove(content, key, false));

        assertEq(root, PlainTrie.root(_with(content, key, value)));
    }

    function testFuzz_remove_anyKey_isThePlainTrie(uint256 seed, uint8 count) public view {
        (Entry[] memory content, bytes32 key) = _content(seed, count % 9);

        bytes32 root = harness.remove(PlainTrie.root(content), key, PlainTrie.prove(content, key, true));

        assertEq(root, PlainTrie.root(_without(content, key)));
    }

    function testFuzz_all_tamperedNode_reverts(uint256 seed, uint8 count, uint256 place, uint256 bit) public {
        (Entry[] memory content, bytes32 key) = _content(seed, 1 + count % 8);
        bytes[] memory proof = PlainTrie.prove(content, key, true);
        bytes memory node = proof[place % proof.length];
        bit %= node.length * 8;
        node[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));

        _expectAllRevert(PlainTrie.root(content), key, proof);
    }

    function testFuzz_all_missingNode_reverts(uint256 seed, uint8 count) public {
        (Entry[] memory content, bytes32 key) = _content(seed, 1 + count % 8);
        bytes32 root = PlainTrie.root(content);
        bytes[] memory proof = PlainTrie.prove(content, key, false);
        bytes[] memory proofWithSibling = PlainTrie.prove(content, key, true);

        vm.expectRevert(Mpt.InvalidProof.selector);
        harness.read(root, key, _cut(proof));
        vm.expectRevert(Mpt.InvalidProof.selector);
        harness.upsert(root, key, "x", _cut(proof));
        vm.expectRevert(Mpt.InvalidProof.selector);
        harness.remove(root, key, _cut(proofWithSibling));
    }

    function testFuzz_all_nodeToSpare_reverts(uint256 seed, uint8 count, bytes calldata extra) public {
        (Entry[] memory content, bytes32 key) = _content(seed, count % 9);
        bytes[] memory proof = PlainTrie.appendHashed(PlainTrie.prove(content, key, true), extra, true);

        _expectAllRevert(PlainTrie.root(content), key, proof);
    }

    function testFuzz_remove_afterInsert_restoresTheRoot(uint256 seed, uint8 count) public view {
        (Entry[] memory content, bytes32 key) = _content(seed, count % 9);
        content = _without(content, key);
        bytes32 root = PlainTrie.root(content);
        Entry[] memory larger = _with(content, key, "value");

        bytes32 inserted = harness.upsert(root, key, "value", PlainTrie.prove(content, key, false));

        assertEq(harness.remove(inserted, key, PlainTrie.prove(larger, key, true)), root);
    }

    // ------------------------------------------------------------------------------------------ single cases

    function test_read_emptyTrie_isAbsent() public view {
        (bool exists,) = harness.read(Mpt.EMPTY_ROOT, keccak256("key"), new bytes[](0));

        assertFalse(exists);
    }

    function test_upsert_emptyValue_reverts() public {
        vm.expectRevert(Mpt.EmptyValue.selector);
        harness.upsert(Mpt.EMPTY_ROOT, keccak256("key"), "", new bytes[](0));
    }

    function test_remove_lastKey_isTheEmptyRoot() public view {
        Entry[] memory content = _with(new Entry[](0), keccak256("key"), "value");

        bytes32 root =
            harness.remove(PlainTrie.root(content), content[0].key, PlainTrie.prove(content, content[0].key, true));

        assertEq(root, Mpt.EMPTY_ROOT);
    }

    function test_all_inlineLeaves_followThePlainTrie() public view {
        bytes32 a = keccak256(abi.encode(INLINE_A));
        bytes32 b = keccak256(abi.encode(INLINE_B));
        Entry[] memory content = _with(_with(new Entry[](0), a, hex"01"), b, hex"7f");
        bytes32 root = PlainTrie.root(content);
        bytes[] memory proof = PlainTrie.prove(content, a, true);

        assertEq(proof.length, 2, "extension and branch, the leaves are inline");
        (bool exists, bytes memory value) = harness.read(root, a, proof);
        assertTrue(exists);
        assertEq(value, hex"01");
        assertEq(harness.upsert(root, a, hex"05", proof), PlainTrie.root(_with(content, a, hex"05")));
        assertEq(harness.upsert(root, a, "longer", proof), PlainTrie.root(_with(content, a, "longer")));
        assertEq(harness.remove(root, a, proof), PlainTrie.root(_without(content, a)));
    }

    // ------------------------------------------------------------------------------------------ tools

    function _expectAllRevert(bytes32 root, bytes32 key, bytes[] memory proof) internal {
        vm.expectRevert(Mpt.InvalidProof.selector);
        harness.read(root, key, proof);
        vm.expectRevert(Mpt.InvalidProof.selector);
        harness.upsert(root, key, "x", proof);
        vm.expectRevert(Mpt.InvalidProof.selector);
        harness.remove(root, key, proof);
    }

    /// @dev `count` entries of one family of keys, and a key that is often among them.
    function _content(uint256 seed, uint256 count) internal pure returns (Entry[] memory content, bytes32 key) {
        for (uint256 i = 0; i < count; ++i) {
            content = _with(content, _key(seed, i), _value(seed >> (8 * i)));
        }
        key = _key(seed, (seed >> 64) % (count + 2));
    }

    /// @dev Keys of a family: scattered, alike but for a few early nibbles, or alike but for a few late ones.
    function _key(uint256 seed, uint256 i) internal pure returns (bytes32) {
        uint256 random = uint256(keccak256(abi.encode(seed, i)));
        if (seed % 3 == 0) return bytes32(random);
        uint256 mask = seed % 3 == 1 ? 0x0f0f << 240 : 0x0f00f0ff;
        return bytes32(uint256(keccak256(abi.encode(seed))) & ~mask | random & mask);
    }

    /// @dev Values of one byte (which make inline leaves), of a word, and of an account's length.
    function _value(uint256 seed) internal pure returns (bytes memory) {
        if (seed % 4 < 2) return abi.encodePacked(uint8(seed % 256));
        if (seed % 4 == 2) return abi.encode(seed);
        return abi.encodePacked(seed, seed, uint64(seed));
    }

    function _find(Entry[] memory content, bytes32 key) internal pure returns (bool, uint256) {
        for (uint256 i = 0; i < content.length; ++i) {
            if (content[i].key == key) return (true, i);
        }
        return (false, 0);
    }

    function _with(Entry[] memory content, bytes32 key, bytes memory value)
        internal
        pure
        returns (Entry[] memory next)
    {
        (bool exists, uint256 place) = _find(content, key);
        next = new Entry[](exists ? content.length : content.length + 1);
        for (uint256 i = 0; i < content.length; ++i) {
            next[i] = content[i];
        }
        next[exists ? place : content.length] = Entry(key, value);
    }

    function _without(Entry[] memory content, bytes32 key) internal pure returns (Entry[] memory next) {
        (bool exists, uint256 place) = _find(content, key);
        if (!exists) return content;
        next = new Entry[](content.length - 1);
        for (uint256 i = 0; i < next.length; ++i) {
            next[i] = content[i < place ? i : i + 1];
        }
    }

    /// @dev The proof without its last node.
    function _cut(bytes[] memory proof) internal pure returns (bytes[] memory shorter) {
        shorter = new bytes[](proof.length - 1);
        for (uint256 i = 0; i < shorter.length; ++i) {
            shorter[i] = proof[i];
        }
    }
}
