// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";

/// @notice Looks back at the bridge while it is called.
contract Forwarder {
    IBridge internal immutable BRIDGE;
    address public sender;
    uint256 public gasSeen;
    bytes public failure;

    constructor(IBridge bridge) {
        BRIDGE = bridge;
    }

    function remember() external payable {
        sender = BRIDGE.l2Sender();
    }

    function measure() external payable {
        gasSeen = gasleft();
    }

    function forward(bytes calldata nested) external payable {
        (bool ok, bytes memory output) = address(BRIDGE).call(nested);
        if (!ok) failure = output;
    }
}

/// @notice Refuses wei until told otherwise, and answers at any length.
contract Refuser {
    bool public accepts;

    receive() external payable {
        require(accepts);
    }

    function accept() external {
        accepts = true;
    }

    function bomb(uint256 size) external payable {
        assembly {
            return(0, size)
        }
    }
}

/// @notice Deposits whatever it gets.
contract Depositor {
    IBridge internal immutable BRIDGE;

    constructor(IBridge bridge) {
        BRIDGE = bridge;
    }

    receive() external payable {
        BRIDGE.deposit{value: msg.value}(address(this), msg.value, 21_000, false, "");
    }
}
