// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {Code} from "../../../src/dispute/osp/Code.sol";

contract CodeTest is Test {
    uint256 internal constant LONGEST_CODE = 49_152;
    uint256 internal constant GAS_PER_BYTE = 50;

    function test_opcodeAt_isStopBeyondTheEnd() public view {
        assertEq(this.opcodeAt(hex"6001", 0), 0x60);
        assertEq(this.opcodeAt(hex"6001", 1), 0x01);
        assertEq(this.opcodeAt(hex"6001", 2), 0);
        assertEq(this.opcodeAt(hex"6001", type(uint256).max), 0);
        assertEq(this.opcodeAt("", 0), 0);
    }

    function test_pushed_endsInZerosBeyondTheCode() public view {
        assertEq(this.pushed(hex"61aabb", 1, 2), 0xaabb);
        assertEq(this.pushed(hex"61aa", 1, 2), 0xaa00);
        assertEq(this.pushed(hex"61", 1, 2), 0);
        assertEq(this.pushed(hex"61", 5, 32), 0);
        assertEq(this.pushed(hex"5f", 1, 0), 0);
        assertEq(this.pushed(hex"5fff", 1, 0), 0);
        assertEq(this.pushed(bytes.concat(hex"7f", bytes32(type(uint256).max)), 1, 32), type(uint256).max);
        assertEq(this.pushed(bytes.concat(hex"7f", bytes31(type(uint248).max)), 1, 32), type(uint256).max - 0xff);
    }

    function test_isJumpDest_notInsidePushData() public view {
        assertTrue(this.isJumpDest(hex"5b", 0));
        assertFalse(this.isJumpDest(hex"5b", 1));
        assertFalse(this.isJumpDest("", 0));
        assertFalse(this.isJumpDest(hex"00", 0));
        assertFalse(this.isJumpDest(hex"605b", 1));
        assertTrue(this.isJumpDest(hex"605b5b", 2));
        assertTrue(this.isJumpDest(hex"5f5b", 1));
        assertFalse(this.isJumpDest(hex"5b", type(uint256).max));
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_isJumpDest_isTheOneOfThePlainWalk(uint256 seed, uint16 length) public view {
        bytes memory code = _anyCode(seed, length % 700);
        bool[] memory marks = _plainWalk(code);

        for (uint256 i = 0; i < code.length + 2; ++i) {
            assertEq(this.isJumpDest(code, i), i < code.length && marks[i], vm.toString(i));
        }
    }

    function test_isJumpDest_longestInitcodeOfOneByteInstructions() public view {
        bytes memory code = new bytes(LONGEST_CODE);
        for (uint256 i = 0; i < LONGEST_CODE; ++i) {
            code[i] = 0x5b;
        }

        assertLt(this.gasOfIsJumpDest(code, LONGEST_CODE - 1), GAS_PER_BYTE * LONGEST_CODE);
    }

    function opcodeAt(bytes calldata code, uint256 pc) external pure returns (uint256) {
        return Code.opcodeAt(code, pc);
    }

    function pushed(bytes calldata code, uint256 start, uint256 size) external pure returns (uint256) {
        return Code.pushed(code, start, size);
    }

    function isJumpDest(bytes calldata code, uint256 target) external pure returns (bool) {
        return Code.isJumpDest(code, target);
    }

    function gasOfIsJumpDest(bytes calldata code, uint256 target) external view returns (uint256) {
        uint256 before = gasleft();
        assertTrue(Code.isJumpDest(code, target));
        return before - gasleft();
    }

    /// @dev Code of which a third is JUMPDEST and a third PUSH.
    function _anyCode(uint256 seed, uint256 length) private pure returns (bytes memory code) {
        code = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint256 kind = word % 3;
            code[i] =
                kind == 0 ? bytes1(0x5b) : kind == 1 ? bytes1(uint8(0x60 + (word >> 8) % 32)) : bytes1(uint8(word));
        }
    }

    function _plainWalk(bytes memory code) private pure returns (bool[] memory marks) {
        marks = new bool[](code.length);
        for (uint256 i = 0; i < code.length; ++i) {
            uint8 opcode = uint8(code[i]);
            marks[i] = opcode == 0x5b;
            if (opcode >= 0x60 && opcode <= 0x7f) i += opcode - 0x5f;
        }
    }
}
