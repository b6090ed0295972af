// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAssertionChain} from "../../src/interfaces/IAssertionChain.sol";
import {CommitmentTree, NodeOpening, PathStep} from "../../src/libraries/CommitmentTree.sol";
import {Rollup} from "../helpers/Rollup.sol";

/// @notice Publishing subtrees of the commitment. Trees made by Python are published in tests/differential.
contract UnitLeavesTest is Rollup {
    /// @dev 32 nodes of level 3 below one node of level 4 at `index`, on an invented path to the root.
    function testFuzz_publishUnitLeaves_emitsProvenNodes(bytes32 seed, uint8 index, uint8 count) public {
        NodeOpening[] memory nodes = openings(seed, bound(count, 1, 32));
        (bytes32 id, PathStep[] memory path) = assertOver(this.rootOf(nodes, 1), index % 32);
        uint64 first = uint64(index % 32) * 32;

        vm.expectEmit(address(chain));
        emit IAssertionChain.UnitLeaves(id, 3, first, nodes);
        chain.publishUnitLeaves(id, 3, first, nodes, path);
    }

    function testFuzz_publishUnitLeaves_changedNode_reverts(bytes32 seed, uint8 which, bytes32 change) public {
        vm.assume(change != 0);
        NodeOpening[] memory nodes = openings(seed, 32);
        (bytes32 id, PathStep[] memory path) = assertOver(this.rootOf(nodes, 1), 7);
        nodes[which % 32].endState ^= change;

        vm.expectRevert(IAssertionChain.InvalidUnitLeaves.selector);
        chain.publishUnitLeaves(id, 3, 7 * 32, nodes, path);
    }

    function testFuzz_publishUnitLeaves_wrongPlace_reverts(uint64 first) public {
        vm.assume(first != 7 * 32);
        NodeOpening[] memory nodes = openings("seed", 32);
        (bytes32 id, PathStep[] memory path) = assertOver(this.rootOf(nodes, 1), 7);

        vm.expectRevert(IAssertionChain.InvalidUnitLeaves.selector);
        chain.publishUnitLeaves(id, 3, first, nodes, path);
    }

    function testFuzz_publishUnitLeaves_wrongLevel_reverts(uint8 level) public {
        vm.assume(level != 3);
        NodeOpening[] memory nodes = openings("seed", 1);
        (bytes32 id, PathStep[] memory path) = assertOver(this.rootOf(nodes, 1), 0);

        (bool ok,) = address(chain).call(abi.encodeCall(chain.publishUnitLeaves, (id, level, 0, nodes, path)));

        assertFalse(ok);
    }

    function test_publishUnitLeaves_unknownAssertion_reverts() public {
        NodeOpening[] memory nodes = openings("seed", 32);
        (, PathStep[] memory path) = assertOver(this.rootOf(nodes, 1), 7);
        vm.expectRevert(IAssertionChain.InvalidUnitLeaves.selector);
        chain.publishUnitLeaves("no", 3, 7 * 32, nodes, path);
    }

    function test_publishUnitLeaves_tooMany_reverts() public {
        NodeOpening[] memory nodes = openings("seed", 1025);
        vm.expectRevert(IAssertionChain.InvalidUnitLeaves.selector);
        chain.publishUnitLeaves(genesis, 0, 0, nodes, new PathStep[](0));
    }

    function rootOf(NodeOpening[] calldata nodes, uint256 height) external pure returns (bytes32) {
        return CommitmentTree.subtreeRoot(nodes, height, 5, false);
    }

    /// @dev An assertion whose tree has `top` at `index` of level 4, and the path to it.
    function assertOver(bytes32 top, uint256 index) internal returns (bytes32 id, PathStep[] memory path) {
        appendMany(1);
        path = new PathStep[](1);
        path[0].endState = keccak256("end");
        path[0].siblings = new bytes32[](5);
        for (uint256 i = 0; i < 5; ++i) {
            path[0].siblings[i] = keccak256(abi.encode("sibling", i));
        }
        bytes32 children = top;
        for (uint256 i = 0; i < 5; ++i) {
            bytes32 sibling = path[0].siblings[i];
            children = (index >> i) & 1 == 0
                ? keccak256(abi.encode(children, sibling))
                : keccak256(abi.encode(sibling, children));
        }
        bytes32 unitRoot = CommitmentTree.hashNode(path[0].endState, children);
        bytes32 acc = inbox.acc(0);
        vm.prank(alice);
        id = chain.assertBatches{value: S0}(genesis, 1, acc, unitRoot, path[0].endState, children);
    }

    function openings(bytes32 seed, uint256 count) internal pure returns (NodeOpening[] memory nodes) {
        nodes = new NodeOpening[](count);
        for (uint256 i = 0; i < count; ++i) {
            nodes[i] = NodeOpening(keccak256(abi.encode(seed, i)), keccak256(abi.encode(i, seed)));
        }
    }
}
