"""The machine: everything one step may read or change, and how it is hashed.

Every struct hashes to ``keccak256(abi.encode(TAG, fields in order))``. What a phase
does not use is absent and hashes to zero, so each state has one encoding:

======================  =========================================================
unit                    always
tx, journal             phases TX_ACCESS to TX_DESTROY
frame                   EXEC, PRECOMPILE, CREATE_ENTER, EXIT
pend                    EXEC inside a range operation longer than one chunk
======================  =========================================================

Where only a hash is known (a parent frame, a snapshot, the journal behind a frame
that failed), the hash stands in the field instead of the struct.

Source: docs/spec/05-state-commitments.md; twin: solidity/src/dispute/osp/Machine.sol
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Final, Protocol

from optimistic.protocol.constants import TAG_FRAME, TAG_JOURNAL, TAG_MACHINE, TAG_PEND, TAG_TX
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Phase, Unit
from optimistic.protocol.wordtree import RangeProof

SPONGE_LANES: Final = 25
PENDING_OUTPUT: Final = 0
"""In place of an opcode in `Pend`: the output that EXIT copies into the caller's memory."""


class Halt(IntEnum):
    """How a frame ended; numbers are consensus."""

    RUNNING = 0
    SUCCESS = 1
    REVERT = 2
    EXCEPTIONAL = 3


class FrameKind(IntEnum):
    """What EXIT does with a frame's output; numbers are consensus."""

    CALL = 0
    CREATE = 1


class Words(Protocol):
    """Bytes under a WordTree root of depth 16; a backend decides whether they are at hand."""

    @property
    def root(self) -> Hash32:
        """Root of the tree, 32 bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes [offset, offset + length), zero where nothing was written."""
        ...

    def prove(self, first_word: int, n_words: int) -> RangeProof:
        """Return the proof of n_words ≥ 1 words under the present root."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A stretch of somebody's frozen bytes: calldata, returndata.

    Attributes
    ----------
    root, offset, length : committed; all zero when the length is zero
    words : where the bytes are at hand, else None; not committed
    """

    root: Hash32
    offset: int
    length: int
    words: Words | None = None

    def inside(self, offset: int, length: int) -> int:
        """Return how many of the bytes [offset, offset + length) lie before the view's end; any offset."""
        return max(0, min(length, self.length - offset))


EMPTY_VIEW: Final = View(ZERO_HASH, 0, 0)


def view_of(words: Words, offset: int, length: int) -> View:
    """Return the view of `length` bytes from `offset` of `words`, canonical when empty."""
    return View(words.root, offset, length, words) if length else EMPTY_VIEW


class Stack(list[int]):
    """Stack items, top last, above a part of which only height and hash are known.

    Attributes
    ----------
    below : number of items under the first one that is at hand; 0 where all are
    below_hash : chain hash of those items, zero when there are none
    """

    __slots__ = ("_hashed", "_hashes", "below", "below_hash")

    def __init__(self, items: Iterable[int] = (), below: int = 0, below_hash: Hash32 = ZERO_HASH) -> None:
        super().__init__(items)
        self.below = below
        self.below_hash = below_hash
        self._hashed: list[int] = []
        self._hashes: list[Hash32] = []

    @property
    def height(self) -> int:
        """Number of items."""
        return self.below + len(self)

    def hash(self) -> Hash32:
        """Return the chain h ← keccak256(h ‖ item) from the bottom, zero for no items."""
        known = self._unchanged()
        del self._hashes[known:]
        acc = self._hashes[-1] if known else self.below_hash
        for item in self[known:]:
            acc = keccak256(acc + item.to_bytes(32, "big"))
            self._hashes.append(acc)
        self._hashed = self[:]
        return acc

    def _unchanged(self) -> int:
        """Return how many of the lowest items are as they were when last hashed."""
        limit = min(len(self), len(self._hashed))
        if self[:limit] == self._hashed[:limit]:
            return limit
        low, high = 0, limit - 1
        while low < high:  # the first difference: prefixes are equal up to it
            middle = (low + high + 1) // 2
            if self[:middle] == self._hashed[:middle]:
                low = middle
            else:
                high = middle - 1
        return low


