// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OP_JUMPDEST, OP_STOP} from "./Opcodes.sol";

/// @notice Code as the machine reads it: zeros follow its end.
library Code {
    /// @dev Bytes of the longest instruction, PUSH32.
    uint256 private constant LONGEST = 33;

    /// @dev The opcode at the program counter; beyond the end it is STOP.
    function opcodeAt(bytes calldata code, uint256 pc) internal pure returns (uint256) {
        return pc < code.length ? uint8(code[pc]) : OP_STOP;
    }

    /// @dev The number in the `size` bytes, 0 to 32, from `start`.
    function pushed(bytes calldata code, uint256 start, uint256 size) internal pure returns (uint256) {
        if (start >= code.length) return 0;
        uint256 end = start + size;
        if (end > code.length) end = code.length;
        // bytes32() pads with zeros on the right
        return uint256(bytes32(code[start:end])) >> (256 - 8 * size);
    }

    /// @dev Bytes [start, start + length); any start.
    function slice(bytes calldata code, uint256 start, uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        if (start >= code.length) return data;
        uint256 inside = code.length - start;
        if (inside > length) inside = length;
        assembly ("memory-safe") {
            // `inside` bytes from `start` are in the code, and `data` has room for them
            calldatacopy(add(data, 0x20), add(code.offset, start), inside)
        }
    }

    /// @dev Whether a jump may go to `target`: a JUMPDEST that is no data of a PUSH, which only a walk from the
    /// beginning of the code can tell.
    function isJumpDest(bytes calldata code, uint256 target) internal pure returns (bool isFound) {
        if (target >= code.length || uint8(code[target]) != OP_JUMPDEST) return false;
        uint256 eight = 8 * LONGEST;
        assembly ("memory-safe") {
            // A table of instruction lengths by opcode: 2 to 33 for the 32 opcodes from PUSH1, otherwise 1.
            let table := mload(0x40) // free memory, used below without being kept
            let ones := 0x0101010101010101010101010101010101010101010101010101010101010101
            for { let i := 0 } lt(i, 0x100) { i := add(i, 0x20) } { mstore(add(table, i), ones) }
            mstore(add(table, 0x60), 0x02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021)
            function after(lengths, place) -> following {
                following := add(place, byte(0, mload(add(lengths, byte(0, calldataload(place))))))
            }
            let place := code.offset
            let end := add(place, target)
            // eight instructions at a time while they cannot reach the target: the loop costs as much as one
            for {} lt(add(place, eight), end) {} {
                place := after(table, place)
                place := after(table, place)
                place := after(table, place)
                place := after(table, place)
                place := after(table, place)
                place := after(table, place)
                place := after(table, place)
                place := after(table, place)
            }
            for {} lt(place, end) {} { place := after(table, place) }
            isFound := eq(place, end)
        }
    }
}
