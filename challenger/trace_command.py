"""`challenger run-trace`: make whole traces, of one unit or of every new one, and compare both engines."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import click

from challenger.cli_options import reading_config, reading_options
from challenger.output import TableWriter, Tick, progress
from challenger.playing import Table
from challenger.session import catch_up, opened
from challenger.step_commands import unit_option
from challenger.unit_run import open_transaction, open_unit, read_view
from challenger.watchtower import Watchtower
from optimistic.protocol.dispute.views import Stage
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.trace import unit_trace
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from optimistic.service.names import hex_of
from optimistic.service.options import DURATION_MS, HASH32, FlatEnvCommand, json_output
from optimistic.service.options import option as cli_option
from optimistic.service.terminal import emit, reports_errors
from optimistic.service.unit_inputs import UnitPlace
from optimistic.service.unit_run import UnitRun, backend_of, replay_of

COLUMNS: Final = {
    "unit": 10,
    "kind": 12,
    "steps": 9,
    "depth": 5,
    "seconds": 8,
    "agrees": 6,
    "root": 66,
}


_KINDS: Final = {
    Phase.BLOCK_BEGIN: "BLOCK_BEGIN",
    Phase.DEPOSIT: "DEPOSIT",
    Phase.TX_BEGIN: "TRANSACTION",
    Phase.BLOCK_END: "BLOCK_END",
}
"""What the first step of a unit has chosen; anything else ends the batch."""


class NotPinned(InvalidInput):
    """The dispute has not come down to a unit yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A unit whose whole trace was made."""

    place: UnitPlace
    kind: str
    tx_hash: Hash32 | None
    steps: int
    depth: int
    root: Hash32
    seconds: float
    agrees: bool
    """Whether both engines end the unit in the same state."""

    def document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "unit": str(self.place),
            "kind": self.kind,
            "transaction": None if self.tx_hash is None else hex_of(self.tx_hash),
            "steps": self.steps,
            "depth": self.depth,
            "root": hex_of(self.root),
            "seconds": round(self.seconds, 3),
            "agrees": self.agrees,
        }


@click.command("run-trace", cls=FlatEnvCommand)
@reading_options
@cli_option("--tx", type=HASH32, default=None, help="Hash of the L2 transaction or deposit to trace.")
@unit_option(required=False)
@cli_option("--dispute", default=None, help="Trace the unit of this dispute: its id or the beginning of it.")
@cli_option("--follow", is_flag=True, help="Trace every unit of every new batch, until interrupted.")
@cli_option(
    "--from-batch", type=click.IntRange(0), default=None, help="First batch to follow.  [default: new ones]"
)
@cli_option("--poll-interval", type=DURATION_MS, default="2s", help="Pause between looks at L1.")
@json_output
@click.pass_context
@reports_errors
def run_trace(context: click.Context, /, *, as_json: bool, **values: Any) -> None:
    """Make the whole trace of a unit, as a dispute would need it, and show its size, time and root.

    With --follow it goes on with every new batch: one line, or one JSON object, for each unit. It exits
    with 1 as soon as the two engines end a unit differently.
    """
    named = [values[name] is not None for name in ("tx", "unit", "dispute")]
    if sum(named) + values["follow"] != 1:
        raise click.UsageError("name one of --tx, --unit, --dispute and --follow")
    with opened(context, reading_config(values), values) as tower:
        if values["follow"]:
            context.exit(_follow(tower, values, as_json=as_json))
        with progress("replay") as tick:
            unit = _unit(tower, values, tick)
        with progress("run"):
            traced = trace_whole(unit, tower.deployment.params.log_arity)
    emit(traced.document())
    context.exit(0 if traced.agrees else 1)


def trace_whole(unit: UnitRun, log_arity: int) -> Traced:
    """Run a unit on the step machine, hash every state, and build the tree over them."""
    started = time.monotonic()
    states = list(unit_trace(unit.full, unit.place.j, unit.acc, unit.start()))
    tree = TraceTree(log_arity, states)
    return Traced(
        place=unit.place,
        kind="PADDING" if unit.kind is None else unit.kind.name,
        tx_hash=unit.tx_hash,
        steps=len(states),
        depth=tree.height,
        root=tree.root.hash,
        seconds=time.monotonic() - started,
        agrees=states[-1] == unit.leaf,
    )


def trace_batch(tower: Watchtower, batch: int) -> Iterator[Traced]:
    """Yield the traces of all units of a batch, in one pass of the step machine."""
    tower.verifier.rebuild_state(tower.loader, batch + 1)
    inputs = tower.verifier.unit_inputs(tower.loader, UnitPlace(batch, 0))
    replay, overlay = replay_of(inputs, tower.nodes)
    full, m = backend_of(inputs, overlay, replay.state), Machine(Phase.IDLE, replay.state.unit)
    for unit, leaf in enumerate(tower.verifier.leaves(batch)):
        place, started = UnitPlace(batch, unit), time.monotonic()
        states: list[Hash32] = []
        kind = "BEGIN_BATCH"
        for state in unit_trace(full, place.j, inputs.acc, m):
            if unit and not states:
                kind = _KINDS.get(m.phase, "END_BATCH")
            states.append(state)
        tree = TraceTree(inputs.params.log_arity, states)
        yield Traced(
            place=place,
            kind=kind,
            tx_hash=None,
            steps=len(states),
            depth=tree.height,
            root=tree.root.hash,
            seconds=time.monotonic() - started,
            agrees=states[-1] == leaf,
        )


# ---------------------------------------------------------------------------------- parts


def _unit(tower: Watchtower, values: dict[str, Any], tick: Tick) -> UnitRun:
    view = read_view(tower)
    if values["unit"] is not None:
        return open_unit(tower, view, values["unit"], tick)
    if values["tx"] is not None:
        return open_transaction(tower, view, Hash32(values["tx"]), tick)
    catch_up(tower)
    table = Table(tower, None)
    found = table.dispute(values["dispute"])
    if found.stage is not Stage.TRACE:
        raise NotPinned("the dispute still searches its unit: `challenger show` tells what comes next")
    return open_unit(tower, view, UnitPlace(*table.view.disputed_unit(found)), tick)


def _follow(tower: Watchtower, values: dict[str, Any], *, as_json: bool) -> int:
    """Trace the units of one batch after the other; return the exit code."""
    table = None if as_json else TableWriter(COLUMNS)
    for traced in _traced(tower, values["from_batch"], values["poll_interval"] / 1000):
        document = traced.document()
        if table is None:
            emit(document)
        else:
            table.row(document)
        if not traced.agrees:
            return 1
    return 0


def _traced(tower: Watchtower, from_batch: int | None, pause_s: float) -> Iterator[Traced]:
    """Yield every unit from a batch on, waiting for new batches for ever."""
    batch = len(read_view(tower).batches) if from_batch is None else from_batch
    while True:
        view = read_view(tower)
        if batch >= len(view.batches):
            tower.clock.wait(threading.Event(), pause_s)
            continue
        yield from trace_batch(tower, batch)
        batch += 1
