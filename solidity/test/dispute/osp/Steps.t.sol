// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {Frame, HALT_EXCEPTIONAL, HALT_REVERT, HALT_SUCCESS, Machine, View} from "../../../src/dispute/osp/Machine.sol";
import {Steps} from "../../../src/dispute/osp/Steps.sol";
import {WordTree} from "../../../src/libraries/WordTree.sol";
import {Phase} from "../../../src/types/Unit.sol";

contract StepsTest is Test {
    function test_emptyMemoryRoot() public pure {
        assertEq(Steps.EMPTY_MEMORY_ROOT, WordTree.zeroRoot(WordTree.DEPTH));
    }

    function test_charge_exactlyWhatIsThere() public pure {
        Frame memory frame;
        frame.gas = 5;
        assertFalse(Steps.charge(frame, 6));
        assertEq(frame.gas, 5);
        assertTrue(Steps.charge(frame, 5));
        assertEq(frame.gas, 0);
        assertTrue(Steps.charge(frame, 0));
        assertFalse(Steps.charge(frame, type(uint256).max));
    }

    function test_memoryCost() public pure {
        assertEq(Steps.memoryCost(0), 0);
        assertEq(Steps.memoryCost(1), 3);
        assertEq(Steps.memoryCost(23), 70);
        assertEq(Steps.memoryCost(1 << 16), 3 * 65_536 + 8_388_608);
    }

    function test_expand_paysOnlyForWhatIsNew() public pure {
        Frame memory frame;
        frame.gas = 100;
        assertTrue(Steps.expand(frame, 31, 1));
        assertEq(frame.memoryWords, 1);
        assertEq(frame.gas, 97);
        assertTrue(Steps.expand(frame, 31, 2));
        assertEq(frame.memoryWords, 2);
        assertEq(frame.gas, 94);
        assertTrue(Steps.expand(frame, 0, 64));
        assertEq(frame.gas, 94);
    }

    function test_expand_nothingNeedsNoMemory() public pure {
        Frame memory frame;
        assertTrue(Steps.expand(frame, type(uint256).max, 0));
        assertEq(frame.memoryWords, 0);
    }

    function test_expand_failsBeyondTheTree() public pure {
        Frame memory frame;
        frame.gas = type(uint256).max;
        assertTrue(Steps.expand(frame, 0, 1 << 21));
        assertEq(frame.memoryWords, 1 << 16);
        assertFalse(Steps.expand(frame, 1 << 21, 1));
        assertFalse(Steps.expand(frame, 1, 1 << 21));
        assertFalse(Steps.expand(frame, type(uint256).max, 1));
        assertFalse(Steps.expand(frame, 1, type(uint256).max));
        assertFalse(Steps.expand(frame, type(uint256).max, type(uint256).max));
    }

    function test_push_chains() public pure {
        Frame memory frame;
        uint256[] memory items = new uint256[](2);
        (items[0], items[1]) = (2, 1);
        Steps.push(frame, 1);
        Steps.push(frame, 2);
        bytes32 expected = keccak256(abi.encode(keccak256(abi.encode(bytes32(0), uint256(1))), uint256(2)));
        assertEq(frame.stackHash, expected);
        assertEq(frame.stackHeight, 2);

        Frame memory other;
        Steps.pushAll(other, items);
        assertEq(other.stackHash, expected);
        assertEq(other.stackHeight, 2);
    }

    function test_halt_keepsOnlyWhatExitNeeds() public pure {
        uint256[3] memory statuses = [HALT_SUCCESS, HALT_REVERT, HALT_EXCEPTIONAL];
        for (uint256 i = 0; i < 3; ++i) {
            Machine memory m = _running();
            Steps.halt(m, statuses[i], View(bytes32(uint256(9)), 1, 2));

            bool isExceptional = statuses[i] == HALT_EXCEPTIONAL;
            Frame memory frame = m.frame;
            assertTrue(m.phase == Phase.EXIT);
            assertEq(frame.halt, statuses[i]);
            assertEq(frame.gas, isExceptional ? 0 : 77);
            assertEq(frame.returndata.length, isExceptional ? 0 : 2);
            assertEq(frame.returndata.root, bytes32(uint256(isExceptional ? 0 : 9)));
            assertEq(frame.pc + frame.stackHeight + frame.memoryWords, 0);
            assertEq(frame.stackHash, 0);
            assertEq(frame.memoryRoot, Steps.EMPTY_MEMORY_ROOT);
            assertEq(m.journalHash, statuses[i] == HALT_SUCCESS ? bytes32(0) : frame.snapshot);
            assertEq(frame.outOffset, 5);
        }
    }

    function _running() private pure returns (Machine memory m) {
        m.phase = Phase.EXEC;
        m.frame.snapshot = bytes32(uint256(3));
        m.frame.gas = 77;
        m.frame.pc = 4;
        m.frame.stackHash = bytes32(uint256(8));
        m.frame.stackHeight = 1;
        m.frame.memoryRoot = bytes32(uint256(6));
        m.frame.memoryWords = 2;
        m.frame.outOffset = 5;
    }
}
