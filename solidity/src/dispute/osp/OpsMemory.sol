// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account} from "../../libraries/AccountCodec.sol";
import {CHUNK_BYTES} from "../../libraries/Constants.sol";
import {CallGas} from "./CallGas.sol";
import {Frame, Machine, Pend, View} from "./Machine.sol";
import {
    OP_CALLDATACOPY,
    OP_CALLDATALOAD,
    OP_CODECOPY,
    OP_EXTCODECOPY,
    OP_KECCAK256,
    OP_MCOPY,
    OP_MLOAD,
    OP_MSTORE,
    OP_MSTORE8,
    OP_RETURNDATACOPY
} from "./Opcodes.sol";
import {Ranges} from "./Ranges.sol";
import {OpGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {Tape} from "./Tape.sol";
import {InvalidWitness} from "./Witness.sol";
import {World} from "./World.sol";

/// @title Opcodes that read or change memory
/// @notice Words, copies, KECCAK256 and logs. Of a range longer than a chunk only the beginning is here, see
/// PendSteps. Twins: optimistic/protocol/stepper/ops/{memory,copies,hashing,logs}.py, and `calldata_load` of
/// environment.py.
contract OpsMemory is OpGroup {
    uint256 private constant COPY_WORD_GAS = 3;
    uint256 private constant HASH_WORD_GAS = 6;
    uint256 private constant LOG_BYTE_GAS = 8;

    /// @inheritdoc OpGroup
    function _run(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        internal
        pure
        override
        returns (bool)
    {
        if (!_runToNext(m, tape, opcode, items)) return false;
        if (m.pend.length != 0) Steps.pushAll(m.frame, items); // the last step takes them
        else ++m.frame.pc;
        return true;
    }

    /// @dev All but what follows from whether the operation is over.
    function _runToNext(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        private
        pure
        returns (bool)
    {
        if (opcode == OP_MLOAD) return _load(m.frame, tape, items[0]);
        if (opcode == OP_MSTORE) return _store(m.frame, tape, items[0], abi.encode(items[1]));
        if (opcode == OP_MSTORE8) return _store(m.frame, tape, items[0], abi.encodePacked(uint8(items[1])));
        if (opcode == OP_CALLDATALOAD) return _loadCalldata(m.frame, tape, items[0]);
        if (Ranges.isHash(opcode)) return _hash(m, tape, opcode, items);
        if (opcode == OP_CALLDATACOPY) return _copyCalldata(m, tape, items);
        if (opcode == OP_RETURNDATACOPY) return _copyReturndata(m, tape, items);
        if (opcode == OP_CODECOPY) return _copyCode(m, tape, items);
        if (opcode == OP_EXTCODECOPY) return _copyExtCode(m, tape, items);
        if (opcode == OP_MCOPY) return _copyMemory(m, tape, items);
        revert InvalidWitness(); // the opcode is one of another group
    }

    // ------------------------------------------------------------------------------------------ words

    /// @dev Push 32 bytes of memory from any offset.
    function _load(Frame memory frame, Tape memory tape, uint256 offset) private pure returns (bool) {
        if (!Steps.expand(frame, offset, 32)) return false;
        Steps.push(frame, uint256(bytes32(tape.rangeInPlace(frame.memoryRoot, offset, 32))));
        return true;
    }

    /// @dev Write a word or a byte to any offset.
    function _store(Frame memory frame, Tape memory tape, uint256 offset, bytes memory data)
        private
        pure
        returns (bool)
    {
        if (!Steps.expand(frame, offset, data.length)) return false;
        frame.memoryRoot = tape.writeRange(frame.memoryRoot, offset, data);
        return true;
    }

    /// @dev Push 32 bytes of calldata, zeros beyond its end.
    function _loadCalldata(Frame memory frame, Tape memory tape, uint256 offset) private pure returns (bool) {
        Steps.push(frame, uint256(bytes32(tape.readView(frame.input, offset, 32))));
        return true;
    }

    // ------------------------------------------------------------------------------------------ hashes

    /// @dev KECCAK256 and the logs.
    function _hash(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        private
        pure
        returns (bool)
    {
        Frame memory frame = m.frame;
        (uint256 offset, uint256 length) = (items[0], items[1]);
        // the length is bounded by the memory before it is multiplied
        if (!Steps.expand(frame, offset, length)) return false;
        uint256 cost = opcode == OP_KECCAK256 ? HASH_WORD_GAS * _words(length) : LOG_BYTE_GAS * length;
        if (!Steps.charge(frame, cost)) return false;
        if (length > CHUNK_BYTES) {
            m.pend = _pend(opcode, frame.memoryRoot, offset, 0, length);
            return true;
        }
        bytes calldata data = length == 0 ? msg.data[:0] : tape.rangeInPlace(frame.memoryRoot, offset, length);
        Ranges.useHash(m, opcode, items, keccak256(data));
        return true;
    }

    // ------------------------------------------------------------------------------------------ copies

    /// @dev Copy calldata, zeros beyond its end. Asks: calldata, if the range has bytes of it; memory.
    function _copyCalldata(Machine memory m, Tape memory tape, uint256[] memory items) private pure returns (bool) {
        if (!_payCopy(m.frame, items[0], items[2])) return false;
        _copy(m, tape, _pendOfView(OP_CALLDATACOPY, m.frame.input, items), msg.data[:0]);
        return true;
    }

    /// @dev Copy what the last call returned; a range beyond its end fails, even an empty one. Asks: [bounds, gas];
    /// returndata; memory.
    function _copyReturndata(Machine memory m, Tape memory tape, uint256[] memory items) private pure returns (bool) {
        View memory source = m.frame.returndata;
        if (items[1] > source.length || items[2] > source.length - items[1]) return false;
        if (!_payCopy(m.frame, items[0], items[2])) return false;
        _copy(m, tape, _pendOfView(OP_RETURNDATACOPY, source, items), msg.data[:0]);
        return true;
    }

    /// @dev Copy the running code, zeros beyond its end.
    function _copyCode(Machine memory m, Tape memory tape, uint256[] memory items) private pure returns (bool) {
        Frame memory frame = m.frame;
        if (!_payCopy(frame, items[0], items[2])) return false;
        bytes calldata code = tape.ownCode();
        _copy(m, tape, _pend(OP_CODECOPY, frame.codeHash, _min(items[1], code.length), items[0], items[2]), code);
        return true;
    }

    /// @dev Copy the code of an account, zeros beyond its end. Asks: warmth; [all gas]; account; its code unless
    /// that or the range is empty; memory.
    function _copyExtCode(Machine memory m, Tape memory tape, uint256[] memory items) private pure returns (bool) {
        (uint256 dst, uint256 offset, uint256 length) = (items[1], items[2], items[3]);
        address owner = address(uint160(items[0])); // the high bytes are ignored
        bool wasWarm = World.touchAddress(tape, m, owner);
        if (!Steps.charge(m.frame, CallGas.access(wasWarm)) || !_payCopy(m.frame, dst, length)) return false;
        (, Account memory account) = World.openAccount(tape, m.journal.stateRoot, owner);
        bytes calldata code = length == 0 ? msg.data[:0] : tape.code(account.codeHash);
        _copy(m, tape, _pend(OP_EXTCODECOPY, account.codeHash, _min(offset, code.length), dst, length), code);
        return true;
    }

    /// @dev Copy memory to memory; the ranges may overlap. Asks: memory to read; memory to write.
    function _copyMemory(Machine memory m, Tape memory tape, uint256[] memory items) private pure returns (bool) {
        (uint256 dst, uint256 src, uint256 length) = (items[0], items[1], items[2]);
        if (!_payCopy(m.frame, dst > src ? dst : src, length)) return false;
        _copy(m, tape, _pend(OP_MCOPY, m.frame.memoryRoot, src, dst, length), msg.data[:0]);
        return true;
    }

    /// @dev Pay for a copy of `length` bytes, and for the memory [offset, offset + length).
    function _payCopy(Frame memory frame, uint256 offset, uint256 length) private pure returns (bool) {
        // the length is bounded by the memory before it is multiplied
        return Steps.expand(frame, offset, length) && Steps.charge(frame, COPY_WORD_GAS * _words(length));
    }

    /// @dev Do a copy that was paid for, or begin it if it is longer than a chunk.
    function _copy(Machine memory m, Tape memory tape, Pend memory pend, bytes calldata code) private pure {
        if (pend.length > CHUNK_BYTES) m.pend = pend;
        else if (pend.length != 0) Ranges.copyChunk(m, tape, pend, code);
    }

    // ------------------------------------------------------------------------------------------ parts

    /// @dev The beginning of a copy of (destination, offset, length) from a view.
    function _pendOfView(uint256 opcode, View memory source, uint256[] memory items)
        private
        pure
        returns (Pend memory)
    {
        return _pend(opcode, source.root, source.offset + _min(items[1], source.length), items[0], items[2]);
    }

    /// @dev The beginning of a range operation.
    function _pend(uint256 opcode, bytes32 srcRoot, uint256 srcOffset, uint256 dst, uint256 length)
        private
        pure
        returns (Pend memory pend)
    {
        pend.op = opcode;
        pend.length = length;
        pend.srcRoot = srcRoot;
        pend.srcOffset = srcOffset;
        pend.dst = dst;
    }

    /// @dev Whole words that hold `length` bytes.
    function _words(uint256 length) private pure returns (uint256) {
        return (length + 31) / 32;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
