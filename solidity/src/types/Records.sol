// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TAG_ACC, TAG_DEPOSIT, TAG_RECORD} from "../libraries/Constants.sol";

using {recordHashOf} for BatchRecord global;
using {depositHashOf} for Deposit global;

/// @notice What the inbox records about one batch. Twin: optimistic/protocol/records.py.
struct BatchRecord {
    /// WordTree root of the batch data.
    bytes32 dataRoot;
    uint64 dataLen;
    uint64 l1Timestamp;
    /// Deposits [depositStart, depositEnd) of the queue belong to this batch.
    uint64 depositStart;
    uint64 depositEnd;
    /// Execution gas the general lane may use in this batch.
    uint64 gasBudget;
    /// Execution gas the system lane may use in this batch.
    uint64 systemGasBudget;
    bytes32 configHash;
}

/// @notice One entry of the deposit queue: an L2 action paid for on L1.
struct Deposit {
    /// L2 sender; aliased when an L1 contract made the deposit.
    address from;
    bool isCreate;
    /// Zero when `isCreate`.
    address to;
    /// Wei locked in the bridge and credited to `from` on L2.
    uint256 mint;
    /// Wei sent along with the L2 call or create.
    uint256 value;
    uint64 gasLimit;
    /// WordTree root of the calldata or initcode.
    bytes32 dataRoot;
    uint64 dataLen;
    uint64 l1Timestamp;
}

/// @notice What the bridge asks the inbox to enqueue.
struct DepositRequest {
    address from;
    bool isCreate;
    address to;
    uint256 mint;
    uint256 value;
    uint64 gasLimit;
    bytes data;
}

/// @notice One entry of the append-only configuration schedule.
struct Config {
    /// Hash of the consensus parameters.
    bytes32 hash;
    /// One-step verifier of these parameters: what disputes about batches that carry them are decided by.
    address verifier;
    /// No batch before this time carries the configuration.
    uint40 effectiveAt;
    /// First batch that carries it; `UNPINNED` until that batch exists.
    uint32 firstBatch;
}

/// @dev `Config.firstBatch` before any batch carries the configuration.
uint32 constant UNPINNED = type(uint32).max;

/// @notice H(TAG_RECORD, fields in order).
function recordHashOf(BatchRecord memory record) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_RECORD, record));
}

/// @notice H(TAG_DEPOSIT, fields in order).
function depositHashOf(Deposit memory deposit) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_DEPOSIT, deposit));
}

/// @notice The inbox accumulator after one more record; it starts at zero.
function nextAcc(bytes32 prevAcc, bytes32 recordHash) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_ACC, prevAcc, recordHash));
}
