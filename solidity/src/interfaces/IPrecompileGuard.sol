// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPrecompileProbe} from "./IPrecompileProbe.sol";

/// @title Remembers whether L1 still runs precompiles as the one-step verifier expects
/// @notice While it does not, a dispute about such a step may end either way: nothing new is believed, but no
/// dispute is stopped. Anyone may have it look.
interface IPrecompileGuard {
    /// @notice The answer changed.
    event PrecompilesJudged(bool isBroken);

    /// @notice Look now. Whatever the caller does, the answer is that of L1: too little gas reverts.
    function probe() external;

    /// @notice What the last look found; false before the first.
    function isBroken() external view returns (bool);

    /// @notice Runs the precompiles.
    function PROBE() external view returns (IPrecompileProbe);
}
