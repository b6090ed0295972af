// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBridge} from "../interfaces/IBridge.sol";
import {ICollateral} from "../interfaces/settlement/ICollateral.sol";
import {ITokenGateway} from "../interfaces/settlement/ITokenGateway.sol";
import {ALIAS_OFFSET, COLLATERAL} from "../libraries/Constants.sol";
import {SubaccountId} from "../types/Settlement.sol";

/// @notice What the gateway asks of a token (ERC-20). Return values are optional, as many tokens have none.
interface IToken {
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 amount) external;
    function transferFrom(address from, address to, uint256 amount) external;
}

/// @title The token gateway (L1)
/// @notice See ITokenGateway.
contract TokenGateway is ITokenGateway {
    /* CONSTANTS */

    /// @dev L2 gas of the deposit: a credit that opens a subaccount costs less, measured with all slots cold.
    uint64 internal constant DEPOSIT_GAS = 200_000;

    /// @dev So that no sum on L2 overflows.
    uint256 internal constant MAX_AMOUNT = type(uint128).max;

    /* IMMUTABLES */

    /// @inheritdoc ITokenGateway
    address public immutable BRIDGE;

    /// @inheritdoc ITokenGateway
    address public immutable TOKEN;

    /* CONSTRUCTOR */

    constructor(address bridge, address token) {
        BRIDGE = bridge;
        TOKEN = token;
    }

    /* DEPOSITS */

    /// @inheritdoc ITokenGateway
    function deposit(SubaccountId id, uint256 amount) external returns (uint256 depositIndex) {
        if (amount == 0) revert ZeroAmount();
        if (amount > MAX_AMOUNT) revert AmountTooLarge(amount);
        _take(amount);
        address owner = _l2SenderOf(msg.sender);
        depositIndex = IBridge(BRIDGE)
            .deposit(COLLATERAL, 0, DEPOSIT_GAS, false, abi.encodeCall(ICollateral.creditToken, (owner, id, amount)));
        emit TokenDeposited(msg.sender, owner, id, amount, depositIndex);
    }

    /* MESSAGES */

    /// @inheritdoc ITokenGateway
    function release(address to, uint256 amount) external {
        if (msg.sender != BRIDGE) revert NotBridge();
        address sender = IBridge(BRIDGE).l2Sender();
        if (sender != COLLATERAL) revert NotCollateral(sender);
        emit TokenReleased(to, amount);
        _callToken(abi.encodeCall(IToken.transfer, (to, amount)));
    }

    /* INTERNAL */

    /// @dev Takes the caller's tokens; exactly `amount` must arrive. A token that calls out may come back here: what it
    /// deposits or releases meanwhile changes the balance, so nothing is counted twice.
    function _take(uint256 amount) internal {
        uint256 before = IToken(TOKEN).balanceOf(address(this));
        _callToken(abi.encodeCall(IToken.transferFrom, (msg.sender, address(this), amount)));
        uint256 received = IToken(TOKEN).balanceOf(address(this)) - before;
        if (received != amount) revert InexactTransfer(amount, received);
    }

    /// @dev The call succeeds and returns true or nothing, and there is code that returns.
    function _callToken(bytes memory data) internal {
        // slither-disable-next-line low-level-calls
        (bool ok, bytes memory result) = TOKEN.call(data);
        if (!ok || TOKEN.code.length == 0) revert TokenCallFailed();
        if (result.length != 0 && (result.length < 32 || abi.decode(result, (uint256)) != 1)) revert TokenCallFailed();
    }

    function _l2SenderOf(address caller) internal view returns (address) {
        // slither-disable-next-line tx-origin
        if (caller == tx.origin) return caller;
        unchecked {
            // Wraps at 160 bits by definition.
            return address(uint160(caller) + uint160(ALIAS_OFFSET));
        }
    }
}
