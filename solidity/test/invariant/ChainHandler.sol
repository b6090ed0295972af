// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Assertion} from "../../src/types/Assertion.sol";
import {AssertionChain} from "../../src/l1/AssertionChain.sol";
import {CommitmentTree} from "../../src/libraries/CommitmentTree.sol";
import {Inbox} from "../../src/l1/Inbox.sol";
import {CommonBase} from "forge-std/Base.sol";
import {StdCheats} from "forge-std/StdCheats.sol";
import {FakeGame} from "../helpers/FakeGame.sol";

/// @notice Random players on the assertion chain: they assert anywhere, open, kill, confirm, slash, withdraw.
contract ChainHandler is CommonBase, StdCheats {
    uint256 internal constant PLAYERS = 6;

    AssertionChain public immutable CHAIN;
    Inbox public immutable INBOX;
    FakeGame public immutable GAME;
    address internal immutable SEQUENCER;

    /// @notice Every assertion that was ever made, genesis first.
    bytes32[] public ids;

    /// @notice Wei that left with stakes, by withdrawal or to the game.
    uint256 public paidOut;

    /// @notice Wei that came in as stakes.
    uint256 public paidIn;

    /// @notice Confirmed assertions in order, genesis first.
    bytes32[] public confirmed;

    constructor(AssertionChain chain, FakeGame game, address sequencer) {
        CHAIN = chain;
        INBOX = Inbox(address(chain.INBOX()));
        GAME = game;
        SEQUENCER = sequencer;
        ids.push(chain.genesisId());
        confirmed.push(chain.genesisId());
    }

    function count() external view returns (uint256) {
        return ids.length;
    }

    function confirmedCount() external view returns (uint256) {
        return confirmed.length;
    }

    function player(uint256 seed) public pure returns (address) {
        return address(uint160(0x1000 + seed % PLAYERS));
    }

    /// @dev See Rollup.skip.
    function skip(uint256 time) internal override {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    /* ACTIONS */

    function wait(uint16 seconds_) external {
        skip(seconds_ % 2000);
    }

    function appendBatch() external {
        skip(INBOX.MIN_BATCH_INTERVAL());
        uint256 index = INBOX.batchCount();
        bytes32 prev = index == 0 ? bytes32(0) : INBOX.acc(index - 1);
        vm.prank(SEQUENCER);
        INBOX.appendBatch(index, prev, "", 0, 0, 0);
    }

    function assertBatches(uint256 who, uint256 where, uint256 length, uint8 salt) external {
        bytes32 parent = ids[where % ids.length];
        Assertion memory p = CHAIN.assertion(parent);
        uint256 batches = INBOX.batchCount();
        if (p.to >= batches) return;
        uint256 to = p.children > 0 ? p.childTo : p.to + 1 + length % (batches - p.to);
        bytes32 endLeaf = keccak256(abi.encode(salt % 8));
        bytes32 unitRoot = CommitmentTree.hashNode(endLeaf, 0);
        bytes32 acc = INBOX.acc(to - 1);
        uint256 value = _due(player(who));
        vm.deal(player(who), value);
        vm.prank(player(who));
        try CHAIN.assertBatches{value: value}(parent, uint64(to), acc, unitRoot, endLeaf, 0) returns (bytes32 id) {
            ids.push(id);
            paidIn += value;
        } catch {}
    }

    function back(uint256 who, uint256 which) external {
        uint256 value = _due(player(who));
        vm.deal(player(who), value);
        vm.prank(player(who));
        try CHAIN.back{value: value}(ids[which % ids.length]) {
            paidIn += value;
        } catch {}
    }

    function open(uint256 a, uint256 b) external {
        GAME.setOpen(ids[a % ids.length], _siblingOf(a, b));
    }

    function kill(uint256 a, uint256 b) external {
        try GAME.kill(CHAIN, ids[a % ids.length], _siblingOf(a, b)) returns (bool, uint256 seized) {
            paidOut += seized;
        } catch {}
    }

    function seize(uint256 which, uint256 who) external {
        try GAME.seize(CHAIN, ids[which % ids.length], player(who)) returns (uint256 seized) {
            paidOut += seized;
        } catch {}
    }

    function killUnopened(uint256 a, uint256 b) external {
        try CHAIN.killUnopened(ids[a % ids.length], _siblingOf(a, b)) {} catch {}
    }

    function confirm(uint256 which) external {
        bytes32 id = ids[which % ids.length];
        try CHAIN.confirm(id) {
            confirmed.push(id);
        } catch {}
    }

    /// @dev Confirms what can be confirmed, so that runs get beyond genesis.
    function confirmAny() external {
        skip(CHAIN.CHALLENGE_PERIOD() + CHAIN.AIRGAP());
        for (uint256 i = 1; i < ids.length; ++i) {
            try CHAIN.confirm(ids[i]) {
                confirmed.push(ids[i]);
            } catch {}
        }
    }

    function markDead(uint256 which) external {
        try CHAIN.markDead(ids[which % ids.length]) {} catch {}
    }

    function slash(uint256 which, uint256 who) external {
        try CHAIN.slash(ids[which % ids.length], player(who)) {} catch {}
    }

    function withdrawStake(uint256 who) external {
        uint256 before = player(who).balance;
        vm.prank(player(who));
        try CHAIN.withdrawStake() {
            paidOut += player(who).balance - before;
        } catch {}
    }

    function _due(address who) internal view returns (uint256) {
        (uint256 amount,) = CHAIN.stakeOf(who);
        return amount == 0 ? CHAIN.STAKE() : 0;
    }

    /// @dev An assertion with the parent of entry `a`: that itself if it has no sibling.
    function _siblingOf(uint256 a, uint256 b) internal view returns (bytes32) {
        bytes32 parent = CHAIN.assertion(ids[a % ids.length]).parent;
        for (uint256 i = 1; i <= ids.length; ++i) {
            bytes32 candidate = ids[(b % ids.length + i) % ids.length];
            bool same = CHAIN.assertion(candidate).parent == parent;
            if (same && candidate != ids[a % ids.length]) return candidate;
        }
        return ids[a % ids.length];
    }
}
