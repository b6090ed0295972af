"""Generated files are committed and fresh."""

import subprocess
import sys

from tests.architecture.source_tree import ROOT


def test_constants__both_languages__are_generated_from_the_json() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/gen_constants.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
