// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {NEWER, OLDER, Stage} from "../../src/types/Dispute.sol";
import {BinaryTrees, Disputes, Trace, WideTrees} from "../helpers/Disputes.sol";

/// @notice A dispute that lost a sibling elsewhere goes on until somebody settles it. carol is right and defends
/// herself with her stake; bob is wrong, and so is alice, who is older than he and kills his assertion.
abstract contract DisputeGameMootTest is Disputes {
    Trace internal good;
    Trace internal bad;

    function setUp() public override {
        super.setUp();
        assertSiblings(5, 1);
        bytes32 oldest = pair.older;
        (pair.older, wrongFrom[OLDER], salts[OLDER]) = (pair.newer, 1, "newer");
        assertNewer(carol, NEVER, "right");
        skip(100);
        pin(carol);
        (bad, good) = (lie(OLDER, 3, "bad"), honest(NEWER));
        commitFree(bob, bad);
        commitFree(carol, good);
        start(carol, bad, good);
        skip(T - 100);
        chain.killUnopened(oldest, pair.older);
        duelMove(bob, bad, good);
        assertEq(duelOf(bad, good).turn, NEWER);
    }

    /// @dev It decides nothing any more, so falling silent in it costs no stake.
    function test_attack__rivalKilledByItsOwnKin_silenceCostsNoStake() public {
        skip(T);

        disputes.timeout(keyOf(bad, good));

        (uint256 stake,) = chain.stakeOf(carol);
        assertEq(stake, S0);
        assertFalse(chain.isSlashed(carol));
        assertFalse(isLive(good));
        assertEq(purse().forfeitsNewer, 0);
    }

    function test_attack__rivalKilledByItsOwnKin_settledInTime() public {
        disputes.settle(pair);
        skip(T);

        vm.expectRevert(IDisputeGame.WrongStage.selector);
        disputes.timeout(keyOf(bad, good));

        (uint256 stake,) = chain.stakeOf(carol);
        assertEq(stake, S0);
        assertEq(uint8(stage()), uint8(Stage.OVER));
    }
}

contract DisputeGameMootBinaryTest is DisputeGameMootTest, BinaryTrees {}

contract DisputeGameMootWideTest is DisputeGameMootTest, WideTrees {}
