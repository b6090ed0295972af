import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.node.rpc.errors import RpcError, execution_reverted, revert_reason
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import Cost, executing, light, reading
from optimistic.protocol.errors import CriticalError, InvalidInput
from tests.helpers.rpc_messages import answer_to


def raising(error: Exception) -> Any:
    def method(params: Params) -> object:
        raise error

    return method


def echo(params: Params) -> object:
    return params.required(0, lambda value: value)


METHODS = {
    "echo": light(echo),
    "slow": reading(echo),
    "run": executing(echo),
    "refuse": light(raising(InvalidInput("not like this"))),
    "revert": light(raising(execution_reverted(b""))),
    "bug": light(raising(KeyError("x"))),
    "critical": light(raising(CriticalError("secret path"))),
}
LIMITS = RpcLimits(max_batch_items=4, max_batch_response_bytes=150)


def ask(body: bytes | str | object) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = answer_to(Dispatcher(METHODS, LIMITS), raw)
    return json.loads(answer) if answer else None


def request(method: str, *params: object, **fields: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params), **fields}


def test_dispatch__request__result_with_id() -> None:
    assert ask(request("echo", "hi", id="a")) == {"jsonrpc": "2.0", "id": "a", "result": "hi"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[1,", b'"\xed\xa0\x80"', b"[" * 100_000, b"{} {}", b"NaN"]
)
def test_dispatch__not_json__parse_error(body: bytes) -> None:
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 50_000))  # as high as the EVM needs it

    answer = ask(body)

    assert answer["error"]["code"] == -32700
    assert answer["id"] is None


def test_dispatch__brackets_in_strings__no_matter() -> None:
    text = "[{" * 1_000

    assert ask(request("echo", text))["result"] == text
    assert ask(request("echo", '\\"' + "]" * 500, json.loads("[" * 60 + "]" * 60)))["result"]
    hidden = b'{"jsonrpc":"2.0","id":1,"method":"echo","params":["' + b"]" * 5_000 + b'",' + b"[" * 5_000
    assert ask(hidden)["error"]["message"] == "parse error: nested too deeply"


