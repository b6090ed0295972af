// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {IntrinsicGas} from "../../src/libraries/IntrinsicGas.sol";

contract IntrinsicGasTest is Test {
    function intrinsic(bytes calldata data, bool isCreate) external pure returns (uint256) {
        return IntrinsicGas.intrinsic(data, isCreate);
    }

    function testFuzz_intrinsic_equalsByteByByte(bytes calldata data, bool isCreate) public view {
        uint256 expected = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            expected += data[i] == 0 ? 4 : 16;
        }
        if (isCreate) expected += 32_000 + 2 * ((data.length + 31) / 32);

        assertEq(this.intrinsic(data, isCreate), expected);
    }

    /// @dev Random bytes are rarely zero; here half of them are, and the others are powers of two.
    function testFuzz_intrinsic_sparseBytes(uint256 seed, uint16 length) public view {
        bytes memory data = new bytes(length % 300);
        uint256 expected = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            if (draw & 1 == 1) data[i] = bytes1(uint8(1 << (draw >> 8 & 7)));
            expected += data[i] == 0 ? 4 : 16;
        }

        assertEq(this.intrinsic(data, false), expected);
    }
}
