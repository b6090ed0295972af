// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Assertion, Status} from "../../src/types/Assertion.sol";
import {Rollup} from "../helpers/Rollup.sol";
import {ChainHandler} from "./ChainHandler.sol";

/// @notice What holds on the assertion chain whatever anybody does, in any order.
contract ChainInvariantTest is Rollup {
    ChainHandler internal handler;

    function setUp() public override {
        super.setUp();
        appendMany(3);
        handler = new ChainHandler(chain, game, sequencer);
        targetContract(address(handler));
    }

    /// @dev Every stake can be paid back: the balance is what came in less what went out, and covers all stakes.
    function invariant_stakes_areSolvent() public view {
        uint256 staked;
        for (uint256 i = 0; i < 6; ++i) {
            (uint256 amount,) = chain.stakeOf(handler.player(i));
            staked += amount;
        }
        assertEq(address(chain).balance, handler.paidIn() - handler.paidOut());
        assertGe(address(chain).balance, staked);
    }

    /// @dev The counter is the truth, and a parent that is not dead never loses its last child.
    function invariant_liveChildren_neverReachesZero() public view {
        uint256 n = handler.count();
        for (uint256 i = 0; i < n; ++i) {
            bytes32 id = handler.ids(i);
            Assertion memory parent = chain.assertion(id);
            if (parent.children == 0 || parent.status == Status.DEAD) continue;
            uint256 alive;
            for (uint256 j = 1; j < n; ++j) {
                Assertion memory child = chain.assertion(handler.ids(j));
                if (child.parent == id && child.status != Status.DEAD) ++alive;
            }
            assertEq(parent.liveChildren, alive);
            assertGe(alive, 1);
        }
    }

    /// @dev Confirmed assertions form one chain, each over the next batches.
    function invariant_confirmed_isOneChain() public view {
        uint256 n = handler.confirmedCount();
        for (uint256 i = 1; i < n; ++i) {
            Assertion memory found = chain.assertion(handler.confirmed(i));
            Assertion memory parent = chain.assertion(found.parent);
            assertEq(found.parent, handler.confirmed(i - 1));
            assertEq(uint8(found.status), uint8(Status.CONFIRMED));
            assertGt(found.to, parent.to);
            assertEq(parent.liveChildren, 1);
            assertGe(vm.getBlockTimestamp(), parent.t0 + T);
        }
        assertEq(chain.latestConfirmed(), handler.confirmed(n - 1));
    }

    /// @dev No staker loses a stake that supports only what is not dead: H10's induction, checked on states.
    function invariant_stake_onALiveTip_isNotSlashable() public view {
        for (uint256 i = 0; i < 6; ++i) {
            address who = handler.player(i);
            (uint256 amount, bytes32 tip) = chain.stakeOf(who);
            if (amount == 0 || deadAbove(tip)) continue;
            for (uint256 j = 1; j < handler.count(); ++j) {
                bytes32 id = handler.ids(j);
                bool dead = chain.assertion(id).status == Status.DEAD;
                assertFalse(dead && chain.isMember(id, who));
            }
        }
    }

    function invariant_siblings_coverTheSameBatches() public view {
        for (uint256 i = 1; i < handler.count(); ++i) {
            Assertion memory found = chain.assertion(handler.ids(i));
            assertEq(found.to, chain.assertion(found.parent).childTo);
        }
    }

    /// @dev Whether `id` or an ancestor is dead, marked or not.
    function deadAbove(bytes32 id) internal view returns (bool) {
        while (id != genesis) {
            Assertion memory found = chain.assertion(id);
            if (found.status == Status.DEAD) return true;
            id = found.parent;
        }
        return false;
    }
}
