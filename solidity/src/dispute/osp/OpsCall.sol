// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account, AccountCodec} from "../../libraries/AccountCodec.sol";
import {MAX_INITCODE_BYTES} from "../../libraries/Constants.sol";
import {Phase} from "../../types/Unit.sol";
import {Addresses} from "./Addresses.sol";
import {CallGas} from "./CallGas.sol";
import {
    Frame,
    HALT_REVERT,
    HALT_SUCCESS,
    Journal,
    KIND_CALL,
    KIND_CREATE,
    Machine,
    hashFrame,
    hashJournal
} from "./Machine.sol";
import {
    OP_CALL,
    OP_CALLCODE,
    OP_CREATE,
    OP_CREATE2,
    OP_DELEGATECALL,
    OP_RETURN,
    OP_REVERT,
    OP_STATICCALL,
    OP_STOP
} from "./Opcodes.sol";
import {PrecompileRules} from "./PrecompileRules.sol";
import {OpGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {Leaf, Tape} from "./Tape.sol";
import {Transfers} from "./Transfers.sol";
import {InvalidWitness} from "./Witness.sol";
import {World} from "./World.sol";

/// @title Opcodes that begin or end a frame
/// @notice Calls, creations, RETURN, REVERT and STOP. Such a step pays, moves the value of a call and puts the child's
/// frame on top; what the child leaves, its EXIT gives back. Twins:
/// optimistic/protocol/stepper/ops/{calls,creation,returns}.py.
contract OpsCall is OpGroup {
    uint256 private constant MAX_DEPTH = 1024;

    /// @dev What one of the four opcodes asks for.
    struct Call {
        uint256 gas; // as much as the caller wants to give
        address code; // whose code runs
        address self; // whose storage and balance it acts on
        address caller;
        uint256 value; // what the child sees as value
        uint256 sent; // what the caller must have; zero where the value is only inherited
        uint256 isStatic;
        uint256 inOffset;
        uint256 inLength;
        uint256 outOffset;
        uint256 outLength;
    }

    /// @inheritdoc OpGroup
    function _run(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        internal
        pure
        override
        returns (bool)
    {
        if (opcode == OP_STOP) return _end(m, HALT_SUCCESS, 0, 0);
        if (opcode == OP_RETURN) return _end(m, HALT_SUCCESS, items[0], items[1]);
        if (opcode == OP_REVERT) return _end(m, HALT_REVERT, items[0], items[1]);
        if (opcode == OP_CREATE || opcode == OP_CREATE2) return _create(m, tape, opcode == OP_CREATE2, items);
        if (opcode == OP_CALL && m.frame.isStatic != 0 && items[2] != 0) return false;
        return _call(m, tape, _callOf(m.frame, opcode, items));
    }

    // ------------------------------------------------------------------------------------------ ends

    /// @dev Halt with a range of memory as output.
    function _end(Machine memory m, uint256 status, uint256 offset, uint256 length) private pure returns (bool) {
        if (!Steps.expand(m.frame, offset, length)) return false;
        Steps.halt(m, status, Steps.viewOf(m.frame.memoryRoot, offset, length));
        return true;
    }

    // ------------------------------------------------------------------------------------------ calls

    /// @dev What the opcode asks for with these operands.
    function _callOf(Frame memory frame, uint256 opcode, uint256[] memory items)
        private
        pure
        returns (Call memory call)
    {
        call.gas = items[0];
        call.code = address(uint160(items[1])); // the low 20 bytes
        (call.self, call.caller, call.isStatic) = (frame.self, frame.self, frame.isStatic);
        uint256 at = 2; // where the ranges begin
        if (opcode == OP_CALL || opcode == OP_CALLCODE) {
            (call.value, call.sent, at) = (items[2], items[2], 3);
            if (opcode == OP_CALL) call.self = call.code;
        } else if (opcode == OP_DELEGATECALL) {
            (call.caller, call.value) = (frame.caller, frame.value);
        } else if (opcode == OP_STATICCALL) {
            (call.self, call.isStatic) = (call.code, 1);
        } else {
            revert InvalidWitness(); // the opcode is one of another group
        }
        (call.inOffset, call.inLength) = (items[at], items[at + 1]);
        (call.outOffset, call.outLength) = (items[at + 2], items[at + 3]);
    }

    /// @dev Pay, and put the child on top, or a zero if it would be too deep or the caller cannot pay for it: then
    /// its gas comes back with the stipend. Asks: [memory gas]; warmth of the code's address; account there; [gas]; if
    /// value is sent, own account; if it goes to another, that one at the root after the own account.
    function _call(Machine memory m, Tape memory tape, Call memory call) private pure returns (bool) {
        Frame memory frame = m.frame;
        if (!Steps.expand(frame, call.inOffset, call.inLength)) return false;
        if (!Steps.expand(frame, call.outOffset, call.outLength)) return false;
        bool wasWarm = World.touchAddress(tape, m, call.code);
        (, Account memory callee) = World.openAccount(tape, m.journal.stateRoot, call.code);
        bool creates = call.sent != 0 && call.code == call.self && World.isDead(callee);
        if (!Steps.charge(frame, CallGas.extra(wasWarm, call.sent != 0, creates))) return false;

        uint256 gas = CallGas.child(call.gas, frame.gas);
        frame.gas -= gas; // a part of what is there
        if (call.sent != 0) gas += CallGas.STIPEND;
        frame.returndata = Steps.emptyView();
        ++frame.pc;
        bytes32 snapshot = hashJournal(m.journal);
        if (_pay(m, tape, call)) {
            _enter(m, snapshot, _childOf(frame, call, callee.codeHash, gas));
        } else {
            frame.gas += gas;
            Steps.push(frame, 0);
        }
        return true;
    }

    /// @dev Send the value; false, and nothing has changed, if there is no room for a child or too little wei.
    function _pay(Machine memory m, Tape memory tape, Call memory call) private pure returns (bool) {
        bool hasRoom = m.frame.depth < MAX_DEPTH;
        if (call.sent == 0) return hasRoom;
        Journal memory journal = m.journal;
        (Leaf memory leaf, Account memory own) = World.openAccount(tape, journal.stateRoot, m.frame.self);
        if (own.balance < call.sent) return false;
        if (hasRoom && call.self != m.frame.self) {
            journal.stateRoot = Transfers.move(tape, leaf, own, call.self, call.sent);
        }
        return hasRoom;
    }

    /// @dev The frame of a call, still without what ties it to its caller.
    function _childOf(Frame memory frame, Call memory call, bytes32 codeHash, uint256 gas)
        private
        pure
        returns (Frame memory child)
    {
        child.kind = KIND_CALL;
        child.isStatic = call.isStatic;
        child.self = call.self;
        child.caller = call.caller;
        child.value = call.value;
        child.codeHash = codeHash;
        child.precompile = uint160(call.code) <= PrecompileRules.POINT_EVALUATION ? uint160(call.code) : 0;
        child.input = Steps.viewOf(frame.memoryRoot, call.inOffset, call.inLength);
        child.gas = gas;
        child.outOffset = call.outLength == 0 ? 0 : call.outOffset;
        child.outLength = call.outLength;
    }

    // ------------------------------------------------------------------------------------------ creations

    /// @dev Put the child on top, or a zero if the creator cannot pay, is too deep or has no nonce left. The nonce and
    /// the warmth of the new address stay when the child fails. Asks: [gas]; own account; [balance, nonce, depth];
    /// initcode, if any; warmth of the new address.
    function _create(Machine memory m, Tape memory tape, bool isCreate2, uint256[] memory items)
        private
        pure
        returns (bool)
    {
        Frame memory frame = m.frame;
        uint256 length = items[2];
        if (length > MAX_INITCODE_BYTES || !Steps.expand(frame, items[1], length)) return false;
        if (!Steps.charge(frame, CallGas.initcode(length, isCreate2))) return false;

        frame.returndata = Steps.emptyView();
        ++frame.pc;
        (Leaf memory leaf, Account memory own) = World.openAccount(tape, m.journal.stateRoot, frame.self);
        if (own.balance < items[0] || own.nonce == type(uint64).max || frame.depth >= MAX_DEPTH) {
            Steps.push(frame, 0);
            return true;
        }
        Frame memory child = _creationOf(frame, items[0], _initcodeHash(tape, frame, items[1], length));
        child.self = isCreate2
            ? Addresses.create2(frame.self, items[3], child.codeHash)
            : Addresses.create(frame.self, own.nonce);
        ++own.nonce;
        m.journal.stateRoot = World.writeAccount(tape, leaf, own);
        World.touchAddress(tape, m, child.self);
        _enter(m, hashJournal(m.journal), child);
        return true;
    }

    /// @dev Hash of a range of memory.
    function _initcodeHash(Tape memory tape, Frame memory frame, uint256 offset, uint256 length)
        private
        pure
        returns (bytes32)
    {
        if (length == 0) return AccountCodec.EMPTY_CODE_HASH;
        return keccak256(tape.readRange(frame.memoryRoot, offset, length));
    }

    /// @dev The frame of a creation, still without its address and what ties it to its creator, from which it takes
    /// the gas.
    function _creationOf(Frame memory frame, uint256 value, bytes32 codeHash)
        private
        pure
        returns (Frame memory child)
    {
        child.kind = KIND_CREATE;
        child.isStatic = frame.isStatic;
        child.caller = frame.self;
        child.value = value;
        child.codeHash = codeHash;
        child.gas = CallGas.allButOne64th(frame.gas);
        frame.gas -= child.gas; // a part of what is there
    }

    // ------------------------------------------------------------------------------------------ children

    /// @dev Go on with `child` in place of the present frame, whose fields are final until the child ends.
    function _enter(Machine memory m, bytes32 snapshot, Frame memory child) private pure {
        child.parent = hashFrame(m.frame);
        child.snapshot = snapshot;
        child.depth = m.frame.depth + 1;
        child.memoryRoot = Steps.EMPTY_MEMORY_ROOT;
        m.frame = child;
        if (child.kind == KIND_CREATE) m.phase = Phase.CREATE_ENTER;
        else m.phase = child.precompile == 0 ? Phase.EXEC : Phase.PRECOMPILE;
    }
}
