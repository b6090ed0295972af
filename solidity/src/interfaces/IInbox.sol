// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BatchRecord, Config, Deposit, DepositRequest} from "../types/Records.sol";
import {IPrecompileGuard} from "./IPrecompileGuard.sol";

/// @title The inbox
/// @notice Orders batches and deposits and keeps the schedule of configurations.
/// Every byte a reader of L1 needs is emitted; storage holds only hashes.
interface IInbox {
    /// @notice What the inbox is deployed with; all of it is immutable.
    /// @param sequencer The one account that may append batches.
    /// @param governance The one account that may schedule configurations; zero if nobody may.
    /// @param bridge The one account that may enqueue deposits.
    /// @param guard Forbids new configurations while L1's precompiles are broken.
    /// @param verifier One-step verifier of the first configuration.
    /// @param configHash Hash of the first configuration.
    /// @param configDelay Seconds between the scheduling and the earliest use of a configuration.
    /// @param forceDelay Age in seconds at which a deposit entitles anyone to force a batch.
    /// @param minBatchInterval Seconds between two batches of the sequencer.
    /// @param txGasCap Highest gas limit of a deposit.
    /// @param gasRate Execution gas per second that fills the general bucket.
    /// @param systemGasRate Execution gas per second that fills the system bucket.
    /// @param depositGasRate Deposit gas per second above which deposits get dearer.
    /// @param gasBurst Capacity of the general bucket.
    /// @param systemGasBurst Capacity of the system bucket.
    struct Setup {
        address sequencer;
        address governance;
        address bridge;
        address guard;
        address verifier;
        bytes32 configHash;
        uint64 configDelay;
        uint64 forceDelay;
        uint64 minBatchInterval;
        uint64 txGasCap;
        uint64 gasRate;
        uint64 systemGasRate;
        uint64 depositGasRate;
        uint64 gasBurst;
        uint64 systemGasBurst;
    }

    /* EVENTS */

    /// @notice A batch was appended; `acc` = H(TAG_ACC, prevAcc, H(record)).
    event BatchAppended(uint256 indexed index, bytes32 acc, bytes32 prevAcc, BatchRecord record, bytes data);

    /// @notice A deposit was enqueued.
    event DepositEnqueued(uint256 indexed index, bytes32 depositHash, Deposit deposit, bytes data);

    /// @notice A configuration was scheduled.
    event ConfigScheduled(uint256 indexed config, bytes32 configHash, address verifier, uint256 effectiveAt);

    /// @notice A configuration was pinned to its first batch.
    event ConfigPinned(uint256 indexed config, uint256 firstBatch);

    /* ERRORS */

    /// @notice The setup breaks a bound of the protocol.
    error InvalidSetup();

    /// @notice Only the sequencer appends batches.
    error NotSequencer();

    /// @notice Only governance schedules configurations.
    error NotGovernance();

    /// @notice Only the bridge enqueues deposits.
    error NotBridge();

    /// @notice The batch was made for another index: a reorganisation or a forced batch came in between.
    error UnexpectedIndex(uint256 expected, uint256 actual);

    /// @notice The batch was made on top of another batch.
    error UnexpectedPrevAcc(bytes32 expected, bytes32 actual);

    /// @notice The batch is longer than MAX_BATCH_BYTES.
    error BatchTooLong(uint256 length);

    /// @notice The sequencer's last batch is not old enough.
    error BatchTooSoon(uint256 allowedAt);

    /// @notice `depositEnd` is outside [lowest, highest].
    error DepositEndOutOfRange(uint256 depositEnd, uint256 lowest, uint256 highest);

    /// @notice A budget exceeds what its bucket holds.
    error BudgetExceeded(uint256 asked, uint256 available);

    /// @notice The oldest unconsumed deposit, if any, is not due.
    error NothingToForce();

    /// @notice The gas limit is below the intrinsic gas or above the cap.
    error DepositGasLimitOutOfRange(uint256 gasLimit, uint256 intrinsic, uint256 cap);

    /// @notice The calldata or initcode is too long.
    error DepositDataTooLong(uint256 length, uint256 highest);

    /// @notice A create names a target.
    error CreateWithTarget();

    /// @notice This L1 block already took its share of deposit gas.
    error DepositGasExhausted(uint256 asked, uint256 available);

    /// @notice The L1 transaction has too little gas for the burn.
    error NotEnoughGasToBurn(uint256 toBurn);

