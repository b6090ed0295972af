// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {CLEARING} from "../../src/libraries/Constants.sol";
import {OrderHash, OrderWords} from "../../src/libraries/settlement/OrderHash.sol";
import {FIRST_SUBACCOUNT, MarketId, SubaccountId} from "../../src/types/Settlement.sol";
import {ClearingWorld} from "../helpers/ClearingWorld.sol";
import {OrderHashHarness} from "../helpers/OrderHashHarness.sol";

/// @notice What traders sign, and batches, on the vectors that Python wrote.
contract OrderVectorsTest is ClearingWorld {
    function test_orders_everyVector_agrees() public {
        string memory json = vm.readFile("tests/vectors/orders.json");
        vm.etch(CLEARING, address(new OrderHashHarness()).code);
        for (uint256 i = 0; _has(json, i); ++i) {
            vm.chainId(vm.parseJsonUint(json, _path(i, "chainId")));
            bytes memory signature = vm.parseJsonBytes(json, _path(i, "signature"));

            (bytes32 digest, address signer) =
                OrderHashHarness(CLEARING).judge(_order(json, i), bytes32(signature), _second(signature));

            assertEq(digest, vm.parseJsonBytes32(json, _path(i, "digest")));
            assertEq(signer, vm.parseJsonAddress(json, _path(i, "signer")));
        }
    }

    function test_batches_everyVector_settles() public {
        string memory json = vm.readFile("tests/vectors/batches.json");
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; _has(json, i); ++i) {
            _checkBatch(json, i);
            vm.revertToState(before);
        }
    }

    function _checkBatch(string memory json, uint256 i) internal {
        vm.chainId(vm.parseJsonUint(json, _path(i, "chainId")));
        vm.warp(vm.parseJsonUint(json, _path(i, "time")));
        IMarkets.Trading memory trading = openMarket();
        trading.lotWad = uint128(vm.parseJsonUint(json, _path(i, "lotWad")));
        trading.tickWad = uint128(vm.parseJsonUint(json, _path(i, "tickWad")));
        BOARD.set(BTC, trading);
        bytes32[] memory keys_ = vm.parseJsonBytes32Array(json, _path(i, "keys"));
        uint256[] memory indices = vm.parseJsonUintArray(json, _path(i, "indices"));
        uint256[] memory filled = vm.parseJsonUintArray(json, _path(i, "filled"));

        uint256 nFills = CLEAR.settleBatch(vm.parseJsonBytes(json, _path(i, "batch")));

        assertEq(nFills, vm.parseJsonUint(json, _path(i, "nFills")));
        for (uint256 k = 0; k < keys_.length; ++k) {
            assertEq(CLEAR.filledLots(keys_[k], uint16(indices[k])), filled[k]);
        }
    }

    /// @dev The owners of the vectors instead of the world's traders.
    function addTraders(uint256) internal override {
        address[] memory owners =
            vm.parseJsonAddressArray(vm.readFile("tests/vectors/batches.json"), ".cases[0].owners");
        for (uint256 i = 0; i < owners.length; ++i) {
            assertEq(SubaccountId.unwrap(openFor(owners[i])), FIRST_SUBACCOUNT + i);
        }
    }

    function _order(string memory json, uint256 i) internal pure returns (OrderWords memory) {
        return OrderWords({
            typeHash: OrderHash.ORDER_TYPE,
            subaccount: SubaccountId.wrap(uint64(vm.parseJsonUint(json, _path(i, "subaccount")))),
            market: MarketId.wrap(uint32(vm.parseJsonUint(json, _path(i, "market")))),
            isBuy: vm.parseJsonBool(json, _path(i, "isBuy")),
            sizeWad: vm.parseJsonUint(json, _path(i, "sizeWad")),
            priceWad: vm.parseJsonUint(json, _path(i, "priceWad")),
            maxFeePips: uint32(vm.parseJsonUint(json, _path(i, "maxFeePips"))),
            expiry: uint64(vm.parseJsonUint(json, _path(i, "expiry"))),
            nonce: uint64(vm.parseJsonUint(json, _path(i, "nonce"))),
            flags: uint8(vm.parseJsonUint(json, _path(i, "flags")))
        });
    }

    function _second(bytes memory signature) internal pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(signature, 64))
        }
    }

    function _has(string memory json, uint256 i) internal view returns (bool exists) {
        exists = vm.keyExistsJson(json, string.concat(".cases[", vm.toString(i), "]"));
        assertTrue(exists || i != 0, "no cases");
    }

    function _path(uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "].", field);
    }
}
