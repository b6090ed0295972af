"""Small files that other programs read."""

import json
import os
from pathlib import Path
from typing import Any, Final

from optimistic.service.storage_errors import storage_error

_MOST_BRACKETS: Final = 4_096
"""In one file; without a limit, a file of nothing but brackets could overflow the parser's stack."""


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises
    ------
    OSError : it cannot be read
    ValueError : it holds anything else
    """
    text = path.read_text(encoding="utf-8")
    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        raise ValueError(f"it has more than {_MOST_BRACKETS} brackets")
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("it holds no JSON object")
    return values


def replace_json(path: Path, values: dict[str, Any]) -> None:
    """Write an object as `replace_text` writes a text; raises as it does."""
    replace_text(path, json.dumps(values, indent=2) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new content, never a part.

    Raises
    ------
    DiskFull, StorageFailed : it cannot be written; what was there before still is
    """
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)  # noqa: PTH105 - the atomic one, by its name
    except OSError as error:
        raise storage_error(path, error) from error
