// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInbox} from "../../interfaces/IInbox.sol";
import {Account} from "../../libraries/AccountCodec.sol";
import {
    BLOCK_RING_DEPTH,
    MAX_INITCODE_BYTES,
    SYSTEM_RANGE_START,
    TAG_BLOCK,
    TAG_DEPOSIT_TX,
    TAG_RANDAO,
    TAG_RECEIPT
} from "../../libraries/Constants.sol";
import {IntrinsicGas} from "../../libraries/IntrinsicGas.sol";
import {Rlp} from "../../libraries/Rlp.sol";
import {BatchRecord, Deposit} from "../../types/Records.sol";
import {Phase, Unit} from "../../types/Unit.sol";
import {Addresses} from "./Addresses.sol";
import {BatchItem, BatchItems, ItemKind} from "./BatchItems.sol";
import {Journal, Machine, TxContext} from "./Machine.sol";
import {OspParams} from "./OspParams.sol";
import {StepGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {Leaf, Tape} from "./Tape.sol";
import {Transfers} from "./Transfers.sol";
import {World} from "./World.sol";

/// @title What lies around the execution of transactions
/// @notice The beginning of a batch, the choice of the next unit, the beginning and end of blocks, deposits up to
/// their execution, and the settlement after any execution. Twins: units, deposit and tx_end of
/// optimistic/protocol/stepper/phases.
contract BlockUnits is StepGroup {
    uint64 private constant MAX_NONCE = type(uint64).max;
    uint256 private constant REFUND_QUOTIENT = 5;

    /* IMMUTABLES */

    /// @notice The inbox, which keeps the hashes of deposits.
    IInbox public immutable INBOX;
    uint256 public immutable BASE_FEE;
    uint256 public immutable BLOCK_GAS_LIMIT;
    address public immutable COINBASE;
    uint256 public immutable MAX_TIME_LAG;

    /* CONSTRUCTOR */

    constructor(OspParams memory params, IInbox inbox) {
        INBOX = inbox;
        BASE_FEE = params.baseFee;
        BLOCK_GAS_LIMIT = params.blockGasLimit;
        COINBASE = params.coinbase;
        MAX_TIME_LAG = params.maxTimeLag;
    }

    /* STEP */

    /// @inheritdoc StepGroup
    function _step(Machine memory m, Tape memory tape, bytes32 acc) internal view override {
        Phase phase = m.phase;
        if (phase == Phase.IDLE) _beginBatch(m, tape, acc);
        else if (phase == Phase.BOUNDARY) _chooseUnit(m, tape);
        else if (phase == Phase.BLOCK_BEGIN) _beginBlock(m, tape);
        else if (phase == Phase.DEPOSIT) _beginDeposit(m, tape);
        else if (phase == Phase.BLOCK_END) _endBlock(m, tape);
        else if (phase == Phase.TX_END) _endTx(m, tape);
        else _destroy(m, tape);
    }

    /* BATCH */

    /// @dev Load the record behind `acc` into the idle unit. Takes the batch record (blob).
    function _beginBatch(Machine memory m, Tape memory tape, bytes32 acc) private pure {
        BatchRecord memory record = tape.batchRecord(acc);
        Unit memory unit = m.unit;
        unit.dataRoot = record.dataRoot;
        unit.dataLen = record.dataLen;
        unit.cursor = 0;
        unit.depositEnd = record.depositEnd;
        unit.l1Timestamp = record.l1Timestamp;
        unit.configHash = record.configHash;
        unit.leftGeneral = record.gasBudget;
        unit.leftSystem = record.systemGasBudget;
        m.phase = Phase.BOUNDARY;
    }

    /// @dev Set the phase with which the next unit begins; IDLE when the batch is finished. Takes the item at the
    /// cursor (range; none at the end of the data).
    function _chooseUnit(Machine memory m, Tape memory tape) private pure {
        Unit memory unit = m.unit;
        ItemKind kind = BatchItems.atCursor(tape, unit).kind;
        if (unit.blockOpen != 0) {
            if (unit.blockDepositsLeft != 0) m.phase = Phase.DEPOSIT;
            else m.phase = kind == ItemKind.TRANSACTION ? Phase.TX_BEGIN : Phase.BLOCK_END;
        } else if (kind == ItemKind.HEADER || unit.depositCursor < unit.depositEnd || unit.blocks == 0) {
            m.phase = Phase.BLOCK_BEGIN;
        } else {
            m.phase = Phase.IDLE;
            _clearBatch(unit);
        }
    }

    /// @dev IDLE has one encoding: of the batch only the deposit cursor remains.
    function _clearBatch(Unit memory unit) private pure {
        unit.dataRoot = 0;
        unit.dataLen = 0;
        unit.cursor = 0;
        unit.depositEnd = 0;
        unit.l1Timestamp = 0;
        unit.configHash = 0;
        unit.leftGeneral = 0;
        unit.leftSystem = 0;
        unit.blockOpen = 0;
        unit.blockDepositsLeft = 0;
        unit.blocks = 0;
    }

    /* BLOCKS */

    /// @dev Open the block whose header is at the cursor, else the last one, which takes all deposits left. Takes the
    /// item at the cursor (range; none at the end of the data).
    function _beginBlock(Machine memory m, Tape memory tape) private view {
        Unit memory unit = m.unit;
        BatchItem memory item = BatchItems.atCursor(tape, unit);
        uint256 claimed = unit.l1Timestamp;
        uint256 depositsLeft = unit.depositEnd - unit.depositCursor;
        unit.blockDepositsLeft = depositsLeft;
        unit.cursor = unit.dataLen;
        if (item.kind == ItemKind.HEADER) {
            claimed = item.timestamp;
            unit.blockDepositsLeft = _min(item.deposits, depositsLeft);
            unit.cursor = item.end;
        }
        ++unit.number;
        unit.timestamp = _clamp(claimed, unit.timestamp, unit.l1Timestamp);
        unit.coinbase = COINBASE;
        unit.gasLimit = BLOCK_GAS_LIMIT;
        unit.baseFee = BASE_FEE;
        unit.prevRandao = keccak256(abi.encode(TAG_RANDAO, unit.parentHash, unit.number));
        unit.blockOpen = 1;
        unit.txIndex = 0;
        unit.cumGasUsed = 0;
        unit.receiptsAcc = 0;
        m.phase = Phase.BOUNDARY;
    }

    /// @dev Close the block and put its hash into the ring. Takes the old leaf of the ring (range of depth 8).
    function _endBlock(Machine memory m, Tape memory tape) private pure {
        Unit memory unit = m.unit;
        bytes32 blockHash = keccak256(
            abi.encode(TAG_BLOCK, unit.number, unit.parentHash, unit.stateRoot, unit.receiptsAcc, unit.timestamp)
        );
        uint256 index = unit.number % (1 << BLOCK_RING_DEPTH);
        unit.blockHashRing = tape.putBlockHash(unit.blockHashRing, index, blockHash);
        unit.parentHash = blockHash;
        unit.blockOpen = 0;
        ++unit.blocks;
        m.phase = Phase.BOUNDARY;
    }

    /// @dev A block's timestamp: close to L1's, never before the previous block's.
    function _clamp(uint256 claimed, uint256 previous, uint256 l1Timestamp) private view returns (uint256) {
        uint256 earliest = l1Timestamp > MAX_TIME_LAG ? l1Timestamp - MAX_TIME_LAG : 0;
        return _max(previous, _min(_max(claimed, earliest), l1Timestamp));
    }

    /* DEPOSITS */

    /// @dev Mint, raise the nonce, and go on with TX_ENTER if the message can start. Takes the deposit (blob), its
    /// data (range; none if empty), the sender (proof).
    function _beginDeposit(Machine memory m, Tape memory tape) private view {
        uint256 index = m.unit.depositCursor++;
        --m.unit.blockDepositsLeft;
        bytes32 depositHash = INBOX.depositHash(index);
        Deposit memory deposit = tape.deposit(depositHash);
        _setContext(m.tx, tape, deposit);
        m.tx.txHash = keccak256(abi.encode(TAG_DEPOSIT_TX, index, depositHash));
        (Leaf memory leaf, Account memory sender) = World.openAccount(tape, m.unit.stateRoot, deposit.from);
        if (deposit.isCreate) m.tx.target = Addresses.create(deposit.from, sender.nonce);
        bool hasNonce = sender.nonce < MAX_NONCE;
        if (hasNonce) ++sender.nonce;
        // a sum beyond 2^256 needs more ether than exists
        unchecked {
            sender.balance += deposit.mint;
        }
        _beginJournal(m.journal, World.writeAccount(tape, leaf, sender));
        m.phase = hasNonce && _canStart(m.tx, sender.balance) ? Phase.TX_ENTER : Phase.TX_END;
    }

    /// @dev Describe the message of a deposit, but for its hash and the target of a create.
    function _setContext(TxContext memory tx_, Tape memory tape, Deposit memory deposit) private pure {
        tx_.isDeposit = 1;
        tx_.sender = deposit.from;
        tx_.isCreate = deposit.isCreate ? 1 : 0;
        tx_.target = deposit.to;
        tx_.value = deposit.value;
        tx_.gasLimit = deposit.gasLimit;
        tx_.data = Steps.viewOf(deposit.dataRoot, 0, deposit.dataLen);
        bytes memory data = tape.readView(tx_.data, 0, deposit.dataLen);
        (uint256 start, uint256 end) = Rlp.bounds(data);
        uint256 nonZero = IntrinsicGas.nonZeroBytesAt(start, end - start);
        tx_.intrinsicGas = IntrinsicGas.message(data.length, nonZero, deposit.isCreate);
    }

    /// @dev Whether a message can start at all; `balance` is the sender's after the mint.
    function _canStart(TxContext memory tx_, uint256 balance) private pure returns (bool) {
        if (balance < tx_.value || tx_.gasLimit < tx_.intrinsicGas) return false;
        return tx_.isCreate == 0 || tx_.data.length <= MAX_INITCODE_BYTES;
    }

    function _beginJournal(Journal memory journal, bytes32 stateRoot) private pure {
        journal.stateRoot = stateRoot;
        journal.warmRoot = World.EMPTY_ROOT;
        journal.transientRoot = World.EMPTY_ROOT;
    }

    /* SETTLEMENT */

    /// @dev Refund, pay the coinbase, append the receipt. Takes of a transaction the sender, if it gets gas back, and
    /// the coinbase, if it gets a fee (proof each).
    function _endTx(Machine memory m, Tape memory tape) private pure {
        TxContext memory tx_ = m.tx;
        uint256 used = tx_.gasLimit - tx_.gasLeft;
        used -= _min(m.journal.refund, used / REFUND_QUOTIENT);
        if (tx_.isDeposit == 0) {
            _settle(m, tape, used);
            _chargeLane(m.unit, tx_, used > tx_.intrinsicGas ? used - tx_.intrinsicGas : 0);
        }
        Unit memory unit = m.unit;
        ++unit.txIndex;
        unit.cumGasUsed += used;
        unit.receiptsAcc =
            keccak256(abi.encode(TAG_RECEIPT, unit.receiptsAcc, tx_.txHash, tx_.status, used, m.journal.logAcc));
        _destroyOrFinish(m);
    }

    /// @dev Give the sender back what was not used, and the coinbase its fee.
    function _settle(Machine memory m, Tape memory tape, uint256 used) private pure {
        TxContext memory tx_ = m.tx;
        bytes32 root = m.journal.stateRoot;
        // The sender has paid gasLimit · gasPrice, and gasPrice is at least the base fee.
        unchecked {
            uint256 back = (tx_.gasLimit - used) * tx_.gasPrice;
            if (back != 0) root = Transfers.credit(tape, root, tx_.sender, back);
            uint256 fee = used * (tx_.gasPrice - m.unit.baseFee);
            if (fee != 0) root = Transfers.credit(tape, root, m.unit.coinbase, fee);
        }
        m.journal.stateRoot = root;
    }

    /// @dev Take a transaction's execution gas from its lane's budget, not below zero.
    function _chargeLane(Unit memory unit, TxContext memory tx_, uint256 gas) private pure {
        bool isSystem = tx_.isCreate == 0 && uint160(tx_.target) >> 8 == uint160(SYSTEM_RANGE_START) >> 8;
        if (isSystem) unit.leftSystem -= _min(gas, unit.leftSystem);
        else unit.leftGeneral -= _min(gas, unit.leftGeneral);
    }

    /// @dev Remove the account that was added to the destroy chain last. Takes the link of the chain (blob), the
    /// account (proof), its removal if it is there (proof).
    function _destroy(Machine memory m, Tape memory tape) private pure {
        Journal memory journal = m.journal;
        address owner;
        (journal.destroyAcc, owner) = tape.destroyed(journal.destroyAcc);
        (Leaf memory leaf,) = World.openAccount(tape, journal.stateRoot, owner);
        if (leaf.exists) journal.stateRoot = tape.deleteLeaf(leaf);
        --journal.destroyCount;
        _destroyOrFinish(m);
    }

    /// @dev Go on with the destroy chain, or end the unit when nothing is left of it.
    function _destroyOrFinish(Machine memory m) private pure {
        if (m.journal.destroyCount != 0) {
            m.phase = Phase.TX_DESTROY;
            return;
        }
        m.unit.stateRoot = m.journal.stateRoot;
        m.phase = Phase.BOUNDARY;
    }

    /* NUMBERS */

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
