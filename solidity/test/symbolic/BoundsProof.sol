// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Frame} from "../../src/dispute/osp/Machine.sol";
import {OpcodeRow, OpcodeTable} from "../../src/dispute/osp/OpcodeTable.sol";
import {Steps} from "../../src/dispute/osp/Steps.sol";
import {AccountCodec} from "../../src/libraries/AccountCodec.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";
import {TotalRlp} from "../../src/libraries/TotalRlp.sol";

/// @notice Numbers of 256 bits are held against their bounds before anything is cut off or added.
contract BoundsProof {
    uint256 private constant MAX_BYTES = 1 << 21;

    /// @notice The end of a range is found without overflow, wherever the range lies.
    function check_wordsNeeded_anyRange_isTheEnd(uint256 offset, uint256 length) external pure {
        (bool isPossible, uint256 words) = Steps.wordsNeeded(offset, length);

        bool fits = offset <= MAX_BYTES && length <= MAX_BYTES && offset + length <= MAX_BYTES;
        assert(isPossible == (length == 0 || fits));
        if (length == 0 || !fits) {
            assert(words == 0);
        } else {
            assert(words <= 1 << 16);
            assert(words << 5 >= offset + length && (words << 5) - 31 <= offset + length);
        }
    }

    /// @notice Gas is taken exactly or not at all.
    function check_charge_anyAmount_isExact(uint256 gas, uint256 amount) external pure {
        Frame memory frame;
        frame.gas = gas;

        bool isPaid = Steps.charge(frame, amount);

        assert(isPaid == (amount <= gas));
        assert(frame.gas == (isPaid ? gas - amount : gas));
    }

    /// @notice What is no byte is no opcode.
    function check_row_beyondAByte_isUndefined(uint256 opcode) external pure {
        if (opcode <= 0xff) return;
        OpcodeRow memory row = OpcodeTable.row(opcode);

        assert(!row.defined && row.gasCost == 0 && row.pops == 0 && row.pushes == 0);
    }

    /// @notice An integer of at most eight bytes fits 64 bits, whatever the bytes are; both decoders agree on it.
    function check_integer_ofEightBytes_fits64Bits(bytes12 raw) external view {
        bytes memory data = abi.encodePacked(raw);
        (uint256 start, uint256 limit) = Rlp.bounds(data);
        (uint256 total, uint256 totalEnd) = TotalRlp.integer(start, limit, 8);

        assert(total <= type(uint64).max);
        assert(totalEnd == TotalRlp.FAILED || (totalEnd > start && totalEnd <= limit));
        try this.integer(data, 8) returns (uint256 value, uint256 end) {
            assert(value == total && end == totalEnd - start);
        } catch {
            assert(totalEnd == TotalRlp.FAILED && total == 0);
        }
    }

    /// @notice The encoding of a number is read back, and no other bytes of that length read as it.
    function check_slot_anyValue_hasOneEncoding(uint256 value) external pure {
        if (value == 0) return;
        assert(AccountCodec.decodeSlot(AccountCodec.encodeSlot(value)) == value);
    }

    function integer(bytes memory data, uint256 maxBytes) external pure returns (uint256 value, uint256 end) {
        (uint256 start, uint256 limit) = Rlp.bounds(data);
        (value, end) = Rlp.integer(start, limit, maxBytes);
        end -= start;
    }
}
