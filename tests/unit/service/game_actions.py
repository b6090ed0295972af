"""One action of each kind, about the dispute of `game_story`."""

from dataclasses import replace
from typing import Final

from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DivergenceProof,
    DuelKey,
    GameAction,
    Move,
    Open,
    Opening,
    ProveStep,
    Reveal,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.types import ZERO_HASH
from tests.unit.service.game_story import ALICE, NEWER, OLDER, GameStory, ident

STORY = GameStory()
RIGHT, WRONG = STORY.commitment(Side.OLDER, "right"), STORY.commitment(Side.NEWER, "wrong")
ROOT = STORY.root(Side.OLDER, "right")
RESULTS = STORY.results()
STEP = Divergence(pre=ident("step pre"), nodes=(ident("older step"), ident("newer step")))

WALK: Final = DuelKey(older=OLDER, newer=NEWER)
DUEL: Final = DuelKey(older=OLDER, newer=NEWER, commitments=(RIGHT, WRONG))
PROOF: Final = DivergenceProof(
    index=1,
    nodes=RESULTS.nodes,
    paths=((), ()),
    left=Opening(end_state=RESULTS.pre, children_root=ZERO_HASH),
    left_path=(),
)
REVEAL: Final = Reveal(end_state=ROOT.end_state, children=ROOT.children, last_children_root=ZERO_HASH)

OPEN: Final = Open(older=OLDER, newer=NEWER, level=5, proof=PROOF, reveal=REVEAL, reason="", deadline=9)
MOVE: Final = Move(
    key=WALK, side=Side.OLDER, level=1, pre=ident("start"), proof=PROOF, reveal=None, reason=""
)
DUEL_MOVE: Final = replace(MOVE, key=DUEL)
COMMIT: Final = Commit(
    older=OLDER,
    newer=NEWER,
    side=Side.OLDER,
    depth=1,
    divergence=RESULTS,
    reveal=REVEAL,
    is_free=False,
    bond_wei=7,
    reason="",
)
FREE: Final = replace(COMMIT, is_free=True, bond_wei=0)
START: Final = Start(
    older=OLDER,
    newer=NEWER,
    commitments=(RIGHT, WRONG),
    depths=(1, 1),
    roots=(ROOT.hash, STORY.root(Side.NEWER, "wrong").hash),
    divergence=RESULTS,
    proof=PROOF,
    reveal=None,
    reason="",
)
PROVE: Final = ProveStep(key=DUEL, divergence=STEP, witness=b"witness", reason="")
TIMEOUT: Final = Timeout(key=DUEL, reason="")
WALK_TIMEOUT: Final = Timeout(key=WALK, reason="")
SETTLE: Final = Settle(older=OLDER, newer=NEWER, reason="")
CLAIM: Final = Claim(older=OLDER, newer=NEWER, commitments=(RIGHT,), account=ALICE, reason="")

ALL: Final[tuple[GameAction, ...]] = (
    OPEN,
    MOVE,
    DUEL_MOVE,
    COMMIT,
    FREE,
    START,
    PROVE,
    TIMEOUT,
    WALK_TIMEOUT,
    SETTLE,
    CLAIM,
)
