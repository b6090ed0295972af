from optimistic.service.health import Health
from optimistic.service.metrics import NoopMetrics, PrometheusMetrics


def test_prometheus__all_kinds__are_exposed_with_prefix_and_labels() -> None:
    metrics = PrometheusMetrics("optimistic")

    metrics.count("tx_ended", outcome="confirmed")
    metrics.count("tx_ended", 2, outcome="confirmed")
    metrics.gauge("safe_head_block", 7)
    metrics.observe("l1_request_seconds", 0.25, method="eth_call")

    text = metrics.exposition().decode()
    assert 'optimistic_tx_ended_total{outcome="confirmed"} 3.0' in text
    assert "optimistic_safe_head_block 7.0" in text
    assert 'optimistic_l1_request_seconds_sum{method="eth_call"} 0.25' in text


def test_prometheus__two_instances__do_not_share_a_registry() -> None:
    PrometheusMetrics("a").count("x")

    assert b"a_x_total" not in PrometheusMetrics("a").exposition()


def test_noop__all_kinds__do_nothing() -> None:
    metrics = NoopMetrics()

    metrics.count("x")
    metrics.gauge("y", 1)
    metrics.observe("z", 1)


def test_health__parts_and_facts__decide_and_document() -> None:
    health = Health()
    health.ok("deriver")
    health.set_fact("head", 5)
    assert health.snapshot() == (True, {"healthy": True, "parts": {"deriver": "ok"}, "head": 5})

    health.failed("deriver", "L1 is down")
    assert health.snapshot()[0] is False
    assert health.snapshot()[1]["parts"] == {"deriver": "L1 is down"}

    health.ok("deriver")
    assert health.snapshot()[0] is True
