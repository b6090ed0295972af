// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {Code} from "../../../src/dispute/osp/Code.sol";
import {Machine} from "../../../src/dispute/osp/Machine.sol";
import {OpcodeTable} from "../../../src/dispute/osp/OpcodeTable.sol";
import {
    GROUP_MEMORY,
    OP_CALLDATACOPY,
    OP_CODECOPY,
    OP_EXTCODECOPY,
    OP_KECCAK256,
    OP_LOG0
} from "../../../src/dispute/osp/Opcodes.sol";
import {Ranges} from "../../../src/dispute/osp/Ranges.sol";
import {TAG_LOG} from "../../../src/libraries/Constants.sol";

contract RangesTest is Test {
    function test_kinds_areOpcodesOfMemory() public pure {
        uint256 hashes;
        uint256 codeCopies;
        for (uint256 op = 0; op < 256; ++op) {
            if (Ranges.isHash(op) || Ranges.isCodeCopy(op)) assertEq(OpcodeTable.row(op).group, GROUP_MEMORY);
            if (Ranges.isHash(op)) ++hashes;
            if (Ranges.isCodeCopy(op)) ++codeCopies;
        }

        assertEq(hashes, 6);
        assertEq(codeCopies, 2);
        assertTrue(Ranges.isHash(OP_KECCAK256) && !Ranges.isLog(OP_KECCAK256) && Ranges.isLog(OP_LOG0 + 4));
        assertTrue(Ranges.isCodeCopy(OP_CODECOPY) && Ranges.isCodeCopy(OP_EXTCODECOPY));
        assertFalse(Ranges.isCodeCopy(OP_CALLDATACOPY) || Ranges.isHash(OP_CALLDATACOPY));
    }

    function test_useHash_log_topicsThatAreNotThereAreZero() public pure {
        Machine memory m;
        m.frame.self = address(0xabc);
        m.journal.logAcc = bytes32(uint256(7));
        m.journal.logCount = 3;
        uint256[] memory items = new uint256[](4);
        (items[0], items[1], items[2], items[3]) = (64, 32, 11, 12); // offset, length, two topics

        Ranges.useHash(m, OP_LOG0 + 2, items, bytes32(uint256(9)));

        assertEq(m.journal.logCount, 4);
        assertEq(m.frame.stackHeight, 0);
        assertEq(m.journal.logAcc, keccak256(abi.encode(TAG_LOG, 7, address(0xabc), 2, 11, 12, 0, 0, 9)));
    }

    function test_useHash_keccak_isPushed() public pure {
        Machine memory m;

        Ranges.useHash(m, OP_KECCAK256, new uint256[](2), bytes32(uint256(9)));

        assertEq(m.frame.stackHeight, 1);
        assertEq(m.frame.stackHash, keccak256(abi.encode(0, 9)));
        assertEq(m.journal.logCount, 0);
    }

    function testFuzz_slice_isZeroBeyondTheCode(bytes calldata code, uint256 start, uint8 length) public view {
        start = bound(start, 0, code.length + 40);
        bytes memory data = this.slice(code, start, length);

        assertEq(data.length, length);
        for (uint256 i = 0; i < length; ++i) {
            assertEq(uint8(data[i]), start + i < code.length ? uint8(code[start + i]) : 0);
        }
    }

    function test_slice_anyStart() public view {
        assertEq(this.slice(hex"0102", 1, 3), hex"020000");
        assertEq(this.slice(hex"0102", 2, 2), hex"0000");
        assertEq(this.slice(hex"0102", type(uint256).max, 2), hex"0000");
        assertEq(this.slice("", 0, 1), hex"00");
    }

    function slice(bytes calldata code, uint256 start, uint256 length) external pure returns (bytes memory) {
        return Code.slice(code, start, length);
    }
}
