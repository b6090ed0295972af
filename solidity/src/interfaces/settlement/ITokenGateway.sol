// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SubaccountId} from "../../types/Settlement.sol";

/// @title The token gateway (L1)
/// @notice Holds the cash token of the settlement layer. A deposit locks tokens and calls Collateral on L2 through the
/// bridge; a message from Collateral pays them out.
interface ITokenGateway {
    event TokenDeposited(address indexed from, SubaccountId indexed id, uint256 amount, uint256 depositIndex);
    event TokenReleased(address indexed to, uint256 amount);

    error NotBridge();
    error NotCollateral(address sender);
    error ZeroAmount();

    // solhint-disable-next-line func-name-mixedcase
    function BRIDGE() external view returns (address);
    // solhint-disable-next-line func-name-mixedcase
    function TOKEN() external view returns (address);

    /// @notice Lock `amount` of the caller's tokens for its subaccount `id`; zero opens a new one.
    function deposit(SubaccountId id, uint256 amount) external returns (uint256 depositIndex);

    /// @notice Called by the bridge while it executes a message of Collateral.
    function release(address to, uint256 amount) external;
}
