"""A process that does trace jobs for a daemon and dies with it.

Started by `TraceWorkers` as ``python -m optimistic.service.trace_worker FD NODES CACHE``. FD is one
end of a socket: jobs come in, `Progress`, `Done` and `Failed` go out.
"""

import os
import queue
import signal
import socket
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from optimistic.protocol.errors import RollupError
from optimistic.protocol.mpt import MissingNode
from optimistic.service.node_store import LmdbNodeReader
from optimistic.service.storage_errors import CorruptStorage, StorageFailed
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_job import Done, Failed, Job, Progress, Report, run_job


def attempt(job: Job, nodes: Path, cache: TraceCache, connection: "Connection[Report, Job]") -> Report:
    """Do one job and return how it ended."""
    try:
        reader = LmdbNodeReader(nodes)
        try:
            found = run_job(job, reader, cache, lambda steps: connection.send(Progress(steps)))
        finally:
            reader.close()
    except (MissingNode, CorruptStorage) as error:
        return Failed(str(error), is_damaged=True)
    except StorageFailed as error:
        return Failed(str(error), is_full=True)
    except (RollupError, MemoryError) as error:
        return Failed(f"{type(error).__name__}: {error}")
    return Done(found)


def serve(connection: "Connection[Report, Job]", nodes: Path, cache: TraceCache) -> None:
    """Do jobs until the other end is closed."""
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()

    def receive() -> None:
        while True:
            try:
                jobs.put(connection.recv())
            except (EOFError, OSError):
                os._exit(0)  # the daemon is gone: nobody waits for the present job

    threading.Thread(target=receive, daemon=True).start()
    while True:
        connection.send(attempt(jobs.get(), nodes, cache, connection))


def main(descriptor: str, nodes: str, cache: str) -> None:
    """Serve the daemon that holds the other end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which ends us
    end = socket.socket(fileno=int(descriptor))
    connection: Connection[Report, Job] = Connection(end.detach())
    serve(connection, Path(nodes), TraceCache(Path(cache), sys.maxsize))


if __name__ == "__main__":
    main(*sys.argv[1:])
