"""An engine that lies about one transaction: passed to a real node as its engine builder.

::

    lie = Lie(LieKind.BALANCE_CREDIT)
    node = Node(deployment, config, Surroundings(client=client, signers=keys, build_engine=lie.build_engine))
    lie.tell_about(tx_hash)

Everything else of the node is real: it sequences, posts and asserts what the
faulty engine says.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from optimistic.protocol.engine import BlockEnv, Log, Outcome, Skip
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.transactions import decode_transaction
from optimistic.protocol.types import Hash32

CREDIT_WEI = 10**18


class LieKind(StrEnum):
    """What the engine says wrongly about a transaction."""

    BALANCE_CREDIT = "balance-credit"
    """Its sender is one ether richer afterwards."""
    WRONG_GAS = "wrong-gas"
    """It used one more gas than it did."""
    WRONG_LOG = "wrong-log"
    """It emitted an event that it did not emit."""
    DROPPED_TRANSFER = "dropped-transfer"
    """Its value stays with the sender although it succeeded."""
    WRONG_STATUS = "wrong-status"
    """It failed although it succeeded, or the other way round."""


@dataclass(slots=True)
class Lie:
    """Which lie, and about which transaction; shared by every engine of a node."""

    kind: LieKind
    tx_hash: Hash32 | None = None

    def tell_about(self, tx_hash: Hash32) -> None:
        """Choose the transaction, before the node executes it."""
        self.tx_hash = tx_hash

    def build_engine(self, params: RollupParams, nodes: NodeStore, state_root: Hash32) -> "FaultyEngine":
        """Build an engine that tells this lie."""
        return FaultyEngine(EvmEngine(params, nodes, state_root), self)


class FaultyEngine:
    """The real engine but for one transaction."""

    def __init__(self, engine: EvmEngine, lie: Lie) -> None:
        self._engine = engine
        self._lie = lie

    @property
    def state_root(self) -> Hash32:
        """World state root after the last unit, lies included."""
        return self._engine.state_root

    def flush(self) -> None:
        """Write new trie nodes."""
        self._engine.flush()

    def begin_block(self, env: BlockEnv) -> None:
        """Set what block opcodes see."""
        self._engine.begin_block(env)

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        """Execute a deposit, and lie if it is the chosen one."""
        return self._say(self._engine.apply_deposit(index, deposit), deposit.value)

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        """Execute a transaction, and lie if it is the chosen one."""
        outcome = self._engine.apply_transaction(raw, left)
        if isinstance(outcome, Skip) or outcome.tx_hash != self._lie.tx_hash:
            return outcome
        return self._say(outcome, decode_transaction(raw).value)

    def _say(self, outcome: Outcome, value: int) -> Outcome:
        if outcome.tx_hash != self._lie.tx_hash:
            return outcome
        match self._lie.kind:
            case LieKind.WRONG_GAS:
                return replace(outcome, gas_used=outcome.gas_used + 1)
            case LieKind.WRONG_STATUS:
                return replace(outcome, status=1 - outcome.status)
            case LieKind.WRONG_LOG:
                invented = Log(address=outcome.sender, topics=(keccak256(b"Invented()"),), data=b"")
                return replace(outcome, logs=(*outcome.logs, invented))
            case LieKind.BALANCE_CREDIT:
                return self._move(outcome, {outcome.sender: CREDIT_WEI})
            case LieKind.DROPPED_TRANSFER:
                receiver = outcome.to or outcome.contract_address or outcome.sender
                return self._move(outcome, {outcome.sender: value, receiver: -value})

    def _move(self, outcome: Outcome, changes: dict[bytes, int]) -> Outcome:
        """Change balances behind the EVM's back."""
        state = self._engine._state
        for address, delta in changes.items():
            state.delta_balance(address, delta)
        return replace(outcome, state_root=state.finish_transaction())
