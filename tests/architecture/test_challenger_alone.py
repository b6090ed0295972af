"""The watchtower runs from its own package and the two lower rings; the aggregator is not on the disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

KEPT = ("__init__.py", "protocol", "artifacts", "service")
IGNORED = shutil.ignore_patterns("__pycache__")


@pytest.fixture
def lone_challenger(tmp_path: Path) -> Path:
    """A folder with challenger and the rings it may import."""
    shutil.copytree(ROOT / "challenger", tmp_path / "challenger", ignore=IGNORED)
    (tmp_path / "optimistic").mkdir()
    for name in KEPT:
        source = ROOT / "optimistic" / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / "optimistic" / name, ignore=IGNORED)
        else:
            shutil.copy(source, tmp_path / "optimistic" / name)
    return tmp_path


def _python(folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_challenger__without_the_aggregator__prints_its_commands(lone_challenger: Path) -> None:
    output = _python(lone_challenger, "-m", "challenger", "--help")

    assert all(command in output for command in ("run", "assertions", "show", "replay", "verify-config"))


def test_challenger__without_the_aggregator__imports_every_module(lone_challenger: Path) -> None:
    code = (
        "import importlib, pkgutil, challenger, optimistic, sys\n"
        "for module in pkgutil.walk_packages(challenger.__path__, 'challenger.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "assert not any(name.startswith(('optimistic.node', 'optimistic.cli')) for name in sys.modules)\n"
        "print(challenger.__file__, optimistic.__file__)"
    )

    output = _python(lone_challenger, "-c", code)

    expected = [lone_challenger / name / "__init__.py" for name in ("challenger", "optimistic")]
    assert output.split() == [str(path) for path in expected]
