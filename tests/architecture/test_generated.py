"""Generated files are committed and fresh."""

import subprocess
import sys

import pytest

from tests.architecture.source_tree import ROOT


@pytest.mark.parametrize("script", ["gen_constants.py", "gen_opcodes.py", "gen_cli_docs.py"])
def test_generated_files__their_script__finds_them_fresh(script: str) -> None:
    done = subprocess.run(
        [sys.executable, f"scripts/{script}", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
