from pathlib import Path

import pytest

from optimistic.service.files import read_json_object, replace_json, replace_text
from optimistic.service.storage_errors import StorageFailed


def test_replace_text__file_there__has_the_new_content_alone(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    path.write_text("old")

    replace_text(path, "new")

    assert [item.name for item in tmp_path.iterdir()] == ["deployment.json"]
    assert path.read_text() == "new"


def test_replace_text__no_such_folder__names_the_file(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match=r"nowhere/a\.json: No such file"):
        replace_text(tmp_path / "nowhere" / "a.json", "text")


def test_replace_json__then_read__gives_the_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"

    replace_json(path, {"a": [1, {"b": None}]})

    assert read_json_object(path) == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Expecting value"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "brackets"),
    ],
)
def test_read_json_object__anything_else__is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=problem):
        read_json_object(path)
