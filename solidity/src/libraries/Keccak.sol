// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Keccak-256 by blocks: the sponge of a hash that takes more than one step.
/// @dev A sponge is 25 lanes of 64 bits, lane x + 5y in column x of row y; the one of all zeros has absorbed
/// nothing. The lanes of a block and of a digest are little-endian. Inside, a lane is a word with nothing above
/// its 64 bits. Twin: optimistic/protocol/stepper/sponge.py.
library Keccak {
    /// @notice The bytes to absorb are not whole blocks, or the last ones fill a block.
    error InvalidBlocks();

    /// @dev Bytes absorbed by one permutation.
    uint256 internal constant BLOCK = 136;

    /// @dev Bytes the lanes take in memory.
    uint256 private constant LANES_SIZE = 0x320;

    // ------------------------------------------------------------------------------------------ the sponge

    /// @dev Take whole blocks from calldata into `sponge`.
    function absorb(uint64[25] memory sponge, bytes calldata blocks) internal pure {
        uint256 data;
        assembly ("memory-safe") {
            data := mload(0x40) // free memory, used below without being kept
            calldatacopy(data, blocks.offset, blocks.length)
        }
        _absorb(_lanes(sponge), data, blocks.length, data + blocks.length);
    }

    /// @dev Take whole blocks from memory into `sponge`.
    function absorbMemory(uint64[25] memory sponge, bytes memory blocks) internal pure {
        uint256 data;
        uint256 scratch;
        assembly ("memory-safe") {
            data := add(blocks, 0x20) // past the length
            scratch := mload(0x40) // free memory, used below without being kept
        }
        _absorb(_lanes(sponge), data, blocks.length, scratch);
    }

    /// @dev Digest of everything absorbed and a calldata `tail` shorter than a block. The sponge stays as it is.
    function finish(uint64[25] memory sponge, bytes calldata tail) internal pure returns (bytes32) {
        (uint256 lanes, uint256 data) = _beginLast(sponge, tail.length);
        assembly ("memory-safe") {
            calldatacopy(data, tail.offset, tail.length) // before the padding
        }
        return _finish(lanes, data);
    }

    /// @dev Digest of everything absorbed and a `tail` shorter than a block. The sponge stays as it is.
    function finishMemory(uint64[25] memory sponge, bytes memory tail) internal pure returns (bytes32) {
        (uint256 lanes, uint256 data) = _beginLast(sponge, tail.length);
        assembly ("memory-safe") {
            mcopy(data, add(tail, 0x20), mload(tail)) // before the padding
        }
        return _finish(lanes, data);
    }

    // ------------------------------------------------------------------------------------------ blocks

    /// @dev Absorb `size` bytes at `data`; `scratch` is free memory.
    function _absorb(uint256 lanes, uint256 data, uint256 size, uint256 scratch) private pure {
        if (size % BLOCK != 0) revert InvalidBlocks();
        // Pointers into memory that was paid for do not overflow.
        unchecked {
            _storeConstants(scratch + LANES_SIZE);
            for (uint256 end = data + size; data != end; data += BLOCK) {
                _mix(lanes, data);
                _permute(lanes, scratch);
            }
        }
    }

    /// @dev A copy of the lanes in free memory and, behind it, a block that is padded after `length` bytes.
    function _beginLast(uint64[25] memory sponge, uint256 length) private pure returns (uint256 lanes, uint256 data) {
        if (length >= BLOCK) revert InvalidBlocks();
        assembly ("memory-safe") {
            lanes := mload(0x40) // free memory, used without being kept
            data := add(lanes, LANES_SIZE) // behind the lanes
            mcopy(lanes, sponge, LANES_SIZE) // the caller's sponge is not touched
            calldatacopy(data, calldatasize(), BLOCK) // zeros
            mstore8(add(data, length), 0x01) // the padding begins
            mstore8(add(data, 135), add(0x80, eq(length, 135))) // and ends, perhaps in the same byte
        }
    }

    /// @dev Absorb the padded block and read the digest.
    function _finish(uint256 lanes, uint256 data) private pure returns (bytes32) {
        uint256 digest;
        _absorb(lanes, data, BLOCK, data + BLOCK);
        assembly ("memory-safe") {
            digest := or(shl(192, mload(lanes)), shl(128, mload(add(lanes, 0x20)))) // lanes 0 and 1
            digest := or(digest, or(shl(64, mload(add(lanes, 0x40))), mload(add(lanes, 0x60)))) // 2 and 3
        }
        return bytes32(_swapBytes(digest));
    }

    /// @dev Exclusive-or of the 17 lanes of the block at `data` into the lanes.
    function _mix(uint256 lanes, uint256 data) private pure {
        // Pointers into memory that was paid for do not overflow.
        unchecked {
            for (uint256 end = data + 128; data != end; data += 32) {
                uint256 four = _swapBytes(_load(data));
                assembly ("memory-safe") {
                    let third := add(lanes, 0x40) // each word of the block holds four lanes
                    let fourth := add(lanes, 0x60)
                    mstore(lanes, xor(mload(lanes), shr(192, four)))
                    mstore(add(lanes, 0x20), xor(mload(add(lanes, 0x20)), and(shr(128, four), 0xffffffffffffffff)))
                    mstore(third, xor(mload(third), and(shr(64, four), 0xffffffffffffffff)))
                    mstore(fourth, xor(mload(fourth), and(four, 0xffffffffffffffff)))
                    lanes := add(lanes, 0x80) // four lanes on
                }
            }
            uint256 last = _swapBytes(_load(data - 24)) & 0xffffffffffffffff;
            assembly ("memory-safe") {
                mstore(lanes, xor(mload(lanes), last)) // the seventeenth
            }
        }
    }

    /// @dev The four lanes of a word with their bytes in reverse.
    function _swapBytes(uint256 four) private pure returns (uint256) {
        uint256 mask = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        four = ((four & mask) << 8) | ((four >> 8) & mask);
        mask = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        four = ((four & mask) << 16) | ((four >> 16) & mask);
        mask = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        return ((four & mask) << 32) | ((four >> 32) & mask);
    }

    // ------------------------------------------------------------------------------------------ the permutation

    /// @dev Keccak-f[1600] on the lanes; `scratch` has room for 25 lanes, the round constants stand behind it.
    function _permute(uint256 lanes, uint256 scratch) private pure {
        // Pointers into memory that was paid for do not overflow.
        unchecked {
            // a constant is the end of the word that begins 24 bytes before it
            uint256 constantAt = scratch + LANES_SIZE - 24;
            for (uint256 end = constantAt + 192; constantAt != end; constantAt += 8) {
                _thetaRhoPi(lanes, scratch);
                _chi(scratch, lanes);
                assembly ("memory-safe") {
                    mstore(lanes, xor(mload(lanes), and(mload(constantAt), 0xffffffffffffffff))) // iota
                }
            }
        }
    }

    /// @dev Give every lane the parity of two columns, rotate it, and write it to its new place at `target`.
    function _thetaRhoPi(uint256 lanes, uint256 target) private pure {
        (uint256 d0, uint256 d1, uint256 d2, uint256 d3, uint256 d4) = _theta(lanes);
        assembly ("memory-safe") {
            function rotate(lane, bits) -> rotated {
                let twice := mul(lane, 0x10000000000000001) // the lane beside itself
                rotated := and(shr(sub(64, bits), twice), 0xffffffffffffffff)
            }
            // both are 25 lanes, and do not overlap
            mstore(target, xor(mload(lanes), d0))
            mstore(add(target, 0x020), rotate(xor(mload(add(lanes, 0x0c0)), d1), 44))
            mstore(add(target, 0x040), rotate(xor(mload(add(lanes, 0x180)), d2), 43))
            mstore(add(target, 0x060), rotate(xor(mload(add(lanes, 0x240)), d3), 21))
            mstore(add(target, 0x080), rotate(xor(mload(add(lanes, 0x300)), d4), 14))
            mstore(add(target, 0x0a0), rotate(xor(mload(add(lanes, 0x060)), d3), 28))
            mstore(add(target, 0x0c0), rotate(xor(mload(add(lanes, 0x120)), d4), 20))
            mstore(add(target, 0x0e0), rotate(xor(mload(add(lanes, 0x140)), d0), 3))
            mstore(add(target, 0x100), rotate(xor(mload(add(lanes, 0x200)), d1), 45))
            mstore(add(target, 0x120), rotate(xor(mload(add(lanes, 0x2c0)), d2), 61))
            mstore(add(target, 0x140), rotate(xor(mload(add(lanes, 0x020)), d1), 1))
            mstore(add(target, 0x160), rotate(xor(mload(add(lanes, 0x0e0)), d2), 6))
            mstore(add(target, 0x180), rotate(xor(mload(add(lanes, 0x1a0)), d3), 25))
            mstore(add(target, 0x1a0), rotate(xor(mload(add(lanes, 0x260)), d4), 8))
            mstore(add(target, 0x1c0), rotate(xor(mload(add(lanes, 0x280)), d0), 18))
            mstore(add(target, 0x1e0), rotate(xor(mload(add(lanes, 0x080)), d4), 27))
            mstore(add(target, 0x200), rotate(xor(mload(add(lanes, 0x0a0)), d0), 36))
            mstore(add(target, 0x220), rotate(xor(mload(add(lanes, 0x160)), d1), 10))
            mstore(add(target, 0x240), rotate(xor(mload(add(lanes, 0x220)), d2), 15))
            mstore(add(target, 0x260), rotate(xor(mload(add(lanes, 0x2e0)), d3), 56))
            mstore(add(target, 0x280), rotate(xor(mload(add(lanes, 0x040)), d2), 62))
            mstore(add(target, 0x2a0), rotate(xor(mload(add(lanes, 0x100)), d3), 55))
            mstore(add(target, 0x2c0), rotate(xor(mload(add(lanes, 0x1c0)), d4), 39))
            mstore(add(target, 0x2e0), rotate(xor(mload(add(lanes, 0x1e0)), d0), 41))
            mstore(add(target, 0x300), rotate(xor(mload(add(lanes, 0x2a0)), d1), 2))
        }
    }

    /// @dev What theta adds to the lanes of each column.
    function _theta(uint256 lanes) private pure returns (uint256 d0, uint256 d1, uint256 d2, uint256 d3, uint256 d4) {
        assembly ("memory-safe") {
            function parity(top) -> lane {
                lane := xor(mload(top), mload(add(top, 0x0a0))) // one column, five rows
                lane := xor(lane, mload(add(top, 0x140)))
                lane := xor(lane, mload(add(top, 0x1e0)))
                lane := xor(lane, mload(add(top, 0x280)))
            }
            function mixed(left, right) -> lane {
                // the column on the left, and the one on the right rotated by one
                lane := xor(left, and(or(shl(1, right), shr(63, right)), 0xffffffffffffffff))
            }
            let c0 := parity(lanes)
            let c1 := parity(add(lanes, 0x20))
            let c2 := parity(add(lanes, 0x40))
            let c3 := parity(add(lanes, 0x60))
            let c4 := parity(add(lanes, 0x80))
            d0 := mixed(c4, c1)
            d1 := mixed(c0, c2)
            d2 := mixed(c1, c3)
            d3 := mixed(c2, c4)
            d4 := mixed(c3, c0)
        }
    }

    /// @dev Combine the lanes of each row at `source` and write them to `lanes`.
    function _chi(uint256 source, uint256 lanes) private pure {
        assembly ("memory-safe") {
            // both are 25 lanes, and do not overlap
            for { let end := add(source, LANES_SIZE) } lt(source, end) { source := add(source, 0xa0) } {
                let b0 := mload(source) // one row
                let b1 := mload(add(source, 0x20))
                let b2 := mload(add(source, 0x40))
                let b3 := mload(add(source, 0x60))
                let b4 := mload(add(source, 0x80))
                mstore(lanes, xor(b0, and(not(b1), b2)))
                mstore(add(lanes, 0x20), xor(b1, and(not(b2), b3)))
                mstore(add(lanes, 0x40), xor(b2, and(not(b3), b4)))
                mstore(add(lanes, 0x60), xor(b3, and(not(b4), b0)))
                mstore(add(lanes, 0x80), xor(b4, and(not(b0), b1)))
                lanes := add(lanes, 0xa0) // the next row
            }
        }
    }

    /// @dev Write the constants of the 24 rounds, 8 bytes each.
    function _storeConstants(uint256 constants) private pure {
        assembly ("memory-safe") {
            // free memory of the caller
            mstore(constants, 0x00000000000000010000000000008082800000000000808a8000000080008000)
            mstore(add(constants, 0x20), 0x000000000000808b000000008000000180000000800080818000000000008009)
            mstore(add(constants, 0x40), 0x000000000000008a00000000000000880000000080008009000000008000000a)
            mstore(add(constants, 0x60), 0x000000008000808b800000000000008b80000000000080898000000000008003)
            mstore(add(constants, 0x80), 0x80000000000080028000000000000080000000000000800a800000008000000a)
            mstore(add(constants, 0xa0), 0x8000000080008081800000000000808000000000800000018000000080008008)
        }
    }

    // ------------------------------------------------------------------------------------------ memory

    function _lanes(uint64[25] memory sponge) private pure returns (uint256 lanes) {
        assembly ("memory-safe") {
            lanes := sponge // a fixed array is its first lane
        }
    }

    function _load(uint256 pointer) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(pointer) // inside the block
        }
    }
}
