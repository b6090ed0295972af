// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PIPS, WAD} from "../../types/Settlement.sol";
import {Marks} from "./Marks.sol";

/// @notice What longs pay shorts of a perpetual (negative: receive). It accrues from price to price; the rate of an hour is
/// that of the premium averaged over the hour before. Twin: optimistic/protocol/settlement/funding.py.
library Funding {
    /// @dev Funding of a market.
    /// @param cumulativeWad What one long contract has paid since the beginning, to the wei.
    /// @param rateWad Of this hour, per eight hours.
    /// @param premiumSumWad ∫ premium dt of this hour so far, in WAD × seconds.
    struct State {
        int256 cumulativeWad;
        int256 rateWad;
        int256 premiumSumWad;
    }

    /// @dev A reported premium and when it ceases to count.
    struct Premium {
        int256 wad;
        uint256 until;
    }

    /// @dev i: 0.01 % per eight hours.
    int256 internal constant INTEREST_WAD = 0.0001e18;

    /// @dev The interest moves the rate by at most 0.05 %.
    int256 internal constant DAMPER_WAD = 0.0005e18;

    /// @dev One report counts for at most 2 %.
    int256 internal constant PREMIUM_CAP_WAD = 0.02e18;

    /// @dev At most 0.5 % per hour.
    int256 internal constant RATE_CAP_WAD = 0.04e18;

    int256 internal constant EIGHT_HOURS_S = 28_800;
    uint256 internal constant HOUR_S = 3600;

    /// @dev After the last price funding goes on for ten minutes.
    uint256 internal constant OUTAGE_S = 600;

    /// @dev (max(0, impactBid − I) − max(0, I − impactAsk)) / I toward zero, within 2 %. A side without depth (zero) says
    /// nothing.
    function premium(int256 indexWad, int256 impactBidWad, int256 impactAskWad) internal pure returns (int256) {
        int256 over = impactBidWad > indexWad ? impactBidWad - indexWad : int256(0);
        if (impactAskWad != 0 && impactAskWad < indexWad) over -= indexWad - impactAskWad;
        return Marks.clamp(over * WAD / indexWad, -PREMIUM_CAP_WAD, PREMIUM_CAP_WAD);
    }

    /// @dev P + clamp(i − P, 0.05 %), within the cap.
    function rate8h(int256 premiumWad, int256 capWad) internal pure returns (int256) {
        int256 interest = Marks.clamp(INTEREST_WAD - premiumWad, -DAMPER_WAD, DAMPER_WAD);
        return Marks.clamp(premiumWad + interest, -capWad, capWad);
    }

    /// @dev Eight times the hourly cap min(0.5 %, 6 · (IMF − MMF) / 8); exact.
    function rateCap(uint256 initialPips, uint256 maintenancePips) internal pure returns (int256) {
        int256 margin = 6 * int256(initialPips * (PIPS - maintenancePips)) * (WAD / int256(PIPS * PIPS));
        return margin < RATE_CAP_WAD ? margin : RATE_CAP_WAD;
    }

    /// @dev What a long contract pays in this time: I · r8 · t / 28,800, toward zero to the wei.
    function accrual(int256 indexWad, int256 rateWad, uint256 elapsedS) internal pure returns (int256) {
        return indexWad * rateWad * int256(elapsedS) / (WAD * EIGHT_HOURS_S);
    }

    /// @dev Funding from the price of time `from` (`indexWad`) to the next one of time `to`, changing `state` in place. Only
    /// the first ten minutes are paid for. Time without a report counts as premium zero.
    function advance(
        State memory state,
        int256 indexWad,
        Premium memory reported,
        uint256 from,
        uint256 to,
        int256 capWad
    ) internal pure {
        uint256 paid = to - from < OUTAGE_S ? to - from : OUTAGE_S;
        uint256 end = (from / HOUR_S + 1) * HOUR_S;
        if (to < end) {
            state.cumulativeWad += accrual(indexWad, state.rateWad, paid);
            state.premiumSumWad += reported.wad * int256(covered(from, to, reported.until));
            return;
        }
        uint256 before = paid < end - from ? paid : end - from;
        state.cumulativeWad += accrual(indexWad, state.rateWad, before);
        state.premiumSumWad += reported.wad * int256(covered(from, end, reported.until));
        state.rateWad = rate8h(state.premiumSumWad / int256(HOUR_S), capWad);
        state.cumulativeWad += accrual(indexWad, state.rateWad, paid - before);
        uint256 start = to - to % HOUR_S;
        if (start != end) {
            int256 sum = reported.wad * int256(covered(start - HOUR_S, start, reported.until));
            state.rateWad = rate8h(sum / int256(HOUR_S), capWad);
        }
        state.premiumSumWad = reported.wad * int256(covered(start, to, reported.until));
    }

    /// @dev How many seconds of a stretch lie before `until`.
    function covered(uint256 from, uint256 to, uint256 until) internal pure returns (uint256) {
        if (until < to) to = until;
        return to > from ? to - from : 0;
    }
}
