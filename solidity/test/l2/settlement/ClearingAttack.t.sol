// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {IClearing} from "../../../src/interfaces/settlement/IClearing.sol";
import {ILedger} from "../../../src/interfaces/settlement/ILedger.sol";
import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {CLEARING, LEDGER} from "../../../src/libraries/Constants.sol";
import {Bust, SubaccountId} from "../../../src/types/Settlement.sol";
import {Quote, Ticket} from "../../helpers/BatchBuilder.sol";
import {ClearingWorld} from "../../helpers/ClearingWorld.sol";

/// @notice What somebody might try with signatures, trees, tables and bytes.
contract ClearingAttackTest is ClearingWorld {
    uint256 internal constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    Ticket internal maker;
    Ticket internal taker;
    uint256 internal sessionSigner = uint256(keccak256("session"));

    function setUp() public override {
        super.setUp();
        maker = ticket(0, true, 50, PAR);
        taker = ticket(1, false, 50, PAR);
    }

    /* SIGNATURES */

    function test_pitfall_20__orderOfAnotherChain__isNotSigned() public {
        bytes memory signature = sign(maker.signer, digestIn(maker, domain(block.chainid + 1, CLEARING)));
        assertReason(signedBy(signature), Bust.BAD_SIGNATURE);
    }

    function test_pitfall_20__orderForAnotherContract__isNotSigned() public {
        bytes memory signature = sign(maker.signer, digestIn(maker, domain(block.chainid, LEDGER)));
        assertReason(signedBy(signature), Bust.BAD_SIGNATURE);
    }

    function test_attack__sameChainAndContract__isSigned() public {
        assertReason(signedBy(sign(maker.signer, digestIn(maker, domain()))), Bust.NONE);
    }

    /// @dev The other signature of the same message would be a second order, were orders known by their signatures.
    function test_pitfall_20__malleableSignature__isNone() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(maker.signer, digestOf(maker));
        uint256 high = ORDER - uint256(s);
        // A high s has no room for the parity when its top bit is set.
        bytes memory signature = abi.encodePacked(r, bytes32(high | uint256(28 - v) << 255));
        assertReason(signedBy(signature), Bust.BAD_SIGNATURE);
    }

    function test_pitfall_20__zeroSignature__isNobodys() public {
        assertReason(signedBy(new bytes(64)), Bust.BAD_SIGNATURE);
    }

    function testFuzz_attack__anySignature__isNotTheOwners(bytes32 r, bytes32 vs) public {
        assertReason(signedBy(abi.encodePacked(r, vs)), Bust.BAD_SIGNATURE);
    }

    /// @dev Every field of an order is under its signature.
    function testFuzz_pitfall_20__changedField__isNotSigned(uint8 field, uint64 noise) public {
        bytes memory signature = sign(maker.signer, digestOf(maker));
        taker.ticks = 1;
        field %= 6;
        if (field == 0) maker.lots += uint48(bound(noise, 1, 1e6));
        if (field == 1) maker.ticks += uint40(bound(noise, 1, 1e6));
        if (field == 2) maker.maxFeePips += uint24(bound(noise, 1, 1e6));
        if (field == 3) maker.expiry += uint40(bound(noise, 1, 1e6));
        if (field == 4) maker.nonce += uint64(bound(noise, 1, 1e6));
        if (field == 5) maker.flags = uint8(bound(noise, 1, 15));
        assertReason(signedBy(signature), Bust.BAD_SIGNATURE);
    }

    function test_attack__orderOfAnothersSubaccount__isNotSigned() public {
        maker.subaccount = user(2);
        assertReason(pair(maker, taker, 10), Bust.BAD_SIGNATURE);
    }

    function test_attack__sideTurned__isNotSigned() public {
        bytes memory signature = sign(maker.signer, digestOf(maker));
        (maker.isBuy, taker.isBuy) = (false, true);
        assertReason(signedBy(signature), Bust.BAD_SIGNATURE);
    }

    /* SESSION KEYS */

    function test_sessionKey_trades() public {
        allow(0, uint64(block.timestamp), SubaccountId.wrap(0), 1);
        maker.signer = sessionSigner;
        assertReason(pair(maker, taker, 10), Bust.NONE);
    }

    function test_attack__sessionKey__expired() public {
        allow(0, uint64(block.timestamp) - 1, SubaccountId.wrap(0), 1);
        maker.signer = sessionSigner;
        assertReason(pair(maker, taker, 10), Bust.BAD_SIGNATURE);
    }

    function test_pitfall_20__sessionKey__expiresBeforeTheOrder__isCheckedAtExecution() public {
        allow(0, uint64(block.timestamp) + 10, SubaccountId.wrap(0), 1);
        (maker.signer, maker.expiry, taker.expiry) =
        (sessionSigner, uint40(block.timestamp) + 20, uint40(block.timestamp) + 20);
        assertReason(pair(maker, taker, 10), Bust.NONE);
        vm.warp(block.timestamp + 11);
        assertReason(pair(maker, taker, 10), Bust.BAD_SIGNATURE);
    }

    function test_attack__sessionKey__ofOneSubaccount__doesNotSignForAnother() public {
        vm.startPrank(owner(0));
        SubaccountId second = BOOKS.open(0);
        CLEAR.setSessionKey(vm.addr(sessionSigner), uint64(block.timestamp), user(0), 1);
        vm.stopPrank();
        keys.push(keys[0]);
        maker.signer = sessionSigner;
        assertReason(pair(maker, taker, 10), Bust.NONE);
        maker.subaccount = second;
        assertReason(pair(maker, taker, 10), Bust.BAD_SIGNATURE);
    }

    function test_attack__sessionKey__revoked() public {
        allow(0, uint64(block.timestamp), SubaccountId.wrap(0), 1);
        allow(0, uint64(block.timestamp), SubaccountId.wrap(0), 0);
        maker.signer = sessionSigner;
        assertReason(pair(maker, taker, 10), Bust.BAD_SIGNATURE);
    }

    function test_attack__sessionKey__ofAnotherOwner() public {
        allow(2, uint64(block.timestamp), SubaccountId.wrap(0), 1);
        maker.signer = sessionSigner;
        assertReason(pair(maker, taker, 10), Bust.BAD_SIGNATURE);
    }

    function test_setSessionKey_nobodyOrUnknownScope_reverts() public {
        vm.expectRevert(IClearing.InvalidSessionKey.selector);
        CLEAR.setSessionKey(address(0), 1, SubaccountId.wrap(0), 1);
        vm.expectRevert(IClearing.InvalidSessionKey.selector);
        CLEAR.setSessionKey(address(1), 1, SubaccountId.wrap(0), 2);
    }

    function test_setSessionKey_isKept() public {
        vm.expectEmit(CLEARING);
        emit IClearing.SessionKeySet(owner(0), address(77), 5, user(0), 1);
        vm.prank(owner(0));
        CLEAR.setSessionKey(address(77), 5, user(0), 1);
        (uint64 expiry, SubaccountId subaccount, uint8 scope) = CLEAR.sessionKey(owner(0), address(77));
        assertEq(abi.encode(expiry, subaccount, scope), abi.encode(5, user(0), 1));
    }

    function test_raiseNonceFloor_onlyUpwards() public {
        vm.startPrank(owner(0));
        vm.expectEmit(CLEARING);
        emit IClearing.NonceFloorRaised(owner(0), 5);
        CLEAR.raiseNonceFloor(5);
        vm.expectRevert(abi.encodeWithSelector(IClearing.FloorNotRaised.selector, 5));
        CLEAR.raiseNonceFloor(5);
        assertEq(CLEAR.nonceFloor(owner(0)), 5);
    }

    /* REPLAY AND OVERFILL */

    function test_pitfall_21__replayedBatch__fillsNothing() public {
        Draft memory d = pair(maker, taker, 50);
        assertEq(settle(d), 1);
        assertReason(d, Bust.OVERFILLED);
        assertEq(sizeOf(user(0), BTC), int256(50 * LOT));
    }

    function testFuzz_attack__overfillByManySmallFills__stopsAtTheLots(uint256 seed) public {
        Draft memory d = draft();
        addOrder(d, maker);
        addOrder(d, taker);
        for (uint256 i = 0; i < 12; ++i) {
            addFill(d, 0, 1, uint48(1 + uint256(keccak256(abi.encode(seed, i))) % 20));
        }
        settle(d);
        assertLe(sizeOf(user(0), BTC), int256(50 * LOT));
        assertEq(CLEAR.filledLots(digestOf(maker), 0) * LOT, uint256(sizeOf(user(0), BTC)));
    }

    function test_attack__sameOrderTwiceInABatch__cannotExceedIt() public {
        Draft memory d = pair(maker, taker, 30);
        addOrder(d, maker);
        addOrder(d, ticket(2, false, 50, PAR));
        addFill(d, 2, 3, 21);
        vm.expectRevert(abi.encodeWithSelector(IClearing.EntryTwice.selector, digestOf(maker), 0));
        settle(d);
    }

    function test_sameOrderTwiceInABatch_withinItsLots_counts() public {
        Draft memory d = pair(maker, taker, 30);
        addOrder(d, maker);
        addOrder(d, ticket(2, false, 50, PAR));
        addFill(d, 2, 3, 20);
        assertEq(settle(d), 2);
        assertEq(CLEAR.filledLots(digestOf(maker), 0), 50);
    }

    function test_attack__sameQuoteTwiceInATree__cannotExceedIt() public {
        Quote[] memory quotes = new Quote[](2);
        (quotes[0], quotes[1]) = (Quote(3, true, 10, PAR), Quote(3, true, 10, PAR));
        (bytes32 root,) = fold(quotes);
        Draft memory d = draft();
        addQuotes(d, maker, quotes);
        addOrder(d, taker);
        addFill(d, 0, 2, 10);
        addFill(d, 1, 2, 10);
        bytes32 digest = quotesDigest(maker, root);
        vm.expectRevert(abi.encodeWithSelector(IClearing.EntryTwice.selector, digest, 3));
        settle(d);
    }

    function test_attack__sameQuotesTwiceInABatch__cannotExceedThem() public {
        Quote[] memory quotes = new Quote[](1);
        quotes[0] = Quote(3, true, 10, PAR);
        Draft memory d = draft();
        addQuotes(d, maker, quotes);
        addQuotes(d, maker, quotes);
        addOrder(d, taker);
        addFill(d, 0, 2, 10);
        addFill(d, 1, 2, 1);
        bytes32 digest = quotesDigest(maker, leafOf(quotes[0]));
        vm.expectRevert(abi.encodeWithSelector(IClearing.EntryTwice.selector, digest, 3));
        settle(d);
    }

    /// @dev Who signs the same root has quotes of its own and does not use up the other's.
    function test_attack__rootOfAnother__hasItsOwnFills() public {
        Quote[] memory quotes = new Quote[](1);
        quotes[0] = Quote(0, true, 10, PAR);
        Draft memory d = draft();
        addQuotes(d, ticket(2, true, 0, 0), quotes);
        addOrder(d, taker);
        addFill(d, 0, 1, 10);
        assertEq(settle(d), 1);

        assertEq(CLEAR.filledLots(quotesDigest(maker, leafOf(quotes[0])), 0), 0);
        assertEq(CLEAR.filledLots(quotesDigest(ticket(2, true, 0, 0), leafOf(quotes[0])), 0), 10);
    }

    /// @dev Neighbours share a slot; none touches another, however full.
    function testFuzz_filledLots_ofNeighbours_areApart(uint48[7] memory lots) public {
        Quote[] memory quotes = new Quote[](7);
        Draft memory d = draft();
        for (uint16 i = 0; i < 7; ++i) {
            lots[i] = uint48(bound(lots[i], 1, type(uint40).max));
            quotes[i] = Quote(4 + i, true, lots[i], PAR);
        }
        addQuotes(d, maker, quotes);
        taker.lots = type(uint48).max;
        addOrder(d, taker);
        for (uint16 i = 0; i < 7; ++i) {
            addFill(d, (i * 3) % 7, 7, lots[(i * 3) % 7]);
        }
        assertEq(settle(d), 7);
        (bytes32 root,) = fold(quotes);
        for (uint16 i = 0; i < 7; ++i) {
            assertEq(CLEAR.filledLots(quotesDigest(maker, root), 4 + i), lots[i]);
        }
        assertEq(CLEAR.filledLots(quotesDigest(maker, root), 3), 0);
        assertEq(CLEAR.filledLots(quotesDigest(maker, root), 11), 0);
    }

    /// @dev The most that fits an order fits its counter.
    function test_filledLots_ofTheLargestOrder() public {
        IMarkets.Trading memory trading = openMarket();
        (trading.openInterestCapWad, trading.positionCapWad) = (1e29, 1e29);
        BOARD.set(BTC, trading);
        (maker.lots, taker.lots) = (type(uint48).max, type(uint48).max);
        assertReason(pair(maker, taker, type(uint48).max), Bust.NONE);
        assertEq(CLEAR.filledLots(digestOf(maker), 0), type(uint48).max);
        assertEq(CLEAR.filledLots(digestOf(maker), 1), 0);
    }

    /* TREES */

    /// @dev A quote that is not in the tree under the signature.
    function test_attack__quoteBesideTheTree__isNotSigned() public {
        Quote memory signed = Quote(0, true, 10, PAR);
        Quote memory forged = Quote(0, true, 10, PAR + 500);
        bytes memory signature = sign(maker.signer, quotesDigest(maker, leafOf(signed)));
        assertReason(treeOf(signature, 1, opOf(forged)), Bust.BAD_SIGNATURE);
        // The signed leaf as an opaque subtree, the forged one beside it: another root.
        bytes memory program = abi.encodePacked(uint8(0), leafOf(signed), opOf(forged), uint8(2));
        assertReason(treeOf(signature, 3, program), Bust.BAD_SIGNATURE);
    }

    /// @dev An inner node has 65 bytes before hashing and a leaf 15, each with its own first byte: neither passes for the other.
    function test_attack__nodeAsLeaf__hasAnotherHash() public {
        Quote memory quote = Quote(0, true, 10, PAR);
        bytes32 untagged = keccak256(abi.encodePacked(quote.index, quote.isBuy, quote.lots, quote.ticks));
        bytes memory signature = sign(maker.signer, quotesDigest(maker, untagged));
        assertReason(treeOf(signature, 1, opOf(quote)), Bust.BAD_SIGNATURE);
    }

    function test_attack__programs__thatDoNotEndInOneHash__areMalformed() public {
        bytes memory leaf = opOf(Quote(0, true, 10, PAR));
        bytes memory signature = new bytes(64);
        assertMalformed(bytesOf(treeOf(signature, 0, "")));
        assertMalformed(bytesOf(treeOf(signature, 1, hex"02")));
        assertMalformed(bytesOf(treeOf(signature, 2, bytes.concat(leaf, leaf))));
        assertMalformed(bytesOf(treeOf(signature, 2, bytes.concat(leaf, hex"02"))));
        assertMalformed(bytesOf(treeOf(signature, 3, bytes.concat(leaf, leaf, leaf))));
        assertMalformed(bytesOf(treeOf(signature, 1, hex"03")));
        assertMalformed(bytesOf(treeOf(signature, 1, abi.encodePacked(uint8(1), uint16(0), uint8(2), uint88(7)))));
    }

    /* TABLES AND BYTES */

    /// @dev Two places of one subaccount would be two margin checks of half the trades.
    function test_attack__subaccountTwiceInTheTable__isMalformed() public {
        assertMalformed(abi.encodePacked(uint8(1), uint8(2), uint64(16), uint64(16), uint8(0), uint40(0)));
        assertMalformed(abi.encodePacked(uint8(1), uint8(2), uint64(17), uint64(16), uint8(0), uint40(0)));
    }

    function test_attack__marketTwiceInTheTable__isMalformed() public {
        assertMalformed(abi.encodePacked(uint8(1), uint8(0), uint8(2), uint32(1), uint32(1), uint40(0)));
    }

    function test_attack__placesBeyondTheTables__areMalformed() public {
        bytes memory sound = bytesOf(pair(maker, taker, 10));
        uint256 orders = 1 + 1 + 8 * N_TRADERS + 1 + 8 + 5;
        uint256 fill = sound.length - 10;
        assertMalformed(withByte(sound, orders, uint8(N_TRADERS)));
        assertMalformed(withByte(sound, orders + 1, 2));
        assertMalformed(withByte(sound, orders + 2, 0x90)); // an unknown flag
        assertMalformed(withByte(sound, fill + 1, 2));
        assertMalformed(withByte(sound, fill + 3, 2));
        assertMalformed(withByte(sound, fill + 9, 0)); // no lots
        assertMalformed(withByte(sound, 0, 2)); // another version
        assertMalformed(withByte(sound, orders - 2, 0xff)); // more fills than there are bytes
        assertMalformed(withByte(sound, orders - 1, 2)); // a fill out of the bytes of an order
    }

    function testFuzz_attack__cutOrExtended__isMalformed(uint256 length, bytes1 extra) public {
        bytes memory sound = bytesOf(pair(maker, taker, 10));
        assertMalformed(bytes.concat(sound, extra));
        length = bound(length, 0, sound.length - 1);
        assembly ("memory-safe") {
            mstore(sound, length)
        }
        assertMalformed(sound);
    }

    /// @dev Whatever the bytes: refused as malformed, or settled with nothing created.
    function testFuzz_attack__anyBytes__areMalformedOrHarmless(bytes memory noise) public {
        _assertHarmless(bytes.concat(hex"01", noise));
    }

    function testFuzz_attack__oneWrongByte__isMalformedOrHarmless(uint256 at, uint8 value) public {
        bytes memory sound = bytesOf(pair(maker, taker, 10));
        _assertHarmless(withByte(sound, at % sound.length, value));
    }

    /* ACCESS */

    function test_attack__closeAgainst__byAStranger__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IClearing.NotModule.selector, address(this)));
        CLEAR.closeAgainst(user(0), BTC, 1e18, 1e18, "");
    }

    function test_attack__settleBatch__insideAnotherModule__reverts() public {
        vm.prank(CLEARING);
        BOOKS.enter();
        bytes memory batch = bytesOf(draft());
        vm.expectRevert(ILedger.Reentered.selector);
        CLEAR.settleBatch(batch);
    }

    /* HELPERS */

    function assertReason(Draft memory d, Bust reason) internal {
        assertEq(uint256(settleForReasons(d)[0]), uint256(reason));
    }

    function assertMalformed(bytes memory batch) internal {
        vm.expectPartialRevert(IClearing.MalformedBatch.selector);
        CLEAR.settleBatch(batch);
    }

    function _assertHarmless(bytes memory batch) internal {
        try CLEAR.settleBatch(batch) returns (uint256 nFills) {
            assertLe(nFills, 1);
            int256 size = sizeOf(user(0), BTC);
            assertTrue(size == 0 || (nFills == 1 && size > 0 && size <= int256(50 * LOT)));
            assertEq(sizeOf(user(1), BTC), -size);
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IClearing.MalformedBatch.selector);
        }
    }

    /// @dev The maker's order with another signature, against the taker's.
    function signedBy(bytes memory signature) internal view returns (Draft memory d) {
        d = draft();
        addOrder(d, maker, signature);
        addOrder(d, taker);
        addFill(d, 0, 1, 10);
    }

    function treeOf(bytes memory signature, uint16 nOps, bytes memory program) internal view returns (Draft memory d) {
        d = draft();
        addProgram(d, maker, signature, nOps, program);
        addOrder(d, taker);
        addFill(d, 0, 1, 10);
    }

    function withByte(bytes memory data, uint256 at, uint8 value) internal pure returns (bytes memory changed) {
        changed = bytes.concat(data);
        changed[at] = bytes1(value);
    }

    function allow(uint256 trader, uint64 expiry, SubaccountId subaccount, uint8 scope) internal {
        vm.prank(owner(trader));
        CLEAR.setSessionKey(vm.addr(sessionSigner), expiry, subaccount, scope);
    }

    function digestIn(Ticket memory t, bytes32 separator) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, structHashOf(t, TICK)));
    }
}
