// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {WAD} from "../../types/Settlement.sol";
import {Quantum} from "./Quantum.sol";

/// @notice Lines in which outflow waits: so much per hour and so much per day. Each ends at a time, in seconds with 18
/// decimals; an amount moves the end by the time in which the limit lets that much through.
struct Line {
    uint128 hourEnd;
    uint128 dayEnd;
}

/// @notice By how much an amount has moved the ends.
struct Place {
    uint128 hour;
    uint128 day;
}

/// @notice A leaky bucket per window (the generic cell rate algorithm of ITU-T I.371): what a window lets through may
/// leave at once, what is beyond waits in line. Who leaves the line gives the time back, so that asking and cancelling
/// keeps nobody waiting; splitting an amount gains nothing, since each part is rounded up.
library RateLine {
    uint256 internal constant HOUR = 3600;
    uint256 internal constant DAY = 86_400;

    /// @dev Takes a place for `amount`; returns when its turn is, no earlier than `time`.
    function join(Line storage line, uint256 amount, uint256 hourlyLimit, uint256 dailyLimit, uint256 time)
        internal
        returns (Place memory place, uint256 readyAt)
    {
        place.hour = uint128(Quantum.mulDivUp(amount, HOUR * uint256(WAD), hourlyLimit));
        place.day = uint128(Quantum.mulDivUp(amount, DAY * uint256(WAD), dailyLimit));
        uint256 hourEnd = _later(line.hourEnd, time) + place.hour;
        uint256 dayEnd = _later(line.dayEnd, time) + place.day;
        (line.hourEnd, line.dayEnd) = (uint128(hourEnd), uint128(dayEnd));
        readyAt = time;
        readyAt = _turn(readyAt, hourEnd, HOUR);
        readyAt = _turn(readyAt, dayEnd, DAY);
    }

    /// @dev Gives a place back, taken or not.
    function quit(Line storage line, Place memory place) internal {
        line.hourEnd -= place.hour;
        line.dayEnd -= place.day;
    }

    /// @dev A line starts no earlier than now.
    function _later(uint256 end, uint256 time) private pure returns (uint256) {
        uint256 start = time * uint256(WAD);
        return end > start ? end : start;
    }

    function _turn(uint256 readyAt, uint256 end, uint256 window) private pure returns (uint256) {
        uint256 turn = Quantum.mulDivUp(end, 1, uint256(WAD)) - window;
        return turn > readyAt ? turn : readyAt;
    }
}
