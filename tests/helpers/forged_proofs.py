"""Node lists whose hashes fit but which no trie over 32-byte keys contains.

Each would prove something about KEY to a reader that leaves out one check.
"""

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import NO_CHILD, Short, encode_short, reference
from optimistic.protocol.strict_rlp import encode_string, join_list

KEY = bytes(32)
HASH = b"\xa0" + keccak256(b"other")
VALUE = encode_string(b"value of more than thirty bytes.")

Forged = tuple[bytes, list[bytes]]


def forged(*nodes: bytes) -> Forged:
    """Root and proof of nodes that refer to each other already."""
    return keccak256(nodes[0]), list(nodes)


def branch(children: dict[int, bytes], value: bytes = NO_CHILD) -> bytes:
    """A branch with raw `children` by nibble."""
    return join_list([*(children.get(nibble, NO_CHILD) for nibble in range(16)), value])


def branch_to(child: bytes) -> bytes:
    """A branch with `child` at 0 and another child."""
    return branch({0: reference(child), 15: HASH})


def leaf(digits: int, digit: str = "0") -> bytes:
    """A leaf whose path is one digit, repeated."""
    return encode_short(Short(digit * digits, VALUE, True))


def extension_to(child: bytes, digits: int) -> bytes:
    """An extension whose path is `digits` zeros."""
    return encode_short(Short("0" * digits, reference(child), False))


def short_node(packed: bytes, *tail: bytes) -> bytes:
    """A two-item node with an arbitrary packed path."""
    return join_list([encode_string(packed), *tail])


def below(child: bytes, **extra: bytes) -> Forged:
    """`child` (path of 63 zeros) below a branch that has one raw item more."""
    items = {0: reference(child), 15: HASH} | {int(name[1:]): item for name, item in extra.items()}
    return forged(branch(items), child)


SHORT_LEAF = encode_short(Short("0", b"\x05", True))
HASHED_SHORT_BRANCH = branch({0: b"\xa0" + keccak256(SHORT_LEAF), 1: HASH})
LONG_EXTENSION = extension_to(branch_to(leaf(0)), 63)
NO_NODE = join_list([b"\x20", HASH, HASH])
DEEP_BRANCH = branch({1: HASH, 2: HASH})
FULL = dict.fromkeys(range(16), HASH)

LEAVES = {
    "flag 4": short_node(b"\x40" + KEY, VALUE),
    "pad nibble": short_node(b"\x21" + KEY, VALUE),
    "path of 65 nibbles": short_node(b"\x30" + KEY, VALUE),
    "path of 66 nibbles": short_node(b"\x20" + KEY + b"\0", VALUE),
    "third item": short_node(b"\x20" + KEY, VALUE, VALUE),
    "no value": short_node(b"\x20" + KEY, NO_CHILD),
    "list for a value": short_node(b"\x20" + KEY, b"\xc1\x05"),
    "prefix before a small byte": short_node(b"\x20" + KEY, b"\x81\x05"),
    "long form of a short value": short_node(b"\x20" + KEY, b"\xb8\x03abc"),
    "leading zero in a length": short_node(b"\x20" + KEY, b"\xb9\x00\x40" + b"v" * 64),
    "value beyond the node": short_node(b"\x20" + KEY, b"\x8aabc"),
    "long form of a short node": b"\xf8\x26" + short_node(b"\x20" + KEY, b"\x83abc")[1:],
    "trailing byte": leaf(64) + b"\0",
    "empty path": short_node(b"", VALUE),
    "list for a path": join_list([b"\xc1\x20", VALUE]),
    "one item": join_list([encode_string(b"\x20" + KEY)]),
    "no items": b"\xc0",
    "string": b"\x83dog",
    "path too short": leaf(63),
}
BRANCHES = {
    "value": forged(branch({0: reference(leaf(63)), 15: HASH}, value=b"\x05"), leaf(63)),
    "one child": forged(branch({0: reference(leaf(63))}), leaf(63)),
    "no children": forged(branch({})),
    "sixteen items": forged(join_list([NO_CHILD, HASH, HASH] + [NO_CHILD] * 13)),
    "eighteen items": forged(join_list([NO_CHILD, HASH, HASH] + [NO_CHILD] * 15)),
    "small byte for a child": below(leaf(63), _1=b"\x05"),
    "string of 31 bytes for a child": below(leaf(63), _1=b"\x9f" + bytes(31)),
    "string of 33 bytes for a child": below(leaf(63), _1=b"\xa1" + bytes(33)),
    "list of 32 bytes for a child": below(leaf(63), _1=b"\xdf" + bytes(31)),
    "list of 33 bytes for a child": below(leaf(63), _1=b"\xe0" + bytes(32)),
    "full but for one prefix": forged(
        branch(FULL | {0: reference(leaf(63)), 9: b"\xa2" + HASH[1:]}), leaf(63)
    ),
    "full with a value": forged(branch(FULL | {0: reference(leaf(63))}, value=b"\x05"), leaf(63)),
}
SHAPES = {
    "leaf too long": forged(branch_to(leaf(64)), leaf(64)),
    "extension without a path": forged(
        short_node(b"\x00", reference(branch_to(leaf(63)))), branch_to(leaf(63)), leaf(63)
    ),
    "extension without a child": forged(short_node(b"\x10", NO_CHILD)),
    "extension to a string": forged(short_node(b"\x10", b"\x05")),
    "extension to a leaf": forged(extension_to(leaf(60), 4), leaf(60)),
    "extension to an extension": forged(
        extension_to(extension_to(branch_to(leaf(55)), 4), 4),
        extension_to(branch_to(leaf(55)), 4),
        branch_to(leaf(55)),
        leaf(55),
    ),
    "extension over the whole key": forged(extension_to(branch_to(leaf(0)), 64), branch_to(leaf(0)), leaf(0)),
    "short node named by hash": forged(
        extension_to(HASHED_SHORT_BRANCH, 62), HASHED_SHORT_BRANCH, SHORT_LEAF
    ),
    "branch below the last nibble": forged(
        extension_to(branch_to(DEEP_BRANCH), 63), branch_to(DEEP_BRANCH), DEEP_BRANCH
    ),
}
SIBLINGS = {
    "leaf too long": leaf(64, "1"),
    "extension too long": LONG_EXTENSION,
    "no node": NO_NODE,
    "branch with one child": branch({7: HASH}),
}

IMPOSSIBLE: dict[str, Forged] = (
    {f"leaf: {name}": forged(node) for name, node in LEAVES.items()}
    | {f"branch: {name}": case for name, case in BRANCHES.items()}
    | {f"shape: {name}": case for name, case in SHAPES.items()}
    | {
        f"sibling: {name}": forged(branch({0: reference(leaf(63)), 1: reference(node)}), leaf(63), node)
        for name, node in SIBLINGS.items()
    }
)
"""Root and node list, by what is wrong with them."""
