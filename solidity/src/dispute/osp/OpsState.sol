// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account, AccountCodec} from "../../libraries/AccountCodec.sol";
import {BLOCK_RING_DEPTH, TAG_DESTROY} from "../../libraries/Constants.sol";
import {Rlp} from "../../libraries/Rlp.sol";
import {CallGas} from "./CallGas.sol";
import {Frame, HALT_SUCCESS, Journal, Machine} from "./Machine.sol";
import {
    OP_BALANCE,
    OP_BLOCKHASH,
    OP_EXTCODEHASH,
    OP_EXTCODESIZE,
    OP_SELFBALANCE,
    OP_SELFDESTRUCT,
    OP_SLOAD,
    OP_SSTORE,
    OP_TLOAD,
    OP_TSTORE
} from "./Opcodes.sol";
import {OpGroup} from "./StepGroup.sol";
import {Steps} from "./Steps.sol";
import {StorageGas} from "./StorageGas.sol";
import {Leaf, Tape} from "./Tape.sol";
import {Transfers} from "./Transfers.sol";
import {InvalidWitness} from "./Witness.sol";
import {World} from "./World.sol";

/// @title Opcodes that read or change the world state
/// @notice Accounts, storage, transient storage, block hashes and SELFDESTRUCT. Twins:
/// optimistic/protocol/stepper/ops/{accounts,storage,destruction}.py, and `block_hash` of block.py.
contract OpsState is OpGroup {
    /// @inheritdoc OpGroup
    function _run(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        internal
        pure
        override
        returns (bool)
    {
        if (opcode == OP_SELFDESTRUCT) return _selfDestruct(m, tape, _address(items[0]));
        if (!_runToNext(m, tape, opcode, items)) return false;
        ++m.frame.pc;
        return true;
    }

    /// @dev Every opcode after which the next one runs.
    function _runToNext(Machine memory m, Tape memory tape, uint256 opcode, uint256[] memory items)
        private
        pure
        returns (bool)
    {
        if (opcode == OP_SLOAD) return _load(m, tape, items[0]);
        if (opcode == OP_SSTORE) return _store(m, tape, items[0], items[1]);
        if (opcode == OP_TLOAD) return _transientLoad(m, tape, items[0]);
        if (opcode == OP_TSTORE) return _transientStore(m, tape, items[0], items[1]);
        if (opcode == OP_SELFBALANCE) return _selfBalance(m, tape);
        if (opcode == OP_BLOCKHASH) return _blockHash(m, tape, items[0]);
        if (opcode == OP_BALANCE || opcode == OP_EXTCODESIZE || opcode == OP_EXTCODEHASH) {
            return _lookAt(m, tape, opcode, _address(items[0]));
        }
        revert InvalidWitness(); // the opcode is one of another group
    }

    // ------------------------------------------------------------------------------------------ accounts

    /// @dev Push something about any account. Asks: warmth; [gas]; account; for EXTCODESIZE its code unless empty.
    function _lookAt(Machine memory m, Tape memory tape, uint256 opcode, address owner) private pure returns (bool) {
        bool wasWarm = World.touchAddress(tape, m, owner);
        if (!Steps.charge(m.frame, CallGas.access(wasWarm))) return false;
        (, Account memory account) = World.openAccount(tape, m.journal.stateRoot, owner);
        uint256 found;
        if (opcode == OP_BALANCE) found = account.balance;
        else if (opcode == OP_EXTCODESIZE) found = tape.code(account.codeHash).length;
        else if (!World.isDead(account)) found = uint256(account.codeHash);
        Steps.push(m.frame, found);
        return true;
    }

    /// @dev Push the own account's wei.
    function _selfBalance(Machine memory m, Tape memory tape) private pure returns (bool) {
        (, Account memory own) = World.openAccount(tape, m.journal.stateRoot, m.frame.self);
        Steps.push(m.frame, own.balance);
        return true;
    }

    // ------------------------------------------------------------------------------------------ block

    /// @dev Push the hash of one of the last 256 blocks, zero for any other number; asks only for those.
    function _blockHash(Machine memory m, Tape memory tape, uint256 number) private pure returns (bool) {
        uint256 size = 1 << BLOCK_RING_DEPTH;
        bytes32 found;
        if (number < m.unit.number && m.unit.number - number <= size) {
            found = tape.blockHash(m.unit.blockHashRing, number % size);
        }
        Steps.push(m.frame, uint256(found));
        return true;
    }

    // ------------------------------------------------------------------------------------------ storage

    /// @dev Push the value of a slot. Asks: the slot's warmth; [gas]; own account; slot.
    function _load(Machine memory m, Tape memory tape, uint256 slot) private pure returns (bool) {
        Frame memory frame = m.frame;
        bool wasWarm = World.touchSlot(tape, m, frame.self, slot);
        if (!Steps.charge(frame, StorageGas.load(wasWarm))) return false;
        (, Account memory own) = World.openAccount(tape, m.journal.stateRoot, frame.self);
        (, uint256 value) = World.openSlot(tape, own.storageRoot, slot);
        Steps.push(frame, value);
        return true;
    }

    /// @dev Write a slot. Asks: [gas above the stipend]; the slot's warmth; own account; slot; the value before the
    /// transaction, see _original; [gas]; if the value changes to zero, the deletion of the slot.
    function _store(Machine memory m, Tape memory tape, uint256 slot, uint256 value) private pure returns (bool) {
        if (m.frame.gas <= StorageGas.STIPEND) return false;
        Journal memory journal = m.journal;
        bool wasWarm = World.touchSlot(tape, m, m.frame.self, slot);
        (Leaf memory leaf, Account memory own) = World.openAccount(tape, journal.stateRoot, m.frame.self);
        (Leaf memory slotLeaf, uint256 current) = World.openSlot(tape, own.storageRoot, slot);
        uint256 original = _original(m, tape, own.storageRoot, slot, current);
        if (!Steps.charge(m.frame, StorageGas.store(original, current, value, wasWarm))) return false;
        if (value != current) {
            own.storageRoot = World.writeSlot(tape, slotLeaf, value);
            journal.stateRoot = World.writeAccount(tape, leaf, own);
            journal.refund = StorageGas.refundAfter(journal.refund, original, current, value);
        }
        return true;
    }

    /// @dev What a slot of the own account held when the transaction began. Asks, unless the state is as it was:
    /// own account in the unit's state; if its storage was another one, the slot there.
    function _original(Machine memory m, Tape memory tape, bytes32 storageRoot, uint256 slot, uint256 current)
        private
        pure
        returns (uint256 original)
    {
        bytes32 start = m.unit.stateRoot;
        if (start == m.journal.stateRoot) return current;
        (, Account memory before) = World.openAccount(tape, start, m.frame.self);
        if (before.storageRoot == storageRoot) return current;
        (, original) = World.openSlot(tape, before.storageRoot, slot);
    }

    /// @dev Push the value of a transient slot.
    function _transientLoad(Machine memory m, Tape memory tape, uint256 slot) private pure returns (bool) {
        Leaf memory leaf = tape.openLeaf(m.journal.transientRoot, World.slotKey(m.frame.self, slot));
        uint256 value;
        if (leaf.exists) {
            (uint256 start, uint256 end) = Rlp.bounds(leaf.value);
            (value,) = Rlp.integer(start, end, 32);
        }
        Steps.push(m.frame, value);
        return true;
    }

    /// @dev Write a transient slot; zero is stored like any other value.
    function _transientStore(Machine memory m, Tape memory tape, uint256 slot, uint256 value)
        private
        pure
        returns (bool)
    {
        Journal memory journal = m.journal;
        Leaf memory leaf = tape.openLeaf(journal.transientRoot, World.slotKey(m.frame.self, slot));
        journal.transientRoot = tape.putLeaf(leaf, Rlp.encode(value));
        return true;
    }

    // ------------------------------------------------------------------------------------------ destruction

    /// @dev Give the balance to `heir` and end; an account that this transaction created will be removed at its
    /// end. Asks: warmth of the heir; own account; the heir unless it is the own account; [gas]; own bits; then the
    /// heir once more, if it is paid.
    function _selfDestruct(Machine memory m, Tape memory tape, address heir) private pure returns (bool) {
        bytes32 root = m.journal.stateRoot;
        address self = m.frame.self;
        bool wasWarm = World.touchAddress(tape, m, heir);
        (Leaf memory leaf, Account memory own) = World.openAccount(tape, root, self);
        bool createsAccount;
        if (heir != self) {
            (, Account memory before) = World.openAccount(tape, root, heir);
            createsAccount = own.balance != 0 && World.isDead(before);
        }
        if (!Steps.charge(m.frame, CallGas.selfDestruct(wasWarm, createsAccount))) return false;

        (Leaf memory bitsLeaf, uint256 bits) = World.openBits(tape, m, keccak256(abi.encodePacked(self)));
        bool isCreated = bits & World.CREATED != 0;
        if (heir == self) {
            if (isCreated) {
                own.balance = 0; // burnt
                m.journal.stateRoot = World.writeAccount(tape, leaf, own);
            }
        } else if (own.balance != 0) {
            m.journal.stateRoot = Transfers.move(tape, leaf, own, heir, own.balance);
        }
        if (isCreated && bits & World.DESTROYED == 0) {
            World.writeBits(tape, m, bitsLeaf, bits | World.DESTROYED);
            m.journal.destroyAcc = keccak256(abi.encode(TAG_DESTROY, m.journal.destroyAcc, self));
            ++m.journal.destroyCount;
        }
        Steps.halt(m, HALT_SUCCESS, Steps.emptyView());
        return true;
    }

    /// @dev The low 20 bytes of an item; the high ones are ignored.
    function _address(uint256 item) private pure returns (address) {
        return address(uint160(item));
    }
}
