// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The fee vault (L2)
/// @notice Coinbase of every block. Its balance can only go to one L1 account.
interface IFeeVault {
    /// @notice The balance was sent to L1 as message `key`.
    event FeesWithdrawn(bytes32 indexed key, address recipient, uint256 value);

    /// @notice There is nothing to withdraw.
    error NoFees();

    /// @notice Send the whole balance to the recipient on L1. Anyone.
    /// @return key Key of the message.
    function withdraw() external returns (bytes32 key);

    /// @notice L1 account that receives the fees.
    function recipient() external view returns (address);
}
