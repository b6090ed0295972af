// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PIPS, QUANTUM_WAD, WAD} from "../../types/Settlement.sol";
import {Quantum} from "./Quantum.sol";
import {Root} from "./Root.sol";

/// @notice How much of a position a liquidation closes, at which price at worst, and what it costs. Sizes are signed as the
/// position is; prices are of one contract. Twin: optimistic/protocol/settlement/liquidation.py.
library LiquidationMath {
    /* TYPES */

    /// @dev One leg of a subaccount below maintenance margin.
    /// @param sizeWad The position.
    /// @param equityWad, maintenanceWad Of the whole subaccount; the latter is more than zero.
    /// @param rateWad Maintenance rate of the leg.
    /// @param depthWad Notional the book takes; more than zero.
    /// @param volatilityWad Standard deviation of the index per hour.
    struct Case {
        int256 sizeWad;
        int256 markWad;
        int256 indexPriceWad;
        int256 equityWad;
        int256 maintenanceWad;
        uint256 rateWad;
        uint256 depthWad;
        uint256 volatilityWad;
        uint256 tickWad;
        uint256 lotWad;
        uint256 minNotionalWad;
    }

    /* CONSTANTS */

    /// @dev A liquidation closes at least a fifth of a position.
    uint256 internal constant STEP_DIVISOR = 5;

    /// @dev Penalty rate: base + size × N / D + volatility × σ × √(N / D), N closed notional, D depth of the book.
    uint256 internal constant PENALTY_BASE_WAD = 0.005e18;
    uint256 internal constant PENALTY_SIZE_WAD = 0.01e18;

    /// @dev The third term is half of σ × √(N / D).
    uint256 internal constant PENALTY_VOLATILITY_DIVISOR = 2;
    uint256 internal constant PENALTY_MIN_WAD = 0.0025e18;
    uint256 internal constant PENALTY_MAX_WAD = 0.05e18;

    /// @dev The penalty leaves at least three tenths of the maintenance margin of what is closed.
    uint256 internal constant PENALTY_MARGIN_PIPS = 700_000;

    /// @dev Part of the penalty for the keeper, and the most it gets for one liquidation.
    uint256 internal constant REWARD_PIPS = 300_000;
    uint256 internal constant REWARD_CAP_WAD = 500e18;

    /* PRICES */

    /// @dev Where closing the whole leg takes all equity; rounded to the tick on the side that leaves [0, |size| × tick).
    function bankruptcyPriceWad(int256 sizeWad, int256 markWad, int256 equityWad, int256 tickWad)
        internal
        pure
        returns (int256)
    {
        if (sizeWad > 0) return Quantum.ceilTo(markWad - Quantum.floorDiv(equityWad * WAD, sizeWad), tickWad);
        return Quantum.floorTo(markWad + Quantum.floorDiv(equityWad * WAD, -sizeWad), tickWad);
    }

    /// @dev Where a close leaves equity / maintenance as it is: (mark − price) × MM = equity × index × rate; rounded to the
    /// tick on the side of the account.
    /// @param maintenanceWad Of the whole subaccount; more than zero.
    /// @param rateWad Maintenance rate of the leg.
    function zeroPriceWad(
        int256 sizeWad,
        int256 markWad,
        int256 indexPriceWad,
        int256 equityWad,
        int256 maintenanceWad,
        uint256 rateWad,
        int256 tickWad
    ) internal pure returns (int256) {
        int256 perContract = indexPriceWad * int256(rateWad) / WAD;
        int256 discount = Quantum.floorDiv(equityWad * perContract, maintenanceWad);
        if (sizeWad > 0) return Quantum.ceilTo(markWad - discount, tickWad);
        return Quantum.floorTo(markWad + discount, tickWad);
    }

    /// @dev The worst price of a liquidation: for a long the greater, for a short the lesser of the two, of equity counted
    /// from zero (what is owed already can be closed at the mark).
    function limitPriceWad(Case memory leg) internal pure returns (int256) {
        int256 equityWad = leg.equityWad > 0 ? leg.equityWad : int256(0);
        int256 tickWad = int256(leg.tickWad);
        int256 bankruptcy = bankruptcyPriceWad(leg.sizeWad, leg.markWad, equityWad, tickWad);
        int256 zero = zeroPriceWad(
            leg.sizeWad, leg.markWad, leg.indexPriceWad, equityWad, leg.maintenanceWad, leg.rateWad, tickWad
        );
        return (zero > bankruptcy) == (leg.sizeWad > 0) ? zero : bankruptcy;
    }

    /// @dev A price less (for a long) or plus a spread, on the quantum, on the side of the counterparty.
    function spreadPriceWad(int256 sizeWad, int256 priceWad, uint256 spreadPips) internal pure returns (int256) {
        int256 pips = int256(PIPS);
        if (sizeWad > 0) {
            return Quantum.floorTo(Quantum.floorDiv(priceWad * (pips - int256(spreadPips)), pips), QUANTUM_WAD);
        }
        return Quantum.ceilTo(Quantum.ceilDiv(priceWad * (pips + int256(spreadPips)), pips), QUANTUM_WAD);
    }

    /* SIZE */

    /// @dev How much to close, without sign, if the penalty has the rate of closing all of it: the most it can be.
    function closeSizeWad(Case memory leg) internal pure returns (uint256) {
        uint256 notionalWad = Quantum.mulWadUp(Quantum.abs(leg.sizeWad), uint256(leg.markWad));
        return closeSizeWad(leg, penaltyRateWad(notionalWad, leg.depthWad, leg.volatilityWad, leg.rateWad));
    }

    /// @dev How much to close, without sign: what makes equity cover maintenance margin when it is closed at the mark and
    /// the penalty is paid, at least a fifth, in whole lots; all of it if less than the least notional would be left.
    function closeSizeWad(Case memory leg, uint256 chargeRateWad) internal pure returns (uint256 closeWad) {
        uint256 sizeWad = Quantum.abs(leg.sizeWad);
        uint256 markWad = uint256(leg.markWad);
        uint256 freedWad = Quantum.mulWadDown(uint256(leg.indexPriceWad), leg.rateWad);
        uint256 paidWad = Quantum.mulWadUp(markWad, chargeRateWad);
        if (freedWad <= paidWad) return sizeWad;
        closeWad = Quantum.mulDivUp(uint256(leg.maintenanceWad - leg.equityWad), uint256(WAD), freedWad - paidWad);
        uint256 stepWad = Quantum.mulDivUp(sizeWad, 1, STEP_DIVISOR);
        if (closeWad < stepWad) closeWad = stepWad;
        closeWad = Quantum.mulDivUp(closeWad, 1, leg.lotWad) * leg.lotWad;
        if (closeWad >= sizeWad) return sizeWad;
        if (Quantum.mulWadDown(sizeWad - closeWad, markWad) < leg.minNotionalWad) closeWad = sizeWad;
    }

    /* PENALTY */

    /// @dev The reported depth, which nobody can verify, within the bounds of governance; never zero.
    function depthWad(int256 reportedWad, uint256 floorWad, uint256 capWad) internal pure returns (uint256 depth) {
        depth = reportedWad > 0 ? uint256(reportedWad) : 0;
        if (depth > capWad) depth = capWad;
        if (depth < floorWad) depth = floorWad;
        if (depth == 0) depth = 1;
    }

    /// @dev Grows with notional and volatility, falls with depth; rounded up; its caps come last.
    /// @param bookWad Notional the book takes; more than zero.
    /// @param volatilityWad Standard deviation of the index per hour.
    /// @param rateWad Maintenance rate of the leg.
    function penaltyRateWad(uint256 notionalWad, uint256 bookWad, uint256 volatilityWad, uint256 rateWad)
        internal
        pure
        returns (uint256 penalty)
    {
        uint256 relative = Quantum.mulDivUp(notionalWad, uint256(WAD), bookWad);
        uint256 root = Root.sqrtUp(relative * uint256(WAD));
        penalty = PENALTY_BASE_WAD + Quantum.mulWadUp(PENALTY_SIZE_WAD, relative)
            + Quantum.mulDivUp(volatilityWad, root, PENALTY_VOLATILITY_DIVISOR * uint256(WAD));
        uint256 most = Quantum.pipsDown(rateWad, PENALTY_MARGIN_PIPS);
        if (most > PENALTY_MAX_WAD) most = PENALTY_MAX_WAD;
        if (penalty < PENALTY_MIN_WAD) penalty = PENALTY_MIN_WAD;
        if (penalty > most) penalty = most;
    }

    /// @dev Out of positive equity only: it never makes a debt.
    function penaltyWad(uint256 notionalWad, uint256 chargeRateWad, int256 equityWad)
        internal
        pure
        returns (uint256 penalty)
    {
        if (equityWad <= 0) return 0;
        penalty = Quantum.mulWadUp(notionalWad, chargeRateWad);
        if (penalty > uint256(equityWad)) penalty = uint256(equityWad);
    }

    /// @dev The keeper's part: always less than the penalty, if there is one.
    function rewardWad(uint256 paidWad) internal pure returns (uint256 reward) {
        reward = Quantum.pipsDown(paidWad, REWARD_PIPS);
        if (reward > REWARD_CAP_WAD) reward = REWARD_CAP_WAD;
    }
}
