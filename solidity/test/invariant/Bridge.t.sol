// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Withdrawals} from "../helpers/Withdrawals.sol";

/// @notice A few proven messages, finalised, released and repeated at random.
contract BridgeInvariantTest is Withdrawals {
    uint256 internal constant MESSAGES = 5;

    Proven[] internal proven;
    uint256 internal startedAt;

    function setUp() public override {
        super.setUp();
        vm.deal(address(bridge), 1000 ether);
        uint256[MESSAGES] memory values = [uint256(0.5 ether), 20 ether, 0, 300 ether, 1 ether];
        for (uint256 i = 0; i < MESSAGES; ++i) {
            _keep(prove(message(i, address(uint160(0x5000 + i)), values[i])));
        }
        startedAt = vm.getBlockTimestamp();
        bytes4[] memory actions = new bytes4[](4);
        actions[0] = this.doWait.selector;
        actions[1] = this.doFinalize.selector;
        actions[2] = this.doRelease.selector;
        actions[3] = this.doPause.selector;
        targetSelector(FuzzSelector({addr: address(this), selectors: actions}));
        targetContract(address(this));
    }

    /* ACTIONS */

    function doWait(uint16 seconds_) external {
        skip(seconds_);
    }

    function doFinalize(uint256 which) external {
        Proven memory p = proven[which % MESSAGES];
        try bridge.finalizeWithdrawal(p.message, p.assertionId, p.unit, p.accountProof, p.storageProof) {} catch {}
    }

    function doRelease(uint256 which) external {
        try bridge.releaseWithdrawal(proven[which % MESSAGES].message) {} catch {}
    }

    function doPause() external {
        vm.prank(guardian);
        try bridge.pause() {} catch {}
    }

    /* INVARIANTS */

    /// @dev Each message pays its target exactly once, when it is marked as final.
    function invariant_messages_areOneShot() public view {
        uint256 left = 1000 ether;
        for (uint256 i = 0; i < MESSAGES; ++i) {
            bool done = bridge.isFinalized(bridge.withdrawalKey(proven[i].message));
            uint256 value = proven[i].message.value;
            assertEq(proven[i].message.target.balance, done ? value : 0);
            if (done) left -= value;
        }
        assertEq(address(bridge).balance, left);
    }

    /// @dev What left is within the rate, but for the second that is under way.
    function invariant_outflow_staysWithinTheRate() public view {
        uint256 out = 1000 ether - address(bridge).balance;
        assertLe(out, uint256(RATE) * (vm.getBlockTimestamp() - startedAt + 1));
    }

    function _keep(Proven memory p) internal {
        Proven storage kept = proven.push();
        kept.message = p.message;
        kept.assertionId = p.assertionId;
        kept.unit = p.unit;
        for (uint256 i = 0; i < p.accountProof.length; ++i) {
            kept.accountProof.push(p.accountProof[i]);
        }
        for (uint256 i = 0; i < p.storageProof.length; ++i) {
            kept.storageProof.push(p.storageProof[i]);
        }
    }
}
