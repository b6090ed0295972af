// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../interfaces/IAssertionChain.sol";
import {IBridge} from "../interfaces/IBridge.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IPrecompileGuard} from "../interfaces/IPrecompileGuard.sol";
import {Account, AccountCodec} from "../libraries/AccountCodec.sol";
import {ALIAS_OFFSET, MESSAGE_PASSER} from "../libraries/Constants.sol";
import {Mpt} from "../libraries/Mpt.sol";
import {Message, Route} from "../types/Message.sol";
import {DepositRequest} from "../types/Records.sol";
import {Unit} from "../types/Unit.sol";

/// @title The bridge
/// @notice See IBridge.
contract Bridge is IBridge {
    /* CONSTANTS */

    /// @dev State of an executed message; anything else but zero is its release time.
    uint256 internal constant FINALIZED = type(uint256).max;

    /// @dev Gas for the call itself (cold account, value, new account: 36,600) and for what follows it.
    uint256 internal constant CALL_RESERVE = 45_000;

    /// @dev The trie value of a flag that is set.
    bytes32 internal constant FLAG_HASH = keccak256(hex"01");

    /* IMMUTABLES */

    IInbox public immutable INBOX;
    IAssertionChain public immutable CHAIN;
    IPrecompileGuard public immutable GUARD;
    address public immutable GUARDIAN;
    uint256 public immutable L2_CHAIN_ID;
    uint256 public immutable PAUSE_MAX;
    uint256 public immutable WITHDRAWAL_RATE;

    /* STORAGE */

    /// @dev Zero, a release time, or FINALIZED.
    mapping(bytes32 key => uint256) internal _withdrawals;

    /// @dev End of the line in wei: time × rate + what has left beyond. Exact, so that splitting gains nothing.
    uint256 internal _queueEnd;

    /// @inheritdoc IBridge
    uint256 public pausedUntil;

    /// @inheritdoc IBridge
    address public transient l2Sender;

    /* CONSTRUCTOR */

    constructor(Setup memory setup) {
        if (setup.withdrawalRate == 0 || setup.l2ChainId == block.chainid) revert InvalidSetup();
        INBOX = IInbox(setup.inbox);
        CHAIN = IAssertionChain(setup.chain);
        GUARD = IPrecompileGuard(setup.guard);
        GUARDIAN = setup.guardian;
        L2_CHAIN_ID = setup.l2ChainId;
        PAUSE_MAX = setup.pauseMax;
        WITHDRAWAL_RATE = setup.withdrawalRate;
    }

    /* DEPOSITS */

    /// @inheritdoc IBridge
    function deposit(address to, uint256 value, uint64 gasLimit, bool isCreate, bytes calldata data)
        external
        payable
        returns (uint256 index)
    {
        address from = _l2SenderOf(msg.sender);
        index = INBOX.enqueueDeposit(
            DepositRequest({
                from: from, isCreate: isCreate, to: to, mint: msg.value, value: value, gasLimit: gasLimit, data: data
            })
        );
        emit DepositMade(index, from, msg.value);
    }

    /* MESSAGES */

    /// @inheritdoc IBridge
    function finalizeWithdrawal(
        Message calldata message,
        bytes32 assertionId,
        Unit calldata unit,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external {
        _requireNotBlocked();
        bytes32 key = withdrawalKey(message);
        uint256 state = _withdrawals[key];
        if (state == FINALIZED) revert AlreadyFinalized(key);
        if (state != 0) revert AlreadyDelayed(key);
        if (unit.idleLeaf() != CHAIN.confirmedEndLeaf(assertionId)) revert UnitMismatch(assertionId);
        _requireSent(key, unit.stateRoot, accountProof, storageProof);
        uint256 end = _nextQueueEnd(message.value);
        _queueEnd = end;
        uint256 ready = end / WITHDRAWAL_RATE;
        if (ready > block.timestamp) {
            _withdrawals[key] = ready;
            emit WithdrawalDelayed(key, ready);
        } else {
            _execute(key, message);
        }
    }

    /// @inheritdoc IBridge
    function releaseWithdrawal(Message calldata message) external {
        _requireNotBlocked();
        bytes32 key = withdrawalKey(message);
        uint256 state = _withdrawals[key];
        if (state == 0) revert NotDelayed(key);
        if (state == FINALIZED) revert AlreadyFinalized(key);
        if (block.timestamp < state) revert NotReady(state);
        _execute(key, message);
    }

    /// @inheritdoc IBridge
    function pause() external {
        if (msg.sender != GUARDIAN) revert NotGuardian();
        uint256 availableAt = pausedUntil == 0 ? 0 : pausedUntil + PAUSE_MAX;
        if (PAUSE_MAX == 0 || block.timestamp < availableAt) revert PauseUnavailable(availableAt);
        pausedUntil = block.timestamp + PAUSE_MAX;
        emit Paused(pausedUntil);
    }

    /* VIEWS */

    /// @inheritdoc IBridge
    function isFinalized(bytes32 key) external view returns (bool) {
        return _withdrawals[key] == FINALIZED;
    }

    /// @inheritdoc IBridge
    function readyAt(bytes32 key) external view returns (uint256) {
        uint256 state = _withdrawals[key];
        return state == FINALIZED ? 0 : state;
    }

    /// @inheritdoc IBridge
    function queueEnd(uint256 value) external view returns (uint256) {
        return _nextQueueEnd(value) / WITHDRAWAL_RATE;
    }

    /// @inheritdoc IBridge
    function withdrawalKey(Message calldata message) public view returns (bytes32) {
        return message.messageKey(Route({l1ChainId: block.chainid, bridge: address(this), l2ChainId: L2_CHAIN_ID}));
    }

    /* INTERNAL */

    /// @dev Marks the message as executed, then calls; a failing call reverts everything.
    function _execute(bytes32 key, Message calldata message) internal {
        if (l2Sender != address(0)) revert Reentered();
        address target = message.target;
        // The inbox trusts the bridge: a message to it could mint.
        if (target == address(INBOX) || target == address(this)) revert ForbiddenTarget(target);
        _withdrawals[key] = FINALIZED;
        l2Sender = message.sender;
        emit WithdrawalFinalized(key, target, message.value);
        // Copied before the gas is checked: a long message costs much to copy.
        bytes memory data = message.data;
        _requireGas(message.gasLimit);
        if (!_call(target, message.value, data)) revert CallFailed(key);
        l2Sender = address(0);
    }

    /// @dev Calls with all gas but 1/64; return data is not copied.
    function _call(address target, uint256 value, bytes memory data) internal returns (bool ok) {
        assembly ("memory-safe") {
            ok := call(gas(), target, value, add(data, 0x20), mload(data), 0x00, 0x00) // no room for return data
        }
    }

    /// @dev End of the line after `value` more: the line starts no earlier than now.
    function _nextQueueEnd(uint256 value) internal view returns (uint256) {
        uint256 start = block.timestamp * WITHDRAWAL_RATE;
        return (_queueEnd > start ? _queueEnd : start) + value;
    }

    function _requireSent(bytes32 key, bytes32 stateRoot, bytes[] calldata accountProof, bytes[] calldata storageProof)
        internal
        pure
    {
        (bool exists, bytes memory value) =
            Mpt.read(stateRoot, keccak256(abi.encodePacked(MESSAGE_PASSER)), accountProof);
        if (!exists) revert MessageNotProven(key);
        Account memory passer = AccountCodec.decode(value);
        // `sent` is the mapping in slot 0.
        bytes32 slot = keccak256(abi.encode(key, uint256(0)));
        (exists, value) = Mpt.read(passer.storageRoot, keccak256(abi.encode(slot)), storageProof);
        if (!exists || keccak256(value) != FLAG_HASH) revert MessageNotProven(key);
    }

    /// @dev The call gets 63/64 of what is left when it is made.
    function _requireGas(uint256 gasLimit) internal view {
        uint256 required = gasLimit + gasLimit / 63 + CALL_RESERVE;
        if (gasleft() < required) revert NotEnoughGas(required);
    }

    function _requireNotBlocked() internal view {
        if (block.timestamp < pausedUntil) revert IsPaused(pausedUntil);
        if (GUARD.isBroken()) revert PrecompilesBroken();
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
