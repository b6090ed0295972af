from collections.abc import Sequence
from typing import Any

import pytest

from optimistic.service.clock import FakeClock
from optimistic.service.l1_errors import JsonRpcError, L1Unavailable
from optimistic.service.l1_transport import RetryingTransport

BUSY = L1Unavailable("timed out")
INTERNAL = JsonRpcError(-32_000, "internal error")
REVERT = JsonRpcError(3, "execution reverted", "0x")


class Flaky:
    """Answers with what it is given, errors included; then with 7."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.count = 0

    def request(self, method: str, params: Sequence[Any]) -> Any:
        self.count += 1
        if self.answers:
            raise self.answers.pop(0)
        return 7


@pytest.mark.parametrize("errors", [[], [BUSY], [BUSY, INTERNAL], [INTERNAL, INTERNAL]])
def test_retrying__read_fails_twice_at_most__answers(errors: list[Exception]) -> None:
    flaky = Flaky(*errors)

    assert RetryingTransport(flaky, FakeClock()).request("eth_call", ()) == 7
    assert flaky.count == len(errors) + 1


def test_retrying__read_fails_three_times__fails() -> None:
    flaky = Flaky(BUSY, BUSY, INTERNAL)

    with pytest.raises(JsonRpcError):
        RetryingTransport(flaky, FakeClock()).request("eth_getBalance", ())


def test_retrying__revert__is_an_answer() -> None:
    flaky = Flaky(REVERT)

    with pytest.raises(JsonRpcError):
        RetryingTransport(flaky, FakeClock()).request("eth_call", ())
    assert flaky.count == 1


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "eth_getLogs"])
def test_retrying__sending_and_logs__are_asked_once(method: str) -> None:
    flaky = Flaky(BUSY)

    with pytest.raises(L1Unavailable):
        RetryingTransport(flaky, FakeClock()).request(method, ())
    assert flaky.count == 1
