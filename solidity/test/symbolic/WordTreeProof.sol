// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WordTree} from "../../src/libraries/WordTree.sol";

/// @notice For all words of a tree of depth two: what a proof shows stands there, and what is written is read.
contract WordTreeProof {
    uint256 private constant DEPTH = 2;
    uint256 private constant WIDTH = 4;

    /// @notice No siblings prove another word than the one that stands there.
    function check_foldLeaf_provesOnlyTheWord(
        uint256 index,
        bytes32[4] memory words,
        bytes32 claimed,
        bytes32[2] memory siblings
    ) external view {
        for (uint256 i = 0; i < WIDTH; ++i) {
            if (i != index) continue;
            bytes32 folded = this.foldLeaf(i, claimed, _list(siblings[0], siblings[1]));
            if (folded == _root(words)) assert(claimed == words[i]);
        }
    }

    /// @notice A range at any place with any number of siblings proves only the words that stand there. `shape` is
    /// the number of a place, a length and a number of siblings.
    function check_foldRange_provesOnlyTheWords(
        uint256 shape,
        bytes32[4] memory words,
        bytes32[4] memory claimed,
        bytes32[3] memory siblings
    ) external view {
        uint256 at;
        for (uint256 first = 0; first < WIDTH; ++first) {
            for (uint256 count = 1; first + count <= WIDTH; ++count) {
                for (uint256 n = 0; n <= siblings.length; ++n) {
                    if (at++ != shape) continue;
                    _checkRange(_root(words), words, first, _first(claimed, count), _firstOf(siblings, n));
                    return;
                }
            }
        }
    }

    function _checkRange(
        bytes32 top,
        bytes32[4] memory words,
        uint256 first,
        bytes memory claimed,
        bytes32[] memory siblings
    ) private view {
        try this.foldRange(first, claimed, siblings) returns (bytes32 folded) {
            if (folded != top) return;
            for (uint256 i = 0; i < claimed.length / 32; ++i) {
                assert(_wordOf(claimed, i) == words[first + i]);
            }
        } catch {}
    }

    /// @notice After a write the tree is the one that has the new word there and the old ones elsewhere.
    function check_updateLeaf_isTheTreeOfTheNewWords(uint256 index, bytes32[4] memory words, bytes32 fresh)
        external
        view
    {
        for (uint256 i = 0; i < WIDTH; ++i) {
            if (i != index) continue;
            uint256 pair = i < 2 ? 2 : 0;
            bytes32[] memory siblings = _list(words[i ^ 1], _hash(words[pair], words[pair + 1]));
            bytes32 written = this.updateLeaf(_root(words), i, words[i], fresh, siblings);
            words[i] = fresh;
            assert(written == _root(words));
        }
    }

    /// @notice A write over anything but the word that stands there is refused.
    function check_updateLeaf_refusesAnotherOldWord(
        uint256 index,
        bytes32[4] memory words,
        bytes32 claimed,
        bytes32[2] memory siblings
    ) external view {
        for (uint256 i = 0; i < WIDTH; ++i) {
            if (i != index) continue;
            try this.updateLeaf(_root(words), i, claimed, 0, _list(siblings[0], siblings[1])) {
                assert(claimed == words[i]);
            } catch {}
        }
    }

    /// @notice The root of bytes is that of their words, the last one filled with zeros.
    function check_root_isTheTreeOfTheWords(bytes32[4] memory words) external view {
        for (uint256 size = 0; size <= 128; size += 16) {
            bytes memory data = _first(words, 4);
            assembly ("memory-safe") {
                mstore(data, size) // cut
            }
            bytes32[4] memory kept;
            for (uint256 i = 0; i < WIDTH; ++i) {
                if (32 * i + 32 <= size) kept[i] = words[i];
                else if (32 * i < size) kept[i] = bytes32(bytes16(words[i]));
            }
            assert(this.root(data) == _root(kept));
            assert(WordTree.rootOfMemory(data, DEPTH) == _root(kept));
        }
    }

    // ------------------------------------------------------------------------------------------ the library

    function foldLeaf(uint256 index, bytes32 leaf, bytes32[] calldata siblings) external pure returns (bytes32) {
        return WordTree.foldLeaf(index, leaf, siblings, DEPTH);
    }

    function foldRange(uint256 first, bytes calldata words, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return WordTree.foldRange(first, words, siblings, DEPTH);
    }

    function updateLeaf(bytes32 oldRoot, uint256 index, bytes32 old, bytes32 fresh, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return WordTree.updateLeaf(oldRoot, index, old, fresh, siblings, DEPTH);
    }

    function root(bytes calldata data) external pure returns (bytes32) {
        return WordTree.root(data, DEPTH);
    }

    // ------------------------------------------------------------------------------------------ the model

    function _root(bytes32[4] memory words) private pure returns (bytes32) {
        return _hash(_hash(words[0], words[1]), _hash(words[2], words[3]));
    }

    function _hash(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encode(left, right));
    }

    function _list(bytes32 a, bytes32 b) private pure returns (bytes32[] memory list) {
        list = new bytes32[](2);
        (list[0], list[1]) = (a, b);
    }

    function _firstOf(bytes32[3] memory all, uint256 n) private pure returns (bytes32[] memory list) {
        list = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            list[i] = all[i];
        }
    }

    function _first(bytes32[4] memory words, uint256 count) private pure returns (bytes memory data) {
        data = abi.encode(words[0], words[1], words[2], words[3]);
        assembly ("memory-safe") {
            mstore(data, mul(32, count)) // cut
        }
    }

    function _wordOf(bytes memory data, uint256 index) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), mul(32, index))) // inside the data
        }
    }
}
