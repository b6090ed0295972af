// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMessagePasser} from "../interfaces/IMessagePasser.sol";
import {Message, Route} from "../types/Message.sol";

/// @title The message passer (L2)
/// @notice See IMessagePasser. Predeploy: genesis writes its code and slots 2 and 3; there is no constructor.
contract MessagePasser is IMessagePasser {
    /* CONSTANTS */

    /// @dev Half of what one L1 transaction may use.
    uint256 internal constant MAX_GAS_LIMIT = 1 << 23;

    /// @dev Half of what an L1 transaction pool accepts.
    uint256 internal constant MAX_DATA_BYTES = 65_536;

    /* STORAGE */

    /// @inheritdoc IMessagePasser
    mapping(bytes32 key => bool) public sent;

    /// @inheritdoc IMessagePasser
    uint256 public nonce;

    /// @inheritdoc IMessagePasser
    uint256 public l1ChainId;

    /// @inheritdoc IMessagePasser
    address public bridge;

    /* MESSAGES */

    /// @inheritdoc IMessagePasser
    function sendMessage(address target, uint256 gasLimit, bytes calldata data) external payable returns (bytes32 key) {
        if (gasLimit > MAX_GAS_LIMIT) revert GasLimitTooHigh(gasLimit, MAX_GAS_LIMIT);
        if (data.length > MAX_DATA_BYTES) revert DataTooLong(data.length, MAX_DATA_BYTES);
        Message memory message = Message({
            nonce: nonce++, sender: msg.sender, target: target, value: msg.value, gasLimit: gasLimit, data: data
        });
        key = message.messageKey(Route({l1ChainId: l1ChainId, bridge: bridge, l2ChainId: block.chainid}));
        sent[key] = true;
        emit MessageSent(key, message.nonce, msg.sender, target, msg.value, gasLimit, data);
    }
}
