// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {KeccakHarness} from "../helpers/KeccakHarness.sol";

/// @notice What hashing by blocks costs, external call and lanes in and out included.
contract KeccakGasTest is Test {
    uint256 internal constant CHUNK_BLOCKS = 64;

    function test_gas_keccak() public {
        KeccakHarness harness = new KeccakHarness();
        uint64[25] memory sponge;
        bytes memory chunk = new bytes(CHUNK_BLOCKS * 136);
        for (uint256 i = 0; i < chunk.length; ++i) {
            chunk[i] = bytes1(uint8(1 + i % 255));
        }

        harness.absorb(sponge, chunk);
        vm.snapshotGasLastCall("Keccak", "absorb 64 blocks");
        harness.absorb(sponge, new bytes(136));
        vm.snapshotGasLastCall("Keccak", "absorb 1 block");
        harness.finish(sponge, new bytes(135));
        vm.snapshotGasLastCall("Keccak", "finish");
    }
}
