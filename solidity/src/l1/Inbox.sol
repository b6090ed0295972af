// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInbox} from "../interfaces/IInbox.sol";
import {IPrecompileGuard} from "../interfaces/IPrecompileGuard.sol";
import {
    MAX_BATCH_BYTES,
    MAX_DEPOSIT_BYTES,
    MAX_DEPOSITS_PER_BATCH,
    MAX_INITCODE_BYTES
} from "../libraries/Constants.sol";
import {GasBurn} from "../libraries/GasBurn.sol";
import {IntrinsicGas} from "../libraries/IntrinsicGas.sol";
import {WordTree} from "../libraries/WordTree.sol";
import {DepositMeter, ONE, newMeter} from "../types/DepositMeter.sol";
import {BatchRecord, Config, Deposit, DepositRequest, UNPINNED, nextAcc} from "../types/Records.sol";

/// @title The inbox
/// @notice See IInbox. One slot per batch, one per deposit (and one per six for their times), one for the cursor.
contract Inbox is IInbox {
    /// @dev Everything a batch moves, in one slot.
    struct Cursor {
        uint32 batchCount;
        uint40 consumedDeposits;
        uint40 depositCount;
        /// Time of the sequencer's last batch: since when both buckets fill.
        uint40 lastAppend;
        uint16 activeConfig;
        /// Gas left in the buckets at `lastAppend`.
        uint40 generalGas;
        uint40 systemGas;
    }

    /* CONSTANTS */

    uint256 internal constant TIMES_PER_SLOT = 6;
    uint256 internal constant TIME_BITS = 40;
    uint256 internal constant BURST_SECONDS = 600;
    uint256 internal constant SLOT_SECONDS = 12;

    /* IMMUTABLES */

    address public immutable SEQUENCER;
    address public immutable GOVERNANCE;
    address public immutable BRIDGE;
    IPrecompileGuard public immutable GUARD;
    uint256 public immutable CONFIG_DELAY;
    uint256 public immutable FORCE_DELAY;
    uint256 public immutable MIN_BATCH_INTERVAL;
    uint256 public immutable TX_GAS_CAP;
    uint256 public immutable GAS_RATE;
    uint256 public immutable SYSTEM_GAS_RATE;
    uint256 public immutable DEPOSIT_GAS_RATE;
    uint256 public immutable GAS_BURST;
    uint256 public immutable SYSTEM_GAS_BURST;

    /// @notice Deposit gas per L1 block above which the multiplier rises; twice of it is the most a block takes.
    uint256 public immutable DEPOSIT_GAS_TARGET;

    /* STORAGE */

    Cursor internal _cursor;
    DepositMeter internal _meter;
    Config[] internal _configs;

    /// @inheritdoc IInbox
    mapping(uint256 index => bytes32) public acc;

    /// @inheritdoc IInbox
    mapping(uint256 index => bytes32) public depositHash;

    /// @dev Six enqueue times of 40 bits per slot, lowest bits first.
    mapping(uint256 slot => uint256) internal _depositTimes;

    /* CONSTRUCTOR */

    constructor(Setup memory setup) {
        _checkBurst(setup.gasBurst, setup.gasRate, setup.txGasCap);
        _checkBurst(setup.systemGasBurst, setup.systemGasRate, setup.txGasCap);
        if (setup.sequencer == address(0) || setup.bridge == address(0)) revert InvalidSetup();
        SEQUENCER = setup.sequencer;
        GOVERNANCE = setup.governance;
        BRIDGE = setup.bridge;
        GUARD = IPrecompileGuard(setup.guard);
        CONFIG_DELAY = setup.configDelay;
        FORCE_DELAY = setup.forceDelay;
        MIN_BATCH_INTERVAL = setup.minBatchInterval;
        TX_GAS_CAP = setup.txGasCap;
        GAS_RATE = setup.gasRate;
        SYSTEM_GAS_RATE = setup.systemGasRate;
        DEPOSIT_GAS_RATE = setup.depositGasRate;
        GAS_BURST = setup.gasBurst;
        SYSTEM_GAS_BURST = setup.systemGasBurst;
        uint256 byRate = SLOT_SECONDS * setup.depositGasRate;
        uint256 byCap = setup.txGasCap / 2;
        DEPOSIT_GAS_TARGET = byRate > byCap ? byRate : byCap;
        _meter = newMeter(block.number, 0, ONE);
        _pushConfig(setup.configHash, setup.verifier, block.timestamp, 0);
        emit ConfigPinned(0, 0);
    }

    /* BATCHES */

    /// @inheritdoc IInbox
    function appendBatch(
        uint256 expectedIndex,
        bytes32 expectedPrevAcc,
        bytes calldata data,
        uint64 depositEnd,
        uint64 gasBudget,
        uint64 systemGasBudget
    ) external {
        if (msg.sender != SEQUENCER) revert NotSequencer();
        Cursor memory cursor = _cursor;
        if (expectedIndex != cursor.batchCount) revert UnexpectedIndex(expectedIndex, cursor.batchCount);
        bytes32 prevAcc = _prevAcc(cursor.batchCount);
        if (expectedPrevAcc != prevAcc) revert UnexpectedPrevAcc(expectedPrevAcc, prevAcc);
        if (data.length > MAX_BATCH_BYTES) revert BatchTooLong(data.length);
        uint256 allowedAt = cursor.lastAppend + MIN_BATCH_INTERVAL;
        if (block.timestamp < allowedAt) revert BatchTooSoon(allowedAt);
        _checkDepositEnd(cursor, depositEnd);
        _drawBudgets(cursor, gasBudget, systemGasBudget);
        _append(cursor, _record(cursor, data, depositEnd, gasBudget, systemGasBudget), prevAcc, data);
    }

    /// @inheritdoc IInbox
    function forceBatch() external {
        Cursor memory cursor = _cursor;
        if (!_isDue(cursor, cursor.consumedDeposits)) revert NothingToForce();
        bytes calldata none = msg.data[0:0];
        BatchRecord memory record = _record(cursor, none, uint64(_highestDepositEnd(cursor)), 0, 0);
        _append(cursor, record, _prevAcc(cursor.batchCount), none);
    }

    /* DEPOSITS */

    /// @inheritdoc IInbox
    function enqueueDeposit(DepositRequest calldata request) external returns (uint256 index) {
        if (msg.sender != BRIDGE) revert NotBridge();
        _checkDeposit(request);
        uint256 toBurn = _meterDeposit(request.gasLimit);
        Deposit memory deposit = Deposit({
            from: request.from,
            isCreate: request.isCreate,
            to: request.to,
            mint: request.mint,
            value: request.value,
            gasLimit: request.gasLimit,
            dataRoot: WordTree.root(request.data),
            dataLen: uint64(request.data.length),
            l1Timestamp: uint64(block.timestamp)
        });
        index = _cursor.depositCount++;
        bytes32 hash = deposit.depositHashOf();
        depositHash[index] = hash;
        _depositTimes[index / TIMES_PER_SLOT] |= block.timestamp << (index % TIMES_PER_SLOT * TIME_BITS);
        emit DepositEnqueued(index, hash, deposit, request.data);
        if (!GasBurn.burn(toBurn)) revert NotEnoughGasToBurn(toBurn);
    }

    /* CONFIGURATIONS */

    /// @inheritdoc IInbox
    function scheduleConfig(bytes32 configHash, address verifier) external {
        if (msg.sender != GOVERNANCE) revert NotGovernance();
        if (GUARD.isBroken()) revert PrecompilesBroken();
        if (_configs[_configs.length - 1].firstBatch == UNPINNED) revert ConfigPending();
        _pushConfig(configHash, verifier, block.timestamp + CONFIG_DELAY, UNPINNED);
    }

    /* VIEWS */

    /// @inheritdoc IInbox
    function batchCount() external view returns (uint256) {
        return _cursor.batchCount;
    }

    /// @inheritdoc IInbox
    function depositCount() external view returns (uint256) {
        return _cursor.depositCount;
    }

    /// @inheritdoc IInbox
    function consumedDeposits() external view returns (uint256) {
        return _cursor.consumedDeposits;
    }

    /// @inheritdoc IInbox
    function lastAppend() external view returns (uint256) {
        return _cursor.lastAppend;
    }

    /// @inheritdoc IInbox
    function availableBudgets() external view returns (uint64 general, uint64 system) {
        Cursor memory cursor = _cursor;
        general = uint64(_filled(cursor, cursor.generalGas, GAS_RATE, GAS_BURST));
        system = uint64(_filled(cursor, cursor.systemGas, SYSTEM_GAS_RATE, SYSTEM_GAS_BURST));
    }

    /// @inheritdoc IInbox
    function depositMultiplier() external view returns (uint256) {
        return _meter.price(block.number, DEPOSIT_GAS_TARGET);
    }

    /// @inheritdoc IInbox
    function availableDepositGas() external view returns (uint256) {
        return 2 * DEPOSIT_GAS_TARGET - _meter.used(block.number);
    }

    /// @inheritdoc IInbox
    function configCount() external view returns (uint256) {
        return _configs.length;
    }

    /// @inheritdoc IInbox
    function config(uint256 index) external view returns (Config memory) {
        return _configs[index];
    }

    /// @inheritdoc IInbox
    function activeConfigHash() external view returns (bytes32) {
        return _configs[_nextConfig(_cursor)].hash;
    }

    /// @inheritdoc IInbox
    function span(uint256 parentConfig, uint256 from, uint256 to)
        external
        view
        returns (bytes32 endAcc, uint256 configIndex)
    {
        if (from >= to || to > _cursor.batchCount) revert InvalidRange(from, to);
        configIndex = parentConfig;
        uint256 last = _configs.length - 1;
        // The parent ends at `from`, so at most one configuration can have begun since.
        if (configIndex < last && _configs[configIndex + 1].firstBatch <= from) ++configIndex;
        if (configIndex < last && _configs[configIndex + 1].firstBatch < to) revert InvalidRange(from, to);
        endAcc = acc[to - 1];
    }

    /// @inheritdoc IInbox
    function depositTime(uint256 index) public view returns (uint256) {
        return uint40(_depositTimes[index / TIMES_PER_SLOT] >> (index % TIMES_PER_SLOT * TIME_BITS));
    }

    /* INTERNAL: BATCHES */

    function _record(
        Cursor memory cursor,
        bytes calldata data,
        uint64 depositEnd,
        uint64 gasBudget,
        uint64 systemGasBudget
    ) internal returns (BatchRecord memory) {
        uint16 next = _nextConfig(cursor);
        if (next != cursor.activeConfig) {
            cursor.activeConfig = next;
            _configs[next].firstBatch = cursor.batchCount;
            emit ConfigPinned(next, cursor.batchCount);
        }
        return BatchRecord({
            dataRoot: WordTree.root(data),
            dataLen: uint64(data.length),
            l1Timestamp: uint64(block.timestamp),
            depositStart: cursor.consumedDeposits,
            depositEnd: depositEnd,
            gasBudget: gasBudget,
            systemGasBudget: systemGasBudget,
            configHash: _configs[next].hash
        });
    }

    /// @dev Writes the cursor; nothing may have written to it since it was read.
    function _append(Cursor memory cursor, BatchRecord memory record, bytes32 prevAcc, bytes calldata data) internal {
        uint256 index = cursor.batchCount;
        bytes32 newAcc = nextAcc(prevAcc, record.recordHashOf());
        acc[index] = newAcc;
        cursor.batchCount += 1;
        cursor.consumedDeposits = uint40(record.depositEnd);
        _cursor = cursor;
        emit BatchAppended(index, newAcc, prevAcc, record, data);
    }

    function _drawBudgets(Cursor memory cursor, uint256 gasBudget, uint256 systemGasBudget) internal view {
        uint256 general = _filled(cursor, cursor.generalGas, GAS_RATE, GAS_BURST);
        uint256 system = _filled(cursor, cursor.systemGas, SYSTEM_GAS_RATE, SYSTEM_GAS_BURST);
        if (gasBudget > general) revert BudgetExceeded(gasBudget, general);
        if (systemGasBudget > system) revert BudgetExceeded(systemGasBudget, system);
        // Bursts fit 40 bits by construction.
        cursor.generalGas = uint40(general - gasBudget);
        cursor.systemGas = uint40(system - systemGasBudget);
        cursor.lastAppend = uint40(block.timestamp);
    }

    /// @dev Level of a bucket now. Before the first batch `lastAppend` is zero, so both buckets start full.
    function _filled(Cursor memory cursor, uint256 level, uint256 rate, uint256 burst) internal view returns (uint256) {
        level += rate * (block.timestamp - cursor.lastAppend);
        return level < burst ? level : burst;
    }

    function _checkDepositEnd(Cursor memory cursor, uint256 depositEnd) internal view {
        uint256 highest = _highestDepositEnd(cursor);
        // Times only grow: if the first deposit left out is not due, no later one is.
        bool tooLow = depositEnd < cursor.consumedDeposits || (depositEnd < highest && _isDue(cursor, depositEnd));
        if (tooLow || depositEnd > highest) {
            revert DepositEndOutOfRange(depositEnd, cursor.consumedDeposits, highest);
        }
    }

    function _highestDepositEnd(Cursor memory cursor) internal pure returns (uint256) {
        uint256 most = cursor.consumedDeposits + MAX_DEPOSITS_PER_BATCH;
        return most < cursor.depositCount ? most : cursor.depositCount;
    }

    /// @dev Whether deposit `index` exists and is FORCE_DELAY old.
    function _isDue(Cursor memory cursor, uint256 index) internal view returns (bool) {
        return index < cursor.depositCount && block.timestamp >= depositTime(index) + FORCE_DELAY;
    }

    function _prevAcc(uint256 index) internal view returns (bytes32) {
        return index == 0 ? bytes32(0) : acc[index - 1];
    }

    /// @dev The waiting configuration if its time has come, else the active one.
    function _nextConfig(Cursor memory cursor) internal view returns (uint16) {
        uint256 last = _configs.length - 1;
        bool due = last > cursor.activeConfig && block.timestamp >= _configs[last].effectiveAt;
        // At most one waits, so `last` is the active one's successor.
        return due ? uint16(last) : cursor.activeConfig;
    }

    /* INTERNAL: CONFIGURATIONS */

    function _pushConfig(bytes32 configHash, address verifier, uint256 effectiveAt, uint32 firstBatch) internal {
        if (verifier.code.length == 0) revert NoVerifier(verifier);
        emit ConfigScheduled(_configs.length, configHash, verifier, effectiveAt);
        _configs.push(
            Config({hash: configHash, verifier: verifier, effectiveAt: uint40(effectiveAt), firstBatch: firstBatch})
        );
    }

    /* INTERNAL: DEPOSITS */

    function _checkDeposit(DepositRequest calldata request) internal view {
        uint256 longest = request.isCreate ? MAX_INITCODE_BYTES : MAX_DEPOSIT_BYTES;
        if (request.data.length > longest) revert DepositDataTooLong(request.data.length, longest);
        if (request.isCreate && request.to != address(0)) revert CreateWithTarget();
        uint256 lowest = IntrinsicGas.intrinsic(request.data, request.isCreate);
        if (request.gasLimit < lowest || request.gasLimit > TX_GAS_CAP) {
            revert DepositGasLimitOutOfRange(request.gasLimit, lowest, TX_GAS_CAP);
        }
    }

    /// @dev Books `gasLimit` in this L1 block and returns the gas to burn for it, rounded up.
    function _meterDeposit(uint256 gasLimit) internal returns (uint256) {
        DepositMeter meter = _meter;
        uint256 available = 2 * DEPOSIT_GAS_TARGET - meter.used(block.number);
        if (gasLimit > available) revert DepositGasExhausted(gasLimit, available);
        meter = meter.add(block.number, DEPOSIT_GAS_TARGET, gasLimit);
        _meter = meter;
        return (gasLimit * meter.multiplier() + ONE - 1) / ONE;
    }

    /* PRIVATE */

    function _checkBurst(uint256 burst, uint256 rate, uint256 txGasCap) private pure {
        uint256 lowest = 2 * txGasCap;
        uint256 highest = BURST_SECONDS * rate > lowest ? BURST_SECONDS * rate : lowest;
        if (burst < lowest || burst > highest || burst > type(uint40).max || rate == 0) revert InvalidSetup();
    }
}
