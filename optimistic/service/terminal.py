"""How commands speak: one JSON object or readable lines on stdout, errors and progress on stderr."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from optimistic.protocol.errors import RollupError

P = ParamSpec("P")
R = TypeVar("R")


def emit(values: Mapping[str, Any]) -> None:
    """Print a result: one line of JSON under ``--json``, else a line for each key."""
    if click.get_current_context().params.get("as_json"):
        click.echo(json.dumps(plain(values)))
        return
    width = max((len(key) for key in values), default=0)
    for key, value in values.items():
        shown = plain(value)
        text = json.dumps(shown) if isinstance(shown, (dict, list)) else str(shown)
        click.echo(f"{key.ljust(width)}  {text}")


def say(message: str) -> None:
    """Tell the person what is going on, on stderr."""
    click.echo(message, err=True)


def reports_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn errors of ours into one clear line and a non-zero exit code."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except RollupError as error:
            raise click.ClickException(str(error) or type(error).__name__) from error

    return wrapped


def plain(value: Any) -> Any:
    """Return a value as JSON has it: bytes as 0x-hexadecimal, tuples as lists."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
