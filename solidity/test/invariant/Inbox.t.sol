// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Config, UNPINNED} from "../../src/types/Records.sol";
import {Rollup} from "../helpers/Rollup.sol";
import {InboxHandler} from "./InboxHandler.sol";

/// @notice What holds at the inbox whatever the sequencer and depositors do.
contract InboxInvariantTest is Rollup {
    InboxHandler internal handler;

    function setUp() public override {
        super.setUp();
        handler = new InboxHandler(inbox, bridge, sequencer, governance);
        targetContract(address(handler));
        // The handler gives its caller ether: the bridge, called by nobody, would lose what it holds.
        excludeSender(address(bridge));
    }

    /// @dev Σ budgets ≤ burst + rate × time, for both lanes.
    function invariant_budgets_stayWithinTheRate() public view {
        uint256 elapsed = vm.getBlockTimestamp() - START;
        assertLe(handler.drawn(), BURST + uint256(GAS_RATE) * elapsed);
        assertLe(handler.systemDrawn(), BURST + uint256(SYSTEM_RATE) * elapsed);
    }

    /// @dev Deposits leave the queue in order, each once: batches take adjoining ranges.
    function invariant_deposits_areConsumedInOrder() public view {
        uint256 last;
        for (uint256 i = 0; i < handler.batches(); ++i) {
            assertGe(handler.ends(i), last);
            last = handler.ends(i);
        }
        assertEq(inbox.consumedDeposits(), last);
        assertLe(last, inbox.depositCount());
        assertEq(inbox.batchCount(), handler.batches());
    }

    /// @dev Deposit hashes are write-once, and times never go back.
    function invariant_deposits_areWriteOnce() public view {
        uint256 lastTime;
        for (uint256 i = 0; i < inbox.depositCount(); ++i) {
            assertEq(inbox.depositHash(i), handler.hashes(i));
            assertNotEq(inbox.depositHash(i), 0);
            assertGe(inbox.depositTime(i), lastTime);
            lastTime = inbox.depositTime(i);
        }
        assertEq(inbox.depositHash(inbox.depositCount()), 0);
    }

    /// @dev No L1 block takes more than twice the target, and the price never falls below one.
    function invariant_depositGas_isMetered() public view {
        for (uint256 i = 0; i < handler.blockCount(); ++i) {
            assertLe(handler.depositGas(handler.blocks(i)), 2 * inbox.DEPOSIT_GAS_TARGET());
        }
        assertGe(inbox.depositMultiplier(), 1e9);
    }

    /// @dev All minted wei is in the bridge.
    function invariant_bridge_holdsWhatIsMinted() public view {
        assertEq(address(bridge).balance, handler.minted());
    }

    /// @dev Configurations are pinned in order, at most the last one waits.
    function invariant_configs_arePinnedInOrder() public view {
        uint256 count = inbox.configCount();
        for (uint256 i = 0; i + 1 < count; ++i) {
            Config memory next = inbox.config(i + 1);
            assertNotEq(inbox.config(i).firstBatch, UNPINNED);
            if (next.firstBatch == UNPINNED) assertEq(i + 2, count);
            else assertGe(next.firstBatch, inbox.config(i).firstBatch);
        }
    }
}
