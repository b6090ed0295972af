// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WAD} from "../../types/Settlement.sol";

/// @notice Averages in which the past decays exponentially with time. Twin: optimistic/protocol/settlement/averages.py.
library Ewma {
    /// @dev What is left of one after `elapsedS` seconds, given what is left after one second: its power, by squaring, each
    /// product rounded down. WAD.
    function decayed(uint256 perSecondWad, uint256 elapsedS) internal pure returns (uint256 leftWad) {
        leftWad = uint256(WAD);
        while (elapsedS != 0 && leftWad != 0) {
            if (elapsedS & 1 == 1) leftWad = leftWad * perSecondWad / uint256(WAD);
            perSecondWad = perSecondWad * perSecondWad / uint256(WAD);
            elapsedS >>= 1;
        }
    }

    /// @dev The average after a sample that stands for the last `elapsedS` seconds; what is left of the difference is
    /// rounded toward zero, so the average stays between what it was and the sample.
    function moved(int256 averageWad, int256 sampleWad, uint256 perSecondWad, uint256 elapsedS)
        internal
        pure
        returns (int256)
    {
        return sampleWad + (averageWad - sampleWad) * int256(decayed(perSecondWad, elapsedS)) / WAD;
    }
}
