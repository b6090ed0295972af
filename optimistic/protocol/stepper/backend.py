"""Where a step gets what the machine only names by its hash.

Three backends run the same step. `Full` has everything. `Recording` is Full and notes,
in order, the proof of each thing a step asked for. `WitnessOnly` has nothing but
such a list: it hands out the items in order, checks each against the hash that
names it, and raises `InvalidWitness` when one is missing, wrong or left over.
The last one is what the contracts on L1 do.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import BatchRecord, hash_deposit
from optimistic.protocol.stepper.state import Frame, View, Words
from optimistic.protocol.types import Address, Hash32


class InvalidWitness(InvalidInput):
    """A witness that does not prove the step: nothing follows from it."""


class Leaf(NamedTuple):
    """What a trie has under a key, and what is needed to change it.

    Attributes
    ----------
    root, key : 32 bytes each
    value : None if the key is absent
    proof : the node list that proved it; empty where the trie itself is at hand
    """

    root: Hash32
    key: Hash32
    value: bytes | None
    proof: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositHead:
    """A deposit without its data; hashes as `records.Deposit` does."""

    sender: Address
    is_create: bool
    to: Address
    mint: int
    value: int
    gas_limit: int
    data: View
    """Root and length are the deposit's, the offset is zero."""
    l1_timestamp: int
    data_root: Hash32
    """As L1 stores it: the root of the empty tree when there is no data, while `data` is then empty."""

    def hash(self) -> Hash32:
        """Return what the inbox stores for this deposit, 32 bytes."""
        return hash_deposit(self, self.data_root, self.data.length)


class Backend(Protocol):
    """What a step asks for, in a fixed order for each kind of step.

    All methods raise `InvalidWitness` in `WitnessOnly`; none raises in `Full` for anything
    that a reachable machine names.
    """

    @property
    def params(self) -> RollupParams:
        """Consensus parameters."""
        ...

    # -------------------------------------------------------------------------------------- bytes

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash; the empty code needs no witness."""
        ...

    def keep_code(self, code: bytes) -> Hash32:
        """Return the code's hash and remember the code where codes are kept; no witness."""
        ...

    def read_view(self, view: View, offset: int, length: int) -> bytes:
        """Return bytes [offset, offset + length) of the view, zero beyond its length; any offset.

        Asks for one range proof if any of these bytes lies inside the view.
        """
        ...

    def read_memory(self, frame: Frame, offset: int, length: int) -> bytes:
        """Return length ≥ 1 bytes of memory that was paid for; one range proof."""
        ...

    def write_memory(self, frame: Frame, offset: int, data: bytes) -> None:
        """Write at least one byte to memory that was paid for; one range proof of the old words."""
        ...

    def new_memory(self) -> Words:
        """Return the empty memory of a new frame."""
        ...

    def freeze(self, words: Words) -> Words:
        """Return words that keep the present root and bytes while `words` is written to."""
        ...

    def new_words(self, data: bytes) -> Words:
        """Return short bytes computed by a step (the output of a precompile) under their own root."""
        ...

    # -------------------------------------------------------------------------------------- tries

    def open_leaf(self, root: Hash32, key: Hash32) -> Leaf:
        """Return what the trie has under `key`; one node list."""
        ...

    def put_leaf(self, leaf: Leaf, value: bytes) -> Hash32:
        """Return the root after writing `value` (not empty) under the leaf's key; no further witness."""
        ...

    def delete_leaf(self, leaf: Leaf) -> Hash32:
        """Return the root after removing the leaf, which must have a value; one node list for deletion."""
        ...

    # -------------------------------------------------------------------------------------- preimages

    def parent_of(self, frame: Frame) -> Frame:
        """Return the suspended caller of a frame with depth > 0."""
        ...

    def keep_destroyed(self, acc: Hash32, address: Address) -> Hash32:
        """Return the chain hash of `address` on top of `acc` and remember what it is of; no witness."""
        ...

    def destroyed(self, acc: Hash32) -> tuple[Hash32, Address]:
        """Return (previous acc, address) whose chain hash is `acc`."""
        ...

    def batch_record(self, acc: Hash32) -> tuple[Hash32, BatchRecord]:
        """Return (previous acc, record) whose accumulator is `acc`."""
        ...

    def deposit(self, index: int) -> DepositHead:
        """Return deposit `index` of the queue; checked against the hash that L1 stores."""
        ...

    def block_hash(self, ring: Hash32, index: int) -> Hash32:
        """Return leaf `index` (0..255) of the ring of block hashes; one range proof of depth 8."""
        ...

    def put_block_hash(self, ring: Hash32, index: int, block_hash: Hash32) -> Hash32:
        """Return the ring's root after replacing leaf `index`; one range proof of the old leaf."""
        ...
