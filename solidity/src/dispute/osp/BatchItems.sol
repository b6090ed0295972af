// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BATCH_VERSION} from "../../libraries/Constants.sol";
import {Unit} from "../../types/Unit.sol";
import {Steps} from "./Steps.sol";
import {Tape} from "./Tape.sol";

/// @notice What the cursor points at.
enum ItemKind {
    /// Nothing readable follows.
    END,
    /// Opens a block.
    HEADER,
    /// A transaction, of any length that lies inside the data.
    TRANSACTION
}

/// @notice One item of the batch data.
struct BatchItem {
    ItemKind kind;
    /// Of a header.
    uint256 timestamp;
    uint256 deposits;
    /// Where the bytes of a transaction begin.
    uint256 start;
    /// Cursor behind the item.
    uint256 end;
}

/// @notice Reading batch data, version 1. Twin: optimistic/protocol/batch.py.
library BatchItems {
    uint256 private constant HEADER = 0x01;
    uint256 private constant TRANSACTION = 0x02;
    uint256 private constant VERSION_BYTES = 1;
    uint256 private constant HEADER_BYTES = 1 + 8 + 2;
    uint256 private constant TX_PREFIX_BYTES = 1 + 4;

    /// @dev The item at the cursor; one range, none at the end of the data.
    function atCursor(Tape memory tape, Unit memory unit) internal pure returns (BatchItem memory item) {
        bytes memory head =
            tape.readView(Steps.viewOf(unit.dataRoot, 0, unit.dataLen), unit.cursor, VERSION_BYTES + HEADER_BYTES);
        return locate(head, unit.cursor, unit.dataLen);
    }

    /// @dev The item whose first 12 bytes, zero beyond the data, are `head`; at cursor 0 the version comes before it.
    function locate(bytes memory head, uint256 cursor, uint256 dataLen) internal pure returns (BatchItem memory item) {
        // lengths and cursors are below 2^64
        unchecked {
            uint256 first = _number(head, 0, 1);
            uint256 at;
            if (cursor == 0) {
                if (first != BATCH_VERSION) return item;
                (at, cursor) = (VERSION_BYTES, VERSION_BYTES);
                first = _number(head, at, 1);
            }
            if (first == HEADER && cursor + HEADER_BYTES <= dataLen) {
                item.kind = ItemKind.HEADER;
                item.timestamp = _number(head, at + 1, 8);
                item.deposits = _number(head, at + 9, 2);
                item.end = cursor + HEADER_BYTES;
            } else if (first == TRANSACTION) {
                uint256 start = cursor + TX_PREFIX_BYTES;
                uint256 end = start + _number(head, at + 1, 4);
                if (start >= end || end > dataLen) return item;
                (item.kind, item.start, item.end) = (ItemKind.TRANSACTION, start, end);
            }
        }
    }

    /// @dev The number in `size` bytes of the head, of which there are enough.
    function _number(bytes memory head, uint256 offset, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            // shift out what follows the number
            value := shr(sub(256, shl(3, size)), mload(add(add(head, 0x20), offset)))
        }
    }
}
