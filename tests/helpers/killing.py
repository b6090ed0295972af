"""Sudden death at chosen moments: an L1 transport and an engine that raise `Killed`."""

from collections.abc import Sequence
from typing import Any

from optimistic.node.block_builder import NodeEngine
from optimistic.protocol.engine import BlockEnv, Outcome, Skip
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Hash32
from optimistic.service.l1_transport import L1Transport


class Killed(BaseException):
    """The process ends here; nothing that follows runs."""


class Fuse:
    """Burns down with every step taken; raises at its end, once, unless lit again."""

    def __init__(self) -> None:
        self._left: int | None = None

    def light(self, steps: int) -> None:
        """Kill at the step that comes `steps` after the next one."""
        self._left = steps

    def step(self) -> None:
        """Take a step."""
        if self._left is None:
            return
        if self._left == 0:
            self._left = None
            raise Killed
        self._left -= 1


class KillingTransport:
    """An L1 endpoint; the process may die before a request or between it and its answer."""

    def __init__(self, transport: L1Transport, fuse: Fuse) -> None:
        self._transport = transport
        self._fuse = fuse

    def request(self, method: str, params: Sequence[Any]) -> Any:
        self._fuse.step()
        answer = self._transport.request(method, params)
        if method == "eth_sendRawTransaction":
            self._fuse.step()
        return answer


class KillingEngine:
    """The real engine; the process may die before or after anything it does."""

    def __init__(self, engine: NodeEngine, fuse: Fuse) -> None:
        self._engine = engine
        self._fuse = fuse

    @property
    def state_root(self) -> Hash32:
        return self._engine.state_root

    def begin_block(self, env: BlockEnv) -> None:
        self._fuse.step()
        self._engine.begin_block(env)

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        self._fuse.step()
        return self._engine.apply_transaction(raw, left)

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        self._fuse.step()
        return self._engine.apply_deposit(index, deposit)

    def flush(self) -> None:
        self._fuse.step()
        self._engine.flush()
        self._fuse.step()


def killing_builder(fuse: Fuse) -> Any:
    """An engine builder for a node that may die inside its engine."""

    def build(params: RollupParams, nodes: NodeStore, state_root: Hash32) -> NodeEngine:
        return KillingEngine(EvmEngine(params, nodes, state_root), fuse)

    return build
