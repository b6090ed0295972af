"""What commands share: logging, and a watchtower that is open while they work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.core import ParameterSource

from challenger.config import ChallengerConfig
from challenger.watchtower import Watchtower, Wiring
from optimistic.service.logging import configure_logging


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
