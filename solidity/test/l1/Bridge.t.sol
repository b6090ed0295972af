// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {Bridge} from "../../src/l1/Bridge.sol";
import {MESSAGE_PASSER, TAG_MSG} from "../../src/libraries/Constants.sol";
import {Message} from "../../src/types/Message.sol";
import {Depositor, Forwarder, Refuser} from "../helpers/Targets.sol";
import {Withdrawals} from "../helpers/Withdrawals.sol";

/// @notice Messages from L2: proof, one shot, the call. Rate and pause have their own suites.
contract BridgeTest is Withdrawals {
    function setUp() public override {
        super.setUp();
        vm.deal(address(bridge), 100 ether);
        // Far from the start, so that the line is empty for amounts up to the rate of a second.
        skip(1 days);
    }

    function test_constructor_noRateOrSameChain_reverts() public {
        IBridge.Setup memory setup = bridgeSetup();
        setup.withdrawalRate = 0;
        vm.expectRevert(IBridge.InvalidSetup.selector);
        new Bridge(setup);
        setup = bridgeSetup();
        setup.l2ChainId = block.chainid;
        vm.expectRevert(IBridge.InvalidSetup.selector);
        new Bridge(setup);
    }

    /* KEY */

    function testFuzz_withdrawalKey_bindsRouteAndMessage(Message memory m) public view {
        bytes32 expected = keccak256(
            abi.encode(
                TAG_MSG,
                block.chainid,
                address(bridge),
                L2_CHAIN_ID,
                m.nonce,
                m.sender,
                m.target,
                m.value,
                m.gasLimit,
                keccak256(m.data)
            )
        );
        assertEq(bridge.withdrawalKey(m), expected);
    }

    /* PROOF */

    function testFuzz_finalizeWithdrawal_paysTheTarget(uint64 value, uint64 nonce) public {
        value = uint64(bound(value, 0, RATE - 1));
        address target = makeAddr("target");
        Proven memory p = prove(message(nonce, target, value));

        expectFinalized(p.message);
        vm.prank(bob);
        finalize(p);

        assertEq(target.balance, value);
        assertTrue(bridge.isFinalized(bridge.withdrawalKey(p.message)));
        assertEq(bridge.l2Sender(), address(0));
    }

    function test_finalizeWithdrawal_twice_reverts() public {
        Proven memory p = prove(message(0, bob, 1));
        finalize(p);
        bytes32 key = bridge.withdrawalKey(p.message);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyFinalized.selector, key));
        finalize(p);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyFinalized.selector, key));
        bridge.releaseWithdrawal(p.message);
    }

    /// @dev The same message in a later state is the same message.
    function test_finalizeWithdrawal_againInALaterState_reverts() public {
        Proven memory p = prove(message(0, bob, 1));
        finalize(p);
        Proven memory later = unconfirmed(p.message, hex"01", MESSAGE_PASSER);
        later.unit.number += 1;
        later.assertionId = confirmed(this.endLeafOf(later.unit));
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyFinalized.selector, bridge.withdrawalKey(p.message)));
        finalize(later);
    }

    function test_finalizeWithdrawal_assertionNotConfirmed_reverts() public {
        Proven memory p = unconfirmed(message(0, bob, 1), hex"01", MESSAGE_PASSER);
        appendMany(1);
        p.assertionId = assertAs(alice, genesis, 1, "other");
        vm.expectRevert(abi.encodeWithSelector(IBridge.UnitMismatch.selector, p.assertionId));
        finalize(p);
        p.assertionId = "no";
        vm.expectRevert(abi.encodeWithSelector(IBridge.UnitMismatch.selector, p.assertionId));
        finalize(p);
    }

    function testFuzz_finalizeWithdrawal_changedUnit_reverts(uint256 which, uint256 change) public {
        vm.assume(change != 0);
        Proven memory p = prove(message(0, bob, 1));
        if (which % 4 == 0) p.unit.number ^= change;
        else if (which % 4 == 1) p.unit.stateRoot ^= bytes32(change);
        else if (which % 4 == 2) p.unit.depositCursor ^= change;
        else p.unit.receiptsAcc ^= bytes32(change);
        vm.expectRevert(abi.encodeWithSelector(IBridge.UnitMismatch.selector, p.assertionId));
        finalize(p);
    }

    function testFuzz_finalizeWithdrawal_changedMessage_reverts(uint8 which, uint256 change) public {
        vm.assume(uint160(change) != 0);
        Proven memory p = prove(message(0, bob, 1));
        Message memory m = p.message;
        if (which % 6 == 0) m.nonce ^= change;
        else if (which % 6 == 1) m.sender = address(uint160(m.sender) ^ uint160(change));
        else if (which % 6 == 2) m.target = address(uint160(m.target) ^ uint160(change));
        else if (which % 6 == 3) m.value ^= change;
        else if (which % 6 == 4) m.gasLimit ^= change;
        else m.data = abi.encode(change);
        (bool ok,) = address(bridge)
            .call(abi.encodeCall(bridge.finalizeWithdrawal, (m, p.assertionId, p.unit, p.accountProof, p.storageProof)));
        assertFalse(ok);
    }

    function testFuzz_finalizeWithdrawal_flagNotOne_reverts(bytes memory flag) public {
        vm.assume(flag.length > 0 && flag.length < 34 && keccak256(flag) != keccak256(hex"01"));
        Proven memory p = unconfirmed(message(0, bob, 1), flag, MESSAGE_PASSER);
        p.assertionId = confirmed(this.endLeafOf(p.unit));
        vm.expectRevert(abi.encodeWithSelector(IBridge.MessageNotProven.selector, bridge.withdrawalKey(p.message)));
        finalize(p);
    }

    /// @dev A contract of the attacker's with the same storage proves nothing.
    function testFuzz_finalizeWithdrawal_otherAccount_reverts(address passer) public {
        vm.assume(passer != MESSAGE_PASSER);
        Proven memory p = unconfirmed(message(0, bob, 1), hex"01", passer);
        p.assertionId = confirmed(this.endLeafOf(p.unit));
        vm.expectRevert();
        finalize(p);
    }

    function testFuzz_finalizeWithdrawal_corruptProof_reverts(bool inStorage, uint256 node, uint256 at, uint8 flip)
        public
    {
        vm.assume(flip != 0);
        Proven memory p = prove(message(0, bob, 1));
        bytes[] memory proof = inStorage ? p.storageProof : p.accountProof;
        bytes memory raw = proof[node % proof.length];
        raw[at % raw.length] ^= bytes1(flip);
        vm.expectRevert();
        finalize(p);
    }

    /* THE CALL */

    function test_finalizeWithdrawal_targetLearnsTheL2Sender() public {
        Forwarder target = new Forwarder(bridge);
        Message memory m = message(0, address(target), 1);
        m.data = abi.encodeCall(target.remember, ());
        Proven memory p = prove(m);
        finalize(p);
        assertEq(target.sender(), alice);
        assertEq(bridge.l2Sender(), address(0));
    }

    function test_finalizeWithdrawal_failingCall_canBeRetried() public {
        Refuser target = new Refuser();
        Proven memory p = prove(message(0, address(target), 1));
        bytes32 key = bridge.withdrawalKey(p.message);

        vm.expectRevert(abi.encodeWithSelector(IBridge.CallFailed.selector, key));
        finalize(p);
        assertFalse(bridge.isFinalized(key));

        target.accept();
        finalize(p);
        assertEq(address(target).balance, 1);
    }

    /// @dev Return data of any size costs the caller nothing.
    function test_finalizeWithdrawal_returnBomb_isIgnored() public {
        Refuser target = new Refuser();
        Message memory m = message(0, address(target), 0);
        m.data = abi.encodeCall(target.bomb, (1_000_000));
        m.gasLimit = 5_000_000;
        Proven memory p = prove(m);
        finalize(p);
        assertTrue(bridge.isFinalized(bridge.withdrawalKey(m)));
    }

    /// @dev Whatever gas the caller gives and however long the message is: it runs with its gas or not at all.
    function testFuzz_finalizeWithdrawal_tooLittleGas_reverts(uint32 gasLimit, uint32 gasGiven, uint16 length) public {
        gasLimit = uint32(bound(gasLimit, 100_000, 5_000_000));
        gasGiven = uint32(bound(gasGiven, 150_000, 7_000_000));
        Forwarder target = new Forwarder(bridge);
        Message memory m = message(0, address(target), 0);
        m.gasLimit = gasLimit;
        m.data = abi.encodePacked(abi.encodeCall(target.measure, ()), new bytes(length));
        Proven memory p = prove(m);

        try bridge.finalizeWithdrawal{gas: gasGiven}(p.message, p.assertionId, p.unit, p.accountProof, p.storageProof) {
            // The target's own dispatch costs a few hundred before it measures.
            assertGe(target.gasSeen() + 1000, gasLimit);
        } catch {
            assertFalse(bridge.isFinalized(bridge.withdrawalKey(m)));
        }
    }

    /// @dev At the very least gas with which the message runs, it still gets its own, however long it is.
    function testFuzz_finalizeWithdrawal_leastGas_isEnoughForTheMessage(uint24 gasLimit, uint16 length) public {
        Forwarder target = new Forwarder(bridge);
        Message memory m = message(0, address(target), 1);
        m.gasLimit = bound(gasLimit, 50_000, 3_000_000);
        m.data = abi.encodePacked(abi.encodeCall(target.measure, ()), new bytes(length));
        Proven memory p = prove(m);
        (uint256 low, uint256 high) = (0, 8_000_000);
        uint256 start = vm.snapshotState();
        while (low < high) {
            uint256 middle = (low + high) / 2;
            try this.finalizeWith{gas: middle}(p) {
                high = middle;
            } catch {
                low = middle + 1;
            }
            vm.revertToState(start);
        }

        this.finalizeWith{gas: low}(p);

        assertGe(target.gasSeen() + 1000, m.gasLimit);
    }

    function finalizeWith(Proven memory p) external {
        finalize(p);
    }

    /// @dev The inbox believes the bridge: a message to it could mint without paying.
    function test_finalizeWithdrawal_toInboxOrItself_reverts() public {
        address[2] memory targets = [address(inbox), address(bridge)];
        for (uint256 i = 0; i < 2; ++i) {
            Proven memory p = prove(message(i, targets[i], 0));
            vm.expectRevert(abi.encodeWithSelector(IBridge.ForbiddenTarget.selector, targets[i]));
            finalize(p);
        }
    }

    function test_finalizeWithdrawal_nested_reverts() public {
        Forwarder target = new Forwarder(bridge);
        Proven memory inner = prove(message(0, bob, 1));
        Message memory m = message(1, address(target), 1);
        bytes memory nested = abi.encodeCall(
            bridge.finalizeWithdrawal,
            (inner.message, inner.assertionId, inner.unit, inner.accountProof, inner.storageProof)
        );
        m.data = abi.encodeCall(target.forward, (nested));
        m.gasLimit = 1_000_000;
        Proven memory p = prove(m);

        finalize(p);

        assertEq(bytes4(target.failure()), IBridge.Reentered.selector);
        assertFalse(bridge.isFinalized(bridge.withdrawalKey(inner.message)));
        finalize(inner);
    }

    function test_finalizeWithdrawal_repeatedFromInside_reverts() public {
        Forwarder target = new Forwarder(bridge);
        Message memory m = message(1, address(target), 1);
        m.data = abi.encodeCall(target.forward, (abi.encodeCall(bridge.releaseWithdrawal, (m))));
        Proven memory p = prove(m);
        finalize(p);
        assertEq(address(target).balance, 1);
        assertTrue(target.failure().length > 0);
    }

    /// @dev Depositing what one just withdrew, in the same call, is ordinary.
    function test_finalizeWithdrawal_depositInside_isAllowed() public {
        Depositor target = new Depositor(bridge);
        Message memory m = message(0, address(target), 0.5 ether);
        m.gasLimit = 500_000;
        finalize(prove(m));
        assertEq(inbox.depositCount(), 1);
        assertEq(address(target).balance, 0);
    }

    function test_finalizeWithdrawal_insolvent_reverts() public {
        vm.deal(address(bridge), 0);
        Proven memory p = prove(message(0, bob, 1));
        vm.expectRevert(abi.encodeWithSelector(IBridge.CallFailed.selector, bridge.withdrawalKey(p.message)));
        finalize(p);
    }

    function test_plainTransfer_reverts() public {
        vm.prank(alice);
        (bool ok,) = address(bridge).call{value: 1 ether}("");
        assertFalse(ok);
    }
}
