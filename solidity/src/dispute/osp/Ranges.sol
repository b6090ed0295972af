// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CHUNK_BYTES, TAG_LOG} from "../../libraries/Constants.sol";
import {Code} from "./Code.sol";
import {Frame, Journal, Machine, Pend, View} from "./Machine.sol";
import {OP_CALLDATACOPY, OP_CODECOPY, OP_EXTCODECOPY, OP_KECCAK256, OP_LOG0, OP_LOG4, OP_MCOPY} from "./Opcodes.sol";
import {Steps} from "./Steps.sol";
import {Tape} from "./Tape.sol";

/// @notice What an operation on a range of bytes does alike whether it takes one step or more.
/// @dev A short copy is the only chunk of a pending one. Twin: optimistic/protocol/stepper/ops/pending.py.
library Ranges {
    // ------------------------------------------------------------------------------------------ kinds

    /// @dev Whether the opcode hashes memory; otherwise it copies to memory, or is zero: the output of a call.
    function isHash(uint256 op) internal pure returns (bool) {
        return op == OP_KECCAK256 || isLog(op);
    }

    function isLog(uint256 op) internal pure returns (bool) {
        return op >= OP_LOG0 && op <= OP_LOG4;
    }

    function isCodeCopy(uint256 op) internal pure returns (bool) {
        return op == OP_CODECOPY || op == OP_EXTCODECOPY;
    }

    // ------------------------------------------------------------------------------------------ copies

    /// @dev Copy the next chunk, at least one byte; `code` is the source of CODECOPY and EXTCODECOPY. Asks: the
    /// source, where it has bytes in this range; memory.
    function copyChunk(Machine memory m, Tape memory tape, Pend memory pend, bytes calldata code) internal pure {
        uint256 length = pend.length - pend.done;
        if (length > CHUNK_BYTES) length = CHUNK_BYTES;
        bytes memory data = _read(m.frame, tape, pend, code, length);
        m.frame.memoryRoot = tape.writeRange(m.frame.memoryRoot, pend.dst + pend.done, data);
        pend.done += length;
    }

    /// @dev The next bytes of the source, zeros beyond its end.
    function _read(Frame memory frame, Tape memory tape, Pend memory pend, bytes calldata code, uint256 length)
        private
        pure
        returns (bytes memory)
    {
        uint256 start = pend.srcOffset + pend.done;
        if (isCodeCopy(pend.op)) return Code.slice(code, start, length);
        if (pend.op == OP_MCOPY) return tape.readRange(pend.srcRoot, start, length);
        View memory source = pend.op == OP_CALLDATACOPY ? frame.input : frame.returndata;
        return tape.readView(source, start - source.offset, length);
    }

    // ------------------------------------------------------------------------------------------ hashes

    /// @dev Use the hash of memory as the opcode does, whose `items` are off the stack.
    function useHash(Machine memory m, uint256 op, uint256[] memory items, bytes32 digest) internal pure {
        if (op == OP_KECCAK256) Steps.push(m.frame, uint256(digest));
        else _log(m, items, digest);
    }

    /// @dev Add a log to the journal; the topics follow offset and length in the items.
    function _log(Machine memory m, uint256[] memory items, bytes32 dataHash) private pure {
        Journal memory journal = m.journal;
        uint256[4] memory topics;
        for (uint256 i = 2; i < items.length; ++i) {
            topics[i - 2] = items[i];
        }
        journal.logAcc =
            keccak256(abi.encode(TAG_LOG, journal.logAcc, m.frame.self, items.length - 2, topics, dataHash));
        ++journal.logCount;
    }
}
