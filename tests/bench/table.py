"""Prints bench results as a table, with the peers' figures and the ratio to them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table

SPREAD: Final = ("median", "p99", "worst")
"""Figures that stand together in one row; peers are compared with the first."""
LABELS: Final = ("case", "kind", "peer", "arity", "leaves")
"""What tells the rows of a list apart."""


def print_table(section: str, result: Mapping[str, Any]) -> None:
    """Print one section."""
    peers = result.get("peers", {})
    table = Table("figure", "ours", "peers (figure, theirs / ours)", title=section, title_justify="left")
    for name, value in _flat(result):
        theirs = peers.get(name.partition(" ")[0], {})
        own = value[0] if isinstance(value, tuple) else value
        cells = [f"{peer}: {figure:,.0f} ({figure / own:.2f})" for peer, figure in theirs.items()]
        table.add_row(name, _shown(value), "; ".join(cells))
    Console(width=140).print(table)


def _flat(result: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in result.items():
        if name == "peers":
            continue
        if isinstance(value, Mapping) and tuple(value) == SPREAD:
            yield f"{prefix}{name} ({' / '.join(SPREAD)})", tuple(value.values())
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            for row in value:
                labels = [key for key in row if key in LABELS] or list(row)[:1]
                figures = {key: figure for key, figure in row.items() if key not in labels}
                yield from _flat(figures, f"{prefix}{name}.{' '.join(str(row[key]) for key in labels)}.")
        else:
            yield prefix + name, value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " / ".join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
