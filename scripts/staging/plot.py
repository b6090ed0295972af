"""Stages one scenario on a rollup: who lies about what, and how the liars play."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.transactions import decode_transaction
from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock
from optimistic.service.game_calls import describe
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.signer import Signer
from scripts.staging.faults import FaultPlan, Lie
from scripts.staging.insider import Insider, Target
from scripts.staging.liar import Liar, Played, WrongDraft
from scripts.staging.lies import Fault, LyingTraces, NoRoomForLie, StepLie, UnitLie, states_of
from scripts.staging.onlooker import Onlooker
from scripts.staging.pretence import Pretence
from scripts.staging.scenarios import Scenario
from scripts.staging.strategies import STRATEGIES, CommitsOnly, Strategy

Say = Callable[[str], None]
Tick = Callable[[], object]
"""Called between two looks at L1: waits, or lets time pass where nobody else does."""

_LATE_S: Final = 5
"""So long before the end of the window a late lie is posted."""
_GAS_MONEY_WEI: Final = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What may be told beside the scenario.

    Attributes
    ----------
    place : of the first wrong unit; see `Insider.target`
    step : of its first wrong step: first, middle, last or a number
    publishes : whether the unit leaves are published
    strategy : instead of the scenario's
    """

    place: str | None = None
    step: str = "last"
    publishes: bool = False
    strategy: str | None = None


