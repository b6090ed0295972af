// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Mpt} from "../../src/libraries/Mpt.sol";
import {WordTree} from "../../src/libraries/WordTree.sol";

/// @notice External doors to libraries that find memory dirty, or must give it back.
contract MemoryHarness {
    /// @dev Root of a word tree, with dirt where hashes are taken.
    function root(bytes calldata data, uint256 depth) external pure returns (bytes32) {
        assembly ("memory-safe") {
            mstore(0x00, not(0)) // dirt in the first scratch word
            mstore(0x20, not(0)) // and in the second
        }
        return WordTree.root(data, depth);
    }

    /// @dev The same for data in memory, with dirt behind it.
    function rootOfMemory(bytes memory data, uint256 depth) external pure returns (bytes32) {
        assembly ("memory-safe") {
            let free := mload(0x40) // where the tree is built
            for { let end := add(free, add(mload(data), 0x40)) } lt(free, end) { free := add(free, 0x20) } {
                mstore(free, not(0)) // dirt, one word more than the data takes
            }
        }
        return WordTree.rootOfMemory(data, depth);
    }

    /// @dev Bytes of memory that a trie keeps after a value was read.
    function keptByRead(bytes32 trieRoot, bytes32 key, bytes[] calldata proof) external pure returns (uint256) {
        uint256 before = _freePointer();
        Mpt.read(trieRoot, key, proof);
        return _freePointer() - before;
    }

    function _freePointer() private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40) // where the next allocation goes
        }
    }
}
