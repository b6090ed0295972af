"""The game's typed interface: what is read becomes values, what is done becomes call data."""

from typing import Any

import pytest

from optimistic.protocol.commitment import PathStep
from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DivergenceProof,
    DuelKey,
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
from optimistic.protocol.dispute.views import Divergence, Life, Stage
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.abi import decode_values, encode_values
from optimistic.service.contracts import (
    CommitmentState,
    DisputeGame,
    DisputeState,
    DuelState,
    PurseState,
    TallyState,
)
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import BlockId, Call

GAME = Address(b"\x47" * 20)
WHO = Address(b"\x57" * 20)


def ident(name: str) -> Hash32:
    return keccak256(name.encode())


PAIR = (ident("older"), ident("newer"))
COMMITMENTS = (ident("c"), ident("d"))
KEY = DuelKey(older=PAIR[0], newer=PAIR[1], commitments=COMMITMENTS)
WALK = DuelKey(older=PAIR[0], newer=PAIR[1])
PROOF = DivergenceProof(
    index=3,
    nodes=(ident("n0"), ident("n1")),
    paths=(
        (PathStep(ident("e0"), (ident("s0"), ident("s1"))),),
        (PathStep(ident("e1"), (ident("s2"), ident("s3"))),),
    ),
    left=Opening(end_state=ident("left"), children_root=ident("root")),
    left_path=(PathStep(ZERO_HASH, (ident("p"),)),),
)
PROOF_VALUES = (
    3,
    (ident("n0"), ident("n1")),
    ((ident("e0"), (ident("s0"), ident("s1"))),),
    ((ident("e1"), (ident("s2"), ident("s3"))),),
    (ident("left"), ident("root")),
    ((ZERO_HASH, (ident("p"),)),),
)
REVEAL = Reveal(end_state=ident("end"), children=(ident("k0"), ident("k1")), last_children_root=ident("r"))
REVEAL_VALUES = (ident("end"), (ident("k0"), ident("k1")), ident("r"))
NOTHING = (ZERO_HASH, (), ZERO_HASH)
DIVERGENCE = Divergence(pre=ident("pre"), nodes=(ident("n0"), ident("n1")))
DIVERGENCE_VALUES = (ident("pre"), (ident("n0"), ident("n1")))


class Answering(L1Client):
    """An L1 that answers every call with the same values."""

    def __init__(self) -> None:
        self.output = b""
        self.asked: list[tuple[Call, BlockId]] = []

    def call(self, call: Call, at: BlockId) -> bytes:
        self.asked.append((call, at))
        return self.output


@pytest.fixture
def l1() -> Answering:
    return Answering()


@pytest.fixture
def game(l1: Answering) -> DisputeGame:
    return DisputeGame(l1, GAME)


def arguments(game: DisputeGame, function: str, call: Call) -> tuple[Any, ...]:
    declared = game.abi.functions[function]
    assert call.to == GAME
    assert call.data[:4] == declared.selector
    return decode_values(declared.inputs, call.data[4:])


def answer(game: DisputeGame, l1: Answering, function: str, *values: Any) -> None:
    l1.output = encode_values(game.abi.functions[function].outputs, values)


# ------------------------------------------------------------------------------ reads


def test_dispute__stored_records__become_values(game: DisputeGame, l1: Answering) -> None:
    walk = (60, 50, 1_700_000_000, 1, 4, 77, 1, ident("divergence"))
    answer(game, l1, "dispute", walk, (1, 2, 3, 4, 5), (6, 7, 8))

    state = game.dispute(*PAIR, at=ident("block"))

    assert state == DisputeState(
        duel=DuelState(
            left_older=60,
            left_newer=50,
            since=1_700_000_000,
            turn=Side.NEWER,
            level=4,
            index=77,
            stage=Stage.WALK,
            divergence=ident("divergence"),
        ),
        tally=TallyState(live_older=1, live_newer=2, commitments=3, credits_older=4, credits_newer=5),
        purse=PurseState(pool=6, forfeits_older=7, forfeits_newer=8),
    )
    assert (type(state.duel.turn), type(state.duel.stage)) == (Side, Stage)
    [(call, at)] = l1.asked
    assert at == ident("block")
    assert arguments(game, "dispute", call) == (PAIR,)


def test_duel__key__names_both_commitments(game: DisputeGame, l1: Answering) -> None:
    answer(game, l1, "duel", (1, 2, 3, 0, 5, 6, 3, ident("divergence")))

    assert game.duel(KEY, at=7).stage is Stage.OVER

    assert arguments(game, "duel", l1.asked[0][0]) == ((PAIR, COMMITMENTS),)


