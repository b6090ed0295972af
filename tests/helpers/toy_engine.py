"""An engine whose world is one hash: for tests of derivation without an EVM."""

from optimistic.protocol.engine import BlockEnv, Lane, Log, Outcome, Skip
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import Deposit, deposit_tx_hash
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32

INVALID_FIRST_BYTE = 0
SYSTEM_FIRST_BYTE = 1


class ToyEngine:
    """Chains every applied byte string into the state root; a leading zero byte is invalid.

    Byte 1 of a transaction is its execution gas in units of 1,000; a leading
    0x01 puts it on the system lane.
    """

    def __init__(self, state_root: Hash32) -> None:
        self._state_root = state_root
        self.blocks: list[BlockEnv] = []

    @property
    def state_root(self) -> Hash32:
        return self._state_root

    def begin_block(self, env: BlockEnv) -> None:
        self.blocks.append(env)

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        lane = Lane.SYSTEM if raw[0] == SYSTEM_FIRST_BYTE else Lane.GENERAL
        execution_gas = 1_000 * (raw[1] if len(raw) > 1 else 0)
        if raw[0] == INVALID_FIRST_BYTE:
            return Skip(reason="leading zero")
        if execution_gas > left[lane]:
            return Skip(reason="over budget")
        return self._apply(keccak256(raw), raw, lane, execution_gas)

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        return self._apply(deposit_tx_hash(index, deposit), b"deposit" + deposit.hash(), Lane.GENERAL, 0)

    def _apply(self, tx_hash: Hash32, content: bytes, lane: Lane, execution_gas: int) -> Outcome:
        self._state_root = keccak256(self._state_root + content)
        log = Log(address=Address(content[:20].ljust(20, b"\0")), topics=(tx_hash,), data=content)
        return Outcome(
            tx_hash=tx_hash,
            sender=ZERO_ADDRESS,
            to=None,
            nonce=0,
            status=1,
            gas_used=21_000 + execution_gas,
            execution_gas=execution_gas,
            lane=lane,
            logs=(log,),
            contract_address=None,
            output=b"",
            effective_gas_price=0,
            state_root=self._state_root,
        )
