"""Runs the proofs of solidity/test/symbolic with halmos, if it is installed in an environment of its own.

Its dependencies contradict ours, so it cannot be an extra of this project (see CONTRIBUTING.md).
"""

import os
import subprocess
import sys

from tests.helpers.contract_host import ROOT

BIN = ROOT / "build" / "symbolic" / "bin"
TOOLS = ROOT / "node_modules" / ".bin"
OPTIONS = (
    *("--forge-build-out", "build/forge-symbolic", "--solver-command", str(BIN / "yices-smt2")),
    *("--loop", "64", "--panic-error-codes", "*", "--solver-timeout-assertion", "60s", "--no-status"),
)
"""Every panic is a failure; the solver is the one of the environment, so that nothing is downloaded."""


def main() -> int:
    """Return the exit code of halmos, zero if it is not installed."""
    if not (BIN / "halmos").exists():
        sys.stdout.write(f"no halmos in {BIN.relative_to(ROOT)}: nothing was proven\n")
        return 0
    environment = {"FOUNDRY_PROFILE": "symbolic", "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    command = [str(BIN / "halmos"), *OPTIONS]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
