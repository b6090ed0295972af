"""Small files that other programs read."""

import os
from pathlib import Path

from optimistic.service.storage_errors import storage_error


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
