"""A duel that came down to one step: which one, and the transaction that decides it."""

from dataclasses import dataclass, replace
from typing import Any, Self

from challenger.playing import NothingToDo, Table
from challenger.proof_file import StepProof
from challenger.responder import call_of
from challenger.sending import Priced, price, send
from challenger.session import catch_up
from challenger.watchtower import Watchtower
from optimistic.protocol.dispute.actions import ProveStep
from optimistic.protocol.dispute.ids import Ids
from optimistic.protocol.dispute.views import DisputeView, DuelView
from optimistic.service.game_calls import gas_limit_of
from optimistic.service.signer import Signer
from optimistic.service.terminal import say
from optimistic.service.unit_inputs import UnitPlace


@dataclass(frozen=True, slots=True)
class DuelAtStep:
    """A duel of two live commitments at its last level."""

    tower: Watchtower
    unit: UnitPlace
    dispute: DisputeView
    ids: Ids
    view: DuelView

    @classmethod
    def find(cls, tower: Watchtower, text: str) -> Self:
        """Return a duel by its id or the beginning of it.

        Raises
        ------
        NoSuchObject, NothingToDo : there is none, or it is not that far
        """
        catch_up(tower)
        table = Table(tower, None)
        dispute, ids = table.duel(text)
        view = None if ids is None else dispute.duels.get(ids)
        if ids is None or view is None or view.level:
            raise NothingToDo("it has not come down to a step yet: `challenger show` tells what comes next")
        return cls(tower, UnitPlace(*table.view.disputed_unit(dispute)), dispute, ids, view)

    @property
    def step_place(self) -> tuple[UnitPlace, int]:
        """The unit, by its batch from the genesis on, and the step."""
        return self.unit, self.view.index

    def decide(self, signer: Signer, proof: StepProof, *, dry_run: bool) -> dict[str, Any]:
        """Have the game execute the step: whoever says otherwise is dead.

        Raises
        ------
        NothingToDo : the duel agrees on another state before the step than the replay has
        Refused, Unfunded : it would fail
        """
        divergence = self.view.divergence
        if proof.pre != divergence.pre:
            raise NothingToDo("both sides of the duel are wrong about the state before the step")
        table = Table(self.tower, signer.address)
        action = ProveStep(
            reason="asked for",
            key=table.key_of(self.dispute, self.ids),
            divergence=divergence,
            witness=proof.witness.encode(),
        )
        contracts = table.contracts
        call = replace(call_of(contracts, action), gas=gas_limit_of(contracts.of_game, action, "latest"))
        priced = price(contracts.client, signer.address, call)
        found = {
            "game": contracts.game.address,
            "post": proof.post,
            "agrees": proof.post in divergence.nodes,
        }
        return found | submit_priced(self.tower, signer, priced, dry_run=dry_run)


def submit_priced(tower: Watchtower, signer: Signer, priced: Priced, *, dry_run: bool) -> dict[str, Any]:
    """Send a call that was priced, unless it is a dry run; return what is to be told."""
    if dry_run:
        return {"dryRun": True, **priced.document()}
    say(f"sending a transaction from 0x{signer.address.hex()}, and waiting for its block")
    return send(tower.client, signer, priced, tower.clock)
