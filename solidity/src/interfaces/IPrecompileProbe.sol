// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Checks that L1 still runs precompiles as the one-step verifier expects
/// @notice A change of L1's prices or rules shows here before a dispute depends on it. Anyone may ask, at any time.
interface IPrecompileProbe {
    /// @notice Returns if each precompile of L1 that the verifier runs gives the stored result, with no more gas
    /// than the verifier forwards. Identity is never run.
    /// @dev Reverts with PrecompileBroken(number) naming the first that does not, and with NotEnoughGas(gasNeeded)
    /// if the caller gave too little to tell.
    function probe() external view;

    /// @notice The stored input of precompile `number` and the keccak256 of its result.
    /// @dev Reverts with NothingToRun(number) for identity and for what is no precompile of the rollup.
    function vector(uint256 number) external pure returns (bytes memory input, bytes32 outputHash);
}
