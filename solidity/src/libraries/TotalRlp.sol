// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "./Rlp.sol";

/// @notice Recursive Length Prefix coding read in memory: canonical form or FAILED, never a revert.
/// @dev For bytes that anybody may have written and that a verifier must judge: there a revert would be no
/// verdict. A read that fails ends at FAILED, beyond every limit, and a read that begins beyond its limit fails.
/// So fields are read one after the other, and one look at the last end tells whether all are well-formed.
/// Positions, `limit` and rules are those of Rlp.sol; up to 32 bytes behind `limit` are read, never used.
library TotalRlp {
    /// @dev Payload and end of what is not there.
    uint256 internal constant FAILED = type(uint256).max;

    uint256 private constant LONG_STRING = 0xb7;
    uint256 private constant LONG_LIST = 0xf7;
    uint256 private constant SHORT_MAX = 55;

    /// @dev Payload and end of the item at `start`, which must be a list.
    function list(uint256 start, uint256 limit) internal pure returns (uint256 payload, uint256 end) {
        // Pointers stay far below 2^64 and lengths are at most eight bytes long, so sums cannot wrap.
        unchecked {
            if (start >= limit) return (FAILED, FAILED);
            uint256 prefix = Rlp.byteAt(start);
            if (prefix < Rlp.LIST) return (FAILED, FAILED);
            payload = start + 1;
            end = payload + prefix - Rlp.LIST;
            if (prefix > LONG_LIST) (payload, end) = _longBounds(payload, prefix - LONG_LIST);
            if (end > limit) return (FAILED, FAILED);
        }
    }

    /// @dev Payload and end of the item at `start`, which must be a string. A byte below 0x80 is its own payload.
    function str(uint256 start, uint256 limit) internal pure returns (uint256 payload, uint256 end) {
        // As in list.
        unchecked {
            if (start >= limit) return (FAILED, FAILED);
            uint256 prefix = Rlp.byteAt(start);
            if (prefix < Rlp.STRING) return (start, start + 1);
            if (prefix >= Rlp.LIST) return (FAILED, FAILED);
            payload = start + 1;
            end = payload + prefix - Rlp.STRING;
            if (prefix > LONG_STRING) (payload, end) = _longBounds(payload, prefix - LONG_STRING);
            else if (prefix == Rlp.STRING + 1 && Rlp.byteAt(payload) < Rlp.STRING) end = FAILED;
            if (end > limit) return (FAILED, FAILED);
        }
    }

    /// @dev The integer of at most `maxBytes` (up to 32) bytes at `start`, and the end of its item.
    function integer(uint256 start, uint256 limit, uint256 maxBytes)
        internal
        pure
        returns (uint256 value, uint256 end)
    {
        uint256 payload;
        (payload, end) = str(start, limit);
        // A failed read looks like zero, with the end FAILED.
        unchecked {
            uint256 size = end - payload;
            if (size == 0) return (0, end);
            if (size > maxBytes || Rlp.byteAt(payload) == 0) return (0, FAILED);
            value = Rlp.wordAt(payload) >> (256 - 8 * size);
        }
    }

    /// @dev Bounds of a long item whose payload length is written in `lengthSize` (1 to 8) bytes at `start`. If
    /// these reach beyond the limit of the item, so does its payload, whatever the length is.
    function _longBounds(uint256 start, uint256 lengthSize) private pure returns (uint256 payload, uint256 end) {
        unchecked {
            uint256 length = Rlp.wordAt(start) >> (256 - 8 * lengthSize);
            if (Rlp.byteAt(start) == 0 || length <= SHORT_MAX) return (FAILED, FAILED);
            payload = start + lengthSize;
            end = payload + length;
        }
    }
}
