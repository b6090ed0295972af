"""Runs the proofs of solidity/test/symbolic with halmos, installed in an environment of its own.

Its dependencies contradict ours, so it cannot be an extra of this project.
"""

import os
import subprocess
import sys

from tests.helpers.contract_host import ROOT

ENVIRONMENT = ROOT / "build" / "symbolic"
BIN = ENVIRONMENT / "bin"
HALMOS = "halmos==0.3.3"
TOOLS = ROOT / "node_modules" / ".bin"
OPTIONS = (
    *("--forge-build-out", "build/forge-symbolic", "--solver-command", str(BIN / "yices-smt2")),
    *("--loop", "64", "--panic-error-codes", "*", "--solver-timeout-assertion", "60s", "--no-status"),
)
"""Every panic is a failure; the solver is the one of the environment, so that nothing is downloaded."""


def install() -> None:
    """Install halmos and its solver unless they are there."""
    if not (BIN / "halmos").exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(BIN / "pip"), "install", "--quiet", HALMOS], check=True)


def main() -> int:
    """Return the exit code of halmos."""
    install()
    environment = {"FOUNDRY_PROFILE": "symbolic", "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    command = [str(BIN / "halmos"), *OPTIONS]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
