"""The health endpoint over real HTTP and HTTPS."""

import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from optimistic.service.health import Health, HealthOptions, HealthServer, HealthServerFailed
from optimistic.service.metrics import PrometheusMetrics


def test_health__http__answers_state_metrics_and_nothing_else() -> None:
    health, metrics = Health(), PrometheusMetrics("optimistic")
    metrics.count("l1_requests", method="eth_call")
    health.ok("deriver")
    server = HealthServer(HealthOptions(), health, metrics)
    server.start()
    base = f"http://127.0.0.1:{server.port}"
    try:
        good = httpx.get(base + "/health")
        health.failed("deriver", "L1 is down")
        bad = httpx.get(base + "/health?verbose=1")
        exposition = httpx.get(base + "/metrics")
        missing = httpx.get(base + "/secrets")
        post = httpx.post(base + "/health")
    finally:
        server.close()

    assert (good.status_code, good.json()["healthy"]) == (200, True)
    assert (bad.status_code, bad.json()["parts"]) == (503, {"deriver": "L1 is down"})
    assert "optimistic_l1_requests_total" in exposition.text
    assert missing.status_code == 404
    assert post.status_code == 501


def test_health__port_in_use__is_reported_with_the_fix() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(HealthServerFailed, match="choose another port"):
            HealthServer(HealthOptions(port=taken.getsockname()[1]), Health())


def test_health__certificate__serves_https(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    try:
        subprocess.run(
            [*command, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    server = HealthServer(HealthOptions(certificate=certificate, private_key=key), Health())
    server.start()
    silent = socket.create_connection(("127.0.0.1", server.port))
    try:
        answer = httpx.get(
            f"https://127.0.0.1:{server.port}/health",
            verify=ssl.create_default_context(cafile=str(certificate)),
        )
    finally:
        silent.close()
        server.close()

    assert answer.json() == {"healthy": True, "parts": {}}


def test_health__unreadable_certificate__is_reported(tmp_path: Path) -> None:
    bad = tmp_path / "cert.pem"
    bad.write_text("not a certificate")

    with pytest.raises(HealthServerFailed, match="fix the certificate"):
        HealthServer(HealthOptions(certificate=bad, private_key=bad), Health())
