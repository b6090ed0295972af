// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Receipting} from "../helpers/Receipting.sol";

/// @notice Three keys that post, leave and lie at random.
contract ReceiptBondInvariantTest is Receipting {
    uint256 internal constant KEYS = 3;

    address[KEYS] internal signers;
    uint256[KEYS] internal keys;
    bool[KEYS] internal lied;
    address internal payee = makeAddr("payee");
    uint256 internal posted;
    uint256 internal burned;

    function setUp() public override {
        super.setUp();
        posted = BOND;
        for (uint256 i = 0; i < KEYS; ++i) {
            (signers[i], keys[i]) = makeAddrAndKey(string.concat("exchange ", vm.toString(i)));
        }
        bytes4[] memory actions = new bytes4[](6);
        actions[0] = this.doWait.selector;
        actions[1] = this.doPost.selector;
        actions[2] = this.doRequest.selector;
        actions[3] = this.doCancel.selector;
        actions[4] = this.doWithdraw.selector;
        actions[5] = this.doSlash.selector;
        targetSelector(FuzzSelector({addr: address(this), selectors: actions}));
        targetContract(address(this));
    }

    /* ACTIONS */

    function doWait(uint32 seconds_) external {
        skip(seconds_ % (2 * DELAY));
    }

    function doPost(uint256 which, uint64 amount) external {
        try bonds.post{value: amount}(signers[which % KEYS]) {
            posted += amount;
        } catch {}
    }

    function doRequest(uint256 which) external {
        vm.prank(signers[which % KEYS]);
        try bonds.requestWithdrawal() {} catch {}
    }

    function doCancel(uint256 which) external {
        vm.prank(signers[which % KEYS]);
        try bonds.cancelWithdrawal() {} catch {}
    }

    function doWithdraw(uint256 which) external {
        uint256 readyAt = bonds.bond(signers[which % KEYS]).readyAt;
        vm.prank(signers[which % KEYS]);
        try bonds.withdraw(payee) {
            assertTrue(readyAt != 0 && readyAt <= vm.getBlockTimestamp());
        } catch {}
    }

    function doSlash(uint256 which) external {
        uint256 key_ = keys[which % KEYS];
        uint256 amount = bonds.bond(signers[which % KEYS]).amount;
        try bonds.slash(told, signature(told, key_), retold, signature(retold, key_), payee) returns (uint256 reward) {
            burned += amount - reward;
            lied[which % KEYS] = true;
        } catch {
            assertEq(amount, 0);
        }
    }

    /* INVARIANTS */

    /// @dev What was posted is at stake, paid or burned; what burned stays.
    function invariant_ether_isAccountedFor() public view {
        uint256 atStake = bonds.bond(exchange).amount;
        for (uint256 i = 0; i < KEYS; ++i) {
            atStake += bonds.bond(signers[i]).amount;
        }
        assertEq(address(bonds).balance, atStake + burned);
        assertEq(posted, atStake + burned + payee.balance);
    }

    /// @dev A key that lied has no bond ever again, and no bond leaves without a request.
    function invariant_keys_thatLiedHaveNothing() public view {
        for (uint256 i = 0; i < KEYS; ++i) {
            assertEq(bonds.bond(signers[i]).isSlashed, lied[i]);
            assertTrue(bonds.bond(signers[i]).amount != 0 || bonds.bond(signers[i]).readyAt == 0);
            if (lied[i]) assertEq(bonds.bond(signers[i]).amount, 0);
        }
        assertEq(bonds.bond(exchange).amount, BOND);
    }
}
