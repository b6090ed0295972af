"""Nodes of the secure Merkle Patricia Trie: coding, references, and the shape algebra.

All keys are 32 bytes (64 nibbles), already hashed by the caller, so no key is a
prefix of another and a branch never holds a value. Paths are strings of hex
digits: slicing and comparing them is fast, and `bytes.fromhex` packs them.

A *reference* is the raw RLP item by which a parent names a child: ``0x80`` for
none, ``0xa0 ‖ hash`` for a node of 32 bytes or more, or the node itself
(*inline*) when its encoding is shorter. The root is always named by hash.

A *shape* is a subtree before its topmost short node is sealed, which is the form
that merges: putting a prefix in front of a leaf or extension lengthens its path.

Source: Ethereum Yellow Paper, appendix D; twin: solidity/src/libraries/Mpt.sol.
"""

from typing import Final, NamedTuple, TypeAlias

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.strict_rlp import (
    EMPTY_STRING,
    InvalidRlp,
    encode_string,
    join_list,
    split_list,
    string_payload,
)
from optimistic.protocol.types import Hash32

EMPTY_ROOT: Final = keccak256(EMPTY_STRING)
"""Root of a trie without keys."""

KEY_NIBBLES: Final = 64
NO_CHILD: Final = EMPTY_STRING
HASH_PREFIX: Final = b"\xa0"
HASH_REF_BYTES: Final = 33
SLOTS: Final = 17

_FULL_BRANCH: Final = b"\xf9\x02\x11"
_FULL_BRANCH_PREFIXES: Final = HASH_PREFIX * 16 + NO_CHILD
_LIST: Final = 0xC0


class Short(NamedTuple):
    """A leaf or an extension, or (as a shape) a bare reference.

    Attributes
    ----------
    path : hex digits of the nibbles it consumes
    tail : raw item: the value of a leaf, the child reference of an extension
    is_leaf : which of the two; a shape with an empty path that is no leaf stands
        for the branch that `tail` refers to
    """

    path: str
    tail: bytes
    is_leaf: bool

    def after(self, prefix: str) -> "Short":
        """Put `prefix` in front of the path."""
        return Short(prefix + self.path, self.tail, self.is_leaf)


Branch: TypeAlias = list[bytes]
"""17 raw items: the references of children 0..f, then the value, always empty."""

Node: TypeAlias = "Short | Branch"


def parse_node(raw: bytes) -> Node:
    """Decode one node strictly, without looking into inline children.

    Raises
    ------
    InvalidRlp : not canonical RLP, not 2 or 17 items, a malformed path, a reference
        that is neither empty, a hash nor inline, a branch with a value or with fewer
        than two children, a leaf without a value, an extension without path or child
    """
    if raw[:3] == _FULL_BRANCH and raw[3::33] == _FULL_BRANCH_PREFIXES and len(raw) == 532:
        return [raw[i : i + HASH_REF_BYTES] for i in range(3, 531, HASH_REF_BYTES)] + [NO_CHILD]
    items = split_list(raw)
    if len(items) == SLOTS:
        return _check_branch(items)
    if len(items) != 2:
        raise InvalidRlp(f"trie node with {len(items)} items")
    path, is_leaf = decode_path(string_payload(items[0]))
    tail = items[1]
    if is_leaf:
        if tail[0] >= _LIST or tail == EMPTY_STRING:
            raise InvalidRlp("leaf value is a list or empty")
    elif not path or not (_is_inline(tail) or (tail[0] == 0xA0 and len(tail) == HASH_REF_BYTES)):
        raise InvalidRlp("extension without a path or a child")
    return Short(path, tail, is_leaf)


def _check_branch(items: list[bytes]) -> Branch:
    """Refuse a branch that no trie over 32-byte keys can contain."""
    if items[16] != EMPTY_STRING:
        raise InvalidRlp("branch with a value")
    if items.count(NO_CHILD) > SLOTS - 2:
        raise InvalidRlp("branch with fewer than two children")
    # inlined for the common cases, which are most of the cost of decoding a node
    rare = [item for item in items if item != NO_CHILD and (len(item) != HASH_REF_BYTES or item[0] != 0xA0)]
    if not all(map(_is_inline, rare)):
        raise InvalidRlp("branch slot is no reference")
    return items


def _is_inline(item: bytes) -> bool:
    """Whether a raw item is a node short enough to stand in its parent."""
    return item[0] >= _LIST and len(item) < 32


def decode_path(packed: bytes) -> tuple[str, bool]:
    """Unpack a hex-prefix path into (hex digits, is_leaf).

    Raises
    ------
    InvalidRlp : empty, an unknown flag, or a non-zero pad nibble
    """
    digits = packed.hex()
    flag = digits[:1]
    if flag in {"1", "3"}:
        return digits[1:], flag == "3"
    if flag in {"0", "2"} and digits[1] == "0":
        return digits[2:], flag == "2"
    raise InvalidRlp("malformed hex-prefix path")


def encode_path(path: str, is_leaf: bool) -> bytes:
    """Pack hex digits with the hex-prefix flag nibble."""
    if len(path) & 1:
        return bytes.fromhex(("3" if is_leaf else "1") + path)
    return bytes.fromhex(("20" if is_leaf else "00") + path)


def encode_short(short: Short) -> bytes:
    """Encode a leaf or an extension (with a non-empty path)."""
    return join_list((encode_string(encode_path(short.path, short.is_leaf)), short.tail))


def reference(raw: bytes) -> bytes:
    """The raw item by which a parent names the node `raw`."""
    return raw if len(raw) < 32 else HASH_PREFIX + keccak256(raw)


def branch_shape(branch: Branch) -> Short:
    """Shape of a branch: its reference under an empty path."""
    return Short("", reference(join_list(branch)), False)


def seal(shape: Short) -> bytes:
    """Reference to a shape."""
    if not shape.path and not shape.is_leaf:
        return shape.tail
    return reference(encode_short(shape))


def root_of(shape: Short) -> Hash32:
    """Root hash of the trie that consists of a shape; a short root is hashed like a long one."""
    ref = seal(shape)
    return Hash32(ref[1:]) if len(ref) == HASH_REF_BYTES else keccak256(ref)


def common_prefix_length(left: str, right: str) -> int:
    """Number of leading digits that two paths share."""
    for i, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return i
    return min(len(left), len(right))


def only_child(branch: Branch) -> int | None:
    """Index of the single child if exactly one is left, else None."""
    if branch.count(NO_CHILD) != SLOTS - 1:
        return None
    return next(i for i, child in enumerate(branch) if child != NO_CHILD)
