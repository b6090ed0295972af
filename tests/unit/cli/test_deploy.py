"""What `optimistic deploy` refuses before it looks at L1."""

import pytest
from click.testing import CliRunner

from optimistic.cli.deploy import deploy

TOKEN = "0x" + "70" * 20
OWNER = "0x" + "0a" * 20


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--dev-token", "--token", TOKEN], "takes the place of --token"),
        (["--dev-token", "--profile", "stage1"], "on a devnet only"),
        (["--settlement-owner", OWNER], "nothing to govern"),
        (["--settlement-guardian", OWNER], "nothing to govern"),
    ],
)
def test_deploy__options_that_contradict_each_other__are_refused(options: list[str], problem: str) -> None:
    result = CliRunner().invoke(deploy, ["--l1-rpc-url", "http://127.0.0.1:1", *options])

    assert result.exit_code == 2
    assert problem in result.output
