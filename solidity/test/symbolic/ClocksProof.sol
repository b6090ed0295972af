// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DisputeGame} from "../../src/dispute/DisputeGame.sol";
import {Duel, NEWER, OLDER, Stage, Tally} from "../../src/types/Dispute.sol";

interface Time {
    function warp(uint256 time) external;
}

/// @dev What the constructor of the game asks an assertion chain for.
contract NoChain {
    uint256 public constant LOG_ARITY = 5;
    uint256 public constant CHALLENGE_PERIOD = 1 weeks;
    address public constant INBOX = address(0x1000);
    uint256 public constant STAKE = 2 ether;
}

/// @notice No order of calls gives a side more time than it has, and no dispute ends before its windows do.
contract ClocksProof is DisputeGame(address(new NoChain()), 1) {
    /// @dev Some 17,000 years from now; sums of times later than that may not fit their 40 bits.
    uint40 private constant LATEST = type(uint40).max / 2;

    Time private constant VM = Time(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice A turn costs its side exactly the time it took; the last moment at which the duel can be open stays.
    function check_bookTime_keepsTheDeadline(uint32 older, uint32 newer, uint8 turn, uint40 since, uint40 time)
        external
    {
        if (turn > NEWER || time < since) return;
        Duel memory duel = _duel(older, newer, turn, since);
        uint256 elapsed = uint256(time) - since;
        if (elapsed >= (turn == OLDER ? older : newer)) return;
        VM.warp(time);

        _bookTime(duel);

        assert(duel.since == time && duel.turn == NEWER - turn);
        assert(uint256(duel.leftOlder) == (turn == OLDER ? older - elapsed : older));
        assert(uint256(duel.leftNewer) == (turn == NEWER ? newer - elapsed : newer));
        assert(uint256(time) + duel.leftOlder + duel.leftNewer == uint256(since) + older + newer);
    }

    /// @notice Who loses has no commitment left and no time to make one; two that are alive are not decided.
    function check_loser_isOut(
        uint32 older,
        uint32 newer,
        uint40 since,
        uint40 time,
        uint16 liveOlder,
        uint16 liveNewer
    ) external {
        if (since > LATEST) return;
        VM.warp(time);
        Duel memory duel = _duel(older, newer, uint8(OLDER), since);
        duel.stage = Stage.TRACE;
        Tally memory tally;
        tally.liveOlder = liveOlder;
        tally.liveNewer = liveNewer;

        uint256 loser = _loser(duel, tally);

        assert((loser == OLDER ? liveOlder : liveNewer) == 0);
        assert(uint256(time) >= uint256(since) + (loser == OLDER ? older : newer));
        assert(loser == NEWER || liveNewer != 0);
    }

    /// @notice A window is open exactly as long as the budget of its side lasts.
    function check_window_isTheBudget(uint32 older, uint32 newer, uint8 side, uint40 since, uint40 time) external {
        if (side > NEWER || time < since) return;
        VM.warp(time);
        Duel memory duel = _duel(older, newer, uint8(OLDER), since);

        _requireOpenWindow(duel, side);

        assert(uint256(time) - since < (side == OLDER ? older : newer));
    }

    function _duel(uint32 older, uint32 newer, uint8 turn, uint40 since) private pure returns (Duel memory duel) {
        duel.leftOlder = older;
        duel.leftNewer = newer;
        duel.turn = turn;
        duel.since = since;
    }
}
