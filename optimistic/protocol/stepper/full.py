"""The backend that has everything: it runs a unit, and proofs can be taken from it.

Nothing is ever forgotten: trie nodes are added and never removed, so each root that
the machine named stays provable, and a revert is no work at all.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from optimistic.protocol import mpt
from optimistic.protocol.accounts import EMPTY_CODE_HASH
from optimistic.protocol.constants import TAG_DESTROY
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.stepper.backend import DepositHead, Leaf
from optimistic.protocol.stepper.state import EMPTY_VIEW, Frame, View, Words, view_of
from optimistic.protocol.stepper.words import FrozenWords, Memory
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import BlockRing

_CACHED_LEAVES: Final = 1 << 16


class MissingSource(CriticalError):
    """The machine names something that this backend was not given."""


class Full:
    """A `Backend` over stored tries and the data of the batches to be run.

    Parameters
    ----------
    params : consensus parameters
    nodes : trie nodes and codes of the start state, by hash
    data : batches, each as the bytes its data root commits to
    deposits : the queue entries that may be run, by index
    records : (previous accumulator, record) by accumulator
    rings : the block hashes behind the start state's ring
    """

    def __init__(
        self,
        params: RollupParams,
        nodes: mpt.NodeReader,
        *,
        data: Iterable[bytes] = (),
        deposits: Mapping[int, Deposit] | None = None,
        records: Mapping[Hash32, tuple[Hash32, BatchRecord]] | None = None,
        rings: Iterable[BlockRing] = (),
    ) -> None:
        self._params = params
        self.nodes: Final = mpt.NodeOverlay(nodes)
        self._deposits = deposits or {}
        self._records = records or {}
        self._rings = {ring.root: ring for ring in rings}
        self._destroyed: dict[Hash32, tuple[Hash32, Address]] = {}
        self._leaves: dict[tuple[Hash32, Hash32], bytes | None] = {}
        frozen = [FrozenWords(source) for source in (*data, *(item.data for item in self._deposits.values()))]
        self._sources = {words.root: words for words in frozen}

    @property
    def params(self) -> RollupParams:
        """Consensus parameters."""
        return self._params

    # -------------------------------------------------------------------------------------- bytes

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self.nodes.get(code_hash)
        if code is None:
            raise MissingSource(f"code {code_hash.hex()} is not stored")
        return code

    def keep_code(self, code: bytes) -> Hash32:
        """Store a code and return its hash."""
        code_hash = keccak256(code)
        self.nodes.put_many({code_hash: code})
        return code_hash

    def source(self, view: View) -> Words:
        """Return the words that a view with bytes looks at."""
        words = view.words or self._sources.get(view.root)
        if words is None:
            raise MissingSource(f"the bytes under {view.root.hex()} are not stored")
        return words

    def read_view(self, view: View, offset: int, length: int) -> bytes:
        """Return bytes [offset, offset + length) of the view, zero beyond its length."""
        inside = view.inside(offset, length)
        data = self.source(view).read(view.offset + offset, inside) if inside else b""
        return data.ljust(length, b"\0")

    def read_memory(self, frame: Frame, offset: int, length: int) -> bytes:
        """Return bytes of the frame's memory."""
        return frame.memory.read(offset, length)

    def write_memory(self, frame: Frame, offset: int, data: bytes) -> None:
        """Write to the frame's memory."""
        memory = frame.memory
        assert isinstance(memory, Memory)
        memory.write(offset, data)

    def new_memory(self) -> Words:
        """Return the empty memory of a new frame."""
        return Memory()

    def freeze(self, words: Words) -> Words:
        """Return words that keep the present root and bytes."""
        return words.frozen() if isinstance(words, Memory) else words

    def new_words(self, data: bytes) -> Words:
        """Return `data` under its own root."""
        return FrozenWords(data)

    # -------------------------------------------------------------------------------------- tries

    def open_leaf(self, root: Hash32, key: Hash32) -> Leaf:
        """Return what the trie has under `key`."""
        place = (root, key)
        if place not in self._leaves:
            self._remember(place, mpt.get(self.nodes, root, key))
        return Leaf(root, key, self._leaves[place])

    def put_leaf(self, leaf: Leaf, value: bytes) -> Hash32:
        """Return the root after writing `value` under the leaf's key."""
        return self._change(leaf, value)

    def delete_leaf(self, leaf: Leaf) -> Hash32:
        """Return the root after removing the leaf."""
        return self._change(leaf, None)

    def _change(self, leaf: Leaf, value: bytes | None) -> Hash32:
        """Store the trie that has `value` at the leaf's place and return its root."""
        root, built = mpt.commit(self.nodes, leaf.root, {leaf.key: value})
        self.nodes.put_many(built)
        self._remember((root, leaf.key), value)
        return root

    def _remember(self, place: tuple[Hash32, Hash32], value: bytes | None) -> None:
        """Keep a value that was read or written, within bounds."""
        if len(self._leaves) >= _CACHED_LEAVES:
            self._leaves.clear()
        self._leaves[place] = value

    # -------------------------------------------------------------------------------------- preimages

    def parent_of(self, frame: Frame) -> Frame:
        """Return the suspended caller of a frame."""
        assert isinstance(frame.parent, Frame)
        return frame.parent

    def keep_destroyed(self, acc: Hash32, address: Address) -> Hash32:
        """Return the chain hash of `address` on top of `acc`."""
        longer = struct_hash(TAG_DESTROY, acc, address)
        self._destroyed[longer] = (acc, address)
        return longer

    def destroyed(self, acc: Hash32) -> tuple[Hash32, Address]:
        """Return (previous acc, address) whose chain hash is `acc`."""
        return self._destroyed[acc]

    def batch_record(self, acc: Hash32) -> tuple[Hash32, BatchRecord]:
        """Return (previous acc, record) whose accumulator is `acc`."""
        if acc not in self._records:
            raise MissingSource(f"no batch record under {acc.hex()}")
        return self._records[acc]

    def deposit(self, index: int) -> DepositHead:
        """Return deposit `index` of the queue."""
        if index not in self._deposits:
            raise MissingSource(f"deposit {index} is not at hand")
        deposit = self._deposits[index]
        words = FrozenWords(deposit.data)
        return DepositHead(
            sender=deposit.sender,
            is_create=deposit.is_create,
            to=deposit.to,
            mint=deposit.mint,
            value=deposit.value,
            gas_limit=deposit.gas_limit,
            data=view_of(words, 0, len(deposit.data)) if deposit.data else EMPTY_VIEW,
            l1_timestamp=deposit.l1_timestamp,
            data_root=words.root,
        )

    def ring(self, root: Hash32) -> BlockRing:
        """Return the block hashes under a ring's root."""
        if root not in self._rings:
            raise MissingSource(f"block hashes under {root.hex()} are not at hand")
        return self._rings[root]

    def block_hash(self, ring: Hash32, index: int) -> Hash32:
        """Return leaf `index` of the ring of block hashes."""
        return self.ring(ring).hashes[index]

    def put_block_hash(self, ring: Hash32, index: int, block_hash: Hash32) -> Hash32:
        """Return the ring's root after replacing leaf `index`."""
        replaced = self.ring(ring).with_block(index, block_hash)
        self._rings[replaced.root] = replaced
        return replaced.root
