// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Recursive Length Prefix coding in memory: canonical form or a revert.
/// @dev Positions are plain memory pointers, so that a reader can walk an encoding without copying it. An item
/// is named by where it begins; every function that reads one also takes `limit`, the end of the surrounding
/// list, beyond which the item must not reach. Source: Yellow Paper, appendix B. Twin:
/// optimistic/protocol/strict_rlp.py.
library Rlp {
    /// @notice The bytes are not the one canonical encoding of what is expected there.
    error InvalidRlp();

    uint256 internal constant STRING = 0x80;
    uint256 internal constant LIST = 0xc0;
    uint256 private constant LONG_STRING = 0xb7;
    uint256 private constant LONG_LIST = 0xf7;
    uint256 private constant SHORT_MAX = 55;

    // ------------------------------------------------------------------------------------------ reading

    /// @dev Payload and end of the item that begins at `start`. A byte below 0x80 is its own payload.
    function item(uint256 start, uint256 limit) internal pure returns (uint256 payload, uint256 end) {
        // Pointers stay far below 2^64 and lengths are at most eight bytes long, so sums cannot wrap.
        unchecked {
            if (start >= limit) revert InvalidRlp();
            uint256 prefix = byteAt(start);
            if (prefix < STRING) return (start, start + 1);
            payload = start + 1;
            if (prefix <= LONG_STRING) {
                end = payload + prefix - STRING;
                if (prefix == STRING + 1 && byteAt(payload) < STRING) revert InvalidRlp();
            } else if (prefix < LIST) {
                (payload, end) = _longBounds(payload, prefix - LONG_STRING);
            } else if (prefix <= LONG_LIST) {
                end = payload + prefix - LIST;
            } else {
                (payload, end) = _longBounds(payload, prefix - LONG_LIST);
            }
            if (end > limit) revert InvalidRlp();
        }
    }

    /// @dev Payload of the list that fills [start, end) exactly.
    function list(uint256 start, uint256 end) internal pure returns (uint256 payload) {
        uint256 actualEnd;
        (payload, actualEnd) = item(start, end);
        if (actualEnd != end || byteAt(start) < LIST) revert InvalidRlp();
    }

    /// @dev Payload and end of the item at `start`, which must be a string.
    function str(uint256 start, uint256 limit) internal pure returns (uint256 payload, uint256 end) {
        (payload, end) = item(start, limit);
        if (byteAt(start) >= LIST) revert InvalidRlp();
    }

    /// @dev The integer of at most `maxBytes` (up to 32) bytes at `start`, and the end of its item.
    function integer(uint256 start, uint256 limit, uint256 maxBytes)
        internal
        pure
        returns (uint256 value, uint256 end)
    {
        uint256 payload;
        (payload, end) = str(start, limit);
        uint256 size = end - payload;
        if (size == 0) return (0, end);
        if (size > maxBytes || byteAt(payload) == 0) revert InvalidRlp();
        value = wordAt(payload) >> (256 - 8 * size);
    }

    /// @dev The 32-byte string at `start`, and the end of its item.
    function word(uint256 start, uint256 limit) internal pure returns (bytes32 value, uint256 end) {
        uint256 payload;
        (payload, end) = str(start, limit);
        if (end - payload != 32) revert InvalidRlp();
        value = bytes32(wordAt(payload));
    }

    /// @dev Where the content of `data` begins and ends.
    function bounds(bytes memory data) internal pure returns (uint256 start, uint256 end) {
        assembly ("memory-safe") {
            start := add(data, 0x20) // skip the length word
            end := add(start, mload(data)) // the length counts content bytes only
        }
    }

    /// @dev The byte at a memory pointer.
    function byteAt(uint256 pointer) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, mload(pointer)) // most significant byte of the word there
        }
    }

    /// @dev The 32 bytes at a memory pointer.
    function wordAt(uint256 pointer) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(pointer) // no alignment is needed
        }
    }

    // ------------------------------------------------------------------------------------------ writing

    /// @dev Encoding of one string.
    function encode(bytes memory data) internal pure returns (bytes memory encoded) {
        if (data.length == 1 && uint8(data[0]) < STRING) return data;
        return bytes.concat(header(STRING, data.length), data);
    }

    /// @dev Encoding of an unsigned integer: its bytes without leading zeros.
    function encode(uint256 value) internal pure returns (bytes memory encoded) {
        if (value != 0 && value < STRING) return abi.encodePacked(uint8(value));
        uint256 size = byteLength(value);
        encoded = bytes.concat(header(STRING, size), bytes32(value << (256 - 8 * size)));
        assembly ("memory-safe") {
            mstore(encoded, add(size, 1)) // cut the padding of the word: an integer's header is one byte
        }
    }

    /// @dev Header of a string (`kind` STRING) or list (`kind` LIST) with a payload of `size` bytes.
    function header(uint256 kind, uint256 size) internal pure returns (bytes memory) {
        if (size <= SHORT_MAX) return abi.encodePacked(uint8(kind + size));
        uint256 lengthSize = byteLength(size);
        bytes memory length = abi.encodePacked(size << (256 - 8 * lengthSize));
        assembly ("memory-safe") {
            mstore(length, lengthSize) // keep the significant bytes, which were shifted to the front
        }
        return bytes.concat(bytes1(uint8(kind + SHORT_MAX + lengthSize)), length);
    }

    /// @dev Write the header of a payload of `size` bytes at `pointer`; returns where the payload goes. The
    /// caller owns at least nine bytes there.
    function writeHeader(uint256 pointer, uint256 kind, uint256 size) internal pure returns (uint256 payload) {
        unchecked {
            if (size <= SHORT_MAX) {
                assembly ("memory-safe") {
                    mstore8(pointer, add(kind, size)) // short form: one byte
                }
                return pointer + 1;
            }
            uint256 lengthSize = byteLength(size);
            assembly ("memory-safe") {
                mstore8(pointer, add(add(kind, SHORT_MAX), lengthSize)) // long form: how many length bytes follow
            }
            for (uint256 i = 1; i <= lengthSize; ++i) {
                assembly ("memory-safe") {
                    mstore8(add(pointer, i), shr(shl(3, sub(lengthSize, i)), size)) // big-endian length
                }
            }
            return pointer + 1 + lengthSize;
        }
    }

    /// @dev Bytes that the header of a payload of `size` bytes takes.
    function headerSize(uint256 size) internal pure returns (uint256) {
        return size <= SHORT_MAX ? 1 : 1 + byteLength(size);
    }

    /// @dev Bytes of `value` without leading zeros; 0 for 0.
    function byteLength(uint256 value) internal pure returns (uint256 size) {
        for (; value != 0; value >>= 8) {
            ++size;
        }
    }

    /// @dev Bounds of a long item whose payload length is written in `lengthSize` (1 to 8) bytes at `start`.
    function _longBounds(uint256 start, uint256 lengthSize) private pure returns (uint256 payload, uint256 end) {
        unchecked {
            uint256 length = wordAt(start) >> (256 - 8 * lengthSize);
            if (byteAt(start) == 0 || length <= SHORT_MAX) revert InvalidRlp();
            payload = start + lengthSize;
            end = payload + length;
        }
    }
}
