"""Rules every test lives under: markers by folder, no sockets outside e2e, hypothesis profiles."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
FOLDER_MARKERS = ("unit", "property", "differential", "contracts", "actions", "architecture", "e2e")
PATIENCE_S = {"actions": 300, "e2e": 600}
"""Whole stories may take longer than the limit of pyproject.toml, most of all on a busy machine."""
NETWORK_FAMILIES = (socket.AF_INET, socket.AF_INET6)

_slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=_slow)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=_slow
)
settings.register_profile("nightly", max_examples=5_000, deadline=None, suppress_health_check=_slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--nightly` adds the long tests that `make nightly` runs."""
    parser.addoption("--nightly", action="store_true", help="run the tests marked nightly, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test after the folder it lies in; leave the nightly ones out unless asked for."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        item.add_marker(folder if folder in FOLDER_MARKERS else "unit")
        if folder in PATIENCE_S and not config.getoption("timeout", default=None):
            item.add_marker(pytest.mark.timeout(PATIENCE_S[folder]))
    if not config.getoption("--nightly"):
        long = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests recorded, whichever process they ran in."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "table":
                terminalreporter.section(report.nodeid.rpartition("::")[2])
                terminalreporter.write_line(str(text))


_configure_logging = structlog.configure


def _configure_uncached(**options: Any) -> None:
    """Keep loggers from remembering the configuration of the test that used them first."""
    _configure_logging(**{**options, "cache_logger_on_first_use": False})


structlog.configure = _configure_uncached  # type: ignore[assignment] # takes whatever configure takes


class SocketBlock:
    """Refuses network sockets while a test that must not use them runs."""

    def __init__(self) -> None:
        self.active = False
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.active or event not in ("socket.connect", "socket.bind", "socket.sendto"):
            return
        if args[0].family in NETWORK_FAMILIES:
            message = f"{event} {args[1]!r}: only tests in tests/e2e use the network"
            raise RuntimeError(message)


_sockets = SocketBlock()


@pytest.fixture(autouse=True)
def _no_sockets_outside_e2e(request: pytest.FixtureRequest) -> Iterator[None]:
    _sockets.active = request.node.get_closest_marker("e2e") is None
    yield
    _sockets.active = False


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Logging starts from its defaults in every test."""
    yield
    structlog.reset_defaults()
