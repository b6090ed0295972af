// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The one-step verifier
/// @notice Says what one step makes of a machine of which only the hash is known.
interface IOneStepVerifier {
    /// @notice The machine in the witness is not the one with this hash.
    error WrongMachine(bytes32 expected, bytes32 actual);

    /// @notice The code in the witness is not the frame's, or the step reads none.
    error WrongCode();

    /// @notice The machine after step `v` of unit `j`. Defined for every reachable machine; reverts if the witness
    /// does not prove the step.
    /// @param pre Hash of the machine before.
    /// @param j Batch of the assertion and unit of the batch: (batch << 15) | unit.
    /// @param v Step of the unit, below 2^25.
    /// @param acc Accumulator of the inbox after that batch, zero beyond the assertion's last one.
    /// @param witness abi.encode(StepProof).
    /// @return post Hash of the machine after.
    function step(bytes32 pre, uint256 j, uint256 v, bytes32 acc, bytes calldata witness)
        external
        view
        returns (bytes32 post);
}
