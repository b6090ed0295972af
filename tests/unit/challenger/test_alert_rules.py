"""The alert rules for Prometheus name metrics, labels and alerts that the watchtower really has."""

import ast
import re
from pathlib import Path

from tests.architecture.source_tree import ROOT, files_under, parse

RULES = (ROOT / "docs/alerts.yml").read_text()
RULE = re.compile(
    r"""
    ^\ {6}-\ alert:\ (?P<name>[A-Z]\w+)\n
    \ {8}expr:\ (?P<expr>[^\n]+)\n
    (?:\ {8}for:\ \d+[mh]\n)?
    \ {8}labels:\ \{severity:\ (?:page|ticket),\ kind:\ (?P<kind>\w+)\}\n
    \ {8}annotations:\ \{summary:\ "(?P<summary>[^"\n]+)"\}\n
    """,
    re.VERBOSE | re.MULTILINE,
)
METRIC = re.compile(r"\bchallenger_(\w+?)(?:\{([^}]*)\})?(?=[\s)\[]|$)")
FOREIGN = {"_total": "count", "_bucket": "observe", "_sum": "observe", "_count": "observe"}
SELF_MADE = {
    "transaction_failed",
    "watchtower_down",
    "expired_unclaimed",
    "deposits_wait",
    "no_batches",
    "endpoint_errors",
    "endpoint_out_of_sync",
    "turns_failed",
}
"""Conditions that only the metrics tell, not the watchtower's own list of alerts."""


def exported() -> dict[tuple[str, str], set[str]]:
    """(kind of metric, name) -> its labels, from every call in the code that a watchtower runs."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in files_under("challenger", "optimistic/service", suffix=".py"):
        for node in ast.walk(parse(path)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            name = node.args[0]
            is_name = isinstance(name, ast.Constant) and isinstance(name.value, str)
            if node.func.attr in ("count", "gauge", "observe") and is_name:
                labels = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
                found.setdefault((node.func.attr, name.value), set()).update(labels)  # type: ignore[attr-defined]
    return found


def raised() -> set[str]:
    """Kinds of the watchtower's own alerts."""
    kinds = set()
    for name in ("alerts.py", "monitor.py"):
        for node in ast.walk(parse(ROOT / "challenger" / name)):
            if isinstance(node, ast.keyword) and node.arg == "kind" and isinstance(node.value, ast.Constant):
                kinds.add(str(node.value.value))
    return kinds


def source_of(metric: str) -> tuple[str, str]:
    """How a metric is called in the code: (kind, name)."""
    for suffix, kind in FOREIGN.items():
        if metric.endswith(suffix) and (kind, metric.removesuffix(suffix)) in exported():
            return kind, metric.removesuffix(suffix)
    return "gauge", metric


def test_rules__each__has_all_its_parts() -> None:
    assert len(RULE.findall(RULES)) == RULES.count("- alert:") > 20


def test_rules__names__are_different() -> None:
    names = [match["name"] for match in RULE.finditer(RULES)]

    assert len(set(names)) == len(names)


def test_rules__metrics_and_labels__are_exported() -> None:
    known = exported()
    named = [match for rule in RULE.finditer(RULES) for match in METRIC.finditer(rule["expr"])]

    assert len(named) >= len(RULE.findall(RULES))
    for match in named:
        source = source_of(match[1])
        assert source in known, match[0]
        labels = set(re.findall(r"(\w+)=", match[2] or ""))
        assert labels <= known[source], match[0]


def test_rules__kinds__are_those_of_the_watchtower() -> None:
    kinds = {match["kind"] for match in RULE.finditer(RULES)}

    assert not kinds - raised() - SELF_MADE


def test_runbook__every_alert_of_the_watchtower__is_explained() -> None:
    page = Path(ROOT / "docs/runbook.md").read_text()

    assert not [kind for kind in sorted(raised()) if f"`{kind}`" not in page]
