// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccountCodec} from "../../libraries/AccountCodec.sol";
import {BLOCK_RING_DEPTH, TAG_DESTROY} from "../../libraries/Constants.sol";
import {Mpt} from "../../libraries/Mpt.sol";
import {WordTree} from "../../libraries/WordTree.sol";
import {BatchRecord, Deposit, nextAcc} from "../../types/Records.sol";
import {Frame, View, hashFrame} from "./Machine.sol";
import {InvalidWitness, Range, StepProof, Witness} from "./Witness.sol";

using Tapes for Tape global;

/// @notice A witness being read: what was consumed of each of its lists.
struct Tape {
    /// Where the witness lies in calldata.
    uint256 source;
    uint256 stack;
    uint256 ranges;
    uint256 proofs;
    uint256 blobs;
}

/// @notice What a trie has under a key, and which node list of the tape proves it.
struct Leaf {
    bytes32 root;
    bytes32 key;
    bool exists;
    bytes value;
    uint256 proof;
}

/// @dev The tape over the witness of `proof`, at its beginning.
function tapeOf(StepProof calldata proof) pure returns (Tape memory tape) {
    Witness calldata witness = proof.witness;
    assembly ("memory-safe") {
        mstore(tape, witness) // the first field: where the witness lies
    }
}

