// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {ALIAS_OFFSET, MAX_DEPOSIT_BYTES, MAX_INITCODE_BYTES} from "../../src/libraries/Constants.sol";
import {WordTree} from "../../src/libraries/WordTree.sol";
import {Deposit, DepositRequest} from "../../src/types/Records.sol";
import {Rollup} from "../helpers/Rollup.sol";

/// @notice Deposits from the bridge to the queue: content, checks, price.
contract InboxDepositsTest is Rollup {
    uint256 internal constant ONE = 1e9;

    /* CONTENT */

    function testFuzz_deposit_queuesAndEmitsEverything(address to, uint256 value, uint96 mint, bytes calldata data)
        public
    {
        vm.assume(data.length < 2000);
        mint = uint96(bound(mint, 0, 1000 ether));
        Deposit memory deposit = Deposit({
            from: alice,
            isCreate: false,
            to: to,
            mint: mint,
            value: value,
            gasLimit: 100_000,
            dataRoot: WordTree.root(data),
            dataLen: uint64(data.length),
            l1Timestamp: uint64(vm.getBlockTimestamp())
        });

        vm.expectEmit(address(inbox));
        emit IInbox.DepositEnqueued(0, deposit.depositHashOf(), deposit, data);
        vm.expectEmit(address(bridge));
        emit IBridge.DepositMade(0, alice, mint);
        vm.prank(alice, alice);
        uint256 index = bridge.deposit{value: mint}(to, value, 100_000, false, data);

        assertEq(index, 0);
        assertEq(inbox.depositHash(0), deposit.depositHashOf());
        assertEq(inbox.depositTime(0), vm.getBlockTimestamp());
        assertEq(inbox.depositCount(), 1);
        assertEq(address(bridge).balance, mint);
    }

    /// @dev Six times share a slot: none disturbs another.
    function testFuzz_depositTime_keepsEveryTime(uint8 count, uint256 seed) public {
        count = uint8(bound(count, 1, 20));
        uint256[] memory times = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            skip(uint256(keccak256(abi.encode(seed, i))) % 1000);
            vm.roll(vm.getBlockNumber() + 300);
            times[i] = vm.getBlockTimestamp();
            assertEq(depositFrom(alice, 0, 21_000, ""), i);
        }
        for (uint256 i = 0; i < count; ++i) {
            assertEq(inbox.depositTime(i), times[i]);
        }
        assertEq(inbox.depositTime(count), 0);
    }

    /// @dev The alias depends on tx.origin alone, never on code: constructors and delegated accounts have odd code.
    function testFuzz_deposit_aliasesIffNotOrigin(address caller, address origin) public {
        vm.assume(caller != address(0) && origin != address(0));
        address expected = caller;
        unchecked {
            if (caller != origin) expected = address(uint160(caller) + uint160(ALIAS_OFFSET));
        }

        vm.expectEmit(address(bridge));
        emit IBridge.DepositMade(0, expected, 0);
        vm.prank(caller, origin);
        bridge.deposit(alice, 0, 21_000, false, "");
    }

    /* CHECKS */

    function testFuzz_enqueueDeposit_notBridge_reverts(address who) public {
        vm.assume(who != address(bridge));
        vm.expectRevert(IInbox.NotBridge.selector);
        vm.prank(who);
        inbox.enqueueDeposit(DepositRequest(who, false, who, 1 ether, 0, 21_000, ""));
    }

    function testFuzz_deposit_gasBelowIntrinsic_reverts(uint64 gasLimit) public {
        bytes memory data = hex"00ff";
        uint256 lowest = 21_000 + 4 + 16;
        gasLimit = uint64(bound(gasLimit, 0, lowest - 1));
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositGasLimitOutOfRange.selector, gasLimit, lowest, TX_GAS_CAP));
        depositFrom(alice, 0, gasLimit, data);
    }

    function testFuzz_deposit_gasAboveCap_reverts(uint64 gasLimit) public {
        gasLimit = uint64(bound(gasLimit, TX_GAS_CAP + 1, type(uint64).max));
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositGasLimitOutOfRange.selector, gasLimit, 21_000, TX_GAS_CAP));
        depositFrom(alice, 0, gasLimit, "");
    }

    function test_deposit_createWithTarget_reverts() public {
        vm.expectRevert(IInbox.CreateWithTarget.selector);
        bridge.deposit(alice, 0, 100_000, true, hex"00");
    }

    function test_deposit_tooLong_reverts() public {
        bytes memory data = new bytes(MAX_DEPOSIT_BYTES + 1);
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositDataTooLong.selector, data.length, MAX_DEPOSIT_BYTES));
        bridge.deposit(alice, 0, 8_000_000, false, data);

        data = new bytes(MAX_INITCODE_BYTES + 1);
        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositDataTooLong.selector, data.length, MAX_INITCODE_BYTES));
        bridge.deposit(address(0), 0, 8_000_000, true, data);
    }

    function test_deposit_largestInitcode_fits() public {
        bytes memory data = new bytes(MAX_INITCODE_BYTES);
        bridge.deposit(address(0), 0, TX_GAS_CAP, true, data);
        assertEq(inbox.depositCount(), 1);
    }

    /* PRICE */

    function testFuzz_deposit_burnsItsGasLimit(uint64 gasLimit) public {
        gasLimit = uint64(bound(gasLimit, 21_000, TX_GAS_CAP));
        uint256 before = gasleft();

        depositFrom(alice, 0, gasLimit, "");

        assertGe(before - gasleft(), gasLimit);
        assertLt(before - gasleft(), gasLimit + 250_000);
    }

    function test_deposit_tooLittleGasForTheBurn_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IInbox.NotEnoughGasToBurn.selector, 5_000_000));
        bridge.deposit{gas: 1_000_000}(alice, 0, 5_000_000, false, "");
    }

    function test_deposit_blockFull_reverts() public {
        uint256 most = 2 * inbox.DEPOSIT_GAS_TARGET();
        depositFrom(alice, 0, TX_GAS_CAP, "");
        uint64 left = uint64(most - TX_GAS_CAP);
        assertEq(inbox.availableDepositGas(), left);

        vm.expectRevert(abi.encodeWithSelector(IInbox.DepositGasExhausted.selector, left + 1, left));
        depositFrom(bob, 0, left + 1, "");

        depositFrom(bob, 0, left, "");
        assertEq(inbox.availableDepositGas(), 0);
        vm.roll(vm.getBlockNumber() + 1);
        assertEq(inbox.availableDepositGas(), most);
    }

    function test_depositMultiplier_overload_risesByAnEighthAndFallsBack() public {
        uint64 above = uint64(inbox.DEPOSIT_GAS_TARGET() + 1);
        depositFrom(alice, 0, above, "");
        assertEq(inbox.depositMultiplier(), ONE);

        vm.roll(vm.getBlockNumber() + 1);
        assertEq(inbox.depositMultiplier(), ONE + ONE / 8);
        uint256 before = gasleft();
        depositFrom(alice, 0, 1_000_000, "");
        assertGe(before - gasleft(), 1_125_000);

        vm.roll(vm.getBlockNumber() + 1);
        assertEq(inbox.depositMultiplier(), ONE);
    }

    /// @dev An attacker who fills every block cannot keep a small deposit out of the next one for long: the price
    /// of filling grows until no L1 block has the gas for it.
    function test_depositMultiplier_attackerFillingBlocks_runsOutOfL1Gas() public {
        uint256 l1BlockGas = 60_000_000;
        uint64 fill = uint64(inbox.DEPOSIT_GAS_TARGET() + 1);
        uint256 blocks;
        while (fill * inbox.depositMultiplier() / ONE < l1BlockGas) {
            depositFrom(alice, 0, fill, "");
            vm.roll(vm.getBlockNumber() + 1);
            ++blocks;
        }
        assertLt(blocks, 24);
    }

    function test_depositGasTarget_isAtLeastHalfACap() public view {
        uint256 byRate = 12 * DEPOSIT_RATE;
        assertEq(inbox.DEPOSIT_GAS_TARGET(), byRate > TX_GAS_CAP / 2 ? byRate : TX_GAS_CAP / 2);
    }
}
