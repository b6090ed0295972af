"""The nightly run continues where it stopped and keeps what it found."""

import json
from pathlib import Path

from tests.nightly.runner import NightlyRun
from tests.nightly.sections import SECTIONS, Section


def _section(name: str, *command: str, limit_s: int = 60) -> Section:
    return Section(name=name, command=command, limit_s=limit_s)


def _run(tmp_path: Path, limit_s: float = 60) -> NightlyRun:
    return NightlyRun.resume(tmp_path / "nightly.json", tmp_path / "no-fixtures", limit_s)


def test_nightly__passed_section__is_not_run_again(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    _run(tmp_path).run(_section("mark", "touch", str(mark)))
    mark.unlink()

    second = _run(tmp_path)
    second.run(_section("mark", "touch", str(mark)))

    assert second.has_passed(_section("mark"))
    assert not mark.exists()


def test_nightly__failed_section__is_recorded_and_run_again(tmp_path: Path) -> None:
    run = _run(tmp_path)

    run.run(_section("fails", "sh", "-c", "echo broken; exit 3"))

    saved = json.loads((tmp_path / "nightly.json").read_text())["sections"]["fails"]
    assert (saved["passed"], saved["exit_code"], saved["last_line"]) == (False, 3, "broken")
    _run(tmp_path).run(_section("fails", "true"))
    assert json.loads((tmp_path / "nightly.json").read_text())["sections"]["fails"]["passed"]


def test_nightly__other_commit__starts_over(tmp_path: Path) -> None:
    old = {"commit": "0" * 40, "sections": {"mark": {"passed": True}}}
    (tmp_path / "nightly.json").write_text(json.dumps(old))

    assert not _run(tmp_path).has_passed(_section("mark"))


def test_nightly__section_over_its_limit__is_stopped(tmp_path: Path) -> None:
    run = _run(tmp_path, limit_s=0.2)

    run.run(_section("slow", "sleep", "30"))

    assert run.sections["slow"]["exit_code"] == 124


def test_nightly__without_fixtures__the_section_fails_with_a_reason(tmp_path: Path) -> None:
    run = _run(tmp_path)

    run.run(_section("needs", "cat", "{fixtures}"))

    assert "no fixtures" in run.sections["needs"]["last_line"]


def test_sections__their_names__are_unique() -> None:
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)
