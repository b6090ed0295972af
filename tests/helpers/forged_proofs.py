"""Node lists whose hashes fit but which no trie over 32-byte keys contains."""

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import NO_CHILD, Short, encode_short, reference
from optimistic.protocol.strict_rlp import encode_string, join_list

KEY = bytes(32)


def forged(*nodes: bytes) -> tuple[bytes, list[bytes]]:
    """Root and proof of nodes that refer to each other already."""
    return keccak256(nodes[0]), list(nodes)


def branch_to(child: bytes, nibble: int = 0) -> bytes:
    """A branch with `child` at `nibble` and another child."""
    slots = [NO_CHILD] * 17
    slots[nibble] = reference(child)
    slots[15] = b"\xa0" + keccak256(b"other")
    return join_list(slots)


def leaf(digits: int, value: bytes = b"value of more than thirty bytes.") -> bytes:
    """A leaf whose path is `digits` zeros."""
    return encode_short(Short("0" * digits, encode_string(value), True))


def extension_to(child: bytes, digits: int) -> bytes:
    """An extension whose path is `digits` zeros."""
    return encode_short(Short("0" * digits, reference(child), False))


def pair_of(first: bytes, second: bytes) -> bytes:
    """A branch with just two children, at 0 and 1."""
    return join_list([reference(first), reference(second)] + [NO_CHILD] * 15)


SHORT_LEAF = encode_short(Short("0", b"\x05", True))
HASHED_SHORT_BRANCH = join_list([b"\xa0" + keccak256(SHORT_LEAF), b"\xa0" + bytes(32)] + [NO_CHILD] * 15)
OTHER_LEAF = encode_short(Short("1" * 64, encode_string(b"v" * 32), True))
LONE_PAIR = pair_of(leaf(63), OTHER_LEAF)
LONG_EXTENSION = extension_to(branch_to(leaf(0)), 63)
NO_NODE = join_list([b"\x20", b"\xa0" + bytes(32), b"\xa0" + bytes(32)])

WELL_HASHED = {
    "leaf too short": forged(leaf(63)),
    "leaf below a branch too long": forged(branch_to(leaf(64)), leaf(64)),
    "extension to a leaf": forged(extension_to(leaf(60), 4), leaf(60)),
    "extension to an extension": forged(
        extension_to(extension_to(branch_to(leaf(55)), 4), 4),
        extension_to(branch_to(leaf(55)), 4),
        branch_to(leaf(55)),
        leaf(55),
    ),
    "extension over the whole key": forged(extension_to(branch_to(leaf(0)), 64), branch_to(leaf(0)), leaf(0)),
    "node below 32 bytes named by hash": forged(
        extension_to(HASHED_SHORT_BRANCH, 62), HASHED_SHORT_BRANCH, SHORT_LEAF
    ),
    "branch below the last nibble": forged(
        extension_to(branch_to(branch_to(leaf(0))), 63),
        branch_to(branch_to(leaf(0))),
        branch_to(leaf(0)),
        leaf(0),
    ),
    "sibling leaf too long": forged(LONE_PAIR, leaf(63), OTHER_LEAF),
    "sibling extension too long": forged(pair_of(leaf(63), LONG_EXTENSION), leaf(63), LONG_EXTENSION),
    "sibling that is no node": forged(pair_of(leaf(63), NO_NODE), leaf(63), NO_NODE),
}
"""Root and node list by what is wrong with them; each claims something about KEY."""
