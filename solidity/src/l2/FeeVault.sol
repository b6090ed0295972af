// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IFeeVault} from "../interfaces/IFeeVault.sol";
import {IMessagePasser} from "../interfaces/IMessagePasser.sol";
import {MESSAGE_PASSER} from "../libraries/Constants.sol";

/// @title The fee vault (L2)
/// @notice See IFeeVault. Predeploy: genesis writes its code and slot 0; there is no constructor.
/// @dev Fees are credited to the balance without a call.
contract FeeVault is IFeeVault {
    /* CONSTANTS */

    /// @dev Enough for a recipient that is a wallet contract.
    uint256 internal constant MESSAGE_GAS_LIMIT = 100_000;

    /* STORAGE */

    /// @inheritdoc IFeeVault
    address public recipient;

    /* FEES */

    /// @inheritdoc IFeeVault
    function withdraw() external returns (bytes32 key) {
        uint256 value = address(this).balance;
        if (value == 0) revert NoFees();
        key = IMessagePasser(MESSAGE_PASSER).sendMessage{value: value}(recipient, MESSAGE_GAS_LIMIT, "");
        emit FeesWithdrawn(key, recipient, value);
    }
}
