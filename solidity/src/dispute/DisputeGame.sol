// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../interfaces/IAssertionChain.sol";
import {IDisputeGame} from "../interfaces/IDisputeGame.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOneStepVerifier} from "../interfaces/IOneStepVerifier.sol";
import {IOpenings} from "../interfaces/IOpenings.sol";
import {
    CREDIT_GAS_COMMIT_1,
    CREDIT_GAS_COMMIT_5,
    CREDIT_GAS_MOVE_1,
    CREDIT_GAS_MOVE_5,
    CREDIT_GAS_OPEN_1,
    CREDIT_GAS_OPEN_5,
    CREDIT_GAS_STEP,
    STEP_BITS,
    UNIT_BITS
} from "../libraries/Constants.sol";
import {DivergenceProof, Divergences, Reveal} from "../libraries/Divergences.sol";
import {Siblings, Status} from "../types/Assertion.sol";
import {
    Commitment,
    Credit,
    Divergence,
    Duel,
    DuelKey,
    Life,
    NEWER,
    OLDER,
    Pair,
    Stage,
    Tally,
    commitmentIdOf,
    disputeIdOf,
    divergenceHashOf,
    duelIdOf
} from "../types/Dispute.sol";
import {DisputeLedger} from "./DisputeLedger.sol";

