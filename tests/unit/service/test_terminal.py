import json

import click
from click.testing import CliRunner

from optimistic.protocol.errors import InvalidInput
from optimistic.service.options import json_output
from optimistic.service.terminal import emit, reports_errors, say


@click.command()
@json_output
@click.option("--fail", is_flag=True)
@reports_errors
def program(as_json: bool, fail: bool) -> None:
    """Print one result."""
    say(f"json: {as_json}")
    if fail:
        raise InvalidInput("the file is none of ours")
    emit({"id": b"\x01\xff", "parts": [{"root": b"\x02"}], "n": 3})


def test_emit__json__is_one_object_alone_on_stdout() -> None:
    result = CliRunner().invoke(program, ["--json"])

    assert json.loads(result.stdout) == {"id": "0x01ff", "parts": [{"root": "0x02"}], "n": 3}
    assert result.stderr == "json: True\n"


def test_emit__person__gets_a_line_for_each_key() -> None:
    result = CliRunner().invoke(program, [])

    assert result.stdout.splitlines() == ["id     0x01ff", 'parts  [{"root": "0x02"}]', "n      3"]


def test_reports_errors__error_of_ours__is_one_line_and_a_bad_exit_code() -> None:
    result = CliRunner().invoke(program, ["--fail"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "Error: the file is none of ours"
