"""A real limit on file size: writes beyond it fail in the kernel, as on a full disk."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from optimistic.service.storage_errors import DiskFull


@contextmanager
def file_size_limit(max_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond `max_bytes` inside the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def writes_until_full(write: Callable[[int], object]) -> int:
    """Call `write(0)`, `write(1)`, ... until the disk is full; return how many succeeded."""
    for number in count():
        try:
            write(number)
        except DiskFull:
            return number
    raise AssertionError("never full")
