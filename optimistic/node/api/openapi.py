"""The OpenAPI document, made from the routes and the types that serve them."""

from functools import cache
from typing import Any, Final, get_args

import msgspec

from optimistic.node.api.errors import Code, kinds
from optimistic.node.api.operations import Operation, Reply
from optimistic.node.api.own_events import AccountOut
from optimistic.node.api.replies import BookChangeOut, BookOut, FailureOut, PricesOut, TradesOut
from optimistic.node.api.routes import ROUTES, Nothing, Route

VERSION: Final = "1"
_REF: Final = "#/components/schemas/{name}"
_STREAMED: Final = (
    *get_args(Operation),
    *get_args(Reply),
    AccountOut,
    BookOut,
    BookChangeOut,
    TradesOut,
    PricesOut,
)


@cache
def document() -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(openapi())


def openapi() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    types: list[Any] = [route.reply for route in ROUTES]
    types += [route.body for route in ROUTES if route.body is not None]
    types += [FailureOut, *_STREAMED]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Exchange", "version": VERSION, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


_DESCRIPTION: Final = (
    "Orders are signed (EIP-712 of Clearing), so whoever brings one needs no login. Streams and the frames "
    "of many orders go over the WebSocket at /v1/stream; its messages are the schemas ending in Op, Reply "
    "and the channels' messages. Amounts in WAD are decimal strings."
)


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": {"200": _content(route.reply.__name__, "The answer"), **_failures()},
    }
    if route.body is not None:
        found["requestBody"] = {"required": True, **_json(route.body.__name__)}
    if route.needs_login:
        found["security"] = [{"session": []}]
    return found


def _operation_id(route: Route) -> str:
    words = [word.strip("{}") for word in route.path.removeprefix("/v1/").replace("-", "/").split("/")]
    return route.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)


def _parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is Nothing:
        return []
    schema = msgspec.json.schema(route.query)["$defs"][route.query.__name__]
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "path" if f"{{{name}}}" in route.path else "query",
            "required": name in required,
            "schema": kind,
        }
        for name, kind in schema["properties"].items()
    ]


def _failures() -> dict[str, Any]:
    by_status: dict[int, list[Code]] = {}
    for code, status in kinds().items():
        by_status.setdefault(status, []).append(code)
    return {
        str(status): _content(FailureOut.__name__, "Refused: " + ", ".join(codes))
        for status, codes in sorted(by_status.items())
    }


def _content(name: str, description: str) -> dict[str, Any]:
    return {"description": description, **_json(name)}


def _json(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}}
