"""The backend that runs one step with everything at hand and notes what L1 will need to run it."""

from dataclasses import replace

from optimistic.protocol import mpt, wordtree
from optimistic.protocol.accounts import EMPTY_CODE_HASH
from optimistic.protocol.constants import BLOCK_RING_DEPTH
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import BatchRecord
from optimistic.protocol.stepper.backend import DepositHead, Leaf
from optimistic.protocol.stepper.blobs import encode_batch, encode_deposit, encode_destroyed
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.state import Frame, View, Words
from optimistic.protocol.stepper.tape import Range, Tape, covering
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.wordtree import RangeProof


class Recording:
    """A `Backend` that answers as `Full` does and keeps the proof of each answer, in order."""

    def __init__(self, full: Full) -> None:
        self._full = full
        self._ranges: list[Range] = []
        self._proofs: list[tuple[bytes, ...]] = []
        self._blobs: list[bytes] = []

    @property
    def params(self) -> RollupParams:
        """Consensus parameters."""
        return self._full.params

    @property
    def tape(self) -> Tape:
        """What the step asked for until now."""
        return Tape(ranges=tuple(self._ranges), proofs=tuple(self._proofs), blobs=tuple(self._blobs))

    # -------------------------------------------------------------------------------------- bytes

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash; noted unless it is empty."""
        code = self._full.code(code_hash)
        if code_hash != EMPTY_CODE_HASH:
            self._blobs.append(code)
        return code

    def keep_code(self, code: bytes) -> Hash32:
        """Store a code and return its hash."""
        return self._full.keep_code(code)

    def read_view(self, view: View, offset: int, length: int) -> bytes:
        """Return bytes of the view; noted if any of them lies inside it."""
        inside = view.inside(offset, length)
        if inside:
            self._note_words(self._full.source(view), view.offset + offset, inside)
        return self._full.read_view(view, offset, length)

    def read_memory(self, frame: Frame, offset: int, length: int) -> bytes:
        """Return bytes of the frame's memory; noted."""
        self._note_words(frame.memory, offset, length)
        return self._full.read_memory(frame, offset, length)

    def write_memory(self, frame: Frame, offset: int, data: bytes) -> None:
        """Write to the frame's memory; the ends of its old words are noted."""
        proof = frame.memory.prove(*covering(offset, len(data)))
        self._note_range(replace(proof, words=wordtree.ends_of(proof)))
        self._full.write_memory(frame, offset, data)

    def new_memory(self) -> Words:
        """Return the empty memory of a new frame."""
        return self._full.new_memory()

    def freeze(self, words: Words) -> Words:
        """Return words that keep the present root and bytes."""
        return self._full.freeze(words)

    def new_words(self, data: bytes) -> Words:
        """Return `data` under its own root."""
        return self._full.new_words(data)

    def _note_words(self, words: Words, offset: int, length: int) -> None:
        """Note the words that cover a range of bytes."""
        self._note_range(words.prove(*covering(offset, length)))

    def _note_range(self, proof: RangeProof) -> None:
        """Note a range; where it begins follows from the step."""
        self._ranges.append(Range(proof.words, tuple(map(Hash32, proof.siblings))))

    # -------------------------------------------------------------------------------------- tries

    def open_leaf(self, root: Hash32, key: Hash32) -> Leaf:
        """Return what the trie has under `key`; its node list is noted."""
        self._proofs.append(tuple(mpt.prove(self._full.nodes, root, key)))
        return self._full.open_leaf(root, key)

    def put_leaf(self, leaf: Leaf, value: bytes) -> Hash32:
        """Return the root after writing `value` under the leaf's key."""
        return self._full.put_leaf(leaf, value)

    def delete_leaf(self, leaf: Leaf) -> Hash32:
        """Return the root after removing the leaf; its node list for deletion is noted."""
        self._proofs.append(tuple(mpt.prove_delete(self._full.nodes, leaf.root, leaf.key)))
        return self._full.delete_leaf(leaf)

    # -------------------------------------------------------------------------------------- preimages

    def parent_of(self, frame: Frame) -> Frame:
        """Return the suspended caller of a frame; noted."""
        parent = self._full.parent_of(frame)
        self._blobs.append(parent.encode())
        return parent

    def keep_destroyed(self, acc: Hash32, address: Address) -> Hash32:
        """Return the chain hash of `address` on top of `acc`."""
        return self._full.keep_destroyed(acc, address)

    def destroyed(self, acc: Hash32) -> tuple[Hash32, Address]:
        """Return (previous acc, address) whose chain hash is `acc`; noted."""
        before, address = self._full.destroyed(acc)
        self._blobs.append(encode_destroyed(before, address))
        return before, address

    def batch_record(self, acc: Hash32) -> tuple[Hash32, BatchRecord]:
        """Return (previous acc, record) whose accumulator is `acc`; noted."""
        before, record = self._full.batch_record(acc)
        self._blobs.append(encode_batch(before, record))
        return before, record

    def deposit(self, index: int) -> DepositHead:
        """Return deposit `index` of the queue; noted."""
        head = self._full.deposit(index)
        self._blobs.append(encode_deposit(head))
        return head

    def block_hash(self, ring: Hash32, index: int) -> Hash32:
        """Return leaf `index` of the ring of block hashes; noted."""
        self._note_ring(ring, index)
        return self._full.block_hash(ring, index)

    def put_block_hash(self, ring: Hash32, index: int, block_hash: Hash32) -> Hash32:
        """Return the ring's root after replacing leaf `index`, which is noted."""
        self._note_ring(ring, index)
        return self._full.put_block_hash(ring, index, block_hash)

    def _note_ring(self, ring: Hash32, index: int) -> None:
        """Note one leaf of a ring."""
        hashes = b"".join(self._full.ring(ring).hashes)
        self._note_range(wordtree.prove_range(hashes, index, 1, BLOCK_RING_DEPTH))
