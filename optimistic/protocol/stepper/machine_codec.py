"""The machine as the 109 words of its Solidity struct; parts that a phase does not use are zero.

Twin: `Machine` in solidity/src/dispute/osp/Machine.sol
"""

from dataclasses import fields
from typing import Final

from optimistic.protocol.hashing import WORD_BYTES, abi_words
from optimistic.protocol.stepper.abi import Reader
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.blobs import FRAME_BYTES, read_frame, read_view
from optimistic.protocol.stepper.state import SPONGE_LANES, Frame, Journal, Machine, Pend, TxContext
from optimistic.protocol.types import ZERO_HASH
from optimistic.protocol.unit import Phase, Unit

_LAST_OPCODE: Final = 0xFF
_UNIT_FIELDS: Final = tuple(item.name for item in fields(Unit))
_TX_BYTES: Final = 18 * WORD_BYTES
_JOURNAL_BYTES: Final = 8 * WORD_BYTES
_PEND_BYTES: Final = (6 + SPONGE_LANES) * WORD_BYTES
MACHINE_BYTES: Final = (
    (1 + len(_UNIT_FIELDS) + 1) * WORD_BYTES + _TX_BYTES + _JOURNAL_BYTES + FRAME_BYTES + _PEND_BYTES
)


def encode_machine(m: Machine) -> bytes:
    """Encode a machine before a step: its journal is never a hash alone."""
    assert not isinstance(m.journal, bytes)
    parts = (
        abi_words(m.phase, *(getattr(m.unit, name) for name in _UNIT_FIELDS)),
        m.tx.encode() if m.tx else bytes(_TX_BYTES),
        m.journal.encode() if m.journal else bytes(_JOURNAL_BYTES),
        m.frame.encode() if m.frame else bytes(FRAME_BYTES),
        m.pend.encode() if m.pend else bytes(_PEND_BYTES),
        ZERO_HASH,
    )
    return b"".join(parts)


def decode_machine(encoded: bytes) -> Machine:
    """Inverse of `encode_machine`; of stacks, memory and views only the hashes are there.

    Raises
    ------
    InvalidWitness : anything but the encoding of a machine
    """
    reader = Reader(encoded)
    phase = reader.uint()
    if phase not in set(Phase):
        raise InvalidWitness(f"no phase: {phase}")
    m = Machine(Phase(phase), _read_unit(reader))
    tx, journal = _read_tx(reader), _read_journal(reader)
    frame, pend = _read_frame(reader, m.phase), _read_pend(reader)
    if Phase.TX_ACCESS <= m.phase <= Phase.TX_DESTROY:
        m.tx, m.journal = tx, journal
    m.frame = frame
    if m.phase is Phase.EXEC and pend.length:
        m.pend = pend
    if encode_machine(m) != encoded:
        raise InvalidWitness("not the words of a machine")
    return m


def _read_unit(reader: Reader) -> Unit:
    """Read the words of a unit."""
    return Unit(
        chain_id=reader.uint(),
        number=reader.uint(),
        timestamp=reader.uint(),
        coinbase=reader.address(),
        gas_limit=reader.uint(),
        base_fee=reader.uint(),
        prev_randao=reader.hash32(),
        block_hash_ring=reader.hash32(),
        parent_hash=reader.hash32(),
        data_root=reader.hash32(),
        data_len=reader.uint(),
        cursor=reader.uint(),
        deposit_cursor=reader.uint(),
        deposit_end=reader.uint(),
        l1_timestamp=reader.uint(),
        config_hash=reader.hash32(),
        left_general=reader.uint(),
        left_system=reader.uint(),
        block_open=reader.uint(),
        block_deposits_left=reader.uint(),
        blocks=reader.uint(),
        tx_index=reader.uint(),
        cum_gas_used=reader.uint(),
        receipts_acc=reader.hash32(),
        state_root=reader.hash32(),
    )


def _read_tx(reader: Reader) -> TxContext:
    """Read the words of a transaction."""
    return TxContext(
        is_deposit=bool(reader.uint()),
        sender=reader.address(),
        is_create=bool(reader.uint()),
        target=reader.address(),
        value=reader.uint(),
        gas_price=reader.uint(),
        gas_limit=reader.uint(),
        intrinsic_gas=reader.uint(),
        data=read_view(reader),
        tx_hash=reader.hash32(),
        access_cursor=reader.uint(),
        access_end=reader.uint(),
        access_keys_end=reader.uint(),
        access_address=reader.address(),
        status=reader.uint(),
        gas_left=reader.uint(),
    )


def _read_journal(reader: Reader) -> Journal:
    """Read the words of a journal."""
    return Journal(
        state_root=reader.hash32(),
        warm_root=reader.hash32(),
        transient_root=reader.hash32(),
        log_acc=reader.hash32(),
        log_count=reader.uint(),
        refund=reader.uint(),
        destroy_acc=reader.hash32(),
        destroy_count=reader.uint(),
    )


def _read_frame(reader: Reader, phase: Phase) -> Frame | None:
    """Read the words of a frame, which only phases inside one have."""
    if Phase.EXEC <= phase <= Phase.EXIT:
        return read_frame(reader)
    reader.take(FRAME_BYTES)
    return None


def _read_pend(reader: Reader) -> Pend:
    """Read the words of a pending operation."""
    pend = Pend(
        op=reader.uint(),
        done=reader.uint(),
        length=reader.uint(),
        src_root=reader.hash32(),
        src_offset=reader.uint(),
        dst=reader.uint(),
        sponge=tuple(reader.uint() for _ in range(SPONGE_LANES)),
    )
    if pend.op > _LAST_OPCODE:
        raise InvalidWitness(f"no opcode: {pend.op}")
    return pend
