// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILedger} from "../../src/interfaces/settlement/ILedger.sol";
import {CLEARING, LEDGER} from "../../src/libraries/Constants.sol";
import {SubaccountChange, SubaccountId} from "../../src/types/Settlement.sol";
import {CollateralWorld} from "../helpers/CollateralWorld.sol";

/// @notice Settles under the lock, in one transaction.
contract OneCallClearing {
    function settle(SubaccountChange[] calldata changes) external {
        ILedger(LEDGER).enter();
        ILedger(LEDGER).settle(changes);
        ILedger(LEDGER).leave();
    }
}

/// @notice L2 gas of the ledger and of collateral: every call is a transaction of its own, on cold storage.
/// forge-config: default.isolate = true
contract SettlementGasTest is CollateralWorld {
    /// @dev What the gateway on L1 buys for a deposit of tokens.
    uint256 internal constant DEPOSIT_GAS = 200_000;

    function setUp() public override {
        super.setUp();
        vm.etch(CLEARING, address(new OneCallClearing()).code);
    }

    /// @dev `count` subaccounts, half of which sell to the other half.
    function _settle(uint256 count, int256 indexWad) internal {
        SubaccountChange[] memory changes = new SubaccountChange[](count);
        for (uint256 i = 0; i < count; ++i) {
            changes[i] = change(user(i), -1e15, BTC, i % 2 == 0 ? int256(1e18) : int256(-1e18), indexWad);
        }
        OneCallClearing(CLEARING).settle(changes);
    }

    function _credit(address owner, SubaccountId id, uint256 amount) internal {
        vm.prank(aliased(gatewayL1));
        VAULTS.creditToken(owner, id, amount);
    }

    function _fund(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            _credit(address(uint160(0xA11CE0 + i)), NEW, 1e9);
        }
    }

    function test_credit() public {
        // The largest numbers there are: calldata without zeros where a user can put others.
        SubaccountId id = SubaccountId.wrap(type(uint64).max);
        _credit(address(type(uint160).max), id, type(uint128).max);
        assertLe(vm.snapshotGasLastCall("Settlement", "creditToken: first of all"), DEPOSIT_GAS);
        _credit(alice, NEW, 1e9);
        assertLe(vm.snapshotGasLastCall("Settlement", "creditToken: new subaccount"), DEPOSIT_GAS);
        _credit(alice, user(1), 1e9);
        vm.snapshotGasLastCall("Settlement", "creditToken: again");
    }

    function test_settle() public {
        _fund(22);
        _settle(2, 100e18);
        vm.snapshotGasLastCall("Settlement", "settle: first trade of a market");
        _settle(2, 101e18);
        vm.snapshotGasLastCall("Settlement", "settle: two subaccounts again");
        _settle(22, 102e18);
        vm.snapshotGasLastCall("Settlement", "settle: 22 subaccounts, 20 of them new to the market");
        _settle(22, 103e18);
        vm.snapshotGasLastCall("Settlement", "settle: 22 subaccounts again");
    }

    function test_withdrawal() public {
        _fund(2);
        address owner = address(uint160(0xA11CE0));
        uint256 number = request(owner, user(0), CASH, 1e6);
        vm.snapshotGasLastCall("Settlement", "requestWithdrawal: cash, no positions");
        later(1);
        VAULTS.release(number);
        vm.snapshotGasLastCall("Settlement", "release: cash, no positions");
    }
}
