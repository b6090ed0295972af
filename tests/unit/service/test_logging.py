import io
import json

import pytest
import structlog

from optimistic.service.logging import configure_logging, redact, strip_credentials


@pytest.fixture(autouse=True)
def _restore_structlog() -> object:
    yield
    structlog.reset_defaults()


def emitted(level: str = "info", **data: object) -> dict[str, object]:
    stream = io.StringIO()
    configure_logging(level=level, stream=stream)
    structlog.get_logger("test").info("thing_happened", **data)
    lines = stream.getvalue().splitlines()
    assert len(lines) <= 1
    result: dict[str, object] = json.loads(lines[0]) if lines else {}
    return result


def test_logging__not_a_terminal__writes_one_json_object_per_line() -> None:
    event = emitted(l1_block=7)

    assert event["event"] == "thing_happened"
    assert event["level"] == "info"
    assert event["l1_block"] == 7
    assert "timestamp" in event


def test_logging__below_the_level__writes_nothing() -> None:
    assert emitted(level="warning") == {}


def test_logging__bytes__are_hex_and_long_ones_cut() -> None:
    event = emitted(tx=b"\x01\xff", data=bytes(100))

    assert event["tx"] == "0x01ff"
    assert str(event["data"]).endswith("… (100 bytes)")


@pytest.mark.parametrize("key", ["key", "private_key", "API_KEY", "password", "jwt_secret", "mnemonic"])
def test_logging__secret_keys__are_hidden(key: str) -> None:
    assert redact(None, "info", {key: "hunter2"}) == {key: "***"}


def test_logging__nested_secrets__are_hidden() -> None:
    event = redact(None, "info", {"options": {"password": "hunter2", "port": 1}, "urls": ["http://a:b@h/x"]})

    assert event == {"options": {"password": "***", "port": 1}, "urls": ["http://h/***"]}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@host:8545/v3/SECRET?x=1", "https://host:8545/***"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545/"),
        ("https://host?apikey=1", "https://host/***"),
    ],
)
def test_strip_credentials__urls__keep_only_scheme_and_host(url: str, shown: str) -> None:
    assert strip_credentials(url) == shown


def test_strip_credentials__url_inside_a_message__hidden_and_nothing_breaks() -> None:
    message = "https://user:pass@host.example:8545/v3/secret?k=1 eth_call: ReadTimeout"

    assert strip_credentials(message) == "https://host.example:8545/*** eth_call: ReadTimeout"
    assert (
        strip_credentials("http://127.0.0.1:8545 eth_call: timeout")
        == "http://127.0.0.1:8545 eth_call: timeout"
    )
    assert strip_credentials("http://[::1") == "http://[::1"
