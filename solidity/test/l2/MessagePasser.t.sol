// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {IFeeVault} from "../../src/interfaces/IFeeVault.sol";
import {IMessagePasser} from "../../src/interfaces/IMessagePasser.sol";
import {FeeVault} from "../../src/l2/FeeVault.sol";
import {MessagePasser} from "../../src/l2/MessagePasser.sol";
import {FEE_VAULT, MESSAGE_PASSER, TAG_MSG} from "../../src/libraries/Constants.sol";

/// @notice The predeploys, placed as genesis places them.
contract MessagePasserTest is Test {
    uint256 internal constant L1_CHAIN_ID = 1;
    address internal bridge = makeAddr("bridge");
    address internal recipient = makeAddr("recipient");
    IMessagePasser internal constant PASSER = IMessagePasser(MESSAGE_PASSER);
    IFeeVault internal constant VAULT = IFeeVault(FEE_VAULT);

    function setUp() public {
        vm.etch(MESSAGE_PASSER, address(new MessagePasser()).code);
        vm.etch(FEE_VAULT, address(new FeeVault()).code);
        vm.store(MESSAGE_PASSER, bytes32(uint256(2)), bytes32(L1_CHAIN_ID));
        vm.store(MESSAGE_PASSER, bytes32(uint256(3)), bytes32(uint256(uint160(bridge))));
        vm.store(FEE_VAULT, 0, bytes32(uint256(uint160(recipient))));
    }

    function test_storage_isWhereGenesisWrites() public view {
        assertEq(PASSER.l1ChainId(), L1_CHAIN_ID);
        assertEq(PASSER.bridge(), bridge);
        assertEq(VAULT.recipient(), recipient);
    }

    function testFuzz_sendMessage_recordsTheKeyAndEmits(
        address sender,
        address target,
        uint96 value,
        uint32 gasLimit,
        bytes calldata data
    ) public {
        vm.assume(sender != MESSAGE_PASSER);
        gasLimit = uint32(bound(gasLimit, 0, 1 << 23));
        vm.deal(sender, value);
        bytes32 expected = keccak256(
            abi.encode(
                TAG_MSG,
                L1_CHAIN_ID,
                bridge,
                block.chainid,
                0,
                sender,
                target,
                uint256(value),
                uint256(gasLimit),
                keccak256(data)
            )
        );

        vm.expectEmit(MESSAGE_PASSER);
        emit IMessagePasser.MessageSent(expected, 0, sender, target, value, gasLimit, data);
        vm.prank(sender);
        bytes32 key = PASSER.sendMessage{value: value}(target, gasLimit, data);

        assertEq(key, expected);
        assertTrue(PASSER.sent(key));
        assertEq(PASSER.nonce(), 1);
        assertEq(MESSAGE_PASSER.balance, value);
        // What L1 proves: the value 1 in the mapping at slot 0.
        assertEq(vm.load(MESSAGE_PASSER, keccak256(abi.encode(key, uint256(0)))), bytes32(uint256(1)));
    }

    function test_sendMessage_sameContentTwice_hasTwoKeys() public {
        bytes32 first = PASSER.sendMessage(recipient, 0, "");
        bytes32 second = PASSER.sendMessage(recipient, 0, "");
        assertNotEq(first, second);
    }

    function testFuzz_sendMessage_gasLimitTooHigh_reverts(uint256 gasLimit) public {
        gasLimit = bound(gasLimit, (1 << 23) + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IMessagePasser.GasLimitTooHigh.selector, gasLimit, 1 << 23));
        PASSER.sendMessage(recipient, gasLimit, "");
    }

    function test_sendMessage_dataTooLong_reverts() public {
        bytes memory data = new bytes(65_537);
        vm.expectRevert(abi.encodeWithSelector(IMessagePasser.DataTooLong.selector, 65_537, 65_536));
        PASSER.sendMessage(recipient, 0, data);
    }

    function testFuzz_plainTransfer_reverts(uint96 value) public {
        vm.deal(address(this), value);
        (bool ok,) = MESSAGE_PASSER.call{value: value}("");
        assertFalse(ok);
    }

    /* FEE VAULT */

    function testFuzz_withdraw_sendsEverythingToTheRecipient(uint96 fees, address who) public {
        fees = uint96(bound(fees, 1, type(uint96).max));
        vm.assume(who != FEE_VAULT && who != MESSAGE_PASSER);
        vm.deal(FEE_VAULT, fees);

        vm.prank(who);
        bytes32 key = VAULT.withdraw();

        assertTrue(PASSER.sent(key));
        assertEq(FEE_VAULT.balance, 0);
        assertEq(MESSAGE_PASSER.balance, fees);
    }

    function test_withdraw_empty_reverts() public {
        vm.expectRevert(IFeeVault.NoFees.selector);
        VAULT.withdraw();
    }
}
