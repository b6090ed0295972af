"""Minute bars of a price: read from a file, or made up."""

import csv
import gzip
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from optimistic.protocol.settlement.units import QUANTUM_WAD, WAD


def read_closes(path: Path) -> Iterator[int]:
    """Yield the closing prices of a CSV file (or CSV in gzip) with a column `close`, in WAD."""
    with _open(path) as file:
        for row in csv.DictReader(file):
            yield int(Decimal(row["close"]) * WAD) // QUANTUM_WAD * QUANTUM_WAD


def _open(path: Path) -> TextIO:
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def generated_closes(seed: int, start_wad: int, step_pips: int = 700) -> Iterator[int]:
    """Yield closing prices of a walk whose steps are about `step_pips` millionths."""
    chance = random.Random(seed)  # noqa: S311 - a price to play with
    price = start_wad
    while True:
        yield price // QUANTUM_WAD * QUANTUM_WAD
        price += price * chance.randint(-2 * step_pips, 2 * step_pips) // 10**6
