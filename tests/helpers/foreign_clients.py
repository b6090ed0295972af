"""Programs we did not write, run as a user runs them: node scripts and Foundry's command line."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FORGE = next(ROOT.glob("node_modules/@foundry-rs/forge-*/bin/forge"), None)
CAST = next(ROOT.glob("node_modules/@foundry-rs/cast-*/bin/cast"), None)  # the wrapper hides exit codes


def run_json(*command: str | Path, timeout_s: int = 90) -> Any:
    """Run a program; its last line on stdout is JSON."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


class Cast:
    """Foundry's command line against one endpoint; skips the test where it is not installed."""

    def __init__(self, url: str, key: str) -> None:
        if CAST is None:
            pytest.skip("cast is not installed (make setup)")
        self._url = url
        self._key = key

    def __call__(self, subcommand: str, *arguments: str) -> str:
        command = [str(CAST), subcommand, "--rpc-url", self._url, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def send(self, *arguments: str) -> Any:
        return json.loads(self("send", "--json", "--private-key", self._key, *arguments))

    def fails(self, subcommand: str, *arguments: str) -> str:
        with pytest.raises(AssertionError) as caught:
            self(subcommand, *arguments)
        return str(caught.value)
