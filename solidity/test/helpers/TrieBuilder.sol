// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "../../src/libraries/Rlp.sol";

/// @notice Builds a path through a trie: full branches with invented siblings, then the leaf. Written apart from
/// the trie library, to test it and what uses it.
library TrieBuilder {
    /// @dev Proof that `key` has `value`, below `branches` full branch nodes; returns root and nodes, root first.
    function prove(bytes32 key, bytes memory value, uint256 branches)
        internal
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        proof = new bytes[](branches + 1);
        proof[branches] = leaf(key, value, branches);
        for (uint256 i = branches; i > 0; --i) {
            proof[i - 1] = branch(key, i - 1, keccak256(proof[i]));
        }
        root = keccak256(proof[0]);
    }

    /// @dev Leaf for the nibbles of `key` from `depth` on.
    function leaf(bytes32 key, bytes memory value, uint256 depth) internal pure returns (bytes memory) {
        uint256 rest = 64 - depth;
        bytes memory path = new bytes(rest / 2 + 1);
        uint256 odd = rest % 2;
        path[0] = odd == 1 ? bytes1(uint8(0x30 + nibble(key, depth))) : bytes1(0x20);
        for (uint256 i = 0; i < rest / 2; ++i) {
            uint256 at = depth + odd + 2 * i;
            path[i + 1] = bytes1(uint8(nibble(key, at) * 16 + nibble(key, at + 1)));
        }
        return list(bytes.concat(Rlp.encode(path), Rlp.encode(value)));
    }

    /// @dev Full branch with `child` at the nibble of `key` at `depth`.
    function branch(bytes32 key, uint256 depth, bytes32 child) internal pure returns (bytes memory) {
        bytes memory body;
        for (uint256 i = 0; i < 16; ++i) {
            bytes32 hash = i == nibble(key, depth) ? child : keccak256(abi.encode(key, depth, i));
            body = bytes.concat(body, hex"a0", hash);
        }
        return list(bytes.concat(body, hex"80"));
    }

    function account(bytes32 storageRoot) internal pure returns (bytes memory) {
        return list(bytes.concat(hex"0180", hex"a0", storageRoot, hex"a0", keccak256("code")));
    }

    function nibble(bytes32 key, uint256 at) internal pure returns (uint256) {
        uint256 octet = uint8(key[at / 2]);
        return at % 2 == 0 ? octet >> 4 : octet & 15;
    }

    function list(bytes memory body) internal pure returns (bytes memory) {
        return bytes.concat(Rlp.header(Rlp.LIST, body.length), body);
    }
}
