// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PIPS, QUANTUM_WAD} from "../../types/Settlement.sol";

/// @notice What makes a price of observations, which moves are too large, and time averages. Prices are positive and at
/// most 1e27. Twin: optimistic/protocol/settlement/oracle.py.
library OraclePrices {
    /// @dev The stretch of the average that the breaker compares with.
    uint256 internal constant AVERAGE_S = 300;

    /// @dev The stretch of a settlement price; half hours begin at its multiples.
    uint256 internal constant WINDOW_S = 1800;

    /// @dev A half hour counts if it had so many prices, and no two of them were further apart.
    uint256 internal constant MIN_PRICES = 30;
    uint256 internal constant MAX_GAP_S = 180;

    uint256 private constant QUANTUM = uint256(QUANTUM_WAD);

    /// @dev Put a price into the first `count` ones, which are in order, and keep the order.
    function insert(uint256[] memory sorted, uint256 count, uint256 priceWad) internal pure {
        uint256 place = count;
        while (place != 0 && sorted[place - 1] > priceWad) {
            sorted[place] = sorted[place - 1];
            --place;
        }
        sorted[place] = priceWad;
    }

    /// @dev The lower median of prices in order, rounded down to the quantum.
    function medianDown(uint256[] memory sorted) internal pure returns (uint256) {
        uint256 price = sorted[(sorted.length - 1) / 2];
        return price - price % QUANTUM;
    }

    /// @dev Whether a price is further from the last one than a quorum may move it; exactly as far is not.
    function isJump(uint256 priceWad, uint256 lastWad, uint256 maxJumpPips) internal pure returns (bool) {
        return distance(priceWad, lastWad) * PIPS > lastWad * maxJumpPips;
    }

    /// @dev Whether a price is further from the average than half of it.
    function breaks(uint256 priceWad, uint256 averageWad) internal pure returns (bool) {
        return 2 * distance(priceWad, averageWad) > averageWad;
    }

    /// @dev The average of about five minutes after the last price has stood for `elapsedS` more seconds; rounded down. After
    /// five minutes it is the last price.
    function movedAverage(uint256 averageWad, uint256 lastWad, uint256 elapsedS) internal pure returns (uint256) {
        if (elapsedS >= AVERAGE_S) return lastWad;
        return (averageWad * (AVERAGE_S - elapsedS) + lastWad * elapsedS) / AVERAGE_S;
    }

    /// @dev The end of the half hour in which a time lies; a multiple of half an hour begins the next.
    function windowEnd(uint256 time) internal pure returns (uint256) {
        return (time / WINDOW_S + 1) * WINDOW_S;
    }

    /// @dev The average of a half hour, rounded down to the quantum; zero if it does not count.
    /// @param integral Price × seconds over the half hour, each price standing until the next one.
    function windowAverage(uint256 integral, uint256 nPrices, uint256 maxGapS) internal pure returns (uint256) {
        if (nPrices < MIN_PRICES || maxGapS > MAX_GAP_S) return 0;
        return windowMean(integral);
    }

    /// @dev An integral over a half hour as a price, rounded down to the quantum.
    function windowMean(uint256 integral) internal pure returns (uint256) {
        return integral / (WINDOW_S * QUANTUM) * QUANTUM;
    }

    function distance(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? b - a : a - b;
    }
}
