// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {CallGas} from "../../../src/dispute/osp/CallGas.sol";

contract CallGasTest is Test {
    function test_extra_everyCase() public pure {
        assertEq(CallGas.extra(true, false, false), 100);
        assertEq(CallGas.extra(false, false, false), 2600);
        assertEq(CallGas.extra(true, true, false), 9100);
        assertEq(CallGas.extra(false, true, false), 11_600);
        assertEq(CallGas.extra(true, true, true), 34_100);
        assertEq(CallGas.extra(false, true, true), 36_600);
    }

    function test_selfDestruct_everyCase() public pure {
        assertEq(CallGas.selfDestruct(true, false), 0);
        assertEq(CallGas.selfDestruct(false, false), 2600);
        assertEq(CallGas.selfDestruct(true, true), 25_000);
        assertEq(CallGas.selfDestruct(false, true), 27_600);
    }

    function test_initcode_roundsUpToWords() public pure {
        assertEq(CallGas.initcode(0, false), 0);
        assertEq(CallGas.initcode(1, false), 2);
        assertEq(CallGas.initcode(32, true), 8);
        assertEq(CallGas.initcode(33, true), 16);
        assertEq(CallGas.initcode(49_152, false), 3072);
    }

    function testFuzz_initcode_anyLength(uint256 length, bool isCreate2) public pure {
        uint256 cost = CallGas.initcode(length, isCreate2);

        assertGe(cost, length / 32 * (isCreate2 ? 8 : 2));
        assertLe(cost, (length / 32 + 1) * (isCreate2 ? 8 : 2));
    }

    function testFuzz_child_leavesOne64th(uint256 requested, uint256 gas) public pure {
        uint256 given = CallGas.child(requested, gas);

        assertLe(given, requested);
        assertLe(given, gas - gas / 64);
        assertTrue(given == requested || given == gas - gas / 64);
    }
}
