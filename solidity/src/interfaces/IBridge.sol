// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Message} from "../types/Message.sol";
import {Unit} from "../types/Unit.sol";
import {IPrecompileGuard} from "./IPrecompileGuard.sol";

/// @title The bridge
/// @notice Takes deposits to L2 and executes messages from L2. It has no owner and cannot be changed; a guardian
/// may only delay messages, for a bounded time.
interface IBridge {
    /// @notice What the bridge is deployed with; all of it is immutable.
    /// @param inbox The inbox that queues deposits.
    /// @param chain The assertion chain whose confirmed states are believed.
    /// @param guard Blocks messages while L1's precompiles are broken.
    /// @param guardian The one account that may pause; zero if nobody may.
    /// @param l2ChainId Chain id of L2.
    /// @param pauseMax Longest pause in seconds; zero disables pausing.
    /// @param withdrawalRate Wei per second that may leave; above it messages wait in line.
    struct Setup {
        address inbox;
        address chain;
        address guard;
        address guardian;
        uint256 l2ChainId;
        uint64 pauseMax;
        uint128 withdrawalRate;
    }

    /* EVENTS */

    /// @notice A deposit was accepted; `from` is its L2 sender. The inbox emits its content.
    event DepositMade(uint256 indexed index, address indexed from, uint256 mint);

    /// @notice A proven message waits in line.
    event WithdrawalDelayed(bytes32 indexed key, uint256 readyAt);

    /// @notice A message was executed.
    event WithdrawalFinalized(bytes32 indexed key, address indexed target, uint256 value);

    /// @notice Messages are blocked until `pausedUntil`.
    event Paused(uint256 pausedUntil);

    /* ERRORS */

    /// @notice The setup breaks a bound of the protocol.
    error InvalidSetup();

    /// @notice The assertion is not confirmed, or the unit is not its end.
    error UnitMismatch(bytes32 assertionId);

    /// @notice The account or the message is not in the state.
    error MessageNotProven(bytes32 key);

    /// @notice The message was executed before.
    error AlreadyFinalized(bytes32 key);

    /// @notice The message is already in line.
    error AlreadyDelayed(bytes32 key);

    /// @notice The message was never proven.
    error NotDelayed(bytes32 key);

    /// @notice The message still waits.
    error NotReady(uint256 readyAt);

    /// @notice The target is a contract that trusts the bridge.
    error ForbiddenTarget(address target);

    /// @notice Too little gas to guarantee the message its own.
    error NotEnoughGas(uint256 required);

    /// @notice The call to the target failed; nothing changed and it can be tried again.
    error CallFailed(bytes32 key);

    /// @notice Messages are blocked: disputes about precompiles of L1 that are broken may end either way.
    error PrecompilesBroken();

    /// @notice Messages are blocked.
    error IsPaused(uint256 pausedUntil);

    /// @notice Only the guardian pauses.
    error NotGuardian();

    /// @notice The last pause ended too recently, or pausing is disabled.
    error PauseUnavailable(uint256 availableAt);

    /// @notice A message must not execute another one.
    error Reentered();

    /* DEPOSITS */

    /// @notice Send a transaction to L2, with the wei of this call minted to its sender there.
    /// @dev The L2 sender is the caller, plus ALIAS_OFFSET if and only if the caller is not the transaction's
    /// origin. Burns L1 gas, see IInbox.enqueueDeposit.
    /// @param to L2 target; zero if `isCreate`.
    /// @param value Wei sent along on L2, out of the sender's balance there.
    /// @param gasLimit L2 gas.
    /// @param isCreate Whether `data` is initcode.
    /// @param data Calldata or initcode.
    /// @return index Position in the deposit queue.
    function deposit(address to, uint256 value, uint64 gasLimit, bool isCreate, bytes calldata data)
        external
        payable
        returns (uint256 index);

    /* MESSAGES */

    /// @notice Prove a message from L2 and execute it, or put it in line if the rate is exceeded.
    /// @dev The rate delays and never rejects: a delayed message is released by `releaseWithdrawal`.
    /// @param message The message, as the MessagePasser emitted it.
    /// @param assertionId A confirmed assertion.
    /// @param unit Preimage of its end leaf; the machine around it is IDLE and holds nothing else.
    /// @param accountProof Trie nodes from unit.stateRoot to the account of the MessagePasser.
    /// @param storageProof Trie nodes from its storage root to the message's slot.
    function finalizeWithdrawal(
        Message calldata message,
        bytes32 assertionId,
        Unit calldata unit,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external;

    /// @notice Execute a proven message whose time has come.
    function releaseWithdrawal(Message calldata message) external;

    /// @notice Block messages for PAUSE_MAX. Guardian only, and not within PAUSE_MAX of the end of a pause.
    /// Deposits, assertions, confirmations and clocks go on.
    function pause() external;

    /* VIEWS */

    /// @notice Knows whether L1's precompiles are broken; while they are, no message is executed.
    function GUARD() external view returns (IPrecompileGuard);

    /// @notice H(TAG_MSG, …) of a message through this bridge.
    function withdrawalKey(Message calldata message) external view returns (bytes32);

    /// @notice Whether a message was executed.
    function isFinalized(bytes32 key) external view returns (bool);

    /// @notice When a waiting message may be released; zero if it is not in line.
    function readyAt(bytes32 key) external view returns (uint256);

    /// @notice Earliest release of a message of `value` wei proven now.
    function queueEnd(uint256 value) external view returns (uint256);

    /// @notice Messages are blocked before this time.
    function pausedUntil() external view returns (uint256);

    /// @notice L2 sender of the message being executed; zero outside of one.
    function l2Sender() external view returns (address);
}
