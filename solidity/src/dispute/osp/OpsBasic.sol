// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Unit} from "../../types/Unit.sol";
import {Arithmetic} from "./Arithmetic.sol";
import {Code} from "./Code.sol";
import {Frame, Machine} from "./Machine.sol";
import {
    OP_ADDRESS,
    OP_BASEFEE,
    OP_BLOBBASEFEE,
    OP_BLOBHASH,
    OP_CALLDATASIZE,
    OP_CALLER,
    OP_CALLVALUE,
    OP_CHAINID,
    OP_CODESIZE,
    OP_COINBASE,
    OP_DUP1,
    OP_EXP,
    OP_GAS,
    OP_GASLIMIT,
    OP_GASPRICE,
    OP_JUMP,
    OP_JUMPDEST,
    OP_JUMPI,
    OP_LT,
    OP_MSIZE,
    OP_NUMBER,
    OP_ORIGIN,
    OP_PC,
    OP_POP,
    OP_PREVRANDAO,
    OP_PUSH0,
    OP_RETURNDATASIZE,
    OP_SAR,
    OP_SWAP1,
    OP_TIMESTAMP
} from "./Opcodes.sol";
import {OpGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {Tape} from "./Tape.sol";

/// @title Opcodes that touch nothing but the stack, the gas and the program counter
/// @notice Arithmetic, the environment and the block, jumps, PUSH, DUP, SWAP; and the bytes that are no opcode.
/// Twins: optimistic/protocol/stepper/ops.
contract OpsBasic is OpGroup {
    uint256 private constant EXP_BYTE_GAS = 50;

    /// @inheritdoc OpGroup
    function _run(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        internal
        pure
        override
        returns (bool)
    {
        Frame memory frame = m.frame;
        if (opcode == OP_JUMP || opcode == OP_JUMPI) return _jump(frame, tape, items);
        if (opcode == OP_EXP && !Steps.charge(frame, EXP_BYTE_GAS * Arithmetic.byteLength(items[1]))) return false;
        if (opcode >= OP_SWAP1) _swap(frame, items);
        else if (opcode >= OP_DUP1) _dup(frame, items);
        else if (opcode >= OP_PUSH0) _pushCode(frame, tape, opcode - OP_PUSH0);
        else if (opcode <= OP_SAR) Steps.push(frame, _compute(opcode, items));
        else if (opcode != OP_POP && opcode != OP_JUMPDEST) Steps.push(frame, _constant(m, tape, opcode));
        ++frame.pc;
        return true;
    }

    /// @dev JUMP, and JUMPI whose second item is not zero, go to their first item.
    function _jump(Frame memory frame, Tape memory tape, uint256[] memory items) private pure returns (bool) {
        if (items.length == 2 && items[1] == 0) {
            ++frame.pc;
            return true;
        }
        if (!Code.isJumpDest(tape.ownCode(), items[0])) return false;
        frame.pc = items[0];
        return true;
    }

    /// @dev The lowest item goes to the top, the others stay.
    function _dup(Frame memory frame, uint256[] memory items) private pure {
        Steps.pushAll(frame, items);
        Steps.push(frame, items[items.length - 1]);
    }

    /// @dev The lowest and the top item change places.
    function _swap(Frame memory frame, uint256[] memory items) private pure {
        uint256 last = items.length - 1;
        (items[0], items[last]) = (items[last], items[0]);
        Steps.pushAll(frame, items);
    }

    /// @dev Push the `size` bytes behind the opcode.
    function _pushCode(Frame memory frame, Tape memory tape, uint256 size) private pure {
        Steps.push(frame, Code.pushed(tape.ownCode(), frame.pc + 1, size));
        frame.pc += size;
    }

    function _compute(uint256 opcode, uint256[] memory items) private pure returns (uint256) {
        uint256 second = items.length > 1 ? items[1] : 0;
        if (opcode >= OP_LT) return Arithmetic.bitwise(opcode, items[0], second);
        return Arithmetic.integer(opcode, items[0], second, items.length > 2 ? items[2] : 0);
    }

    /// @dev What an opcode pushes that only looks at the machine.
    function _constant(Machine memory m, Tape memory tape, uint256 opcode) private pure returns (uint256) {
        if (opcode >= OP_COINBASE && opcode <= OP_BLOBBASEFEE) return _blockConstant(m.unit, opcode);
        Frame memory frame = m.frame;
        if (opcode == OP_ADDRESS) return uint160(frame.self);
        if (opcode == OP_ORIGIN) return uint160(m.tx.sender);
        if (opcode == OP_CALLER) return uint160(frame.caller);
        if (opcode == OP_CALLVALUE) return frame.value;
        if (opcode == OP_CALLDATASIZE) return frame.input.length;
        if (opcode == OP_CODESIZE) return tape.ownCode().length;
        if (opcode == OP_GASPRICE) return m.tx.gasPrice;
        if (opcode == OP_RETURNDATASIZE) return frame.returndata.length;
        if (opcode == OP_PC) return frame.pc;
        if (opcode == OP_MSIZE) return frame.memoryWords * 32;
        assert(opcode == OP_GAS);
        return frame.gas;
    }

    /// @dev No transaction has blobs: BLOBHASH is zero at any index, and the price of blob gas is the lowest, 1.
    function _blockConstant(Unit memory unit, uint256 opcode) private pure returns (uint256) {
        if (opcode == OP_COINBASE) return uint160(unit.coinbase);
        if (opcode == OP_TIMESTAMP) return unit.timestamp;
        if (opcode == OP_NUMBER) return unit.number;
        if (opcode == OP_PREVRANDAO) return uint256(unit.prevRandao);
        if (opcode == OP_GASLIMIT) return unit.gasLimit;
        if (opcode == OP_CHAINID) return unit.chainId;
        if (opcode == OP_BASEFEE) return unit.baseFee;
        if (opcode == OP_BLOBHASH) return 0;
        assert(opcode == OP_BLOBBASEFEE);
        return 1;
    }
}
