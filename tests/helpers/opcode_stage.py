"""One opcode at a time: a frame in a small world, with everything at hand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from optimistic.protocol.accounts import Account
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.gas import charge
from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.opcode_table import OPCODES, Op
from optimistic.protocol.stepper.ops import HANDLERS, resume
from optimistic.protocol.stepper.state import (
    EMPTY_VIEW,
    Frame,
    FrameKind,
    Journal,
    Machine,
    Stack,
    TxContext,
    View,
    view_of,
)
from optimistic.protocol.stepper.words import FrozenWords, Memory
from optimistic.protocol.stepper.world import journal_of, open_account, open_slot
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import BlockRing, Phase
from tests.helpers.evm_world import Alloc, make_state
from tests.helpers.units import BLANK

SENDER = Address(b"\x51" * 20)
TARGET = Address(b"\x7a" * 20)
SELF = Address(b"\x5e" * 20)
CALLER = Address(b"\xca" * 20)
OTHER = Address(b"\x07" * 20)
ABSENT = Address(b"\xab" * 20)
COINBASE = Address(b"\xcb" * 20)
GAS = 10_000_000
BLOCK = 1_000


def hash_of_block(height: int) -> Hash32:
    """Hash of one of the last 256 blocks."""
    return keccak256(b"block %d" % height)


RING = BlockRing.from_hashes(
    map(hash_of_block, sorted(range(BLOCK - 256, BLOCK), key=lambda height: height % 256))
)

UNIT = replace(
    BLANK,
    chain_id=420,
    number=BLOCK,
    timestamp=1_700_000_000,
    coinbase=COINBASE,
    base_fee=7,
    prev_randao=keccak256(b"randao"),
    block_hash_ring=RING.root,
    block_open=1,
)

TX = TxContext(
    is_deposit=False,
    sender=SENDER,
    is_create=False,
    target=TARGET,
    value=0,
    gas_price=9,
    gas_limit=GAS,
    intrinsic_gas=21_000,
    data=EMPTY_VIEW,
    tx_hash=ZERO_HASH,
    access_cursor=0,
    access_end=0,
    access_keys_end=0,
    access_address=Address(bytes(20)),
    status=0,
    gas_left=0,
)


def view(data: bytes, offset: int = 3) -> View:
    """A view of `data` inside other bytes."""
    return view_of(FrozenWords(b"\xee" * offset + data + b"\xee" * 40), offset, len(data))


def memory(data: bytes) -> Memory:
    """Memory that begins with `data`."""
    words = Memory()
    if data:
        words.write(0, data)
    return words


@dataclass
class Stage:
    """A frame of SELF that is about to run an opcode."""

    be: Full
    m: Machine

    @property
    def frame(self) -> Frame:
        """The frame on top."""
        assert self.m.frame is not None
        return self.m.frame

    @property
    def stack(self) -> list[int]:
        """Items, top first."""
        return list(reversed(self.frame.stack))

    @property
    def journal(self) -> Journal:
        """What a revert undoes."""
        return journal_of(self.m)

    def run(self, op: Op, *items: int) -> int:
        """Put items on the stack (top first), run `op` as the driver does and return the gas it took."""
        frame = self.frame
        frame.stack.extend(reversed(items))
        row = OPCODES[op]
        handler = HANDLERS[op]
        assert row is not None
        assert handler is not None
        before = frame.gas
        charge(frame, row.gas)
        handler(self.be, self.m)
        return before - frame.gas

    def fails(self, op: Op, *items: int) -> bool:
        """Whether running `op` is an exceptional halt."""
        try:
            self.run(op, *items)
        except ExceptionalHalt:
            return True
        return False

    def finish(self) -> int:
        """Run the steps of a long operation and return their number."""
        steps = 0
        while self.m.pend is not None:
            resume(self.be, self.m)
            steps += 1
        return steps

    def memory_at(self, offset: int, length: int) -> bytes:
        """Bytes of the frame's memory."""
        return self.frame.memory.read(offset, length)

    def account(self, address: Address) -> Account:
        """An account in the present state."""
        return open_account(self.be, self.journal.state_root, address)[1]

    def slot(self, address: Address, slot: int) -> int:
        """A slot in the present state."""
        return open_slot(self.be, self.account(address).storage_root, slot)[1]

    def has(self, address: Address) -> bool:
        """Whether the present state has an account."""
        return self.be.open_leaf(self.journal.state_root, keccak256(address)).value is not None

    def warm_bits(self, key: bytes) -> bytes | None:
        """What the warm trie has for an address, or an address and a slot."""
        return self.be.open_leaf(self.journal.warm_root, keccak256(key)).value


def stage(
    alloc: Mapping[Address, Alloc] | None = None,
    *,
    code: bytes = b"",
    start: Mapping[Address, Alloc] | None = None,
    **changes: Any,
) -> Stage:
    """Set up a frame of SELF over a state.

    Parameters
    ----------
    alloc : the present state; by default only SELF, with the nonce of a contract
    start : the state at the beginning of the transaction, if another one
    changes : fields of the frame
    """
    nodes, root = make_state(alloc or {SELF: Alloc(nonce=1)})
    start_nodes, start_root = make_state(start) if start is not None else (nodes, root)
    nodes.update(start_nodes)
    unit = replace(UNIT, state_root=start_root)
    be = Full(DEVNET, nodes, rings=[RING])
    journal = Journal(state_root=root)
    fields: dict[str, Any] = {
        "parent": ZERO_HASH,
        "snapshot": journal,
        "depth": 0,
        "kind": FrameKind.CALL,
        "is_static": False,
        "address": SELF,
        "caller": CALLER,
        "value": 0,
        "code_hash": be.keep_code(code),
        "precompile": 0,
        "calldata": EMPTY_VIEW,
        "gas": GAS,
        "stack": Stack(),
        "memory": Memory(),
        "out_offset": 0,
        "out_length": 0,
        "code": code,
    }
    frame = Frame(**{**fields, **changes})
    return Stage(be, Machine(Phase.EXEC, unit, TX, journal, frame))


def stage_on(items: Iterable[int], **fields: Any) -> Stage:
    """Set up a frame of SELF with items on its stack, top first."""
    return stage(stack=Stack(reversed(tuple(items))), **fields)


def precompile_stage(precompile: int, data: bytes, gas: int) -> Stage:
    """Set up the frame of a precompile, by its address."""
    setting = stage(precompile=precompile, calldata=view(data), gas=gas)
    setting.m.phase = Phase.PRECOMPILE
    return setting


def number(data: bytes) -> int:
    """The number that an address or hash is on the stack."""
    return int.from_bytes(data, "big")
