"""What a liar has to know before he lies: the right results, and which of them is worth it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from challenger.config import ChallengerConfig, Mode
from challenger.model import ChainView, Draft
from challenger.solver import right_chain
from challenger.unit_run import read_view
from challenger.watchtower import Watchtower, Wiring
from optimistic.protocol.constants import CLEARING, LIQUIDATOR, UNIT_BITS
from optimistic.protocol.derivation import BatchReplay, UnitKind, UnitResult
from optimistic.protocol.engine import Outcome
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.mpt import NodeOverlay
from optimistic.protocol.types import Hash32
from scripts.staging.direct_traces import DirectTraces
from scripts.staging.faults import FaultPlan, FaultyEngine

_BEHIND: Final = 100
"""A unit of the padding is so far behind the last one."""
_RECEIVERS: Final = {"settlement": CLEARING, "liquidation": LIQUIDATOR}


class NothingToLieAbout(InvalidInput):
    """No batch that may still be asserted has what the lie needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The unit to lie about.

    Attributes
    ----------
    draft : the right assertion about its batch
    unit : its index in that assertion
    batch, unit_in_batch : its place
    tx_hash, raw : of the transaction that it executes, if it does
    """

    draft: Draft
    unit: int
    batch: int
    unit_in_batch: int
    tx_hash: Hash32 | None
    raw: bytes | None


class Insider:
    """A watchtower that only looks, and the computation it knows; close it when done.

    Parameters
    ----------
    deployment : deployment file
    folder : for its cache
    wiring : how to reach L1
    """

    def __init__(self, deployment: Path, folder: Path, wiring: Wiring, l1_rpc_url: str) -> None:
        config = ChallengerConfig(
            l1_rpc_url=l1_rpc_url,
            deployment=deployment,
            data_dir=folder,
            mode=Mode.WATCH_ONLY,
            l1_confirmations=0,
        )
        self.tower: Final = Watchtower(config, wiring, None)

    def close(self) -> None:
        """Release the cache."""
        self.tower.close()

    def traces(self, draft: Draft) -> DirectTraces:
        """Return the right computation of a draft's batches."""
        return DirectTraces(self.tower, draft.from_batch, draft.to_batch)

    # ------------------------------------------------------------------------------ choosing

    def target(self, place: str) -> Target:
        """Return the unit to lie about, in a batch that may still be asserted.

        Parameters
        ----------
        place : newest (transaction), settlement or liquidation (the newest one to Clearing or to the
            Liquidator), first or last (unit of the newest batch), padding (behind its last unit), or
            BATCH:UNIT

        Raises
        ------
        NothingToLieAbout : there is none
        """
        self.tower.catch_up()
        drafts = list(self._drafts(read_view(self.tower)))
        for draft in reversed(drafts):
            for batch in range(draft.to_batch - 1, draft.from_batch - 1, -1):
                units = self.units(batch)
                index = _place_in(units, place, batch)
                if index is not None:
                    found = units[index] if index < len(units) else None
                    effect = None if found is None else found.effect
                    return Target(
                        draft=draft,
                        unit=(batch - draft.from_batch << UNIT_BITS) + index,
                        batch=batch,
                        unit_in_batch=index,
                        tx_hash=effect.tx_hash if isinstance(effect, Outcome) else None,
                        raw=None if found is None else found.raw,
                    )
        raise NothingToLieAbout(
            f"no batch that may still be asserted has a unit {place!r}: "
            "send a transaction on L2 and wait for its batch"
        )

    def _drafts(self, view: ChainView) -> Iterator[Draft]:
        """Yield the right assertions that may still get a sibling, oldest first."""
        findings = self.tower.monitor.findings
        if findings is None:
            return
        for parent in right_chain(view, findings.known):
            draft = findings.known.drafts.get(parent.id)
            if draft is not None and (not parent.child_to or view.now < view.window_end(parent)):
                yield draft

    def units(self, batch: int) -> list[UnitResult]:
        """Return what the units of a batch do."""
        tower, start = self.tower, self.tower.verifier.rebuild_state(self.tower.loader, batch)
        found = tower.loader.batch(batch)
        engine = EvmEngine(tower.deployment.params, NodeOverlay(tower.nodes), start.unit.state_root)
        return list(
            BatchReplay(tower.deployment.params, start, found.record, found.data, found.deposits, engine)
        )

    def false_leaves(self, draft: Draft, plan: FaultPlan) -> list[list[Hash32]]:
        """Return the unit leaves of a draft's batches as an engine that lies has them."""
        tower, params = self.tower, self.tower.deployment.params
        nodes, leaves = NodeOverlay(tower.nodes), []
        state = tower.verifier.rebuild_state(tower.loader, draft.from_batch)
        for number in range(draft.from_batch, draft.to_batch):
            batch = tower.loader.batch(number)
            engine = FaultyEngine(
                lambda root: EvmEngine(params, nodes, root), nodes, state.unit.state_root, plan
            )
            replay = BatchReplay(params, state, batch.record, batch.data, batch.deposits, engine)
            leaves.append([unit.leaf for unit in replay])
            engine.flush()
            state = replay.state
        return leaves


def _place_in(units: list[UnitResult], place: str, batch: int) -> int | None:
    """Return the index of the wanted unit of a batch, None if the batch has none."""
    match place:
        case "first":
            return 0
        case "last":
            return len(units) - 1
        case "padding":
            return len(units) + _BEHIND
        case "newest" | "settlement" | "liquidation":
            executed = [
                unit.index
                for unit in units
                if unit.kind is UnitKind.TRANSACTION
                and isinstance(unit.effect, Outcome)
                and unit.effect.to == _RECEIVERS.get(place, unit.effect.to)
            ]
            return executed[-1] if executed else None
    wanted, _, unit = place.partition(":")
    return int(unit) if wanted.isdecimal() and unit.isdecimal() and int(wanted) == batch else None
