// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../interfaces/settlement/IPriceOracle.sol";
import {PriceUse} from "../../types/Settlement.sol";

/// @notice What governance may set about a feed.
library OracleBounds {
    uint256 internal constant MAX_SIGNERS = 16;

    /// @dev Of three the lower median is the middle one: one signer alone never sets the price.
    uint256 internal constant MIN_QUORUM = 3;

    uint256 internal constant MIN_JUMP_PIPS = 1000;
    uint256 internal constant MAX_JUMP_PIPS = 200_000;

    /// @dev Greatest ages that may be allowed.
    uint256 internal constant MAX_INCREASE_AGE_S = 120;
    uint256 internal constant MAX_LIQUIDATE_AGE_S = 300;
    uint256 internal constant MAX_REDUCE_AGE_S = 600;

    /// @dev Revert with the parameter that is out of bounds. The quorum is at least two thirds of the signers, but not all
    /// of them, for then nothing would bound a jump and one missing signer would stop the feed.
    function check(IPriceOracle.Feed calldata setting, uint256 nSigners) internal pure {
        uint256 quorum = setting.quorum;
        if (nSigners > MAX_SIGNERS) revert IPriceOracle.OutOfBounds("signers");
        if (quorum < MIN_QUORUM || quorum >= nSigners || 3 * quorum < 2 * nSigners) {
            revert IPriceOracle.OutOfBounds("quorum");
        }
        if (setting.maxJumpPips < MIN_JUMP_PIPS || setting.maxJumpPips > MAX_JUMP_PIPS) {
            revert IPriceOracle.OutOfBounds("maxJumpPips");
        }
        uint256 increase = setting.maxAgeS[uint256(PriceUse.INCREASE)];
        uint256 liquidate = setting.maxAgeS[uint256(PriceUse.LIQUIDATE)];
        uint256 reduce = setting.maxAgeS[uint256(PriceUse.REDUCE)];
        if (
            increase == 0 || increase > liquidate || liquidate > reduce || increase > MAX_INCREASE_AGE_S
                || liquidate > MAX_LIQUIDATE_AGE_S || reduce > MAX_REDUCE_AGE_S
        ) revert IPriceOracle.OutOfBounds("maxAgeS");
    }
}
