// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStepGroup} from "../../interfaces/IStepGroup.sol";
import {Code} from "./Code.sol";
import {OpcodeRow, OpcodeTable} from "./OpcodeTable.sol";
import {STATIC_FORBIDDEN} from "./Opcodes.sol";
import {Frame, Machine} from "./Machine.sol";
import {StepRule} from "./StepRule.sol";
import {Steps} from "./Steps.sol";
import {Tape, tapeOf} from "./Tape.sol";
import {StepProof, machineIn, proofIn} from "./Witness.sol";

/// @title Some of the machine's steps
/// @notice See IStepGroup.
abstract contract StepGroup is IStepGroup {
    /// @inheritdoc IStepGroup
    function step(bytes32, uint256, uint256 v, bytes32 acc, bytes calldata witness) external view returns (bytes32) {
        StepProof calldata proof = proofIn(witness);
        Machine memory m = machineIn(proof);
        Tape memory tape = tapeOf(proof);
        _step(m, tape, acc);
        tape.finish();
        StepRule.guard(m, v);
        return m.hashMachine();
    }

    /// @dev Change the machine by one step. `acc` is the accumulator of the batch that the unit would begin.
    function _step(Machine memory m, Tape memory tape, bytes32 acc) internal view virtual;
}

/// @title Some of the opcodes
/// @notice Every opcode passes the same checks, in this order: defined, enough items, not too many, allowed in a
/// static frame, gas. An opcode that fails there or in its handler halts the frame.
abstract contract OpGroup is StepGroup {
    uint256 private constant MAX_STACK = 1024;

    function _step(Machine memory m, Tape memory tape, bytes32) internal view override {
        uint256 opcode = Code.opcodeAt(tape.ownCode(), m.frame.pc);
        OpcodeRow memory row = OpcodeTable.row(opcode);
        bool hasItems = row.defined && m.frame.stackHeight >= row.pops;
        if (hasItems) {
            uint256[] memory items = Steps.pop(m.frame, tape, row.pops);
            if (_isAdmitted(m.frame, row) && _run(m, tape, opcode, items)) return;
        }
        Steps.fail(m);
    }

    /// @dev The checks after the items were taken off the stack.
    function _isAdmitted(Frame memory frame, OpcodeRow memory row) private pure returns (bool) {
        if (frame.stackHeight + row.pushes > MAX_STACK) return false;
        if (frame.isStatic != 0 && row.staticRule == STATIC_FORBIDDEN) return false;
        return Steps.charge(frame, row.gasCost);
    }

    /// @dev Run an opcode whose `items`, top first, are off the stack and whose base gas is paid; false if it fails,
    /// whatever it has changed by then. Moves the program counter.
    function _run(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        internal
        view
        virtual
        returns (bool);
}
