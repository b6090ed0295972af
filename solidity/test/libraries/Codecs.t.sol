// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Account as StateAccount, AccountCodec} from "../../src/libraries/AccountCodec.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";
import {CodecHarness} from "../helpers/CodecHarness.sol";
import {PlainTrie} from "../helpers/PlainTrie.sol";

/// @notice RLP and the account codec: round trips, and nothing but canonical forms.
contract CodecsTest is Test {
    CodecHarness internal harness;

    function setUp() public {
        harness = new CodecHarness();
    }

    function testFuzz_encodeString_anyString_isThePlainEncoding(bytes calldata data) public view {
        assertEq(harness.encodeString(data), PlainTrie.str(data));
    }

    function testFuzz_integer_anyValue_roundTrips(uint256 value, uint8 shift) public view {
        value >>= shift;
        bytes memory minimal = value == 0 ? bytes("") : _trim(abi.encode(value));

        assertEq(harness.encodeInteger(value), PlainTrie.str(minimal));
        assertEq(harness.decodeInteger(harness.encodeInteger(value), 32), value);
    }

    function testFuzz_integer_leadingZero_reverts(uint248 value) public {
        bytes memory payload = bytes.concat(hex"00", _trim(abi.encode(value)));

        vm.expectRevert(Rlp.InvalidRlp.selector);
        harness.decodeInteger(PlainTrie.str(payload), 32);
    }

    function testFuzz_integer_tooLong_reverts(uint256 value) public {
        value = bound(value, 1 << 64, type(uint256).max);
        bytes memory encoded = harness.encodeInteger(value);

        vm.expectRevert(Rlp.InvalidRlp.selector);
        harness.decodeInteger(encoded, 8);
    }

    function testFuzz_header_anySize_isWrittenAlike(uint32 size, uint8 shift, bool isList) public view {
        uint256 kind = isList ? Rlp.LIST : Rlp.STRING;
        (bytes memory allocated, bytes memory written) = harness.headers(kind, size >> (shift % 32));

        assertEq(allocated, written);
    }

    function testFuzz_splitList_anyItems_roundTrips(bytes[] calldata payloads) public view {
        bytes memory joined;
        for (uint256 i = 0; i < payloads.length; ++i) {
            joined = bytes.concat(joined, harness.encodeString(payloads[i]));
        }

        bytes[] memory items = harness.splitList(bytes.concat(Rlp.header(Rlp.LIST, joined.length), joined));

        assertEq(items.length, payloads.length);
        for (uint256 i = 0; i < items.length; ++i) {
            assertEq(items[i], PlainTrie.str(payloads[i]));
        }
    }

    function test_splitList_notCanonical_reverts() public {
        bytes[11] memory malformed = [
            bytes(""),
            hex"80", // a string
            hex"c1", // cut off
            hex"c000", // trailing byte
            hex"c28105", // prefix before a small byte
            hex"c28163",
            hex"c381", // item beyond its list
            hex"f801c0", // long form of a short list
            hex"f90000", // leading zero in a length
            hex"c3b80161", // long form of a short string
            hex"ffffffffffffffffff" // 2^64 bytes
        ];
        for (uint256 i = 0; i < malformed.length; ++i) {
            vm.expectRevert(Rlp.InvalidRlp.selector);
            harness.splitList(malformed[i]);
        }
    }

    function testFuzz_account_anyAccount_roundTrips(StateAccount memory account, uint8 shift) public view {
        account.nonce >>= shift % 64;
        account.balance >>= shift;

        StateAccount memory decoded = harness.decodeAccount(harness.encodeAccount(account));

        assertEq(abi.encode(decoded), abi.encode(account));
    }

    function testFuzz_account_arbitraryBytes_revertOrRoundTrip(StateAccount memory account, uint256 place, bytes1 value)
        public
        view
    {
        bytes memory raw = harness.encodeAccount(account);
        raw[place % raw.length] = value;

        try harness.decodeAccount(raw) returns (StateAccount memory decoded) {
            assertEq(harness.encodeAccount(decoded), raw);
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), Rlp.InvalidRlp.selector);
        }
    }

    function test_account_empty_hasTheKnownHashes() public pure {
        StateAccount memory account = AccountCodec.empty();

        assertEq(account.codeHash, 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470);
        assertEq(account.storageRoot, 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421);
        assertEq(account.nonce + account.balance, 0);
    }

    function testFuzz_slot_nonZero_roundTrips(uint256 value, uint8 shift) public view {
        value = bound(value >> shift, 1, type(uint256).max);

        assertEq(harness.decodeSlot(harness.encodeSlot(value)), value);
    }

    function test_slot_zero_reverts() public {
        vm.expectRevert(Rlp.InvalidRlp.selector);
        harness.decodeSlot(hex"80");
    }

    /// @dev `word` without its leading zero bytes.
    function _trim(bytes memory word) internal pure returns (bytes memory trimmed) {
        uint256 zeros;
        while (zeros < word.length && word[zeros] == 0) {
            ++zeros;
        }
        trimmed = new bytes(word.length - zeros);
        for (uint256 i = 0; i < trimmed.length; ++i) {
            trimmed[i] = word[zeros + i];
        }
    }
}
