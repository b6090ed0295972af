"""The sequencing half of a node under any order of events: what was accepted is never lost or doubled."""

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from optimistic.node.pool_errors import PoolRejection
from optimistic.node.replay import Diverged, repeat_batch
from optimistic.node.sequencer import SequencerOptions
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32
from tests.helpers.l2_wallet import Wallet
from tests.helpers.offline_node import OfflineNode, fund_deposit

BOB = Address(b"\xb0" * 20)
USERS = 3


class NodeMachine(RuleBasedStateMachine):
    """Users send, batches come back equal or clamped, L1 reorganises, the node restarts."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.options = SequencerOptions(max_unposted_bytes=1 << 30)
        self.node = OfflineNode(self.folder, options=self.options)
        self.users = [Wallet(number) for number in range(1, USERS + 1)]
        self.node.fund(*(user.address for user in self.users))
        self.accepted: dict[Hash32, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "node"):
            self.node.close()
            shutil.rmtree(self.folder)

    @rule(user=st.integers(0, USERS - 1), value=st.integers(1, 9), ahead=st.integers(0, 1))
    def send(self, user: int, value: int, ahead: int) -> None:
        wallet = self.users[user]
        nonce = self.node.gateway.next_nonce(wallet.address) + ahead
        raw = wallet.transfer(BOB, value, nonce=nonce)
        try:
            self.node.gateway.submit(raw)
        except PoolRejection:
            return
        self.accepted[keccak256(raw)] = value

    @rule(seconds=st.integers(1, 20))
    def produce(self, seconds: int) -> None:
        self.node.clock.advance(seconds)
        self.node.sequencer.produce()

    @rule()
    def deposit(self) -> None:
        self.node.see_l1(fund_deposit(BOB, 1_000))

    @precondition(lambda self: self.node.store.unposted().n_blocks > 0)
    @rule(share=st.integers(1, 4), late_s=st.sampled_from([0, 0, 5, 2_000]))
    def batch(self, share: int, late_s: int) -> None:
        heads = self.node.store.heads()
        first = heads.safe.number + 1
        last = first + (heads.unsafe.number - first) // share
        at = self.node.clock.time_s() + late_s
        batch = self.node.batch_of(first, last, l1_timestamp=at)
        try:
            self.node.adopt(batch, repeat_batch(batch, self.node.store.executed_blocks(first, last)), None)
        except Diverged:
            self.node.adopt(batch, *self.node.execute(batch))

    @rule(depth=st.integers(1, 3))
    def l1_reorg(self, depth: int) -> None:
        batches = self.node.store.batch_count()
        self.node.chain.rewind_l1(max(50, 100 + batches - depth - 1))

    @rule()
    def restart(self) -> None:
        nodes = self.node.nodes
        clock = self.node.clock
        self.node.close()
        self.node = OfflineNode(self.folder, nodes=nodes, options=self.options)
        self.node.clock.advance(max(0, clock.time_s() - self.node.clock.time_s()))

    @invariant()
    def accepted_transactions_are_somewhere_once(self) -> None:
        if not hasattr(self, "node"):
            return
        requeued = {tx_hash for tx_hash, _ in self.node.store.requeued()}
        for tx_hash in self.accepted:
            executed = self.node.store.transaction_by_hash(tx_hash) is not None
            waiting = self.node.gateway.get(tx_hash) is not None or tx_hash in requeued
            assert executed or waiting

    @invariant()
    def balances_are_what_executed_transfers_say(self) -> None:
        if not hasattr(self, "node"):
            return
        store = self.node.store
        executed = sum(
            value
            for tx_hash, value in self.accepted.items()
            if store.transaction_by_hash(tx_hash) is not None
        )
        deposits = sum(
            1_000
            for index in range(self.node.chain.head.deposit_cursor)
            if (deposit := store.deposit(index)) is not None and deposit.to == BOB
        )
        assert self.node.balance(BOB) == executed + deposits

    @invariant()
    def heads_are_ordered_and_linked(self) -> None:
        if not hasattr(self, "node"):
            return
        heads = self.node.store.heads()
        assert heads.finalized.number <= heads.safe.number <= heads.unsafe.number
        blocks = self.node.store.blocks(0, heads.unsafe.number)
        assert all(child.parent_hash == parent.hash for parent, child in pairwise(blocks))
        assert self.node.chain.head == heads.unsafe


TestNodeMachine = NodeMachine.TestCase
TestNodeMachine.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
