// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A key and its value.
struct Entry {
    bytes32 key;
    bytes value;
}

/// @notice The trie as the Yellow Paper defines it: built from its whole content, by recursion, without any
/// concern for cost. The reference that the library is tested against.
library PlainTrie {
    function root(Entry[] memory content) internal pure returns (bytes32) {
        return content.length == 0 ? keccak256(hex"80") : keccak256(node(content, 0));
    }

    /// @dev Encoded node of all keys in `set`, which share their first `depth` nibbles.
    function node(Entry[] memory set, uint256 depth) internal pure returns (bytes memory) {
        if (set.length == 1) return list(bytes.concat(path(set[0].key, depth, 64, true), str(set[0].value)));
        uint256 fork = forkDepth(set);
        if (fork > depth) {
            return list(bytes.concat(path(set[0].key, depth, fork, false), ref(node(set, fork))));
        }
        bytes memory items;
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            Entry[] memory part = subset(set, depth, nibble);
            items = bytes.concat(items, part.length == 0 ? bytes(hex"80") : ref(node(part, depth + 1)));
        }
        return list(bytes.concat(items, hex"80"));
    }

    /// @dev Nodes on the way to `key`, without inline ones; then, if asked for and if `key` is one of two
    /// children, its hashed sibling.
    function prove(Entry[] memory content, bytes32 key, bool withSibling) internal pure returns (bytes[] memory proof) {
        Entry[] memory set = content;
        bytes memory sibling;
        bool isFound;
        uint256 depth;
        while (set.length != 0) {
            proof = appendHashed(proof, node(set, depth), depth == 0);
            if (set.length == 1) {
                isFound = set[0].key == key;
                break;
            }
            uint256 fork = forkDepth(set);
            if (fork > depth) {
                if ((set[0].key ^ key) >> (256 - 4 * fork) != 0) break;
                proof = appendHashed(proof, node(set, fork), false);
            }
            Entry[] memory next = subset(set, fork, nibbleOf(key, fork));
            sibling = loneSibling(set, fork, nibbleOf(key, fork));
            (set, depth) = (next, fork + 1);
        }
        if (withSibling && isFound) proof = appendHashed(proof, sibling, false);
    }

    /// @dev The node of the only child besides `nibble` of the branch at `depth`; empty if there are more.
    function loneSibling(Entry[] memory set, uint256 depth, uint256 nibble)
        internal
        pure
        returns (bytes memory sibling)
    {
        for (uint256 other = 0; other < 16; ++other) {
            Entry[] memory part = subset(set, depth, other);
            if (other == nibble || part.length == 0) continue;
            if (sibling.length != 0) return "";
            sibling = node(part, depth + 1);
        }
    }

    function appendHashed(bytes[] memory proof, bytes memory encoded, bool isRoot)
        internal
        pure
        returns (bytes[] memory longer)
    {
        if (encoded.length < 32 && !isRoot) return proof;
        longer = new bytes[](proof.length + 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            longer[i] = proof[i];
        }
        longer[proof.length] = encoded;
    }

    /// @dev The entries with `nibble` at `depth`.
    function subset(Entry[] memory set, uint256 depth, uint256 nibble) internal pure returns (Entry[] memory part) {
        uint256 count;
        for (uint256 i = 0; i < set.length; ++i) {
            if (nibbleOf(set[i].key, depth) == nibble) ++count;
        }
        part = new Entry[](count);
        for (uint256 i = set.length; i > 0; --i) {
            if (nibbleOf(set[i - 1].key, depth) == nibble) part[--count] = set[i - 1];
        }
    }

    /// @dev Leading nibbles that all keys share.
    function forkDepth(Entry[] memory set) internal pure returns (uint256 depth) {
        for (; depth < 64; ++depth) {
            for (uint256 i = 1; i < set.length; ++i) {
                if (nibbleOf(set[i].key, depth) != nibbleOf(set[0].key, depth)) return depth;
            }
        }
    }

    function nibbleOf(bytes32 key, uint256 depth) internal pure returns (uint256) {
        return (uint256(key) >> (252 - 4 * depth)) & 0xf;
    }

    /// @dev Hex-prefix path of nibbles [from, to), as an RLP string.
    function path(bytes32 key, uint256 from, uint256 to, bool isLeaf) internal pure returns (bytes memory) {
        uint256 flag = isLeaf ? 2 : 0;
        bytes memory packed;
        if ((to - from) % 2 == 1) {
            packed = abi.encodePacked(uint8((flag + 1) * 16 + nibbleOf(key, from)));
            ++from;
        } else {
            packed = abi.encodePacked(uint8(flag * 16));
        }
        for (; from < to; from += 2) {
            packed = abi.encodePacked(packed, uint8(nibbleOf(key, from) * 16 + nibbleOf(key, from + 1)));
        }
        return str(packed);
    }

    function ref(bytes memory encoded) internal pure returns (bytes memory) {
        return encoded.length < 32 ? encoded : abi.encodePacked(hex"a0", keccak256(encoded));
    }

    function str(bytes memory data) internal pure returns (bytes memory) {
        if (data.length == 1 && uint8(data[0]) < 0x80) return data;
        return wrap(0x80, data);
    }

    function list(bytes memory items) internal pure returns (bytes memory) {
        return wrap(0xc0, items);
    }

    /// @dev RLP header and payload, up to 65,535 bytes.
    function wrap(uint256 kind, bytes memory payload) internal pure returns (bytes memory) {
        uint256 size = payload.length;
        if (size < 56) return abi.encodePacked(uint8(kind + size), payload);
        if (size < 256) return abi.encodePacked(uint8(kind + 56), uint8(size), payload);
        return abi.encodePacked(uint8(kind + 57), uint16(size), payload);
    }
}
