// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TAG_FRAME, TAG_JOURNAL, TAG_MACHINE, TAG_PEND, TAG_TX, TAG_UNIT} from "../../libraries/Constants.sol";
import {Phase, Unit} from "../../types/Unit.sol";

using {hashMachine} for Machine global;

/// @dev How a frame ended; numbers are consensus.
uint256 constant HALT_RUNNING = 0;
uint256 constant HALT_SUCCESS = 1;
uint256 constant HALT_REVERT = 2;
uint256 constant HALT_EXCEPTIONAL = 3;

/// @dev What EXIT does with a frame's output; numbers are consensus.
uint256 constant KIND_CALL = 0;
uint256 constant KIND_CREATE = 1;

/// @notice A stretch of somebody's frozen bytes: calldata, returndata. All zero when the length is zero.
struct View {
    bytes32 root;
    uint256 offset;
    uint256 length;
}

/// @notice The transaction or deposit being executed. Fields as in optimistic/protocol/stepper/state.py.
struct TxContext {
    uint256 isDeposit;
    address sender;
    uint256 isCreate;
    address target;
    uint256 value;
    uint256 gasPrice;
    uint256 gasLimit;
    uint256 intrinsicGas;
    View data;
    bytes32 txHash;
    uint256 accessCursor;
    uint256 accessEnd;
    uint256 accessKeysEnd;
    address accessAddress;
    uint256 status;
    uint256 gasLeft;
}

/// @notice What a revert undoes.
struct Journal {
    bytes32 stateRoot;
    bytes32 warmRoot;
    bytes32 transientRoot;
    bytes32 logAcc;
    uint256 logCount;
    uint256 refund;
    bytes32 destroyAcc;
    uint256 destroyCount;
}

/// @notice One call frame. A frame that has halted keeps no stack, memory or program counter.
struct Frame {
    bytes32 parent;
    bytes32 snapshot;
    uint256 depth;
    uint256 kind;
    uint256 isStatic;
    address self;
    address caller;
    uint256 value;
    bytes32 codeHash;
    uint256 precompile;
    View input;
    uint256 pc;
    uint256 gas;
    bytes32 stackHash;
    uint256 stackHeight;
    bytes32 memoryRoot;
    uint256 memoryWords;
    View returndata;
    uint256 outOffset;
    uint256 outLength;
    uint256 halt;
}

/// @notice A range operation of which some chunks are done; `length` is zero when there is none.
struct Pend {
    uint256 op;
    uint256 done;
    uint256 length;
    bytes32 srcRoot;
    uint256 srcOffset;
    uint256 dst;
    uint256[25] sponge;
}

/// @notice The whole state between two steps. What a phase does not use is ignored and hashes to zero.
/// Twin: optimistic/protocol/stepper/state.py.
struct Machine {
    Phase phase;
    Unit unit;
    TxContext tx;
    Journal journal;
    Frame frame;
    Pend pend;
    /// Hash that stands for the journal instead of its fields, after a frame failed; never in a witness.
    bytes32 journalHash;
}

/// @notice H(TAG_MACHINE, phase, hashes of the parts the phase uses, zero for the others).
function hashMachine(Machine memory machine) pure returns (bytes32) {
    uint256 phase = uint256(machine.phase);
    bool inTx = phase >= uint256(Phase.TX_ACCESS) && phase <= uint256(Phase.TX_DESTROY);
    bool inFrame = phase >= uint256(Phase.EXEC) && phase <= uint256(Phase.EXIT);
    bool isPending = phase == uint256(Phase.EXEC) && machine.pend.length != 0;
    bytes32 journal = machine.journalHash;
    if (journal == 0 && inTx) journal = hashJournal(machine.journal);
    return keccak256(
        abi.encode(
            TAG_MACHINE,
            machine.phase,
            keccak256(abi.encode(TAG_UNIT, machine.unit)),
            inTx ? keccak256(abi.encode(TAG_TX, machine.tx)) : bytes32(0),
            journal,
            inFrame ? hashFrame(machine.frame) : bytes32(0),
            isPending ? keccak256(abi.encode(TAG_PEND, machine.pend)) : bytes32(0)
        )
    );
}

/// @notice H(TAG_JOURNAL, fields in order).
function hashJournal(Journal memory journal) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_JOURNAL, journal));
}

/// @notice H(TAG_FRAME, fields in order).
function hashFrame(Frame memory frame) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_FRAME, frame));
}
