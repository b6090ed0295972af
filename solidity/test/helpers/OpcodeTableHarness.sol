// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OpcodeRow, OpcodeTable} from "../../src/dispute/osp/OpcodeTable.sol";

/// @notice An external door to the opcode table, which finds memory dirty.
contract OpcodeTableHarness {
    function row(uint256 opcode) external pure returns (OpcodeRow memory) {
        assembly ("memory-safe") {
            let free := mload(0x40) // what the table is copied to, and what follows it
            for { let i := 0 } // dirt
             lt(i, 0x1000) { i := add(i, 0x20) } { mstore(add(free, i), not(0)) }
        }
        return OpcodeTable.row(opcode);
    }
}
