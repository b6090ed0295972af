// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

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
/// Source: docs/spec, state commitments; Yellow Paper, appendix D. Twin: optimistic/protocol/mpt/proof.py.
library Mpt {
    /// @notice The node list is not the complete canonical proof for this root and key.
    error InvalidProof();

    /// @notice A trie cannot hold an empty value.
    error EmptyValue();

    /// @dev Root of a trie without keys, keccak256(0x80).
    bytes32 internal constant EMPTY_ROOT = keccak256(hex"80");

    uint256 private constant KEY_NIBBLES = 64;
    uint256 private constant NO_CHILD = 0x80;
    uint256 private constant HASH_PREFIX = 0xa0;
    uint256 private constant LAST_INLINE_PREFIX = 0xde;
    uint256 private constant FULL_BRANCH_BYTES = 532;

    /// @dev Something encoded at memory [start, end).
    struct Span {
        uint256 start;
        uint256 end;
    }

    /// @dev A leaf or an extension. `path` holds `nibbles` nibbles, left-aligned, the rest zero. `tail` is the
    /// encoded value of a leaf, the child reference of an extension.
    struct Short {
        uint256 path;
        uint256 nibbles;
        bool isLeaf;
        Span tail;
    }

    /// @dev Where a key ends. `frames` is the innermost of the nodes passed (see _push), zero if none; `depth`
    /// nibbles of the key are consumed by them; `used` nodes of the proof are read. `isEmpty` tells that there is
    /// nothing at that place, else `end` is what stands there.
    struct Walk {
        uint256 frames;
        uint256 depth;
        uint256 used;
        bool isEmpty;
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
        _requireAllUsed(walk.used, proof);
        if (!_isFound(walk, key)) {
            _setFreePointer(mark);
            return (false, "");
        }
        (uint256 payload, uint256 end) = Rlp.str(walk.end.tail.start, walk.end.tail.end);
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
        _requireAllUsed(walk.used, proof);
        Short memory leaf;
        leaf.path = uint256(key) << (4 * walk.depth);
        leaf.nibbles = KEY_NIBBLES - walk.depth;
        leaf.isLeaf = true;
        (leaf.tail.start, leaf.tail.end) = Rlp.bounds(Rlp.encode(value));
        Span memory bottom =
            walk.isEmpty || _isFound(walk, key) ? _encodeShort(leaf) : _split(walk.end, leaf);
        newRoot = _rebuild(walk.frames, bottom);
        _setFreePointer(mark);
    }

    /// @dev Root after removing `key`; `root` itself if the proof shows that the key is absent. `proof` is that
    /// of `read`, followed by the sibling's node if the branch above the leaf is left with that one child and
    /// names it by hash: whether the sibling is a leaf, an extension or a branch decides the result.
    function remove(bytes32 root, bytes32 key, bytes[] calldata proof) internal pure returns (bytes32 newRoot) {
        uint256 mark = _freePointer();
        Walk memory walk = _walk(root, key, proof);
        if (!_isFound(walk, key)) {
            newRoot = root;
        } else if (walk.frames == 0) {
            newRoot = EMPTY_ROOT;
        } else {
            newRoot = _removeFromBranch(walk, key, proof);
        }
        _requireAllUsed(walk.used, proof);
        _setFreePointer(mark);
    }

    // ------------------------------------------------------------------------------------------ way down

    /// @dev Follow `key` from the root, checking every node against the reference that leads to it.
    function _walk(bytes32 root, bytes32 key, bytes[] calldata proof) private pure returns (Walk memory walk) {
        if (root == EMPTY_ROOT) {
            walk.isEmpty = true;
            return walk;
        }
        Span memory node = _load(proof, walk.used++, root);
        bool isAfterExtension;
        while (true) {
            (bool isBranch, uint256 payload) = _kind(node);
            Span memory child;
            if (isBranch) {
                if (walk.depth == KEY_NIBBLES) revert InvalidProof();
                child = _branchChild(node, payload, _nibble(uint256(key), walk.depth++));
            } else {
                Short memory short = _parseShort(node, payload);
                if (isAfterExtension) revert InvalidProof();
                _checkDepth(short, walk.depth);
                if (short.isLeaf || !_startsWith(uint256(key) << (4 * walk.depth), short)) {
                    walk.end = short;
                    return walk;
                }
                child = short.tail;
                walk.depth += short.nibbles;
            }
            isAfterExtension = !isBranch;
            walk.frames = _push(walk.frames, node, child);
            if (_isEmpty(child)) {
                walk.isEmpty = true;
                return walk;
            }
            node = _follow(walk, child, proof);
        }
    }

    /// @dev Node behind a non-empty reference: the reference itself if inline, else the next node of the proof.
    function _follow(Walk memory walk, Span memory ref, bytes[] calldata proof) private pure returns (Span memory) {
        if (ref.end - ref.start != 33) return ref;
        Span memory node = _load(proof, walk.used++, bytes32(Rlp.wordAt(ref.start + 1)));
        if (node.end - node.start < 32) revert InvalidProof();
        return node;
    }

    /// @dev Copy node `index` of the proof to memory and check its hash.
    function _load(bytes[] calldata proof, uint256 index, bytes32 expected) private pure returns (Span memory node) {
        if (index >= proof.length) revert InvalidProof();
        bytes calldata raw = proof[index];
        uint256 start = _allocate(raw.length);
        bytes32 digest;
        assembly ("memory-safe") {
            calldatacopy(start, raw.offset, raw.length) // into the memory just allocated
            digest := keccak256(start, raw.length) // its name in the trie
        }
        if (digest != expected) revert InvalidProof();
        node.start = start;
        node.end = start + raw.length;
    }

    /// @dev Whether a node is a branch (more than two items) or short, and where its items begin.
    function _kind(Span memory node) private pure returns (bool isBranch, uint256 payload) {
        (uint256 start, uint256 end) = (node.start, node.end);
        payload = Rlp.list(start, end);
        (, uint256 second) = Rlp.item(payload, end);
        (, uint256 third) = Rlp.item(second, end);
        isBranch = third != end;
    }

    /// @dev Decode a leaf or extension strictly.
    function _parseShort(Span memory node, uint256 payload) private pure returns (Short memory short) {
        (uint256 packed, uint256 tail) = Rlp.str(payload, node.end);
        uint256 length = tail - packed;
        uint256 flag = Rlp.byteAt(packed) >> 4;
        if (length == 0 || flag > 3 || length > 33) revert InvalidProof();
        if (flag & 1 == 1) {
            short.nibbles = 2 * length - 1;
            short.path = Rlp.wordAt(packed) << 4;
        } else {
            if (Rlp.byteAt(packed) & 0x0f != 0) revert InvalidProof();
            short.nibbles = 2 * length - 2;
            short.path = Rlp.wordAt(packed + 1);
        }
        if (short.nibbles > KEY_NIBBLES) revert InvalidProof();
        short.path &= ~(type(uint256).max >> (4 * short.nibbles)); // a shift by 256 leaves no bits: full mask
        short.isLeaf = flag > 1;
        short.tail = Span(tail, node.end);
        uint256 prefix = Rlp.byteAt(tail);
        if (prefix == NO_CHILD) revert InvalidProof();
        if (short.isLeaf ? prefix >= Rlp.LIST : short.nibbles == 0 || !_isReference(prefix)) revert InvalidProof();
    }

    /// @dev A leaf must consume the rest of the key exactly; an extension must leave a nibble to its branch.
    function _checkDepth(Short memory short, uint256 depth) private pure {
        uint256 total = depth + short.nibbles;
        if (short.isLeaf ? total != KEY_NIBBLES : total >= KEY_NIBBLES) revert InvalidProof();
    }

    /// @dev Check a branch strictly and return its child `nibble`.
    function _branchChild(Span memory node, uint256 payload, uint256 nibble) private pure returns (Span memory child) {
        if (node.end - node.start == FULL_BRANCH_BYTES && _isFullBranch(payload)) {
            child.start = payload + 33 * nibble;
            child.end = child.start + 33;
            return child;
        }
        uint256 children;
        (children, child) = _scanBranch(node, payload, nibble);
        if (children < 2) revert InvalidProof();
    }

    /// @dev Whether 16 hashes and an empty value stand at `payload`, 529 bytes before the end of the node.
    function _isFullBranch(uint256 payload) private pure returns (bool isFull) {
        assembly ("memory-safe") {
            let wrong := xor(byte(0, mload(add(payload, 528))), NO_CHILD) // item 16: no value
            for { let i := 0 } lt(i, 528) { i := add(i, 132) } {
                let p := add(payload, i) // four children per round
                wrong := or(wrong, xor(byte(0, mload(p)), HASH_PREFIX))
                wrong := or(wrong, xor(byte(0, mload(add(p, 33))), HASH_PREFIX))
                wrong := or(wrong, xor(byte(0, mload(add(p, 66))), HASH_PREFIX))
                wrong := or(wrong, xor(byte(0, mload(add(p, 99))), HASH_PREFIX))
            }
            isFull := iszero(wrong)
        }
    }

    /// @dev Check all 17 items of a branch; count the children and locate child `nibble`.
    function _scanBranch(Span memory node, uint256 payload, uint256 nibble)
        private
        pure
        returns (uint256 children, Span memory child)
    {
        uint256 cursor = payload;
        // Each step is at most 33 bytes, so the cursor cannot wrap; the end is compared after the loop.
        unchecked {
            for (uint256 i = 0; i < 16; ++i) {
                uint256 start = cursor;
                uint256 prefix = Rlp.byteAt(start);
                if (prefix == NO_CHILD) {
                    ++cursor;
                } else {
                    if (!_isReference(prefix)) revert InvalidProof();
                    cursor += prefix == HASH_PREFIX ? 33 : 1 + prefix - Rlp.LIST;
                    ++children;
                }
                if (i == nibble) (child.start, child.end) = (start, cursor);
            }
            if (cursor + 1 != node.end || Rlp.byteAt(cursor) != NO_CHILD) revert InvalidProof();
        }
    }

    // ------------------------------------------------------------------------------------------ way up

    /// @dev Remember a node that was passed, and the reference in it that was followed. A frame is two words of
    /// memory: the frame above it, and four packed pointers.
    function _push(uint256 above, Span memory node, Span memory child) private pure returns (uint256 frame) {
        frame = _allocate(64);
        uint256 packed = node.start << 192 | node.end << 128 | child.start << 64 | child.end;
        assembly ("memory-safe") {
            mstore(frame, above) // link to the frame above, zero for none
            mstore(add(frame, 0x20), packed) // 64 bits per pointer
        }
    }

    /// @dev Contents of a frame.
    function _frame(uint256 frame) private pure returns (uint256 above, Span memory node, Span memory child) {
        above = Rlp.wordAt(frame);
        uint256 packed = Rlp.wordAt(frame + 32);
        node = Span(packed >> 192, uint64(packed >> 128));
        child = Span(uint64(packed >> 64), uint64(packed));
    }

    /// @dev Root after `node` replaces what was below the innermost of `frames`.
    function _rebuild(uint256 frames, Span memory node) private pure returns (bytes32) {
        while (frames != 0) {
            (uint256 above, Span memory parent, Span memory child) = _frame(frames);
            if (child.end - child.start == 33 && node.end - node.start >= 32) {
                bytes32 digest = _hash(node);
                uint256 slot = child.start + 1;
                assembly ("memory-safe") {
                    mstore(slot, digest) // patch the reference inside the parent's copy
                }
                node = parent;
            } else {
                node = _splice(parent, child, _reference(node));
            }
            frames = above;
        }
        return _hash(node);
    }

    /// @dev Copy of a node in which `ref` stands in the place of `child`.
    function _splice(Span memory node, Span memory child, Span memory ref) private pure returns (Span memory spliced) {
        uint256 payload = Rlp.list(node.start, node.end);
        uint256 before = child.start - payload;
        uint256 size = ref.end - ref.start;
        uint256 rest = node.end - child.end;
        uint256 cursor = _beginList(spliced, before + size + rest);
        cursor = _append(cursor, payload, before);
        cursor = _append(cursor, ref.start, size);
        spliced.end = _append(cursor, child.end, rest);
    }

    /// @dev The item by which a parent names `node`.
    function _reference(Span memory node) private pure returns (Span memory ref) {
        if (node.end - node.start < 32) return node;
        bytes32 digest = _hash(node);
        ref.start = _allocate(33);
        ref.end = ref.start + 33;
        uint256 start = ref.start;
        assembly ("memory-safe") {
            mstore8(start, HASH_PREFIX) // header of a 32-byte string
            mstore(add(start, 1), digest)
        }
    }

    // ------------------------------------------------------------------------------------------ bottom

    /// @dev Branch that separates a new leaf from the leaf or extension that stands in its place, behind an
    /// extension if their paths begin alike.
    function _split(Short memory old, Short memory leaf) private pure returns (Span memory) {
        uint256 shared = _sharedNibbles(old.path, leaf.path);
        uint256 oldNibble = _nibble(old.path, shared);
        uint256 newNibble = _nibble(leaf.path, shared);
        uint256 prefix = old.path & ~(type(uint256).max >> (4 * shared));
        Span memory oldRef = _referenceBelow(old, shared + 1);
        Span memory newRef = _referenceBelow(leaf, shared + 1);
        Span memory branch = oldNibble < newNibble
            ? _forkBranch(oldNibble, oldRef, newNibble, newRef)
            : _forkBranch(newNibble, newRef, oldNibble, oldRef);
        if (shared == 0) return branch;
        return _encodeShort(Short({path: prefix, nibbles: shared, isLeaf: false, tail: _reference(branch)}));
    }

    /// @dev Reference to a short node without its first `cut` nibbles; nothing is left of an extension that long
    /// but its child. Changes `short`.
    function _referenceBelow(Short memory short, uint256 cut) private pure returns (Span memory) {
        short.path <<= 4 * cut;
        short.nibbles -= cut;
        if (short.nibbles == 0 && !short.isLeaf) return short.tail;
        return _reference(_encodeShort(short));
    }

    /// @dev Branch with two children, `low` < `high`.
    function _forkBranch(uint256 low, Span memory lowRef, uint256 high, Span memory highRef)
        private
        pure
        returns (Span memory branch)
    {
        uint256 lowSize = lowRef.end - lowRef.start;
        uint256 highSize = highRef.end - highRef.start;
        uint256 cursor = _beginList(branch, lowSize + highSize + 15);
        cursor = _appendEmpty(cursor, low);
        cursor = _append(cursor, lowRef.start, lowSize);
        cursor = _appendEmpty(cursor, high - low - 1);
        cursor = _append(cursor, highRef.start, highSize);
        branch.end = _appendEmpty(cursor, 16 - high); // the children above, and the value
    }

    /// @dev Root after the leaf at the end of `walk` is taken out of the branch that holds it.
    function _removeFromBranch(Walk memory walk, bytes32 key, bytes[] calldata proof) private pure returns (bytes32) {
        (uint256 above, Span memory branch, Span memory child) = _frame(walk.frames);
        uint256 depth = walk.depth - 1;
        (uint256 others, uint256 nibble, Span memory sibling) = _siblings(branch, _nibble(uint256(key), depth));
        if (others > 1) return _rebuild(above, _splice(branch, child, _emptyReference()));
        Short memory merged = _loadSibling(walk, sibling, proof);
        merged.path = nibble << 252 | merged.path >> 4;
        ++merged.nibbles;
        if (above != 0) {
            (uint256 higher, Span memory parent, Span memory ref) = _frame(above);
            if (ref.end == parent.end) {
                // An extension: its reference is its last item. The paths join, and the frame is used up.
                Short memory extension = _parseShort(parent, Rlp.list(parent.start, parent.end));
                merged.path = extension.path | merged.path >> (4 * extension.nibbles);
                merged.nibbles += extension.nibbles;
                above = higher;
            }
        }
        return _rebuild(above, _encodeShort(merged));
    }

    /// @dev The children of a branch besides `nibble`: how many, and which is the last of them.
    function _siblings(Span memory branch, uint256 nibble)
        private
        pure
        returns (uint256 others, uint256 index, Span memory sibling)
    {
        uint256 cursor = Rlp.list(branch.start, branch.end);
        for (uint256 i = 0; i < 16; ++i) {
            (, uint256 next) = Rlp.item(cursor, branch.end);
            if (i != nibble && Rlp.byteAt(cursor) != NO_CHILD) {
                ++others;
                (index, sibling.start, sibling.end) = (i, cursor, next);
            }
            cursor = next;
        }
    }

    /// @dev The lone sibling as a short node: itself, or a pathless extension to it if it is a branch.
    function _loadSibling(Walk memory walk, Span memory ref, bytes[] calldata proof)
        private
        pure
        returns (Short memory short)
    {
        Span memory node = _follow(walk, ref, proof);
        (bool isBranch, uint256 payload) = _kind(node);
        if (!isBranch) {
            short = _parseShort(node, payload);
            _checkDepth(short, walk.depth);
            return short;
        }
        if (walk.depth == KEY_NIBBLES) revert InvalidProof();
        _branchChild(node, payload, 0);
        short.tail = ref;
    }

    // ------------------------------------------------------------------------------------------ encoding

    /// @dev Encode a leaf, or an extension with a path.
    function _encodeShort(Short memory short) private pure returns (Span memory node) {
        uint256 packedSize = short.nibbles / 2 + 1;
        uint256 tailSize = short.tail.end - short.tail.start;
        uint256 flag = short.isLeaf ? 2 : 0;
        uint256 cursor = _beginList(node, packedSize + tailSize + (packedSize == 1 ? 0 : 1));
        if (packedSize > 1) cursor = Rlp.writeHeader(cursor, Rlp.STRING, packedSize);
        uint256 path = short.path;
        uint256 first;
        if (short.nibbles & 1 == 1) {
            first = (flag + 1) << 4 | path >> 252;
            path <<= 4;
        } else {
            first = flag << 4;
        }
        assembly ("memory-safe") {
            mstore8(cursor, first) // flag nibble, and the odd nibble of the path
            mstore(add(cursor, 1), path) // whole bytes of the path; what is too much is overwritten by the tail
        }
        node.end = _append(cursor + packedSize, short.tail.start, tailSize);
    }

    /// @dev Allocate a list with a payload of `size` bytes and write its header; returns where the payload goes.
    function _beginList(Span memory node, uint256 size) private pure returns (uint256 payload) {
        node.start = _allocate(Rlp.headerSize(size) + size);
        payload = Rlp.writeHeader(node.start, Rlp.LIST, size);
    }

    function _append(uint256 cursor, uint256 source, uint256 size) private pure returns (uint256) {
        assembly ("memory-safe") {
            mcopy(cursor, source, size) // inside the list that the caller allocated
        }
        return cursor + size;
    }

    /// @dev Append `count` (at most 16) empty references.
    function _appendEmpty(uint256 cursor, uint256 count) private pure returns (uint256) {
        assembly ("memory-safe") {
            // sixteen at once; what is too much is overwritten by what follows, or lies in the slack of _allocate
            mstore(cursor, shl(128, 0x80808080808080808080808080808080))
        }
        return cursor + count;
    }

    function _emptyReference() private pure returns (Span memory ref) {
        ref.start = _allocate(1);
        ref.end = _appendEmpty(ref.start, 1);
    }

    // ------------------------------------------------------------------------------------------ nibbles

    /// @dev Whether the key ends in its own leaf.
    function _isFound(Walk memory walk, bytes32 key) private pure returns (bool) {
        return !walk.isEmpty && walk.end.isLeaf && walk.end.path == uint256(key) << (4 * walk.depth);
    }

    function _startsWith(uint256 path, Short memory short) private pure returns (bool) {
        return (path ^ short.path) >> (256 - 4 * short.nibbles) == 0;
    }

    /// @dev Nibble `index` of a left-aligned path.
    function _nibble(uint256 path, uint256 index) private pure returns (uint256) {
        return (path << (4 * index)) >> 252;
    }

    /// @dev Leading nibbles that two different paths share.
    function _sharedNibbles(uint256 left, uint256 right) private pure returns (uint256 shared) {
        for (uint256 difference = left ^ right; difference >> 252 == 0; difference <<= 4) {
            ++shared;
        }
    }

    /// @dev Whether an item that begins with `prefix` names a child: a 32-byte hash, or a list below 32 bytes.
    function _isReference(uint256 prefix) private pure returns (bool) {
        return prefix == HASH_PREFIX || (prefix >= Rlp.LIST && prefix <= LAST_INLINE_PREFIX);
    }

    function _isEmpty(Span memory ref) private pure returns (bool) {
        return Rlp.byteAt(ref.start) == NO_CHILD;
    }

    function _requireAllUsed(uint256 used, bytes[] calldata proof) private pure {
        if (used != proof.length) revert InvalidProof();
    }

    // ------------------------------------------------------------------------------------------ memory

    function _hash(Span memory node) private pure returns (bytes32 digest) {
        (uint256 start, uint256 end) = (node.start, node.end);
        assembly ("memory-safe") {
            digest := keccak256(start, sub(end, start)) // over memory the library owns
        }
    }

    /// @dev Allocate `size` bytes and at least 32 bytes of slack, which whole-word writes at the end may touch.
    function _allocate(uint256 size) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40)
            mstore(0x40, add(pointer, and(add(size, 0x3f), not(0x1f)))) // size plus slack, in whole words
        }
    }

    function _freePointer() private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40) // where the next allocation goes
        }
    }

    /// @dev Give back everything allocated since `pointer` was the free pointer; nothing there is used again.
    function _setFreePointer(uint256 pointer) private pure {
        assembly ("memory-safe") {
            mstore(0x40, pointer)
        }
    }

    /// @dev Move `size` bytes at `source` down to `mark`, as a byte string, and give back the memory behind it.
    function _keep(uint256 mark, uint256 source, uint256 size) private pure returns (bytes memory data) {
        assembly ("memory-safe") {
            data := mark
            mcopy(add(data, 0x20), source, size) // mcopy handles overlap
            mstore(data, size) // after the copy: the source may begin at the mark
            mstore(add(add(data, 0x20), size), 0) // clean the padding of the last word
            mstore(0x40, add(data, and(add(size, 0x5f), not(0x1f)))) // allocate exactly the string
        }
    }
}
