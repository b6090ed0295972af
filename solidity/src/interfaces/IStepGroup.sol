// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Some of the machine's steps
/// @notice Does the work of IOneStepVerifier for the phases or opcodes that the verifier gives to this contract.
interface IStepGroup {
    /// @notice The machine after a step. Means something only to the verifier, which has checked that the machine in
    /// the witness hashes to the one before the step, that the code is the frame's, and that the step is this group's.
    /// Has the signature of IOneStepVerifier.step: the verifier passes its own calldata on as it is.
    /// @param v Step of the unit.
    /// @param acc Accumulator of the inbox after the batch that the unit would begin.
    /// @param witness abi.encode(StepProof).
    /// @return post Hash of the machine after.
    function step(bytes32 pre, uint256 j, uint256 v, bytes32 acc, bytes calldata witness)
        external
        view
        returns (bytes32 post);
}
