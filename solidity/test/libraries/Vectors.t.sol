// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Account as StateAccount} from "../../src/libraries/AccountCodec.sol";
import {DecodedTx} from "../../src/libraries/TxDecoder.sol";
import {CodecHarness} from "../helpers/CodecHarness.sol";
import {MptHarness} from "../helpers/MptHarness.sol";
import {TxHarness} from "../helpers/TxHarness.sol";
import {WordTreeHarness} from "../helpers/WordTreeHarness.sol";

/// @notice The libraries on the vectors that Python wrote.
contract VectorsTest is Test {
    function test_mpt_everyVector_agrees() public {
        MptHarness harness = new MptHarness();
        string memory json = vm.readFile("tests/vectors/mpt.json");
        for (uint256 i = 0; _has(json, i); ++i) {
            _checkTrie(harness, json, i);
        }
    }

    function _checkTrie(MptHarness harness, string memory json, uint256 i) internal pure {
        bytes32 root = vm.parseJsonBytes32(json, _path(i, "root"));
        bytes32 key = vm.parseJsonBytes32(json, _path(i, "key"));
        bytes memory value = vm.parseJsonBytes(json, _path(i, "value"));
        bytes[] memory proof = vm.parseJsonBytesArray(json, _path(i, "proof"));
        bytes[] memory deleteProof = vm.parseJsonBytesArray(json, _path(i, "deleteProof"));

        (bool exists, bytes memory actual) = harness.read(root, key, proof);

        assertEq(exists, value.length != 0);
        assertEq(actual, value);
        value = vm.parseJsonBytes(json, _path(i, "newValue"));
        assertEq(harness.upsert(root, key, value, proof), vm.parseJsonBytes32(json, _path(i, "upserted")));
        assertEq(harness.remove(root, key, deleteProof), vm.parseJsonBytes32(json, _path(i, "deleted")));
    }

    function test_wordTree_everyVector_agrees() public {
        WordTreeHarness harness = new WordTreeHarness();
        string memory json = vm.readFile("tests/vectors/wordtree.json");
        for (uint256 i = 0; _has(json, i); ++i) {
            uint256 depth = vm.parseJsonUint(json, _path(i, "depth"));
            bytes32 root = vm.parseJsonBytes32(json, _path(i, "root"));
            bytes memory data = vm.parseJsonBytes(json, _path(i, "data"));
            bytes memory words = vm.parseJsonBytes(json, _path(i, "words"));
            bytes32[] memory siblings = vm.parseJsonBytes32Array(json, _path(i, "siblings"));

            assertEq(harness.root(data, depth), root);
            assertEq(harness.rootOfMemory(data, depth), root);
            harness.verifyRange(root, vm.parseJsonUint(json, _path(i, "first")), words, siblings, depth);
        }
    }

    function test_accounts_everyVector_agrees() public {
        CodecHarness harness = new CodecHarness();
        string memory json = vm.readFile("tests/vectors/accounts.json");
        for (uint256 i = 0; _has(json, i); ++i) {
            bytes memory encoded = vm.parseJsonBytes(json, _path(i, "encoded"));

            StateAccount memory account = harness.decodeAccount(encoded);

            assertEq(account.nonce, vm.parseJsonUint(json, _path(i, "nonce")));
            assertEq(account.balance, vm.parseJsonUint(json, _path(i, "balance")));
            assertEq(account.storageRoot, vm.parseJsonBytes32(json, _path(i, "storageRoot")));
            assertEq(account.codeHash, vm.parseJsonBytes32(json, _path(i, "codeHash")));
            assertEq(harness.encodeAccount(account), encoded);
        }
    }

    function test_transactions_everyVector_agrees() public {
        TxHarness harness = new TxHarness();
        string memory json = vm.readFile("tests/vectors/transactions.json");
        for (uint256 i = 0; _has(json, i); ++i) {
            bytes memory raw = vm.parseJsonBytes(json, _path(i, "raw"));

            (bool valid, DecodedTx memory decoded) = harness.decode(raw, 0, raw.length);

            assertEq(valid, vm.parseJsonBool(json, _path(i, "valid")), vm.parseJsonString(json, _path(i, "name")));
            if (!valid) continue;
            assertEq(harness.intrinsicGas(raw), vm.parseJsonUint(json, _path(i, "intrinsicGas")));
            assertEq(abi.encode(decoded), abi.encode(_expectedTx(json, i)));
        }
    }

    function _expectedTx(string memory json, uint256 i) internal pure returns (DecodedTx memory expected) {
        expected.txType = uint8(vm.parseJsonUint(json, _path(i, "txType")));
        expected.hasChainId = vm.parseJsonBool(json, _path(i, "hasChainId"));
        expected.chainId = vm.parseJsonUint(json, _path(i, "chainId"));
        expected.nonce = uint64(vm.parseJsonUint(json, _path(i, "nonce")));
        expected.maxFee = vm.parseJsonUint(json, _path(i, "maxFee"));
        expected.maxPriorityFee = vm.parseJsonUint(json, _path(i, "maxPriorityFee"));
        expected.gasLimit = uint64(vm.parseJsonUint(json, _path(i, "gasLimit")));
        expected.isCreate = vm.parseJsonBool(json, _path(i, "isCreate"));
        expected.to = vm.parseJsonAddress(json, _path(i, "to"));
        expected.value = vm.parseJsonUint(json, _path(i, "value"));
        expected.dataOffset = vm.parseJsonUint(json, _path(i, "dataOffset"));
        expected.dataLength = vm.parseJsonUint(json, _path(i, "dataLength"));
        expected.accessOffset = vm.parseJsonUint(json, _path(i, "accessOffset"));
        expected.accessLength = vm.parseJsonUint(json, _path(i, "accessLength"));
        expected.accessAddresses = vm.parseJsonUint(json, _path(i, "accessAddresses"));
        expected.accessKeys = vm.parseJsonUint(json, _path(i, "accessKeys"));
        expected.zeroBytes = vm.parseJsonUint(json, _path(i, "zeroBytes"));
        expected.sender = vm.parseJsonAddress(json, _path(i, "sender"));
        expected.txHash = vm.parseJsonBytes32(json, _path(i, "txHash"));
    }

    /// @dev Whether there is a case `i`; the first must exist, or a test would look at nothing.
    function _has(string memory json, uint256 i) internal view returns (bool exists) {
        exists = vm.keyExistsJson(json, string.concat(".cases[", vm.toString(i), "]"));
        assertTrue(exists || i != 0, "no cases");
    }

    function _path(uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "].", field);
    }
}
