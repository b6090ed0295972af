"""A watchtower against a liar on the contracts: who posts first, what is published, what is wrong."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from challenger.actions import Action
from challenger.config import Mode
from challenger.model import ChainView
from challenger.monitor import Performer
from challenger.watchtower import Watchtower
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Hash32
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_events import L1Event
from optimistic.service.l1_types import LogFilter
from optimistic.service.tx_types import TxNotAccepted
from scripts.staging.direct_traces import DirectTraces
from scripts.staging.liar import Liar, WrongDraft
from scripts.staging.lies import Fault
from scripts.staging.onlooker import Onlooker
from scripts.staging.strategies import Strategy
from tests.helpers.l2_wallet import Wallet
from tests.helpers.tiny_contracts import ONCE_RUNTIME, installer
from tests.helpers.watchtower_stage import L1Account, Posted, Stage

PERIOD_S = 600
"""Every transaction takes a second of this L1."""
CALL = (1 << 15) + 2
"""Unit of the second batch that calls a contract: about twenty steps."""
CALL_NONCE = 2


def post_two_batches(stage: Stage) -> Wallet:
    """A deposit, transfers, a contract that is made and called."""
    wallet = Wallet(1, stage.params.l2_chain_id)
    stage.deposit(wallet.address)
    contract = create_address(wallet.address, 1)
    stage.append(wallet.transfer(stage.bob.address), wallet.deploy(installer(ONCE_RUNTIME)))
    stage.append(wallet.call(contract), wallet.transfer(stage.bob.address))
    return wallet


class OneMove:
    """Hands on only the most urgent action."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer

    def perform(self, view: ChainView, actions: Sequence[Action]) -> None:
        self._performer.perform(view, actions[:1])


class Fight:
    """Two batches, then a right and a wrong assertion about them.

    Parameters
    ----------
    fault : of the wrong assertion, or what chooses it once the batches are replayed
    is_older : whether the right assertion is posted first, by somebody who then leaves
    post_batches : posts two batches
    """

    def __init__(
        self,
        folder: Path,
        fault: Fault | Callable[[Watchtower], Fault],
        *,
        params: RollupParams = DEVNET,
        is_older: bool,
        publishes: bool = False,
        strategy: Strategy | None = None,
        post_batches: Callable[[Stage], object] = post_two_batches,
    ) -> None:
        self.params = replace(params, challenge_period_s=PERIOD_S)
        folder.mkdir(exist_ok=True)
        self.stage = Stage(folder, self.params)
        post_batches(self.stage)
        self.right: Posted | None = self.stage.post(self.stage.alice, 2) if is_older else None
        self.insider = self.stage.tower("insider", mode=Mode.WATCH_ONLY, cross_checks=False)
        self.insider.catch_up()
        self.eyes = Onlooker(self.stage.client, self.stage.deployment)
        self.liars: list[Liar] = []
        chosen = fault if isinstance(fault, Fault) else fault(self.insider)
        self.liar = self.join(self.stage.eve, chosen, publishes=publishes, strategy=strategy)

    def join(
        self,
        who: L1Account,
        fault: Fault,
        *,
        publishes: bool = False,
        strategy: Strategy | None = None,
    ) -> Liar:
        """Post a wrong assertion; its author plays from now on."""
        findings = self.insider.monitor.findings
        assert findings is not None
        draft = findings.known.drafts[self.stage.genesis_id]
        traces = DirectTraces(self.insider, draft.from_batch, draft.to_batch)
        lie = WrongDraft.about(draft, traces, fault)
        lie.post(self.eyes, who.signer, self.stage.clock)
        if publishes:
            lie.publish(self.eyes, who.signer, self.stage.clock)
        liar = Liar(
            self.eyes, who.signer, lie.draft.id, lie.traces, strategy=strategy, clock=self.stage.clock
        )
        liar.rivals = frozenset([draft.id])
        self.liars.append(liar)
        return liar

    @property
    def right_id(self) -> Hash32:
        """The right assertion, posted or not."""
        findings = self.insider.monitor.findings
        assert findings is not None
        return findings.known.drafts[self.stage.genesis_id].id

    def tower(self, name: str = "tower", **options: Any) -> Watchtower:
        return self.stage.tower(name, **options)

    def live_for_one_move(self) -> bool:
        """Start a watchtower that makes one move and dies with its disk; return whether it made one."""
        tower, watcher = self.stage.tower("mortal"), self.stage.watcher.address
        tower.monitor._performer = OneMove(tower.monitor._performer)
        before = self.stage.client.nonce(watcher, "latest")
        moved, idle = False, 0
        while not moved and idle < 2:
            idle += not tower.turn()
            assert tower.manager is not None
            with suppress(TxNotAccepted):
                tower.manager.step()
            moved = self.stage.client.nonce(watcher, "latest") > before
        self.kill(tower)
        return moved

    def play(self, *towers: Watchtower, rounds: int = 12) -> None:
        """Let liars and watchtowers move in turns."""
        for _ in range(rounds):
            for liar in self.liars:
                liar.turn()
            for tower in towers:
                self.stage.run(tower, rounds=1)
            self.stage.l1.mine()

    def finish(self, *towers: Watchtower) -> None:
        """Let every clock run out and everybody move once more."""
        self.stage.l1.advance_time(PERIOD_S + 1)
        self.play(*towers, rounds=6)

    def kill(self, tower: Watchtower) -> None:
        """End a watchtower together with its disk."""
        folder = tower.config.data_dir
        self.stage.close_tower(tower)
        shutil.rmtree(folder)

    # ------------------------------------------------------------------------ what came of it

    def status(self, assertion: Hash32) -> AssertionStatus:
        return self.stage.state(assertion).status

    def events(self) -> list[L1Event]:
        contracts = self.stage.deployment.contracts
        wanted = LogFilter(addresses=(contracts.dispute_game, contracts.assertion_chain))
        logs = self.stage.client.logs(wanted, 0, self.stage.client.head().number)
        return [event for log in logs if (event := decode_event(log)) is not None]

    def count(self, kind: type[L1Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events())

    def close(self) -> None:
        self.stage.close()
