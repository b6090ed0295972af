// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Keccak} from "../../src/libraries/Keccak.sol";
import {KeccakHarness} from "../helpers/KeccakHarness.sol";

/// @notice The Keccak sponge against the opcode.
contract KeccakTest is Test {
    KeccakHarness internal harness;

    function setUp() public {
        harness = new KeccakHarness();
    }

    function testFuzz_keccak_splitAtAnyBlocks_isTheOpcode(bytes calldata data, uint8 more, uint256 split) public view {
        bytes memory longer = bytes.concat(data, _noise(more));
        uint256 blocks = longer.length / Keccak.BLOCK;
        uint256 cut = bound(split, 0, blocks) * Keccak.BLOCK;
        uint256 end = blocks * Keccak.BLOCK;
        uint64[25] memory sponge;

        sponge = harness.absorb(sponge, _slice(longer, 0, cut));
        sponge = harness.absorbMemory(sponge, _slice(longer, cut, end));

        bytes memory tail = _slice(longer, end, longer.length);
        assertEq(harness.finish(sponge, tail), keccak256(longer));
        assertEq(harness.finishMemory(sponge, tail), keccak256(longer));
    }

    function test_keccak_everyTail_isTheOpcode() public view {
        uint64[25] memory sponge;
        for (uint256 size = 0; size < Keccak.BLOCK; ++size) {
            bytes memory tail = _noise(size);
            assertEq(harness.finish(sponge, tail), keccak256(tail));
            assertEq(harness.finishMemory(sponge, tail), keccak256(tail));
        }
    }

    function test_keccak_dirtyFreeMemory_isOverwritten() public pure {
        uint64[25] memory sponge;
        bytes memory block_ = _noise(Keccak.BLOCK);
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, 0x1000) { i := add(i, 0x20) } { mstore(add(mload(0x40), i), not(i)) }
        }

        Keccak.absorbMemory(sponge, block_);
        bytes32 first = Keccak.finishMemory(sponge, "tail");

        assertEq(first, keccak256(bytes.concat(block_, "tail")));
        assertEq(Keccak.finishMemory(sponge, ""), keccak256(block_), "finishing changed the sponge");
    }

    function testFuzz_absorb_partOfABlock_reverts(uint16 size) public {
        vm.assume(size % Keccak.BLOCK != 0);
        uint64[25] memory sponge;
        bytes memory blocks = new bytes(size);

        vm.expectRevert(Keccak.InvalidBlocks.selector);
        harness.absorb(sponge, blocks);
        vm.expectRevert(Keccak.InvalidBlocks.selector);
        harness.absorbMemory(sponge, blocks);
    }

    function testFuzz_finish_wholeBlock_reverts(uint8 more) public {
        uint64[25] memory sponge;
        bytes memory tail = new bytes(Keccak.BLOCK + more);

        vm.expectRevert(Keccak.InvalidBlocks.selector);
        harness.finish(sponge, tail);
        vm.expectRevert(Keccak.InvalidBlocks.selector);
        harness.finishMemory(sponge, tail);
    }

    function _slice(bytes memory data, uint256 start, uint256 end) internal pure returns (bytes memory part) {
        part = new bytes(end - start);
        for (uint256 i = start; i < end; ++i) {
            part[i - start] = data[i];
        }
    }

    function _noise(uint256 size) internal pure returns (bytes memory data) {
        data = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            data[i] = bytes1(keccak256(abi.encode(i)));
        }
    }
}
