// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The plug between the assertion chain and the dispute game
/// @notice The chain asks one question. The game in turn may call `kill` and `seize` of the chain.
interface IOpenings {
    /// @notice Whether a dispute between two siblings was ever opened; it then decides between them, and the
    /// newer one can no longer be killed for being unopened.
    /// @param older Sibling with the smaller `seq`.
    /// @param newer Sibling with the larger `seq`.
    function isOpen(bytes32 older, bytes32 newer) external view returns (bool);
}
