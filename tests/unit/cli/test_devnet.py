"""A devnet deletes nothing that is not its own."""

from pathlib import Path

from click.testing import CliRunner

from optimistic.cli import main


def test_devnet__folder_of_somebody_else__is_refused_and_kept(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")

    result = CliRunner().invoke(main, ["devnet", "--data-dir", str(tmp_path)])

    assert result.exit_code != 0
    assert "name another folder" in result.output
    assert precious.exists()
