import re
from collections.abc import Iterator
from typing import Any

import pytest

from optimistic.node.api.errors import Code, kinds
from optimistic.node.api.openapi import openapi
from optimistic.node.api.routes import ROUTES
from tests.architecture.source_tree import ROOT

DOCUMENT = openapi()
PAGE = (ROOT / "docs/spec/14-exchange-api.md").read_text()


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_document__each_reference__leads_to_a_schema() -> None:
    found = set(references(DOCUMENT))

    assert found
    for reference in found:
        folder, _, name = reference.removeprefix("#/").rpartition("/")
        assert folder == "components/schemas"
        assert name in DOCUMENT["components"]["schemas"]


def test_document__operations__have_ids_of_their_own_and_all_failures() -> None:
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]

    assert len(set(names)) == len(names) == len(ROUTES)
    statuses = {str(status) for status in kinds().values()} | {"200"}
    for operation in operations:
        assert set(operation["responses"]) == statuses
        assert operation["summary"]


def test_document__parameters_of_a_path__are_declared_and_required() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            declared = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))
            assert all(item["required"] for item in operation["parameters"] if item["in"] == "path")


def test_document__each_schema__says_what_it_is_for() -> None:
    schemas = DOCUMENT["components"]["schemas"]

    assert not [name for name, schema in schemas.items() if not schema.get("description")]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_page__each_route__is_listed(route: Any) -> None:
    assert f"`{route.method} {route.path}`" in PAGE


@pytest.mark.parametrize("code", Code)
def test_page__each_code__is_listed(code: Code) -> None:
    assert f"| `{code}` | {kinds()[code]} |" in PAGE


@pytest.mark.parametrize("name", [name for name in DOCUMENT["components"]["schemas"] if name.endswith("Op")])
def test_page__each_operation__is_listed(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]["properties"]["op"]
    op = schema.get("const") or schema["enum"][0]
    assert f"`{op}`" in PAGE
