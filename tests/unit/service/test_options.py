import click
import pytest
from click.testing import CliRunner

from optimistic.service import options
from optimistic.service.options import ADDRESS, AMOUNT_WEI, DURATION_MS, FlatEnvGroup, root_settings


@click.group(cls=FlatEnvGroup, context_settings=root_settings("OPTIMISTIC"))
def root() -> None:
    """Test program."""


@root.group()
def inner() -> None:
    """Group in a group."""


@inner.command()
@options.l1_rpc_url
@options.key_file
@options.option("--interval", type=DURATION_MS, default="2s", help="Pause.")
@options.option("--target", type=ADDRESS, default=None, help="Account.")
def show(l1_rpc_url: str, key_file: str | None, interval: int, target: bytes | None) -> None:
    """Print the options."""
    click.echo(f"{l1_rpc_url} {interval} {'' if target is None else target.hex()}")


def invoke(*arguments: str, env: dict[str, str] | None = None) -> click.testing.Result:
    return CliRunner().invoke(root, ["inner", "show", *arguments], env=env or {})


def test_options__variable_of_a_nested_command__carries_only_the_programs_prefix() -> None:
    result = invoke(env={"OPTIMISTIC_L1_RPC_URL": "http://host:1", "OPTIMISTIC_INTERVAL": "100ms"})

    assert result.output == "http://host:1 100 \n"


def test_options__flag__wins_over_the_variable() -> None:
    result = invoke("--l1-rpc-url", "http://flag", env={"OPTIMISTIC_L1_RPC_URL": "http://variable"})

    assert result.output.startswith("http://flag ")


def test_options__help__names_variables_and_defaults() -> None:
    text = invoke("--help").output

    assert "OPTIMISTIC_L1_RPC_URL" in text
    assert "OPTIMISTIC_KEY_FILE" in text
    assert "default: 2s" in text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--l1-rpc-url", "ftp://x"], "is not an http(s) URL"),
        (["--l1-rpc-url", "http://x", "--interval", "soon"], "is not a duration"),
        (["--l1-rpc-url", "http://x", "--target", "0x12"], "expected 20 bytes, got 1"),
        (["--l1-rpc-url", "http://x", "--target", "zz"], "is not hexadecimal"),
        (["--l1-rpc-url", "http://x", "--key-file", "/nonexistent"], "does not exist"),
        ([], "Missing option '--l1-rpc-url'"),
    ],
)
def test_options__bad_values__are_refused_with_the_reason(arguments: list[str], problem: str) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 2
    assert problem in result.output


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("100ms", 100), ("2s", 2_000), ("3", 3_000), ("5m", 300_000), ("1h", 3_600_000), ("2d", 172_800_000)],
)
def test_duration__units__become_milliseconds(text: str, milliseconds: int) -> None:
    assert DURATION_MS.convert(text, None, None) == milliseconds


@pytest.mark.parametrize(
    ("text", "wei"),
    [("2eth", 2 * 10**18), ("1.5ether", 15 * 10**17), (" 20 gwei ", 20 * 10**9), ("7wei", 7), ("0eth", 0)],
)
def test_amount__number_and_unit__is_exact(text: str, wei: int) -> None:
    assert AMOUNT_WEI.convert(text, None, None) == wei


@pytest.mark.parametrize("text", ["", "2", "eth", "-1eth", "1.5wei", "infeth", "1e400eth1"])
def test_amount__anything_else__is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        AMOUNT_WEI.convert(text, None, None)
