// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    TX_ACCESS_ADDRESS_GAS,
    TX_ACCESS_KEY_GAS,
    TX_BASE_GAS,
    TX_CREATE_GAS,
    TX_DATA_NONZERO_GAS,
    TX_DATA_ZERO_GAS,
    TX_INITCODE_WORD_GAS
} from "./Constants.sol";

/// @notice Gas a transaction costs before its first instruction (Cancun).
library IntrinsicGas {
    uint256 private constant LOW_SEVEN = 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f;
    uint256 private constant ONES = 0x0101010101010101010101010101010101010101010101010101010101010101;
    uint256 private constant EVEN_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant EVEN_ONES = 0x0001000100010001000100010001000100010001000100010001000100010001;

    /// @dev Intrinsic gas of a call with calldata `data`, or of a create with initcode `data`.
    function intrinsic(bytes calldata data, bool isCreate) internal pure returns (uint256) {
        return message(data.length, nonZeroBytes(data), isCreate);
    }

    /// @dev Intrinsic gas of a message with `length` bytes of data, `nonZero` of them not zero; no access list.
    function message(uint256 length, uint256 nonZero, bool isCreate) internal pure returns (uint256 total) {
        total = TX_BASE_GAS + nonZero * TX_DATA_NONZERO_GAS + (length - nonZero) * TX_DATA_ZERO_GAS;
        if (isCreate) total += TX_CREATE_GAS + (length + 31) / 32 * TX_INITCODE_WORD_GAS;
    }

    /// @dev Intrinsic gas of an access list (EIP-2930).
    function accessList(uint256 addresses, uint256 keys) internal pure returns (uint256) {
        return addresses * TX_ACCESS_ADDRESS_GAS + keys * TX_ACCESS_KEY_GAS;
    }

    /// @dev Number of bytes of `data` that are not zero, 32 at a time.
    function nonZeroBytes(bytes calldata data) internal pure returns (uint256 count) {
        uint256 whole = data.length / 32 * 32;
        for (uint256 i = 0; i < whole; i += 32) {
            count += _nonZeroInWord(uint256(bytes32(data[i:i + 32])));
        }
        // bytes32() pads the rest with zero bytes on the right: they do not count.
        if (whole < data.length) count += _nonZeroInWord(uint256(bytes32(data[whole:])));
    }

    /// @dev Number of bytes that are not zero among the `size` bytes at a memory pointer. The flags of up to 255
    /// words are added byte by byte before they are summed.
    function nonZeroBytesAt(uint256 pointer, uint256 size) internal pure returns (uint256 count) {
        // Pointers into memory, and counts of what is there.
        unchecked {
            uint256 whole = pointer + (size & ~uint256(31));
            while (pointer < whole) {
                uint256 stop = pointer + 255 * 32;
                if (stop > whole) stop = whole;
                uint256 sums;
                for (; pointer < stop; pointer += 32) {
                    sums += _flags(_wordAt(pointer));
                }
                sums = (sums & EVEN_BYTES) + (sums >> 8 & EVEN_BYTES);
                count += (sums * EVEN_ONES) >> 240;
            }
            uint256 rest = size & 31;
            if (rest != 0) count += _nonZeroInWord(_wordAt(whole) >> (256 - 8 * rest));
        }
    }

    function _wordAt(uint256 pointer) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(pointer) // no alignment is needed
        }
    }

    function _nonZeroInWord(uint256 word) private pure returns (uint256) {
        // The product sums the 32 flags into its top byte; 32 fits a byte.
        unchecked {
            return (_flags(word) * ONES) >> 248;
        }
    }

    /// @dev A one in every byte of `word` that is not zero.
    function _flags(uint256 word) private pure returns (uint256) {
        // Adding 0x7f carries into bit 7 of a byte whose low seven bits are not all zero; bit 7 itself is or-ed in.
        // No carry crosses bytes, since 0x7f + 0x7f < 0x100.
        unchecked {
            return (((word & LOW_SEVEN) + LOW_SEVEN) | word) >> 7 & ONES;
        }
    }
}