def test_commitment__stored_record__becomes_values(game: DisputeGame, l1: Answering) -> None:
    answer(game, l1, "commitment", (WHO, 5, 6, 2, True, 1, 7, 8))

    assert game.commitment(*PAIR, ident("c"), at=7) == CommitmentState(
        owner=WHO,
        joined_at=5,
        no=6,
        life=Life.DEAD,
        is_free=True,
        side=Side.NEWER,
        credits=7,
        owner_credits=8,
    )
    assert arguments(game, "commitment", l1.asked[0][0]) == (PAIR, ident("c"))


def test_money__views__return_wei(game: DisputeGame, l1: Answering) -> None:
    claim = Claim(reason="", older=PAIR[0], newer=PAIR[1], commitments=COMMITMENTS, account=WHO)
    answer(game, l1, "claimable", 9)

    assert game.claimable(claim, at=7) == 9
    assert game.owed(WHO, at=7) == 9
    assert game.bond_wei(at=7) == 9
    assert arguments(game, "claimable", l1.asked[0][0]) == (PAIR, COMMITMENTS, WHO)


# ------------------------------------------------------------------------------ calls


def test_open_call__walk_and_pinned__carry_the_proof(game: DisputeGame) -> None:
    action = Open(reason="", older=PAIR[0], newer=PAIR[1], level=2, proof=PROOF, reveal=REVEAL)
    pinned = Open(reason="", older=PAIR[0], newer=PAIR[1], level=0, proof=PROOF, reveal=None)

    assert arguments(game, "open", game.open_call(action)) == (PAIR, 2, PROOF_VALUES, REVEAL_VALUES)
    assert arguments(game, "open", game.open_call(pinned)) == (PAIR, 0, PROOF_VALUES, NOTHING)


@pytest.mark.parametrize(("key", "commitments"), [(KEY, COMMITMENTS), (WALK, (ZERO_HASH, ZERO_HASH))])
def test_move_call__walk_or_duel__names_it(
    game: DisputeGame, key: DuelKey, commitments: tuple[Hash32, Hash32]
) -> None:
    action = Move(reason="", key=key, side=Side.NEWER, level=3, pre=ident("pre"), proof=PROOF, reveal=REVEAL)

    assert arguments(game, "move", game.move_call(action)) == (
        (PAIR, commitments),
        1,
        3,
        ident("pre"),
        PROOF_VALUES,
        REVEAL_VALUES,
    )


def test_commit_call__bond__is_sent_along(game: DisputeGame) -> None:
    action = Commit(
        reason="",
        older=PAIR[0],
        newer=PAIR[1],
        side=Side.OLDER,
        depth=4,
        divergence=DIVERGENCE,
        reveal=REVEAL,
        is_free=False,
        bond_wei=11,
    )

    call = game.commit_call(action)

    assert call.value_wei == 11
    assert arguments(game, "commitTrace", call) == (PAIR, 0, 4, DIVERGENCE_VALUES, REVEAL_VALUES, False)


def test_start_call__commitments__are_given_by_their_content(game: DisputeGame) -> None:
    action = Start(
        reason="",
        older=PAIR[0],
        newer=PAIR[1],
        commitments=COMMITMENTS,
        depths=(2, 3),
        roots=(ident("r0"), ident("r1")),
        divergence=DIVERGENCE,
        proof=PROOF,
        reveal=None,
    )

    assert arguments(game, "start", game.start_call(action)) == (
        PAIR,
        (2, 3),
        (ident("r0"), ident("r1")),
        DIVERGENCE_VALUES,
        PROOF_VALUES,
        NOTHING,
    )


def test_calls__endings__name_what_ends(game: DisputeGame) -> None:
    step = ProveStep(reason="", key=KEY, divergence=DIVERGENCE, witness=b"witness")
    timeout = Timeout(reason="", key=WALK)
    settle = Settle(reason="", older=PAIR[0], newer=PAIR[1])
    claim = Claim(reason="", older=PAIR[0], newer=PAIR[1], commitments=COMMITMENTS, account=WHO)

    proven = arguments(game, "proveStep", game.prove_step_call(step))
    assert proven == ((PAIR, COMMITMENTS), DIVERGENCE_VALUES, b"witness")
    assert arguments(game, "timeout", game.timeout_call(timeout)) == ((PAIR, (ZERO_HASH, ZERO_HASH)),)
    assert arguments(game, "settle", game.settle_call(settle)) == (PAIR,)
    assert arguments(game, "claim", game.claim_call(claim)) == (PAIR, COMMITMENTS, WHO)
