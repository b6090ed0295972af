// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {Addresses} from "../../../src/dispute/osp/Addresses.sol";

contract AddressesTest is Test {
    function testFuzz_create(address creator, uint64 nonce) public pure {
        vm.assume(nonce != type(uint64).max);
        assertEq(Addresses.create(creator, nonce), vm.computeCreateAddress(creator, nonce));
    }

    function test_create_smallNonces() public pure {
        for (uint256 nonce = 0; nonce < 300; ++nonce) {
            assertEq(Addresses.create(address(0xabcd), nonce), vm.computeCreateAddress(address(0xabcd), nonce));
        }
    }

    function testFuzz_create2(address creator, uint256 salt, bytes32 initcodeHash) public pure {
        address expected = vm.computeCreate2Address(bytes32(salt), initcodeHash, creator);
        assertEq(Addresses.create2(creator, salt, initcodeHash), expected);
    }
}
