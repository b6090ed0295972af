// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {ICollateral} from "../../src/interfaces/settlement/ICollateral.sol";
import {ITokenGateway} from "../../src/interfaces/settlement/ITokenGateway.sol";
import {TokenGateway} from "../../src/l1/TokenGateway.sol";
import {ALIAS_OFFSET, COLLATERAL} from "../../src/libraries/Constants.sol";
import {WordTree} from "../../src/libraries/WordTree.sol";
import {Message} from "../../src/types/Message.sol";
import {Deposit} from "../../src/types/Records.sol";
import {SubaccountId} from "../../src/types/Settlement.sol";
import {Depositor, FeeToken, HookToken, LyingToken, SilentToken} from "../helpers/OddTokens.sol";
import {PlainToken} from "../helpers/PlainToken.sol";
import {Withdrawals} from "../helpers/Withdrawals.sol";

contract TokenGatewayTest is Withdrawals {
    SubaccountId internal constant ID = SubaccountId.wrap(17);
    PlainToken internal token;
    ITokenGateway internal gateway;

    function setUp() public override {
        super.setUp();
        token = new PlainToken(1e30);
        gateway = new TokenGateway(address(bridge), address(token));
        token.transfer(alice, 1e20);
        vm.prank(alice);
        token.approve(address(gateway), type(uint256).max);
    }

    function aliased(address account) internal pure returns (address) {
        unchecked {
            return address(uint160(account) + uint160(ALIAS_OFFSET));
        }
    }

    /// @dev The deposit the inbox must have queued for `owner`.
    function expectedHash(ITokenGateway from, address owner, SubaccountId id, uint256 amount)
        internal
        view
        returns (bytes32)
    {
        return this.hashOf(
            address(from), abi.encodeCall(ICollateral.creditToken, (owner, id, amount)), uint64(vm.getBlockTimestamp())
        );
    }

    function hashOf(address from, bytes calldata data, uint64 time) external pure returns (bytes32) {
        return Deposit({
            from: aliased(from),
            isCreate: false,
            to: COLLATERAL,
            mint: 0,
            value: 0,
            gasLimit: 200_000,
            dataRoot: WordTree.root(data),
            dataLen: uint64(data.length),
            l1Timestamp: time
        }).depositHashOf();
    }

    /* DEPOSITS */

    function testFuzz_deposit_locksAndCallsCollateral(uint64 id, uint64 rawAmount) public {
        uint256 amount = bound(rawAmount, 1, type(uint64).max);
        vm.prank(alice, alice);
        vm.expectEmit(address(gateway));
        emit ITokenGateway.TokenDeposited(alice, alice, SubaccountId.wrap(id), amount, 0);
        uint256 index = gateway.deposit(SubaccountId.wrap(id), amount);
        assertEq(token.balanceOf(address(gateway)), amount);
        assertEq(inbox.depositHash(index), expectedHash(gateway, alice, SubaccountId.wrap(id), amount));
    }

    function test_deposit_ofAContractIsForItsAlias() public {
        vm.prank(alice, bob);
        uint256 index = gateway.deposit(ID, 5);
        assertEq(inbox.depositHash(index), expectedHash(gateway, aliased(alice), ID, 5));
    }

    function test_deposit_refusals() public {
        vm.startPrank(alice, alice);
        vm.expectRevert(ITokenGateway.ZeroAmount.selector);
        gateway.deposit(ID, 0);
        vm.expectRevert(abi.encodeWithSelector(ITokenGateway.AmountTooLarge.selector, uint256(1) << 128));
        gateway.deposit(ID, uint256(1) << 128);
        vm.expectRevert(ITokenGateway.TokenCallFailed.selector);
        gateway.deposit(ID, 1e20 + 1);
        vm.stopPrank();
        vm.prank(bob, bob);
        vm.expectRevert(ITokenGateway.TokenCallFailed.selector);
        gateway.deposit(ID, 1);
        assertEq(inbox.depositCount(), 0);
    }

    function test_deposit_tokensThatReturnNothing() public {
        SilentToken silent = new SilentToken();
        ITokenGateway other = new TokenGateway(address(bridge), address(silent));
        silent.transfer(alice, 100);
        vm.startPrank(alice, alice);
        silent.approve(address(other), 100);
        other.deposit(ID, 60);
        vm.stopPrank();
        assertEq(silent.balanceOf(address(other)), 60);
    }

    /* ATTACKS ON DEPOSITS */

    function test_attack__phantomDeposit() public {
        // No code at all, tokens that move nothing and say anything, and tokens that keep a part.
        ITokenGateway empty = new TokenGateway(address(bridge), makeAddr("no code"));
        vm.expectRevert();
        empty.deposit(ID, 1);

        LyingToken lying = new LyingToken();
        ITokenGateway other = new TokenGateway(address(bridge), address(lying));
        bytes[4] memory answers = [abi.encode(0), abi.encode(2), bytes(hex"01"), abi.encode(1)];
        for (uint256 i = 0; i < 4; ++i) {
            lying.setAnswer(answers[i]);
            vm.expectRevert(
                i < 3
                    ? abi.encodeWithSelector(ITokenGateway.TokenCallFailed.selector)
                    : abi.encodeWithSelector(ITokenGateway.InexactTransfer.selector, 1, 0)
            );
            other.deposit(ID, 1);
        }
        assertEq(inbox.depositCount(), 0);
    }

    function test_attack__feeOnTransfer() public {
        FeeToken taking = new FeeToken();
        ITokenGateway other = new TokenGateway(address(bridge), address(taking));
        taking.approve(address(other), 1000);
        vm.expectRevert(abi.encodeWithSelector(ITokenGateway.InexactTransfer.selector, 1000, 990));
        other.deposit(ID, 1000);
        assertEq(inbox.depositCount(), 0);
    }

    function test_attack__depositInsideADeposit() public {
        HookToken hooked = new HookToken();
        ITokenGateway other = new TokenGateway(address(bridge), address(hooked));
        Depositor depositor = new Depositor(other);
        // Without code at the sender there is no hook.
        vm.etch(alice, "");
        hooked.approve(address(this), type(uint256).max);
        deal(address(hooked), address(depositor), 10e6);
        depositor.deposit(2e6, false);
        // The outer deposit would count the tokens of the inner one as its own.
        vm.expectRevert(abi.encodeWithSelector(ITokenGateway.InexactTransfer.selector, 2e6, 3e6));
        depositor.deposit(2e6, true);
        assertEq(hooked.balanceOf(address(other)), 2e6);
        assertEq(inbox.depositCount(), 1);
    }

    function test_attack__donationCreditsNobody() public {
        token.transfer(address(gateway), 777);
        vm.prank(alice, alice);
        uint256 index = gateway.deposit(ID, 5);
        assertEq(inbox.depositHash(index), expectedHash(gateway, alice, ID, 5));
    }

    /* RELEASE */

    /// @dev A message from `sender` on L2 to the gateway, proven and executed.
    function executed(uint256 nonce, address sender, uint256 amount) internal returns (Proven memory proven) {
        Message memory m = Message({
            nonce: nonce,
            sender: sender,
            target: address(gateway),
            value: 0,
            gasLimit: 200_000,
            data: abi.encodeCall(ITokenGateway.release, (bob, amount))
        });
        proven = prove(m);
    }

    function test_release_paysAMessageOfCollateral() public {
        vm.prank(alice, alice);
        gateway.deposit(ID, 1000);
        Proven memory proven = executed(1, COLLATERAL, 400);
        vm.expectEmit(address(gateway));
        emit ITokenGateway.TokenReleased(bob, 400);
        finalize(proven);
        assertEq(token.balanceOf(bob), 400);
        assertEq(token.balanceOf(address(gateway)), 600);
    }

    function test_attack__releaseTwice() public {
        vm.prank(alice, alice);
        gateway.deposit(ID, 1000);
        Proven memory proven = executed(1, COLLATERAL, 400);
        finalize(proven);
        bytes32 key = bridge.withdrawalKey(proven.message);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyFinalized.selector, key));
        finalize(proven);
        assertEq(token.balanceOf(bob), 400);
    }

    function test_attack__messageOfAnotherSender() public {
        vm.prank(alice, alice);
        gateway.deposit(ID, 1000);
        Proven memory proven = executed(1, alice, 400);
        bytes32 key = bridge.withdrawalKey(proven.message);
        vm.expectRevert(abi.encodeWithSelector(IBridge.CallFailed.selector, key));
        finalize(proven);
        vm.mockCall(address(bridge), abi.encodeCall(IBridge.l2Sender, ()), abi.encode(alice));
        vm.prank(address(bridge));
        vm.expectRevert(abi.encodeWithSelector(ITokenGateway.NotCollateral.selector, alice));
        gateway.release(bob, 400);
    }

    function testFuzz_attack__releaseByAStranger(address stranger) public {
        vm.assume(stranger != address(bridge));
        vm.prank(stranger);
        vm.expectRevert(ITokenGateway.NotBridge.selector);
        gateway.release(stranger, 1);
    }

    function test_release_thatTheTokenRefusesCanBeTriedAgain() public {
        Proven memory proven = executed(1, COLLATERAL, 400);
        bytes32 key = bridge.withdrawalKey(proven.message);
        vm.expectRevert(abi.encodeWithSelector(IBridge.CallFailed.selector, key));
        finalize(proven);
        vm.prank(alice, alice);
        gateway.deposit(ID, 1000);
        finalize(proven);
        assertEq(token.balanceOf(bob), 400);
    }
}
