// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PIPS, WAD} from "../../types/Settlement.sol";
import {Quantum} from "./Quantum.sol";
import {Root} from "./Root.sol";

/// @notice Standard margin of one leg, and when a change of a portfolio makes it no worse. A leg of notional N (size
/// without sign × index price) needs
/// - maintenance N × imf0 × part × volMult,
/// - initial N × imf, imf = clamp(imf0 × volMult + imfK × √(N / 10^6), imf0, 1), which then grows toward 1 while the
///   open interest goes from `low` to `high`.
/// Rates are WAD; everything required rounds up. Twins: optimistic/protocol/settlement/{margin,acceptance}.py.
library MarginMath {
    /// @dev One millionth.
    uint256 internal constant PIP_WAD = 1e12;

    /// @dev Ten standard deviations: moves within minutes have far heavier tails than a normal distribution.
    uint256 internal constant BUFFER_DEVIATIONS = 10;

    uint256 internal constant BUFFER_MIN_WAD = 0.015e18;
    uint256 internal constant BUFFER_MAX_WAD = 0.18e18;

    /// @dev Time until a withdrawal is looked at again, added to the age of the price.
    uint256 internal constant BUFFER_DELAY_S = 60;

    /* RATES */

    /// @dev Exact, since three times a millionth is one unit of WAD; at most one.
    function maintenanceRateWad(uint256 initialPips, uint256 maintenancePips, uint256 volatilityPips)
        internal
        pure
        returns (uint256)
    {
        return _min(initialPips * maintenancePips * volatilityPips, uint256(WAD));
    }

    /// @dev Of an uncrowded market; at most one. imfK × √(N / 10^24) × 10^18 is pips × √N.
    function initialRateWad(uint256 initialPips, uint256 sizeMarginPips, uint256 volatilityPips, uint256 notionalWad)
        internal
        pure
        returns (uint256)
    {
        uint256 scaled = initialPips * volatilityPips * (PIP_WAD / PIPS) + sizeMarginPips * Root.sqrtUp(notionalWad);
        return _min(_max(initialPips * PIP_WAD, scaled), uint256(WAD));
    }

    /// @dev The initial rate in a market with this open interest (contracts): of what is missing to one, the part of the
    /// way from `low` to `high`. An empty interval changes nothing.
    function crowdedRateWad(uint256 rateWad, uint256 openInterestWad, uint256 lowWad, uint256 highWad)
        internal
        pure
        returns (uint256)
    {
        if (openInterestWad <= lowWad || highWad <= lowWad) return rateWad;
        uint256 span = highWad - lowWad;
        return rateWad + Quantum.mulDivUp(uint256(WAD) - rateWad, _min(openInterestWad - lowWad, span), span);
    }

    /* ACCEPTANCE */

    /// @dev Whether a leg only shrinks: the same side or closed, and no larger.
    function isReduction(int256 beforeWad, int256 afterWad) internal pure returns (bool) {
        if (afterWad == 0) return true;
        return (beforeWad < 0) == (afterWad < 0) && Quantum.abs(afterWad) <= Quantum.abs(beforeWad);
    }

    /// @dev Whether neither health (equity / maintenance) nor excess (equity − maintenance) falls. Without positions before,
    /// the second says that equity does not fall.
    function isNoWorse(
        int256 equityBeforeWad,
        int256 maintenanceBeforeWad,
        int256 equityAfterWad,
        int256 maintenanceAfterWad
    ) internal pure returns (bool) {
        return equityAfterWad * maintenanceBeforeWad >= equityBeforeWad * maintenanceAfterWad
            && equityAfterWad - maintenanceAfterWad >= equityBeforeWad - maintenanceBeforeWad;
    }

    /* WITHDRAWALS */

    /// @dev How far the price may move before a withdrawal is looked at again, as a rate: ten deviations over the age of
    /// the price and the delay, within bounds.
    function bufferRateWad(uint256 hourlyVolatilityWad, uint256 ageS) internal pure returns (uint256) {
        uint256 hoursWad = Quantum.mulDivUp(ageS + BUFFER_DELAY_S, uint256(WAD), 3600);
        uint256 move = Quantum.mulWadUp(BUFFER_DEVIATIONS * hourlyVolatilityWad, Root.sqrtUp(hoursWad * uint256(WAD)));
        return _min(_max(move, BUFFER_MIN_WAD), BUFFER_MAX_WAD);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
