// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Phase} from "../../types/Unit.sol";
import {Frame, HALT_EXCEPTIONAL, HALT_SUCCESS, Machine, View} from "./Machine.sol";
import {Tape} from "./Tape.sol";
import {InvalidWitness} from "./Witness.sol";

/// @notice What the steps of a frame have in common: gas, memory, stack, the end of the frame.
/// @dev A function that returns a bool returns false where the frame fails; the caller passes that on, and the
/// group turns it into a halt (see StepGroup). Twins: optimistic/protocol/stepper/{gas,halts}.py.
library Steps {
    /// @dev Root of the WordTree of memory that was never written.
    bytes32 internal constant EMPTY_MEMORY_ROOT = 0x2733e50f526ec2fa19a22b31e8ed50f23cd1fdf94c9154ed3a7609a2f1ff981f;
    /// @dev Words of memory beyond which an expansion is out of gas.
    uint256 internal constant MAX_MEMORY_WORDS = 1 << 16;
    uint256 private constant MAX_MEMORY_BYTES = MAX_MEMORY_WORDS * 32;

    // ------------------------------------------------------------------------------------------ gas

    /// @dev Take gas from the frame; false if it has less.
    function charge(Frame memory frame, uint256 amount) internal pure returns (bool) {
        if (amount > frame.gas) return false;
        // checked just above
        unchecked {
            frame.gas -= amount;
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------ memory

    /// @dev What `words` words of memory cost from nothing.
    function memoryCost(uint256 words) internal pure returns (uint256) {
        return 3 * words + words * words / 512;
    }

    /// @dev How many words of memory reach to the end of a range, 0 if it is empty, wherever it lies; false if no
    /// memory has so many.
    function wordsNeeded(uint256 offset, uint256 length) internal pure returns (bool, uint256 words) {
        if (length == 0) return (true, 0);
        if (offset > MAX_MEMORY_BYTES || length > MAX_MEMORY_BYTES - offset) return (false, 0);
        return (true, (offset + length + 31) / 32);
    }

    /// @dev Pay for memory up to `words` words; false if the gas does not suffice.
    function expandTo(Frame memory frame, uint256 words) internal pure returns (bool) {
        uint256 present = frame.memoryWords;
        if (words <= present) return true;
        if (!charge(frame, memoryCost(words) - memoryCost(present))) return false;
        frame.memoryWords = words;
        return true;
    }

    /// @dev Pay for the memory [offset, offset + length); false if that is out of gas.
    function expand(Frame memory frame, uint256 offset, uint256 length) internal pure returns (bool) {
        (bool isPossible, uint256 words) = wordsNeeded(offset, length);
        return isPossible && expandTo(frame, words);
    }

    // ------------------------------------------------------------------------------------------ stack

    /// @dev Take the witness's items, top first, off the stack; there must be `count` of them, and as many on the
    /// stack.
    function pop(Frame memory frame, Tape memory tape, uint256 count) internal pure returns (uint256[] memory items) {
        bytes32 rest;
        (items, rest) = tape.stackItems(count);
        if (count == 0) return items;
        if (_chain(rest, items) != frame.stackHash) revert InvalidWitness();
        frame.stackHash = rest;
        frame.stackHeight -= count;
    }

    /// @dev Put one item on the stack.
    function push(Frame memory frame, uint256 item) internal pure {
        frame.stackHash = _link(frame.stackHash, item);
        // The height is at most 1,024: checked before any opcode runs, and a child's result stands where the
        // operands of its call were.
        unchecked {
            ++frame.stackHeight;
        }
    }

    /// @dev Put items, top first, back on the stack.
    function pushAll(Frame memory frame, uint256[] memory items) internal pure {
        frame.stackHash = _chain(frame.stackHash, items);
        frame.stackHeight += items.length;
    }

    /// @dev Chain hash of `items`, top first, above the items that hash to `below`.
    function _chain(bytes32 below, uint256[] memory items) private pure returns (bytes32 chained) {
        chained = below;
        for (uint256 i = items.length; i != 0; --i) {
            chained = _link(chained, items[i - 1]);
        }
    }

    function _link(bytes32 below, uint256 item) private pure returns (bytes32 chained) {
        assembly ("memory-safe") {
            mstore(0x00, below) // hash of the items below
            mstore(0x20, item) // the item above them
            chained := keccak256(0x00, 0x40) // hash of the stack with it
        }
    }

    // ------------------------------------------------------------------------------------------ views

    /// @dev The view of `length` bytes from `offset` of the tree `root`; all zero if empty.
    function viewOf(bytes32 root, uint256 offset, uint256 length) internal pure returns (View memory) {
        return length == 0 ? emptyView() : View(root, offset, length);
    }

    /// @dev The view of nothing.
    function emptyView() internal pure returns (View memory) {
        return View(0, 0, 0);
    }

    // ------------------------------------------------------------------------------------------ end of a frame

    /// @dev End the present frame and go on with EXIT. All but success restore the journal; an exceptional halt
    /// takes the gas and returns nothing. The frame keeps only what EXIT needs, so it has one encoding whatever
    /// had happened before the end.
    function halt(Machine memory m, uint256 status, View memory output) internal pure {
        Frame memory frame = m.frame;
        frame.halt = status;
        frame.returndata = output;
        frame.stackHash = 0;
        frame.stackHeight = 0;
        frame.memoryRoot = EMPTY_MEMORY_ROOT;
        frame.memoryWords = 0;
        frame.pc = 0;
        if (status == HALT_EXCEPTIONAL) {
            frame.gas = 0;
            frame.returndata = emptyView();
        }
        if (status != HALT_SUCCESS) m.journalHash = frame.snapshot;
        delete m.pend;
        m.phase = Phase.EXIT;
    }

    /// @dev The frame fails and loses its gas.
    function fail(Machine memory m) internal pure {
        halt(m, HALT_EXCEPTIONAL, emptyView());
    }
}
