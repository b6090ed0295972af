"""The second act: the aggregator lies, the watchtower answers, one step on L1 decides."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from challenger.model import Assertion, Judgement
from challenger.watchtower import Wiring
from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.withdrawals import Message, message_key, prove_withdrawal
from scripts.staging.chronicle import Chronicle
from scripts.staging.faults import FaultPlan, Lie
from scripts.staging.insider import Insider
from scripts.staging.liar import Liar, WrongDraft
from scripts.staging.lies import Fault
from scripts.staging.onlooker import Onlooker
from scripts.staging.world import SEQUENCER_KEY, USER_KEY, WATCHTOWER_KEY, World

Say = Callable[[str], None]

CALLS: Final = 12
LOOP_RUNTIME: Final = bytes.fromhex("60c85b6001900380600257" + "00")
"""Counts down from 200: some 1,400 steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the second act ended."""

    l2_txs: int
    unit: int | None
    withdrawn_wei: int
    dispute: dict[str, Any]

    @property
    def is_good(self) -> bool:
        """Whether the right assertion survived and paid."""
        return self.unit is not None and self.withdrawn_wei > 0 and self.dispute["winner"] == "honest"


class DisputeAct:
    """Plays the act on a stage on which the honest act was played.

    Parameters
    ----------
    say : prints one line
    rng : picks the transaction and the step
    lie : what the aggregator changes
    """

    def __init__(self, world: World, say: Say, rng: random.Random, lie: Lie) -> None:
        self._world = world
        self._say = say
        self._random = rng
        self._lie = lie
        self._onlooker = Onlooker(world.client, world.deployment)
        self._tower = world.signers[WATCHTOWER_KEY].address
        sequencer = world.signers[SEQUENCER_KEY].address
        names = {self._tower: "watchtower", sequencer: "liar"}
        self._chronicle = Chronicle(self._onlooker, names, self._tower, say)

    def play(self, loop: Address, message: Message, send_message: Callable[[int], Hash32]) -> Ending:
        """Play it to the end.

        Parameters
        ----------
        loop : an L2 contract with `LOOP_RUNTIME`
        message : a withdrawal that the user starts before the transaction that the lie is about
        send_message : sends it on L2, given the user's nonce
        """
        wrong = self._assert_a_lie(loop, send_message)
        store = self._world.node.store
        l2_txs = sum(block.n_transactions for block in store.blocks(1, store.heads().unsafe.number))
        started = time.monotonic()
        right = self._play_dispute(wrong)
        seconds = time.monotonic() - started
        self._confirm(right)
        withdrawn_wei = self._withdraw(right, message)
        winner = "liar" if self._status(right) is AssertionStatus.DEAD else "honest"
        dispute = {
            **self._chronicle.counts(),
            "arity": 1 << self._world.deployment.params.log_arity,
            "winner": winner,
            "seconds": round(seconds, 1),
        }
        return Ending(l2_txs=l2_txs, unit=self._chronicle.unit, withdrawn_wei=withdrawn_wei, dispute=dispute)

    # ------------------------------------------------------------------------------ the lie

    def _assert_a_lie(self, loop: Address, send_message: Callable[[int], Hash32]) -> Assertion:
        """Have the aggregator post a wrong assertion and withhold its leaves."""
        world, user = self._world, self._world.l1.keys[USER_KEY]
        plan = FaultPlan(self._lie)
        world.stop_node()
        world.start_node(plan)
        nonce = world.node.head_state.account(world.signers[USER_KEY].address).nonce
        chosen = self._random.randrange(1, CALLS, 2)
        self._say(
            f"lie:     the aggregator now lies about transaction {chosen + 1} of {CALLS}: {self._lie.value}"
        )
        sent = send_message(nonce)
        for n in range(CALLS):
            receiver = loop if n % 2 else Address(keccak256(b"lie" + bytes([n]))[12:])
            value = 0 if n % 2 else 10**15
            signed = world.sign_l2(user, nonce + 1 + n, to=receiver, gas=100_000, value=value)
            if n == chosen:
                plan.tx_hash = signed[1]
            world.node.gateway.submit(signed[0])
        world.turn_until(lambda: world.node.store.receipt(sent) is not None, "the L2 receipts")
        world.turn_until(lambda: self._wrong() is not None, "the watchtower's verdict on the lie")
        wrong = self._wrong()
        assert wrong is not None, "awaited above"
        verdict = world.tower.monitor.findings
        assert verdict is not None, "it has judged"
        reason = verdict.known.verdicts[wrong.id].reason
        self._say(
            f"watch:   assertion 0x{wrong.id.hex()[:16]}… is invalid: {reason}; its leaves are withheld"
        )
        return wrong

    def _wrong(self) -> Assertion | None:
        findings = self._world.tower.monitor.findings
        if findings is None:
            return None
        judged = findings.known.verdicts.items()
        wrong = (id_ for id_, verdict in judged if verdict.judgement is Judgement.INVALID)
        return next((findings.view.assertions[id_] for id_ in wrong), None)

    # ------------------------------------------------------------------------------ the dispute

    def _play_dispute(self, wrong: Assertion) -> Hash32:
        """Let the liar and the watchtower play; return the right assertion."""
        world = self._world
        leaves = [world.node.store.unit_leaves(index) for index in range(wrong.from_batch, wrong.to_batch)]
        world.stop_node()
        wiring = Wiring(connect=lambda *_: world.l1.client(), clock=world.clock)
        insider = Insider(world.deployment_file, world.folder / "insider", wiring, "http://embedded")
        try:
            insider.tower.catch_up()
            findings = insider.tower.monitor.findings
            assert findings is not None, "it has caught up"
            draft = findings.known.drafts[wrong.parent]
            units = UnitTree(world.deployment.params.log_arity, leaves)
            fault = Fault(step=self._random.choice([0, 700, None]))
            lie = WrongDraft.of(draft, insider.traces(draft), units, fault)
            liar = Liar(self._onlooker, world.signers[SEQUENCER_KEY], wrong.id, lie.traces, clock=world.clock)
            world.turn_until(lambda: self._status(draft.id) is AssertionStatus.LIVE, "the rival")
            self._say(f"rival:   the watchtower stakes on 0x{draft.id.hex()[:16]}…, the right one")
            self._until_decided(liar)
            world.turn_until(self._is_paid, "the payment of credits")
        finally:
            insider.close()
        return draft.id

    def _until_decided(self, liar: Liar) -> None:
        """Take turns until a step was executed; then let the windows close and the dispute end."""

        def stepped() -> bool:
            liar.turn()
            self._chronicle.update()
            return self._chronicle.post is not None

        self._world.turn_until(stepped, "the executed step")
        period_s = self._world.deployment.params.challenge_period_s
        self._say(f"time:    the clock of the embedded L1 moves on by {period_s} s: all windows close")
        self._world.skip_time(period_s)
        self._world.turn_until(self._is_settled, "the end of the dispute")

    def _is_settled(self) -> bool:
        self._chronicle.update()
        return self._chronicle.settled is not None

    def _is_paid(self) -> bool:
        self._chronicle.update()
        return self._tower in self._chronicle.paid_wei

    # ------------------------------------------------------------------------------ afterwards

    def _confirm(self, right: Hash32) -> None:
        self._world.turn_until(lambda: self._status(right) is AssertionStatus.CONFIRMED, "the confirmation")
        self._say(f"confirm: 0x{right.hex()[:16]}… is confirmed")

    def _withdraw(self, right: Hash32, message: Message) -> int:
        """Withdraw against the surviving assertion, with a proof from the watchtower's own replay."""
        world, tower = self._world, self._world.tower
        params, contracts = world.deployment.params, world.deployment.contracts
        to_batch = world.assertions.assertion(right, at="latest").to
        unit = tower.verifier.rebuild_state(tower.loader, to_batch).unit
        key = message_key(
            message,
            l1_chain_id=params.l1_chain_id,
            bridge=contracts.bridge,
            l2_chain_id=params.l2_chain_id,
        )
        proof = prove_withdrawal(tower.nodes, unit.state_root, key)
        call = world.bridge.finalize_withdrawal_call(
            message, right, unit, proof.account_proof, proof.storage_proof
        )
        before = world.client.balance_wei(contracts.bridge, "latest")
        receipt = world.send_l1(USER_KEY, call)
        paid = before - world.client.balance_wei(contracts.bridge, "latest")
        self._say(f"withdraw: {paid // 10**18} ETH paid out against it ({receipt.gas_used} gas)")
        return paid

    def _status(self, assertion: Hash32) -> AssertionStatus:
        return self._world.assertions.assertion(assertion, at="latest").status
