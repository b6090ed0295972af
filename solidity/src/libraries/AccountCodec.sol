// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "./Rlp.sol";

/// @notice An account of the world state.
struct Account {
    /// Transactions sent, or contracts created.
    uint64 nonce;
    /// Wei.
    uint256 balance;
    /// Root of the account's storage trie.
    bytes32 storageRoot;
    /// keccak256 of the code.
    bytes32 codeHash;
}

/// @notice What world-state and storage tries hold as values. Source: Yellow Paper §4.1. Twin:
/// optimistic/protocol/accounts.py.
library AccountCodec {
    /// @dev keccak256 of no code.
    bytes32 internal constant EMPTY_CODE_HASH = keccak256("");
    /// @dev Root of a trie without keys, keccak256(0x80).
    bytes32 internal constant EMPTY_ROOT = keccak256(hex"80");

    /// @dev What an absent account reads as.
    function empty() internal pure returns (Account memory) {
        return Account({nonce: 0, balance: 0, storageRoot: EMPTY_ROOT, codeHash: EMPTY_CODE_HASH});
    }

    /// @dev Decode [nonce, balance, storageRoot, codeHash]; reverts with InvalidRlp on anything not canonical.
    function decode(bytes memory raw) internal pure returns (Account memory account) {
        (uint256 cursor, uint256 end) = Rlp.bounds(raw);
        cursor = Rlp.list(cursor, end);
        uint256 nonce;
        (nonce, cursor) = Rlp.integer(cursor, end, 8);
        account.nonce = uint64(nonce); // eight bytes at most
        (account.balance, cursor) = Rlp.integer(cursor, end, 32);
        (account.storageRoot, cursor) = Rlp.word(cursor, end);
        (account.codeHash, cursor) = Rlp.word(cursor, end);
        if (cursor != end) revert Rlp.InvalidRlp();
    }

    /// @dev Canonical encoding, 70 to 110 bytes.
    function encode(Account memory account) internal pure returns (bytes memory) {
        bytes memory nonce = Rlp.encode(account.nonce);
        bytes memory balance = Rlp.encode(account.balance);
        return bytes.concat(
            Rlp.header(Rlp.LIST, nonce.length + balance.length + 66),
            nonce,
            balance,
            hex"a0",
            account.storageRoot,
            hex"a0",
            account.codeHash
        );
    }

    /// @dev The value of a storage slot, in [1, 2^256): zero is never stored, the slot is absent instead.
    function decodeSlot(bytes memory raw) internal pure returns (uint256 value) {
        (uint256 start, uint256 limit) = Rlp.bounds(raw);
        uint256 end;
        (value, end) = Rlp.integer(start, limit, 32);
        if (end != limit || value == 0) revert Rlp.InvalidRlp();
    }

    /// @dev Canonical encoding of a non-zero slot value.
    function encodeSlot(uint256 value) internal pure returns (bytes memory) {
        return Rlp.encode(value);
    }
}
