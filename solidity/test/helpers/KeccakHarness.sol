// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Keccak} from "../../src/libraries/Keccak.sol";

/// @notice External doors to the Keccak library, for calldata and differential tests.
contract KeccakHarness {
    function absorb(uint64[25] memory sponge, bytes calldata blocks) external pure returns (uint64[25] memory) {
        Keccak.absorb(sponge, blocks);
        return sponge;
    }

    function absorbMemory(uint64[25] memory sponge, bytes memory blocks) external pure returns (uint64[25] memory) {
        Keccak.absorbMemory(sponge, blocks);
        return sponge;
    }

    function finish(uint64[25] memory sponge, bytes calldata tail) external pure returns (bytes32) {
        return Keccak.finish(sponge, tail);
    }

    function finishMemory(uint64[25] memory sponge, bytes memory tail) external pure returns (bytes32) {
        return Keccak.finishMemory(sponge, tail);
    }
}
