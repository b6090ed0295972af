// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MptNode, Short, Span, span} from "./MptNode.sol";
import {Rlp} from "./Rlp.sol";

/// @notice Secure Merkle Patricia Trie over 32-byte hashed keys: reads and changes a trie of which only the
/// root and a few nodes are known.
/// @dev A proof lists the encoded nodes on the way from the root to where the key ends, in this order and
/// without inline nodes, which are part of their parent (EIP-1186); the proof for the empty trie is the empty
/// list. A proof is the only one that proves its claim, or the call reverts: a missing node never reads as an
/// absent key, and a node to spare is refused.
///
/// Nodes are copied to memory once. Where the key ends, one to three nodes are written anew; above them a
/// 32-byte reference is patched in place and the node hashed again, unless the reference changed its length.
/// Source: docs/spec/05-state-commitments.md §5.3. Twin: optimistic/protocol/mpt/proof.py.
library Mpt {
    /// @notice The node list is not the complete canonical proof for this root and key.
    error InvalidProof();

    /// @notice A trie cannot hold an empty value.
    error EmptyValue();

    /// @dev Root of a trie without keys, keccak256(0x80).
    bytes32 internal constant EMPTY_ROOT = keccak256(hex"80");

    /// @dev Where a key ends.
    struct Walk {
        /// The innermost of the nodes passed (see _push), zero if none.
        uint256 frames;
        /// Nibbles of the key that they consume.
        uint256 depth;
        /// The nibbles after those, left-aligned.
        uint256 rest;
        /// Nodes of the proof that were read.
        uint256 used;
        /// Whether nothing stands at that place.
        bool isEmpty;
        /// What else stands there.
        Short end;
    }

    // ------------------------------------------------------------------------------------------ operations

    /// @dev Value of `key` in the trie with `root`; `exists` is false if `proof` shows that it has none.
    function read(bytes32 root, bytes32 key, bytes[] calldata proof)
        internal
        pure
        returns (bool exists, bytes memory value)
    {
        uint256 mark = _freePointer();
        Walk memory walk = _walk(root, key, proof);
        if (walk.used != proof.length) revert InvalidProof();
        if (!_isFound(walk)) {
            _setFreePointer(mark);
            return (false, "");
        }
        (uint256 payload, uint256 end) = Rlp.str(walk.end.tail.start(), walk.end.tail.end());
        return (true, _keep(mark, payload, end - payload));
    }

    /// @dev Root after setting `key` to `value`, present before or not. `proof` is that of `read`.
    function upsert(bytes32 root, bytes32 key, bytes memory value, bytes[] calldata proof)
        internal
        pure
        returns (bytes32 newRoot)
    {
        if (value.length == 0) revert EmptyValue();
        uint256 mark = _freePointer();
        Walk memory walk = _walk(root, key, proof);
        if (walk.used != proof.length) revert InvalidProof();
        (uint256 start, uint256 end) = Rlp.bounds(Rlp.encode(value));
        Short memory leaf =
            Short({path: walk.rest, nibbles: MptNode.KEY_NIBBLES - walk.depth, isLeaf: true, tail: span(start, end)});
        bool isInPlace = walk.isEmpty || _isFound(walk);
        newRoot = _rebuild(walk.frames, isInPlace ? MptNode.encodeShort(leaf) : _split(walk.end, leaf));
        _setFreePointer(mark);
    }

    /// @dev Root after removing `key`; `root` itself if the proof shows that the key is absent. `proof` is that
    /// of `read`, followed by the sibling's node if the branch above the leaf is left with that one child and
    /// names it by hash: whether the sibling is a leaf, an extension or a branch decides the result.
    function remove(bytes32 root, bytes32 key, bytes[] calldata proof) internal pure returns (bytes32 newRoot) {
        uint256 mark = _freePointer();
        Walk memory walk = _walk(root, key, proof);
        if (!_isFound(walk)) {
            newRoot = root;
        } else if (walk.frames == 0) {
            newRoot = EMPTY_ROOT;
        } else {
            newRoot = _removeFromBranch(walk, key, proof);
        }
        if (walk.used != proof.length) revert InvalidProof();
        _setFreePointer(mark);
    }

    // ------------------------------------------------------------------------------------------ way down

    /// @dev Follow `key` from the root, checking every node against the reference that leads to it.
    function _walk(bytes32 root, bytes32 key, bytes[] calldata proof) private pure returns (Walk memory walk) {
        walk.rest = uint256(key);
        walk.isEmpty = root == EMPTY_ROOT;
        if (walk.isEmpty) return walk;
        Span node = _load(walk, root, proof);
        bool isAfterExtension;
        while (true) {
            (bool isBranch, Span child) = MptNode.branchChild(node, walk.rest >> 252);
            uint256 consumed = 1;
            if (isBranch) {
                if (walk.depth >= MptNode.KEY_NIBBLES) revert InvalidProof();
            } else {
                if (isAfterExtension) revert InvalidProof();
                Short memory short = MptNode.parseShort(node);
                _checkDepth(short, walk.depth);
                if (short.isLeaf || MptNode.prefixOf(walk.rest, short.nibbles) != short.path) {
                    walk.end = short;
                    return walk;
                }
                (child, consumed) = (short.tail, short.nibbles);
            }
            isAfterExtension = !isBranch;
            // At most 64 nibbles are consumed: no branch or extension passes the checks above beyond them.
            unchecked {
                walk.depth += consumed;
                walk.rest <<= 4 * consumed;
            }
            walk.frames = _push(walk.frames, node, child);
            if (MptNode.isEmptyRef(child)) {
                walk.isEmpty = true;
                return walk;
            }
            node = _follow(walk, child, proof);
        }
    }

    /// @dev Node behind a non-empty reference: the reference itself if inline, else the next node of the proof.
    function _follow(Walk memory walk, Span ref, bytes[] calldata proof) private pure returns (Span node) {
        if (ref.size() != MptNode.HASH_REF_BYTES) return ref;
        node = _load(walk, bytes32(Rlp.wordAt(ref.start() + 1)), proof);
        if (node.size() < 32) revert InvalidProof();
    }

    /// @dev Copy the next node of the proof to memory and check its hash.
    function _load(Walk memory walk, bytes32 expected, bytes[] calldata proof) private pure returns (Span) {
        uint256 index = walk.used;
        if (index >= proof.length) revert InvalidProof();
        // Bounded by the length of the proof.
        unchecked {
            walk.used = index + 1;
        }
        bytes calldata raw = proof[index];
        uint256 start = MptNode.allocate(raw.length);
        bytes32 digest;
        assembly ("memory-safe") {
            calldatacopy(start, raw.offset, raw.length) // into the memory just allocated
            digest := keccak256(start, raw.length) // its name in the trie
        }
        if (digest != expected) revert InvalidProof();
        unchecked {
            return span(start, start + raw.length);
        }
    }

    /// @dev A leaf must consume the rest of the key exactly; an extension must leave a nibble to its branch.
    function _checkDepth(Short memory short, uint256 depth) private pure {
        uint256 total = depth + short.nibbles;
        if (short.isLeaf ? total != MptNode.KEY_NIBBLES : total >= MptNode.KEY_NIBBLES) revert InvalidProof();
    }

    /// @dev Whether the key ends in its own leaf, the length of whose path _checkDepth has checked.
    function _isFound(Walk memory walk) private pure returns (bool) {
        return !walk.isEmpty && walk.end.isLeaf && walk.end.path == walk.rest;
    }

    // ------------------------------------------------------------------------------------------ way up

    /// @dev Remember a node that was passed, and the reference in it that was followed. A frame is two words of
    /// memory: the frame above it, and both spans.
    function _push(uint256 above, Span node, Span child) private pure returns (uint256 frame) {
        frame = MptNode.allocate(64);
        assembly ("memory-safe") {
            mstore(frame, above) // link to the frame above, zero for none
            mstore(add(frame, 0x20), or(shl(128, node), child)) // a span takes 128 bits
        }
    }

    /// @dev Contents of a frame.
    function _frame(uint256 frame) private pure returns (uint256 above, Span node, Span child) {
        above = Rlp.wordAt(frame);
        uint256 packed = Rlp.wordAt(frame + 32);
        node = Span.wrap(packed >> 128);
        child = Span.wrap(uint128(packed));
    }

    /// @dev Root after `node` replaces what was below the innermost of `frames`.
    function _rebuild(uint256 frames, Span node) private pure returns (bytes32) {
        while (frames != 0) {
            (uint256 above, Span parent, Span child) = _frame(frames);
            if (child.size() == MptNode.HASH_REF_BYTES && node.size() >= 32) {
                bytes32 digest = MptNode.hash(node);
                uint256 slot = child.start();
                assembly ("memory-safe") {
                    mstore(add(slot, 1), digest) // patch the hash inside the parent's copy
                }
                node = parent;
            } else {
                node = MptNode.splice(parent, child, MptNode.refOf(node));
            }
            frames = above;
        }
        return MptNode.hash(node);
    }

    // ------------------------------------------------------------------------------------------ bottom

    /// @dev Branch that separates a new leaf from the leaf or extension that stands in its place, behind an
    /// extension if their paths begin alike. Changes both.
    function _split(Short memory old, Short memory leaf) private pure returns (Span branch) {
        uint256 shared = MptNode.sharedNibbles(old.path, leaf.path);
        uint256 prefix = MptNode.prefixOf(old.path, shared);
        (uint256 oldNibble, Span oldRef) = _below(old, shared);
        (uint256 newNibble, Span newRef) = _below(leaf, shared);
        branch = oldNibble < newNibble
            ? MptNode.encodeFork(oldNibble, oldRef, newNibble, newRef)
            : MptNode.encodeFork(newNibble, newRef, oldNibble, oldRef);
        if (shared == 0) return branch;
        Short memory extension = Short({path: prefix, nibbles: shared, isLeaf: false, tail: MptNode.refOf(branch)});
        return MptNode.encodeShort(extension);
    }

    /// @dev Nibble `index` of a short node's path, and the reference to what follows it; nothing is left of an
    /// extension that ends there but its child. Changes `short`.
    function _below(Short memory short, uint256 index) private pure returns (uint256 nibble, Span ref) {
        uint256 path = short.path << (4 * index);
        nibble = path >> 252;
        short.path = path << 4;
        short.nibbles -= index + 1;
        if (short.nibbles == 0 && !short.isLeaf) return (nibble, short.tail);
        return (nibble, MptNode.refOf(MptNode.encodeShort(short)));
    }

    /// @dev Root after the leaf at the end of `walk` is taken out of the branch that holds it.
    function _removeFromBranch(Walk memory walk, bytes32 key, bytes[] calldata proof) private pure returns (bytes32) {
        (uint256 above, Span branch, Span child) = _frame(walk.frames);
        uint256 ownNibble = (uint256(key) << (4 * (walk.depth - 1))) >> 252;
        (uint256 others, uint256 nibble, Span sibling) = MptNode.otherChildren(branch, ownNibble);
        if (others > 1) return _rebuild(above, MptNode.splice(branch, child, MptNode.emptyRef()));
        Short memory merged = _loadSibling(walk, sibling, proof);
        merged.path = nibble << 252 | merged.path >> 4;
        ++merged.nibbles;
        if (above != 0) {
            (uint256 higher, Span parent, Span ref) = _frame(above);
            if (ref.end() == parent.end()) {
                // An extension: its reference is its last item. The paths join, and the frame is used up.
                Short memory extension = MptNode.parseShort(parent);
                merged.path = extension.path | merged.path >> (4 * extension.nibbles);
                merged.nibbles += extension.nibbles;
                above = higher;
            }
        }
        return _rebuild(above, MptNode.encodeShort(merged));
    }

    /// @dev The lone sibling as a short node: itself, or a pathless extension to it if it is a branch.
    function _loadSibling(Walk memory walk, Span ref, bytes[] calldata proof)
        private
        pure
        returns (Short memory short)
    {
        Span node = _follow(walk, ref, proof);
        (bool isBranch,) = MptNode.branchChild(node, 0);
        if (isBranch) {
            short.tail = ref;
        } else {
            short = MptNode.parseShort(node);
        }
        _checkDepth(short, walk.depth);
    }

    // ------------------------------------------------------------------------------------------ memory

    function _freePointer() private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40) // where the next allocation goes
        }
    }

    /// @dev Give back everything allocated since `pointer` was the free pointer; nothing there is used again.
    function _setFreePointer(uint256 pointer) private pure {
        assembly ("memory-safe") {
            mstore(0x40, pointer) // the next allocation starts there again
        }
    }

    /// @dev Move `size` bytes at `source` down to `mark`, as a byte string, and give back the memory behind it.
    function _keep(uint256 mark, uint256 source, uint256 size) private pure returns (bytes memory data) {
        assembly ("memory-safe") {
            data := mark // the string takes the place of the walk
            mcopy(add(data, 0x20), source, size) // mcopy handles overlap
            mstore(data, size) // after the copy: the source may begin at the mark
            mstore(add(add(data, 0x20), size), 0) // clean the padding of the last word
            mstore(0x40, add(data, and(add(size, 0x5f), not(0x1f)))) // keep the string and its padding only
        }
    }
}