@dataclass(frozen=True, slots=True, kw_only=True)
class TxContext:
    """The transaction or deposit being executed; constant but for the access list and the outcome."""

    is_deposit: bool
    sender: Address
    is_create: bool
    target: Address
    """Called account, or the address of the contract to be created."""
    value: int
    gas_price: int
    """Wei per gas; 0 for a deposit."""
    gas_limit: int
    intrinsic_gas: int
    data: View
    """Calldata or initcode: a view of the batch data, or of the deposit's."""
    tx_hash: Hash32
    access_cursor: int
    """Next unread byte of the access list, in the batch data."""
    access_end: int
    access_keys_end: int
    """End of the keys of `access_address`; at most `access_cursor` between entries."""
    access_address: Address
    status: int
    """1 after success; set by the exit of the top frame."""
    gas_left: int

    def encode(self) -> bytes:
        """Return the fields in order, one 32-byte ABI word each."""
        data = self.data
        return abi_words(
            self.is_deposit,
            self.sender,
            self.is_create,
            self.target,
            self.value,
            self.gas_price,
            self.gas_limit,
            self.intrinsic_gas,
            data.root,
            data.offset,
            data.length,
            self.tx_hash,
            self.access_cursor,
            self.access_end,
            self.access_keys_end,
            self.access_address,
            self.status,
            self.gas_left,
        )

    def hash(self) -> Hash32:
        """Return the hash, 32 bytes."""
        return keccak256(TAG_TX + self.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What a revert undoes: restoring a snapshot is restoring this value.

    `warm_root` is a trie: keccak256(address) or keccak256(address ‖ slot) → RLP of a set
    of bits (`WARM`, `CREATED`, `DESTROYED`). `transient_root` maps keccak256(address ‖ slot)
    to the RLP of the value. `destroy_acc` chains the accounts that TX_DESTROY removes.
    """

    state_root: Hash32
    warm_root: Hash32 = EMPTY_ROOT
    transient_root: Hash32 = EMPTY_ROOT
    log_acc: Hash32 = ZERO_HASH
    log_count: int = 0
    refund: int = 0
    destroy_acc: Hash32 = ZERO_HASH
    destroy_count: int = 0

    def encode(self) -> bytes:
        """Return the fields in order, one 32-byte ABI word each."""
        return abi_words(*(getattr(self, name) for name in _JOURNAL_FIELDS))

    def hash(self) -> Hash32:
        """Return the hash, 32 bytes."""
        return keccak256(TAG_JOURNAL + self.encode())


_JOURNAL_FIELDS = tuple(item.name for item in fields(Journal))


@dataclass(slots=True, kw_only=True, eq=False)
class Frame:
    """One call frame. A frame that has halted keeps no stack, memory or program counter."""

    parent: "Frame | Hash32"
    """The suspended caller, its hash if only that is known; zero hash for the top frame."""
    snapshot: Journal | Hash32
    """The journal to which a failure returns."""
    depth: int
    kind: FrameKind
    is_static: bool
    address: Address
    """ADDRESS: whose storage and balance the code acts on."""
    caller: Address
    value: int
    code_hash: Hash32
    precompile: int
    """Number of the precompile that runs instead of code, 0 for code."""
    calldata: View
    pc: int = 0
    gas: int
    stack: Stack = field(default_factory=Stack)
    memory: Words
    memory_words: int = 0
    """Words that were paid for; all beyond are zero."""
    returndata: View = EMPTY_VIEW
    """Of the last finished child; after a halt, what this frame returns."""
    out_offset: int
    """Where the parent wants the output in its memory."""
    out_length: int
    halt: Halt = Halt.RUNNING
    code: bytes | None = None
    """The bytes behind `code_hash` once they were needed; not committed."""

    _head: tuple[tuple[object, ...], bytes] = field(default=((), b""), init=False, repr=False)
    """The fields that never change, and their encoding."""

    def encode(self) -> bytes:
        """Return the fields in order, one 32-byte ABI word each; parent and snapshot as their hashes."""
        returndata = self.returndata
        return b"".join(
            (
                self.encode_head(),
                self.pc.to_bytes(32, "big"),
                self.gas.to_bytes(32, "big"),
                self.stack.hash(),
                self.stack.height.to_bytes(32, "big"),
                self.memory.root,
                self.memory_words.to_bytes(32, "big"),
                returndata.root,
                returndata.offset.to_bytes(32, "big"),
                returndata.length.to_bytes(32, "big"),
                self.out_offset.to_bytes(32, "big"),
                self.out_length.to_bytes(32, "big"),
                self.halt.to_bytes(32, "big"),
            )
        )

    @property
    def is_head_encoded(self) -> bool:
        """Whether `encode_head` ever ran."""
        return bool(self._head[1])

    def encode_head(self) -> bytes:
        """Return the fields before `pc`: encoded once, as a suspended parent is as deep as the calls."""
        calldata = self.calldata
        head = (
            self.parent,
            self.snapshot,
            self.depth,
            self.kind,
            self.is_static,
            self.address,
            self.caller,
            self.value,
            self.code_hash,
            self.precompile,
            calldata,
        )
        if self._head[0] != head:
            self._encode_heads_above()
            words = abi_words(
                hash_of(self.parent),
                hash_of(self.snapshot),
                *head[2:10],
                calldata.root,
                calldata.offset,
                calldata.length,
            )
            self._head = (head, words)
        return self._head[1]

    def _encode_heads_above(self) -> None:
        """Encode the callers that never were, the outermost first: calls are deeper than Python's stack."""
        callers, caller = [], self.parent
        while isinstance(caller, Frame) and not caller.is_head_encoded:
            callers.append(caller)
            caller = caller.parent
        for caller in reversed(callers):
            caller.encode_head()

    def hash(self) -> Hash32:
        """Return the hash, 32 bytes."""
        return keccak256(TAG_FRAME + self.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pend:
    """A range operation of which some chunks are done.

    Attributes
    ----------
    op : the opcode, or PENDING_OUTPUT
    done, length : bytes; 0 ≤ done < length
    src_root, src_offset : WordTree root (code hash for code) and place of the source
    dst : memory offset copies go to; 0 for hashes
    sponge : Keccak state of a hash, all zero for copies
    words : the source where its bytes are at hand, frozen if it is memory; not committed
    """

    op: int
    done: int
    length: int
    src_root: Hash32
    src_offset: int
    dst: int
    sponge: tuple[int, ...] = (0,) * SPONGE_LANES
    words: Words | None = field(default=None, compare=False)

    def encode(self) -> bytes:
        """Return the fields in order, one 32-byte ABI word each."""
        return abi_words(
            self.op,
            self.done,
            self.length,
            self.src_root,
            self.src_offset,
            self.dst,
            *self.sponge,
        )

    def hash(self) -> Hash32:
        """Return the hash, 32 bytes."""
        return keccak256(TAG_PEND + self.encode())


@dataclass(slots=True)
class Machine:
    """The whole state between two steps; `step` changes it in place."""

    phase: Phase
    unit: Unit
    tx: TxContext | None = None
    journal: Journal | Hash32 | None = None
    frame: Frame | None = None
    pend: Pend | None = None

    _hashes: dict[type, tuple[object, Hash32]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The immutable parts that were hashed last."""

    def hash(self) -> Hash32:
        """Return the machine hash, 32 bytes."""
        return keccak256(
            TAG_MACHINE
            + self.phase.to_bytes(32, "big")
            + self._hash_of(self.unit)
            + self._hash_of(self.tx)
            + self._hash_of(self.journal)
            + hash_of(self.frame)
            + self._hash_of(self.pend)
        )

    def _hash_of(self, part: Unit | TxContext | Journal | Pend | Hash32 | None) -> Hash32:
        """Return the hash of a part that never changes, from memory if it is the one seen last."""
        if part is None or isinstance(part, bytes):
            return part or ZERO_HASH
        seen, digest = self._hashes.get(type(part), (None, ZERO_HASH))
        if seen is not part:
            digest = part.hash()
            self._hashes[type(part)] = (part, digest)
        return digest


def hash_of(part: TxContext | Journal | Frame | Pend | Hash32 | None) -> Hash32:
    """Return the hash of a part of the machine: zero if absent, itself if only the hash is known."""
    if part is None:
        return ZERO_HASH
    return part if isinstance(part, bytes) else part.hash()
