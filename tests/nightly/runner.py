"""Runs nightly sections one after the other and keeps a result file that a second run continues."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.nightly.sections import Section

ROOT = Path(__file__).parents[2]
TIMED_OUT = 124
NOT_RUN = -1


def current_commit() -> str:
    """The commit the results belong to."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass(slots=True, kw_only=True)
class NightlyRun:
    """The state of one nightly run: `sections` maps a name to its last outcome on this commit."""

    commit: str
    path: Path
    fixtures: Path
    deadline: float
    sections: dict[str, dict[str, Any]]

    @classmethod
    def resume(cls, path: Path, fixtures: Path, limit_s: float) -> "NightlyRun":
        """Continue the run in `path` if it is of this commit, else start over."""
        commit = current_commit()
        known = json.loads(path.read_text()) if path.exists() else {}
        sections = known["sections"] if known.get("commit") == commit else {}
        deadline = time.monotonic() + limit_s
        return cls(commit=commit, path=path, fixtures=fixtures, deadline=deadline, sections=sections)

    def has_passed(self, section: Section) -> bool:
        """Whether the section passed on this commit."""
        return bool(self.sections.get(section.name, {}).get("passed"))

    def run(self, section: Section) -> None:
        """Run one section unless it passed before or the time is over, and save the result."""
        left_s = self.deadline - time.monotonic()
        if self.has_passed(section) or left_s <= 0:
            return
        if section.needs_fixtures and not self.fixtures.is_dir():
            self.sections[section.name] = _outcome(NOT_RUN, 0.0, f"no fixtures in {self.fixtures}")
        else:
            self.sections[section.name] = self._execute(section, min(section.limit_s, left_s))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.to_json(indent=2) + "\n")

    def to_json(self, indent: int | None = None) -> str:
        """The result file."""
        return json.dumps({"commit": self.commit, "sections": self.sections}, indent=indent)

    def _execute(self, section: Section, limit_s: float) -> dict[str, Any]:
        command = [str(self.fixtures) if part == "{fixtures}" else part for part in section.command]
        log = self.path.parent / "nightly" / f"{section.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with log.open("w") as out:
            code = _call(command, os.environ | section.environment, out.fileno(), limit_s)
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return _outcome(code, time.monotonic() - started, lines[-1] if lines else "")


def _call(command: list[str], environment: dict[str, str], out: int, limit_s: float) -> int:
    try:
        return subprocess.run(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, timeout=limit_s, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return TIMED_OUT


def _outcome(code: int, seconds: float, last_line: str) -> dict[str, Any]:
    return {"passed": code == 0, "exit_code": code, "seconds": round(seconds, 1), "last_line": last_line}
