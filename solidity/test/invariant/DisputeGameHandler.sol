// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {Status} from "../../src/types/Assertion.sol";
import {
    Commitment,
    Divergence,
    Duel,
    DuelKey,
    Life,
    NEWER,
    OLDER,
    Pair,
    Stage,
    disputeIdOf
} from "../../src/types/Dispute.sol";
import {Disputes, Trace} from "../helpers/Disputes.sol";

/// @notice Anybody who does anything, in any order, in disputes between some siblings, and one honest player, alice,
/// who gets a chance to answer whenever some time has passed.
abstract contract DisputeGameHandler is Disputes {
    struct Sibling {
        bytes32 id;
        uint256 from;
        bytes32 salt;
    }

    /// @dev A dispute with everything somebody said in it.
    struct Fight {
        Pair pair;
        /// Indexes of the siblings.
        uint256 older;
        uint256 newer;
        bool isPinned;
        uint256 unit;
        Divergence pinned;
        Trace[] traces;
        bytes32[] ids;
    }

    uint256 internal constant PLAYERS = 5;
    uint256 internal constant MOST_SIBLINGS = 5;
    uint256 internal constant MOST_TRACES = 6;

    Sibling[] public siblings;
    Fight[] internal _fights;

    /// @notice Index of the right sibling plus one.
    uint256 public right;

    /// @notice What the honest player could not do although it had to.
    bytes public stuck;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < PLAYERS; ++i) {
            vm.deal(player(i), 1000 ether);
        }
    }

    /// @dev How long the honest player is excluded at most before it can answer again.
    function longestWait() internal pure virtual returns (uint256);

    function player(uint256 seed) public pure returns (address) {
        return address(uint160(0x2000 + seed % PLAYERS));
    }

    function fightCount() external view returns (uint256) {
        return _fights.length;
    }

    function siblingCount() external view returns (uint256) {
        return siblings.length;
    }

    function fight(uint256 index) external view returns (Fight memory) {
        return _fights[index];
    }

    /* ACTIONS OF ANYBODY */

    /// @dev Time passes for everybody; then the honest player gets through.
    function wait(uint256 time) external {
        skip(bound(time, 1, longestWait()));
        try this.answer() {}
        catch (bytes memory reason) {
            stuck = reason.length == 0 ? bytes("no reason") : reason;
        }
    }

    /// @dev Two things in the same second.
    function actTwice(uint256 seed) external {
        this.act(seed);
        this.act(uint256(keccak256(abi.encode(seed))));
    }

    /// @dev The first thing that can be done, from any one on.
    function act(uint256 seed) external {
        bytes4[13] memory kinds = [
            this.assertWrong.selector,
            this.back.selector,
            this.open.selector,
            this.walkOn.selector,
            this.commitTo.selector,
            this.startOrMove.selector,
            this.prove.selector,
            this.timeOut.selector,
            this.timeOutWalk.selector,
            this.settle.selector,
            this.claim.selector,
            this.kill.selector,
            this.slash.selector
        ];
        for (uint256 i = 0; i < kinds.length; ++i) {
            bytes4 kind = kinds[(seed % kinds.length + i) % kinds.length];
            (bool done,) = address(this).call(abi.encodeWithSelector(kind, seed / 16));
            if (done) return;
        }
    }

    function assertWrong(uint256 seed) external {
        require(siblings.length < MOST_SIBLINGS);
        _assert(player(siblings.length), seed % 4 == 0 ? 9 : seed % 9, bytes32(siblings.length + 1));
    }

    function back(uint256 seed) external {
        bytes32 id = siblings[seed % siblings.length].id;
        address who = player(seed / 7);
        uint256 value = due(who);
        vm.prank(who);
        chain.back{value: value}(id);
    }

    function open(uint256 seed) external {
        uint256 n = siblings.length;
        for (uint256 i = 0; i < n * n; ++i) {
            uint256 at = addmod(seed / 16, i, n * n);
            (uint256 older, uint256 newer) = (at / n, at % n);
            if (older >= newer || _status(older) != Status.LIVE || _status(newer) != Status.LIVE) continue;
            if (disputes.isOpen(siblings[older].id, siblings[newer].id)) continue;
            return _open(player(seed), older, newer, seed % 2 == 0 ? 0 : uint8(1 + seed % 3));
        }
        revert();
    }

    function walkOn(uint256 seed) external {
        uint256 index = _someFight(seed, Stage.WALK);
        walkMove(player(seed));
        _noteIfPinned(index);
    }

    /// @dev Right traces too: then the honest player finds its own one there already.
    function commitTo(uint256 seed) external {
        uint256 index = _someFight(seed, Stage.TRACE);
        require(_fights[index].traces.length < MOST_TRACES);
        uint256 from = seed / 5 % 3 == 0 ? NEVER : seed / 7 % stepsOfUnit();
        Trace memory trace = Trace(uint8(seed / 3 % 2), leastDepth(), from, bytes32(seed / 13 % 2));
        if (seed / 11 % 4 == 0) trace.depth += 1;
        _commit(index, player(seed / 19), trace, seed / 17 % 3 == 0);
    }

    function startOrMove(uint256 seed) external {
        (Trace memory a, Trace memory b) = _someDuel(seed);
        if (duelOf(a, b).stage == Stage.NONE) start(player(seed / 3), a, b);
        else duelMove(player(seed / 3), a, b);
    }

    function prove(uint256 seed) external {
        (Trace memory a, Trace memory b) = _someDuel(seed);
        playDown(player(seed / 3), a, b);
        proveStep(player(seed / 3), a, b);
    }

    function timeOut(uint256 seed) external {
        (Trace memory a, Trace memory b) = _someDuel(seed);
        disputes.timeout(keyOf(a, b));
    }

    function timeOutWalk(uint256 seed) external {
        _someFight(seed, Stage.WALK);
        disputes.timeout(walkKey());
    }

    function settle(uint256 seed) external {
        uint256 n = _fights.length;
        for (uint256 i = 0; i < n; ++i) {
            try disputes.settle(_fights[addmod(seed, i, n)].pair) {
                return;
            } catch {}
        }
        revert();
    }

    function claim(uint256 seed) external {
        Fight storage self = _fights[_someFight(seed, Stage.OVER)];
        uint256 paid;
        for (uint256 i = 0; i <= PLAYERS; ++i) {
            paid += disputes.claim(self.pair, self.ids, i == PLAYERS ? alice : player(i));
        }
        require(paid > 0);
    }

    function kill(uint256 seed) external {
        uint256 newer = seed % siblings.length;
        chain.killUnopened(siblings[seed / 5 % newer].id, siblings[newer].id);
    }

    function slash(uint256 seed) external {
        uint256 n = siblings.length;
        for (uint256 i = 0; i < n * PLAYERS; ++i) {
            try chain.slash(siblings[addmod(seed, i, n)].id, player(i / n)) {
                return;
            } catch {}
        }
        revert();
    }

    /* THE HONEST PLAYER */

    /// @dev One answer to everything. Anyone may have it called; it only ever does what is right.
    function answer() external {
        if (right == 0) {
            if (siblings.length == 0 || !_isOpenWindow()) return;
            _assert(alice, NEVER, "right");
            right = siblings.length;
        }
        uint256 mine = right - 1;
        for (uint256 i = 0; i < siblings.length; ++i) {
            if (i != mine && _status(i) == Status.LIVE) _answerSibling(mine, i);
        }
        for (uint256 i = 0; i < _fights.length; ++i) {
            if (_fights[i].older == mine || _fights[i].newer == mine) _answerFight(i);
        }
    }

    function _answerSibling(uint256 mine, uint256 other) internal {
        bool isOlder = other < mine;
        bytes32 older = siblings[isOlder ? other : mine].id;
        bytes32 newer = siblings[isOlder ? mine : other].id;
        if (disputes.isOpen(older, newer)) return;
        if (isOlder) _open(alice, other, mine, other % 2 == 0 ? 0 : 2);
        else if (!_isOpenWindow()) chain.killUnopened(older, newer);
    }

    function _answerFight(uint256 index) internal {
        _enter(index);
        Duel memory self = walk();
        uint256 side = _fights[index].older == right - 1 ? OLDER : NEWER;
        if (self.stage == Stage.OVER) return;
        if (self.stage == Stage.WALK) {
            if (self.turn == side) walkMove(alice);
            else if (_isOut(self)) disputes.timeout(walkKey());
            _noteIfPinned(index);
            self = walk();
        }
        if (self.stage == Stage.TRACE) _answerTraces(index, side);
        try disputes.settle(pair) {} catch {}
    }

    function _answerTraces(uint256 index, uint256 side) internal {
        Fight storage self = _fights[index];
        Trace memory mine = honest(side);
        if (commitmentOf(mine).life == Life.NONE) _commit(index, alice, mine, false);
        for (uint256 i = 0; i < self.traces.length; ++i) {
            Trace memory other = self.traces[i];
            if (other.side == side || disputes.commitment(pair, self.ids[i]).life != Life.LIVE) continue;
            if (side == OLDER) _answerDuel(mine, other, side);
            else _answerDuel(other, mine, side);
        }
    }

    function _answerDuel(Trace memory a, Trace memory b, uint256 side) internal {
        Duel memory self = duelOf(a, b);
        if (self.stage == Stage.NONE) {
            (Commitment memory older, Commitment memory newer) = (commitmentOf(a), commitmentOf(b));
            uint256 turn = older.no > newer.no ? OLDER : NEWER;
            if (turn == side) {
                start(alice, a, b);
            } else {
                Duel memory pinned_ = walk();
                pinned_.turn = uint8(turn);
                if (_isOut(pinned_)) disputes.timeout(keyOf(a, b));
                return;
            }
            self = duelOf(a, b);
        }
        if (self.level > 0 && self.turn == side) {
            duelMove(alice, a, b);
            self = duelOf(a, b);
        }
        if (self.level == 0) proveStep(alice, a, b);
        else if (_isOut(self)) disputes.timeout(keyOf(a, b));
    }

    /* THE END OF TIME */

    /// @dev At t0 + 2T whoever likes can end everything. Until then the honest player goes on answering.
    function finish() external {
        uint256 end = chain.assertion(genesis).t0 + 2 * T;
        while (vm.getBlockTimestamp() < end) {
            uint256 next = vm.getBlockTimestamp() + longestWait();
            vm.warp(next < end ? next : end);
            this.answer();
        }
        for (uint256 i = 0; i < siblings.length; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                if (_status(i) != Status.LIVE || _status(j) != Status.LIVE) continue;
                if (!disputes.isOpen(siblings[j].id, siblings[i].id)) {
                    chain.killUnopened(siblings[j].id, siblings[i].id);
                }
            }
        }
        for (uint256 i = 0; i < _fights.length; ++i) {
            _finishFight(i);
        }
    }

    function _finishFight(uint256 index) internal {
        _enter(index);
        Fight storage self = _fights[index];
        if (stage() == Stage.OVER) return;
        if (_status(self.older) != Status.LIVE || _status(self.newer) != Status.LIVE) return disputes.settle(pair);
        if (stage() == Stage.WALK) return disputes.timeout(walkKey());
        for (uint256 i = 0; i < self.ids.length; ++i) {
            for (uint256 j = 0; j < self.ids.length; ++j) {
                if (self.traces[i].side != OLDER || self.traces[j].side != NEWER) continue;
                bool bothLive = disputes.commitment(pair, self.ids[i]).life == Life.LIVE
                    && disputes.commitment(pair, self.ids[j]).life == Life.LIVE;
                if (bothLive) disputes.timeout(DuelKey(pair, [self.ids[i], self.ids[j]]));
            }
        }
        disputes.settle(pair);
    }

    /* INTERNAL */

    function _assert(address who, uint256 from, bytes32 salt) internal {
        bytes32 id = assertTree(who, unitTree(from, salt));
        siblings.push(Sibling(id, from, salt));
    }

    function _open(address who, uint256 older, uint256 newer, uint8 level) internal {
        pair = Pair(siblings[older].id, siblings[newer].id);
        disputeId = disputeIdOf(pair);
        wrongFrom = [siblings[older].from, siblings[newer].from];
        salts = [siblings[older].salt, siblings[newer].salt];
        openAt(who, level);
        Fight storage self = _fights.push();
        self.pair = pair;
        (self.older, self.newer) = (older, newer);
        _noteIfPinned(_fights.length - 1);
    }

    function _commit(uint256 index, address who, Trace memory trace, bool isFree) internal {
        bytes32 id = commitAs(who, trace, isFree ? 0 : BOND, isFree);
        _fights[index].traces.push(trace);
        _fights[index].ids.push(id);
    }

    /// @dev Makes a dispute the one that the moves are about.
    function _enter(uint256 index) internal {
        Fight storage self = _fights[index];
        pair = self.pair;
        disputeId = disputeIdOf(pair);
        wrongFrom = [siblings[self.older].from, siblings[self.newer].from];
        salts = [siblings[self.older].salt, siblings[self.newer].salt];
        (unit, pinned) = (self.unit, self.pinned);
    }

    function _noteIfPinned(uint256 index) internal {
        Fight storage self = _fights[index];
        if (self.isPinned || stage() != Stage.TRACE) return;
        notePinned();
        (self.isPinned, self.unit, self.pinned) = (true, unit, pinned);
    }

    /// @dev Enters a dispute in a stage.
    function _someFight(uint256 seed, Stage wanted) internal returns (uint256 index) {
        uint256 n = _fights.length;
        for (uint256 i = 0; i < n; ++i) {
            index = addmod(seed, i, n);
            _enter(index);
            if (stage() == wanted) return index;
        }
        revert();
    }

    /// @dev Enters a dispute with two live commitments against each other.
    function _someDuel(uint256 seed) internal returns (Trace memory, Trace memory) {
        uint256 n = _fights.length;
        for (uint256 i = 0; i < n; ++i) {
            uint256 index = addmod(seed, i, n);
            _enter(index);
            if (stage() != Stage.TRACE) continue;
            (bool hasOlder, uint256 older) = _someLive(index, seed / 23, OLDER);
            (bool hasNewer, uint256 newer) = _someLive(index, seed / 29, NEWER);
            if (hasOlder && hasNewer) return (_fights[index].traces[older], _fights[index].traces[newer]);
        }
        revert();
    }

    function _someLive(uint256 index, uint256 seed, uint256 side) internal view returns (bool, uint256) {
        Fight storage self = _fights[index];
        uint256 n = self.traces.length;
        for (uint256 i = 0; i < n; ++i) {
            uint256 at = addmod(seed, i, n);
            if (self.traces[at].side != side) continue;
            if (disputes.commitment(pair, self.ids[at]).life == Life.LIVE) return (true, at);
        }
        return (false, 0);
    }

    function _isOut(Duel memory self) internal view returns (bool) {
        return vm.getBlockTimestamp() >= self.since + (self.turn == OLDER ? self.leftOlder : self.leftNewer);
    }

    function _isOpenWindow() internal view returns (bool) {
        return vm.getBlockTimestamp() < chain.assertion(genesis).t0 + T;
    }

    function _status(uint256 index) internal view returns (Status) {
        return chain.assertion(siblings[index].id).status;
    }

    /* WHO IS WHO */

    function theGame() external view returns (IDisputeGame) {
        return disputes;
    }

    function theHonestOne() external view returns (address) {
        return alice;
    }
}
