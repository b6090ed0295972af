// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TAG_COMMITMENT, TAG_DISPUTE, TAG_DIVERGENCE, TAG_DUEL} from "../libraries/Constants.sol";

/// @dev The two sides of a dispute: indexes into every pair.
uint256 constant OLDER = 0;
uint256 constant NEWER = 1;

/// @notice Two siblings in dispute, by age.
struct Pair {
    bytes32 older;
    bytes32 newer;
}

/// @notice Where a duel stands. A dispute is itself the first duel: the walk down the two unit trees.
/// NONE: never opened. WALK: the unit is being searched. TRACE: the unit (of a dispute) is pinned, or the step (of
/// a duel of commitments) is being searched. OVER: decided.
enum Stage {
    NONE,
    WALK,
    TRACE,
    OVER
}

/// @notice What two parties agree and disagree about: a state both reach, and the node each has after it.
struct Divergence {
    bytes32 pre;
    bytes32[2] nodes;
}

/// @notice A search for the first difference under two nodes. Two slots.
/// @dev Once the unit of a dispute is pinned, `left` are the budgets B, `since` is the time u and `index` is j. Once
/// the dispute is over, `turn` is the winner's side.
struct Duel {
    /// Seconds each side may still use; its clock runs while it is on turn.
    uint32 leftOlder;
    uint32 leftNewer;
    /// When the side on turn got the turn.
    uint40 since;
    /// OLDER or NEWER.
    uint8 turn;
    /// Of the nodes in `divergence`; 0 when they are leaves.
    uint8 level;
    /// Of the nodes in their level.
    uint32 index;
    Stage stage;
    /// divergenceHashOf the present Divergence.
    bytes32 divergence;
}

/// @notice Counters of a dispute. One slot; final once the dispute is over.
struct Tally {
    uint32 liveOlder;
    uint32 liveNewer;
    /// Commitments so far.
    uint32 commitments;
    /// Wei earned by the moves of each side, without what died.
    uint80 creditsOlder;
    uint80 creditsNewer;
}

/// @notice Money of a dispute. One slot, written when something dies or at the end.
struct Purse {
    /// Bonds of dead commitments; once the dispute is over, what the winner's credits are paid from.
    uint96 pool;
    /// Stakes of members of each side whose free commitment died.
    uint80 forfeitsOlder;
    uint80 forfeitsNewer;
}

/// @notice Life of a commitment.
enum Life {
    NONE,
    LIVE,
    DEAD,
    PAID
}

/// @notice A claim about all steps of the disputed unit, under a bond or under the stake of a member. Two slots.
struct Commitment {
    address owner;
    uint40 joinedAt;
    /// Order among the commitments of the dispute, from 1.
    uint32 no;
    Life life;
    /// Without a bond: the owner's stake answers for it.
    bool isFree;
    /// OLDER or NEWER.
    uint8 side;
    /// Wei earned by moves made for it; the owner's own share of that.
    uint128 credits;
    uint128 ownerCredits;
}

/// @notice What an account has earned outside its own commitments.
struct Credit {
    uint128 amount;
    /// Whether the account has used its free commitment (only of the entry of a side).
    bool hasUsedFree;
}

/// @notice Names a duel: the walk if both commitments are zero, else that of the two, by side.
struct DuelKey {
    Pair pair;
    bytes32[2] commitments;
}

/// @notice H(TAG_DISPUTE, older, newer).
function disputeIdOf(Pair memory pair) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_DISPUTE, pair.older, pair.newer));
}

/// @notice H(TAG_COMMITMENT, dispute, side, depth, root).
function commitmentIdOf(bytes32 dispute, uint256 side, uint256 depth, bytes32 root) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_COMMITMENT, dispute, side, depth, root));
}

/// @notice H(TAG_DUEL, dispute, older side's commitment, newer side's commitment).
function duelIdOf(bytes32 dispute, bytes32[2] memory commitments) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_DUEL, dispute, commitments[OLDER], commitments[NEWER]));
}

/// @notice H(TAG_DIVERGENCE, pre, older node, newer node).
function divergenceHashOf(Divergence memory divergence) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_DIVERGENCE, divergence.pre, divergence.nodes[OLDER], divergence.nodes[NEWER]));
}
