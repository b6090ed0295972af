// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account, AccountCodec} from "../../libraries/AccountCodec.sol";
import {MAX_INITCODE_BYTES, SYSTEM_RANGE_START} from "../../libraries/Constants.sol";
import {TxAccessList} from "../../libraries/TxAccessList.sol";
import {DecodedTx, TxDecoder} from "../../libraries/TxDecoder.sol";
import {Phase, Unit} from "../../types/Unit.sol";
import {Addresses} from "./Addresses.sol";
import {BatchItem, BatchItems, ItemKind} from "./BatchItems.sol";
import {Frame, KIND_CREATE, Machine, TxContext, hashJournal} from "./Machine.sol";
import {OspParams} from "./OspParams.sol";
import {StepGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {Leaf, Tape} from "./Tape.sol";
import {Transfers} from "./Transfers.sol";
import {InvalidWitness} from "./Witness.sol";
import {World} from "./World.sol";

/// @title How a transaction begins
/// @notice Reads a transaction from the batch and buys its gas, or passes over it; warms up its access list; makes its
/// top frame, as that of a deposit. Nothing that the bytes of a batch can be makes it revert. Twins: tx_begin,
/// tx_access and tx_enter of optimistic/protocol/stepper/phases.
contract TxBegin is StepGroup {
    uint64 private constant MAX_NONCE = type(uint64).max;
    uint256 private constant KEYS_PER_STEP = 4;
    /// @dev The longest beginning of an entry with its address, and the keys of one step.
    uint256 private constant WINDOW_BYTES = 4 + TxAccessList.ADDRESS_BYTES + 4 + KEYS_PER_STEP * TxAccessList.KEY_BYTES;

    /* IMMUTABLES */

    /// @notice Highest gas limit of a transaction.
    uint256 public immutable TX_GAS_CAP;
    /// @notice Length beyond which a transaction is passed over unread.
    uint256 public immutable MAX_TX_BYTES;

    /* CONSTRUCTOR */

    constructor(OspParams memory params) {
        TX_GAS_CAP = params.txGasCap;
        MAX_TX_BYTES = params.maxTxBytes;
    }

    /* STEP */

    /// @inheritdoc StepGroup
    function _step(Machine memory m, Tape memory tape, bytes32) internal view override {
        if (m.phase == Phase.TX_BEGIN) _begin(m, tape);
        else if (m.phase == Phase.TX_ACCESS) _access(m, tape);
        else if (m.phase == Phase.TX_ENTER) _enter(m, tape);
        else revert InvalidWitness(); // the phase is one of another group
    }

    /* TX_BEGIN */

    /// @dev Begin the transaction at the cursor; if it is invalid here, only the cursor moves. Asks: the item at the
    /// cursor (range); unless it is too long, its bytes (range); if they decode and have a signer, the sender (proof).
    function _begin(Machine memory m, Tape memory tape) private view {
        Unit memory unit = m.unit;
        BatchItem memory item = BatchItems.atCursor(tape, unit);
        if (item.kind != ItemKind.TRANSACTION) revert InvalidWitness(); // the phase is chosen at such an item alone
        unit.cursor = item.end;
        m.phase = Phase.BOUNDARY;
        uint256 length = item.end - item.start;
        if (length > MAX_TX_BYTES) return;
        bytes calldata raw = tape.rangeInPlace(unit.dataRoot, item.start, length);
        (bool isWellFormed, DecodedTx memory decoded) = TxDecoder.decode(raw);
        if (!isWellFormed) return;
        (Leaf memory leaf, Account memory sender) = World.openAccount(tape, unit.stateRoot, decoded.sender);
        uint256 intrinsicGas = TxDecoder.intrinsicGas(decoded);
        if (!_isValid(decoded, intrinsicGas, unit, sender) || !_isWithinBudget(decoded, intrinsicGas, unit)) return;
        _setContext(m.tx, decoded, intrinsicGas, unit, item.start);
        _buyGas(m, tape, leaf, sender);
        m.phase = decoded.accessLength == 0 ? Phase.TX_ENTER : Phase.TX_ACCESS;
    }

    /// @dev The rules of the specification, in its order, but for length and budget.
    function _isValid(DecodedTx memory decoded, uint256 intrinsicGas, Unit memory unit, Account memory sender)
        private
        view
        returns (bool)
    {
        if (decoded.hasChainId && decoded.chainId != unit.chainId) return false;
        if (sender.codeHash != AccountCodec.EMPTY_CODE_HASH) return false;
        if (decoded.nonce != sender.nonce || decoded.nonce == MAX_NONCE) return false;
        if (decoded.gasLimit > TX_GAS_CAP || decoded.gasLimit > unit.gasLimit) return false;
        if (decoded.maxPriorityFee > decoded.maxFee || decoded.maxFee < unit.baseFee) return false;
        if (intrinsicGas > decoded.gasLimit) return false;
        if (decoded.isCreate && decoded.dataLength > MAX_INITCODE_BYTES) return false;
        // gasLimit · maxFee + value ≤ balance, without the overflow; the gas limit is not zero any more
        return decoded.value <= sender.balance && decoded.maxFee <= (sender.balance - decoded.value) / decoded.gasLimit;
    }

    /// @dev Whether the execution gas fits what is left of the lane's budget.
    function _isWithinBudget(DecodedTx memory decoded, uint256 intrinsicGas, Unit memory unit)
        private
        pure
        returns (bool)
    {
        // the zero address of a creation is outside the range
        bool isSystem = uint160(decoded.to) >> 8 == uint160(SYSTEM_RANGE_START) >> 8;
        return decoded.gasLimit - intrinsicGas <= (isSystem ? unit.leftSystem : unit.leftGeneral);
    }

    /// @dev Describe a valid transaction whose bytes begin at `start` of the batch data.
    function _setContext(
        TxContext memory tx_,
        DecodedTx memory decoded,
        uint256 intrinsicGas,
        Unit memory unit,
        uint256 start
    ) private pure {
        tx_.sender = decoded.sender;
        tx_.isCreate = decoded.isCreate ? 1 : 0;
        tx_.target = decoded.isCreate ? Addresses.create(decoded.sender, decoded.nonce) : decoded.to;
        tx_.value = decoded.value;
        tx_.gasPrice = _gasPrice(decoded, unit.baseFee);
        tx_.gasLimit = decoded.gasLimit;
        tx_.intrinsicGas = intrinsicGas;
        tx_.data = Steps.viewOf(unit.dataRoot, start + decoded.dataOffset, decoded.dataLength);
        tx_.txHash = decoded.txHash;
        tx_.accessCursor = start + decoded.accessOffset;
        tx_.accessEnd = tx_.accessCursor + decoded.accessLength;
    }

    /// @dev The lesser of maxFee and baseFee + maxPriorityFee; neither summand is above maxFee.
    function _gasPrice(DecodedTx memory decoded, uint256 baseFee) private pure returns (uint256) {
        uint256 highestTip = decoded.maxFee - baseFee;
        return baseFee + (decoded.maxPriorityFee < highestTip ? decoded.maxPriorityFee : highestTip);
    }

    /// @dev Take the price of the gas limit, raise the nonce and begin a journal.
    function _buyGas(Machine memory m, Tape memory tape, Leaf memory leaf, Account memory sender) private pure {
        sender.balance -= m.tx.gasLimit * m.tx.gasPrice; // the balance covers maxFee
        ++sender.nonce;
        m.journal.stateRoot = World.writeAccount(tape, leaf, sender);
        m.journal.warmRoot = World.EMPTY_ROOT;
        m.journal.transientRoot = World.EMPTY_ROOT;
    }

    /* TX_ACCESS */

    /// @dev Warm up the next entry of the access list, or go on with it, by four keys. Asks: the next bytes of the list
    /// (range); between two entries, the address (proof; none if warm by rule); up to four keys (proof each).
    function _access(Machine memory m, Tape memory tape) private pure {
        TxContext memory tx_ = m.tx;
        uint256 cursor = tx_.accessCursor;
        bytes calldata window = tape.rangeInPlace(m.unit.dataRoot, cursor, _min(tx_.accessEnd - cursor, WINDOW_BYTES));
        uint256 at;
        if (cursor >= tx_.accessKeysEnd) {
            uint256 keysEnd;
            (tx_.accessAddress, at, keysEnd) = TxAccessList.entryAt(window, 0);
            tx_.accessKeysEnd = cursor + keysEnd;
            World.touchAddress(tape, m, tx_.accessAddress);
        }
        uint256 keys = _min(KEYS_PER_STEP, (tx_.accessKeysEnd - cursor - at) / TxAccessList.KEY_BYTES);
        for (uint256 i; i < keys; ++i) {
            World.touchSlot(tape, m, tx_.accessAddress, uint256(TxAccessList.keyAt(window, at)));
            at += TxAccessList.KEY_BYTES;
        }
        tx_.accessCursor = cursor + at;
        if (tx_.accessCursor == tx_.accessEnd) m.phase = Phase.TX_ENTER;
    }

    /* TX_ENTER */

    /// @dev Enter the called account, or the creation. Asks of a creation: the initcode (range; none if empty). Of a
    /// call: the target (proof); if it moves ether to another account, the sender and the target again (proof each).
    function _enter(Machine memory m, Tape memory tape) private pure {
        TxContext memory tx_ = m.tx;
        _setTopFrame(m);
        if (tx_.isCreate != 0) {
            m.frame.kind = KIND_CREATE;
            m.frame.codeHash = keccak256(tape.readView(tx_.data, 0, tx_.data.length));
            m.phase = Phase.CREATE_ENTER;
            return;
        }
        (, Account memory target) = World.openAccount(tape, m.journal.stateRoot, tx_.target);
        m.frame.codeHash = target.codeHash;
        m.frame.input = tx_.data;
        // addresses are numbers, and those of precompiles follow zero, which is none of them
        if (uint160(tx_.target) <= World.LAST_PRECOMPILE) m.frame.precompile = uint160(tx_.target);
        m.phase = m.frame.precompile == 0 ? Phase.EXEC : Phase.PRECOMPILE;
        if (tx_.value != 0 && tx_.target != tx_.sender) {
            (Leaf memory leaf, Account memory sender) = World.openAccount(tape, m.journal.stateRoot, tx_.sender);
            m.journal.stateRoot = Transfers.move(tape, leaf, sender, tx_.target, tx_.value);
        }
    }

    /// @dev What calls and creations have in common: the frame at depth 0, whose snapshot is the present journal.
    function _setTopFrame(Machine memory m) private pure {
        (Frame memory frame, TxContext memory tx_) = (m.frame, m.tx);
        frame.snapshot = hashJournal(m.journal);
        frame.self = tx_.target;
        frame.caller = tx_.sender;
        frame.value = tx_.value;
        frame.gas = tx_.gasLimit - tx_.intrinsicGas;
        frame.memoryRoot = Steps.EMPTY_MEMORY_ROOT;
    }

    /* NUMBERS */

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
