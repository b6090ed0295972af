// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {ILedger} from "../../../src/interfaces/settlement/ILedger.sol";
import {Quantum} from "../../../src/libraries/settlement/Quantum.sol";
import {LOT_WAD, PIPS, QUANTUM_WAD, WAD} from "../../../src/types/Settlement.sol";

contract QuantumTest is Test {
    int256 internal constant MAX_SIZE = 1e30;
    int256 internal constant MAX_PRICE = 1e27;

    /// @dev External, so that reverts can be expected.
    function exact(int256 sizeWad, int256 priceWad) external pure returns (int256) {
        return Quantum.exact(sizeWad, priceWad);
    }

    function floorDiv(int256 a, int256 b) external pure returns (int256) {
        return Quantum.floorDiv(a, b);
    }

    function sizeOf(int256 lots) internal pure returns (int256) {
        return bound(lots, -MAX_SIZE / LOT_WAD, MAX_SIZE / LOT_WAD) * LOT_WAD;
    }

    function priceOf(int256 quanta) internal pure returns (int256) {
        return bound(quanta, -MAX_PRICE / QUANTUM_WAD, MAX_PRICE / QUANTUM_WAD) * QUANTUM_WAD;
    }

    /* QUANTA */

    function testFuzz_exact_onQuantaNeverRounds(int256 lots, int256 quanta) public pure {
        (int256 size, int256 price) = (sizeOf(lots), priceOf(quanta));
        assertTrue(Quantum.isLot(size) && Quantum.isQuantum(price));
        assertEq(Quantum.exact(size, price) * WAD, size * price);
    }

    function testFuzz_exact_splittingChangesNothing(int256 lots, int256 part, int256 quanta) public pure {
        (int256 a, int256 b, int256 price) = (sizeOf(lots), sizeOf(part), priceOf(quanta));
        assertEq(Quantum.exact(a + b, price), Quantum.exact(a, price) + Quantum.exact(b, price));
        assertEq(Quantum.exact(-a, price), -Quantum.exact(a, price));
    }

    function test_exact_offTheQuantaReverts() public {
        vm.expectRevert(abi.encodeWithSelector(ILedger.OffQuantum.selector, int256(1e12 * (1e6 + 1))));
        this.exact(1e12, 1e6 + 1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.OffQuantum.selector, int256(-1)));
        this.exact(-1, 1);
        assertFalse(Quantum.isLot(1e12 + 1));
        assertFalse(Quantum.isLot(-1));
        assertFalse(Quantum.isQuantum(1e6 - 1));
        assertFalse(Quantum.isQuantum(-1e5));
    }

    /* SIGNED DIVISION */

    function test_division_hasTheDirectionItNames() public pure {
        int256[4] memory a = [int256(7), -7, 7, -7];
        int256[4] memory b = [int256(2), 2, -2, -2];
        int256[4] memory down = [int256(3), -4, -4, 3];
        int256[4] memory up = [int256(4), -3, -3, 4];
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(Quantum.floorDiv(a[i], b[i]), down[i]);
            assertEq(Quantum.ceilDiv(a[i], b[i]), up[i]);
        }
        assertEq(Quantum.floorDiv(-6, 2), -3);
        assertEq(Quantum.ceilDiv(-6, 2), -3);
        assertEq(Quantum.floorDiv(type(int256).min, 1), type(int256).min);
        assertEq(Quantum.abs(type(int256).min), 1 << 255);
    }

    function testFuzz_division_floorAndCeilingEncloseTheQuotient(int128 a, int128 b) public pure {
        vm.assume(b != 0);
        (int256 floor, int256 ceiling) = (Quantum.floorDiv(a, b), Quantum.ceilDiv(a, b));
        int256 sign = b > 0 ? int256(1) : int256(-1);
        assertLe(floor * b * sign, int256(a) * sign);
        assertGt((floor + 1) * b * sign, int256(a) * sign);
        assertEq(ceiling, -Quantum.floorDiv(-int256(a), b));
        assertEq(Quantum.abs(a), a < 0 ? uint256(-int256(a)) : uint256(int256(a)));
    }

    function test_division_refusesZeroAndTheOneOverflow() public {
        vm.expectRevert();
        this.floorDiv(1, 0);
        vm.expectRevert();
        this.floorDiv(type(int256).min, -1);
    }

    function testFuzz_steps_areMultiplesOnEitherSide(int128 value, uint64 rawStep) public pure {
        int256 step = int256(bound(rawStep, 1, type(uint64).max));
        int256 floor = Quantum.floorTo(value, step);
        assertEq(floor % step, 0);
        assertTrue(floor <= value && value < floor + step);
        assertEq(Quantum.ceilTo(value, step), value == floor ? floor : floor + step);
    }

    /* UNSIGNED DIVISION */

    function testFuzz_mulDiv_roundsByLessThanOne(uint128 a, uint128 b, uint128 c) public pure {
        vm.assume(c != 0);
        uint256 down = Quantum.mulDivDown(a, b, c);
        uint256 product = uint256(a) * b;
        assertTrue(down <= product / c && product - down * c < c);
        assertEq(Quantum.mulDivUp(a, b, c), product % c == 0 ? down : down + 1);
    }

    function test_mulDiv_ofWadsAndPips() public pure {
        assertEq(Quantum.mulWadDown(3, 0.5e18), 1);
        assertEq(Quantum.mulWadUp(3, 0.5e18), 2);
        assertEq(Quantum.pipsDown(1_999_999, 1), 1);
        assertEq(Quantum.pipsUp(1_000_001, 1), 2);
        assertEq(Quantum.pipsUp(5e18, PIPS), 5e18);
        assertEq(Quantum.pipsUp(0, 500), 0);
    }
}
