// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice WordTree: the binary Merkle tree over the 32-byte words of a byte string.
/// @dev Leaves are the words, unhashed; an inner node is keccak256(left ‖ right); a tree of depth d has 2^d
/// leaves, the missing ones zero. The depth is fixed by the rule that names the tree, so an inner node never
/// passes for a leaf. A root does not bind the length of the data: that is committed beside it.
/// Siblings of a range are listed from the leaves up, on each level the left one (if the range begins at an odd
/// index) before the right one (if it ends at an even index). Twin: optimistic/protocol/wordtree.py.
library WordTree {
    /// @notice The data does not fit the tree.
    error DataTooLong(uint256 length);

    /// @notice An empty range, one outside the tree, not whole words, or a wrong number of siblings.
    error InvalidRange();

    /// @notice A well-formed proof that belongs to another tree.
    error RangeMismatch();

    /// @dev Depth of memory, calldata, returndata, transaction and batch trees: 2 MiB.
    uint256 internal constant DEPTH = 16;

    // ------------------------------------------------------------------------------------------ roots

    /// @dev Root of the depth-16 tree over calldata bytes.
    function root(bytes calldata data) internal pure returns (bytes32) {
        return root(data, DEPTH);
    }

    /// @dev Root of the tree of `depth` over calldata bytes.
    function root(bytes calldata data, uint256 depth) internal pure returns (bytes32) {
        if (data.length > 32 << depth) revert DataTooLong(data.length);
        if (depth == 0) return _padded(data);
        uint256 nodes;
        // The first level is hashed straight from calldata: the buffer needs half the memory of the data.
        assembly ("memory-safe") {
            nodes := mload(0x40) // free memory, used below without being kept
            let target := nodes // where the next parents go
            let source := data.offset // where the next words are
            for { let left := data.length } left {} {
                let size := 0x100 // eight words at a time
                if lt(left, size) {
                    calldatacopy(target, calldatasize(), size) // zeros, whatever follows the data in calldata
                    size := left // the last words
                }
                calldatacopy(target, source, size) // the words, where their parents will be
                mstore(target, keccak256(target, 0x40)) // four parents, each over words that were read before
                mstore(add(target, 0x20), keccak256(add(target, 0x40), 0x40))
                mstore(add(target, 0x40), keccak256(add(target, 0x80), 0x40))
                mstore(add(target, 0x60), keccak256(add(target, 0xc0), 0x40))
                target := add(target, 0x80) // over the words of this round
                source := add(source, size)
                left := sub(left, size) // ends at exactly zero
            }
        }
        return _foldData(nodes, (data.length + 63) / 64, 1, depth);
    }

    /// @dev Root of the depth-16 tree over memory bytes.
    function rootOfMemory(bytes memory data) internal pure returns (bytes32) {
        return rootOfMemory(data, DEPTH);
    }

    /// @dev Root of the tree of `depth` over memory bytes.
    function rootOfMemory(bytes memory data, uint256 depth) internal pure returns (bytes32) {
        if (data.length > 32 << depth) revert DataTooLong(data.length);
        uint256 words = (data.length + 31) / 32;
        uint256 nodes;
        assembly ("memory-safe") {
            nodes := mload(0x40) // free memory, used below without being kept
            mstore(add(nodes, and(mload(data), not(31))), 0) // the last word, if partial, ends in zeros
            mcopy(nodes, add(data, 0x20), mload(data)) // the words, without what follows them
        }
        return _foldData(nodes, words, 0, depth);
    }

    /// @dev Root of a tree of `depth` with only zero words.
    function zeroRoot(uint256 depth) internal pure returns (bytes32 zero) {
        for (uint256 i = 0; i < depth; ++i) {
            zero = _pair(zero, zero);
        }
    }

    // ------------------------------------------------------------------------------------------ proofs

    /// @dev Check that `words` (whole words, at least one) stand at index `first` of the tree with root
    /// `expected`.
    function verifyRange(
        bytes32 expected,
        uint256 first,
        bytes calldata words,
        bytes32[] calldata siblings,
        uint256 depth
    ) internal pure {
        if (foldRange(first, words, siblings, depth) != expected) revert RangeMismatch();
    }

    /// @dev Root of the tree that has calldata `words` at index `first` and `siblings` around them.
    function foldRange(uint256 first, bytes calldata words, bytes32[] calldata siblings, uint256 depth)
        internal
        pure
        returns (bytes32)
    {
        uint256 nodes;
        assembly ("memory-safe") {
            nodes := mload(0x40) // free memory, used below without being kept
            calldatacopy(add(nodes, 0x20), words.offset, words.length) // one word is left free for a sibling
        }
        return _foldRange(nodes, first, words.length, siblings, depth);
    }

    /// @dev As foldRange, for words that were computed: the new root of a write is the fold of the new words
    /// with the siblings that proved the old ones.
    function foldRangeOfMemory(uint256 first, bytes memory words, bytes32[] calldata siblings, uint256 depth)
        internal
        pure
        returns (bytes32)
    {
        uint256 nodes;
        assembly ("memory-safe") {
            nodes := mload(0x40) // free memory, used below without being kept
            mcopy(add(nodes, 0x20), add(words, 0x20), mload(words)) // one word is left free for a sibling
        }
        return _foldRange(nodes, first, words.length, siblings, depth);
    }

    /// @dev Root of the tree that has `count` words at index `first` and `siblings` around them, of which only the
    /// `ends` are given: the first and the last word and, if there are more than two, the nodes between them that the
    /// way up from either meets, per level from the leaves up the one right of the first (if its index is even)
    /// before the one left of the last (if its index is odd). Enough to prove what a write replaces.
    function foldEnds(uint256 first, uint256 count, bytes calldata ends, bytes32[] calldata siblings, uint256 depth)
        internal
        pure
        returns (bytes32)
    {
        if (count < 3) {
            if (ends.length != 32 * count) revert InvalidRange();
            return foldRange(first, ends, siblings, depth);
        }
        // All quantities are bounded by the first check; `depth` is what is left to climb.
        unchecked {
            uint256 last = first + count - 1;
            if (last >> depth != 0 || last < first) revert InvalidRange();
            uint256 used;
            uint256 inner = 64;
            bytes32 left = _wordAt(ends, 0);
            bytes32 right = _wordAt(ends, 32);
            for (; first >> 1 != last >> 1; --depth) {
                if (first & 1 != 0) {
                    left = _pair(_sibling(siblings, used++), left);
                } else {
                    left = _pair(left, _wordAt(ends, inner));
                    inner += 32;
                }
                if (last & 1 == 0) {
                    right = _pair(right, _sibling(siblings, used++));
                } else {
                    right = _pair(_wordAt(ends, inner), right);
                    inner += 32;
                }
                first >>= 1;
                last >>= 1;
            }
            if (ends.length != inner) revert InvalidRange();
            return _climb(first >> 1, _pair(left, right), siblings, used, depth - 1);
        }
    }

    /// @dev Root after replacing the leaf at `index`, proven to be `oldLeaf`, by `newLeaf`.
    function updateLeaf(
        bytes32 oldRoot,
        uint256 index,
        bytes32 oldLeaf,
        bytes32 newLeaf,
        bytes32[] calldata siblings,
        uint256 depth
    ) internal pure returns (bytes32) {
        if (foldLeaf(index, oldLeaf, siblings, depth) != oldRoot) revert RangeMismatch();
        return foldLeaf(index, newLeaf, siblings, depth);
    }

    /// @dev Root of the tree that has `leaf` at `index` and `siblings` (one per level) beside its path.
    function foldLeaf(uint256 index, bytes32 leaf, bytes32[] calldata siblings, uint256 depth)
        internal
        pure
        returns (bytes32)
    {
        if (index >> depth != 0) revert InvalidRange();
        return _climb(index, leaf, siblings, 0, depth);
    }

    // ------------------------------------------------------------------------------------------ folding

    /// @dev Root over `count` nodes of `level` at memory pointer `nodes`, the rest being zero; overwrites them.
    function _foldData(uint256 nodes, uint256 count, uint256 level, uint256 depth) private pure returns (bytes32) {
        if (count == 0) return zeroRoot(depth);
        bytes32 zero = zeroRoot(level);
        for (; count > 1; ++level) {
            assembly ("memory-safe") {
                if and(count, 1) { mstore(add(nodes, shl(5, count)), zero) } // complete the last pair
            }
            count = (count + 1) >> 1;
            _hashPairs(nodes, nodes, count);
            zero = _pair(zero, zero);
        }
        bytes32 top;
        assembly ("memory-safe") {
            top := mload(nodes) // the only node left
        }
        for (; level < depth; ++level) {
            top = _pair(top, zero);
            zero = _pair(zero, zero);
        }
        return top;
    }

    /// @dev Root over `size` bytes of words at `nodes + 32`; the word at `nodes` is free for a left sibling.
    function _foldRange(uint256 nodes, uint256 first, uint256 size, bytes32[] calldata siblings, uint256 depth)
        private
        pure
        returns (bytes32 top)
    {
        // All quantities are bounded by the first check: there are at most 2^depth words, two siblings per level.
        unchecked {
            uint256 count = size / 32;
            uint256 width = 1 << depth;
            if (size == 0 || size % 32 != 0 || first >= width || count > width - first) revert InvalidRange();
            uint256 used;
            for (; count > 1; --depth) {
                uint256 start = nodes + 32 - 32 * (first & 1);
                if (first & 1 == 1) {
                    _store(start, _sibling(siblings, used++));
                    ++count;
                }
                if (count & 1 == 1) {
                    _store(start + 32 * count, _sibling(siblings, used++));
                    ++count;
                }
                count >>= 1;
                first >>= 1;
                _hashPairs(nodes + 32, start, count);
            }
            assembly ("memory-safe") {
                top := mload(add(nodes, 0x20)) // the only node left
            }
            return _climb(first, top, siblings, used, depth);
        }
    }

    /// @dev Root above `node` at `index` of its level, `height` levels up, with all siblings from number `used` on.
    function _climb(uint256 index, bytes32 node, bytes32[] calldata siblings, uint256 used, uint256 height)
        private
        pure
        returns (bytes32)
    {
        // `used` is at most twice the depth.
        unchecked {
            if (siblings.length != used + height) revert InvalidRange();
            for (; used < siblings.length; ++used) {
                bytes32 sibling = _sibling(siblings, used);
                node = index & 1 == 0 ? _pair(node, sibling) : _pair(sibling, node);
                index >>= 1;
            }
            return node;
        }
    }

    /// @dev Write the parents of `count` pairs at `source` to `target`, which is at most one word behind it.
    function _hashPairs(uint256 target, uint256 source, uint256 count) private pure {
        assembly ("memory-safe") {
            // parent i lands on or before the pair i + 1 that is read next, never after it
            let end := add(target, shl(5, count)) // one word per parent
            for { let last := sub(end, 0x60) } lt(target, last) { target := add(target, 0x80) } {
                mstore(target, keccak256(source, 0x40)) // four at a time: the loop costs as much as a hash
                mstore(add(target, 0x20), keccak256(add(source, 0x40), 0x40))
                mstore(add(target, 0x40), keccak256(add(source, 0x80), 0x40))
                mstore(add(target, 0x60), keccak256(add(source, 0xc0), 0x40))
                source := add(source, 0x100)
            }
            for {} lt(target, end) { target := add(target, 0x20) } {
                mstore(target, keccak256(source, 0x40)) // hash of two neighbouring words
                source := add(source, 0x40)
            }
        }
    }

    /// @dev Sibling `index`; a proof that has too few is refused.
    function _sibling(bytes32[] calldata siblings, uint256 index) private pure returns (bytes32 sibling) {
        if (index >= siblings.length) revert InvalidRange();
        assembly ("memory-safe") {
            // in bounds; the ABI decoder has checked that the whole array is in calldata
            sibling := calldataload(add(siblings.offset, shl(5, index)))
        }
    }

    /// @dev The word at byte `offset`; data that ends before its end is refused.
    function _wordAt(bytes calldata data, uint256 offset) private pure returns (bytes32 word) {
        // the offset is a few words at most
        unchecked {
            if (offset + 32 > data.length) revert InvalidRange();
        }
        assembly ("memory-safe") {
            word := calldataload(add(data.offset, offset)) // in bounds
        }
    }

    function _store(uint256 pointer, bytes32 value) private pure {
        assembly ("memory-safe") {
            mstore(pointer, value) // inside the caller's buffer
        }
    }

    /// @dev The one word of a tree of depth zero.
    function _padded(bytes calldata data) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            mstore(0x00, 0) // at most one word: zeros, then the data over them
            calldatacopy(0x00, data.offset, data.length)
            word := mload(0x00)
        }
    }

    /// @dev Hash of two nodes.
    function _pair(bytes32 left, bytes32 right) private pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            mstore(0x00, left) // left child in the first scratch word
            mstore(0x20, right) // right child in the second
            digest := keccak256(0x00, 0x40) // hash of both
        }
    }
}
