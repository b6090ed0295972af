"""A small world for the watchtower: an L1 in this process, a sequencer, users, honest and lying asserters."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from challenger.config import ChallengerConfig, Mode
from challenger.watchtower import Watchtower, Wiring
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.commitment import CommitmentTree, UnitTree, assertion_id, leaf, merkle_root
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.derivation import BatchReplay, RollupState
from optimistic.protocol.engine import BlockEnv, Outcome, Skip
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.clock import FakeClock
from optimistic.service.contract import explain_revert
from optimistic.service.contracts import (
    AssertionChain,
    AssertionState,
    Bridge,
    Budgets,
    DisputeGame,
    Inbox,
    TreeNode,
    TreePathStep,
)
from optimistic.service.deployer import Roles, deploy
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_events import BatchAppended, DepositEnqueued, L1Event
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.settlement_section import SettlementRoles
from optimistic.service.signer import Signer
from optimistic.service.tx_types import TxNotAccepted
from tests.helpers.memory_nodes import MemoryNodes

ETHER = 10**18
_RECEIPT_LOOKS = 1_000
"""A chain that mines with each transaction may still need a moment to show it."""
BUDGETS = Budgets(general=5_000_000, system=1_000_000)
Tamper = Callable[[int, Outcome], Outcome]
"""(position among the executed transactions of a batch, right outcome) -> outcome to tell."""


class L1Account:
    """Signs and sends, one transaction per block; a revert raises."""

    def __init__(self, client: L1Client, key: bytes) -> None:
        self.client = client
        self.signer = Signer(key)
        self.address = self.signer.address

    def send(self, call: Call) -> Receipt:
        message = Call(to=call.to, data=call.data, value_wei=call.value_wei, sender=self.address)
        try:
            gas = self.client.estimate_gas(message)
        except ContractReverted as error:
            raise explain_revert(error) from error
        raw, tx_hash = self.signer.sign_transaction(
            {
                "type": 2,
                "chainId": self.client.chain_id,
                "nonce": self.client.nonce(self.address, "latest"),
                "gas": gas + gas // 4,
                "maxFeePerGas": 100 * 10**9,
                "maxPriorityFeePerGas": 10**9,
                "to": call.to,
                "value": call.value_wei,
                "data": call.data,
            }
        )
        assert self.client.send_raw(raw).status is SendStatus.ACCEPTED
        receipts = (self.client.receipt(tx_hash) for _ in range(_RECEIPT_LOOKS))
        receipt = next(found for found in receipts if found is not None)
        assert receipt.succeeded, receipt
        return receipt


class LyingEngine:
    """The real engine, but for what it says about some transactions."""

    def __init__(self, engine: EvmEngine, tamper: Tamper) -> None:
        self._engine = engine
        self._tamper = tamper
        self._count = 0

    @property
    def state_root(self) -> Hash32:
        return self._engine.state_root

    def begin_block(self, env: BlockEnv) -> None:
        self._engine.begin_block(env)

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        outcome = self._engine.apply_transaction(raw, left)
        return outcome if isinstance(outcome, Skip) else self._said(outcome)

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        return self._said(self._engine.apply_deposit(index, deposit))

    def _said(self, outcome: Outcome) -> Outcome:
        self._count += 1
        return self._tamper(self._count - 1, outcome)


def wrong_gas(position: int, more: int = 1) -> Tamper:
    """Tell of `more` gas for what runs at `position` of every batch."""
    return lambda at, outcome: (
        replace(outcome, gas_used=outcome.gas_used + more) if at == position else outcome
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What an asserter posted."""

    id: Hash32
    tree: UnitTree
    leaves: tuple[tuple[Hash32, ...], ...]