class Plot:
    """A scenario that is played; `post` first, then `turn` until `is_over`.

    Parameters
    ----------
    signer : the first liar; pays for the others
    say : tells what happens
    """

    def __init__(
        self, onlooker: Onlooker, insider: Insider, scenario: Scenario, signer: Signer, clock: Clock, say: Say
    ) -> None:
        self._onlooker = onlooker
        self._insider = insider
        self._scenario = scenario
        self._signer = signer
        self._clock = clock
        self._say = say
        self.liars: list[Liar] = []
        self.saboteur: Liar | None = None
        self.target: Target | None = None

    # ------------------------------------------------------------------------------ posting

    def post(self, choices: Choices, tick: Tick) -> Target:
        """Post the wrong assertions.

        Parameters
        ----------
        tick : lets time pass, for lies that wait for their moment

        Raises
        ------
        NothingToLieAbout, NoRoomForLie : there is no such unit, or no place for such a lie
        ContractReverted : L1 refuses them
        """
        scenario = self._scenario
        target = self.target = self._insider.target(choices.place or self._place())
        if scenario.is_late:
            self._await_end(target, tick)
        strategy = STRATEGIES[choices.strategy or scenario.strategy]
        for signer, fault in zip(self._signers(), self._faults(target, choices.step), strict=True):
            wrong = self._wrong_draft(target, fault)
            wrong.post(self._onlooker, signer, self._clock)
            self._say(f"posted 0x{wrong.draft.id.hex()} from 0x{signer.address.hex()}")
            if choices.publishes:
                wrong.publish(self._onlooker, signer, self._clock)
            self.liars.append(self._player(signer, wrong.draft.id, wrong.traces, strategy))
        if scenario.sabotages:
            self.saboteur = self._make_saboteur(target)
        return target

    def _place(self) -> str:
        """Return where the scenario lies unless told otherwise."""
        forgery = self._scenario.forgery
        return self._scenario.place if forgery is None else forgery.place

    def _await_end(self, target: Target, tick: Tick) -> None:
        """Wait until the window for siblings is about to close."""
        period_s = self._onlooker.terms.challenge_period_s
        while True:
            block = self._onlooker.client.head()
            t0 = self._onlooker.state(target.draft.parent, block).t0
            if t0 and block.timestamp >= t0 + period_s - _LATE_S:
                return
            tick()

    def _faults(self, target: Target, step: str) -> Iterator[Fault]:
        scenario, number = self._scenario, self._step(target, step)
        for liar in range(scenario.count):
            yield Fault(
                unit_lie=scenario.unit_lie,
                unit=target.unit,
                step_lie=scenario.step_lie,
                step=number,
                depth=2 if scenario.step_lie is StepLie.END_STATE else 1,
                salt=liar.to_bytes(2, "big"),
            )

    def _step(self, target: Target, step: str) -> int | None:
        tree = self._insider.traces(target.draft).steps(target.unit)
        count = 1 if tree is None else len(states_of(tree))
        places = {"first": 0, "middle": count // 2, "last": None}
        if step not in places and not step.isdecimal():
            raise NoRoomForLie(f"{step!r} is no step: name first, middle, last or a number")
        return places[step] if step in places else int(step)

    def _wrong_draft(self, target: Target, fault: Fault) -> WrongDraft:
        draft, right = target.draft, self._insider.traces(target.draft)
        lie = self._lie_about(target)
        if lie is None:
            return WrongDraft.about(draft, right, fault)
        plan = FaultPlan(lie, tx_hash=target.tx_hash)
        leaves = self._insider.false_leaves(draft, plan)
        wrong = WrongDraft.of(draft, right, UnitTree(self._onlooker.terms.log_arity, leaves), fault)
        if wrong.draft.id == draft.id:
            raise NoRoomForLie(f"unit {target.unit_in_batch} of batch {target.batch} ends the same falsely")
        return wrong

    def _lie_about(self, target: Target) -> Lie | Pretence | None:
        """Return what the engine does falsely, if it does."""
        forgery = self._scenario.forgery
        if forgery is None:
            return self._scenario.engine_lie
        if target.raw is None:
            raise NoRoomForLie(f"unit {target.unit_in_batch} of batch {target.batch} is no transaction")
        return forgery.pretend(decode_transaction(target.raw).data)

    def _make_saboteur(self, target: Target) -> Liar:
        right = self._insider.traces(target.draft)
        units = right.units()
        assert units is not None, "the target was chosen from it"
        fault = Fault(unit_lie=UnitLie.NONE, step_lie=StepLie.ONCE, step=0)
        traces = LyingTraces(right, units, fault)
        return self._player(self._accomplice(), target.draft.id, traces, CommitsOnly())

    def _player(self, signer: Signer, assertion: Hash32, traces: LyingTraces, strategy: Strategy) -> Liar:
        player = Liar(self._onlooker, signer, assertion, traces, strategy=strategy, clock=self._clock)
        target = self.target
        if target is not None and assertion != target.draft.id:
            player.rivals = frozenset([target.draft.id])
        return player

    def _signers(self) -> Iterator[Signer]:
        yield self._signer
        for _ in range(self._scenario.count - 1):
            yield self._accomplice()

    def _accomplice(self) -> Signer:
        """Return a new account with money for one stake and one bond."""
        signer = Signer(secrets.token_bytes(32))
        needed = self._onlooker.chain.stake_wei(at="latest") + self._onlooker.terms.bond_wei
        call = Call(to=signer.address, value_wei=needed + _GAS_MONEY_WEI)
        OneShotSender(self._onlooker.client, self._signer, clock=self._clock).send(call)
        return signer

    # ------------------------------------------------------------------------------ playing

    def turn(self) -> list[Played]:
        """Let everybody look at L1 once; return what L1 took."""
        players = [*self.liars, *([] if self.saboteur is None else [self.saboteur])]
        return [played for player in players for played in player.turn()]

    @property
    def is_over(self) -> bool:
        """Whether every wrong assertion is dead or confirmed."""
        return not any(status is AssertionStatus.LIVE for status in self._statuses())

    @property
    def has_won(self) -> bool:
        """Whether a wrong assertion was confirmed."""
        return any(status is AssertionStatus.CONFIRMED for status in self._statuses())

    def _statuses(self) -> list[AssertionStatus]:
        block = self._onlooker.client.head()
        return [self._onlooker.state(liar.assertion, block).status for liar in self.liars]

    def document(self) -> dict[str, Any]:
        """Return what was staged and what came of it, as plain values."""
        target = self.target
        assert target is not None, "posted before"
        statuses = [status.name.lower() for status in self._statuses()]
        return {
            "parent": target.draft.parent,
            "fromBatch": target.draft.from_batch,
            "toBatch": target.draft.to_batch,
            "right": target.draft.id,
            "batch": target.batch,
            "unit": target.unit_in_batch,
            "transactionHash": target.tx_hash,
            "assertions": [
                {"id": liar.assertion, "poster": liar.signer.address, "status": status}
                for liar, status in zip(self.liars, statuses, strict=True)
            ],
            "moves": sum(len(liar.played) for liar in self.liars),
            "refused": sum(len(liar.refused) for liar in self.liars),
        }


def told(played: Played) -> str:
    """Return a move in one line."""
    values = describe(played.action)
    where = values.get("duel") or values.get("commitment") or values["dispute"]
    level = f" level {values['node_level']}" if "node_level" in values else ""
    return f"{values['action']}{level} of {str(where)[:18]}… ({played.receipt.gas_used} gas)"
