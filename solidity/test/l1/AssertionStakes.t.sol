// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {Status} from "../../src/types/Assertion.sol";
import {Rollup} from "../helpers/Rollup.sol";

/// @notice The rolling stake: one S0 per account, whatever it supports.
contract AssertionStakesTest is Rollup {
    /* ROLLING */

    function test_assertBatches_oneStakeRollsAlongTheChain() public {
        appendMany(10);
        bytes32 tip = genesis;
        for (uint64 i = 1; i <= 10; ++i) {
            tip = assertAs(alice, tip, i, bytes32(uint256(i)));
        }
        (uint256 amount, bytes32 at) = chain.stakeOf(alice);
        assertEq(amount, S0);
        assertEq(at, tip);
        assertEq(address(chain).balance, S0);
    }

    function testFuzz_assertBatches_wrongStake_reverts(uint96 value) public {
        vm.assume(value != S0);
        appendMany(2);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("a");
        bytes32 acc = inbox.acc(0);
        vm.deal(alice, uint256(value) + S0);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.WrongStake.selector, S0, value));
        vm.prank(alice);
        chain.assertBatches{value: value}(genesis, 1, acc, unitRoot, endLeaf, children);
    }

    function test_assertBatches_secondStake_reverts() public {
        appendMany(2);
        bytes32 first = assertAs(alice, genesis, 1, "a");
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("b");
        bytes32 acc = inbox.acc(1);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.WrongStake.selector, 0, S0));
        vm.prank(alice);
        chain.assertBatches{value: S0}(first, 2, acc, unitRoot, endLeaf, children);
    }

    function test_assertBatches_stakeOnAnotherBranch_reverts() public {
        appendMany(2);
        bytes32 mine = assertAs(alice, genesis, 1, "a");
        bytes32 other = assertAs(bob, genesis, 1, "b");
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("c");
        bytes32 acc = inbox.acc(1);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.StakeElsewhere.selector, mine));
        vm.prank(alice);
        chain.assertBatches(other, 2, acc, unitRoot, endLeaf, children);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.StakeElsewhere.selector, mine));
        vm.prank(alice);
        chain.back(other);
    }

    function test_assertBatches_confirmedTip_mayGoAnywhere() public {
        appendMany(3);
        bytes32 first = assertAs(alice, genesis, 1, "a");
        skip(T + AIRGAP);
        chain.confirm(first);
        bytes32 second = assertAs(bob, first, 2, "b");

        bytes32 third = assertAs(alice, second, 3, "c");

        (, bytes32 tip) = chain.stakeOf(alice);
        assertEq(tip, third);
        assertEq(address(chain).balance, 2 * S0);
    }

    function test_back_movesTheStakeAndMakesAMember() public {
        appendMany(1);
        bytes32 id = assertAs(alice, genesis, 1, "a");

        vm.expectEmit(address(chain));
        emit IAssertionChain.Backed(id, bob);
        vm.prank(bob);
        chain.back{value: S0}(id);

        assertTrue(chain.isMember(id, bob));
        assertFalse(chain.isMember(id, carol));
        assertFalse(chain.isMember(genesis, address(0)));
    }

    function test_back_deadOrConfirmedOrBelowADead_reverts() public {
        appendMany(2);
        (bytes32 alive, bytes32 dead, bytes32 below) = deadBranch();
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotLive.selector, dead));
        vm.prank(carol);
        chain.back{value: S0}(dead);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.ParentNotAlive.selector, dead));
        vm.prank(carol);
        chain.back{value: S0}(below);
        skip(AIRGAP);
        chain.confirm(alive);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotLive.selector, alive));
        vm.prank(carol);
        chain.back{value: S0}(alive);
    }

    /* WITHDRAWING */

    function test_withdrawStake_confirmedTip_pays() public {
        appendMany(1);
        bytes32 id = assertAs(alice, genesis, 1, "a");
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.StakeElsewhere.selector, id));
        vm.prank(alice);
        chain.withdrawStake();
        skip(T + AIRGAP);
        chain.confirm(id);
        uint256 before = alice.balance;

        vm.prank(alice);
        chain.withdrawStake();

        assertEq(alice.balance, before + S0);
        assertEq(address(chain).balance, 0);
        vm.expectRevert(IAssertionChain.NoStake.selector);
        vm.prank(alice);
        chain.withdrawStake();
    }

    function test_withdrawStake_reentrantStaker_isPaidOnce() public {
        appendMany(1);
        GreedyStaker greedy = new GreedyStaker(chain);
        vm.deal(address(greedy), S0);
        bytes32 id = assertAs(address(greedy), genesis, 1, "a");
        appendMany(1);
        assertAs(alice, id, 2, "b");
        skip(T + AIRGAP);
        chain.confirm(id);

        greedy.withdraw();

        assertEq(address(greedy).balance, S0);
        assertEq(address(chain).balance, S0);
        assertTrue(greedy.wasRefused());
    }

    function test_withdrawStake_unpayableStaker_reverts() public {
        appendMany(1);
        address poor = address(game);
        vm.deal(poor, S0);
        bytes32 id = assertAs(poor, genesis, 1, "a");
        skip(T + AIRGAP);
        chain.confirm(id);
        game.refuseEther();
        vm.expectRevert(IAssertionChain.TransferFailed.selector);
        vm.prank(poor);
        chain.withdrawStake();
    }

    /* SLASHING */

    function test_slash_memberOfADeadAssertion_losesTheStakeForEver() public {
        appendMany(2);
        (, bytes32 dead, bytes32 below) = deadBranch();

        vm.expectEmit(address(chain));
        emit IAssertionChain.Slashed(dead, bob, S0, true);
        chain.slash(dead, bob);

        (uint256 amount,) = chain.stakeOf(bob);
        assertEq(amount, 0);
        assertTrue(chain.isSlashed(bob));
        assertEq(address(chain).balance, 2 * S0);
        chain.markDead(below);
        vm.expectRevert(IAssertionChain.NoStake.selector);
        chain.slash(below, bob);
        vm.expectRevert(IAssertionChain.NoStake.selector);
        vm.prank(bob);
        chain.withdrawStake();
    }

    /// @dev H10: the stake of a cheat that walked far below its lie is still reached in one call.
    function testFuzz_slash_stakeMovedFarBelow_isReached(uint8 depth) public {
        uint64 levels = uint64(bound(depth, 1, 30));
        appendMany(levels + 1);
        bytes32 right = assertAs(alice, genesis, 1, "right");
        bytes32 lie = assertAs(bob, genesis, 1, "lie");
        bytes32 tip = lie;
        for (uint64 i = 0; i < levels; ++i) {
            tip = assertAs(bob, tip, 2 + i, bytes32(uint256(i)));
        }
        skip(T);
        chain.killUnopened(right, lie);

        chain.slash(lie, bob);

        assertTrue(chain.isSlashed(bob));
    }

    /// @dev A slashed account could otherwise stake anew and lose that stake to its old membership.
    function test_assertBatches_slashedStaker_reverts() public {
        appendMany(2);
        (bytes32 alive, bytes32 dead,) = deadBranch();
        chain.slash(dead, bob);
        (bytes32 unitRoot, bytes32 endLeaf, bytes32 children) = commitments("again");
        bytes32 acc = inbox.acc(1);
        vm.expectRevert(IAssertionChain.StakerSlashed.selector);
        vm.prank(bob);
        chain.assertBatches{value: S0}(alive, 2, acc, unitRoot, endLeaf, children);
        vm.expectRevert(IAssertionChain.StakerSlashed.selector);
        vm.prank(bob);
        chain.back{value: S0}(alive);
    }

    /// @dev H11: a cheat lets a child of its lie die first and has its own stake burned for that. Those who then prove
    /// the lie are still paid from the stake.
    function test_attack__slashBelowTheLie_stakeStillPaysTheDispute() public {
        appendMany(2);
        bytes32 right = assertAs(alice, genesis, 1, "right");
        bytes32 lie = assertAs(bob, genesis, 1, "lie");
        bytes32 helper = assertAs(carol, lie, 2, "helper");
        bytes32 bait = assertAs(bob, lie, 2, "bait");
        game.setOpen(right, lie);
        skip(T);
        chain.killUnopened(helper, bait);
        chain.slash(bait, bob);

        (bool killed, uint256 seized) = game.kill(chain, lie, right);

        assertTrue(killed);
        assertEq(seized, S0);
        assertEq(address(game).balance, S0);
        assertEq(address(chain).balance, 2 * S0);
        assertTrue(chain.isSlashed(bob));
        assertEq(game.seize(chain, lie, bob), 0);
        vm.expectRevert(IAssertionChain.NoStake.selector);
        chain.slash(lie, bob);
        vm.expectRevert(IAssertionChain.StakerSlashed.selector);
        vm.prank(bob);
        chain.back{value: S0}(right);
    }

    function test_slash_twice_reverts() public {
        appendMany(2);
        (, bytes32 dead, bytes32 below) = deadBranch();
        chain.markDead(below);
        chain.slash(below, bob);
        vm.expectRevert(IAssertionChain.NoStake.selector);
        chain.slash(dead, bob);
    }

    function test_slash_aliveOrStranger_reverts() public {
        appendMany(2);
        (bytes32 alive, bytes32 dead,) = deadBranch();
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotDead.selector, alive));
        chain.slash(alive, alice);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotMember.selector, dead, alice));
        chain.slash(dead, alice);
    }

    /* THE GAME */

    function testFuzz_kill_notGame_reverts(address who) public {
        vm.assume(who != address(game));
        appendMany(1);
        bytes32 a = assertAs(alice, genesis, 1, "a");
        bytes32 b = assertAs(bob, genesis, 1, "b");
        vm.expectRevert(IAssertionChain.NotGame.selector);
        vm.prank(who);
        chain.kill(a, b);
        vm.expectRevert(IAssertionChain.NotGame.selector);
        vm.prank(who);
        chain.seize(a, alice);
    }

    function testFuzz_kill_paysThePostersStakeToTheGame(bool olderLoses) public {
        appendMany(1);
        bytes32 a = assertAs(alice, genesis, 1, "a");
        bytes32 b = assertAs(bob, genesis, 1, "b");
        (bytes32 loser, bytes32 winner) = olderLoses ? (a, b) : (b, a);

        (bool killed, uint256 seized) = game.kill(chain, loser, winner);

        assertTrue(killed);
        assertEq(seized, S0);
        assertEq(address(game).balance, S0);
        assertEq(uint8(chain.assertion(loser).status), uint8(Status.DEAD));
        assertTrue(chain.isSlashed(olderLoses ? alice : bob));
        assertEq(chain.assertion(genesis).liveChildren, 1);
    }

    /// @dev K1: a dead winner kills nobody, so the last child always lives.
    function test_kill_deadWinnerOrLoser_doesNothing() public {
        appendMany(1);
        bytes32 a = assertAs(alice, genesis, 1, "a");
        bytes32 b = assertAs(bob, genesis, 1, "b");
        game.kill(chain, a, b);

        (bool killed, uint256 seized) = game.kill(chain, b, a);
        assertFalse(killed);
        assertEq(seized, 0);
        (killed,) = game.kill(chain, a, b);
        assertFalse(killed);
        assertEq(uint8(chain.assertion(b).status), uint8(Status.LIVE));
    }

    function test_kill_notSiblings_reverts() public {
        appendMany(2);
        bytes32 a = assertAs(alice, genesis, 1, "a");
        bytes32 below = assertAs(alice, a, 2, "b");
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotSiblings.selector, a, below));
        game.kill(chain, a, below);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotSiblings.selector, a, a));
        game.kill(chain, a, a);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotSiblings.selector, genesis, bytes32("no")));
        game.kill(chain, genesis, "no");
    }

    function test_seize_member_paysTheGameOnce() public {
        appendMany(1);
        bytes32 a = assertAs(alice, genesis, 1, "a");
        vm.prank(bob);
        chain.back{value: S0}(a);

        assertEq(game.seize(chain, a, bob), S0);
        assertEq(game.seize(chain, a, bob), 0);

        assertEq(address(game).balance, S0);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotMember.selector, a, carol));
        game.seize(chain, a, carol);
    }

    function test_seize_burnedStake_paysTheGameOnce() public {
        appendMany(2);
        (, bytes32 dead,) = deadBranch();
        chain.slash(dead, bob);

        vm.expectEmit(address(chain));
        emit IAssertionChain.Slashed(dead, bob, S0, false);
        assertEq(game.seize(chain, dead, bob), S0);
        assertEq(game.seize(chain, dead, bob), 0);

        assertEq(address(game).balance, S0);
    }

    function test_seize_withdrawnStake_paysNothing() public {
        appendMany(2);
        bytes32 first = assertAs(alice, genesis, 1, "a");
        bytes32 second = assertAs(bob, first, 2, "b");
        vm.prank(alice);
        chain.back(second);
        skip(T + AIRGAP);
        chain.confirm(first);
        chain.confirm(second);
        vm.prank(alice);
        chain.withdrawStake();
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotLive.selector, second));
        game.seize(chain, second, alice);
        assertEq(address(chain).balance, S0);
    }

    function test_seize_confirmed_reverts() public {
        appendMany(1);
        bytes32 a = assertAs(alice, genesis, 1, "a");
        skip(T + AIRGAP);
        chain.confirm(a);
        vm.expectRevert(abi.encodeWithSelector(IAssertionChain.NotLive.selector, a));
        game.seize(chain, a, alice);
    }

    /// @dev Alice's child of genesis lives; Bob's is dead and has a child of Bob's below it.
    function deadBranch() internal returns (bytes32 alive, bytes32 dead, bytes32 below) {
        alive = assertAs(alice, genesis, 1, "a");
        dead = assertAs(bob, genesis, 1, "b");
        below = assertAs(bob, dead, 2, "c");
        skip(T);
        chain.killUnopened(alive, dead);
    }
}

/// @notice Tries to be paid twice.
contract GreedyStaker {
    IAssertionChain internal immutable CHAIN;
    bool public wasRefused;

    constructor(IAssertionChain chain) {
        CHAIN = chain;
    }

    receive() external payable {
        try CHAIN.withdrawStake() {}
        catch {
            wasRefused = true;
        }
    }

    function withdraw() external {
        CHAIN.withdrawStake();
    }
}
