"""The backend that has nothing but a tape: what the contracts on L1 do, in Python."""

from collections.abc import Callable
from typing import Final

from optimistic.protocol import mpt, wordtree
from optimistic.protocol.accounts import EMPTY_CODE_HASH
from optimistic.protocol.constants import BLOCK_RING_DEPTH, TAG_DEPOSIT, TAG_DESTROY
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import BatchRecord, next_acc
from optimistic.protocol.stepper.backend import DepositHead, InvalidWitness, Leaf
from optimistic.protocol.stepper.blobs import decode_batch, decode_deposit, decode_destroyed, decode_frame
from optimistic.protocol.stepper.state import Frame, View, Words, hash_of
from optimistic.protocol.stepper.tape import Range, Tape, covering
from optimistic.protocol.stepper.words import FrozenWords, Memory, SealedWords
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.wordtree import DEPTH, WORD


class WitnessOnly:
    """A `Backend` that hands out the items of a tape in order, each checked against its hash.

    Parameters
    ----------
    params : consensus parameters
    tape : what a recorded step asked for
    deposit_hash : what L1 stores for a deposit of the queue
    """

    def __init__(self, params: RollupParams, tape: Tape, deposit_hash: Callable[[int], Hash32]) -> None:
        self._params: Final = params
        self._ranges: Final = iter(tape.ranges)
        self._proofs: Final = iter(tape.proofs)
        self._blobs: Final = iter(tape.blobs)
        self._deposit_hash: Final = deposit_hash

    @property
    def params(self) -> RollupParams:
        """Consensus parameters."""
        return self._params

    def finish(self) -> None:
        """Raise InvalidWitness if anything of the tape is left over."""
        for left in (self._ranges, self._proofs, self._blobs):
            if next(left, None) is not None:
                raise InvalidWitness("a witness has more than the step asks for")

    # -------------------------------------------------------------------------------------- bytes

    def code(self, code_hash: Hash32) -> bytes:
        """Return the next blob, which must have this hash; the empty code takes none."""
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self._blob()
        if keccak256(code) != code_hash:
            raise InvalidWitness("a code does not match its hash")
        return code

    def keep_code(self, code: bytes) -> Hash32:
        """Return the code's hash."""
        return keccak256(code)

    def read_view(self, view: View, offset: int, length: int) -> bytes:
        """Return bytes of the view from the next range, if any of them lies inside it."""
        inside = view.inside(offset, length)
        data = self._read(view.root, view.offset + offset, inside) if inside else b""
        return data.ljust(length, b"\0")

    def read_memory(self, frame: Frame, offset: int, length: int) -> bytes:
        """Return bytes of memory from the next range."""
        return self._read(frame.memory.root, offset, length)

    def write_memory(self, frame: Frame, offset: int, data: bytes) -> None:
        """Change the root of memory by the next range, which has the ends of the old words."""
        first, n_words = covering(offset, len(data))
        item = next(self._ranges, None)
        if item is None:
            raise InvalidWitness("a range is missing")
        try:
            old = wordtree.fold_ends(first, n_words, item.words, item.siblings)
        except wordtree.InvalidRange as error:
            raise InvalidWitness(str(error)) from error
        if old != frame.memory.root:
            raise InvalidWitness("a range does not match its root")
        end = offset + len(data) - first * WORD
        last = item.words[:WORD] if n_words == 1 else item.words[WORD : 2 * WORD]
        words = item.words[: offset % WORD] + data + (last[end - (n_words - 1) * WORD :])
        frame.memory = SealedWords(wordtree.fold_range(first, words, item.siblings))

    def new_memory(self) -> Words:
        """Return the empty memory of a new frame."""
        return Memory()

    def freeze(self, words: Words) -> Words:
        """Return the same words: a root alone never changes."""
        return words

    def new_words(self, data: bytes) -> Words:
        """Return `data` under its own root."""
        return FrozenWords(data)

    def _read(self, root: Hash32, offset: int, length: int) -> bytes:
        """Return bytes under a root of depth 16."""
        first, n_words = covering(offset, length)
        start = offset - first * WORD
        return self._range(root, first, n_words, DEPTH).words[start : start + length]

    def _range(self, root: Hash32, first_word: int, n_words: int, depth: int) -> Range:
        """Return the next range, which must have these words of the tree with this root."""
        item = next(self._ranges, None)
        if item is None or len(item.words) != n_words * WORD:
            raise InvalidWitness("a range is missing or has another length")
        try:
            folded = wordtree.fold_range(first_word, item.words, item.siblings, depth)
        except wordtree.InvalidRange as error:
            raise InvalidWitness(str(error)) from error
        if folded != root:
            raise InvalidWitness("a range does not match its root")
        return item

    # -------------------------------------------------------------------------------------- tries

    def open_leaf(self, root: Hash32, key: Hash32) -> Leaf:
        """Return what the next node list proves of `key`."""
        proof = self._proof()
        try:
            return Leaf(root, key, mpt.read(root, key, proof), proof)
        except InvalidInput as error:
            raise InvalidWitness(str(error)) from error

    def put_leaf(self, leaf: Leaf, value: bytes) -> Hash32:
        """Return the root after writing `value`, by the node list that opened the leaf."""
        try:
            return mpt.upsert(leaf.root, leaf.key, value, leaf.proof)
        except InvalidInput as error:
            raise InvalidWitness(str(error)) from error

    def delete_leaf(self, leaf: Leaf) -> Hash32:
        """Return the root after removing the leaf, by the next node list."""
        try:
            return mpt.delete(leaf.root, leaf.key, self._proof())
        except InvalidInput as error:
            raise InvalidWitness(str(error)) from error

    def _proof(self) -> tuple[bytes, ...]:
        """Return the next node list."""
        proof = next(self._proofs, None)
        if proof is None:
            raise InvalidWitness("a node list is missing")
        return proof

    # -------------------------------------------------------------------------------------- preimages

    def parent_of(self, frame: Frame) -> Frame:
        """Return the frame in the next blob, which must be the suspended caller."""
        parent = decode_frame(self._blob())
        if parent.hash() != hash_of(frame.parent):
            raise InvalidWitness("a frame is not the caller")
        return parent

    def keep_destroyed(self, acc: Hash32, address: Address) -> Hash32:
        """Return the chain hash of `address` on top of `acc`."""
        return struct_hash(TAG_DESTROY, acc, address)

    def destroyed(self, acc: Hash32) -> tuple[Hash32, Address]:
        """Return the link in the next blob, which must hash to `acc`."""
        before, address = decode_destroyed(self._blob())
        if struct_hash(TAG_DESTROY, before, address) != acc:
            raise InvalidWitness("a destroyed account is not the last of its chain")
        return before, address

    def batch_record(self, acc: Hash32) -> tuple[Hash32, BatchRecord]:
        """Return the record in the next blob, which must lead to the accumulator `acc`."""
        before, record = decode_batch(self._blob())
        if next_acc(before, record.hash()) != acc:
            raise InvalidWitness("a batch record is not the accumulator's")
        return before, record

    def deposit(self, index: int) -> DepositHead:
        """Return the deposit in the next blob, which must have the hash that L1 stores."""
        blob = self._blob()
        head = decode_deposit(blob)
        if keccak256(TAG_DEPOSIT + blob) != self._deposit_hash(index):
            raise InvalidWitness("a deposit is not the one in the queue")
        return head

    def block_hash(self, ring: Hash32, index: int) -> Hash32:
        """Return leaf `index` of the ring from the next range."""
        return Hash32(self._range(ring, index, 1, BLOCK_RING_DEPTH).words)

    def put_block_hash(self, ring: Hash32, index: int, block_hash: Hash32) -> Hash32:
        """Return the ring's root after replacing leaf `index`, by the next range."""
        old = self._range(ring, index, 1, BLOCK_RING_DEPTH)
        return wordtree.fold_range(index, block_hash, old.siblings, BLOCK_RING_DEPTH)

    def _blob(self) -> bytes:
        """Return the next blob."""
        blob = next(self._blobs, None)
        if blob is None:
            raise InvalidWitness("a blob is missing")
        return blob
