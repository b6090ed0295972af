"""Units of L1's batches, by place or by transaction, for the commands that look into them."""

from collections.abc import Iterator
from dataclasses import replace

from challenger.model import ChainView
from challenger.output import Tick
from challenger.watchtower import Watchtower
from optimistic.protocol.batch import OversizedItem, TxItem, next_item
from optimistic.protocol.derivation import (
    RollupState,
    UnitKind,
    begin_batch,
    close_block,
    next_kind,
    open_block,
)
from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import deposit_tx_hash
from optimistic.protocol.types import Hash32
from optimistic.service import unit_run as service_unit_run
from optimistic.service.unit_inputs import BatchInput, UnitPlace
from optimistic.service.unit_run import UnitRun


class NoSuchUnit(InvalidInput):
    """L1 has no such batch, or the batch has fewer units."""


class NoSuchTransaction(InvalidInput):
    """No batch on L1 contains the transaction."""


class L1NotRead(TemporaryError):
    """L1 has no block of the deployment yet."""


def read_view(tower: Watchtower) -> ChainView:
    """Read all of L1 and turn the tower's replay to its batches.

    Raises
    ------
    L1NotRead : there is nothing yet
    """
    while tower.loader.refresh():
        pass
    view = tower.loader.view()
    if view is None:
        raise L1NotRead("L1 has no block of this deployment yet")
    tower.verifier.follow(view.batches)
    return view


def open_unit(tower: Watchtower, view: ChainView, place: UnitPlace, tick: Tick) -> UnitRun:
    """Rebuild the state before a unit by executing all that precedes it, then execute the unit once.

    Raises
    ------
    NoSuchUnit : L1 does not have it
    UnknownConfiguration : the batch cannot be replayed here
    """
    count = len(view.batches)
    if not 0 <= place.batch < count:
        raise NoSuchUnit(f"there is no batch {place.batch}: L1 has {count}, counted from 0")
    tower.verifier.rebuild_state(tower.loader, place.batch)
    unit = service_unit_run.open_unit(tower.verifier.unit_inputs(tower.loader, place), tower.nodes, tick)
    if unit.result is None:
        raise NoSuchUnit(
            f"there is no unit {place.unit}: batch {place.batch} has {unit.place.unit}, counted from 0"
        )
    return unit


# ---------------------------------------------------------------------------------- by transaction


def open_transaction(tower: Watchtower, view: ChainView, tx_hash: Hash32, tick: Tick) -> UnitRun:
    """Open the unit that executes an L2 transaction; if all of its units pass over it, the first one.

    Raises
    ------
    NoSuchTransaction : L1 does not have it
    """
    places = list(_places(tower, view, tx_hash, tick))
    if not places:
        raise NoSuchTransaction(
            f"no batch on L1 contains transaction 0x{tx_hash.hex()}: it is not posted yet, or unknown"
        )
    if len(places) > 1:
        for place in places:
            unit = open_unit(tower, view, place, tick)
            if unit.is_executed:
                return unit
    return open_unit(tower, view, places[0], tick)


def _places(tower: Watchtower, view: ChainView, tx_hash: Hash32, tick: Tick) -> Iterator[UnitPlace]:
    """Yield every unit that names the transaction."""
    params, genesis = tower.deployment.params, tower.verifier.state_before(0)
    for index in range(len(view.batches)):
        for unit, hash_ in _transactions(params, genesis, tower.loader.batch(index)):
            if hash_ == tx_hash:
                yield UnitPlace(index, unit)
        tick(index + 1, len(view.batches))


def _transactions(
    params: RollupParams, genesis: RollupState, batch: BatchInput
) -> Iterator[tuple[int, Hash32]]:
    """Yield (unit, transaction hash) of a batch: which units there are does not depend on their execution."""
    record = batch.record
    unit = begin_batch(replace(genesis.unit, deposit_cursor=record.deposit_start), record)
    index = 0
    while True:
        index += 1
        item = next_item(batch.data, unit.cursor, params.max_tx_bytes)
        match next_kind(unit, item):
            case UnitKind.BLOCK_BEGIN:
                unit = open_block(unit, item, params)
            case UnitKind.DEPOSIT:
                number, left = unit.deposit_cursor, unit.block_deposits_left
                yield index, deposit_tx_hash(number, batch.deposits[number - record.deposit_start])
                unit = replace(unit, deposit_cursor=number + 1, block_deposits_left=left - 1)
            case UnitKind.TRANSACTION:
                assert isinstance(item, TxItem | OversizedItem)
                if isinstance(item, TxItem):
                    yield index, keccak256(item.raw)
                unit = replace(unit, cursor=item.end)
            case UnitKind.BLOCK_END:
                unit = close_block(unit, unit.parent_hash, unit.block_hash_ring)
            case _:
                return
