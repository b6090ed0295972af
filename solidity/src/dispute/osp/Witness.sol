// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Phase} from "../../types/Unit.sol";
import {Machine} from "./Machine.sol";

/// @notice The witness does not prove the step: nothing follows from it.
error InvalidWitness();

/// @notice Words of a WordTree; which ones, and how many, is known to the step that asks for them.
struct Range {
    bytes words;
    bytes32[] siblings;
}

/// @notice What a step needs beside the machine, in the order in which it asks.
struct Witness {
    /// The items the opcode reads, top first.
    uint256[] stack;
    /// Chain hash of the items below them.
    bytes32 stackRest;
    /// Code of the frame, if the step reads an opcode.
    bytes code;
    /// Ranges of memory, calldata, returndata, transaction and batch bytes, and of the ring of block hashes.
    Range[] ranges;
    /// Node lists of tries.
    bytes[][] proofs;
    /// Preimages: other code, the caller's frame, the batch record, a deposit, an account to destroy.
    bytes[] blobs;
}

/// @notice What the bytes `witness` of a step encode.
struct StepProof {
    Machine machine;
    Witness witness;
}

/// @dev The step proof in `witness` = abi.encode(StepProof), left where it is. Whatever lies in it is checked
/// against the end of calldata when it is read, and by its hash when it is used.
function proofIn(bytes calldata witness) pure returns (StepProof calldata proof) {
    // The machine is static: its words and the offset of the witness follow the offset of the tuple.
    if (witness.length < 0x40 || uint256(bytes32(witness[:0x20])) != 0x20) revert InvalidWitness();
    assembly ("memory-safe") {
        proof := add(witness.offset, 0x20) // reads beyond calldata give zeros or revert
    }
}

/// @dev The machine of a step proof in memory; what its phase does not use is zero, whatever the proof says there.
function machineIn(StepProof calldata proof) pure returns (Machine memory machine) {
    Machine calldata given = proof.machine;
    Phase phase = given.phase;
    machine.phase = phase;
    machine.unit = given.unit;
    if (phase < Phase.TX_ACCESS || phase > Phase.TX_DESTROY) return machine;
    machine.tx = given.tx;
    machine.journal = given.journal;
    if (phase < Phase.EXEC || phase > Phase.EXIT) return machine;
    machine.frame = given.frame;
    if (phase == Phase.EXEC && given.pend.length != 0) machine.pend = given.pend;
}
