// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ewma} from "../../src/libraries/settlement/Ewma.sol";
import {Funding} from "../../src/libraries/settlement/Funding.sol";
import {Marks} from "../../src/libraries/settlement/Marks.sol";
import {Observations} from "../../src/libraries/settlement/Observations.sol";
import {OraclePrices} from "../../src/libraries/settlement/OraclePrices.sol";
import {FeedId} from "../../src/types/Settlement.sol";

/// @notice External doors to the arithmetic of prices, marks and funding, for differential tests.
contract FundingHarness {
    function decayed(uint256 perSecondWad, uint256 elapsedS) external pure returns (uint256) {
        return Ewma.decayed(perSecondWad, elapsedS);
    }

    function moved(int256 averageWad, int256 sampleWad, uint256 perSecondWad, uint256 elapsedS)
        external
        pure
        returns (int256)
    {
        return Ewma.moved(averageWad, sampleWad, perSecondWad, elapsedS);
    }

    function mark(int256 indexWad, int256 basisWad, int256 bidWad, int256 askWad, int256 lastWad, uint256 bandPips)
        external
        pure
        returns (int256 book, int256 price)
    {
        book = Marks.bookPrice(indexWad, bidWad, askWad, lastWad);
        price = Marks.mark(indexWad, basisWad, book, bandPips);
    }

    function basis(
        int256 indexWad,
        int256 vwapWad,
        int256 impactBidWad,
        int256 impactAskWad,
        int256 basisWad,
        uint256 elapsedS
    ) external pure returns (int256 sample, int256 average) {
        sample = Marks.basisSample(indexWad, vwapWad, impactBidWad, impactAskWad);
        average = Marks.movedBasis(basisWad, sample, elapsedS);
    }

    function variance(int256 varianceWad, int256 lastWad, int256 indexWad, uint256 elapsedS)
        external
        pure
        returns (int256)
    {
        return Marks.movedVariance(varianceWad, lastWad, indexWad, elapsedS);
    }

    function current(uint256 reportedAt, uint256 pricedAt) external pure returns (bool) {
        return Marks.isCurrent(reportedAt, pricedAt);
    }

    function rate(int256 indexWad, int256 impactBidWad, int256 impactAskWad, int256 capWad)
        external
        pure
        returns (int256 premium, int256 perEightHours)
    {
        premium = Funding.premium(indexWad, impactBidWad, impactAskWad);
        perEightHours = Funding.rate8h(premium, capWad);
    }

    function rateCap(uint256 initialPips, uint256 maintenancePips) external pure returns (int256) {
        return Funding.rateCap(initialPips, maintenancePips);
    }

    function advance(
        Funding.State memory state,
        int256 indexWad,
        Funding.Premium memory reported,
        uint256 from,
        uint256 to,
        int256 capWad
    ) external pure returns (int256, int256, int256) {
        Funding.advance(state, indexWad, reported, from, to, capWad);
        return (state.cumulativeWad, state.rateWad, state.premiumSumWad);
    }

    function median(uint256[] calldata prices) external pure returns (uint256) {
        uint256[] memory sorted = new uint256[](prices.length);
        for (uint256 i = 0; i < prices.length; ++i) {
            OraclePrices.insert(sorted, i, prices[i]);
        }
        return OraclePrices.medianDown(sorted);
    }

    function judge(uint256 priceWad, uint256 lastWad, uint256 maxJumpPips, uint256 averageWad, uint256 elapsedS)
        external
        pure
        returns (bool isJump, bool breaks, uint256 average)
    {
        isJump = OraclePrices.isJump(priceWad, lastWad, maxJumpPips);
        breaks = OraclePrices.breaks(priceWad, averageWad);
        average = OraclePrices.movedAverage(averageWad, lastWad, elapsedS);
    }

    function window(uint256 time, uint256 integral, uint256 nPrices, uint256 maxGapS)
        external
        pure
        returns (uint256, uint256)
    {
        return (OraclePrices.windowEnd(time), OraclePrices.windowAverage(integral, nPrices, maxGapS));
    }

    function digest(address oracle, FeedId feed, uint256 priceWad, uint64 timestamp) external view returns (bytes32) {
        return Observations.digest(Observations.domainSeparator(oracle), feed, priceWad, timestamp);
    }
}
