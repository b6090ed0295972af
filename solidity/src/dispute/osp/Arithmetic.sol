// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Opcodes 0x01 to 0x1d, computed by the opcode of the same name of the chain this runs on.
library Arithmetic {
    /// @dev Result of ADD (0x01) to SIGNEXTEND (0x0b) on items top first; what an opcode does not take is ignored.
    function integer(uint256 opcode, uint256 a, uint256 b, uint256 c) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            // division and remainder by zero are zero, as everywhere in the EVM
            switch opcode
            case 0x01 { result := add(a, b) }
            case 0x02 { result := mul(a, b) }
            case 0x03 { result := sub(a, b) }
            case 0x04 { result := div(a, b) }
            case 0x05 { result := sdiv(a, b) }
            case 0x06 { result := mod(a, b) }
            case 0x07 { result := smod(a, b) }
            case 0x08 { result := addmod(a, b, c) }
            case 0x09 { result := mulmod(a, b, c) }
            case 0x0a { result := exp(a, b) }
            case 0x0b { result := signextend(a, b) }
        }
    }

    /// @dev Result of LT (0x10) to SAR (0x1d) on items top first; what an opcode does not take is ignored.
    function bitwise(uint256 opcode, uint256 a, uint256 b) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            // shifts and BYTE take their count from the top of the stack
            switch opcode
            case 0x10 { result := lt(a, b) }
            case 0x11 { result := gt(a, b) }
            case 0x12 { result := slt(a, b) }
            case 0x13 { result := sgt(a, b) }
            case 0x14 { result := eq(a, b) }
            case 0x15 { result := iszero(a) }
            case 0x16 { result := and(a, b) }
            case 0x17 { result := or(a, b) }
            case 0x18 { result := xor(a, b) }
            case 0x19 { result := not(a) }
            case 0x1a { result := byte(a, b) }
            case 0x1b { result := shl(a, b) }
            case 0x1c { result := shr(a, b) }
            case 0x1d { result := sar(a, b) }
        }
    }

    /// @dev Bytes of `value` without leading zeros.
    function byteLength(uint256 value) internal pure returns (uint256 size) {
        for (; value != 0; value >>= 8) {
            ++size;
        }
    }
}
