// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "./Rlp.sol";

/// @notice Something encoded in memory at [start, end), as start · 2^64 + end.
type Span is uint256;

using Spans for Span global;

/// @dev The bytes at memory [from, to).
function span(uint256 from, uint256 to) pure returns (Span) {
    return Span.wrap(from << 64 | to);
}

/// @notice Fields of a span.
library Spans {
    function start(Span s) internal pure returns (uint256) {
        return Span.unwrap(s) >> 64;
    }

    function end(Span s) internal pure returns (uint256) {
        return uint64(Span.unwrap(s));
    }

    function size(Span s) internal pure returns (uint256) {
        // A span never ends before it begins.
        unchecked {
            return end(s) - start(s);
        }
    }
}

/// @notice A leaf or an extension.
struct Short {
    /// The nibbles it consumes, left-aligned, the rest zero.
    uint256 path;
    /// How many they are.
    uint256 nibbles;
    /// Which of the two it is.
    bool isLeaf;
    /// The encoded value of a leaf, the child reference of an extension.
    Span tail;
}

/// @notice Nodes of the trie in memory: strict decoding, encoding, references.
/// @dev A reference is the item by which a parent names a child: 0x80 for none, 0xa0 and the hash for a node of
/// 32 bytes or more, the node itself (inline) if it is shorter. Arithmetic on memory pointers is unchecked
/// throughout: pointers and lengths stay below 2^32. Twin: optimistic/protocol/mpt/nodes.py.
library MptNode {
    /// @notice The bytes are no node of a trie over 32-byte keys.
    error InvalidNode();

    uint256 internal constant KEY_NIBBLES = 64;
    uint256 internal constant NO_CHILD = 0x80;
    uint256 internal constant HASH_PREFIX = 0xa0;
    uint256 internal constant HASH_REF_BYTES = 33;
    uint256 private constant LAST_INLINE_PREFIX = 0xde;
    uint256 private constant FULL_BRANCH_BYTES = 532;
    uint256 private constant FULL_BRANCH_HEADER = 0xf90211;

    // ------------------------------------------------------------------------------------------ decoding

    /// @dev Child `nibble` of a branch, all of which is checked; `isBranch` is false if the node is short.
    function branchChild(Span node, uint256 nibble) internal pure returns (bool isBranch, Span child) {
        unchecked {
            uint256 from = node.start();
            if (node.size() == FULL_BRANCH_BYTES && _isFullBranch(from)) {
                from += 3 + HASH_REF_BYTES * nibble;
                return (true, span(from, from + HASH_REF_BYTES));
            }
            uint256 payload = Rlp.list(from, node.end());
            if (_isShort(payload, node.end())) return (false, child);
            uint256 children;
            (children, child) = _scanBranch(payload, node.end(), nibble);
            if (children < 2) revert InvalidNode();
            return (true, child);
        }
    }

    /// @dev The children of a checked branch besides `nibble`: how many, and the last of them.
    function otherChildren(Span branch, uint256 nibble)
        internal
        pure
        returns (uint256 others, uint256 index, Span child)
    {
        unchecked {
            uint256 cursor = Rlp.list(branch.start(), branch.end());
            for (uint256 i = 0; i < 16; ++i) {
                uint256 prefix = Rlp.byteAt(cursor);
                uint256 size = 1;
                if (prefix != NO_CHILD) {
                    size = prefix == HASH_PREFIX ? HASH_REF_BYTES : 1 + prefix - Rlp.LIST;
                    if (i != nibble) (others, index, child) = (others + 1, i, span(cursor, cursor + size));
                }
                cursor += size;
            }
        }
    }

    /// @dev Decode a leaf or an extension.
    function parseShort(Span node) internal pure returns (Short memory short) {
        unchecked {
            (uint256 packed, uint256 tail) = Rlp.str(Rlp.list(node.start(), node.end()), node.end());
            (, uint256 tailEnd) = Rlp.item(tail, node.end());
            uint256 length = tail - packed;
            uint256 flag = Rlp.byteAt(packed) >> 4;
            if (tailEnd != node.end() || length == 0 || length > 33 || flag > 3) revert InvalidNode();
            if (flag & 1 == 1) {
                short.nibbles = 2 * length - 1;
                short.path = Rlp.wordAt(packed) << 4;
            } else {
                if (Rlp.byteAt(packed) & 0x0f != 0) revert InvalidNode();
                short.nibbles = 2 * length - 2;
                short.path = Rlp.wordAt(packed + 1);
            }
            short.path = prefixOf(short.path, short.nibbles);
            short.isLeaf = flag > 1;
            short.tail = span(tail, tailEnd);
            _checkTail(short);
        }
    }

    /// @dev A leaf has a value; an extension has a path and a child.
    function _checkTail(Short memory short) private pure {
        uint256 prefix = Rlp.byteAt(short.tail.start());
        bool isValid = short.isLeaf
            ? prefix < Rlp.LIST && prefix != NO_CHILD
            : short.nibbles != 0 && (prefix == HASH_PREFIX || (prefix >= Rlp.LIST && prefix <= LAST_INLINE_PREFIX));
        if (!isValid || short.nibbles > KEY_NIBBLES) revert InvalidNode();
    }

    /// @dev Whether a list with `payload` is a leaf or extension: its first item is a packed path, which is never
    /// empty and never a list. A hash in the first place of a branch looks like a path of 32 bytes; then the
    /// number of items decides.
    function _isShort(uint256 payload, uint256 end) private pure returns (bool) {
        uint256 prefix = Rlp.byteAt(payload);
        if (prefix != HASH_PREFIX) return prefix != NO_CHILD && prefix < Rlp.LIST;
        (, uint256 second) = Rlp.item(payload, end);
        (, uint256 third) = Rlp.item(second, end);
        return third == end;
    }

    /// @dev Whether the 532 bytes at `from` are a branch of 16 hashes.
    function _isFullBranch(uint256 from) private pure returns (bool isFull) {
        assembly ("memory-safe") {
            let want := shl(248, HASH_PREFIX) // compared with the first byte of each child; the others are noise
            let p := add(from, 3) // first child
            let wrong := xor(mload(p), want) // zero in its first byte if the first child is a hash
            wrong := or(wrong, xor(mload(add(p, 33)), want)) // one line per child: a loop would cost more
            wrong := or(wrong, xor(mload(add(p, 66)), want))
            wrong := or(wrong, xor(mload(add(p, 99)), want))
            wrong := or(wrong, xor(mload(add(p, 132)), want))
            wrong := or(wrong, xor(mload(add(p, 165)), want))
            wrong := or(wrong, xor(mload(add(p, 198)), want))
            wrong := or(wrong, xor(mload(add(p, 231)), want))
            wrong := or(wrong, xor(mload(add(p, 264)), want))
            wrong := or(wrong, xor(mload(add(p, 297)), want))
            wrong := or(wrong, xor(mload(add(p, 330)), want))
            wrong := or(wrong, xor(mload(add(p, 363)), want))
            wrong := or(wrong, xor(mload(add(p, 396)), want))
            wrong := or(wrong, xor(mload(add(p, 429)), want))
            wrong := or(wrong, xor(mload(add(p, 462)), want))
            wrong := or(wrong, xor(mload(add(p, 495)), want))
            wrong := or(wrong, xor(mload(add(p, 528)), shl(248, NO_CHILD))) // the value
            wrong := or(byte(0, wrong), xor(shr(232, mload(from)), FULL_BRANCH_HEADER)) // list of 529 bytes
            isFull := iszero(wrong) // nothing differed
        }
    }

    /// @dev Check all 17 items of a branch; count the children and locate child `nibble`.
    function _scanBranch(uint256 payload, uint256 end, uint256 nibble)
        private
        pure
        returns (uint256 children, Span child)
    {
        bool isValid;
        assembly ("memory-safe") {
            let cursor := payload // first item
            let wrong := 0 // set by anything that no branch contains
            for { let i := 0 } lt(i, 16) { i := add(i, 1) } {
                let prefix := byte(0, mload(cursor)) // header of item i
                let next := add(cursor, 1) // no child: one byte
                if xor(prefix, NO_CHILD) {
                    children := add(children, 1) // a hash or an inline node
                    switch prefix
                    case 0xa0 { next := add(cursor, HASH_REF_BYTES) } // HASH_PREFIX
                    default {
                        switch or(lt(prefix, 0xc0), gt(prefix, LAST_INLINE_PREFIX)) // Rlp.LIST
                        case 0 { next := add(next, sub(prefix, 0xc0)) } // inline node
                        default { wrong := 1 } // no reference
                    }
                }
                if eq(i, nibble) { child := or(shl(64, cursor), next) } // the span of the wanted item
                cursor := next // at most 33 bytes on, whatever stands there
            }
            // item 16, the value, is empty and the last byte of the node
            wrong := or(wrong, xor(add(cursor, 1), end))
            isValid := iszero(or(wrong, xor(byte(0, mload(cursor)), NO_CHILD)))
        }
        if (!isValid) revert InvalidNode();
    }

    // ------------------------------------------------------------------------------------------ encoding

    /// @dev Encode a leaf, or an extension with a path.
    function encodeShort(Short memory short) internal pure returns (Span) {
        unchecked {
            uint256 packedSize = short.nibbles / 2 + 1;
            uint256 payloadSize = packedSize + short.tail.size() + (packedSize == 1 ? 0 : 1);
            (uint256 from, uint256 cursor) = _beginList(payloadSize);
            if (packedSize > 1) cursor = Rlp.writeHeader(cursor, Rlp.STRING, packedSize);
            uint256 path = short.path;
            uint256 first = short.isLeaf ? 0x20 : 0x00;
            if (short.nibbles & 1 == 1) {
                first |= 0x10 | path >> 252;
                path <<= 4;
            }
            assembly ("memory-safe") {
                mstore8(cursor, first) // flag nibble, and the odd nibble of the path
                mstore(add(cursor, 1), path) // its whole bytes; what is too much is overwritten by the tail
            }
            return span(from, _append(cursor + packedSize, short.tail));
        }
    }

    /// @dev Encode a branch with two children, `low` < `high`.
    function encodeFork(uint256 low, Span lowRef, uint256 high, Span highRef) internal pure returns (Span) {
        unchecked {
            (uint256 from, uint256 cursor) = _beginList(lowRef.size() + highRef.size() + 15);
            cursor = _append(_appendEmpty(cursor, low), lowRef);
            cursor = _append(_appendEmpty(cursor, high - low - 1), highRef);
            return span(from, _appendEmpty(cursor, 16 - high)); // the children above, and the value
        }
    }

    /// @dev Copy of a node in which `ref` stands in the place of `child`.
    function splice(Span node, Span child, Span ref) internal pure returns (Span) {
        unchecked {
            uint256 payload = Rlp.list(node.start(), node.end());
            uint256 payloadSize = node.end() - payload - child.size() + ref.size();
            (uint256 from, uint256 cursor) = _beginList(payloadSize);
            cursor = _append(cursor, span(payload, child.start()));
            cursor = _append(cursor, ref);
            return span(from, _append(cursor, span(child.end(), node.end())));
        }
    }

    /// @dev The reference to a node.
    function refOf(Span node) internal pure returns (Span) {
        unchecked {
            if (node.size() < 32) return node;
            bytes32 digest = hash(node);
            uint256 from = allocate(HASH_REF_BYTES);
            assembly ("memory-safe") {
                mstore8(from, HASH_PREFIX) // header of a 32-byte string
                mstore(add(from, 1), digest) // its payload
            }
            return span(from, from + HASH_REF_BYTES);
        }
    }

    /// @dev The reference to nothing.
    function emptyRef() internal pure returns (Span) {
        uint256 from = allocate(1);
        return span(from, _appendEmpty(from, 1));
    }

    function isEmptyRef(Span ref) internal pure returns (bool) {
        return Rlp.byteAt(ref.start()) == NO_CHILD;
    }

    /// @dev Allocate a list with a payload of `size` bytes and write its header.
    function _beginList(uint256 size) private pure returns (uint256 from, uint256 payload) {
        unchecked {
            from = allocate(Rlp.headerSize(size) + size);
            payload = Rlp.writeHeader(from, Rlp.LIST, size);
        }
    }

    function _append(uint256 cursor, Span source) private pure returns (uint256) {
        unchecked {
            uint256 from = source.start();
            uint256 size = source.size();
            assembly ("memory-safe") {
                mcopy(cursor, from, size) // inside the list that the caller allocated
            }
            return cursor + size;
        }
    }

    /// @dev Append `count` (at most 16) empty references.
    function _appendEmpty(uint256 cursor, uint256 count) private pure returns (uint256) {
        assembly ("memory-safe") {
            // sixteen at once; what is too much is overwritten by what follows, or lies in the slack of allocate
            mstore(cursor, shl(128, 0x80808080808080808080808080808080))
        }
        unchecked {
            return cursor + count;
        }
    }

    // ------------------------------------------------------------------------------------------ paths

    /// @dev The first `nibbles` nibbles of a left-aligned path, the rest zero.
    function prefixOf(uint256 path, uint256 nibbles) internal pure returns (uint256) {
        unchecked {
            // at 64 nibbles the shift leaves no bit of the mask, and the path stays whole
            return path & ~(type(uint256).max >> (4 * nibbles));
        }
    }

    /// @dev Leading nibbles that two different paths share.
    function sharedNibbles(uint256 left, uint256 right) internal pure returns (uint256 shared) {
        unchecked {
            for (uint256 difference = left ^ right; difference >> 252 == 0; difference <<= 4) {
                ++shared;
            }
        }
    }

    // ------------------------------------------------------------------------------------------ memory

    function hash(Span node) internal pure returns (bytes32 digest) {
        uint256 from = node.start();
        uint256 size = node.size();
        assembly ("memory-safe") {
            digest := keccak256(from, size) // over memory the library owns
        }
    }

    /// @dev Allocate `size` bytes and at least 32 bytes of slack, which whole-word writes at the end may touch.
    function allocate(uint256 size) internal pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40) // what is handed out
            mstore(0x40, add(pointer, and(add(size, 0x3f), not(0x1f)))) // size plus slack, in whole words
        }
    }
}
