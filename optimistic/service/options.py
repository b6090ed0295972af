"""Click options shared by all commands: one flag, one variable, one field.

``--l1-rpc-url`` is ``OPTIMISTIC_L1_RPC_URL`` (or ``CHALLENGER_L1_RPC_URL``) and the
parameter ``l1_rpc_url``, whatever the subcommand. Secrets have no flag: a key comes
from ``--key-file`` or from its variable.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from optimistic.service.health import HealthOptions

OPTIMISTIC_PREFIX: Final = "OPTIMISTIC"
CHALLENGER_PREFIX: Final = "CHALLENGER"

KEY_VARIABLE_SUFFIX: Final = "PRIVATE_KEY"
"""``OPTIMISTIC_PRIVATE_KEY`` holds the signing key when no key file is named."""

FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)
Decorator = Callable[[FC], FC]

_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)?")
_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AMOUNT = re.compile(r"(\d+)(?:\.(\d+))?\s*(ether|eth|gwei|wei)")
_DECIMALS: Final = {"ether": 18, "eth": 18, "gwei": 9, "wei": 0}


class FlatEnvCommand(click.Command):
    """A command whose variables carry the program's prefix, not the subcommand's."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Create the context with the root's variable prefix."""
        return super().make_context(info_name, args, parent, **_with_prefix(parent, extra))


class FlatEnvGroup(click.Group):
    """A group of such commands; create the root with `root_settings`."""

    command_class = FlatEnvCommand
    group_class = type

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command that names its variables as this group does.

        Raises
        ------
        TypeError : a command of another kind: its variables would carry its own name
        """
        if not isinstance(cmd, FlatEnvCommand | FlatEnvGroup):
            raise TypeError(f"{name or cmd.name} is not a FlatEnvCommand")
        super().add_command(cmd, name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Create the context with the root's variable prefix."""
        return super().make_context(info_name, args, parent, **_with_prefix(parent, extra))


def root_settings(prefix: str) -> dict[str, Any]:
    """Return the `context_settings` of a program's root group."""
    return {"auto_envvar_prefix": prefix, "help_option_names": ["-h", "--help"], "max_content_width": 110}


def _with_prefix(parent: click.Context | None, extra: dict[str, Any]) -> dict[str, Any]:
    if parent is not None:
        extra.setdefault("auto_envvar_prefix", parent.auto_envvar_prefix)
    return extra


def option(flag: str, *names: str, **attributes: Any) -> Callable[[FC], FC]:
    """Declare an option that shows its default and its variable in the help text."""
    attributes.setdefault("show_default", True)
    attributes.setdefault("show_envvar", True)
    return click.option(flag, *names, **attributes)


class Url(click.ParamType[str]):
    """An http(s) URL."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL unchanged, or fail with what is wrong."""
        text = str(value)
        if not re.match(r"https?://[^/\s]+", text):
            self.fail(f"{text!r} is not an http(s) URL", param, ctx)
        return text


class HexBytes(click.ParamType[bytes]):
    """0x-hex of a fixed or any number of bytes."""

    def __init__(self, length: int | None = None) -> None:
        self.length = length
        self.name = "hex" if length is None else f"{length} bytes hex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Return the bytes, or fail with what is wrong."""
        if isinstance(value, bytes):
            return value
        try:
            raw = bytes.fromhex(str(value).removeprefix("0x"))
        except ValueError:
            self.fail(f"{value!r} is not hexadecimal", param, ctx)
        if self.length is not None and len(raw) != self.length:
            self.fail(f"expected {self.length} bytes, got {len(raw)}", param, ctx)
        return raw


class DurationMs(click.ParamType[int]):
    """A duration such as 100ms, 2s, 5m, 12h; a bare number is seconds. Value: milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return whole milliseconds, or fail with what is wrong."""
        if isinstance(value, int):
            return value
        match = _DURATION.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a duration; write 100ms, 2s, 5m, 12h or 3d", param, ctx)
        return int(match.group(1)) * _MILLISECONDS[match.group(2) or "s"]


class AmountWei(click.ParamType[int]):
    """An amount such as 1.5ether, 2eth, 20gwei or 7wei; a bare number could be any of them. Value: wei."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return whole wei, or fail with what is wrong."""
        if isinstance(value, int):
            return value
        match = _AMOUNT.fullmatch(str(value).strip().lower().replace("_", ""))
        if match is None:
            self.fail(f"{value!r} is not an amount; write 1.5ether, 20gwei or 7wei", param, ctx)
        whole, fraction, unit = match.group(1), match.group(2) or "", match.group(3)
        if len(fraction) > _DECIMALS[unit]:
            self.fail(f"{value!r} is a fraction of a wei", param, ctx)
        return int(whole + fraction.ljust(_DECIMALS[unit], "0"))


ADDRESS: Final = HexBytes(20)
HASH32: Final = HexBytes(32)
URL: Final = Url()
DURATION_MS: Final = DurationMs()
AMOUNT_WEI: Final = AmountWei()
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)

l1_rpc_url = option("--l1-rpc-url", type=URL, required=True, help="JSON-RPC endpoint of L1.")
l1_timeout = option("--l1-timeout", type=DURATION_MS, default="10s", help="Longest wait for one L1 request.")
l1_confirmations = option(
    "--l1-confirmations",
    type=click.IntRange(0, 1000),
    default=1,
    help="Blocks an L1 event must be deep to count.",
)
deployment_file = option(
    "--deployment", type=_FILE, required=True, help="Deployment JSON written by `optimistic deploy`."
)
data_dir = option("--data-dir", type=_FOLDER, required=True, help="Folder of this daemon's databases.")
key_file = option("--key-file", type=_FILE, default=None, help="File with the signing key (64 hex digits).")
max_fee_gwei = option(
    "--max-fee-gwei", type=click.IntRange(1), default=500, help="Never pay more than this per gas on L1."
)
log_level = option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    help="Least level logged.",
)
log_format = option(
    "--log-format",
    type=click.Choice(["auto", "json", "console"]),
    default="auto",
    help="auto: console on a terminal.",
)
health_host = option("--health-host", default="127.0.0.1", help="Address of the health and metrics endpoint.")
health_port = option(
    "--health-port",
    type=click.IntRange(0, 65_535),
    default=None,
    help="Serve /health and /metrics on this port.",
)
health_cert = option(
    "--health-cert", type=_FILE, default=None, help="Certificate (PEM); turns health into HTTPS."
)
health_key = option("--health-key", type=_FILE, default=None, help="Private key (PEM) of the certificate.")
json_output = option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


def compose(*decorators: Decorator[FC]) -> Decorator[FC]:
    """Apply several options as one decorator, in the order given in the help text."""

    def apply(function: FC) -> FC:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


def logging_options(function: FC) -> FC:
    """Add ``--log-level`` and ``--log-format``."""
    return log_level(log_format(function))


def health_options(function: FC) -> FC:
    """Add the options of the health endpoint."""
    return health_host(health_port(health_cert(health_key(function))))


def health_of(values: Mapping[str, Any]) -> HealthOptions | None:
    """Return what `health_options` say, or None if no port was named."""
    if values["health_port"] is None:
        return None
    return HealthOptions(
        host=values["health_host"],
        port=values["health_port"],
        certificate=values["health_cert"],
        private_key=values["health_key"],
    )


def l1_options(function: FC) -> FC:
    """Add the options of the L1 endpoint."""
    return l1_rpc_url(l1_timeout(l1_confirmations(function)))
