"""Tables on stdout and progress on stderr."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Tick = Callable[[int, int | None], None]
"""(done, total or None while unknown)."""


def emit_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows under aligned headings."""
    cells = [[str(row[column]) for column in columns] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(columns)]
    for row in [list(columns), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class TableWriter:
    """Prints rows one by one, under headings whose widths are given beforehand.

    Parameters
    ----------
    columns : heading -> width
    """

    def __init__(self, columns: Mapping[str, int]) -> None:
        self._columns = columns
        self._print({column: column for column in columns})

    def row(self, values: Mapping[str, Any]) -> None:
        """Print one row; None is left empty."""
        self._print({column: "" if values[column] is None else values[column] for column in self._columns})

    def _print(self, values: Mapping[str, Any]) -> None:
        cells = (str(values[column]).ljust(width) for column, width in self._columns.items())
        click.echo("  ".join(cells).rstrip())


@contextmanager
def progress(title: str, *, while_printing: bool = False) -> Iterator[Tick]:
    """Show a bar on stderr while the block runs, if a terminal is there; the block calls what it gets.

    Parameters
    ----------
    while_printing : the block prints its result; then there is no bar where the result is seen itself
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    can_redraw = console.is_terminal and not console.is_dumb_terminal
    with Progress(
        *columns,
        console=console,
        transient=True,
        redirect_stdout=False,  # what is printed goes where it was sent
        disable=not can_redraw or (while_printing and sys.stdout.isatty()),
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
