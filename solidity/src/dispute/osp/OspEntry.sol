// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOneStepVerifier} from "../../interfaces/IOneStepVerifier.sol";
import {IStepGroup} from "../../interfaces/IStepGroup.sol";
import {AccountCodec} from "../../libraries/AccountCodec.sol";
import {Phase} from "../../types/Unit.sol";
import {Code} from "./Code.sol";
import {Machine} from "./Machine.sol";
import {OpcodeTable} from "./OpcodeTable.sol";
import {GROUP_BASIC, GROUP_MEMORY, GROUP_STATE} from "./Opcodes.sol";
import {Move, StepRule} from "./StepRule.sol";
import {StepProof, machineIn, proofIn} from "./Witness.sol";

/// @title The one-step verifier
/// @notice Checks what a step starts from and passes it to the contract that knows the step; which one follows from
/// the proven machine and code alone. No owner, no storage: the answers can never change.
contract OspEntry is IOneStepVerifier {
    /// @notice The contracts that know the steps.
    struct Groups {
        IStepGroup basic;
        IStepGroup memory_;
        IStepGroup state;
        IStepGroup call;
        IStepGroup pend;
        IStepGroup exit;
        IStepGroup txBegin;
        IStepGroup blockUnits;
    }

    /* IMMUTABLES */

    IStepGroup public immutable OPS_BASIC;
    IStepGroup public immutable OPS_MEMORY;
    IStepGroup public immutable OPS_STATE;
    IStepGroup public immutable OPS_CALL;
    IStepGroup public immutable PEND_STEPS;
    IStepGroup public immutable OPS_EXIT;
    IStepGroup public immutable TX_BEGIN;
    IStepGroup public immutable BLOCK_UNITS;

    /* CONSTRUCTOR */

    constructor(Groups memory groups) {
        OPS_BASIC = groups.basic;
        OPS_MEMORY = groups.memory_;
        OPS_STATE = groups.state;
        OPS_CALL = groups.call;
        PEND_STEPS = groups.pend;
        OPS_EXIT = groups.exit;
        TX_BEGIN = groups.txBegin;
        BLOCK_UNITS = groups.blockUnits;
    }

    /* STEP */

    /// @inheritdoc IOneStepVerifier
    function step(bytes32 pre, uint256 j, uint256 v, bytes32 acc, bytes calldata witness)
        external
        view
        returns (bytes32)
    {
        StepProof calldata proof = proofIn(witness);
        Machine memory m = machineIn(proof);
        bytes32 actual = m.hashMachine();
        if (actual != pre) revert WrongMachine(pre, actual);
        Move move = StepRule.next(j, v, acc != 0, m.phase);
        if (move == Move.KEEP) return pre;
        if (move == Move.ERR) {
            StepRule.err(m);
            return m.hashMachine();
        }
        return _answerOf(_groupOf(m, proof.witness.code));
    }

    /// @dev What a group says to the very calldata of this call. Encoded anew, a witness could mean something else to
    /// the group than to the checks above: its offsets may lead out of it, forwards and backwards.
    function _answerOf(IStepGroup group) private view returns (bytes32) {
        (bool ok, bytes memory answer) = address(group).staticcall(msg.data);
        if (ok) return abi.decode(answer, (bytes32));
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer)) // the group's reason
        }
    }

    /// @dev The contract that knows the machine's next step. Checks the code: that of the frame where an opcode is
    /// read, else none.
    function _groupOf(Machine memory m, bytes calldata code) private view returns (IStepGroup) {
        bool readsOpcode = m.phase == Phase.EXEC && m.pend.length == 0;
        bytes32 expected = readsOpcode ? m.frame.codeHash : AccountCodec.EMPTY_CODE_HASH;
        if (keccak256(code) != expected) revert WrongCode();
        return readsOpcode ? _groupOfOpcode(Code.opcodeAt(code, m.frame.pc)) : _groupOfPhase(m.phase);
    }

    /// @dev Bytes that are no opcode have group zero, GROUP_BASIC.
    function _groupOfOpcode(uint256 opcode) private view returns (IStepGroup) {
        uint256 group = OpcodeTable.row(opcode).group;
        if (group == GROUP_BASIC) return OPS_BASIC;
        if (group == GROUP_MEMORY) return OPS_MEMORY;
        return group == GROUP_STATE ? OPS_STATE : OPS_CALL;
    }

    /// @dev EXEC is here only inside a long range operation; ERRORED never takes a step.
    function _groupOfPhase(Phase phase) private view returns (IStepGroup) {
        if (phase == Phase.EXEC) return PEND_STEPS;
        if (phase >= Phase.PRECOMPILE && phase <= Phase.EXIT) return OPS_EXIT;
        if (phase >= Phase.TX_BEGIN && phase <= Phase.TX_ENTER) return TX_BEGIN;
        return BLOCK_UNITS;
    }
}