class Stage:
    """The world; time passes only when told to.

    Parameters
    ----------
    l1 : another chain that can be driven like an `EmbeddedL1`
    """

    def __init__(self, folder: Path, params: RollupParams = DEVNET, l1: Any = None) -> None:
        self.folder = folder
        self.params = params
        self.clock = FakeClock()
        self.l1 = EmbeddedL1(clock=self.clock, chain_id=params.l1_chain_id) if l1 is None else l1
        self.client = self.l1.client()
        self.deployer, self.sequencer, self.alice, self.eve, self.bob, self.watcher = (
            L1Account(self.client, key) for key in self.l1.keys[:6]
        )
        roles = Roles(
            sequencer=self.sequencer.address,
            governance=self.deployer.address,
            guardian=self.deployer.address,
            fee_recipient=self.deployer.address,
        )
        self.deployment = deploy(
            self.client, self.deployer.signer, params, roles, self.clock, settlement=self.settlement_roles()
        )
        self.deployment_file = folder / "deployment.json"
        self.deployment.save(self.deployment_file)
        at = self.deployment.contracts
        self.inbox = Inbox(self.client, at.inbox)
        self.chain = AssertionChain(self.client, at.assertion_chain)
        self.game = DisputeGame(self.client, at.dispute_game)
        self.bridge = Bridge(self.client, at.bridge)
        self.genesis_id = self.deployment.genesis.assertion_id
        self._towers: list[Watchtower] = []

    def settlement_roles(self) -> SettlementRoles | None:
        """The cash token and who governs risk; here there is none."""
        return None

    # ------------------------------------------------------------------------------ actors

    def deposit(self, to: Address, amount: int = ETHER) -> None:
        self.alice.send(self.bridge.deposit_call(to=to, value=amount, gas_limit=100_000))

    def append(self, *transactions: bytes, data: bytes | None = None, deposits: int | None = None) -> int:
        """Append a batch of one block with these transactions, or of raw data; take all deposits."""
        self.l1.advance_time(self.params.min_batch_interval_s + 1)
        count = self.inbox.batch_count(at="latest")
        end = self.inbox.deposit_count(at="latest") if deposits is None else deposits
        n_deposits = end - self.inbox.consumed_deposits(at="latest")
        if data is None:
            block = BlockInput(timestamp=self.l1.time_s(), n_deposits=n_deposits, transactions=transactions)
            data = encode_batch([block])
        prev = self.inbox.acc(count - 1, at="latest") if count else ZERO_HASH
        self.sequencer.send(
            self.inbox.append_batch_call(
                index=count, prev_acc=prev, data=data, deposit_end=end, budgets=BUDGETS
            )
        )
        return count

    def leaves(
        self, to_batch: int, tamper: Tamper | None = None, lie_from: int = 0
    ) -> list[tuple[Hash32, ...]]:
        """Unit leaves of batches [0, to_batch), told with lies from batch `lie_from` on."""
        genesis = self.deployment.build_genesis()
        nodes, state = MemoryNodes(genesis.nodes), genesis.state
        found: list[tuple[Hash32, ...]] = []
        deposits = [e.deposit for e in self.events() if isinstance(e, DepositEnqueued)]
        for event in self.events():
            if isinstance(event, BatchAppended) and event.index < to_batch:
                taken = deposits[event.record.deposit_start : event.record.deposit_end]
                lie = tamper if event.index >= lie_from else None
                leaves, state = self._replay(state, event, taken, nodes, lie)
                found.append(leaves)
        return found

    def _replay(
        self,
        state: RollupState,
        event: BatchAppended,
        deposits: Sequence[Deposit],
        nodes: MemoryNodes,
        tamper: Tamper | None,
    ) -> tuple[tuple[Hash32, ...], RollupState]:
        real = EvmEngine(self.params, nodes, state.unit.state_root)
        engine: Any = real if tamper is None else LyingEngine(real, tamper)
        replay = BatchReplay(self.params, state, event.record, event.data, deposits, engine)
        leaves = tuple(unit.leaf for unit in replay)
        real.flush()
        return leaves, replay.state

    def events(self) -> list[L1Event]:
        wanted = self.inbox.log_filter()
        logs = self.client.logs(wanted, 0, self.client.head().number)
        return [event for log in logs if (event := decode_event(log)) is not None]

    def post(
        self,
        who: L1Account,
        to_batch: int,
        *,
        parent: Hash32 | None = None,
        tamper: Tamper | None = None,
        lie_from: int = 0,
    ) -> Posted:
        """Assert batches up to `to_batch` as a child of `parent` (genesis by default)."""
        above = self.genesis_id if parent is None else parent
        from_batch = self.state(above).to
        leaves = self.leaves(to_batch, tamper, max(lie_from, from_batch))[from_batch:]
        return self.post_leaves(who, to_batch, leaves, above)

    def post_leaves(
        self, who: L1Account, to_batch: int, leaves: list[tuple[Hash32, ...]], above: Hash32
    ) -> Posted:
        """Assert any leaves of batches up to `to_batch` as a child of `above`."""
        tree = UnitTree(self.params.log_arity, leaves)
        has_stake = self.chain.stake_of(who.address, at="latest").amount_wei
        acc = self.inbox.acc(to_batch - 1, at="latest")
        roots = (tree.unit_root, tree.end_leaf, tree.children_root())
        who.send(
            self.chain.assert_call(
                parent=above,
                to_batch=to_batch,
                expected_acc=acc,
                roots=roots,
                stake_wei=0 if has_stake else self.params.stake_wei,
            )
        )
        posted = assertion_id(above, acc, tree.unit_root, tree.end_leaf)
        return Posted(id=posted, tree=tree, leaves=tuple(leaves))

    def publish(self, who: L1Account, posted: Posted) -> None:
        """Publish batch ends, then every batch's unit leaves, as an open asserter does."""
        arity, tree = self.params.log_arity, posted.tree
        for offset, leaves in enumerate(posted.leaves):
            level = 0
            while 1 << arity * level < len(leaves):
                level += 1
            path = tree.prove(level, (offset << UNIT_BITS) >> arity * level)
            nodes = [TreeNode(end_state=state, children_root=ZERO_HASH) for state in leaves]
            self._publish(who, posted.id, 0, offset << UNIT_BITS, (nodes, path))
        self._publish_tops(who, posted)

    def _publish_tops(self, who: L1Account, posted: Posted) -> None:
        arity, tree = self.params.log_arity, posted.tree
        height = UNIT_BITS // arity
        nodes = []
        behind = (posted.leaves[-1][-1],)  # what stands behind the last batch
        for leaves in (*posted.leaves, behind):
            batch = CommitmentTree(arity, height, [leaf(s) for s in leaves], leaf(leaves[-1]))
            children_root = merkle_root([child.hash for child in batch.children(height, 0)])
            nodes.append(TreeNode(end_state=batch.root.end_state, children_root=children_root))
        level = 0
        while 1 << arity * level < len(nodes):
            level += 1
        self._publish(who, posted.id, height, 0, (nodes, tree.prove(height + level, 0)))

    def _publish(
        self, who: L1Account, id_: Hash32, level: int, first: int, what: tuple[list[TreeNode], Any]
    ) -> None:
        path = [TreePathStep(end_state=step.end_state, siblings=step.siblings) for step in what[1]]
        who.send(self.chain.publish_unit_leaves_call(id_, level, first, what[0], path))

    def state(self, id_: Hash32) -> AssertionState:
        return self.chain.assertion(id_, at="latest")

    # ------------------------------------------------------------------------------ the watchtower

    def tower(self, name: str = "tower", **options: Any) -> Watchtower:
        """Open a watchtower with a folder of its own; it is closed with the stage."""
        wiring = options.pop("wiring", None) or self.wiring()
        account = options.pop("who", self.watcher)
        config = ChallengerConfig(
            l1_rpc_url="embedded",
            deployment=self.deployment_file,
            data_dir=self.folder / name,
            has_key=True,
            l1_confirmations=options.pop("l1_confirmations", 0),
            **{"mode": Mode.ACT, "trace_workers": 0, **options},
        )
        tower = Watchtower(config, wiring, account.signer)
        self._towers.append(tower)
        return tower

    def wiring(self) -> Wiring:
        return Wiring(connect=lambda *_: self.l1.client(), clock=self.clock)

    def run(self, tower: Watchtower, rounds: int = 4) -> None:
        """Let a watchtower look and act until nothing changes."""
        for _ in range(rounds):
            tower.catch_up()
            if tower.manager is not None:
                with suppress(TxNotAccepted):  # the next step goes on
                    while tower.manager.step():
                        pass

    def close_tower(self, tower: Watchtower) -> None:
        tower.close()
        self._towers.remove(tower)

    def close(self) -> None:
        for tower in self._towers:
            tower.close()
        self._towers.clear()
