"""An L1 transport whose answers a test can replace, delay or refuse."""

from collections.abc import Callable, Sequence
from typing import Any

from optimistic.service.l1_transport import L1Transport

Forward = Callable[[], Any]
Rule = Callable[[Sequence[Any], Forward], Any]


class TamperedTransport:
    """Passes requests on, except for methods with a rule; counts all of them."""

    def __init__(self, inner: L1Transport) -> None:
        self._inner = inner
        self._rules: dict[str, Rule] = {}
        self.requests: list[tuple[str, Sequence[Any]]] = []

    def tamper(self, method: str, rule: Rule) -> None:
        """Let `rule(params, forward)` answer a method; it may call `forward()` for the true answer."""
        self._rules[method] = rule

    def fail(self, method: str, error: Exception) -> None:
        """Let a method raise."""

        def rule(_params: Sequence[Any], _forward: Forward) -> Any:
            raise error

        self.tamper(method, rule)

    def heal(self, method: str | None = None) -> None:
        """Pass a method (or all) on again."""
        if method is None:
            self._rules.clear()
        else:
            self._rules.pop(method, None)

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """Answer one request."""
        self.requests.append((method, params))
        rule = self._rules.get(method)
        if rule is None:
            return self._inner.request(method, params)
        return rule(params, lambda: self._inner.request(method, params))

    def count(self, method: str) -> int:
        """Return how often a method was asked for."""
        return sum(1 for name, _ in self.requests if name == method)
