"""Node lists whose hashes fit but which no trie over 32-byte keys contains.

Each would prove something about KEY to a reader that leaves out one check.
"""

from collections.abc import Iterator
from itertools import count, product

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


ALL_PREFIX = b"\xa0" * 33
"""A hash that is no other byte than its own prefix: read from a wrong place it looks like one, too."""
FULL_PREFIX = dict.fromkeys(range(16), ALL_PREFIX)


def leaf_named_by_prefixes(digits: int) -> bytes:
    """A leaf with a path of zeros whose hash ends with the prefix of a hash."""
    values = (encode_string(bytes(30) + n.to_bytes(2, "big")) for n in count())
    nodes = (encode_short(Short("0" * digits, value, True)) for value in values)
    return next(node for node in nodes if keccak256(node)[-1] == ALL_PREFIX[0])


def leaf_with_hash_bytes(**wanted: int) -> bytes:
    """A leaf with a path of 63 zeros whose hash has these bytes (_0 is the first)."""
    values = (encode_string(bytes(29) + n.to_bytes(3, "big")) for n in count())
    nodes = (encode_short(Short("0" * 63, value, True)) for value in values)
    places = {int(name[1:]): byte for name, byte in wanted.items()}
    return next(
        node for node in nodes if all(keccak256(node)[place] == byte for place, byte in places.items())
    )


def nearly_full() -> Iterator[tuple[str, Forged]]:
    """As long as a branch of 16 hashes, and full to a reader that looks elsewhere."""
    for first in (0x00, 0x40, 0x50):
        items = dict.fromkeys(range(16), bytes((first,)) + HASH[1:])
        yield (
            f"full of {first:#x}",
            forged(branch(items | {0: bytes((first,)) + reference(leaf(63))[1:]}), leaf(63)),
        )
    child = leaf_with_hash_bytes(_0=0, _30=0)
    zeros = dict.fromkeys(range(1, 16), b"\xa0" + bytes(32)) | {0: reference(child)}
    yield "full of zeros but for one prefix", forged(branch(zeros | {5: b"\x20" + bytes(32)}), child)
    empty = b"\xa0" + b"\x80" * 32
    for depth in (62, 61):
        wrong = branch(FULL_PREFIX | {0: reference(leaf(depth)), 15: empty}, value=b"\x05")
        nodes = [wrong, leaf(depth)]
        for _ in range(63 - depth):
            nodes.insert(0, branch(dict.fromkeys(range(1, 16), empty) | {0: reference(nodes[0])}))
        yield f"full with a value, {63 - depth} levels below empty ones", forged(*nodes)


def almost_full() -> Iterator[tuple[str, Forged]]:
    """Lists as long as a branch of 16 hashes in which one byte of a header is another."""
    child, grandchild = leaf_named_by_prefixes(63), leaf_named_by_prefixes(62)
    children = FULL_PREFIX | {0: reference(child)}
    for nibble, first in product(range(16), (0x20, 0xA1, 0xE0)):
        name = f"almost full, {first:#x} before hash {nibble}"
        wrong = branch(children | {nibble: bytes((first,)) + children[nibble][1:]})
        yield name, forged(wrong, child)
        below_full = FULL_PREFIX | {0: reference(grandchild)}
        wrong = branch(below_full | {nibble: bytes((first,)) + below_full[nibble][1:]})
        yield (
            f"{name}, below a full one",
            forged(branch(FULL_PREFIX | {0: reference(wrong)}), wrong, grandchild),
        )
    for value in (0x00, 0x40, 0x7F, 0x81, 0xA0):
        yield f"full with the value {value:#x}", forged(branch(children, bytes((value,))), child)
    full = branch(children)
    for header in ("b90211", "f80211", "f90111", "f90210", "f90212", "fa0211", "7c8108"):
        node = bytes.fromhex(header) + full[3:]
        yield f"full behind 0x{header}", forged(node, child)
    yield "full before a byte", forged(full + b"\0", child)


SHORT_LEAF = encode_short(Short("0", b"\x05", True))
LEAF_OF_31 = encode_short(Short("0", encode_string(b"v" * 28), True))
HASHED_LEAF_OF_31 = branch({0: b"\xa0" + keccak256(LEAF_OF_31), 1: HASH})
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
    "empty list for a value": short_node(b"\x20" + KEY, b"\xc0"),
    "list for a value": short_node(b"\x20" + KEY, b"\xc1\x05"),
    "prefix before a small byte": short_node(b"\x20" + KEY, b"\x81\x05"),
    "long form of a short value": short_node(b"\x20" + KEY, b"\xb8\x03abc"),
    "long form of a value of 55 bytes": short_node(b"\x20" + KEY, b"\xb8\x37" + b"v" * 55),
    "long form of a node of 55 bytes": b"\xf8\x37" + short_node(b"\x20" + KEY, b"\x94" + b"v" * 20)[1:],
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
    **dict(almost_full()),
    **dict(nearly_full()),
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
    "node of 31 bytes named by hash": forged(
        extension_to(HASHED_LEAF_OF_31, 62), HASHED_LEAF_OF_31, LEAF_OF_31
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
