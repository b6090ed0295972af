"""Random tries that meet the rare forms: inline leaves, long extensions, collapsing branches."""

from hypothesis import strategies as st
from trie import HexaryTrie

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT, commit

INLINE_SLOTS = (247_476, 515_151)
"""Storage slots whose hashed keys share 10 nibbles: small values make two inline leaves."""


def slot_key(slot: int) -> bytes:
    """Path of a storage slot."""
    return keccak256(slot.to_bytes(32, "big"))


INLINE_KEYS = tuple(map(slot_key, INLINE_SLOTS))


def _key_near_zero(positions: list[int], nibbles: list[int]) -> bytes:
    digits = ["0"] * 64
    for position, nibble in zip(positions, nibbles, strict=False):
        digits[position] = f"{nibble:x}"
    return bytes.fromhex("".join(digits))


_shallow = st.builds(
    _key_near_zero, st.lists(st.integers(0, 3), max_size=3), st.lists(st.integers(0, 3), max_size=3)
)
_deep = st.builds(
    _key_near_zero,
    st.lists(st.sampled_from([0, 1, 30, 31, 40, 61, 62, 63]), max_size=3),
    st.lists(st.sampled_from([1, 2, 15]), max_size=3),
)
keys = st.one_of(st.integers(0, 40).map(slot_key), _shallow, _deep, st.sampled_from(INLINE_KEYS))
"""32-byte paths: uniform ones, and ones that share long prefixes (deep branches have inline children)."""

values = st.one_of(
    st.sampled_from([b"\x01", b"\x7f", b"\x80", b"\x00"]),
    st.binary(min_size=1, max_size=33),
    st.integers(54, 58).map(lambda size: b"v" * size),
    st.just(b"w" * 300),
)
contents = st.dictionaries(keys, values, max_size=40)
changes = st.dictionaries(keys, st.none() | values, max_size=30)


def build(content: dict[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """Root and nodes of a trie with `content`."""
    root, built = commit({}, EMPTY_ROOT, content)
    return root, dict(built)


def reference_root(content: dict[bytes, bytes]) -> bytes:
    """Root that the `trie` library computes."""
    oracle = HexaryTrie({})
    for key, value in content.items():
        oracle[key] = value
    return bytes(oracle.root_hash)
