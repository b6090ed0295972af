// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {BatchItem, BatchItems, ItemKind} from "../../../src/dispute/osp/BatchItems.sol";

contract BatchItemsTest is Test {
    function test_locate_header() public pure {
        BatchItem memory item = _locate(hex"010102030405060708090b", 1, 100);
        assertTrue(item.kind == ItemKind.HEADER);
        assertEq(item.timestamp, 0x0102030405060708);
        assertEq(item.deposits, 0x090b);
        assertEq(item.end, 12);
        assertTrue(_locate(hex"010102030405060708090b", 1, 12).kind == ItemKind.HEADER);
        assertTrue(_locate(hex"010102030405060708090b", 1, 11).kind == ItemKind.END);
    }

    function test_locate_versionAtTheBeginning() public pure {
        BatchItem memory item = _locate(hex"01010102030405060708090b", 0, 12);
        assertTrue(item.kind == ItemKind.HEADER);
        assertEq(item.timestamp, 0x0102030405060708);
        assertEq(item.end, 12);
        assertTrue(_locate(hex"02010102030405060708090b", 0, 12).kind == ItemKind.END);
        assertTrue(_locate("", 0, 0).kind == ItemKind.END);
        assertTrue(_locate(hex"01", 0, 1).kind == ItemKind.END);
    }

    function test_locate_transaction() public pure {
        BatchItem memory item = _locate(hex"0200000003aabbcc", 20, 28);
        assertTrue(item.kind == ItemKind.TRANSACTION);
        assertEq(item.start, 25);
        assertEq(item.end, 28);
        assertTrue(_locate(hex"0200000003aabbcc", 20, 27).kind == ItemKind.END);
        assertTrue(_locate(hex"0200000000", 20, 28).kind == ItemKind.END);
        assertTrue(_locate(hex"02ffffffff", 20, 131_072).kind == ItemKind.END);
        item = _locate(hex"010200000001aa", 0, 7);
        assertTrue(item.kind == ItemKind.TRANSACTION);
        assertEq(item.start, 6);
        assertEq(item.end, 7);
    }

    function test_locate_anythingElseEndsTheData() public pure {
        for (uint256 first = 0; first < 256; ++first) {
            if (first == 1 || first == 2) continue;
            bytes memory head = bytes.concat(bytes1(uint8(first)), hex"0000000100000000000000");
            assertTrue(BatchItems.locate(head, 5, 100).kind == ItemKind.END);
        }
    }

    function _locate(bytes memory head, uint256 cursor, uint256 dataLen) private pure returns (BatchItem memory) {
        bytes memory padded = new bytes(12);
        for (uint256 i = 0; i < head.length && i < 12; ++i) {
            padded[i] = head[i];
        }
        return BatchItems.locate(padded, cursor, dataLen);
    }
}
