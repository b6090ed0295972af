"""Trace jobs in real processes: they work beside us, die with us, and die alone without harm."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32
from optimistic.service.node_store import LmdbNodeReader, LmdbNodeStore
from optimistic.service.storage_errors import CorruptStorage
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_job import Done, Failed, TraceJob, WitnessJob, make_trace, make_witness
from optimistic.service.trace_workers import Ended, WorkerProcesses
from optimistic.service.unit_inputs import UnitInputs
from tests.helpers.unit_batches import HandMadeBatches, endless_call, three_batches

PATIENCE_S = 60.0
LONG = (1, 2)
"""(batch, unit) of `endless_call` that goes on and on."""


class Hall:
    """Worker processes over a real node store."""

    def __init__(self, folder: Path, batches: HandMadeBatches, count: int = 1) -> None:
        self.batches = batches
        self.nodes = LmdbNodeStore(folder / "nodes", durable=False)
        self.nodes.put_many(batches.nodes)
        self.cache = TraceCache(folder / "traces", 1 << 30)
        self.workers = WorkerProcesses(folder / "nodes", self.cache, count)

    def inputs(self, offset: int = 0, unit: int = 4) -> UnitInputs:
        return self.batches.inputs(offset, unit)

    def wait(self) -> list[Ended]:
        """Wait until a job ends."""
        return eventually(self.workers.collect)

    def close(self) -> None:
        self.workers.close()
        self.nodes.close()


def eventually(look: Callable[[], list[Ended]]) -> list[Ended]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("nothing happened")


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    built = Hall(tmp_path, three_batches())
    yield built
    built.close()


@pytest.fixture
def long_hall(tmp_path: Path) -> Iterator[Hall]:
    """A hall whose unit LONG has about two million steps."""
    built = Hall(tmp_path, endless_call(gas=8_000_000))
    yield built
    built.close()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_workers__trace_and_witness__are_those_of_this_process(hall: Hall) -> None:
    assert hall.workers.take(TraceJob(name="trace", inputs=hall.inputs()))
    [trace] = hall.wait()
    assert hall.workers.take(WitnessJob(name="witness", inputs=hall.inputs(), v=3))
    [witness] = hall.wait()

    assert (trace.how, witness.how) == (Done(None), Done(None))
    found = hall.cache.trace("trace")
    assert found is not None
    assert found.root == make_trace(hall.inputs(), hall.batches.nodes).root
    assert hall.cache.witness("witness") == make_witness(hall.inputs(), 3, hall.batches.nodes)


def test_workers__one_busy__takes_no_second_job_and_frees_itself(hall: Hall) -> None:
    assert hall.workers.take(TraceJob(name="first", inputs=hall.inputs()))

    refused = hall.workers.take(TraceJob(name="second", inputs=hall.inputs()))
    hall.wait()

    assert not refused
    assert hall.workers.running == []
    assert hall.workers.take(TraceJob(name="second", inputs=hall.inputs()))
    hall.wait()


def test_workers__killed_in_the_middle__fails_the_job_and_works_again(long_hall: Hall) -> None:
    long_hall.workers.take(TraceJob(name="long", inputs=long_hall.inputs(*LONG)))
    [process] = long_hall.workers._processes

    os.kill(process._process.pid, signal.SIGKILL)
    [ended] = long_hall.wait()

    assert isinstance(ended.how, Failed)
    assert "died" in ended.how.reason
    assert not list(long_hall.cache.folder.glob("*.trace"))
    assert long_hall.workers.take(TraceJob(name="short", inputs=long_hall.inputs(0, 1)))
    assert long_hall.wait()[0].how == Done(None)


def test_workers__dropped_job__ends_its_process(long_hall: Hall) -> None:
    long_hall.workers.take(TraceJob(name="long", inputs=long_hall.inputs(*LONG)))
    pid = long_hall.workers._processes[0]._process.pid

    long_hall.workers.drop("long")

    assert not is_running(pid)
    assert long_hall.workers.running == []
    assert long_hall.workers.collect() == []


def test_workers__missing_nodes__is_told_apart(hall: Hall, tmp_path: Path) -> None:
    LmdbNodeStore(tmp_path / "empty", durable=False).close()
    workers = WorkerProcesses(tmp_path / "empty", hall.cache, 1)

    workers.take(TraceJob(name="job", inputs=hall.inputs()))
    [ended] = eventually(workers.collect)
    workers.close()

    assert isinstance(ended.how, Failed)
    assert ended.how.is_damaged


def test_workers__results_cannot_be_stored__is_told_apart(hall: Hall) -> None:
    hall.workers.take(TraceJob(name="job", inputs=hall.inputs()))
    hall.wait()
    for path in hall.cache.folder.iterdir():
        path.unlink()
    hall.cache.folder.rmdir()

    hall.workers.take(TraceJob(name="job", inputs=hall.inputs()))
    [ended] = hall.wait()

    assert isinstance(ended.how, Failed)
    assert ended.how.is_full


PARENT = """
import sys, time
from pathlib import Path
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_job import TraceJob
from optimistic.service.trace_workers import WorkerProcesses
from tests.helpers.unit_batches import endless_call
folder = Path(sys.argv[1])
workers = WorkerProcesses(folder / "nodes", TraceCache(folder / "traces", 1 << 30), 1)
workers.take(TraceJob(name="long", inputs=endless_call(gas=8_000_000).inputs(1, 2)))
print(workers._processes[0]._process.pid, flush=True)
time.sleep(600)
"""


def test_workers__daemon_killed__they_die_with_it(long_hall: Hall, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    daemon = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert daemon.stdout is not None
    worker = int(daemon.stdout.readline())
    assert is_running(worker)

    daemon.kill()
    daemon.wait()
    daemon.stdout.close()

    deadline = time.monotonic() + PATIENCE_S
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(worker)


def test_node_reader__store_that_grew_since__reads_what_was_added(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from optimistic.service.node_store import LmdbNodeStore\n"
        "from optimistic.protocol.hashing import keccak256\n"
        "store = LmdbNodeStore(Path(sys.argv[1]), durable=False, map_bytes=1 << 16)\n"
        "print('open', flush=True); sys.stdin.readline()\n"
        "values = [bytes([i]) * 9000 for i in range(200)]\n"
        "store.put_many({keccak256(v): v for v in values})\n"
        "print('grown', flush=True); sys.stdin.readline()\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == "open\n"
    reader, value = LmdbNodeReader(tmp_path), bytes([7]) * 9000
    missing = reader.get(keccak256(value))
    writer.stdin.write("go\n")
    writer.stdin.flush()
    while writer.stdout.readline() != "grown\n":  # a line of its log comes first
        pass
    found = reader.get(keccak256(value))
    reader.close()
    writer.communicate("end\n")

    assert missing is None
    assert found == value


def test_node_reader__damaged_value__is_refused(tmp_path: Path) -> None:
    store = LmdbNodeStore(tmp_path, durable=False)
    store.put_many({Hash32(b"\x01" * 32): b"something else"})
    store.close()
    reader = LmdbNodeReader(tmp_path)

    with pytest.raises(CorruptStorage):
        reader.get(Hash32(b"\x01" * 32))
    reader.close()
