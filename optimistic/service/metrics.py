"""Counters, gauges and histograms behind a small Protocol.

Names carry the process prefix and a unit: ``optimistic_l1_request_seconds``.
"""

import threading
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics(Protocol):
    """What services report to; labels are keyword strings, the same set for one name always."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Record one measurement in a histogram."""


class NoopMetrics:
    """Drops everything."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Drop a count."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Drop a value."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Drop a measurement."""


class PrometheusMetrics:
    """Keeps the metrics of one process in its own registry; safe from any thread.

    Parameters
    ----------
    prefix : ``optimistic`` or ``challenger``; put before every name with an underscore
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter; its exposed name ends in ``_total``."""
        with self._lock:
            metric = self._counters.get(name)
            if metric is None:
                metric = Counter(self._full(name), _text(name), sorted(labels), registry=self._registry)
                self._counters[name] = metric
        (metric.labels(**labels) if labels else metric).inc(amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            metric = self._gauges.get(name)
            if metric is None:
                metric = Gauge(self._full(name), _text(name), sorted(labels), registry=self._registry)
                self._gauges[name] = metric
        (metric.labels(**labels) if labels else metric).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Record one measurement in a histogram."""
        with self._lock:
            metric = self._histograms.get(name)
            if metric is None:
                metric = Histogram(self._full(name), _text(name), sorted(labels), registry=self._registry)
                self._histograms[name] = metric
        (metric.labels(**labels) if labels else metric).observe(value)

    def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self._registry)

    def _full(self, name: str) -> str:
        return f"{self._prefix}_{name}"


def _text(name: str) -> str:
    return name.replace("_", " ")
