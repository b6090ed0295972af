// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TAG_MACHINE, TAG_UNIT} from "../libraries/Constants.sol";

using {hashUnit, idleLeaf} for Unit global;

/// @notice Phase of the machine; numbers are consensus. Twin: optimistic/protocol/unit.py.
enum Phase {
    BOUNDARY,
    IDLE,
    BLOCK_BEGIN,
    DEPOSIT,
    TX_BEGIN,
    TX_ACCESS,
    TX_ENTER,
    EXEC,
    PRECOMPILE,
    CREATE_ENTER,
    EXIT,
    TX_END,
    TX_DESTROY,
    BLOCK_END,
    ERRORED
}

/// @notice Rollup and block context between two units.
struct Unit {
    uint256 chainId;
    uint256 number;
    uint256 timestamp;
    address coinbase;
    uint256 gasLimit;
    uint256 baseFee;
    bytes32 prevRandao;
    bytes32 blockHashRing;
    bytes32 parentHash;
    bytes32 dataRoot;
    uint256 dataLen;
    uint256 cursor;
    uint256 depositCursor;
    uint256 depositEnd;
    uint256 l1Timestamp;
    bytes32 configHash;
    uint256 leftGeneral;
    uint256 leftSystem;
    uint256 blockOpen;
    uint256 blockDepositsLeft;
    uint256 blocks;
    uint256 txIndex;
    uint256 cumGasUsed;
    bytes32 receiptsAcc;
    bytes32 stateRoot;
}

/// @notice H(TAG_UNIT, fields in order).
function hashUnit(Unit calldata unit) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_UNIT, unit));
}

/// @notice Hash of the machine in phase IDLE over `unit`: transaction, journal, frame and pending work are zero.
function idleLeaf(Unit calldata unit) pure returns (bytes32) {
    bytes32 none = 0;
    return keccak256(abi.encode(TAG_MACHINE, Phase.IDLE, hashUnit(unit), none, none, none, none));
}
