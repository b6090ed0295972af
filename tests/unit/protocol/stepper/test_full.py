"""The backend with everything: what it was not given, and what must not change under it."""

from collections.abc import Callable

import pytest

from optimistic.protocol import wordtree
from optimistic.protocol.accounts import EMPTY_CODE_HASH
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.backend import Leaf
from optimistic.protocol.stepper.full import Full, MissingSource
from optimistic.protocol.stepper.state import EMPTY_VIEW, View, view_of
from optimistic.protocol.stepper.words import Memory
from optimistic.protocol.types import ZERO_HASH, Hash32
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.opcode_stage import RING, hash_of_block
from tests.helpers.rollup import make_deposit

KEY = keccak256(b"key")
UNKNOWN = Hash32(b"\x99" * 32)
DATA = b"the bytes of a batch"


def full() -> Full:
    """A backend with one batch and one deposit."""
    return Full(DEVNET, MemoryNodes(), data=[DATA], deposits={4: make_deposit(data=b"ab")}, rings=[RING])


@pytest.mark.parametrize(
    "ask",
    [
        lambda be: be.code(UNKNOWN),
        lambda be: be.read_view(View(UNKNOWN, 0, 1), 0, 1),
        lambda be: be.batch_record(UNKNOWN),
        lambda be: be.deposit(5),
        lambda be: be.block_hash(UNKNOWN, 0),
    ],
)
def test_full__source_not_given__is_critical(ask: Callable[[Full], object]) -> None:
    with pytest.raises(MissingSource):
        ask(full())


def test_full__view_by_root_alone__finds_batches_and_deposits() -> None:
    be = full()
    assert be.read_view(View(wordtree.root(DATA), 4, 5), 0, 7) == b"bytes\0\0"
    assert be.read_view(View(wordtree.root(b"ab"), 0, 2), 1, 1) == b"b"


@pytest.mark.parametrize(("offset", "length"), [(3, 2), (1 << 256, 3), (0, 0)])
def test_full__view_beyond_its_end__reads_zeros(offset: int, length: int) -> None:
    assert full().read_view(View(wordtree.root(DATA), 0, 3), offset, length) == bytes(length)


def test_full__code__is_kept_and_the_empty_one_needs_no_keeping() -> None:
    be = full()
    assert be.code(EMPTY_CODE_HASH) == b""
    assert be.code(be.keep_code(b"\x5b")) == b"\x5b"


def test_full__leaves__old_roots_keep_their_values() -> None:
    be = full()
    empty = be.open_leaf(EMPTY_ROOT, KEY)
    assert empty == Leaf(EMPTY_ROOT, KEY, None)
    first = be.put_leaf(empty, b"one")
    second = be.put_leaf(be.open_leaf(first, KEY), b"two")
    assert be.open_leaf(first, KEY).value == b"one"
    assert be.open_leaf(second, KEY).value == b"two"
    assert be.delete_leaf(be.open_leaf(second, KEY)) == EMPTY_ROOT


def test_full__freeze__keeps_bytes_and_root() -> None:
    be, memory = full(), Memory()
    memory.write(0, b"old")
    view = view_of(memory, 0, 3)
    frozen = be.freeze(memory)
    memory.write(0, b"new")
    assert be.freeze(frozen) is frozen
    assert frozen.root == view.root
    assert frozen.read(0, 3) == b"old"


def test_full__deposit__hashes_as_l1_stores_it() -> None:
    head = full().deposit(4)
    assert head.data_root == wordtree.root(b"ab")
    assert head.data.length == 2
    empty = Full(DEVNET, MemoryNodes(), deposits={0: make_deposit()}).deposit(0)
    assert empty.data is EMPTY_VIEW
    assert empty.data_root == wordtree.root(b"")


def test_full__ring__replaces_one_hash() -> None:
    be = full()
    assert be.block_hash(RING.root, 999 % 256) == hash_of_block(999)
    root = be.put_block_hash(RING.root, 3, UNKNOWN)
    assert be.block_hash(root, 3) == UNKNOWN
    assert be.block_hash(RING.root, 3) != UNKNOWN


def test_full__destroyed__is_found_by_its_chain_hash() -> None:
    be = full()
    address = make_deposit().sender
    first = be.keep_destroyed(ZERO_HASH, address)
    second = be.keep_destroyed(first, address)
    assert be.destroyed(second) == (first, address)
    assert be.destroyed(first) == (ZERO_HASH, address)
