"""Runs `forge test --json` once per state of the Solidity tree and keeps the result for pytest.

`python -m tests.contracts.forge_report` fills the report; the tests read it and run forge only if stale.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "build" / "forge-tests.json"
INPUTS = (
    "solidity/**/*.sol",
    "solidity/snapshots/**/*.json",
    "tests/vectors/**/*.json",
    "foundry.toml",
    "package.json",
)
SNAPSHOTS = {"FORGE_SNAPSHOT_CHECK": "true", "FORGE_SNAPSHOT_EMIT": "false"}
PASSED = "Success"
GAS_TESTS = "solidity/test/gas/*"
FORGE = ROOT / "node_modules" / ".bin" / "forge"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeTest:
    """One forge test: `suite` is file:contract, `reason` is empty unless it failed."""

    suite: str
    name: str
    status: str
    reason: str

    @property
    def id(self) -> str:
        """A pytest id without the path of the suite."""
        return f"{self.suite.rsplit('/', 1)[-1]}::{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeReport:
    """All forge tests of one state of the tree; `error` is what forge said when it could not run them."""

    fingerprint: str
    tests: tuple[ForgeTest, ...]
    error: str


def fingerprint() -> str:
    """Hash everything the forge tests depend on."""
    digest = hashlib.sha256()
    for pattern in INPUTS:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _run_forge(current: str) -> ForgeReport:
    """Test behaviour the quick way, and gas with the code generation of what is deployed."""
    halves = [_tests_of("lite"), _tests_of("default", "--match-path", GAS_TESTS)]
    return ForgeReport(
        fingerprint=current,
        tests=tuple(test for tests, _ in halves for test in tests),
        error="".join(error for _, error in halves),
    )


def _tests_of(profile: str, *arguments: str) -> tuple[tuple[ForgeTest, ...], str]:
    """Run forge; the second is what it said if it could not run any test."""
    done = subprocess.run(
        [str(FORGE), "test", "--json", *arguments],
        cwd=ROOT,
        env=os.environ | SNAPSHOTS | {"FOUNDRY_PROFILE": profile},
        capture_output=True,
        text=True,
        check=False,
        timeout=3_600,
    )
    tests = _parse(done.stdout)
    return tests, "" if tests else (done.stdout + done.stderr)[-4_000:]


def _parse(output: str) -> tuple[ForgeTest, ...]:
    start = output.find("{")
    try:
        suites = json.loads(output[start:]) if start >= 0 else {}
    except json.JSONDecodeError:
        return ()
    return tuple(
        ForgeTest(suite=suite, name=name, status=result["status"], reason=str(result.get("reason") or ""))
        for suite, body in sorted(suites.items())
        for name, result in sorted(body["test_results"].items())
    )


def _read(current: str) -> ForgeReport | None:
    if not REPORT.exists():
        return None
    raw = json.loads(REPORT.read_text())
    if raw["fingerprint"] != current:
        return None
    tests = tuple(ForgeTest(**item) for item in raw["tests"])
    return ForgeReport(fingerprint=current, tests=tests, error=raw["error"])


def load_report() -> ForgeReport:
    """Return the report of the present tree; the first process to ask runs forge, the others wait for it."""
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        current = fingerprint()
        report = _read(current)
        if report is None:
            report = _run_forge(current)
            REPORT.write_text(json.dumps(asdict(report)))
        return report


def main() -> int:
    """Print one line per failed test and a count; non-zero if any failed."""
    report = load_report()
    failed = [test for test in report.tests if test.status != PASSED]
    for test in failed:
        sys.stdout.write(f"FAILED {test.id}: {test.reason}\n")
    sys.stdout.write(f"{report.error}forge: {len(report.tests) - len(failed)} passed, {len(failed)} failed\n")
    return 1 if failed or report.error else 0


if __name__ == "__main__":
    sys.exit(main())
