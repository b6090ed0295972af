"""Executes a range of batches again and tells what each of them gives."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from challenger.output import Tick
from challenger.watchtower import Watchtower
from optimistic.protocol.derivation import BlockResult, UnitKind, UnitResult
from optimistic.protocol.engine import Outcome, Skip
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32
from optimistic.service.names import camel_case


class NoSuchBatch(InvalidInput):
    """The range is empty or L1 does not have all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """What the replay of one batch gave."""

    batch: int
    units: int
    blocks: int
    transactions: int
    deposits: int
    skipped: int
    gas_used: int
    seconds: float
    end_leaf: Hash32
    state_root: Hash32

    def document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            camel_case(name): "0x" + value.hex() if isinstance(value, bytes) else value
            for name, value in asdict(self).items()
        }


class _Counts:
    """Counts units as they are done."""

    def __init__(self) -> None:
        self.blocks = self.transactions = self.deposits = self.skipped = self.gas_used = 0

    def add(self, unit: UnitResult) -> None:
        match unit.effect:
            case BlockResult():
                self.blocks += 1
            case Skip():
                self.skipped += 1
            case Outcome():
                self.gas_used += unit.effect.gas_used
                self.transactions += unit.kind is UnitKind.TRANSACTION
                self.deposits += unit.kind is UnitKind.DEPOSIT
            case None:
                pass


def replay_range(tower: Watchtower, from_batch: int, to_batch: int | None, tick: Tick) -> Iterator[BatchLine]:
    """Read L1, then execute batches [from_batch, to_batch) and yield a line for each.

    Raises
    ------
    NoSuchBatch : L1 does not have all of the range
    """
    while tower.loader.refresh():
        pass
    view = tower.loader.view()
    count = 0 if view is None else len(view.batches)
    end = count if to_batch is None else to_batch
    if view is None or not from_batch < end <= count:
        raise NoSuchBatch(f"cannot replay batches [{from_batch}, {end}): L1 has {count}")
    tower.verifier.follow(view.batches)
    tower.verifier.rebuild_state(tower.loader, from_batch)
    for index in range(from_batch, end):
        yield _replay_one(tower, index)
        tick(index + 1 - from_batch, end - from_batch)


def _replay_one(tower: Watchtower, index: int) -> BatchLine:
    counts = _Counts()
    batch = tower.loader.batch(index)
    start_s = tower.clock.monotonic_s()
    result = tower.verifier.replay(index, batch, counts.add)
    seconds = tower.clock.monotonic_s() - start_s
    tower.store.put_batch(result)
    return BatchLine(
        batch=index,
        units=len(result.leaves),
        blocks=counts.blocks,
        transactions=counts.transactions,
        deposits=counts.deposits,
        skipped=counts.skipped,
        gas_used=counts.gas_used,
        seconds=round(seconds, 4),
        end_leaf=result.top.end_state,
        state_root=result.end.unit.state_root,
    )
