// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TAG_MSG} from "../libraries/Constants.sol";

using {messageKey} for Message global;

/// @notice A call from L2 to L1, sent through the MessagePasser. Twin: optimistic/protocol/withdrawals.py.
struct Message {
    uint256 nonce;
    /// L2 account that sent it.
    address sender;
    /// L1 account to be called.
    address target;
    uint256 value;
    /// L1 gas the call is guaranteed to get.
    uint256 gasLimit;
    bytes data;
}

/// @notice The chains and the bridge between which a message travels.
struct Route {
    uint256 l1ChainId;
    address bridge;
    uint256 l2ChainId;
}

/// @notice H(TAG_MSG, l1ChainId, bridge, l2ChainId, nonce, sender, target, value, gasLimit, keccak256(data)).
function messageKey(Message memory m, Route memory route) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_MSG, route, m.nonce, m.sender, m.target, m.value, m.gasLimit, keccak256(m.data)));
}
