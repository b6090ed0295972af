"""What commands share: logging, and a watchtower that is open while they work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.core import ParameterSource

from challenger.config import ChallengerConfig
from challenger.output import Tick, progress
from challenger.report import findings_document
from challenger.watchtower import Watchtower, Wiring, read_findings
from optimistic.protocol.errors import TemporaryError
from optimistic.service.data_folder import DataFolder
from optimistic.service.logging import configure_logging
from optimistic.service.storage_errors import DataFolderInUse


class L1NotRead(TemporaryError):
    """L1 has no block of the deployment yet."""


def wiring_of(context: click.Context) -> Wiring:
    """Return how this process reaches the outside."""
    return context.obj if isinstance(context.obj, Wiring) else Wiring()


def set_up_logging(values: dict[str, Any], default_level: Any = None) -> None:
    """Set up logging; a command that answers a question is quiet unless asked to speak."""
    source = click.get_current_context().get_parameter_source("log_level")
    quiet = default_level is not None and source is ParameterSource.DEFAULT
    configure_logging(level=default_level if quiet else values["log_level"], log_format=values["log_format"])


@contextmanager
def opened(context: click.Context, config: ChallengerConfig, values: dict[str, Any]) -> Iterator[Watchtower]:
    """Open a watchtower that sends nothing, and close it."""
    set_up_logging(values, "critical")
    tower = Watchtower(config, wiring_of(context), None)
    try:
        yield tower
    finally:
        tower.close()


def catch_up(tower: Watchtower) -> None:
    """Read, replay and judge everything, with a bar."""
    with progress("replay") as tick:
        tower.catch_up(_ticker(tick))


def findings_of(context: click.Context, config: ChallengerConfig, values: dict[str, Any]) -> dict[str, Any]:
    """Return fresh findings, or those of the daemon that works in the folder.

    Raises
    ------
    L1NotRead : there is nothing to find yet
    """
    try:
        with DataFolder(config.data_dir):
            pass
    except DataFolderInUse:
        document = read_findings(config.data_dir)
        if document is None:
            raise
        return {"source": "daemon", **document}
    with opened(context, config, values) as tower:
        catch_up(tower)
        findings = tower.monitor.findings
        if findings is None:
            raise L1NotRead("L1 has no block of this deployment yet")
        return {"source": "fresh", **findings_document(findings)}


def _ticker(tick: Tick) -> Callable[[Watchtower], None]:
    return lambda tower: tick(tower.verifier.n_replayed, tower.loader.n_batches)
