"""How a liar plays: each takes the moves that the solver would make and leaves some of them out."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DivergenceProof,
    GameAction,
    Move,
    Open,
    Reveal,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32

LAST_SECOND_S: Final = 3
"""So long before the end a stalling liar moves: time for one block."""


class Strategy:
    """Plays as well as possible."""

    def choose(self, actions: Sequence[GameAction], now: int) -> list[GameAction]:
        """Return what the liar does of what the solver would do.

        Parameters
        ----------
        now : L1 time
        """
        return list(actions)


class Silent(Strategy):
    """Never answers: loses every clock."""

    def choose(self, actions: Sequence[GameAction], now: int) -> list[GameAction]:
        """Return nothing."""
        return []


class OpensOnly(Strategy):
    """Opens disputes and never answers."""

    def choose(self, actions: Sequence[GameAction], now: int) -> list[GameAction]:
        """Return the openings."""
        return [action for action in actions if isinstance(action, Open)]


class LastSecond(Strategy):
    """Lets each clock run until almost nothing is left of it."""

    def choose(self, actions: Sequence[GameAction], now: int) -> list[GameAction]:
        """Return what cannot wait any longer."""
        return [a for a in actions if a.deadline is None or a.deadline - now <= LAST_SECOND_S]


class CommitsOnly(Strategy):
    """Commits and leaves it at that; with right traces, before others commit to the same."""

    def choose(self, actions: Sequence[GameAction], now: int) -> list[GameAction]:
        """Return the commitments."""
        return [action for action in actions if isinstance(action, Commit)]


class AtRandom(Strategy):
    """Does half of what there is to do, in any order, sometimes with garbage in it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def choose(self, actions: Sequence[GameAction], now: int) -> list[GameAction]:
        """Return a part of the actions, spoiled or not."""
        rng = self._rng
        chosen = [action for action in actions if rng.random() < 0.5]
        rng.shuffle(chosen)
        return [_spoiled(action, rng) if rng.random() < 0.25 else action for action in chosen]


def _spoiled(action: GameAction, rng: random.Random) -> GameAction:
    """Return a move with one hash in it replaced; L1 refuses it."""
    noise = keccak256(rng.randbytes(8))
    match action:
        case (
            Open(proof=proof, reveal=reveal)
            | Move(proof=proof, reveal=reveal)
            | Start(proof=proof, reveal=reveal)
        ):
            if reveal is not None and rng.random() < 0.5:
                return replace(action, reveal=_other_reveal(reveal, noise, rng))
            return replace(action, proof=_other_proof(proof, noise, rng))
        case Commit(reveal=reveal):
            return replace(action, reveal=_other_reveal(reveal, noise, rng))
        case Timeout() | Settle() | Claim():
            return action
        case _:
            return replace(action, witness=noise)


def _other_reveal(reveal: Reveal, noise: Hash32, rng: random.Random) -> Reveal:
    """Return a reveal with another child, or another end state."""
    place = rng.randrange(len(reveal.children) + 1)
    if place == len(reveal.children):
        return replace(reveal, end_state=noise)
    return replace(reveal, children=(*reveal.children[:place], noise, *reveal.children[place + 1 :]))


def _other_proof(proof: DivergenceProof, noise: Hash32, rng: random.Random) -> DivergenceProof:
    """Return a proof about another node or another place."""
    if rng.random() < 0.5:
        return replace(proof, index=proof.index ^ 1)
    return replace(proof, nodes=(proof.nodes[0], noise))


STRATEGIES: Final = {
    "plays": Strategy(),
    "silent": Silent(),
    "opens-only": OpensOnly(),
    "last-second": LastSecond(),
    "commits-only": CommitsOnly(),
    "random": AtRandom(random.Random()),  # noqa: S311 - makes nonsense, guards nothing
}
"""Those that a liar can be told on the command line."""
