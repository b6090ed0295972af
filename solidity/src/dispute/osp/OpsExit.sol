// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account, AccountCodec} from "../../libraries/AccountCodec.sol";
import {CHUNK_BYTES} from "../../libraries/Constants.sol";
import {WordTree} from "../../libraries/WordTree.sol";
import {Phase} from "../../types/Unit.sol";
import {Frame, HALT_SUCCESS, Journal, KIND_CREATE, Machine, Pend, View} from "./Machine.sol";
import {OspParams} from "./OspParams.sol";
import {PrecompileRules} from "./PrecompileRules.sol";
import {PrecompileRunner} from "./PrecompileRunner.sol";
import {StepGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {Leaf, Tape} from "./Tape.sol";
import {Transfers} from "./Transfers.sol";
import {InvalidWitness} from "./Witness.sol";
import {World} from "./World.sol";

/// @title Steps of a frame that are no opcodes
/// @notice How a creation begins, the whole run of a precompile, and how every frame ends. Twins:
/// optimistic/protocol/stepper/phases/{create_enter,precompile,exit}.py.
contract OpsExit is StepGroup {
    uint256 private constant MAX_CODE_BYTES = 24_576;
    /// @dev Per byte.
    uint256 private constant CODE_DEPOSIT_GAS = 200;
    bytes1 private constant RESERVED_FIRST_BYTE = 0xef;

    /* IMMUTABLES */

    /// @notice Highest price of a precompile call that does not fail; 0 means no cap.
    uint256 public immutable PRECOMPILE_PRICE_CAP;
    /// @notice Whether MODEXP follows EIP-7823 and EIP-7883 instead of EIP-2565.
    bool public immutable MODEXP_OSAKA;

    /* CONSTRUCTOR */

    constructor(OspParams memory params) {
        PRECOMPILE_PRICE_CAP = params.precompilePriceCap;
        MODEXP_OSAKA = params.modexpOsaka;
    }

    /* STEP */

    /// @inheritdoc StepGroup
    function _step(Machine memory m, Tape memory tape, bytes32) internal view override {
        if (m.phase == Phase.EXIT) _exit(m, tape);
        else if (m.phase == Phase.PRECOMPILE) _precompile(m, tape);
        else if (m.phase == Phase.CREATE_ENTER) _createEnter(m, tape);
        else revert InvalidWitness(); // the phase is one of another group
    }

    // ------------------------------------------------------------------------------------------ CREATE_ENTER

    /// @dev Fail if the address is taken; else mark it, give it nonce 1 and the value. Asks: the new account; unless
    /// it is taken, its warm bits; if there is a value, the creator and the new account again.
    function _createEnter(Machine memory m, Tape memory tape) private pure {
        (Frame memory frame, Journal memory journal) = (m.frame, m.journal);
        (Leaf memory leaf, Account memory account) = World.openAccount(tape, journal.stateRoot, frame.self);
        if (_isTaken(account)) {
            Steps.fail(m);
            return;
        }
        _markCreated(m, tape);
        if (frame.value != 0) {
            bytes32 root = Transfers.debit(tape, journal.stateRoot, frame.caller, frame.value);
            (leaf, account) = World.openAccount(tape, root, frame.self);
            unchecked {
                account.balance += frame.value; // modulo 2^256, see Transfers
            }
        }
        account.nonce = 1;
        journal.stateRoot = World.writeAccount(tape, leaf, account);
        m.phase = Phase.EXEC;
    }

    function _markCreated(Machine memory m, Tape memory tape) private pure {
        (Leaf memory leaf, uint256 bits) = World.openBits(tape, m, keccak256(abi.encodePacked(m.frame.self)));
        World.writeBits(tape, m, leaf, bits | World.WARM | World.CREATED);
    }

    /// @dev Whether nonce, code or storage (EIP-7610) are in the way of a contract.
    function _isTaken(Account memory account) private pure returns (bool) {
        return account.nonce != 0 || account.codeHash != AccountCodec.EMPTY_CODE_HASH
            || account.storageRoot != AccountCodec.EMPTY_ROOT;
    }

    // ------------------------------------------------------------------------------------------ PRECOMPILE

    /// @dev Charge the price, then compute; a failure takes the frame's gas. Asks: the bytes of the input that decide
    /// price and result, if any; none if the length alone costs more than there is.
    function _precompile(Machine memory m, Tape memory tape) private view {
        Frame memory frame = m.frame;
        (uint256 number, uint256 length) = (frame.precompile, frame.input.length);
        uint256 needed = PrecompileRules.leastPrice(number, length) > frame.gas
            ? 0
            : PrecompileRules.inputNeeded(PRECOMPILE_PRICE_CAP, MODEXP_OSAKA, number, length);
        bytes memory head = tape.readView(frame.input, 0, needed);
        (bool fails, uint256 cost) = PrecompileRules.price(PRECOMPILE_PRICE_CAP, MODEXP_OSAKA, number, length, head);
        if (fails || !Steps.charge(frame, cost)) {
            Steps.fail(m);
        } else if (number == PrecompileRules.IDENTITY) {
            Steps.halt(m, HALT_SUCCESS, frame.input);
        } else {
            (bool ok, bytes memory output) = PrecompileRunner.run(number, cost, head);
            if (ok) Steps.halt(m, HALT_SUCCESS, Steps.viewOf(WordTree.rootOfMemory(output), 0, output.length));
            else Steps.fail(m);
        }
    }

    // ------------------------------------------------------------------------------------------ EXIT

    /// @dev Leave the frame for its caller, or for the end of the transaction. Asks of a successful creation that
    /// returns code it can pay for: the code and, unless it is refused, the account. Below depth 0: the caller; of a
    /// call with short output: the output and the caller's memory.
    function _exit(Machine memory m, Tape memory tape) private pure {
        Frame memory frame = m.frame;
        if (frame.kind == KIND_CREATE && frame.halt == HALT_SUCCESS) _depositCode(m, tape);
        if (frame.depth == 0) {
            m.tx.status = frame.halt == HALT_SUCCESS ? 1 : 0;
            m.tx.gasLeft = frame.gas;
            m.phase = Phase.TX_END;
            return;
        }
        _returnTo(m, tape, tape.parentOf(frame));
    }

    /// @dev Charge for the returned code and store it; turn the halt into a failure if that cannot be.
    function _depositCode(Machine memory m, Tape memory tape) private pure {
        (Frame memory frame, View memory output) = (m.frame, m.frame.returndata);
        if (output.length == 0) return;
        bool isPaid = output.length <= MAX_CODE_BYTES && Steps.charge(frame, CODE_DEPOSIT_GAS * output.length);
        if (!isPaid) {
            Steps.fail(m);
            return;
        }
        bytes memory code = tape.readView(output, 0, output.length);
        if (code[0] == RESERVED_FIRST_BYTE) {
            Steps.fail(m);
            return;
        }
        (Leaf memory leaf, Account memory account) = World.openAccount(tape, m.journal.stateRoot, frame.self);
        account.codeHash = keccak256(code);
        m.journal.stateRoot = World.writeAccount(tape, leaf, account);
    }

    /// @dev Give the caller gas, return data and result, and copy the output into its memory.
    function _returnTo(Machine memory m, Tape memory tape, Frame memory parent) private pure {
        Frame memory frame = m.frame;
        bool succeeds = frame.halt == HALT_SUCCESS;
        parent.gas += frame.gas;
        m.frame = parent;
        m.phase = Phase.EXEC;
        if (frame.kind == KIND_CREATE) {
            parent.returndata = succeeds ? Steps.emptyView() : frame.returndata;
            Steps.push(parent, succeeds ? uint160(frame.self) : 0);
            return;
        }
        parent.returndata = frame.returndata;
        Steps.push(parent, succeeds ? 1 : 0);
        uint256 length = parent.returndata.length;
        _copyOutput(m, tape, frame.outOffset, length < frame.outLength ? length : frame.outLength);
    }

    /// @dev Copy the first `length` bytes of the return data to memory that the caller has paid for.
    function _copyOutput(Machine memory m, Tape memory tape, uint256 offset, uint256 length) private pure {
        (Frame memory parent, View memory output) = (m.frame, m.frame.returndata);
        if (length > CHUNK_BYTES) {
            Pend memory pend;
            pend.length = length;
            pend.srcRoot = output.root;
            pend.srcOffset = output.offset;
            pend.dst = offset;
            m.pend = pend;
        } else if (length != 0) {
            bytes memory data = tape.readView(output, 0, length);
            parent.memoryRoot = tape.writeRange(parent.memoryRoot, offset, data);
        }
    }
}
