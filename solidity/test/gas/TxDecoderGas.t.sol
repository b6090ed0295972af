// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Rlp} from "../../src/libraries/Rlp.sol";
import {TxHarness} from "../helpers/TxHarness.sol";

/// @notice What decoding a transaction costs, external call included: small ones and the largest of 65,536 bytes.
contract TxDecoderGasTest is Test {
    uint256 internal constant KEY = 7;
    uint256 internal constant MAX_TX_BYTES = 65_536;
    uint256 internal constant GAS_BOUND = 2_000_000;

    TxHarness internal harness;

    function setUp() public {
        harness = new TxHarness();
    }

    function test_gas_decode_transfer() public {
        _measure(_signed("", ""), "transfer");
    }

    function test_gas_decode_fullOfZeros() public {
        _measure(_filled(new bytes(MAX_TX_BYTES)), "65,536 bytes, data all zero");
    }

    function test_gas_decode_fullOfData() public {
        bytes memory data = new bytes(MAX_TX_BYTES);
        for (uint256 i = 0; i < data.length; ++i) {
            data[i] = bytes1(uint8(i));
        }

        _measure(_filled(data), "65,536 bytes, data");
    }

    /// @dev The access list that is dearest to check: entries without keys.
    function test_gas_decode_fullOfAddresses() public {
        bytes memory access = _repeat(abi.encodePacked(hex"d694", address(this), hex"c0"), MAX_TX_BYTES / 23 - 6);

        _measure(_signed("", access), "65,536 bytes, addresses without keys");
    }

    function test_gas_decode_fullOfKeys() public {
        bytes memory keys = _repeat(abi.encodePacked(hex"a0", keccak256("key")), MAX_TX_BYTES / 33 - 5);
        bytes memory entry = bytes.concat(hex"94", bytes20(address(this)), Rlp.header(Rlp.LIST, keys.length), keys);

        _measure(_signed("", bytes.concat(Rlp.header(Rlp.LIST, entry.length), entry)), "65,536 bytes, keys");
    }

    /// @dev Malformed at the very end: the signature is out of range, nothing is counted.
    function test_gas_decode_invalid() public {
        bytes memory raw = _filled(new bytes(MAX_TX_BYTES));
        raw[raw.length - 33] = 0x9f;

        (bool valid,) = harness.decode(raw, 0, raw.length);
        vm.snapshotGasLastCall("TxDecoder", "65,536 bytes, invalid");

        assertFalse(valid);
    }

    function _measure(bytes memory raw, string memory name) internal {
        (bool valid,) = harness.decode(raw, 0, raw.length);
        uint256 used = vm.snapshotGasLastCall("TxDecoder", name);

        assertTrue(valid);
        assertLe(raw.length, MAX_TX_BYTES);
        assertLt(used, GAS_BOUND);
    }

    /// @dev A transaction of exactly MAX_TX_BYTES with as much of `data` as fits.
    function _filled(bytes memory data) internal pure returns (bytes memory raw) {
        uint256 almost = MAX_TX_BYTES - 200;
        _cut(data, almost);
        _cut(data, almost + MAX_TX_BYTES - _signed(data, "").length);
        raw = _signed(data, "");
        assertEq(raw.length, MAX_TX_BYTES);
    }

    function _cut(bytes memory data, uint256 size) internal pure {
        assembly ("memory-safe") {
            mstore(data, size) // at most what it was allocated with
        }
    }

    function _signed(bytes memory data, bytes memory access) internal pure returns (bytes memory) {
        bytes memory items = bytes.concat(
            hex"0105030984ffffffff94",
            bytes20(uint160(KEY)),
            hex"80",
            Rlp.encode(data),
            Rlp.header(Rlp.LIST, access.length),
            access
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, keccak256(_wrap(items)));
        bytes memory signature =
            bytes.concat(Rlp.encode(uint256(v - 27)), Rlp.encode(uint256(r)), Rlp.encode(uint256(s)));
        return _wrap(bytes.concat(items, signature));
    }

    function _wrap(bytes memory items) internal pure returns (bytes memory) {
        return bytes.concat(hex"02", Rlp.header(Rlp.LIST, items.length), items);
    }

    function _repeat(bytes memory part, uint256 times) internal pure returns (bytes memory all) {
        all = new bytes(part.length * times);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = part[i % part.length];
        }
    }
}
