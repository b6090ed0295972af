// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The message passer (L2)
/// @notice Records messages to L1 in storage, where they are proven. The wei of sent messages stays here for ever.
interface IMessagePasser {
    /// @notice A message was sent; `key` is what the bridge on L1 recomputes.
    event MessageSent(
        bytes32 indexed key,
        uint256 indexed nonce,
        address indexed sender,
        address target,
        uint256 value,
        uint256 gasLimit,
        bytes data
    );

    /// @notice No L1 transaction could give the message so much gas.
    error GasLimitTooHigh(uint256 gasLimit, uint256 highest);

    /// @notice No L1 transaction could carry the message.
    error DataTooLong(uint256 length, uint256 highest);

    /// @notice Send a message, with the wei of this call, to an L1 account.
    /// @param target L1 account.
    /// @param gasLimit L1 gas the call is guaranteed to get.
    /// @param data Calldata.
    /// @return key Key of the message; its slot in `sent` is what L1 proves.
    function sendMessage(address target, uint256 gasLimit, bytes calldata data) external payable returns (bytes32 key);

    /// @notice Whether a message was sent.
    function sent(bytes32 key) external view returns (bool);

    /// @notice Number of messages sent.
    function nonce() external view returns (uint256);

    /// @notice Chain id of L1.
    function l1ChainId() external view returns (uint256);

    /// @notice The bridge on L1.
    function bridge() external view returns (address);
}
