"""Structured logs: events are past-tense snake_case names, data are keys.

A terminal gets readable lines, anything else one JSON object per line. Values of
keys that name a secret never reach the output.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog

LogFormat = Literal["auto", "json", "console"]

_SECRET_PARTS: Final = (
    "private",
    "secret",
    "password",
    "passphrase",
    "mnemonic",
    "api_key",
    "apikey",
    "bearer",
)
_SECRET_KEYS: Final = frozenset({"key", "signing_key", "key_bytes", "authorization", "auth"})
_URL: Final = re.compile(r"(?P<scheme>(?:https?|wss?)://)(?:[^/@\s]*@)?(?P<host>[^/?#\s]*)(?P<rest>\S*)")
_REDACTED: Final = "***"
_MAX_BYTES_SHOWN: Final = 64


def configure_logging(
    *, level: str = "info", log_format: LogFormat = "auto", stream: TextIO | None = None
) -> None:
    """Set up logging for the process; call once, before the first event.

    Parameters
    ----------
    level : debug, info, warning, error or critical
    log_format : json, console, or auto (console on a terminal)
    stream : default stderr, so that stdout stays free for results
    """
    out = stream if stream is not None else sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    console = log_format == "console" or (log_format == "auto" and out.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=out.isatty()) if console else structlog.processors.JSONRenderer()
    )
    formatters: list[Any] = [] if console else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            *formatters,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=out, format="%(name)s %(levelname)s %(message)s"
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets, strip credentials from URLs and print bytes as hex."""
    for key, value in event.items():
        event[key] = _REDACTED if _is_secret(key) else _plain(value)
    return event


def _is_secret(key: str) -> bool:
    lowered = key.lower()
    return lowered in _SECRET_KEYS or any(part in lowered for part in _SECRET_PARTS)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        shown = "0x" + raw[:_MAX_BYTES_SHOWN].hex()
        return shown if len(raw) <= _MAX_BYTES_SHOWN else f"{shown}… ({len(raw)} bytes)"
    if isinstance(value, str):
        return strip_credentials(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _REDACTED if _is_secret(str(key)) else _plain(item) for key, item in value.items()}
    return value


def strip_credentials(text: str) -> str:
    """Return `text` with user, password, path and query of its URLs hidden: providers put keys there."""
    return _URL.sub(lambda url: f"{url['scheme']}{url['host']}{_hidden(url['rest'])}", text)


def _hidden(rest: str) -> str:
    return rest if rest in ("", "/") else "/***"
