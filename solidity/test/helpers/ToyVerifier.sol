// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOneStepVerifier} from "../../src/interfaces/IOneStepVerifier.sol";

/// @notice A machine small enough to be run inside a test. Two batches of five units each; a unit's first step also
/// reads the accumulator, and behind its last one the state stays.
library ToyMachine {
    uint256 internal constant BATCHES = 2;
    uint256 internal constant UNITS = 5;

    /// @dev Steps of unit `j`.
    function stepsOf(uint256 j) internal pure returns (uint256) {
        if (j >> 15 >= BATCHES || j & 0x7fff >= UNITS) return 0;
        return [uint256(1), 40, 7, 33, 3][j & 0x7fff];
    }

    function step(bytes32 pre, uint256 j, uint256 v, bytes32 acc) internal pure returns (bytes32) {
        if (v >= stepsOf(j)) return pre;
        return keccak256(abi.encode(pre, j, v, v == 0 ? acc : bytes32(0)));
    }

    function run(bytes32 pre, uint256 j, bytes32 acc) internal pure returns (bytes32) {
        uint256 steps = stepsOf(j);
        for (uint256 v = 0; v < steps; ++v) {
            pre = step(pre, j, v, acc);
        }
        return pre;
    }
}

/// @notice The verifier of that machine; it wants no witness but an empty one.
contract ToyVerifier is IOneStepVerifier {
    function step(bytes32 pre, uint256 j, uint256 v, bytes32 acc, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        if (witness.length != 0) revert WrongCode();
        return ToyMachine.step(pre, j, v, acc);
    }
}
