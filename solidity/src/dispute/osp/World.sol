// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account, AccountCodec} from "../../libraries/AccountCodec.sol";
import {Rlp} from "../../libraries/Rlp.sol";
import {Machine} from "./Machine.sol";
import {Leaf, Tape} from "./Tape.sol";

/// @notice Accounts, slots and warmth, each behind a trie root.
/// @dev A leaf belongs to the root it was opened at: of two writes under one root the second leaf must be opened
/// at the root after the first. Twin: optimistic/protocol/stepper/world.py.
library World {
    /// @dev Bit of the warm trie: the address or slot was touched in this transaction.
    uint256 internal constant WARM = 1;
    /// @dev The account was created in this transaction.
    uint256 internal constant CREATED = 2;
    /// @dev The account is in the destroy chain.
    uint256 internal constant DESTROYED = 4;

    /// @dev Root of a trie without keys.
    bytes32 internal constant EMPTY_ROOT = AccountCodec.EMPTY_ROOT;
    /// @dev Precompiles are at addresses 1 to this one.
    uint160 internal constant LAST_PRECOMPILE = 10;

    // ------------------------------------------------------------------------------------------ accounts

    /// @dev The leaf and the account of `owner` in the world state; one node list.
    function openAccount(Tape memory tape, bytes32 root, address owner)
        internal
        pure
        returns (Leaf memory leaf, Account memory account)
    {
        leaf = tape.openLeaf(root, keccak256(abi.encodePacked(owner)));
        account = leaf.exists ? AccountCodec.decode(leaf.value) : AccountCodec.empty();
    }

    /// @dev Whether an account has neither nonce nor balance nor code: no state ever holds one.
    function isDead(Account memory account) internal pure returns (bool) {
        return account.nonce == 0 && account.balance == 0 && account.codeHash == AccountCodec.EMPTY_CODE_HASH;
    }

    /// @dev The state root with `account` under the leaf, which is deleted if the account is dead: that takes one
    /// node list if the leaf exists.
    function writeAccount(Tape memory tape, Leaf memory leaf, Account memory account) internal pure returns (bytes32) {
        if (!isDead(account)) return tape.putLeaf(leaf, AccountCodec.encode(account));
        return leaf.exists ? tape.deleteLeaf(leaf) : leaf.root;
    }

    // ------------------------------------------------------------------------------------------ slots

    /// @dev The leaf and the value of a storage slot, zero if absent; one node list.
    function openSlot(Tape memory tape, bytes32 storageRoot, uint256 slot)
        internal
        pure
        returns (Leaf memory leaf, uint256 value)
    {
        leaf = tape.openLeaf(storageRoot, keccak256(abi.encode(slot)));
        if (leaf.exists) value = AccountCodec.decodeSlot(leaf.value);
    }

    /// @dev The storage root with `value` under the leaf; zero deletes, which takes one node list if the leaf exists.
    function writeSlot(Tape memory tape, Leaf memory leaf, uint256 value) internal pure returns (bytes32) {
        if (value != 0) return tape.putLeaf(leaf, AccountCodec.encodeSlot(value));
        return leaf.exists ? tape.deleteLeaf(leaf) : leaf.root;
    }

    /// @dev Key of a slot in the tries of warmth and of transient storage.
    function slotKey(address owner, uint256 slot) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(owner, slot));
    }

    // ------------------------------------------------------------------------------------------ warmth

    /// @dev Whether an address is warm from the start: precompiles, coinbase, sender, target.
    function isWarmByRule(Machine memory m, address owner) internal pure returns (bool) {
        if (owner == m.unit.coinbase || owner == m.tx.sender || owner == m.tx.target) return true;
        return owner != address(0) && uint160(owner) <= LAST_PRECOMPILE;
    }

    /// @dev A leaf of the warm trie and its bits, zero if absent; one node list.
    function openBits(Tape memory tape, Machine memory m, bytes32 key)
        internal
        pure
        returns (Leaf memory leaf, uint256 bits)
    {
        leaf = tape.openLeaf(m.journal.warmRoot, key);
        if (!leaf.exists) return (leaf, 0);
        (uint256 start, uint256 end) = Rlp.bounds(leaf.value);
        (bits,) = Rlp.integer(start, end, 32);
    }

    /// @dev Put bits, at least one, under a leaf of the present warm trie.
    function writeBits(Tape memory tape, Machine memory m, Leaf memory leaf, uint256 bits) internal pure {
        m.journal.warmRoot = tape.putLeaf(leaf, Rlp.encode(bits));
    }

    /// @dev Make an address warm and say whether it was; one node list unless it is so by rule.
    function touchAddress(Tape memory tape, Machine memory m, address owner) internal pure returns (bool wasWarm) {
        return isWarmByRule(m, owner) || _touch(tape, m, keccak256(abi.encodePacked(owner)));
    }

    /// @dev Make a slot warm and say whether it was; one node list.
    function touchSlot(Tape memory tape, Machine memory m, address owner, uint256 slot)
        internal
        pure
        returns (bool wasWarm)
    {
        return _touch(tape, m, slotKey(owner, slot));
    }

    /// @dev Set the bit WARM of a key and say whether it was set.
    function _touch(Tape memory tape, Machine memory m, bytes32 key) private pure returns (bool wasWarm) {
        (Leaf memory leaf, uint256 bits) = openBits(tape, m, key);
        if (bits & WARM != 0) return true;
        writeBits(tape, m, leaf, bits | WARM);
    }
}
