import httpx
import pytest

from optimistic.client.errors import Unreachable
from optimistic.client.rest import RestClient


def refuse(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


@pytest.mark.parametrize(
    "answer", [refuse, lambda _: httpx.Response(502, json={}), lambda _: httpx.Response(200)]
)
def test_request__no_answer_of_an_exchange__names_the_whole_address(answer: object) -> None:
    transport = httpx.MockTransport(answer)  # type: ignore[arg-type] # any of the three
    client = RestClient("", httpx.Client(base_url="http://exchange:9550/behind/", transport=transport))

    with pytest.raises(Unreachable, match="GET http://exchange:9550/behind/v1/time: "):
        client.time_ms()