/// @title The dispute game
/// @notice See IDisputeGame. This part holds the rules of the search; DisputeLedger keeps who lives and who is paid.
/// @dev Calls leave this contract only for the assertion chain, the inbox and a verifier (which is only read), and,
/// at the end of `claim`, for the account that is paid.
contract DisputeGame is DisputeLedger {
    using Divergences for DivergenceProof;
    using Divergences for Reveal;

    /* CONSTANTS */

    /// @dev A step that took more is remembered: far above nearly all, far below what a bond pays for.
    uint256 internal constant DEAR_STEP_GAS = 500_000;

    /* IMMUTABLES */

    /// @inheritdoc IDisputeGame
    IInbox public immutable INBOX;

    /// @inheritdoc IDisputeGame
    uint256 public immutable CHALLENGE_PERIOD;

    /// @inheritdoc IDisputeGame
    uint256 public immutable LOG_ARITY;

    /// @dev Levels of the unit tree and of the highest trace tree.
    uint256 internal immutable HEIGHT;

    /// @dev What a move is worth, in gas: at most what it costs, so that nobody gains by playing against himself.
    uint256 internal immutable OPEN_GAS;
    uint256 internal immutable MOVE_GAS;
    uint256 internal immutable COMMIT_GAS;

    /* STORAGE */

    /// @dev Where dear steps led, by number and state before.
    mapping(bytes32 dispute => mapping(bytes32 place => bytes32 post)) internal _dearSteps;

    /* CONSTRUCTOR */

    constructor(address chain, uint256 bond) DisputeLedger(chain, bond) {
        uint256 logArity = IAssertionChain(chain).LOG_ARITY();
        if (logArity != 1 && logArity != 5) revert InvalidSetup();
        INBOX = IAssertionChain(chain).INBOX();
        CHALLENGE_PERIOD = IAssertionChain(chain).CHALLENGE_PERIOD();
        LOG_ARITY = logArity;
        HEIGHT = STEP_BITS / logArity;
        OPEN_GAS = logArity == 1 ? CREDIT_GAS_OPEN_1 : CREDIT_GAS_OPEN_5;
        MOVE_GAS = logArity == 1 ? CREDIT_GAS_MOVE_1 : CREDIT_GAS_MOVE_5;
        COMMIT_GAS = logArity == 1 ? CREDIT_GAS_COMMIT_1 : CREDIT_GAS_COMMIT_5;
    }

    /* OPENING AND WALK */

    /// @inheritdoc IDisputeGame
    function open(Pair calldata pair, uint8 level, DivergenceProof calldata proof, Reveal calldata reveal) external {
        bytes32 id = disputeIdOf(pair);
        if (_duels[id].stage != Stage.NONE) revert AlreadyOpen(pair.older, pair.newer);
        Siblings memory siblings = _liveSiblings(pair);
        uint256 closesAt = siblings.t0 + CHALLENGE_PERIOD;
        if (block.timestamp >= closesAt) revert WindowClosed(closesAt);
        Divergence memory found = _firstDifference(siblings, level, proof);
        _checkReveal(reveal, found.nodes[NEWER], level);
        Duel memory walk = Duel({
            leftOlder: uint32(CHALLENGE_PERIOD),
            leftNewer: uint32(closesAt - block.timestamp),
            since: uint40(block.timestamp),
            turn: uint8(OLDER),
            level: level,
            index: proof.index,
            stage: level == 0 ? Stage.TRACE : Stage.WALK,
            divergence: divergenceHashOf(found)
        });
        _duels[id] = walk;
        _earnForSide(id, NEWER, OPEN_GAS);
        _emitOpened(pair, id, walk, found);
        if (level == 0) _emitPinned(id, walk, found);
        else _emitMoved(id, id, NEWER, walk, found, reveal);
    }

    /// @inheritdoc IDisputeGame
    function move(
        DuelKey calldata key,
        uint8 turn,
        uint8 level,
        bytes32 pre,
        DivergenceProof calldata proof,
        Reveal calldata reveal
    ) external {
        bytes32 disputeId = disputeIdOf(key.pair);
        bool isWalk = _isWalk(key);
        bytes32 id = isWalk ? disputeId : _liveDuel(disputeId, key.commitments);
        Duel memory self = _duels[id];
        if (self.stage != (isWalk ? Stage.WALK : Stage.TRACE)) revert WrongStage();
        if (isWalk) _liveSiblings(key.pair);
        if (self.turn != turn || self.level != level) revert NotOnTurn();
        Divergence memory found = _descend(disputeId, id, self, pre, proof, reveal);
        if (isWalk && self.level == 0) {
            self.stage = Stage.TRACE;
            _emitPinned(disputeId, self, found);
        }
        _duels[id] = self;
        if (isWalk) _earnForSide(disputeId, turn, MOVE_GAS);
        else _earnForCommitment(disputeId, turn, key.commitments[turn], MOVE_GAS);
    }

    /* COMMITMENTS AND DUELS */

    /// @inheritdoc IDisputeGame
    function commitTrace(
        Pair calldata pair,
        uint8 side,
        uint8 depth,
        Divergence calldata divergence,
        Reveal calldata reveal,
        bool isFree
    ) external payable {
        bytes32 disputeId = disputeIdOf(pair);
        _requireOpenWindow(_pinned(disputeId, divergence), side);
        if (depth == 0 || depth > HEIGHT) revert InvalidDepth();
        if (reveal.endState != divergence.nodes[side]) revert Divergences.InvalidReveal();
        bytes32 root = reveal.parentOf(depth, LOG_ARITY);
        bytes32 id = commitmentIdOf(disputeId, side, depth, root);
        if (_commitments[disputeId][id].life != Life.NONE) revert CommitmentExists(id);
        _takeBond(side == OLDER ? pair.older : pair.newer, disputeId, side, isFree);
        uint32 no = _join(disputeId, id, side, isFree, COMMIT_GAS);
        _emitCommitted(disputeId, id, side, depth, root, no, isFree, reveal.children);
    }

    /// @inheritdoc IDisputeGame
    function start(
        Pair calldata pair,
        uint8[2] calldata depths,
        bytes32[2] calldata roots,
        Divergence calldata divergence,
        DivergenceProof calldata proof,
        Reveal calldata reveal
    ) external {
        bytes32 disputeId = disputeIdOf(pair);
        Duel memory self = _pinned(disputeId, divergence);
        bytes32[2] memory ids;
        for (uint256 side = OLDER; side <= NEWER; ++side) {
            ids[side] = commitmentIdOf(disputeId, side, depths[side], roots[side]);
        }
        bytes32 id = _liveDuel(disputeId, ids);
        if (_duels[id].stage != Stage.NONE) revert WrongStage();
        _setClocks(disputeId, self, ids);
        _lift(self, depths, roots, divergence);
        uint256 turn = self.turn;
        emit Started(id, disputeId, ids[OLDER], ids[NEWER]);
        _descend(disputeId, id, self, divergence.pre, proof, reveal);
        _duels[id] = self;
        _earnForCommitment(disputeId, turn, ids[turn], MOVE_GAS);
    }

    /// @inheritdoc IDisputeGame
    function proveStep(DuelKey calldata key, Divergence calldata divergence, bytes calldata witness) external {
        bytes32 disputeId = disputeIdOf(key.pair);
        bytes32 id = _liveDuel(disputeId, key.commitments);
        Duel storage self = _duels[id];
        if (self.stage != Stage.TRACE || self.level != 0) revert WrongStage();
        if (divergenceHashOf(divergence) != self.divergence) revert WrongDivergence();
        self.stage = Stage.OVER;
        bytes32 post = _stepOnce(key.pair, disputeId, self.index, divergence.pre, witness);
        emit StepProven(id, disputeId, msg.sender, post);
        for (uint256 side = OLDER; side <= NEWER; ++side) {
            if (divergence.nodes[side] != post) _die(key.pair, disputeId, side, key.commitments[side]);
            else _earnForCommitment(disputeId, side, key.commitments[side], CREDIT_GAS_STEP);
        }
    }

    /* ENDINGS */

    /// @inheritdoc IDisputeGame
    function timeout(DuelKey calldata key) external {
        bytes32 disputeId = disputeIdOf(key.pair);
        if (_isWalk(key)) return _timeoutWalk(key.pair, disputeId);
        bytes32 id = _liveDuel(disputeId, key.commitments);
        Duel memory self = _duels[id];
        if (self.stage == Stage.NONE) {
            self = _duels[disputeId];
            _setClocks(disputeId, self, key.commitments);
        } else {
            _duels[id].stage = Stage.OVER;
        }
        if (block.timestamp < self.since + _left(self, self.turn)) revert ClockRunning();
        _die(key.pair, disputeId, self.turn, key.commitments[self.turn]);
    }

    /// @inheritdoc IDisputeGame
    function settle(Pair calldata pair) external {
        bytes32 id = disputeIdOf(pair);
        Duel memory self = _duels[id];
        if (self.stage != Stage.WALK && self.stage != Stage.TRACE) revert WrongStage();
        Standing memory standing = _standing(pair);
        if (_areLive(standing.status)) _decide(pair, id, standing, _loser(self, _tallies[id]));
        else _endMoot(pair, id, standing);
    }

    /* VIEWS */

    /// @inheritdoc IOpenings
    function isOpen(bytes32 older, bytes32 newer) external view returns (bool) {
        return _duels[disputeIdOf(Pair(older, newer))].stage != Stage.NONE;
    }

    /* INTERNAL: THE SEARCH */

    /// @dev The first difference at `level` under the unit roots of two siblings.
    function _firstDifference(Siblings memory siblings, uint256 level, DivergenceProof calldata proof)
        internal
        view
        returns (Divergence memory found)
    {
        if (level > HEIGHT) revert Divergences.InvalidDivergenceProof();
        bytes32[2] memory roots;
        (roots, found.pre) = proof.check(siblings.preLeaf, level, HEIGHT - level, LOG_ARITY);
        bool lead = roots[OLDER] == siblings.unitRoot[OLDER] && roots[NEWER] == siblings.unitRoot[NEWER];
        if (!lead) revert Divergences.InvalidDivergenceProof();
        found.nodes = proof.nodes;
    }

    /// @dev One level down: the one move that the side on turn can make. Changes `self` only.
    function _descend(
        bytes32 disputeId,
        bytes32 id,
        Duel memory self,
        bytes32 pre,
        DivergenceProof calldata proof,
        Reveal calldata reveal
    ) internal returns (Divergence memory found) {
        uint256 turn = self.turn;
        _bookTime(self);
        if (self.level == 0) revert NotOnTurn();
        self.level -= 1;
        Divergence memory above;
        above.pre = pre;
        (above.nodes, found.pre) = proof.check(pre, self.level, 1, LOG_ARITY);
        if (divergenceHashOf(above) != self.divergence) revert WrongDivergence();
        found.nodes = proof.nodes;
        _checkReveal(reveal, found.nodes[turn], self.level);
        self.index = self.index << uint32(LOG_ARITY) | proof.index;
        self.divergence = divergenceHashOf(found);
        _emitMoved(disputeId, id, turn, self, found, reveal);
    }

    /// @dev A leaf has nothing to reveal, any other node its children.
    function _checkReveal(Reveal calldata reveal, bytes32 node, uint256 level) internal view {
        bool isRight = level == 0 ? reveal.isEmpty() : reveal.parentOf(level, LOG_ARITY) == node;
        if (!isRight) revert Divergences.InvalidReveal();
    }

    /// @dev The whole trace of both commitments, at the greater of the two depths.
    function _lift(
        Duel memory self,
        uint8[2] calldata depths,
        bytes32[2] calldata roots,
        Divergence calldata divergence
    ) internal view {
        uint8 level = depths[OLDER] > depths[NEWER] ? depths[OLDER] : depths[NEWER];
        Divergence memory whole;
        whole.pre = divergence.pre;
        for (uint256 side = OLDER; side <= NEWER; ++side) {
            whole.nodes[side] = Divergences.lift(roots[side], divergence.nodes[side], depths[side], level, LOG_ARITY);
        }
        self.level = level;
        self.index = 0;
        self.divergence = divergenceHashOf(whole);
    }

    /// @dev A dear step is executed once per dispute: whoever commits to many traces that differ in it makes nobody pay
    /// for it again.
    function _stepOnce(Pair calldata pair, bytes32 disputeId, uint256 v, bytes32 pre, bytes calldata witness)
        internal
        returns (bytes32 post)
    {
        bytes32 place = keccak256(abi.encode(v, pre));
        post = _dearSteps[disputeId][place];
        if (post != 0) return post;
        uint256 before = gasleft();
        post = _step(pair, _duels[disputeId].index, v, pre, witness);
        if (before - gasleft() >= DEAR_STEP_GAS) _dearSteps[disputeId][place] = post;
    }

    /// @dev What the machine makes of step `v` of unit `j` of the siblings.
    function _step(Pair calldata pair, uint256 j, uint256 v, bytes32 pre, bytes calldata witness)
        internal
        view
        returns (bytes32)
    {
        (uint256 from, uint256 to, uint256 config) = CHAIN.range(pair.older);
        uint256 batch = from + (j >> UNIT_BITS);
        bytes32 acc = batch < to ? INBOX.acc(batch) : bytes32(0);
        IOneStepVerifier verifier = IOneStepVerifier(INBOX.config(config).verifier);
        return verifier.step(pre, j, v, acc, witness);
    }

    /* INTERNAL: CLOCKS */

    /// @dev Takes the time since the turn began from the side on turn, and gives the turn to the other one.
    function _bookTime(Duel memory self) internal view {
        uint256 elapsed = block.timestamp - self.since;
        uint256 left = _left(self, self.turn);
        if (elapsed >= left) revert ClockExpired();
        if (self.turn == OLDER) self.leftOlder = uint32(left - elapsed);
        else self.leftNewer = uint32(left - elapsed);
        self.since = uint40(block.timestamp);
        self.turn = uint8(NEWER - self.turn);
    }

    /// @dev Makes a duel of two live commitments out of the pinned dispute: each has its side's budget less what it
    /// let pass before it joined, and the newer one has been on turn since it did.
    function _setClocks(bytes32 disputeId, Duel memory self, bytes32[2] memory ids) internal view {
        Commitment storage older = _commitments[disputeId][ids[OLDER]];
        Commitment storage newer = _commitments[disputeId][ids[NEWER]];
        uint256 pinnedAt = self.since;
        self.leftOlder -= uint32(older.joinedAt - pinnedAt);
        self.leftNewer -= uint32(newer.joinedAt - pinnedAt);
        (self.turn, self.since) = older.no > newer.no ? (uint8(OLDER), older.joinedAt) : (uint8(NEWER), newer.joinedAt);
    }

    /// @dev A side may commit until its budget has passed since the unit was pinned.
    function _requireOpenWindow(Duel memory pinned, uint256 side) internal view {
        uint256 closesAt = pinned.since + _left(pinned, side);
        if (block.timestamp >= closesAt) revert WindowClosed(closesAt);
    }

    function _left(Duel memory self, uint256 side) internal pure returns (uint256) {
        return side == OLDER ? self.leftOlder : self.leftNewer;
    }

    /* INTERNAL: ENDINGS */

    function _timeoutWalk(Pair calldata pair, bytes32 disputeId) internal {
        Duel memory walk = _duels[disputeId];
        if (walk.stage != Stage.WALK) revert WrongStage();
        if (block.timestamp < walk.since + _left(walk, walk.turn)) revert ClockRunning();
        Standing memory standing = _standing(pair);
        if (_areLive(standing.status)) _decide(pair, disputeId, standing, walk.turn);
        else _endMoot(pair, disputeId, standing);
    }

    /// @dev The side without a live commitment when its window is over; if neither has one, the newcomer.
    function _loser(Duel memory self, Tally memory tally) internal view returns (uint256) {
        if (self.stage != Stage.TRACE) revert Undecided();
        bool olderIsOut = tally.liveOlder == 0 && block.timestamp >= self.since + self.leftOlder;
        bool newerIsOut = tally.liveNewer == 0 && block.timestamp >= self.since + self.leftNewer;
        if (newerIsOut && (olderIsOut || tally.liveOlder != 0)) return NEWER;
        if (olderIsOut && tally.liveNewer != 0) return OLDER;
        revert Undecided();
    }

    function _liveSiblings(Pair calldata pair) internal view returns (Siblings memory siblings) {
        siblings = CHAIN.siblings(pair.older, pair.newer);
        if (!_areLive(siblings.status)) revert NotLiveSiblings(pair.older, pair.newer);
    }

    /* INTERNAL: COMMITMENTS AND DUELS */

    function _isWalk(DuelKey calldata key) internal pure returns (bool) {
        return key.commitments[OLDER] == 0 && key.commitments[NEWER] == 0;
    }

    /// @dev The dispute, if its unit is pinned to this divergence.
    function _pinned(bytes32 disputeId, Divergence calldata divergence) internal view returns (Duel memory self) {
        self = _duels[disputeId];
        if (self.stage != Stage.TRACE) revert WrongStage();
        if (divergenceHashOf(divergence) != self.divergence) revert WrongDivergence();
    }

    /// @dev Id of the duel between two live commitments of the two sides of a dispute that goes on.
    function _liveDuel(bytes32 disputeId, bytes32[2] memory ids) internal view returns (bytes32) {
        if (_duels[disputeId].stage != Stage.TRACE) revert WrongStage();
        for (uint256 side = OLDER; side <= NEWER; ++side) {
            Commitment storage found = _commitments[disputeId][ids[side]];
            if (found.life != Life.LIVE || found.side != side) revert CommitmentNotLive(ids[side]);
        }
        return duelIdOf(disputeId, ids);
    }

    /// @dev Takes the bond of a commitment, or the word of a member whose stake is there.
    function _takeBond(bytes32 assertion, bytes32 disputeId, uint256 side, bool isFree) internal {
        uint256 expected = isFree ? 0 : BOND;
        if (msg.value != expected) revert WrongBond(expected, msg.value);
        if (!isFree) return;
        Credit storage entry = _sideCredits[disputeId][msg.sender][side];
        (uint256 stake,) = CHAIN.stakeOf(msg.sender);
        bool mayJoin = stake != 0 && !entry.hasUsedFree && CHAIN.isMember(assertion, msg.sender);
        if (!mayJoin) revert NoFreeCommitment();
        entry.hasUsedFree = true;
    }

    /* INTERNAL: EVENTS */

    function _emitOpened(Pair calldata pair, bytes32 id, Duel memory walk, Divergence memory found) internal {
        emit Opened(
            id, pair.older, pair.newer, msg.sender, walk.level, walk.index, found, walk.leftOlder, walk.leftNewer
        );
    }

    function _emitPinned(bytes32 id, Duel memory pinned, Divergence memory found) internal {
        emit UnitPinned(id, pinned.index, found, pinned.leftOlder, pinned.leftNewer);
    }

    function _emitCommitted(
        bytes32 disputeId,
        bytes32 id,
        uint8 side,
        uint8 depth,
        bytes32 root,
        uint32 no,
        bool isFree,
        bytes32[] calldata children
    ) internal {
        emit Committed(disputeId, id, msg.sender, side, depth, root, no, isFree, children);
    }

    function _emitMoved(
        bytes32 disputeId,
        bytes32 id,
        uint256 side,
        Duel memory self,
        Divergence memory found,
        Reveal calldata reveal
    ) internal {
        emit Moved(
            id, disputeId, msg.sender, uint8(side), self.level, self.index, found, reveal.endState, reveal.children
        );
    }
}
