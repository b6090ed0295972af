"""What goes wrong with local files, and how to mend it. All of it stops the process."""

import errno
from pathlib import Path
from typing import Final

from optimistic.protocol.errors import CriticalError

_FULL: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


class StorageFailed(CriticalError):
    """The operating system refused to read or write a file of ours."""


class DiskFull(StorageFailed):
    """No space is left, or a quota or file size limit is reached; what was stored before is intact."""


class CorruptStorage(CriticalError):
    """A file of ours does not hold what was written to it."""


class DataFolderInUse(CriticalError):
    """Another process works on the same data folder."""


def storage_error(path: Path, error: OSError) -> StorageFailed:
    """Return the exception that says what `error` means for the file at `path`."""
    if error.errno in _FULL:
        return DiskFull(
            f"no space left to write {path} ({error.strerror}): nothing stored before is harmed; "
            "free space or raise the limit, then start again"
        )
    return StorageFailed(
        f"cannot write {path}: {error.strerror or error}: check the disk and the permissions"
    )
