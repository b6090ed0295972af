"""The transaction manager is killed (SIGKILL) at a chosen line, then started again.

The chain must outlive the process, so it is a file of raw transactions that each process
replays: the embedded chain is deterministic.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from optimistic.protocol.types import Address
from optimistic.service.clock import FakeClock
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Call
from optimistic.service.signer import Signer
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import TxOutcome, TxRequest

TARGET = Address(b"\x77" * 20)
REQUESTS = [TxRequest(key=f"pay:{n}", call=Call(to=TARGET, value_wei=10**n)) for n in range(3)]
TRACED = ("tx_manager.py", "tx_store.py")


class FileChain:
    """An L1 whose only state is a file of the transactions it accepted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chain = EmbeddedL1(clock=FakeClock())
        for line in path.read_text().splitlines() if path.exists() else []:
            self._chain.request("eth_sendRawTransaction", [line])

    def request(self, method: str, params: Sequence[Any]) -> Any:
        answer = self._chain.request(method, params)
        if method == "eth_sendRawTransaction":
            with self._path.open("a") as file:
                file.write(params[0] + "\n")
        return answer


def work(folder: Path) -> tuple[L1Client, TxManager]:
    """Ask for all payments and step until they ended."""
    client = L1Client(FileChain(folder / "chain"))
    database = Database(folder / "db.sqlite", [SERVICE_MIGRATIONS])
    manager = TxManager(client, Signer(EmbeddedL1(clock=FakeClock()).keys[0]), database, clock=FakeClock())
    for request in REQUESTS:
        manager.submit(request)
    for _ in range(4):
        manager.step()
    return client, manager


def work_until_line(folder: Path, last: int) -> int:
    """Run `work` in a child that kills itself at its `last`-th traced line; return its wait status."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    lines = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.endswith(TRACED):
            return None
        if event == "line":
            lines += 1
            if lines == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the child's output is nobody's business
    sys.settrace(trace)
    work(folder)
    os._exit(0)


def kill_at_lines(folder: Path, first: int, step: int) -> int:
    """Kill and restart at every `step`-th line from `first` on; return how often."""
    kills = 0
    for last in range(first, 100_000, step):
        story = folder / str(last)
        story.mkdir()
        status = work_until_line(story, last)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        kills += 1

        client, manager = work(story)

        assert client.balance_wei(TARGET, "latest") == 111, f"killed at line {last}"
        for request in REQUESTS:
            ended = manager.status(request.key)
            assert ended is not None
            assert ended.outcome is TxOutcome.CONFIRMED, f"killed at line {last}"
    return kills


@pytest.mark.slow
def test_manager__killed_at_some_lines__pays_each_exactly_once(tmp_path: Path) -> None:
    assert kill_at_lines(tmp_path, 17, 349) >= 4


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.timeout(1_800)
def test_manager__killed_at_many_lines__pays_each_exactly_once(tmp_path: Path) -> None:
    assert kill_at_lines(tmp_path, 1, 5) > 200
