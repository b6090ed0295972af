// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Rlp} from "../../src/libraries/Rlp.sol";
import {DecodedTx} from "../../src/libraries/TxDecoder.sol";
import {TxHarness} from "../helpers/TxHarness.sol";

/// @notice The transaction decoder gives a verdict on any bytes, and reads what a wallet signed.
contract TxDecoderTest is Test {
    uint256 internal constant KEY = 7;

    TxHarness internal harness;

    function setUp() public {
        harness = new TxHarness();
    }

    // ------------------------------------------------------------------------------------------ never a revert

    function testFuzz_decode_anyBytes_givesAVerdict(bytes calldata raw) public view {
        harness.decode(raw, 0, raw.length);
    }

    /// @dev A type byte and a list header that fits let the decoder look at the items.
    function testFuzz_decode_anyItems_givesAVerdict(uint8 kind, bytes calldata items) public view {
        _verdict(_wrap(kind % 3, items));
    }

    /// @dev Headers and lengths of lengths beside random bytes.
    function testFuzz_decode_headersOnly_givesAVerdict(uint8 kind, uint256 seed, uint8 size) public view {
        bytes memory headers = hex"000180819400a0b7b8b9bfc0c1d694f7f8f9ff";
        bytes memory items = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            items[i] = headers[uint256(keccak256(abi.encode(seed, i))) % headers.length];
        }

        _verdict(_wrap(kind % 3, items));
    }

    function testFuzz_decode_validButForOneByte_givesAVerdict(uint8 kind, uint256 seed, uint256 place, bytes1 other)
        public
        view
    {
        bytes memory raw = _signed(kind % 3, seed, abi.encode(seed));
        raw[place % raw.length] = other;

        _verdict(raw);
    }

    function testFuzz_decode_validButCut_isInvalid(uint8 kind, uint256 seed, uint256 size) public view {
        bytes memory raw = _signed(kind % 3, seed, abi.encode(seed));
        size %= raw.length;

        // What was cut off still stands behind the end.
        (bool valid,) = harness.decode(raw, 0, size);

        assertFalse(valid);
    }

    /// @dev A signature check that got too little gas is no verdict.
    function test_decode_tooLittleGas_revertsOrIsValid() public view {
        bytes memory raw = _signed(2, 1, "");
        bytes memory call = abi.encodeCall(harness.decode, (raw, 0, raw.length));
        uint256 verdicts;
        for (uint256 amount = 1000; amount < 26_000; amount += 5) {
            (bool success, bytes memory output) = address(harness).staticcall{gas: amount}(call);
            if (!success) continue;
            ++verdicts;
            assertEq(abi.decode(output, (uint256)), 1);
        }
        assertGt(verdicts, 100);
    }

    // ------------------------------------------------------------------------------------------ what was signed

    function testFuzz_decode_signed_isRead(uint8 kind, uint256 seed, bytes calldata data, bytes calldata before)
        public
        view
    {
        kind %= 3;
        bytes memory raw = _signed(kind, seed, data);

        (bool valid, DecodedTx memory decoded) =
            harness.decode(bytes.concat(before, raw, before), before.length, before.length + raw.length);

        assertTrue(valid);
        assertEq(decoded.sender, vm.addr(KEY));
        assertEq(decoded.txHash, keccak256(raw));
        assertEq(decoded.txType, kind);
        assertTrue(decoded.hasChainId);
        assertEq(decoded.chainId, seed >> 1 > 36 ? (seed >> 1) - 36 : seed >> 1);
        assertEq(decoded.nonce, uint64(seed));
        assertEq(decoded.maxPriorityFee, seed >> 3);
        assertEq(decoded.maxFee, kind == 2 ? seed >> 2 : seed >> 3);
        assertEq(decoded.gasLimit, uint64(seed >> 8));
        assertEq(decoded.value, seed);
        assertEq(decoded.isCreate, seed % 2 == 0);
        assertEq(decoded.to, decoded.isCreate ? address(0) : address(uint160(seed)));
        assertEq(decoded.dataLength, data.length);
        assertEq(decoded.zeroBytes, _zeros(data));
        assertEq(decoded.accessAddresses, kind == 0 ? 0 : 1);
        assertEq(decoded.accessKeys, kind == 0 ? 0 : 1);
        for (uint256 i = 0; i < data.length; ++i) {
            assertEq(raw[decoded.dataOffset + i], data[i]);
        }
        if (kind != 0) _checkEntry(raw, decoded, seed);
    }

    function testFuzz_intrinsicGas_signed_isTheSum(uint8 kind, uint256 seed, bytes calldata data) public view {
        kind %= 3;
        uint256 expected = 21_000 + 16 * data.length - 12 * _zeros(data);
        if (kind != 0) expected += 2400 + 1900;
        if (seed % 2 == 0) expected += 32_000 + 2 * ((data.length + 31) / 32);

        assertEq(harness.intrinsicGas(_signed(kind, seed, data)), expected);
    }

    /// @dev Hardly any zeros, in more words than one sum of flags takes.
    function test_decode_longData_countsItsZeros() public view {
        bytes memory data = new bytes(8200);
        for (uint256 i = 0; i < data.length; ++i) {
            if (i % 4099 != 0) data[i] = 0x80;
        }
        for (uint256 size = 8200; size >= 8150; --size) {
            assembly ("memory-safe") {
                mstore(data, size) // cut
            }
            bytes memory raw = _signed(2, 1, data);

            (, DecodedTx memory decoded) = harness.decode(raw, 0, raw.length);

            assertEq(decoded.zeroBytes, size > 8198 ? 3 : 2);
        }
    }

    // ------------------------------------------------------------------------------------------ access lists

    function test_entryAt_witnessTooShort_reverts() public {
        bytes memory raw = abi.encodePacked(hex"d694", address(this), hex"c0");
        harness.entryAt(raw, 0);

        for (uint256 size = 0; size < raw.length; ++size) {
            bytes memory short = abi.encodePacked(raw);
            assembly ("memory-safe") {
                mstore(short, size) // cut
            }
            vm.expectRevert();
            harness.entryAt(short, 0);
        }
        vm.expectRevert();
        harness.keyAt(new bytes(32), 0);
    }

    function _checkEntry(bytes memory raw, DecodedTx memory decoded, uint256 seed) internal view {
        (address account, uint256 keysStart, uint256 keysEnd) = harness.entryAt(raw, decoded.accessOffset);

        assertEq(account, address(uint160(seed)));
        assertEq(keysEnd, decoded.accessOffset + decoded.accessLength);
        assertEq(keysEnd - keysStart, 33);
        assertEq(harness.keyAt(raw, keysStart), bytes32(seed));
    }

    // ------------------------------------------------------------------------------------------ encoding

    function _verdict(bytes memory raw) internal view {
        harness.decode(raw, 0, raw.length);
    }

    /// @dev A transaction of a type, whose other fields follow from `seed`, signed by KEY.
    function _signed(uint256 kind, uint256 seed, bytes memory data) internal pure returns (bytes memory) {
        uint256 chainId = seed >> 1 > 36 ? (seed >> 1) - 36 : seed >> 1;
        bytes memory items = bytes.concat(_head(kind, seed, chainId), _tail(kind, seed, data));
        bytes memory extra = kind == 0 ? bytes.concat(Rlp.encode(chainId), hex"8080") : bytes("");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, keccak256(_wrap(kind, bytes.concat(items, extra))));
        uint256 parity = kind == 0 ? chainId * 2 + v + 8 : v - 27;
        return _wrap(kind, bytes.concat(items, Rlp.encode(parity), Rlp.encode(uint256(r)), Rlp.encode(uint256(s))));
    }

    /// @dev The items up to the gas limit.
    function _head(uint256 kind, uint256 seed, uint256 chainId) internal pure returns (bytes memory) {
        return bytes.concat(
            kind == 0 ? bytes("") : Rlp.encode(chainId),
            Rlp.encode(uint64(seed)),
            Rlp.encode(seed >> 3),
            kind == 2 ? Rlp.encode(seed >> 2) : bytes(""),
            Rlp.encode(uint64(seed >> 8))
        );
    }

    /// @dev The items from the recipient on, without the signature.
    function _tail(uint256 kind, uint256 seed, bytes memory data) internal pure returns (bytes memory) {
        return bytes.concat(
            Rlp.encode(seed % 2 == 0 ? bytes("") : abi.encodePacked(address(uint160(seed)))),
            Rlp.encode(seed),
            Rlp.encode(data),
            kind == 0 ? bytes("") : _accessList(seed)
        );
    }

    /// @dev One address with one key.
    function _accessList(uint256 seed) internal pure returns (bytes memory) {
        bytes memory keys = bytes.concat(hex"e1a0", bytes32(seed));
        return bytes.concat(hex"f838f794", bytes20(uint160(seed)), keys);
    }

    function _wrap(uint256 kind, bytes memory items) internal pure returns (bytes memory) {
        bytes memory body = bytes.concat(Rlp.header(Rlp.LIST, items.length), items);
        return kind == 0 ? body : bytes.concat(bytes1(uint8(kind)), body);
    }

    function _zeros(bytes memory data) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < data.length; ++i) {
            if (data[i] == 0) ++count;
        }
    }
}
