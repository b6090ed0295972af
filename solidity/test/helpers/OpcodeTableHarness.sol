// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OpcodeRow, OpcodeTable} from "../../src/dispute/osp/OpcodeTable.sol";

/// @notice An external door to the opcode table.
contract OpcodeTableHarness {
    function row(uint256 opcode) external pure returns (OpcodeRow memory) {
        return OpcodeTable.row(opcode);
    }
}
