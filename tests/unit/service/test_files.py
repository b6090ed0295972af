from pathlib import Path

import pytest

from optimistic.service.files import replace_text
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
