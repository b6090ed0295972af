// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ewma} from "../../src/libraries/settlement/Ewma.sol";
import {Funding} from "../../src/libraries/settlement/Funding.sol";
import {Marks} from "../../src/libraries/settlement/Marks.sol";
import {OraclePrices} from "../../src/libraries/settlement/OraclePrices.sol";

/// @notice External doors to the arithmetic of prices, marks and funding, for differential tests.
contract PriceMathHarness {
    /* ORACLE */

    function medianDown(uint256[] calldata pricesWad) external pure returns (uint256) {
        uint256[] memory sorted = new uint256[](pricesWad.length);
        for (uint256 i = 0; i < pricesWad.length; ++i) {
            OraclePrices.insert(sorted, i, pricesWad[i]);
        }
        return OraclePrices.medianDown(sorted);
    }

    function isJump(uint256 priceWad, uint256 lastWad, uint256 maxJumpPips) external pure returns (bool) {
        return OraclePrices.isJump(priceWad, lastWad, maxJumpPips);
    }

    function breaks(uint256 priceWad, uint256 averageWad) external pure returns (bool) {
        return OraclePrices.breaks(priceWad, averageWad);
    }

    function movedAverage(uint256 averageWad, uint256 lastWad, uint256 elapsedS) external pure returns (uint256) {
        return OraclePrices.movedAverage(averageWad, lastWad, elapsedS);
    }

    function windowAverage(uint256 integral, uint256 nPrices, uint256 maxGapS) external pure returns (uint256) {
        return OraclePrices.windowAverage(integral, nPrices, maxGapS);
    }

    /* MARKS */

    function decayed(uint256 perSecondWad, uint256 elapsedS) external pure returns (uint256) {
        return Ewma.decayed(perSecondWad, elapsedS);
    }

    function bookPrice(int256 indexWad, int256 bidWad, int256 askWad, int256 lastWad) external pure returns (int256) {
        return Marks.bookPrice(indexWad, bidWad, askWad, lastWad);
    }

    function mark(int256 indexWad, int256 basisWad, int256 bookWad, uint256 bandPips) external pure returns (int256) {
        return Marks.mark(indexWad, basisWad, bookWad, bandPips);
    }

    function basisSample(int256 indexWad, int256 vwapWad, int256 impactBidWad, int256 impactAskWad)
        external
        pure
        returns (int256)
    {
        return Marks.basisSample(indexWad, vwapWad, impactBidWad, impactAskWad);
    }

    function movedBasis(int256 basisWad, int256 sampleWad, uint256 elapsedS) external pure returns (int256) {
        return Marks.movedBasis(basisWad, sampleWad, elapsedS);
    }

    function movedVariance(int256 varianceWad, int256 lastWad, int256 indexWad, uint256 elapsedS)
        external
        pure
        returns (int256)
    {
        return Marks.movedVariance(varianceWad, lastWad, indexWad, elapsedS);
    }

    /* FUNDING */

    function premium(int256 indexWad, int256 impactBidWad, int256 impactAskWad) external pure returns (int256) {
        return Funding.premium(indexWad, impactBidWad, impactAskWad);
    }

    function rate8h(int256 premiumWad, int256 capWad) external pure returns (int256) {
        return Funding.rate8h(premiumWad, capWad);
    }

    function rateCap(uint256 initialPips, uint256 maintenancePips) external pure returns (int256) {
        return Funding.rateCap(initialPips, maintenancePips);
    }

    function accrual(int256 indexWad, int256 rateWad, uint256 elapsedS) external pure returns (int256) {
        return Funding.accrual(indexWad, rateWad, elapsedS);
    }

    function advance(
        Funding.State memory state,
        int256 indexWad,
        Funding.Premium memory reported,
        uint256 from,
        uint256 to,
        int256 capWad
    ) external pure returns (Funding.State memory) {
        Funding.advance(state, indexWad, reported, from, to, capWad);
        return state;
    }
}
