// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Receipting} from "../helpers/Receipting.sol";

/// @notice Gas of the bond's calls as transactions of their own, on cold storage.
/// forge-config: default.isolate = true
contract ReceiptBondGasTest is Receipting {
    uint256 internal constant SLASH_CEILING = 90_000;

    function test_post() public {
        bonds.post{value: 1}(trader);
        vm.snapshotGasLastCall("ReceiptBond", "post: first");
        bonds.post{value: 1}(exchange);
        vm.snapshotGasLastCall("ReceiptBond", "post: more");
    }

    function test_withdraw() public {
        vm.prank(exchange);
        bonds.requestWithdrawal();
        vm.snapshotGasLastCall("ReceiptBond", "requestWithdrawal");
        skip(DELAY);
        vm.prank(exchange);
        bonds.withdraw(exchange);
        vm.snapshotGasLastCall("ReceiptBond", "withdraw: to an account without ether");
    }

    function test_slash() public {
        slash(trader);
        uint256 used = vm.snapshotGasLastCall("ReceiptBond", "slash: for an account without ether");
        assertLe(used, SLASH_CEILING);
    }
}
