// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../interfaces/IAssertionChain.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IOpenings} from "../interfaces/IOpenings.sol";
import {CommitmentTree, NodeOpening, PathStep} from "../libraries/CommitmentTree.sol";
import {BATCH_BITS, MAX_UNIT_LEAVES_PER_CALL, STEP_BITS, UNIT_BITS} from "../libraries/Constants.sol";
import {Assertion, Siblings, Status, assertionIdOf, genesisIdOf} from "../types/Assertion.sol";

/// @title The assertion chain
/// @notice See IAssertionChain.
contract AssertionChain is IAssertionChain {
    /* CONSTANTS */

    /// @dev Tip of a staker who lost its stake. Such an account can never stake again: its old memberships would
    /// otherwise put a new stake at risk.
    bytes32 internal constant SLASHED = bytes32(uint256(1));

    /// @dev Tip of a staker whose stake was burned: the wei is still here, and a dispute about another of the
    /// staker's assertions takes it all the same.
    bytes32 internal constant BURNED = bytes32(uint256(2));

    /* IMMUTABLES */

    IInbox public immutable INBOX;
    IOpenings public immutable GAME;
    uint256 public immutable CHALLENGE_PERIOD;
    uint256 public immutable AIRGAP;
    uint256 public immutable STAKE;
    uint256 public immutable LOG_ARITY;

    /// @inheritdoc IAssertionChain
    bytes32 public immutable genesisId;

    /* STORAGE */

    /// @inheritdoc IAssertionChain
    bytes32 public latestConfirmed;

    mapping(bytes32 id => Assertion) internal _assertions;

    /// @dev Assertion a staker's S0 lies on; zero without stake.
    mapping(address staker => bytes32) internal _tips;

    /// @dev Backers; the poster is a member too and is not repeated here.
    mapping(bytes32 id => mapping(address staker => bool)) internal _backers;

    /* CONSTRUCTOR */

    constructor(Setup memory setup) {
        uint256 a = setup.logArity;
        if (a == 0 || UNIT_BITS % a != 0 || BATCH_BITS % a != 0 || STEP_BITS % a != 0) revert InvalidSetup();
        if (setup.challengePeriod == 0 || setup.stake == 0 || setup.genesisEndLeaf == 0) revert InvalidSetup();
        if (setup.challengePeriod > type(uint32).max || setup.airgap > type(uint32).max) revert InvalidSetup();
        INBOX = IInbox(setup.inbox);
        GAME = IOpenings(setup.game);
        CHALLENGE_PERIOD = setup.challengePeriod;
        AIRGAP = setup.airgap;
        STAKE = setup.stake;
        LOG_ARITY = a;
        bytes32 configHash = IInbox(setup.inbox).config(0).hash;
        bytes32 id = genesisIdOf(block.chainid, address(this), configHash, setup.genesisEndLeaf);
        genesisId = id;
        latestConfirmed = id;
        _assertions[id].endLeaf = setup.genesisEndLeaf;
        _assertions[id].status = Status.CONFIRMED;
        emit Confirmed(id);
    }

    /* ASSERTIONS */

    /// @inheritdoc IAssertionChain
    function assertBatches(
        bytes32 parent,
        uint64 toBatch,
        bytes32 expectedAcc,
        bytes32 unitRoot,
        bytes32 endLeaf,
        bytes32 childrenRoot
    ) external payable returns (bytes32 id) {
        if (unitRoot != CommitmentTree.hashNode(endLeaf, childrenRoot)) revert UnitRootMismatch();
        id = assertionIdOf(parent, expectedAcc, unitRoot, endLeaf);
        if (_assertions[id].status != Status.NONE) revert AssertionExists(id);
        _addChild(id, parent, toBatch, expectedAcc);
        Assertion storage self = _assertions[id];
        self.unitRoot = unitRoot;
        self.endLeaf = endLeaf;
        _moveStake(parent, id);
        uint64 fromBatch = _assertions[parent].to;
        emit Asserted(
            id, parent, self.seq, msg.sender, fromBatch, toBatch, expectedAcc, unitRoot, endLeaf, childrenRoot
        );
    }

    /// @inheritdoc IAssertionChain
    function back(bytes32 id) external payable {
        Assertion storage self = _live(id);
        _requireAlive(self.parent);
        _backers[id][msg.sender] = true;
        _moveStake(self.parent, id);
        emit Backed(id, msg.sender);
    }

    /// @inheritdoc IAssertionChain
    function confirm(bytes32 id) external {
        Assertion storage self = _live(id);
        Assertion storage parent = _assertions[self.parent];
        if (parent.status != Status.CONFIRMED) revert ParentNotConfirmed(self.parent);
        _requireWindowClosed(parent);
        if (parent.liveChildren != 1) revert RivalsAlive(parent.liveChildren);
        uint256 endsAt = parent.soleSince + AIRGAP;
        if (block.timestamp < endsAt) revert AirgapOpen(endsAt);
        self.status = Status.CONFIRMED;
        latestConfirmed = id;
        emit Confirmed(id);
    }

    /// @inheritdoc IAssertionChain
    function markDead(bytes32 child) external {
        Assertion storage self = _live(child);
        if (_assertions[self.parent].status != Status.DEAD) revert NotDead(self.parent);
        self.status = Status.DEAD;
        emit Died(child);
    }

    /// @inheritdoc IAssertionChain
    function killUnopened(bytes32 older, bytes32 newer) external {
        Assertion storage winner = _live(older);
        Assertion storage loser = _live(newer);
        if (winner.parent != loser.parent || winner.seq >= loser.seq) revert NotSiblings(older, newer);
        _requireWindowClosed(_assertions[loser.parent]);
        if (GAME.isOpen(older, newer)) revert DisputeOpen(older, newer);
        _die(newer);
    }

    /// @inheritdoc IAssertionChain
    function publishUnitLeaves(
        bytes32 id,
        uint8 level,
        uint64 firstIndex,
        NodeOpening[] calldata nodes,
        PathStep[] calldata path
    ) external {
        uint256 levels = (BATCH_BITS + UNIT_BITS) / LOG_ARITY;
        if (level + path.length > levels || nodes.length > MAX_UNIT_LEAVES_PER_CALL) revert InvalidUnitLeaves();
        uint256 height = levels - level - path.length;
        uint256 index = firstIndex >> (height * LOG_ARITY);
        bool misplaced = index << (height * LOG_ARITY) != firstIndex || index >> (path.length * LOG_ARITY) != 0;
        if (misplaced) revert InvalidUnitLeaves();
        bytes32 top = CommitmentTree.subtreeRoot(nodes, height, LOG_ARITY, level == 0);
        bytes32 root = CommitmentTree.climb(top, index, path, LOG_ARITY);
        if (root != _assertions[id].unitRoot) revert InvalidUnitLeaves();
        emit UnitLeaves(id, level, firstIndex, nodes);
    }

    /* STAKES */

    /// @inheritdoc IAssertionChain
    function slash(bytes32 id, address staker) external {
        if (_assertions[id].status != Status.DEAD) revert NotDead(id);
        // Burned: the wei stays here and only the game can still take it.
        if (_takeStake(id, staker, true) == 0) revert NoStake();
    }

    /// @inheritdoc IAssertionChain
    function withdrawStake() external {
        bytes32 tip = _tips[msg.sender];
        if (!_isStaked(tip)) revert NoStake();
        if (_assertions[tip].status != Status.CONFIRMED) revert StakeElsewhere(tip);
        _tips[msg.sender] = 0;
        emit StakeWithdrawn(msg.sender, STAKE);
        _pay(msg.sender, STAKE);
    }

    /* THE GAME */

    /// @inheritdoc IAssertionChain
    function kill(bytes32 loser, bytes32 winner) external returns (bool killed, uint256 seized) {
        _requireGame();
        bytes32 parent = _assertions[loser].parent;
        if (parent == 0 || parent != _assertions[winner].parent || loser == winner) revert NotSiblings(loser, winner);
        killed = _assertions[loser].status == Status.LIVE && _assertions[winner].status == Status.LIVE;
        if (!killed) return (false, 0);
        _die(loser);
        seized = _takeStake(loser, _assertions[loser].poster, false);
        if (seized != 0) _pay(msg.sender, seized);
    }

    /// @inheritdoc IAssertionChain
    function seize(bytes32 id, address staker) external returns (uint256 seized) {
        _requireGame();
        Status status = _assertions[id].status;
        if (status != Status.LIVE && status != Status.DEAD) revert NotLive(id);
        seized = _takeStake(id, staker, false);
        if (seized != 0) _pay(msg.sender, seized);
    }

    /* VIEWS */

    /// @inheritdoc IAssertionChain
    function assertion(bytes32 id) external view returns (Assertion memory) {
        return _assertions[id];
    }

    /// @inheritdoc IAssertionChain
    function siblings(bytes32 older, bytes32 newer) external view returns (Siblings memory found) {
        Assertion storage s = _assertions[older];
        Assertion storage j = _assertions[newer];
        bytes32 parentId = s.parent;
        if (parentId == 0 || parentId != j.parent || s.seq >= j.seq) return found;
        Assertion storage parent = _assertions[parentId];
        found.status = [s.status, j.status];
        found.unitRoot = [s.unitRoot, j.unitRoot];
        found.preLeaf = parent.endLeaf;
        found.t0 = parent.t0;
    }

    /// @inheritdoc IAssertionChain
    function standing(bytes32 id) external view returns (Status status, address poster) {
        return (_assertions[id].status, _assertions[id].poster);
    }

    /// @inheritdoc IAssertionChain
    function range(bytes32 id) external view returns (uint256 from, uint256 to, uint256 config) {
        Assertion storage self = _assertions[id];
        return (_assertions[self.parent].to, self.to, self.config);
    }

    /// @inheritdoc IAssertionChain
    function confirmedEndLeaf(bytes32 id) external view returns (bytes32) {
        return _assertions[id].status == Status.CONFIRMED ? _assertions[id].endLeaf : bytes32(0);
    }

    /// @inheritdoc IAssertionChain
    function stakeOf(address staker) external view returns (uint256 amount, bytes32 tip) {
        tip = _tips[staker];
        return _isStaked(tip) ? (STAKE, tip) : (0, bytes32(0));
    }

    /// @inheritdoc IAssertionChain
    function isSlashed(address staker) external view returns (bool) {
        return _isSlashed(_tips[staker]);
    }

    /// @inheritdoc IAssertionChain
    function isMember(bytes32 id, address staker) public view returns (bool) {
        return (_assertions[id].poster == staker && staker != address(0)) || _backers[id][staker];
    }

    /* INTERNAL */

    /// @dev Creates assertion `id` as a child of `parentId`, all but its commitments.
    function _addChild(bytes32 id, bytes32 parentId, uint64 toBatch, bytes32 expectedAcc) internal {
        _requireAlive(parentId);
        Assertion storage parent = _assertions[parentId];
        (bytes32 acc, uint256 config) = INBOX.span(parent.config, parent.to, toBatch);
        if (acc != expectedAcc) revert AccMismatch(expectedAcc, acc);
        uint32 seq = parent.children + 1;
        if (seq == 1) {
            _openWindow(parent, uint32(toBatch));
        } else {
            if (toBatch != parent.childTo) revert SiblingRangeMismatch(parent.childTo, toBatch);
            uint256 closedAt = parent.t0 + CHALLENGE_PERIOD;
            if (block.timestamp >= closedAt) revert WindowClosed(closedAt);
            parent.liveChildren += 1;
            parent.children = seq;
        }
        Assertion storage child = _assertions[id];
        child.parent = parentId;
        child.poster = msg.sender;
        child.seq = seq;
        child.to = uint32(toBatch);
        child.config = uint16(config);
        child.status = Status.LIVE;
    }

    /// @dev The first child fixes the range of its siblings and starts their window.
    function _openWindow(Assertion storage parent, uint32 toBatch) internal {
        uint256 batches = toBatch - parent.to;
        if (batches > 1 << BATCH_BITS) revert TooManyBatches(batches);
        parent.t0 = uint40(block.timestamp);
        parent.soleSince = uint40(block.timestamp + CHALLENGE_PERIOD);
        parent.liveChildren = 1;
        parent.children = 1;
        parent.childTo = toBatch;
    }

    /// @dev Rolling stake: it may go to a child of its tip, or anywhere once its tip is confirmed. So a staker is
    /// only ever a member of assertions above its tip that are confirmed, or on the way to it.
    function _moveStake(bytes32 parent, bytes32 child) internal {
        bytes32 tip = _tips[msg.sender];
        if (_isSlashed(tip)) revert StakerSlashed();
        uint256 due = tip == 0 ? STAKE : 0;
        if (msg.value != due) revert WrongStake(due, msg.value);
        bool free = tip == 0 || tip == parent || _assertions[tip].status == Status.CONFIRMED;
        if (!free) revert StakeElsewhere(tip);
        _tips[msg.sender] = child;
    }

    /// @dev Takes the stake of a member of `id`; returns its amount, zero if there is none.
    function _takeStake(bytes32 id, address staker, bool burned) internal returns (uint256) {
        if (!isMember(id, staker)) revert NotMember(id, staker);
        bytes32 tip = _tips[staker];
        if (!_isStaked(tip) && (burned || tip != BURNED)) return 0;
        _tips[staker] = burned ? BURNED : SLASHED;
        emit Slashed(id, staker, STAKE, burned);
        return STAKE;
    }

    /// @dev Kills one of at least two live children.
    function _die(bytes32 id) internal {
        Assertion storage self = _assertions[id];
        Assertion storage parent = _assertions[self.parent];
        self.status = Status.DEAD;
        parent.liveChildren -= 1;
        if (parent.liveChildren == 1) {
            uint256 closedAt = parent.t0 + CHALLENGE_PERIOD;
            parent.soleSince = uint40(block.timestamp > closedAt ? block.timestamp : closedAt);
        }
        emit Died(id);
    }

    function _live(bytes32 id) internal view returns (Assertion storage self) {
        self = _assertions[id];
        if (self.status != Status.LIVE) revert NotLive(id);
    }

    function _requireAlive(bytes32 parent) internal view {
        Status status = _assertions[parent].status;
        if (status != Status.LIVE && status != Status.CONFIRMED) revert ParentNotAlive(parent);
    }

    function _requireWindowClosed(Assertion storage parent) internal view {
        uint256 closesAt = parent.t0 + CHALLENGE_PERIOD;
        if (block.timestamp < closesAt) revert WindowOpen(closesAt);
    }

    function _requireGame() internal view {
        if (msg.sender != address(GAME)) revert NotGame();
    }

    function _isStaked(bytes32 tip) internal pure returns (bool) {
        return tip != 0 && !_isSlashed(tip);
    }

    function _isSlashed(bytes32 tip) internal pure returns (bool) {
        return tip == SLASHED || tip == BURNED;
    }

    function _pay(address to, uint256 amount) internal {
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }
}
