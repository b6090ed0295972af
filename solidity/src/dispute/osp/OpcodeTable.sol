// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OPCODE_ROWS} from "./Opcodes.sol";

/// @notice What is known of an opcode before it runs; all zero where the byte is no opcode.
struct OpcodeRow {
    bool defined;
    uint256 gasCost; // the part of the cost that is always the same, charged first
    uint256 pops; // stack items the opcode reads
    uint256 pushes; // how many stand in their place afterwards
    uint256 staticRule; // STATIC_*
    uint256 group; // GROUP_*
}

/// @notice The rows of spec/opcodes.json.
library OpcodeTable {
    /// @dev The row of an opcode. Its 32 bits are, from the top: 1 defined, 2 group, 2 static rule, 5 pushes,
    /// 5 pops, 17 gas.
    function row(uint256 opcode) internal pure returns (OpcodeRow memory found) {
        if (opcode > 0xff) return found;
        bytes memory rows = OPCODE_ROWS;
        uint256 packed;
        assembly ("memory-safe") {
            packed := mload(add(add(rows, 4), shl(2, opcode))) // the row is the end of this word
        }
        found.defined = (packed >> 31) & 1 == 1;
        found.group = (packed >> 29) & 3;
        found.staticRule = (packed >> 27) & 3;
        found.pushes = (packed >> 22) & 0x1f;
        found.pops = (packed >> 17) & 0x1f;
        found.gasCost = packed & 0x1ffff;
    }
}
