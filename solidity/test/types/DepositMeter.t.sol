// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {CEILING, DepositMeter, FORGET_BLOCKS, ONE, newMeter} from "../../src/types/DepositMeter.sol";

contract DepositMeterTest is Test {
    uint256 internal constant TARGET = 4_000_000;

    function testFuzz_price_sameBlock_isKept(uint64 number, uint64 gasUsed, uint64 factor) public pure {
        vm.assume(factor >= ONE);

        DepositMeter meter = newMeter(number, gasUsed, factor);

        assertEq(meter.price(number, TARGET), factor);
        assertEq(meter.used(number), gasUsed);
    }

    function testFuzz_price_nextBlock_risesAboveTargetOnly(uint64 gasUsed, uint64 factor) public pure {
        factor = uint64(bound(factor, ONE, 1e15));
        gasUsed = uint64(bound(gasUsed, 0, 2 * TARGET));

        uint256 price = newMeter(7, gasUsed, factor).price(8, TARGET);

        uint256 fallen = factor - factor / 8;
        assertEq(price, gasUsed > TARGET ? factor + factor / 8 : fallen < ONE ? ONE : fallen);
    }

    /// @dev The closed form equals going block by block.
    function testFuzz_price_gap_equalsBlockByBlock(uint64 gasUsed, uint64 factor, uint8 gap) public pure {
        factor = uint64(bound(factor, ONE, CEILING));
        gasUsed = uint64(bound(gasUsed, 0, 2 * TARGET));
        DepositMeter stepped = newMeter(100, gasUsed, factor);

        for (uint256 number = 101; number <= 100 + uint256(gap); ++number) {
            stepped = stepped.add(number, TARGET, 0);
        }

        assertEq(newMeter(100, gasUsed, factor).price(100 + uint256(gap), TARGET), stepped.multiplier());
    }

    function testFuzz_price_afterForgetBlocks_isOne(uint64 factor, uint32 extra) public pure {
        factor = uint64(bound(factor, ONE, CEILING));

        assertEq(newMeter(1, 2 * TARGET, factor).price(1 + FORGET_BLOCKS + extra, TARGET), ONE);
    }

    function testFuzz_add_sameBlock_sumsGasAndKeepsPrice(uint32 first, uint32 second, uint64 factor) public pure {
        factor = uint64(bound(factor, ONE, CEILING));

        DepositMeter meter = newMeter(9, 0, factor).add(9, TARGET, first).add(9, TARGET, second);

        assertEq(meter.used(9), uint256(first) + second);
        assertEq(meter.multiplier(), factor);
        assertEq(meter.used(10), 0);
    }

    function test_price_sustainedOverload_growsAndDecays() public pure {
        DepositMeter meter = newMeter(0, 0, ONE);
        for (uint256 number = 1; number <= 20; ++number) {
            meter = meter.add(number, TARGET, TARGET + 1);
        }

        assertGt(meter.price(21, TARGET), 9 * ONE);
        assertEq(meter.price(60, TARGET), ONE);
    }
}