@pytest.mark.parametrize(
    "value",
    [
        1,
        "x",
        None,
        {},
        {"jsonrpc": "1.0", "id": 1, "method": "echo"},
        {"id": 1, "method": "echo"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": [], "method": "echo"},
        {"jsonrpc": "2.0", "id": {}, "method": "echo"},
    ],
)
def test_dispatch__not_a_request__invalid_request(value: object) -> None:
    assert ask(value)["error"]["code"] == -32600


def test_dispatch__named_params__invalid_params() -> None:
    answer = ask({"jsonrpc": "2.0", "id": 7, "method": "echo", "params": {"a": 1}})

    assert answer["id"] == 7
    assert answer["error"] == {"code": -32602, "message": "non-array args"}


def test_dispatch__unknown_method__not_found() -> None:
    error = ask(request("eth_mine"))["error"]

    assert error == {"code": -32601, "message": "the method eth_mine does not exist/is not available"}


def test_dispatch__subscribe_over_http__not_supported() -> None:
    error = ask(request("eth_subscribe", "newHeads"))["error"]

    assert error == {"code": -32601, "message": "notifications not supported"}


def test_dispatch__missing_argument__invalid_params() -> None:
    error = ask(request("echo"))["error"]

    assert error == {"code": -32602, "message": "missing value for required argument 0"}


def test_dispatch__invalid_input__server_error_with_text() -> None:
    assert ask(request("refuse"))["error"] == {"code": -32000, "message": "not like this"}


@pytest.mark.parametrize("method", ["bug", "critical"])
def test_dispatch__failure_inside__internal_error_without_details(method: str) -> None:
    assert ask(request(method))["error"] == {"code": -32603, "message": "internal error"}


def test_dispatch__notification__no_answer() -> None:
    assert ask({"jsonrpc": "2.0", "method": "echo", "params": ["x"]}) is None
    assert ask([{"jsonrpc": "2.0", "method": "bug"}]) is None


def test_dispatch__batch__answers_in_order() -> None:
    answers = ask(
        [request("echo", "a", id=1), 5, request("nope", id=2), {"jsonrpc": "2.0", "method": "echo"}]
    )

    assert [answer["id"] for answer in answers] == [1, None, 2]
    assert answers[0]["result"] == "a"
    assert answers[1]["error"]["code"] == -32600
    assert answers[2]["error"]["code"] == -32601


def test_dispatch__empty_or_oversized_batch__refused_whole() -> None:
    assert ask([])["error"] == {"code": -32600, "message": "empty batch"}
    assert ask([request("echo", "a")] * 5)["error"] == {"code": -32600, "message": "batch too large"}


def test_dispatch__batch_answers_beyond_limit__rest_refused() -> None:
    answers = ask([request("echo", "a" * 200, id=1), request("echo", "b", id=2)])

    assert answers[0]["result"] == "a" * 200
    assert answers[1]["error"]["code"] == -32003


def test_dispatch__batch_takes_too_long__rest_not_run() -> None:
    ticks = iter((0.0, 1.0, 31.0))
    body = json.dumps([request("echo", "a"), request("bug")]).encode()

    answers = json.loads(answer_to(Dispatcher(METHODS, LIMITS, lambda: next(ticks)), body))

    assert answers[0]["result"] == "a"
    assert answers[1]["error"] == {"code": -32002, "message": "request timed out"}


def test_cost__batch__that_of_its_dearest_call() -> None:
    dispatcher = Dispatcher(METHODS, LIMITS)

    def cost(value: object) -> Cost:
        return dispatcher.cost(dispatcher.parse(json.dumps(value).encode()))

    assert cost(request("echo", 1)) is cost(request("unknown")) is cost(5) is Cost.LIGHT
    assert cost([request("echo", 1), request("slow", 1)]) is Cost.READ
    assert cost([request("slow", 1), request("run", 1), request("echo", 1)]) is Cost.EXECUTE


@given(st.binary(max_size=200))
def test_dispatch__arbitrary_bytes__always_a_response(body: bytes) -> None:
    answer = answer_to(Dispatcher(METHODS, LIMITS), body)

    assert answer == b"" or json.loads(answer)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params"]), inner)
    ),
    max_leaves=12,
)


@given(json_values)
def test_dispatch__arbitrary_json__always_a_response(value: object) -> None:
    answer = answer_to(Dispatcher(METHODS, LIMITS), json.dumps(value).encode())

    assert answer == b"" or json.loads(answer)


def test_revert_reason__error_string__text() -> None:
    output = (
        bytes.fromhex("08c379a0")
        + (32).to_bytes(32, "big")
        + (3).to_bytes(32, "big")
        + b"why".ljust(32, b"\0")
    )

    assert revert_reason(output) == "why"
    error = execution_reverted(output)
    assert (error.code, error.message, error.data) == (3, "execution reverted: why", "0x" + output.hex())


def test_revert_reason__panic__meaning() -> None:
    assert (
        revert_reason(bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"))
        == "arithmetic underflow or overflow"
    )
    assert revert_reason(bytes.fromhex("4e487b71") + (0x99).to_bytes(32, "big")) == "unknown panic code: 0x99"


@pytest.mark.parametrize(
    "output", [b"", b"\x08\xc3\x79\xa0", bytes.fromhex("08c379a0") + b"\xff" * 64, b"\x01\x02\x03\x04"]
)
def test_revert_reason__anything_else__none(output: bytes) -> None:
    assert revert_reason(output) is None
    assert execution_reverted(output).message == "execution reverted"


def test_rpc_error__without_data__no_data_field() -> None:
    assert RpcError(-1, "m").to_json() == {"code": -1, "message": "m"}
