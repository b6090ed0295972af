// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PIPS, QUANTUM_WAD, WAD} from "../../types/Settlement.sol";
import {Ewma} from "./Ewma.sol";
import {Quantum} from "./Quantum.sol";

/// @notice What a contract is worth between trades: the index, moved by the average basis of settled trades if the
/// reported book agrees. All prices are positive and at most 1e27.
/// Twin: optimistic/protocol/settlement/marks.py.
library Marks {
    using Quantum for int256;

    /// @dev κ_b: a trade moves the average basis as if it were at most 1 % from the index.
    int256 internal constant BASIS_CAP_WAD = 0.01e18;

    /// @dev e^(−1/150): the basis forgets in 150 s.
    uint256 internal constant BASIS_DECAY_WAD = 993_355_506_255_034_415;

    /// @dev The trades of one batch stand for at most so long: a single one after a quiet hour is not the whole hour.
    uint256 internal constant BASIS_STEP_S = 15;

    /// @dev e^(−1/3600): the variance forgets in an hour.
    uint256 internal constant VARIANCE_DECAY_WAD = 999_722_260_798_897_138;

    /// @dev A return counts as at most tenfold, and a variance as at most one: 100 % per hour.
    int256 internal constant RETURN_CAP_WAD = 10e18;
    int256 internal constant VARIANCE_CAP_WAD = 1e18;

    /// @dev A report of the book counts for so long.
    uint256 internal constant REPORT_AGE_S = 60;

    /// @dev `value`, or the nearest end of the stretch.
    function clamp(int256 value, int256 low, int256 high) internal pure returns (int256) {
        if (value < low) return low;
        return value > high ? high : value;
    }

    function median(int256 a, int256 b, int256 c) internal pure returns (int256) {
        return a < b ? clamp(c, a, b) : clamp(c, b, a);
    }

    /// @dev Whether a report counts at the time of a price.
    function isCurrent(uint256 reportedAt, uint256 pricedAt) internal pure returns (bool) {
        return reportedAt != 0 && pricedAt <= reportedAt + REPORT_AGE_S;
    }

    /// @dev Median of bid, ask and last trade: the last trade (the index if there was none), held between bid and ask. Zero
    /// for a side that is empty.
    function bookPrice(int256 indexWad, int256 bidWad, int256 askWad, int256 lastWad) internal pure returns (int256) {
        int256 price = lastWad == 0 ? indexWad : lastWad;
        return clamp(price, bidWad, askWad == 0 ? type(int256).max : askWad);
    }

    /// @dev Median of the index, the index moved by the basis, and the book's price; within the band and on the quantum.
    function mark(int256 indexWad, int256 basisWad, int256 bookWad, uint256 bandPips) internal pure returns (int256) {
        int256 smoothed = indexWad * (WAD + basisWad) / WAD;
        int256 band = int256(bandPips);
        int256 low = (indexWad * (int256(PIPS) - band)).ceilDiv(int256(PIPS)).ceilTo(QUANTUM_WAD);
        int256 high = (indexWad * (int256(PIPS) + band)).floorDiv(int256(PIPS)).floorTo(QUANTUM_WAD);
        return clamp(median(smoothed, bookWad, indexWad).floorTo(QUANTUM_WAD), low, high);
    }

    /// @dev What trades say about the basis: their distance from the index; halved with that of the middle of the impact
    /// prices if there is one. `impactBidWad` or `impactAskWad` zero: there is none. WAD, toward zero.
    function basisSample(int256 indexWad, int256 vwapWad, int256 impactBidWad, int256 impactAskWad)
        internal
        pure
        returns (int256 sample)
    {
        sample = _basis(indexWad, vwapWad);
        if (impactBidWad != 0 && impactAskWad != 0) {
            sample = (sample + _basis(indexWad, (impactBidWad + impactAskWad) / 2)) / 2;
        }
    }

    /// @dev The average basis after a sample, which stands for the time since the last one but at most for BASIS_STEP_S.
    function movedBasis(int256 basisWad, int256 sampleWad, uint256 elapsedS) internal pure returns (int256) {
        if (elapsedS > BASIS_STEP_S) elapsedS = BASIS_STEP_S;
        return Ewma.moved(basisWad, sampleWad, BASIS_DECAY_WAD, elapsedS);
    }

    /// @dev The variance of the index per hour after a new price: the mean, decaying in an hour, of r²·3600/t over the
    /// steps between prices. `elapsedS` is not zero. WAD.
    function movedVariance(int256 varianceWad, int256 lastWad, int256 indexWad, uint256 elapsedS)
        internal
        pure
        returns (int256)
    {
        int256 gain = clamp((indexWad - lastWad) * WAD / lastWad, -RETURN_CAP_WAD, RETURN_CAP_WAD);
        int256 sample = clamp(gain * gain * 3600 / (WAD * int256(elapsedS)), 0, VARIANCE_CAP_WAD);
        return Ewma.moved(varianceWad, sample, VARIANCE_DECAY_WAD, elapsedS);
    }

    /// @dev Distance from the index in WAD, toward zero, within the cap.
    function _basis(int256 indexWad, int256 priceWad) private pure returns (int256) {
        return clamp((priceWad - indexWad) * WAD / indexWad, -BASIS_CAP_WAD, BASIS_CAP_WAD);
    }
}
