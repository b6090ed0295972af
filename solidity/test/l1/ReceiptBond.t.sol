// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IReceiptBond} from "../../src/interfaces/settlement/IReceiptBond.sol";
import {ReceiptBond} from "../../src/l1/ReceiptBond.sol";
import {CLEARING} from "../../src/libraries/Constants.sol";
import {OrderReceipt} from "../../src/libraries/settlement/Receipts.sol";
import {GreedyPayee, SulkingPayee} from "../helpers/ReceiptPayees.sol";
import {Receipting} from "../helpers/Receipting.sol";

contract ReceiptBondTest is Receipting {
    /* BONDS */

    function testFuzz_post_addsToTheKeysBond(address signer, uint96 first, uint96 second) public {
        vm.assume(signer != address(0) && signer != exchange && first != 0 && second != 0);
        vm.deal(trader, second);
        vm.deal(address(this), first);
        bonds.post{value: first}(signer);
        vm.prank(trader);
        vm.expectEmit(address(bonds));
        emit IReceiptBond.BondPosted(signer, trader, second);
        bonds.post{value: second}(signer);
        assertEq(bonds.bond(signer).amount, uint256(first) + second);
        assertEq(bonds.bond(exchange).amount, BOND);
    }

    function test_post_refusals() public {
        vm.expectRevert(IReceiptBond.ZeroAmount.selector);
        bonds.post(exchange);
        vm.expectRevert(IReceiptBond.NoSigner.selector);
        bonds.post{value: 1}(address(0));
        slash(trader);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.KeySlashed.selector, exchange));
        bonds.post{value: 1}(exchange);
    }

    function testFuzz_withdraw_paysEverythingAfterTheDelay(uint32 extra) public {
        uint256 readyAt = vm.getBlockTimestamp() + DELAY;
        vm.expectEmit(address(bonds));
        emit IReceiptBond.WithdrawalRequested(exchange, readyAt);
        vm.prank(exchange);
        bonds.requestWithdrawal();
        assertEq(bonds.bond(exchange).readyAt, readyAt);
        vm.warp(readyAt + extra);
        vm.expectEmit(address(bonds));
        emit IReceiptBond.BondWithdrawn(exchange, trader, BOND);
        vm.prank(exchange);
        bonds.withdraw(trader);
        assertEq(trader.balance, BOND);
        assertEq(bonds.bond(exchange).amount, 0);
        assertEq(bonds.bond(exchange).readyAt, 0);
    }

    function testFuzz_withdraw_beforeTheDelay_reverts(uint256 passed) public {
        passed = bound(passed, 0, DELAY - 1);
        uint256 readyAt = vm.getBlockTimestamp() + DELAY;
        vm.startPrank(exchange);
        vm.expectRevert(IReceiptBond.NoWithdrawal.selector);
        bonds.withdraw(exchange);
        bonds.requestWithdrawal();
        skip(passed);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.WithdrawalNotReady.selector, readyAt));
        bonds.withdraw(exchange);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.WithdrawalPending.selector, readyAt));
        bonds.requestWithdrawal();
        vm.stopPrank();
    }

    function test_cancelWithdrawal_startsTheDelayAnew() public {
        vm.startPrank(exchange);
        vm.expectRevert(IReceiptBond.NoWithdrawal.selector);
        bonds.cancelWithdrawal();
        bonds.requestWithdrawal();
        skip(DELAY);
        vm.expectEmit(address(bonds));
        emit IReceiptBond.WithdrawalCancelled(exchange);
        bonds.cancelWithdrawal();
        vm.expectRevert(IReceiptBond.NoWithdrawal.selector);
        bonds.withdraw(exchange);
        bonds.requestWithdrawal();
        assertEq(bonds.bond(exchange).readyAt, vm.getBlockTimestamp() + DELAY);
        vm.stopPrank();
    }

    function test_withdraw_twice_reverts() public {
        vm.startPrank(exchange);
        bonds.requestWithdrawal();
        skip(DELAY);
        bonds.withdraw(exchange);
        vm.expectRevert(IReceiptBond.NoWithdrawal.selector);
        bonds.withdraw(exchange);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.NoBond.selector, exchange));
        bonds.requestWithdrawal();
        vm.stopPrank();
    }

    function test_withdraw_toWhoRefuses_canBeTriedAgain() public {
        address sulking = address(new SulkingPayee());
        vm.startPrank(exchange);
        bonds.requestWithdrawal();
        skip(DELAY);
        vm.expectRevert(IReceiptBond.TransferFailed.selector);
        bonds.withdraw(sulking);
        bonds.withdraw(trader);
        vm.stopPrank();
        assertEq(trader.balance, BOND);
    }

    /* PROOFS */

    function testFuzz_slash_onePlace_halfToTheBeneficiaryHalfToNobody(
        OrderReceipt memory a,
        OrderReceipt memory b,
        bool sameNumber,
        uint96 amount
    ) public {
        if (sameNumber) b.seq = a.seq;
        else b.prevReceiptHash = a.prevReceiptHash;
        vm.assume(keccak256(abi.encode(a)) != keccak256(abi.encode(b)) && amount != 0);
        (address liar, uint256 liarKey) = makeAddrAndKey("liar");
        vm.deal(address(this), amount);
        bonds.post{value: amount}(liar);

        uint256 reward = bonds.slash(a, signature(a, liarKey), b, signature(b, liarKey), trader);

        assertEq(reward, amount / 2);
        assertEq(trader.balance, amount / 2);
        assertEq(address(bonds).balance, BOND + amount - amount / 2);
        assertEq(bonds.bond(liar).amount, 0);
        assertTrue(bonds.bond(liar).isSlashed);
        assertEq(bonds.bond(exchange).amount, BOND);
    }

    function test_slash_tellsWhatWasProven() public {
        bytes32 type_ = keccak256("Receipt(bytes32 orderHash,uint64 seq,bytes32 prevReceiptHash,uint64 ts)");
        vm.expectEmit(address(bonds));
        emit IReceiptBond.BondSlashed(
            exchange,
            keccak256(abi.encode(type_, told)),
            keccak256(abi.encode(type_, retold)),
            trader,
            BOND / 2,
            BOND / 2 + 1
        );
        slash(trader);
    }

    function test_slash_twice_findsNothing() public {
        slash(trader);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.NoBond.selector, exchange));
        slash(trader);
        assertEq(trader.balance, BOND / 2);
    }

    function test_vectors_everyPair_agrees() public {
        string memory json = vm.readFile("tests/vectors/receipts.json");
        uint256 i;
        for (; vm.keyExistsJson(json, _path(i, "")); ++i) {
            IReceiptBond at = new ReceiptBond(vm.parseJsonUint(json, _path(i, ".chainId")), DELAY);
            assertEq(at.signerOf(_receipt(json, i, ".a"), _signature(json, i, ".a")), _signer(json, i, ".a"));
            assertEq(at.signerOf(_receipt(json, i, ".b"), _signature(json, i, ".b")), _signer(json, i, ".b"));
            bool contradict = at.contradict(_receipt(json, i, ".a"), _receipt(json, i, ".b"));
            assertEq(contradict, vm.parseJsonBool(json, _path(i, ".contradict")));
            assertEq(at.contradict(_receipt(json, i, ".b"), _receipt(json, i, ".a")), contradict);
        }
        assertGt(i, 10);
    }

    function _receipt(string memory json, uint256 i, string memory side) internal pure returns (OrderReceipt memory) {
        string memory at = _path(i, side);
        return OrderReceipt({
            orderHash: vm.parseJsonBytes32(json, string.concat(at, ".orderHash")),
            seq: uint64(vm.parseJsonUint(json, string.concat(at, ".seq"))),
            prevReceiptHash: vm.parseJsonBytes32(json, string.concat(at, ".prevReceiptHash")),
            ts: uint64(vm.parseJsonUint(json, string.concat(at, ".ts")))
        });
    }

    function _signature(string memory json, uint256 i, string memory side) internal pure returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(_path(i, side), ".signature"));
    }

    function _signer(string memory json, uint256 i, string memory side) internal pure returns (address) {
        return vm.parseJsonAddress(json, string.concat(_path(i, side), ".signer"));
    }

    function _path(uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]", field);
    }

    /* ATTACKS ON THE EXCHANGE */

    function testFuzz_attack__forgedSecondReceipt(OrderReceipt memory forged, uint256 forger) public {
        forger = bound(forger, 1, CURVE_ORDER - 1);
        vm.assume(forger != key);
        forged.seq = told.seq;
        vm.assume(forged.orderHash != told.orderHash);
        address other = vm.addr(forger);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.DifferentSigners.selector, exchange, other));
        bonds.slash(told, signature(told, key), forged, signature(forged, forger), trader);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.NoBond.selector, other));
        bonds.slash(forged, signature(forged, forger), told, signature(told, forger), trader);
    }

    function test_attack__signatureOfAnotherReceipt() public {
        bytes memory first = signature(told, key);
        address nobody = bonds.signerOf(retold, first);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.DifferentSigners.selector, exchange, nobody));
        bonds.slash(told, first, retold, first, trader);
    }

    function test_attack__signatureOfNobodyTwice() public {
        vm.expectRevert(IReceiptBond.NoSigner.selector);
        bonds.slash(told, new bytes(65), retold, new bytes(65), trader);
        vm.expectRevert(IReceiptBond.NoSigner.selector);
        bonds.slash(told, "", retold, "", trader);
    }

    function test_attack__sameReceiptTwice() public {
        bytes memory first = signature(told, key);
        vm.expectRevert(IReceiptBond.NoContradiction.selector);
        bonds.slash(told, first, told, first, trader);
    }

    function testFuzz_attack__receiptsOfTwoPlaces(OrderReceipt memory a, OrderReceipt memory b) public {
        vm.assume(a.seq != b.seq && a.prevReceiptHash != b.prevReceiptHash);
        vm.expectRevert(IReceiptBond.NoContradiction.selector);
        bonds.slash(a, signature(a, key), b, signature(b, key), trader);
    }

    function test_attack__beginningsOfTwoKeys() public {
        (address next, uint256 nextKey) = makeAddrAndKey("next key");
        told.prevReceiptHash = 0;
        retold.prevReceiptHash = 0;
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.DifferentSigners.selector, exchange, next));
        bonds.slash(told, signature(told, key), retold, signature(retold, nextKey), trader);
    }

    function test_attack__malleableSignatureOfTheSameReceipt() public {
        (uint8 v, bytes32 r, bytes32 s) = signed(told, key, L2_CHAIN_ID, CLEARING);
        bytes memory other = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), 55 - v);
        assertEq(bonds.signerOf(told, other), address(0));
        vm.expectRevert(IReceiptBond.NoContradiction.selector);
        bonds.slash(told, abi.encodePacked(r, s, v), told, other, trader);
        bytes memory second = signature(retold, key);
        vm.expectRevert(IReceiptBond.NoSigner.selector);
        bonds.slash(told, other, retold, second, trader);
    }

    function test_attack__otherDomain() public {
        uint256[3] memory chainIds = [L2_CHAIN_ID + 1, block.chainid, L2_CHAIN_ID];
        address[3] memory contracts = [CLEARING, CLEARING, address(bonds)];
        for (uint256 i = 0; i < 3; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = signed(retold, key, chainIds[i], contracts[i]);
            bytes memory foreign = abi.encodePacked(r, s, v);
            bytes memory own = signature(told, key);
            address other = bonds.signerOf(retold, foreign);
            assertNotEq(other, exchange);
            vm.expectRevert(abi.encodeWithSelector(IReceiptBond.DifferentSigners.selector, exchange, other));
            bonds.slash(told, own, retold, foreign, trader);
        }
    }

    function testFuzz_attack__griefingPost(uint96 gift, uint32 wait) public {
        vm.assume(gift != 0);
        vm.prank(exchange);
        bonds.requestWithdrawal();
        uint256 readyAt = bonds.bond(exchange).readyAt;
        skip(wait);
        vm.deal(trader, gift);
        vm.prank(trader);
        bonds.post{value: gift}(exchange);
        assertEq(bonds.bond(exchange).readyAt, readyAt);
        // The gift is no way to the bond either.
        vm.prank(trader);
        vm.expectRevert(IReceiptBond.NoWithdrawal.selector);
        bonds.withdraw(trader);
        vm.warp(readyAt > vm.getBlockTimestamp() ? readyAt : vm.getBlockTimestamp());
        vm.prank(exchange);
        assertEq(bonds.withdraw(exchange), BOND + gift);
    }

    /* ATTACKS OF THE EXCHANGE */

    function test_attack__withdrawalAtTheLastSecond() public {
        vm.prank(exchange);
        bonds.requestWithdrawal();
        skip(DELAY - 1);
        uint256 before = vm.snapshotState();
        slash(trader);
        assertEq(trader.balance, BOND / 2);
        vm.prank(exchange);
        vm.expectRevert(IReceiptBond.NoWithdrawal.selector);
        bonds.withdraw(exchange);

        // Ready and not paid: still at stake.
        vm.revertToState(before);
        skip(30 days);
        slash(trader);
        assertEq(trader.balance, BOND / 2);

        vm.revertToState(before);
        skip(1);
        vm.prank(exchange);
        bonds.withdraw(exchange);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.NoBond.selector, exchange));
        slash(trader);
        assertEq(exchange.balance, BOND);
    }

    function test_attack__operatorProvesItsOwnLie() public {
        uint256 before = exchange.balance;
        vm.prank(exchange);
        bonds.slash(told, signature(told, key), retold, signature(retold, key), exchange);
        assertLe(exchange.balance - before, BOND / 2);
        vm.expectRevert(abi.encodeWithSelector(IReceiptBond.NoBond.selector, exchange));
        slash(trader);
    }

    function test_attack__beneficiaryReverts() public {
        address sulking = address(new SulkingPayee());
        vm.expectRevert(IReceiptBond.TransferFailed.selector);
        slash(sulking);
        slash(trader);
        assertEq(trader.balance, BOND / 2);
    }

    function test_attack__reentrantBeneficiary() public {
        GreedyPayee greedy = new GreedyPayee(bonds);
        (address other,) = makeAddrAndKey("other exchange");
        bonds.post{value: 5 ether}(other);
        greedy.aim(proof(address(greedy)));
        slash(address(greedy));
        assertEq(greedy.paid(), 1);
        assertFalse(greedy.again());
        assertEq(address(greedy).balance, BOND / 2);
    }

    function test_attack__reentrantWithdrawal() public {
        GreedyPayee greedy = new GreedyPayee(bonds);
        bonds.post{value: 3 ether}(address(greedy));
        bytes[3] memory calls = [
            abi.encodeCall(IReceiptBond.requestWithdrawal, ()),
            abi.encodeCall(IReceiptBond.withdraw, (address(greedy))),
            proof(address(greedy))
        ];
        for (uint256 i = 0; i < 2; ++i) {
            greedy.aim(calls[i]);
            uint256 before = vm.snapshotState();
            vm.prank(address(greedy));
            bonds.requestWithdrawal();
            skip(DELAY);
            vm.prank(address(greedy));
            bonds.withdraw(address(greedy));
            assertFalse(greedy.again());
            assertEq(address(greedy).balance, 3 ether);
            vm.revertToState(before);
        }
        // The key is paid, and its bond is gone when the lie is proven meanwhile.
        greedy.aim(calls[2]);
        vm.prank(exchange);
        bonds.requestWithdrawal();
        skip(DELAY);
        vm.prank(exchange);
        bonds.withdraw(address(greedy));
        assertFalse(greedy.again());
        assertEq(address(greedy).balance, BOND);
        assertEq(address(bonds).balance, 3 ether);
    }
}
