// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Mpt} from "../../src/libraries/Mpt.sol";

/// @notice For all keys and values of tries of one and two levels: a key that is there is never shown to be absent
/// or to have another value, and one that is not there never to be present.
/// @dev Nodes that are shown have the shape of those that are there, with any contents; values are of 33 bytes. A key of the second level begins with nibble 3, which is also how the packed path of
/// its leaf begins.
contract MptProof {
    // ------------------------------------------------------------------------------------------ one leaf

    /// @notice Whatever leaf is shown for a trie of one leaf.
    function check_read_oneLeaf_isNeverAbsent(bytes32 key, bytes32 value, bytes32 otherKey, bytes32 otherValue)
        external
        view
    {
        _checkPresent(keccak256(_rootLeaf(key, value)), key, value, _proof(_rootLeaf(otherKey, otherValue)));
    }

    /// @notice No node, or one to spare.
    function check_read_oneLeaf_wrongLengthIsRefused(bytes32 key, bytes32 value, bytes32 spare) external view {
        bytes memory leaf = _rootLeaf(key, value);

        _checkRefused(keccak256(leaf), key, new bytes[](0));
        _checkRefused(keccak256(leaf), key, _proof(leaf, leaf));
        _checkRefused(keccak256(leaf), key, _proof(leaf, abi.encode(spare)));
    }

    /// @notice The right node shows any other key absent.
    function check_read_oneLeaf_otherKeyIsAbsent(bytes32 key, bytes32 value, bytes32 other) external view {
        if (other == key) return;
        bytes memory leaf = _rootLeaf(key, value);

        (bool exists,) = this.read(keccak256(leaf), other, _proof(leaf));

        assert(!exists);
    }

    /// @notice The empty trie has no key, and no proof but the empty one.
    function check_read_emptyTrie_hasNothing(bytes32 key, bytes32 first) external view {
        (bool exists,) = this.read(Mpt.EMPTY_ROOT, key, new bytes[](0));

        assert(!exists);
        try this.read(Mpt.EMPTY_ROOT, key, _proof(abi.encode(first))) {
            assert(false);
        } catch {}
    }

    // ------------------------------------------------------------------------------------------ a branch

    /// @notice Whatever branch and leaf are shown.
    function check_read_belowBranch_isNeverAbsent(
        bytes31[2] memory tails,
        bytes32[2] memory values,
        bytes32[3] memory hashes
    ) external view {
        bytes32 key = bytes32(bytes.concat(hex"3a", tails[0]));
        bytes memory branch = _branch(keccak256(_innerLeaf(key, values[0])), hashes[0]);
        bytes memory shown = _innerLeaf(bytes32(bytes.concat(hex"3a", tails[1])), values[1]);

        _checkPresent(keccak256(branch), key, values[0], _proof(branch, shown));
        _checkPresent(keccak256(branch), key, values[0], _proof(_branch(hashes[1], hashes[2]), shown));
    }

    /// @notice A node too few or too many.
    function check_read_belowBranch_wrongLengthIsRefused(bytes31 tail, bytes32 value, bytes32 sibling) external view {
        bytes32 key = bytes32(bytes.concat(hex"3a", tail));
        bytes memory leaf = _innerLeaf(key, value);
        bytes memory branch = _branch(keccak256(leaf), sibling);

        _checkRefused(keccak256(branch), key, new bytes[](0));
        _checkRefused(keccak256(branch), key, _proof(branch));
        bytes[] memory three = new bytes[](3);
        (three[0], three[1], three[2]) = (branch, leaf, leaf);
        _checkRefused(keccak256(branch), key, three);
    }

    /// @notice A key that leaves the trie at the branch or at the leaf is absent by the nodes on its way alone.
    function check_read_belowBranch_otherKeysAreAbsent(bytes31 tail, bytes32 value, bytes32 sibling, bytes31 other)
        external
        view
    {
        bytes memory leaf = _innerLeaf(bytes32(bytes.concat(hex"3a", tail)), value);
        bytes memory branch = _branch(keccak256(leaf), sibling);

        (bool exists,) = this.read(keccak256(branch), bytes32(bytes.concat(hex"4a", other)), _proof(branch));
        assert(!exists);
        (exists,) = this.read(keccak256(branch), bytes32(bytes.concat(hex"3b", other)), _proof(branch, leaf));
        assert(!exists);
    }

    // ------------------------------------------------------------------------------------------ writing

    /// @notice A written leaf is the trie of the new value.
    function check_upsert_oneLeaf_isTheTrieOfTheNewValue(bytes32 key, bytes32 value, bytes32 fresh) external view {
        bytes memory leaf = _rootLeaf(key, value);

        bytes32 root = this.upsert(keccak256(leaf), key, _padded(fresh), _proof(leaf));

        assert(root == keccak256(_rootLeaf(key, fresh)));
        assert(this.upsert(Mpt.EMPTY_ROOT, key, _padded(fresh), new bytes[](0)) == root);
        assert(this.remove(root, key, _proof(_rootLeaf(key, fresh))) == Mpt.EMPTY_ROOT);
    }

    /// @notice A write below a branch changes that child alone.
    function check_upsert_belowBranch_isTheTrieOfTheNewValue(
        bytes31 tail,
        bytes32 value,
        bytes32 sibling,
        bytes32 fresh
    ) external view {
        bytes32 key = bytes32(bytes.concat(hex"3a", tail));
        bytes memory leaf = _innerLeaf(key, value);
        bytes memory branch = _branch(keccak256(leaf), sibling);

        bytes32 root = this.upsert(keccak256(branch), key, _padded(fresh), _proof(branch, leaf));

        assert(root == keccak256(_branch(keccak256(_innerLeaf(key, fresh)), sibling)));
    }

    // ------------------------------------------------------------------------------------------ the library

    function read(bytes32 root, bytes32 key, bytes[] calldata proof) external pure returns (bool, bytes memory) {
        return Mpt.read(root, key, proof);
    }

    function upsert(bytes32 root, bytes32 key, bytes calldata value, bytes[] calldata proof)
        external
        pure
        returns (bytes32)
    {
        return Mpt.upsert(root, key, value, proof);
    }

    function remove(bytes32 root, bytes32 key, bytes[] calldata proof) external pure returns (bytes32) {
        return Mpt.remove(root, key, proof);
    }

    // ------------------------------------------------------------------------------------------ the model

    /// @dev Either the proof is refused, or it shows the value.
    function _checkPresent(bytes32 root, bytes32 key, bytes32 value, bytes[] memory proof) private view {
        try this.read(root, key, proof) returns (bool exists, bytes memory shown) {
            assert(exists);
            assert(shown.length == 33 && bytes32(shown) == value && shown[32] == 0x77);
        } catch {}
    }

    function _checkRefused(bytes32 root, bytes32 key, bytes[] memory proof) private view {
        if (root == Mpt.EMPTY_ROOT) return; // no leaf hashes to that, but the solver does not know
        try this.read(root, key, proof) {
            assert(false);
        } catch {}
    }

    function _padded(bytes32 value) private pure returns (bytes memory) {
        return abi.encodePacked(value, hex"77");
    }

    /// @dev A leaf with a path of 64 nibbles.
    function _rootLeaf(bytes32 key, bytes32 value) private pure returns (bytes memory) {
        return abi.encodePacked(hex"f844a120", key, hex"a1", value, hex"77");
    }

    /// @dev A leaf with the last 63 nibbles of a key that begins with 3.
    function _innerLeaf(bytes32 key, bytes32 value) private pure returns (bytes memory) {
        return abi.encodePacked(hex"f843a0", key, hex"a1", value, hex"77");
    }

    /// @dev A branch with children 3 and 5.
    function _branch(bytes32 third, bytes32 fifth) private pure returns (bytes memory) {
        return abi.encodePacked(hex"f851808080a0", third, hex"80a0", fifth, hex"8080808080808080808080");
    }

    function _proof(bytes memory node) private pure returns (bytes[] memory proof) {
        proof = new bytes[](1);
        proof[0] = node;
    }

    function _proof(bytes memory first, bytes memory second) private pure returns (bytes[] memory proof) {
        proof = new bytes[](2);
        (proof[0], proof[1]) = (first, second);
    }
}
