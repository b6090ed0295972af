// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../interfaces/settlement/IClearing.sol";

/// @notice Reads batches of fills: docs/spec/11-settlement.md. Twin: optimistic/protocol/settlement/batch_codec.py.
/// @dev Everything before the two signature words of an entry fits one word of calldata, so an entry costs one bounds
/// check and a few shifts. `at` never passes the end of the data by more than one entry.
library BatchCodec {
    uint256 internal constant VERSION = 1;
    uint256 internal constant SUBACCOUNT_BYTES = 8;
    uint256 internal constant MARKET_BYTES = 4;
    uint256 internal constant QUOTES_BYTES = 84;
    uint256 internal constant ORDER_BYTES = 94;
    uint256 internal constant FILL_BYTES = 10;
    uint256 internal constant LEAF_BYTES = 15;
    uint256 internal constant HASH_BYTES = 33;

    uint256 internal constant OP_HASH = 0;
    uint256 internal constant OP_LEAF = 1;
    uint256 internal constant OP_NODE = 2;

    /// @dev The taker of every fill in the makers' batch of a liquidation.
    uint256 internal constant NO_TAKER = type(uint16).max;

    /// @notice Places in a batch.
    struct Layout {
        uint256 subaccountsAt;
        uint256 nSubaccounts;
        uint256 marketsAt;
        uint256 nMarkets;
        uint256 nQuotes;
        uint256 nOrders;
        uint256 nFills;
        uint256 entriesAt;
    }

    /* READING */

    /// @dev The word at `at`, of whose bytes `size` must exist; what is beyond the data is not to be used.
    function word(bytes calldata data, uint256 at, uint256 size) internal pure returns (uint256 value) {
        unchecked {
            if (at + size > data.length) revert IClearing.MalformedBatch(at);
        }
        assembly ("memory-safe") {
            value := calldataload(add(data.offset, at))
        }
    }

    /// @dev The 32 bytes at `at`, whose bounds were checked with the entry they belong to.
    function rawWord(bytes calldata data, uint256 at) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(add(data.offset, at))
        }
    }

    /// @dev A number of `size` bytes.
    function number(bytes calldata data, uint256 at, uint256 size) internal pure returns (uint256) {
        unchecked {
            return word(data, at, size) >> (256 - 8 * size);
        }
    }

    function layout(bytes calldata data) internal pure returns (Layout memory l) {
        if (number(data, 0, 1) != VERSION) revert IClearing.MalformedBatch(0);
        l.nSubaccounts = number(data, 1, 1);
        l.subaccountsAt = 2;
        uint256 at = _requireAscending(data, l.subaccountsAt, l.nSubaccounts, SUBACCOUNT_BYTES);
        l.nMarkets = number(data, at, 1);
        l.marketsAt = at + 1;
        at = _requireAscending(data, l.marketsAt, l.nMarkets, MARKET_BYTES);
        l.nQuotes = number(data, at, 1);
        l.nOrders = number(data, at + 1, 2);
        l.nFills = number(data, at + 3, 2);
        l.entriesAt = at + 5;
    }

    /// @dev The batch without its fills, which are at its end: all that entries may read.
    function beforeFills(bytes calldata data, Layout memory l) internal pure returns (bytes calldata) {
        uint256 fillBytes = l.nFills * FILL_BYTES;
        if (fillBytes > data.length) revert IClearing.MalformedBatch(l.entriesAt);
        return data[:data.length - fillBytes];
    }

    /// @dev A table must ascend, so that nothing has two places in it.
    function _requireAscending(bytes calldata data, uint256 at, uint256 count, uint256 size)
        private
        pure
        returns (uint256 end)
    {
        end = at + count * size;
        uint256 last;
        for (uint256 i = 0; i < count; ++i) {
            uint256 next = number(data, at, size);
            if (i != 0 && next <= last) revert IClearing.MalformedBatch(at);
            last = next;
            at += size;
        }
    }

    /* FIELDS OF A WORD */

    /// @dev The bits of `packed` from `start` on, counted from the highest.
    function bits(uint256 packed, uint256 start, uint256 count) internal pure returns (uint256) {
        unchecked {
            return (packed << start) >> (256 - count);
        }
    }
}
