// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "./IDisputeGame.sol";

/// @title A game that only records openings
/// @notice A contested pair never confirms: there is no way to decide it and no administrator to do so.
interface IDisputeRegistry is IDisputeGame {
    /// @notice A dispute was opened.
    event Opened(bytes32 indexed older, bytes32 indexed newer, address opener);

    /// @notice The two are not live children of one parent in this order of age.
    error NotLiveSiblings(bytes32 older, bytes32 newer);

    /// @notice There already is a dispute between the two.
    error AlreadyOpen(bytes32 older, bytes32 newer);

    /// @notice The window for openings has closed.
    error WindowClosed(uint256 closedAt);

    /// @notice Open a dispute between two siblings. Anyone, until T after the first child of their parent.
    function open(bytes32 older, bytes32 newer) external;
}
