// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Mpt} from "../../src/libraries/Mpt.sol";

/// @notice External doors to the trie library, for calldata proofs and differential tests.
contract MptHarness {
    function read(bytes32 root, bytes32 key, bytes[] calldata proof)
        external
        pure
        returns (bool exists, bytes memory value)
    {
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
}
