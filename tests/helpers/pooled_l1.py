"""An in-process L1 with a transaction pool that holds, replaces and loses transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rlp

from optimistic.protocol.hashing import keccak256
from optimistic.service.clock import FakeClock
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import JsonRpcError
from tests.helpers.tampered_l1 import Forward, TamperedTransport


@dataclass(frozen=True)
class Pooled:
    """A transaction in the pool (type 2 only)."""

    raw: bytes
    hash: bytes
    nonce: int
    tip_wei: int
    max_fee_wei: int

    @classmethod
    def read(cls, raw: bytes) -> "Pooled":
        fields = rlp.decode(raw[1:])
        nonce, tip, max_fee = (int.from_bytes(fields[place], "big") for place in (1, 2, 3))
        return cls(raw=raw, hash=keccak256(raw), nonce=nonce, tip_wei=tip, max_fee_wei=max_fee)


class PooledL1:
    """The chain, its pool for one sender, and a client; blocks are made by `mine`."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock if clock is not None else FakeClock()
        self.chain = EmbeddedL1(clock=self.clock, auto_mine=False)
        self.transport = TamperedTransport(self.chain)
        self.client = L1Client(self.transport)
        self.pool: dict[int, Pooled] = {}
        self.sent: list[Pooled] = []
        self.transport.tamper("eth_sendRawTransaction", self._send)
        self.transport.tamper("eth_getTransactionByHash", self._find)

    def mine(self, blocks: int = 1) -> None:
        """Put everything in the pool into a block, then make empty ones."""
        for nonce in sorted(self.pool):
            try:
                self.chain.request("eth_sendRawTransaction", ["0x" + self.pool[nonce].raw.hex()])
            except JsonRpcError:
                continue  # a gap before it, or its nonce is used: a real pool holds or drops it, too
        self.pool.clear()
        self.chain.mine(blocks)

    def lose_pool(self) -> None:
        """Forget all pooled transactions, as a restarted endpoint does."""
        self.pool.clear()

    def _send(self, params: Sequence[Any], _forward: Forward) -> Any:
        offered = Pooled.read(bytes.fromhex(params[0][2:]))
        if self.chain.request("eth_getTransactionByHash", ["0x" + offered.hash.hex()]) is not None:
            raise JsonRpcError(-32_000, "already known")
        held = self.pool.get(offered.nonce)
        if held is not None:
            if held.hash == offered.hash:
                raise JsonRpcError(-32_000, "already known")
            floor = (held.tip_wei * 110 // 100, held.max_fee_wei * 110 // 100)
            if offered.tip_wei < floor[0] or offered.max_fee_wei < floor[1]:
                raise JsonRpcError(-32_000, "replacement transaction underpriced")
        self.pool[offered.nonce] = offered
        self.sent.append(offered)
        return "0x" + offered.hash.hex()

    def _find(self, params: Sequence[Any], forward: Forward) -> Any:
        for pooled in self.pool.values():
            if "0x" + pooled.hash.hex() == params[0]:
                return {
                    "hash": params[0],
                    "from": "0x" + "00" * 20,
                    "nonce": hex(pooled.nonce),
                    "to": None,
                    "value": "0x0",
                    "input": "0x",
                }
        return forward()
