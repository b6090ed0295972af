// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {StorageGas} from "../../../src/dispute/osp/StorageGas.sol";

contract StorageGasTest is Test {
    /// @dev The table of test cases of EIP-3529: what a slot holds at first, then what is written to it, one digit
    /// for each write; gas without the first access; refund.
    function test_store_tableOfEip3529() public pure {
        _check(0, "00", 200, 0);
        _check(0, "01", 20_100, 0);
        _check(0, "10", 20_100, 19_900);
        _check(0, "12", 20_100, 0);
        _check(0, "11", 20_100, 0);
        _check(1, "00", 3000, 4800);
        _check(1, "01", 3000, 2800);
        _check(1, "02", 3000, 0);
        _check(1, "20", 3000, 4800);
        _check(1, "23", 3000, 0);
        _check(1, "21", 3000, 2800);
        _check(1, "22", 3000, 0);
        _check(1, "10", 3000, 4800);
        _check(1, "12", 3000, 0);
        _check(1, "11", 200, 0);
        _check(0, "101", 40_100, 19_900);
        _check(1, "010", 5900, 7600);
    }

    function test_load_isDearerTheFirstTime() public pure {
        assertEq(StorageGas.load(true), 100);
        assertEq(StorageGas.load(false), 2100);
    }

    /// @dev EIP-2200 says it case by case; here it is said by what each case is.
    function testFuzz_store_costOfEveryCase(uint8 original, uint8 current, uint8 value, bool wasWarm) public pure {
        (original, current, value) = (original % 3, current % 3, value % 3);
        uint256 cost = StorageGas.store(original, current, value, wasWarm) - (wasWarm ? 0 : 2100);

        bool isFirstChange = current == original && value != current;
        if (!isFirstChange) assertEq(cost, 100);
        else if (original == 0) assertEq(cost, 20_000);
        else assertEq(cost, 2900);
    }

    /// @dev The counter never goes below what the transaction gave: no order of writes makes it underflow.
    function testFuzz_refund_neverUnderflows(uint256 seed, uint256 original) public pure {
        original %= 3;
        uint256 current = original;
        uint256 refund;
        for (uint256 i = 0; i < 40; ++i) {
            uint256 value = uint256(keccak256(abi.encode(seed, i))) % 3;
            refund = StorageGas.refundAfter(refund, original, current, value);
            current = value;
        }

        refund = StorageGas.refundAfter(refund, original, current, original);
        uint256 unchanged = StorageGas.refundAfter(refund, original, original, original);
        assertEq(refund, unchanged);
    }

    function _check(uint256 original, string memory writes, uint256 gas, uint256 refund) private pure {
        uint256 current = original;
        uint256 totalGas;
        uint256 counter;
        for (uint256 i = 0; i < bytes(writes).length; ++i) {
            uint256 value = uint8(bytes(writes)[i]) - 48;
            totalGas += StorageGas.store(original, current, value, true);
            counter = StorageGas.refundAfter(counter, original, current, value);
            current = value;
        }
        assertEq(totalGas, gas, writes);
        assertEq(counter, refund, writes);
    }
}
