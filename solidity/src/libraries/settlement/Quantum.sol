// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {LOT_WAD, PIPS, QUANTUM_WAD, WAD} from "../../types/Settlement.sol";

/// @notice Arithmetic of settlement: exact where sizes and prices are on their quanta, with a named direction of
/// rounding everywhere else. Twin: optimistic/protocol/settlement/units.py.
/// @dev Everything reverts on overflow. Sizes up to 1e30 and prices up to 1e27 (both with 18 decimals) fit.
library Quantum {
    /* QUANTA */

    /// @dev Whether a size is a whole number of lots.
    function isLot(int256 sizeWad) internal pure returns (bool) {
        return sizeWad % LOT_WAD == 0;
    }

    /// @dev Whether a price may move cash.
    function isQuantum(int256 priceWad) internal pure returns (bool) {
        return priceWad % QUANTUM_WAD == 0;
    }

    /// @dev Size × price; never rounds: a product that is not whole reverts with its value.
    function exact(int256 sizeWad, int256 priceWad) internal pure returns (int256) {
        int256 product = sizeWad * priceWad;
        if (product % WAD != 0) revert ILedger.OffQuantum(product);
        return product / WAD;
    }

    /* SIGNED: the division of the language rounds toward zero */

    /// @dev a / b toward minus infinity.
    function floorDiv(int256 a, int256 b) internal pure returns (int256 quotient) {
        quotient = a / b;
        if (a % b != 0 && (a < 0) != (b < 0)) quotient -= 1;
    }

    /// @dev a / b toward plus infinity.
    function ceilDiv(int256 a, int256 b) internal pure returns (int256 quotient) {
        quotient = a / b;
        if (a % b != 0 && (a < 0) == (b < 0)) quotient += 1;
    }

    /// @dev The largest multiple of `step` (positive) that is no more than `value`.
    function floorTo(int256 value, int256 step) internal pure returns (int256) {
        return floorDiv(value, step) * step;
    }

    /// @dev The smallest multiple of `step` (positive) that is no less than `value`.
    function ceilTo(int256 value, int256 step) internal pure returns (int256) {
        return ceilDiv(value, step) * step;
    }

    /// @dev |value|; also of the least number there is.
    function abs(int256 value) internal pure returns (uint256) {
        unchecked {
            // Two's complement: the negation of the least number is itself, and 2^255 without sign.
            return uint256(value < 0 ? -value : value);
        }
    }

    /* UNSIGNED */

    /// @dev ⌊a · b / c⌋.
    function mulDivDown(uint256 a, uint256 b, uint256 c) internal pure returns (uint256) {
        return a * b / c;
    }

    /// @dev ⌈a · b / c⌉.
    function mulDivUp(uint256 a, uint256 b, uint256 c) internal pure returns (uint256 quotient) {
        uint256 product = a * b;
        quotient = product / c;
        if (product % c != 0) quotient += 1;
    }

    /// @dev ⌊a · b⌋ of two numbers with 18 decimals.
    function mulWadDown(uint256 a, uint256 b) internal pure returns (uint256) {
        return mulDivDown(a, b, uint256(WAD));
    }

    /// @dev ⌈a · b⌉ of two numbers with 18 decimals.
    function mulWadUp(uint256 a, uint256 b) internal pure returns (uint256) {
        return mulDivUp(a, b, uint256(WAD));
    }

    /// @dev So many millionths of an amount, down: what is paid out, or a value.
    function pipsDown(uint256 amount, uint256 pips) internal pure returns (uint256) {
        return mulDivDown(amount, pips, PIPS);
    }

    /// @dev So many millionths of an amount, up: what is charged or required.
    function pipsUp(uint256 amount, uint256 pips) internal pure returns (uint256) {
        return mulDivUp(amount, pips, PIPS);
    }
}
