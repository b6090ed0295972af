// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TAG_ASSERT, TAG_GENESIS} from "../libraries/Constants.sol";

/// @notice Life of an assertion. LIVE ends in DEAD or CONFIRMED; nothing ever leaves those.
enum Status {
    NONE,
    LIVE,
    DEAD,
    CONFIRMED
}

/// @notice A claim about the state after batches [parent.to, to). Five slots; the last one is about its children.
/// @dev Warning: `status` is LIVE below a dead parent until `markDead` is called.
struct Assertion {
    bytes32 parent;
    /// Commitment to every unit: H(TAG_NODE, endLeaf, childrenRoot).
    bytes32 unitRoot;
    /// Machine state after the last batch.
    bytes32 endLeaf;
    address poster;
    /// Order among the children of the parent, from 1.
    uint32 seq;
    /// One past the last batch covered.
    uint32 to;
    /// Index of the configuration of all its batches.
    uint16 config;
    Status status;
    /// Time of the first child; the window for siblings and openings ends T later.
    uint40 t0;
    /// No later event than this made the children's survivor alone; meaningful while `liveChildren` is 1.
    uint40 soleSince;
    uint32 liveChildren;
    uint32 children;
    /// What `to` of every child must be; fixed by the first child.
    uint32 childTo;
}

/// @notice What an opening needs to know of two children of one parent; pairs are by age, the older one first.
struct Siblings {
    /// Both NONE if the two are no children of one parent in this order of age.
    Status[2] status;
    bytes32[2] unitRoot;
    /// Machine state of the parent: where both start.
    bytes32 preLeaf;
    /// When the parent's first child came: the window for openings closes T later.
    uint40 t0;
}

/// @notice H(TAG_ASSERT, parent, acc, unitRoot, endLeaf).
function assertionIdOf(bytes32 parent, bytes32 acc, bytes32 unitRoot, bytes32 endLeaf) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_ASSERT, parent, acc, unitRoot, endLeaf));
}

/// @notice H(TAG_GENESIS, L1 chain id, assertion chain, config hash, endLeaf).
function genesisIdOf(uint256 chainId, address chain, bytes32 configHash, bytes32 endLeaf) pure returns (bytes32) {
    return keccak256(abi.encode(TAG_GENESIS, chainId, chain, configHash, endLeaf));
}