    /// @notice An earlier configuration still waits for its first batch.
    error ConfigPending();

    /// @notice There is no contract at the verifier's address.
    error NoVerifier(address verifier);

    /// @notice L1's precompiles are broken: a new verifier could not be relied on.
    error PrecompilesBroken();

    /// @notice A range of batches that is empty, not all there, or of two configurations.
    error InvalidRange(uint256 from, uint256 to);

    /* BATCHES */

    /// @notice Append a batch. Sequencer only, MIN_BATCH_INTERVAL apart.
    /// @param expectedIndex Number of batches the caller knows; reverts on mismatch.
    /// @param expectedPrevAcc Accumulator the caller knows; reverts on mismatch.
    /// @param data Batch bytes, at most MAX_BATCH_BYTES.
    /// @param depositEnd One past the last deposit taken: at least every due deposit, at most the queue,
    /// MAX_DEPOSITS_PER_BATCH at a time.
    /// @param gasBudget Drawn from the general bucket; what is not drawn stays.
    /// @param systemGasBudget Drawn from the system bucket.
    function appendBatch(
        uint256 expectedIndex,
        bytes32 expectedPrevAcc,
        bytes calldata data,
        uint64 depositEnd,
        uint64 gasBudget,
        uint64 systemGasBudget
    ) external;

    /// @notice Append a batch without data that takes waiting deposits. Anyone, once the oldest unconsumed deposit
    /// is FORCE_DELAY old. Draws nothing from the buckets.
    function forceBatch() external;

    /* DEPOSITS */

    /// @notice Enqueue a deposit and burn L1 gas for it. Bridge only.
    /// @dev Burns gasLimit × multiplier gas. Reverts if the gas limits of this L1 block exceed twice the target.
    /// @return index Position in the queue.
    function enqueueDeposit(DepositRequest calldata request) external returns (uint256 index);

    /* CONFIGURATIONS */

    /// @notice Schedule a configuration. Governance only; one may wait at a time; not while precompiles are broken.
    /// @dev Append-only: the first batch at least CONFIG_DELAY later pins it, and nothing that
    /// is already recorded changes.
    /// @param configHash Hash of the consensus parameters.
    /// @param verifier Contract that proves their steps; nobody checks here that it does.
    function scheduleConfig(bytes32 configHash, address verifier) external;

    /* VIEWS */

    /// @notice Knows whether L1's precompiles are broken.
    function GUARD() external view returns (IPrecompileGuard);

    /// @notice Number of batches.
    function batchCount() external view returns (uint256);

    /// @notice Accumulator after batch `index`; zero if there is none.
    function acc(uint256 index) external view returns (bytes32);

    /// @notice Length of the deposit queue.
    function depositCount() external view returns (uint256);

    /// @notice H(TAG_DEPOSIT, …) of deposit `index`, write-once; zero if there is none.
    function depositHash(uint256 index) external view returns (bytes32);

    /// @notice Time at which deposit `index` was enqueued; zero if there is none.
    function depositTime(uint256 index) external view returns (uint256);

    /// @notice Number of deposits that belong to a batch.
    function consumedDeposits() external view returns (uint256);

    /// @notice Time of the sequencer's last batch; zero before the first.
    function lastAppend() external view returns (uint256);

    /// @notice What a batch appended now may draw.
    function availableBudgets() external view returns (uint64 general, uint64 system);

    /// @notice Gas burned per unit of deposit gas in this L1 block, in units of 1e-9.
    function depositMultiplier() external view returns (uint256);

    /// @notice Deposit gas this L1 block still takes.
    function availableDepositGas() external view returns (uint256);

    /// @notice Number of configurations, the waiting one included.
    function configCount() external view returns (uint256);

    /// @notice Configuration `index`.
    function config(uint256 index) external view returns (Config memory);

    /// @notice Hash of the configuration that a batch appended now would carry.
    function activeConfigHash() external view returns (bytes32);

    /// @notice What an assertion over batches [from, to) binds to.
    /// @dev Reverts with InvalidRange unless from < to ≤ batchCount and all of them carry one configuration.
    /// @param parentConfig Configuration of batch from − 1, or the first one.
    /// @return endAcc Accumulator after batch to − 1.
    /// @return configIndex Configuration of the batches.
    function span(uint256 parentConfig, uint256 from, uint256 to)
        external
        view
        returns (bytes32 endAcc, uint256 configIndex);
}