/// @notice Hands out the items of a witness in order, each checked against the hash that names it. Whatever is
/// missing, wrong or left over reverts, by InvalidWitness or by the error of the library that checks it.
/// @dev Offsets and lengths that the state names are at most 2^21. Twin: WitnessOnly of
/// optimistic/protocol/stepper/witness.py.
library Tapes {
    // ------------------------------------------------------------------------------------------ bytes

    /// @dev Code of the frame; it was checked before the step (see OspEntry).
    function ownCode(Tape memory tape) internal pure returns (bytes calldata) {
        return _witness(tape).code;
    }

    /// @dev Code with this hash; the empty code takes nothing from the tape.
    function code(Tape memory tape, bytes32 codeHash) internal pure returns (bytes calldata) {
        if (codeHash == AccountCodec.EMPTY_CODE_HASH) return msg.data[:0];
        bytes calldata found = blob(tape);
        if (keccak256(found) != codeHash) revert InvalidWitness();
        return found;
    }

    /// @dev Bytes [offset, offset + length) under a root of depth 16; at least one.
    function readRange(Tape memory tape, bytes32 root, uint256 offset, uint256 length)
        internal
        pure
        returns (bytes memory data)
    {
        data = new bytes(length);
        _copyRange(tape, root, offset, length, data);
    }

    /// @dev The bytes of readRange where they lie in calldata.
    function rangeInPlace(Tape memory tape, bytes32 root, uint256 offset, uint256 length)
        internal
        pure
        returns (bytes calldata)
    {
        uint256 start = offset % 32;
        return _range(tape, root, offset, length).words[start:start + length];
    }

    /// @dev Root after writing `data`, at least one byte, at `offset` of the tree `root` of depth 16. The range has
    /// the ends of what is replaced (see WordTree): the words between them are new altogether.
    function writeRange(Tape memory tape, bytes32 root, uint256 offset, bytes memory data)
        internal
        pure
        returns (bytes32)
    {
        Range calldata range = _nextRange(tape);
        (uint256 first, uint256 count) = (offset / 32, (offset % 32 + data.length + 31) / 32);
        bytes32 old = WordTree.foldEnds(first, count, range.words, range.siblings, WordTree.DEPTH);
        if (old != root) revert InvalidWitness();
        bytes memory words = new bytes(32 * count);
        bytes calldata ends = range.words;
        assembly ("memory-safe") {
            // foldEnds has checked that the ends are there: one word, or two and more
            calldatacopy(add(words, 0x20), ends.offset, 0x20)
            calldatacopy(add(words, shl(5, count)), add(ends.offset, shl(5, gt(count, 1))), 0x20)
            // over them, inside the words: they reach from the word of the first byte to that of the last
            mcopy(add(add(words, 0x20), and(offset, 31)), add(data, 0x20), mload(data))
        }
        return WordTree.foldRangeOfMemory(first, words, range.siblings, WordTree.DEPTH);
    }

    /// @dev Bytes [offset, offset + length) of a view, zero beyond its end; any offset. Takes one range if any of
    /// them lies inside the view.
    function readView(Tape memory tape, View memory source, uint256 offset, uint256 length)
        internal
        pure
        returns (bytes memory data)
    {
        data = new bytes(length);
        if (length == 0 || offset >= source.length) return data;
        uint256 inside = source.length - offset;
        if (inside > length) inside = length;
        _copyRange(tape, source.root, source.offset + offset, inside, data);
    }

    // ------------------------------------------------------------------------------------------ tries

    /// @dev What the trie has under `key`; one node list.
    function openLeaf(Tape memory tape, bytes32 root, bytes32 key) internal pure returns (Leaf memory leaf) {
        leaf.root = root;
        leaf.key = key;
        leaf.proof = _nextProof(tape);
        (leaf.exists, leaf.value) = Mpt.read(root, key, _witness(tape).proofs[leaf.proof]);
    }

    /// @dev Root after writing `value`, not empty, under the leaf's key; takes nothing from the tape.
    function putLeaf(Tape memory tape, Leaf memory leaf, bytes memory value) internal pure returns (bytes32) {
        return Mpt.upsert(leaf.root, leaf.key, value, _witness(tape).proofs[leaf.proof]);
    }

    /// @dev Root after removing a leaf that exists; one node list, for deletion.
    function deleteLeaf(Tape memory tape, Leaf memory leaf) internal pure returns (bytes32) {
        return Mpt.remove(leaf.root, leaf.key, _witness(tape).proofs[_nextProof(tape)]);
    }

    // ------------------------------------------------------------------------------------------ preimages

    /// @dev The next preimage, unchecked.
    function blob(Tape memory tape) internal pure returns (bytes calldata) {
        bytes[] calldata blobs = _witness(tape).blobs;
        if (tape.blobs >= blobs.length) revert InvalidWitness();
        return blobs[tape.blobs++];
    }

    /// @dev The suspended caller of `frame`.
    function parentOf(Tape memory tape, Frame memory frame) internal pure returns (Frame memory parent) {
        parent = abi.decode(blob(tape), (Frame));
        if (hashFrame(parent) != frame.parent) revert InvalidWitness();
    }

    /// @dev The record whose accumulator is `acc`: abi.encode(previous accumulator, record).
    function batchRecord(Tape memory tape, bytes32 acc) internal pure returns (BatchRecord memory record) {
        bytes32 previous;
        (previous, record) = abi.decode(blob(tape), (bytes32, BatchRecord));
        if (nextAcc(previous, record.recordHashOf()) != acc) revert InvalidWitness();
    }

    /// @dev The deposit with this hash.
    function deposit(Tape memory tape, bytes32 expected) internal pure returns (Deposit memory found) {
        found = abi.decode(blob(tape), (Deposit));
        if (found.depositHashOf() != expected) revert InvalidWitness();
    }

    /// @dev The last link of the destroy chain: abi.encode(previous chain hash, account).
    function destroyed(Tape memory tape, bytes32 acc) internal pure returns (bytes32 previous, address owner) {
        (previous, owner) = abi.decode(blob(tape), (bytes32, address));
        if (keccak256(abi.encode(TAG_DESTROY, previous, owner)) != acc) revert InvalidWitness();
    }

    /// @dev Leaf `index` of the ring of block hashes; one range.
    function blockHash(Tape memory tape, bytes32 ring, uint256 index) internal pure returns (bytes32 leaf) {
        Range calldata range = _nextRange(tape);
        leaf = _ringLeaf(range);
        WordTree.verifyRange(ring, index, range.words, range.siblings, BLOCK_RING_DEPTH);
    }

    /// @dev Root of the ring after `leaf` replaces leaf `index`; one range.
    function putBlockHash(Tape memory tape, bytes32 ring, uint256 index, bytes32 leaf) internal pure returns (bytes32) {
        Range calldata range = _nextRange(tape);
        return WordTree.updateLeaf(ring, index, _ringLeaf(range), leaf, range.siblings, BLOCK_RING_DEPTH);
    }

    // ------------------------------------------------------------------------------------------ stack

    /// @dev The witness's stack items, top first, which must be `count`, and the hash of those below.
    function stackItems(Tape memory tape, uint256 count) internal pure returns (uint256[] memory items, bytes32 rest) {
        Witness calldata witness = _witness(tape);
        if (witness.stack.length != count) revert InvalidWitness();
        tape.stack = count;
        return (witness.stack, witness.stackRest);
    }

    // ------------------------------------------------------------------------------------------ end

    /// @dev Revert unless everything was consumed.
    function finish(Tape memory tape) internal pure {
        Witness calldata witness = _witness(tape);
        bool isAllRead = tape.stack == witness.stack.length && tape.ranges == witness.ranges.length
            && tape.proofs == witness.proofs.length && tape.blobs == witness.blobs.length;
        if (!isAllRead) revert InvalidWitness();
    }

    // ------------------------------------------------------------------------------------------ parts

    function _witness(Tape memory tape) private pure returns (Witness calldata witness) {
        assembly ("memory-safe") {
            witness := mload(tape) // the first field, written by tapeOf
        }
    }

    /// @dev The next range, proven to stand around bytes [offset, offset + length) under `root`.
    function _range(Tape memory tape, bytes32 root, uint256 offset, uint256 length)
        private
        pure
        returns (Range calldata range)
    {
        range = _nextRange(tape);
        if (range.words.length != (offset % 32 + length + 31) / 32 * 32) revert InvalidWitness();
        WordTree.verifyRange(root, offset / 32, range.words, range.siblings, WordTree.DEPTH);
    }

    /// @dev Copy bytes [offset, offset + length) under `root` to the beginning of `data`, which has room for them.
    function _copyRange(Tape memory tape, bytes32 root, uint256 offset, uint256 length, bytes memory data)
        private
        pure
    {
        bytes calldata words = _range(tape, root, offset, length).words;
        assembly ("memory-safe") {
            // _range has checked that the words reach that far
            calldatacopy(add(data, 0x20), add(words.offset, and(offset, 31)), length)
        }
    }

    function _nextRange(Tape memory tape) private pure returns (Range calldata) {
        Range[] calldata ranges = _witness(tape).ranges;
        if (tape.ranges >= ranges.length) revert InvalidWitness();
        return ranges[tape.ranges++];
    }

    function _nextProof(Tape memory tape) private pure returns (uint256) {
        if (tape.proofs >= _witness(tape).proofs.length) revert InvalidWitness();
        return tape.proofs++;
    }

    function _ringLeaf(Range calldata range) private pure returns (bytes32) {
        if (range.words.length != 32) revert InvalidWitness();
        return bytes32(range.words);
    }
}
