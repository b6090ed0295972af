"""One process per data folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from optimistic.service.storage_errors import DataFolderInUse, storage_error

_LOCK_NAME = "LOCK"


class DataFolder:
    """Creates a daemon's folder and holds its lock until closed; a killed process frees it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise storage_error(path, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise DataFolderInUse(
                f"{path} is used by another process: stop it or choose another folder"
            ) from error

    def close(self) -> None:
        """Release the folder."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
