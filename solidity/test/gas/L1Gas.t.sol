// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommitmentTree, NodeOpening, PathStep} from "../../src/libraries/CommitmentTree.sol";
import {Withdrawals} from "../helpers/Withdrawals.sol";

/// @notice Gas of the L1 calls as receipts show it: every call is a transaction of its own, on cold storage.
/// forge-config: default.isolate = true
contract L1GasTest is Withdrawals {
    uint256 internal constant ASSERT_CEILING = 200_000;
    uint256 internal constant CONFIRM_CEILING = 100_000;
    uint256 internal constant WITHDRAWAL_CEILING = 220_000;

    function setUp() public override {
        super.setUp();
        vm.deal(address(bridge), 100 ether);
    }

    /* BATCHES AND DEPOSITS */

    function test_appendBatch() public {
        append("", 0);
        skip(INTERVAL);
        append("", 0);
        vm.snapshotGasLastCall("L1", "appendBatch: empty");
        skip(INTERVAL);
        append(filled(120_000), 0);
        vm.snapshotGasLastCall("L1", "appendBatch: 120,000 bytes");
    }

    function test_forceBatch() public {
        append("", 0);
        depositFrom(alice, 1 ether, 21_000, "");
        skip(FORCE_DELAY);
        inbox.forceBatch();
        vm.snapshotGasLastCall("L1", "forceBatch");
    }

    function test_deposit() public {
        depositFrom(alice, 1 ether, 21_000, "");
        vm.roll(vm.getBlockNumber() + 1);
        depositFrom(alice, 1 ether, 21_000, "");
        vm.snapshotGasLastCall("L1", "deposit: plain transfer");
    }

    /* ASSERTIONS */

    function test_assertBatches() public {
        appendMany(1025);
        bytes32 first = assertAs(alice, genesis, 1, "a");
        assertLe(vm.snapshotGasLastCall("L1", "assertBatches: first stake, 1 batch"), ASSERT_CEILING);
        assertAs(bob, genesis, 1, "b");
        assertLe(vm.snapshotGasLastCall("L1", "assertBatches: rival"), ASSERT_CEILING);
        assertAs(alice, first, 1025, "c");
        assertLe(vm.snapshotGasLastCall("L1", "assertBatches: rolling stake, 1,024 batches"), ASSERT_CEILING);
    }

    function test_back() public {
        appendMany(1);
        bytes32 id = assertAs(alice, genesis, 1, "a");
        vm.prank(bob);
        chain.back{value: S0}(id);
        vm.snapshotGasLastCall("L1", "back: first stake");
    }

    function test_confirm() public {
        appendMany(1025);
        bytes32 id = assertAs(alice, genesis, 1024, "a");
        skip(T + AIRGAP);
        chain.confirm(id);
        assertLe(vm.snapshotGasLastCall("L1", "confirm: 1,024 batches"), CONFIRM_CEILING);
    }

    function test_deaths() public {
        appendMany(2);
        bytes32 older = assertAs(alice, genesis, 1, "a");
        bytes32 newer = assertAs(bob, genesis, 1, "b");
        bytes32 below = assertAs(bob, newer, 2, "c");
        skip(T);
        chain.killUnopened(older, newer);
        vm.snapshotGasLastCall("L1", "killUnopened");
        chain.markDead(below);
        vm.snapshotGasLastCall("L1", "markDead");
        chain.slash(newer, bob);
        vm.snapshotGasLastCall("L1", "slash");
    }

    function test_withdrawStake() public {
        appendMany(1);
        bytes32 id = assertAs(alice, genesis, 1, "a");
        skip(T + AIRGAP);
        chain.confirm(id);
        vm.prank(alice);
        chain.withdrawStake();
        vm.snapshotGasLastCall("L1", "withdrawStake");
    }

    function test_publishUnitLeaves() public {
        NodeOpening[] memory nodes = new NodeOpening[](1024);
        for (uint256 i = 0; i < 1024; ++i) {
            nodes[i] = NodeOpening(keccak256(abi.encode(i)), keccak256(abi.encode("c", i)));
        }
        (bytes32 unitRoot, bytes32 children) = this.rootOf(nodes);
        appendMany(1);
        bytes32 acc = inbox.acc(0);
        bytes32 endLeaf = nodes[1023].endState;
        vm.prank(alice);
        bytes32 id = chain.assertBatches{value: S0}(genesis, 1, acc, unitRoot, endLeaf, children);
        chain.publishUnitLeaves(id, 3, 0, nodes, new PathStep[](0));
        vm.snapshotGasLastCall("L1", "publishUnitLeaves: 1,024 batch ends");
    }

    /* MESSAGES */

    function test_finalizeWithdrawal() public {
        Proven memory p = prove(message(0, makeAddr("new account"), 0.1 ether));
        finalize(p);
        uint256 used = vm.snapshotGasLastCall("L1", "finalizeWithdrawal: shallow state, new account");
        assertLe(used, WITHDRAWAL_CEILING);
        p = prove(message(1, bob, 0.1 ether));
        skip(1);
        finalize(p);
        vm.snapshotGasLastCall("L1", "finalizeWithdrawal: shallow state");
    }

    function test_releaseWithdrawal() public {
        Proven memory p = prove(message(0, bob, 10 ether));
        finalize(p);
        vm.snapshotGasLastCall("L1", "finalizeWithdrawal: delayed");
        skip(10);
        bridge.releaseWithdrawal(p.message);
        vm.snapshotGasLastCall("L1", "releaseWithdrawal");
    }

    /* HELPERS */

    function rootOf(NodeOpening[] calldata nodes) external pure returns (bytes32 unitRoot, bytes32 childrenRoot) {
        bytes32[] memory layer = new bytes32[](32);
        for (uint256 i = 0; i < 32; ++i) {
            layer[i] = CommitmentTree.subtreeRoot(nodes[i * 32:(i + 1) * 32], 1, 5, false);
        }
        for (uint256 width = 16; width > 0; width /= 2) {
            for (uint256 i = 0; i < width; ++i) {
                layer[i] = keccak256(abi.encode(layer[2 * i], layer[2 * i + 1]));
            }
        }
        childrenRoot = layer[0];
        unitRoot = CommitmentTree.hashNode(nodes[1023].endState, childrenRoot);
    }

    /// @dev Bytes that are all non-zero, the dearest calldata.
    function filled(uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; i += 32) {
            assembly {
                mstore(add(add(data, 0x20), i), not(0))
            }
        }
    }
}
