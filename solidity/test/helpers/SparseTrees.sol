// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommitmentTree, NodeOpening, PathStep} from "../../src/libraries/CommitmentTree.sol";
import {DivergenceProof, Reveal} from "../../src/libraries/Divergences.sol";

/// @notice A full commitment tree whose leaves change only at a few places.
/// @param starts Where they change, ascending, the first one zero.
/// @param values What they are from there on.
/// @param pads For each value the node of every level below which nothing else can be.
/// @param mixed Index of every other node, by level, ascending.
/// @param hashes Those nodes.
struct Tree {
    uint256 logArity;
    uint256 height;
    uint256[] starts;
    bytes32[] values;
    bytes32[][] pads;
    uint256[][] mixed;
    bytes32[][] hashes;
}

/// @notice Nodes, paths and first differences of such trees: what a player computes off chain.
library SparseTrees {
    function make(uint256 logArity, uint256 height, uint256[] memory starts, bytes32[] memory values)
        internal
        pure
        returns (Tree memory self)
    {
        bytes32[][] memory pads = new bytes32[][](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            uint256 run = (i + 1 < starts.length ? starts[i + 1] : 1 << height * logArity) - starts[i];
            uint256 levels = 0;
            while (levels < height && 1 << (levels + 1) * logArity <= run) ++levels;
            pads[i] = padding(values[i], levels, logArity);
        }
        self = Tree(logArity, height, starts, values, pads, new uint256[][](height + 1), new bytes32[][](height + 1));
        for (uint256 level = 1; level <= height; ++level) {
            self.mixed[level] = _mixedAt(self, level);
            self.hashes[level] = new bytes32[](self.mixed[level].length);
            for (uint256 i = 0; i < self.mixed[level].length; ++i) {
                uint256 index = self.mixed[level][i];
                self.hashes[level][i] =
                    CommitmentTree.hashNode(endState(self, level, index), childrenRoot(self, level, index));
            }
        }
    }

    /// @dev Nodes in which a value begins, but not at the first leaf.
    function _mixedAt(Tree memory self, uint256 level) private pure returns (uint256[] memory found) {
        uint256 bits = level * self.logArity;
        uint256 count = 0;
        uint256[] memory all = new uint256[](self.starts.length);
        for (uint256 i = 0; i < all.length; ++i) {
            uint256 index = self.starts[i] >> bits;
            if (index << bits == self.starts[i] || (count > 0 && all[count - 1] == index)) continue;
            all[count++] = index;
        }
        found = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            found[i] = all[i];
        }
    }

    function padding(bytes32 value, uint256 height, uint256 logArity) internal pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](height + 1);
        nodes[0] = value;
        for (uint256 level = 0; level < height; ++level) {
            bytes32 half = nodes[level];
            for (uint256 bit = 0; bit < logArity; ++bit) {
                half = CommitmentTree.pair(half, half);
            }
            nodes[level + 1] = CommitmentTree.hashNode(value, half);
        }
    }

    /* NODES */

    function node(Tree memory self, uint256 level, uint256 index) internal pure returns (bytes32) {
        for (uint256 i = 0; level > 0 && i < self.mixed[level].length; ++i) {
            if (self.mixed[level][i] == index) return self.hashes[level][i];
        }
        return self.pads[_place(self, index << level * self.logArity)][level];
    }

    function endState(Tree memory self, uint256 level, uint256 index) internal pure returns (bytes32) {
        return self.values[_place(self, ((index + 1) << level * self.logArity) - 1)];
    }

    function root(Tree memory self) internal pure returns (bytes32) {
        return node(self, self.height, 0);
    }

    function endLeaf(Tree memory self) internal pure returns (bytes32) {
        return self.values[self.values.length - 1];
    }

    function children(Tree memory self, uint256 level, uint256 index) internal pure returns (bytes32[] memory found) {
        uint256 arity = 1 << self.logArity;
        found = new bytes32[](arity);
        for (uint256 i = 0; i < arity; ++i) {
            found[i] = node(self, level - 1, index * arity + i);
        }
    }

    function childrenRoot(Tree memory self, uint256 level, uint256 index) internal pure returns (bytes32) {
        bytes32[] memory layer = children(self, level, index);
        for (uint256 width = layer.length / 2; width > 0; width /= 2) {
            _fold(layer, width);
        }
        return layer[0];
    }

    function open(Tree memory self, uint256 level, uint256 index) internal pure returns (NodeOpening memory opening) {
        opening.endState = endState(self, level, index);
        if (level > 0) opening.childrenRoot = childrenRoot(self, level, index);
    }

    function reveal(Tree memory self, uint256 level, uint256 index) internal pure returns (Reveal memory revealed) {
        if (level == 0) return revealed;
        revealed.endState = endState(self, level, index);
        revealed.children = children(self, level, index);
        uint256 last = ((index + 1) << self.logArity) - 1;
        revealed.lastChildrenRoot = open(self, level - 1, last).childrenRoot;
    }

    /* PATHS */

    /// @dev The `depth` steps up from a node.
    function path(Tree memory self, uint256 level, uint256 index, uint256 depth)
        internal
        pure
        returns (PathStep[] memory steps)
    {
        steps = new PathStep[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            uint256 up = index >> self.logArity;
            steps[i].endState = endState(self, level + i + 1, up);
            steps[i].siblings = _siblings(children(self, level + i + 1, up), index - (up << self.logArity));
            index = up;
        }
    }

    /// @dev Index, at `level`, of the first difference under node `top` of level `from`.
    function firstDifference(Tree memory older, Tree memory newer, uint256 from, uint256 top, uint256 level)
        internal
        pure
        returns (uint256 index)
    {
        index = top;
        for (uint256 at = from; at > level; --at) {
            index <<= older.logArity;
            while (node(older, at - 1, index) == node(newer, at - 1, index)) ++index;
        }
    }

    /// @dev The proof that goes with it.
    function prove(Tree memory older, Tree memory newer, uint256 from, uint256 top, uint256 level)
        internal
        pure
        returns (DivergenceProof memory proof)
    {
        return proveAt(older, newer, from, top, level, firstDifference(older, newer, from, top, level));
    }

    /// @dev The proof for node `index` of `level`, be it the first difference or not.
    function proveAt(Tree memory older, Tree memory newer, uint256 from, uint256 top, uint256 level, uint256 index)
        internal
        pure
        returns (DivergenceProof memory proof)
    {
        proof.nodes = [node(older, level, index), node(newer, level, index)];
        proof.older = path(older, level, index, from - level);
        proof.newer = path(newer, level, index, from - level);
        proof.index = uint32(index - (top << (older.logArity * (from - level))));
        if (proof.index == 0) return proof;
        proof.left = open(older, level, index - 1);
        proof.leftPath = _leftPath(older, level, index);
    }

    function _leftPath(Tree memory self, uint256 level, uint256 index) private pure returns (PathStep[] memory steps) {
        uint256 bits = 0;
        while (index >> bits & 1 == 0) ++bits;
        uint256 rest = bits % self.logArity;
        steps = path(self, level, index - 1, bits / self.logArity + (rest == 0 ? 0 : 1));
        if (rest == 0) return steps;
        PathStep memory part = steps[steps.length - 1];
        bytes32[] memory siblings = new bytes32[](rest);
        for (uint256 i = 0; i < rest; ++i) {
            siblings[i] = part.siblings[i];
        }
        (part.endState, part.siblings) = (bytes32(0), siblings);
    }

    /* PRIVATE */

    /// @dev Which value leaf `index` has.
    function _place(Tree memory self, uint256 index) private pure returns (uint256 place) {
        place = self.starts.length - 1;
        while (self.starts[place] > index) --place;
    }

    function _siblings(bytes32[] memory layer, uint256 index) private pure returns (bytes32[] memory found) {
        uint256 bits = 0;
        while (1 << bits < layer.length) ++bits;
        found = new bytes32[](bits);
        uint256 width = layer.length;
        for (uint256 i = 0; i < bits; ++i) {
            found[i] = layer[index ^ 1];
            width /= 2;
            index /= 2;
            _fold(layer, width);
        }
    }

    /// @dev Replaces the first 2·width entries by their `width` parents.
    function _fold(bytes32[] memory layer, uint256 width) private pure {
        for (uint256 i = 0; i < width; ++i) {
            layer[i] = CommitmentTree.pair(layer[2 * i], layer[2 * i + 1]);
        }
    }
}
