"""A real anvil as a child process, with the switches tests need."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

from optimistic.service.l1_transport import HttpTransport

ROOT = Path(__file__).parents[2]
_START_S = 30
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")


def anvil_binary() -> Path | None:
    """Return the anvil of node_modules, or None when the npm packages are not installed."""
    found = sorted(ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    return found[0] if found else None


class Anvil:
    """One anvil on a free port; use as a context manager.

    Parameters
    ----------
    arguments : more command line arguments, such as ``--block-time 1``
    """

    def __init__(self, *arguments: str) -> None:
        binary = anvil_binary()
        if binary is None:
            raise FileNotFoundError("anvil is not installed: run `make setup`")
        # A file, not a pipe: anvil logs every request and would stop at a full pipe.
        self._output = TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._process = subprocess.Popen(
            [str(binary), "--port", "0", *arguments],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self.port = self._await_port()
        except BaseException:
            self.stop()
            raise
        self.url = f"http://127.0.0.1:{self.port}"
        self._transport = HttpTransport(self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process and everything it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()

    def rpc(self, method: str, *params: Any) -> Any:
        """Send one request."""
        return self._transport.request(method, params)

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks now."""
        self.rpc("anvil_mine", hex(blocks))

    def advance_time(self, seconds: int) -> None:
        """Move the chain's time forward and mine a block there."""
        self.rpc("evm_increaseTime", seconds)
        self.mine()

    def reorg(self, depth: int, transactions: list[tuple[str, int]] | None = None) -> None:
        """Replace the newest `depth` blocks by as many new ones.

        `transactions` are (raw transaction, offset of the new block it goes into); all others fall out.
        """
        self.rpc("anvil_reorg", depth, transactions or [])

    def set_auto_mine(self, auto_mine: bool) -> None:
        """Choose between a block per transaction and blocks on demand."""
        self.rpc("evm_setAutomine", auto_mine)

    def drop(self, tx_hash: bytes) -> None:
        """Remove a transaction from the pool."""
        self.rpc("anvil_dropTransaction", "0x" + tx_hash.hex())

    def _await_port(self) -> int:
        text, deadline = "", time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            text = os.pread(self._output.fileno(), 65_536, 0).decode(errors="replace")
            match = _LISTENING.search(text)
            if match is not None:
                return int(match.group(1))
            time.sleep(0.05)
        raise RuntimeError(f"anvil did not start: {text[-2_000:]}")
