"""How commands speak: results on stdout, as JSON or as lines; errors and progress on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from optimistic.protocol.errors import RollupError

P = ParamSpec("P")
R = TypeVar("R")

Tick = Callable[[int, int | None], None]
"""(done, total or None while unknown)."""


def emit(values: Mapping[str, Any], as_json: bool) -> None:
    """Print a result: one line of JSON, else a line for each key."""
    if as_json:
        click.echo(json.dumps(values))
        return
    width = max((len(key) for key in values), default=0)
    for key, value in values.items():
        shown = json.dumps(value) if isinstance(value, dict | list) else str(value)
        click.echo(f"{key.ljust(width)}  {shown}")


def emit_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows under aligned headings."""
    cells = [[str(row[column]) for column in columns] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(columns)]
    for row in [list(columns), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def reports_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn errors of ours into one clear line and a non-zero exit code."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except RollupError as error:
            raise click.ClickException(str(error) or type(error).__name__) from error

    return wrapped


@contextmanager
def progress(title: str) -> Iterator[Tick]:
    """Show a bar on stderr while the block runs; the block calls what it gets."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
