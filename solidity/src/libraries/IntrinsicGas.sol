// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TX_BASE_GAS, TX_CREATE_GAS, TX_DATA_NONZERO_GAS, TX_DATA_ZERO_GAS, TX_INITCODE_WORD_GAS} from "./Constants.sol";

/// @notice Gas a transaction costs before its first instruction (Cancun, no access list).
library IntrinsicGas {
    uint256 private constant LOW_SEVEN = 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f;
    uint256 private constant ONES = 0x0101010101010101010101010101010101010101010101010101010101010101;

    /// @dev Intrinsic gas of a call with calldata `data`, or of a create with initcode `data`.
    function intrinsic(bytes calldata data, bool isCreate) internal pure returns (uint256 total) {
        uint256 nonZero = nonZeroBytes(data);
        total = TX_BASE_GAS + nonZero * TX_DATA_NONZERO_GAS + (data.length - nonZero) * TX_DATA_ZERO_GAS;
        if (isCreate) total += TX_CREATE_GAS + (data.length + 31) / 32 * TX_INITCODE_WORD_GAS;
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

    function _nonZeroInWord(uint256 word) private pure returns (uint256) {
        // Adding 0x7f carries into bit 7 of a byte whose low seven bits are not all zero; bit 7 itself is or-ed in.
        // No carry crosses bytes, since 0x7f + 0x7f < 0x100.
        unchecked {
            uint256 flags = (((word & LOW_SEVEN) + LOW_SEVEN) | word) >> 7 & ONES;
            // The product sums the 32 flags into its top byte; 32 fits a byte.
            return (flags * ONES) >> 248;
        }
    }
}
