// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Account, AccountCodec} from "../../src/libraries/AccountCodec.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";

/// @notice External doors to the RLP and account codecs, so that tests see their reverts.
contract CodecHarness {
    function encodeString(bytes memory data) external pure returns (bytes memory) {
        return Rlp.encode(data);
    }

    function encodeInteger(uint256 value) external pure returns (bytes memory) {
        return Rlp.encode(value);
    }

    /// @dev Header of a payload, written both ways.
    function headers(uint256 kind, uint256 size) external pure returns (bytes memory allocated, bytes memory written) {
        allocated = Rlp.header(kind, size);
        written = new bytes(Rlp.headerSize(size));
        (uint256 start, uint256 end) = Rlp.bounds(written);
        assert(Rlp.writeHeader(start, kind, size) == end);
    }

    /// @dev The items of a list, each still encoded.
    function splitList(bytes memory raw) external pure returns (bytes[] memory items) {
        (uint256 start, uint256 end) = Rlp.bounds(raw);
        uint256 cursor = Rlp.list(start, end);
        uint256 count;
        for (uint256 i = cursor; i < end; ++count) {
            (, i) = Rlp.item(i, end);
        }
        items = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            (, uint256 next) = Rlp.item(cursor, end);
            items[i] = new bytes(next - cursor);
            for (uint256 j = 0; j < next - cursor; ++j) {
                items[i][j] = raw[cursor + j - start];
            }
            cursor = next;
        }
    }

    function decodeInteger(bytes memory raw, uint256 maxBytes) external pure returns (uint256 value) {
        (uint256 start, uint256 limit) = Rlp.bounds(raw);
        uint256 end;
        (value, end) = Rlp.integer(start, limit, maxBytes);
        if (end != limit) revert Rlp.InvalidRlp();
    }

    function decodeAccount(bytes memory raw) external pure returns (Account memory) {
        return AccountCodec.decode(raw);
    }

    function encodeAccount(Account memory account) external pure returns (bytes memory) {
        return AccountCodec.encode(account);
    }

    function decodeSlot(bytes memory raw) external pure returns (uint256) {
        return AccountCodec.decodeSlot(raw);
    }

    function encodeSlot(uint256 value) external pure returns (bytes memory) {
        return AccountCodec.encodeSlot(value);
    }
}
