// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {Status} from "../../src/types/Assertion.sol";
import {NEWER, OLDER, Pair, Stage} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";

/// @notice Who loses a dispute, and where the money goes. Opened LATE seconds after the first child.
abstract contract DisputeGameSettleTest is Disputes {
    uint256 internal constant LATE = 600;

    uint256 internal pinnedAt;

    function setUp() public override {
        super.setUp();
        assertSiblings(NEVER, 1);
        skip(LATE);
        pin(bob);
        pinnedAt = vm.getBlockTimestamp();
    }

    /* WHO LOSES */

    function testFuzz_settle_nobodyCommitted(uint256 wait) public {
        wait = bound(wait, T - 2, T + 1);
        vm.warp(pinnedAt + wait);

        settles(wait >= T, NEWER);
    }

    /// @dev A side that is alone wins as soon as the other one can commit no more.
    function testFuzz_settle_onlyOlder(uint256 wait) public {
        commit(alice, honest(OLDER));
        wait = bound(wait, T - LATE - 1, T - LATE + 1);
        vm.warp(pinnedAt + wait);

        settles(wait >= T - LATE, NEWER);
    }

    function testFuzz_settle_onlyNewer(uint256 wait) public {
        commit(bob, honest(NEWER));
        wait = bound(wait, T - 1, T + 1);
        vm.warp(pinnedAt + wait);

        settles(wait >= T, OLDER);
    }

    /// @dev As long as both have a commitment, one of the duels has an end to come.
    function test_settle_bothAlive_isUndecided() public {
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commit(bob, bad);
        skip(10 * T);
        settles(false, NEWER);

        disputes.timeout(keyOf(good, bad));
        settles(true, NEWER);
    }

    /// @dev Whoever lost all commitments may post another one until its window is over.
    function testFuzz_settle_lastOneDied(uint256 wait) public {
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        wait = bound(wait, T - LATE - 1, T - LATE + 1);
        vm.warp(pinnedAt + wait);

        settles(wait >= T - LATE, NEWER);
    }

    function testFuzz_settle_bothDied(uint256 wait) public {
        Trace memory a = lie(OLDER, 3, "a");
        Trace memory b = lie(NEWER, 3, "b");
        commit(alice, a);
        commit(bob, b);
        playDown(carol, a, b);
        proveStep(carol, a, b);
        wait = bound(wait, T - 2, T + 1);
        vm.warp(pinnedAt + wait);

        settles(wait >= T, NEWER);
        assertEq(purse().pool, wait >= T ? 0 : 2 * BOND);
    }

    /// @dev A sabotage does not lose the dispute for its side.
    function test_settle_sabotageDies_otherOneLives() public {
        Trace memory good = honest(OLDER);
        Trace memory sabotage = lie(OLDER, 3, "sabotage");
        Trace memory bad = lie(NEWER, 20, "bad");
        commit(bob, sabotage);
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, sabotage, bad);
        proveStep(carol, sabotage, bad);
        assertFalse(isLive(sabotage));
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        vm.warp(pinnedAt + T - LATE);

        settles(true, NEWER);
    }

    function test_settle_walk_isUndecided() public {
        assertNewer(carol, 2, "third");
        openAt(carol, 2);
        skip(2 * T);

        vm.expectRevert(IDisputeGame.Undecided.selector);
        disputes.settle(pair);
    }

    function test_settle_wrongStage_reverts() public {
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.settle(Pair(pair.newer, pair.older));
        skip(T);
        disputes.settle(pair);
        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.settle(pair);
    }

    /* WHERE THE MONEY GOES */

    /// @dev S0 and dead bonds pay the winner's credits; half of the rest is its poster's, half nobody's.
    function testFuzz_settle_splitsThePool(uint256 price) public {
        vm.txGasPrice(bound(price, 0, 1000 gwei));
        vm.fee(bound(price / 2, 0, 500 gwei));
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        skip(T);
        uint256 pool = S0 + BOND;
        uint256 credits = tally().creditsOlder;
        uint256 rest = pool - credits;

        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, pair.older, true, credits, rest / 2, rest - rest / 2);
        disputes.settle(pair);

        assertEq(purse().pool, credits);
        assertEq(disputes.owed(alice), rest / 2);
        assertEq(address(disputes).balance, S0 + 2 * BOND);
    }

    /// @dev The stake behind a dead free commitment follows its side: into the pool if that loses ...
    function test_settle_forfeitOfTheLoser() public {
        backWith(carol, pair.newer);
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commitFree(carol, bad);
        playDown(alice, good, bad);
        proveStep(alice, good, bad);
        skip(T);

        settlesWith(2 * S0, 0);
    }

    /// @dev ... and to nobody if it wins.
    function test_settle_forfeitOfTheWinner() public {
        backWith(carol, pair.older);
        Trace memory good = honest(OLDER);
        Trace memory sabotage = lie(OLDER, 3, "sabotage");
        Trace memory bad = lie(NEWER, 20, "bad");
        commit(alice, good);
        commitFree(carol, sabotage);
        commit(bob, bad);
        playDown(alice, sabotage, bad);
        proveStep(alice, sabotage, bad);
        playDown(alice, good, bad);
        proveStep(alice, good, bad);
        skip(T);

        settlesWith(S0 + BOND, S0);
    }

    /// @dev The poster of the loser may have lost its stake before: then bonds are all there is.
    function test_settle_posterWithoutStake() public {
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commitFree(bob, bad);
        playDown(alice, good, bad);
        proveStep(alice, good, bad);
        skip(T);

        settlesWith(S0, 0);
    }

    /// @dev Credits beyond the pool: it is shared, and nothing is left to the poster.
    function test_settle_poolTooSmall() public {
        vm.txGasPrice(300 gwei);
        vm.fee(300 gwei);
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commit(bob, bad);
        for (uint256 i = 0; i < 16; ++i) {
            commit(alice, lie(OLDER, 3, bytes32(i)));
        }
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        // Moot: no stake comes in, so the dead bond is all there is.
        killAssertion(pair.newer, pair.older);
        uint256 before = address(disputes).balance;

        assertGt(tally().creditsOlder, BOND);
        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, pair.older, false, BOND, 0, 0);
        disputes.settle(pair);
        assertEq(purse().pool, BOND);
        assertEq(address(disputes).balance, before);
    }

    /* MOOT */

    function testFuzz_settle_siblingDiedElsewhere(bool olderDied, uint256 wait) public {
        skip(bound(wait, 0, 3 * T));
        (bytes32 dead, bytes32 winner) = olderDied ? (pair.older, pair.newer) : (pair.newer, pair.older);
        killAssertion(dead, winner);

        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, winner, false, 0, 0, 0);
        disputes.settle(pair);

        assertEq(uint8(chain.assertion(winner).status), uint8(Status.LIVE));
        assertEq(walk().turn, olderDied ? NEWER : OLDER);
    }

    function test_settle_winnerConfirmed() public {
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commit(bob, bad);
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        killAssertion(pair.newer, pair.older);
        skip(T + AIRGAP);
        chain.confirm(pair.older);
        uint256 credits = tally().creditsOlder;
        uint256 rest = BOND - credits;

        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, pair.older, false, credits, rest / 2, rest - rest / 2);
        disputes.settle(pair);

        assertEq(disputes.owed(alice), rest / 2);
    }

    /// @dev Both died elsewhere: nobody wins, everything but live bonds is burned.
    function test_settle_bothSiblingsDead() public {
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commitFree(bob, bad);
        commit(carol, lie(NEWER, 30, "other"));
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        playDown(carol, good, lie(NEWER, 30, "other"));
        proveStep(carol, good, lie(NEWER, 30, "other"));
        killBoth();

        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, 0, false, 0, 0, S0 + BOND);
        disputes.settle(pair);

        assertEq(disputes.claim(pair, list(idOf(good)), alice), BOND);
        assertEq(disputes.claim(pair, list(idOf(good), idOf(bad)), carol), 0);
    }

    /// @dev In a dispute that killed nobody, no stake behind a dead commitment pays anybody.
    function testFuzz_settle_moot_burnsForfeits(bool olderDied) public {
        Trace memory good = honest(OLDER);
        Trace memory bad = lie(NEWER, 3, "bad");
        commit(alice, good);
        commitFree(bob, bad);
        playDown(carol, good, bad);
        proveStep(carol, good, bad);
        (bytes32 dead, bytes32 winner) = olderDied ? (pair.older, pair.newer) : (pair.newer, pair.older);
        killAssertion(dead, winner);
        skip(T);

        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, winner, false, 0, 0, S0);
        disputes.settle(pair);
    }

    /* HELPERS */

    function settles(bool isDue, uint256 loser) internal {
        (bytes32 dead, bytes32 winner) = loser == OLDER ? (pair.older, pair.newer) : (pair.newer, pair.older);
        if (!isDue) vm.expectRevert(IDisputeGame.Undecided.selector);
        disputes.settle(pair);

        assertEq(uint8(chain.assertion(dead).status), uint8(isDue ? Status.DEAD : Status.LIVE));
        assertEq(uint8(chain.assertion(winner).status), uint8(Status.LIVE));
        assertEq(uint8(stage()), uint8(isDue ? Stage.OVER : Stage.TRACE));
        if (isDue) assertEq(walk().turn, NEWER - loser);
    }

    function backWith(address who, bytes32 id) internal {
        vm.prank(who);
        chain.back{value: S0}(id);
    }

    /// @dev Settles for the older side and follows every wei of the pool.
    function settlesWith(uint256 pool, uint256 burned) internal {
        uint256 credits = tally().creditsOlder;
        uint256 rest = pool - credits;
        vm.expectEmit(address(disputes));
        emit IDisputeGame.DisputeSettled(disputeId, pair.older, true, credits, rest / 2, rest - rest / 2 + burned);
        disputes.settle(pair);
        assertEq(disputes.owed(alice), rest / 2);
        assertEq(purse().pool, credits);
        assertEq(uint256(purse().forfeitsOlder) + purse().forfeitsNewer, 0);
    }

    /// @dev A third sibling outlives both.
    function killBoth() internal {
        bytes32 third = assertTree(carol, unitTree(2, "third"));
        killAssertion(pair.older, third);
        killAssertion(pair.newer, third);
    }
}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameSettleBinaryTest is DisputeGameSettleTest, BinaryTrees {}

/// forge-config: default.fuzz.runs = 64
/// forge-config: nightly.fuzz.runs = 500
contract DisputeGameSettleWideTest is DisputeGameSettleTest, WideTrees {}
