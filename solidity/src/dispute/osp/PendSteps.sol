// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Keccak} from "../../libraries/Keccak.sol";
import {Machine, Pend} from "./Machine.sol";
import {OpcodeTable} from "./OpcodeTable.sol";
import {Ranges} from "./Ranges.sol";
import {StepGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {Tape} from "./Tape.sol";

/// @title The further steps of long range operations
/// @notice The first step has checked and paid for everything, so nothing fails here. Copies take a chunk per step,
/// hashes 64 Keccak blocks and the last step all that is left. Twin: optimistic/protocol/stepper/ops/pending.py.
contract PendSteps is StepGroup {
    /// @dev Bytes that one step of a hash absorbs.
    uint256 private constant HASH_BYTES = 64 * Keccak.BLOCK;

    /// @dev The operands stay on the stack until the last step. Operation zero, the output of a call, has none: its
    /// row is that of STOP.
    function _step(Machine memory m, Tape memory tape, bytes32) internal pure override {
        Pend memory pend = m.pend;
        uint256[] memory items = Steps.pop(m.frame, tape, OpcodeTable.row(pend.op).pops);
        if (Ranges.isHash(pend.op)) _hash(m, tape, items);
        else _copy(m, tape);
        if (pend.done != pend.length) {
            Steps.pushAll(m.frame, items);
            return;
        }
        delete m.pend;
        if (pend.op != 0) ++m.frame.pc;
    }

    /// @dev Copy a chunk. Asks: the code, if that is the source, or the source, where it has bytes in this range;
    /// memory.
    function _copy(Machine memory m, Tape memory tape) private pure {
        Pend memory pend = m.pend;
        bytes calldata code = Ranges.isCodeCopy(pend.op) ? tape.code(pend.srcRoot) : msg.data[:0];
        Ranges.copyChunk(m, tape, pend, code);
    }

    /// @dev Absorb blocks of memory; after the last use the digest.
    function _hash(Machine memory m, Tape memory tape, uint256[] memory items) private pure {
        Pend memory pend = m.pend;
        uint256 left = pend.length - pend.done;
        uint256 length = left > HASH_BYTES ? HASH_BYTES : left;
        bytes calldata data = tape.rangeInPlace(pend.srcRoot, pend.srcOffset + pend.done, length);
        uint256 whole = length - length % Keccak.BLOCK;
        uint64[25] memory sponge = _lanes(pend.sponge);
        Keccak.absorb(sponge, data[:whole]);
        pend.done += length;
        if (length == left) Ranges.useHash(m, pend.op, items, Keccak.finish(sponge, data[whole:]));
    }

    /// @dev The same memory as lanes of 64 bits: the machine never has more in one.
    function _lanes(uint256[25] memory sponge) private pure returns (uint64[25] memory lanes) {
        assembly ("memory-safe") {
            lanes := sponge // both are 25 words
        }
    }
}
