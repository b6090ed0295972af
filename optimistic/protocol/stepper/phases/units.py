"""What lies around transactions: the beginning of a batch, the choice of the next unit, blocks.

Every function reads the batch data at the cursor, as `derivation.BatchReplay` does.
"""

from types import MappingProxyType
from typing import Final

from optimistic.protocol import derivation
from optimistic.protocol.batch import ITEM_HEAD_BYTES, EndItem, HeaderItem, TxSpan, locate_item
from optimistic.protocol.constants import BLOCK_RING_DEPTH
from optimistic.protocol.derivation import UnitKind
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.phases.parts import batch_view
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase, Unit

_FIRST_PHASE: Final = MappingProxyType(
    {
        UnitKind.BLOCK_BEGIN: Phase.BLOCK_BEGIN,
        UnitKind.DEPOSIT: Phase.DEPOSIT,
        UnitKind.TRANSACTION: Phase.TX_BEGIN,
        UnitKind.BLOCK_END: Phase.BLOCK_END,
        UnitKind.END_BATCH: Phase.IDLE,
    }
)


def begin_batch(be: Backend, m: Machine, acc: Hash32) -> None:
    """Load the record behind `acc` into the idle unit.

    Asks: the batch record (blob).
    """
    _, record = be.batch_record(acc)
    m.unit = derivation.begin_batch(m.unit, record)
    m.phase = Phase.BOUNDARY


def choose_unit(be: Backend, m: Machine) -> None:
    """Set the phase with which the next unit begins; IDLE when the batch is finished.

    Asks: the item at the cursor (range; none at the end of the data).
    """
    m.phase = _FIRST_PHASE[derivation.next_kind(m.unit, item_at_cursor(be, m.unit))]
    if m.phase is Phase.IDLE:
        m.unit = m.unit.idle()


def block_begin(be: Backend, m: Machine) -> None:
    """Open a block.

    Asks: the item at the cursor (range; none at the end of the data).
    """
    m.unit = derivation.open_block(m.unit, item_at_cursor(be, m.unit), be.params)
    m.phase = Phase.BOUNDARY


def block_end(be: Backend, m: Machine) -> None:
    """Close the block and put its hash into the ring.

    Asks: the old leaf of the ring (range of depth 8).
    """
    unit = m.unit
    hash_ = derivation.open_block_hash(unit)
    ring = be.put_block_hash(unit.block_hash_ring, unit.number % (1 << BLOCK_RING_DEPTH), hash_)
    m.unit = derivation.close_block(unit, hash_, ring)
    m.phase = Phase.BOUNDARY


def item_at_cursor(be: Backend, unit: Unit) -> HeaderItem | TxSpan | EndItem:
    """Return what the cursor points at.

    Asks: the first bytes of the item (range; none at the end of the data).
    """
    head = be.read_view(batch_view(unit, 0, unit.data_len), unit.cursor, ITEM_HEAD_BYTES)
    return locate_item(head, unit.cursor, unit.data_len)
