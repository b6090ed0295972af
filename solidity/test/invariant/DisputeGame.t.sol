// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {IDisputeGame} from "../../src/interfaces/IDisputeGame.sol";
import {Status} from "../../src/types/Assertion.sol";
import {Commitment, Duel, Life, Purse, Stage, Tally} from "../../src/types/Dispute.sol";
import {BinaryTrees, WideTrees} from "../helpers/Disputes.sol";
import {DisputeGameHandler} from "./DisputeGameHandler.sol";

contract BinaryHandler is DisputeGameHandler, BinaryTrees {
    function longestWait() internal pure override returns (uint256) {
        return T / 40;
    }
}

contract WideHandler is DisputeGameHandler, WideTrees {
    function longestWait() internal pure override returns (uint256) {
        return T / 10;
    }
}

/// @notice What holds in the game whatever anybody does, while one honest player answers.
abstract contract DisputeGameInvariantTest is Test {
    uint256 internal constant BOND = 0.2 ether;

    DisputeGameHandler internal handler;
    IDisputeGame internal game;
    IAssertionChain internal chain;

    function deployHandler() internal virtual returns (DisputeGameHandler);

    function setUp() public {
        handler = deployHandler();
        handler.setUp();
        game = handler.theGame();
        chain = game.CHAIN();
        bytes4[] memory actions = new bytes4[](3);
        actions[0] = DisputeGameHandler.act.selector;
        actions[1] = DisputeGameHandler.actTwice.selector;
        actions[2] = DisputeGameHandler.wait.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), actions));
    }

    /// @dev One campaign for all: each of them is long.
    function invariant_game_holds() public view {
        _promisesAreCovered();
        _countersMatch();
        _rightNeverDies();
        _liveChildrenAreCounted();
    }

    /// @dev Every wei that is promised to anybody is there.
    function _promisesAreCovered() internal view {
        uint256 promised = game.owed(handler.theHonestOne());
        for (uint256 i = 0; i < 5; ++i) {
            promised += game.owed(handler.player(i));
        }
        for (uint256 i = 0; i < handler.fightCount(); ++i) {
            promised += _promisedIn(handler.fight(i));
        }
        assertLe(promised, address(game).balance);
    }

    /// @dev The counters are the truth.
    function _countersMatch() internal view {
        for (uint256 i = 0; i < handler.fightCount(); ++i) {
            DisputeGameHandler.Fight memory fight = handler.fight(i);
            (, Tally memory tally,) = game.dispute(fight.pair);
            uint256[2] memory live;
            uint256[2] memory credits;
            for (uint256 j = 0; j < fight.ids.length; ++j) {
                Commitment memory found = game.commitment(fight.pair, fight.ids[j]);
                assertEq(found.no, j + 1);
                assertEq(found.side, fight.traces[j].side);
                assertLe(found.ownerCredits, found.credits);
                if (found.life == Life.DEAD) continue;
                live[found.side] += 1;
                credits[found.side] += found.credits;
            }
            assertEq(tally.commitments, fight.ids.length);
            assertEq(tally.liveOlder, live[0]);
            assertEq(tally.liveNewer, live[1]);
            assertGe(tally.creditsOlder, credits[0]);
            assertGe(tally.creditsNewer, credits[1]);
        }
    }

    /// @dev The right sibling outlives everything, and nothing else is ever confirmed.
    function _rightNeverDies() internal view {
        assertEq(handler.stuck(), "", "the honest player was stuck");
        uint256 right = handler.right();
        for (uint256 i = 0; i < handler.siblingCount(); ++i) {
            (bytes32 id,,) = handler.siblings(i);
            Status status = chain.assertion(id).status;
            if (i + 1 == right) assertTrue(status == Status.LIVE || status == Status.CONFIRMED, "the right one died");
            else assertTrue(status != Status.CONFIRMED, "a wrong one was confirmed");
        }
    }

    function _liveChildrenAreCounted() internal view {
        uint256 alive;
        for (uint256 i = 0; i < handler.siblingCount(); ++i) {
            (bytes32 id,,) = handler.siblings(i);
            if (chain.assertion(id).status != Status.DEAD) ++alive;
        }
        assertEq(chain.assertion(chain.genesisId()).liveChildren, alive);
        assertTrue(alive > 0 || handler.siblingCount() == 0, "nobody is left");
    }

    /// @dev At t0 + 2T every dispute can be ended, and one child is left: the right one.
    function afterInvariant() public {
        if (handler.siblingCount() == 0) return;
        handler.finish();
        assertEq(chain.assertion(chain.genesisId()).liveChildren, 1);
        _rightNeverDies();
        _promisesAreCovered();
        for (uint256 i = 0; i < handler.fightCount(); ++i) {
            (Duel memory walk,,) = game.dispute(handler.fight(i).pair);
            assertEq(uint8(walk.stage), uint8(Stage.OVER));
        }
    }

    /// @dev Bonds of the living, the pool and the forfeits; at the end what everybody can claim.
    function _promisedIn(DisputeGameHandler.Fight memory fight) internal view returns (uint256 promised) {
        (Duel memory walk,, Purse memory purse) = game.dispute(fight.pair);
        if (walk.stage == Stage.OVER) {
            promised = game.claimable(fight.pair, fight.ids, handler.theHonestOne()) - game.owed(handler.theHonestOne());
            for (uint256 i = 0; i < 5; ++i) {
                address who = handler.player(i);
                promised += game.claimable(fight.pair, fight.ids, who) - game.owed(who);
            }
            return promised;
        }
        promised = uint256(purse.pool) + purse.forfeitsOlder + purse.forfeitsNewer;
        for (uint256 i = 0; i < fight.ids.length; ++i) {
            Commitment memory found = game.commitment(fight.pair, fight.ids[i]);
            if (found.life == Life.LIVE && !found.isFree) promised += BOND;
        }
    }
}

/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 80
/// forge-config: nightly.invariant.runs = 64
/// forge-config: nightly.invariant.depth = 128
contract DisputeGameBinaryInvariantTest is DisputeGameInvariantTest {
    function deployHandler() internal override returns (DisputeGameHandler) {
        return new BinaryHandler();
    }
}

/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 80
/// forge-config: nightly.invariant.runs = 64
/// forge-config: nightly.invariant.depth = 128
contract DisputeGameWideInvariantTest is DisputeGameInvariantTest {
    function deployHandler() internal override returns (DisputeGameHandler) {
        return new WideHandler();
    }
}
