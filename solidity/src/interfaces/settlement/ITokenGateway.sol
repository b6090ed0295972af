// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SubaccountId} from "../../types/Settlement.sol";

/// @title The token gateway (L1)
/// @notice Holds the cash token of the settlement layer. A deposit locks tokens and calls Collateral on L2 through the
/// bridge; a message from Collateral pays them out. Nobody else moves them, and nothing about it can be changed.
interface ITokenGateway {
    /// @notice Tokens were locked; `owner` is the depositor's L2 account.
    event TokenDeposited(
        address indexed from, address indexed owner, SubaccountId indexed id, uint256 amount, uint256 depositIndex
    );
    event TokenReleased(address indexed to, uint256 amount);

    error NotBridge();
    error NotCollateral(address sender);
    error ZeroAmount();

    /// @notice More than the ledger on L2 counts.
    error AmountTooLarge(uint256 amount);

    /// @notice The token took or kept a part of what was sent: such tokens are not supported.
    error InexactTransfer(uint256 expected, uint256 received);

    /// @notice The token refused, or there is none.
    error TokenCallFailed();

    // solhint-disable-next-line func-name-mixedcase
    function BRIDGE() external view returns (address);
    // solhint-disable-next-line func-name-mixedcase
    function TOKEN() external view returns (address);

    /// @notice Lock `amount` of the caller's tokens for its subaccount `id`; a new one is opened if it has no such one.
    /// Costs the L1 gas of a deposit (IInbox.enqueueDeposit). The owner on L2 is the caller, plus ALIAS_OFFSET if and
    /// only if the caller is not the transaction's origin.
    function deposit(SubaccountId id, uint256 amount) external returns (uint256 depositIndex);

    /// @notice Called by the bridge while it executes a message of Collateral.
    function release(address to, uint256 amount) external;
}
