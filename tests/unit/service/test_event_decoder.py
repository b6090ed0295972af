"""The game's events as values, and what of them is refused."""

from typing import Any

import pytest

from optimistic.protocol.commitment import merkle_root, node_hash
from optimistic.protocol.dispute.ids import Side, commitment_id, dispute_id, duel_id
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.abi import encode_values
from optimistic.service.contract import load_abi
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import (
    CommitmentDied,
    Committed,
    DisputeOpened,
    DisputeSettled,
    DuelStarted,
    L1Event,
    Moved,
    Paid,
    PrecompilesJudged,
    StepProven,
    UnitPinned,
)
from optimistic.service.l1_types import Log

GAME = Address(b"\x47" * 20)
WHO = Address(b"\x57" * 20)


def ident(name: str) -> Hash32:
    return keccak256(name.encode())


OLDER, NEWER, PRE = ident("older"), ident("newer"), ident("pre")
DISPUTE = dispute_id(OLDER, NEWER)
CHILDREN = tuple(ident(f"child {i}") for i in range(32))
END = ident("end")
NODE = node_hash(END, merkle_root(CHILDREN))
NODES = (ident("another node"), NODE)
DUEL = duel_id(DISPUTE, (ident("c"), ident("d")))
COMMITMENT = commitment_id(DISPUTE, Side.NEWER, 3, NODE)


def log_of(event: str, contract: str = "DisputeGame", **fields: Any) -> Log:
    abi = load_abi(contract).events[event]
    indexed = [item for item in abi.inputs if item.indexed]
    plain = [item for item in abi.inputs if not item.indexed]
    return Log(
        address=GAME,
        topics=(abi.topic, *(Hash32(encode_values((item,), (fields[item.name],))) for item in indexed)),
        data=encode_values(plain, [fields[item.name] for item in plain]),
        block_number=9,
        block_hash=ident("block"),
        tx_hash=ident("tx"),
        tx_index=0,
        log_index=4,
    )


def opened(**changed: Any) -> Log:
    fields = {
        "dispute": DISPUTE,
        "older": OLDER,
        "newer": NEWER,
        "opener": WHO,
        "level": 5,
        "index": 0,
        "divergence": (PRE, NODES),
        "leftOlder": 60,
        "leftNewer": 50,
    }
    return log_of("Opened", **{**fields, **changed})


def moved(**changed: Any) -> Log:
    fields = {
        "duel": DUEL,
        "dispute": DISPUTE,
        "mover": WHO,
        "side": 1,
        "level": 2,
        "index": 77,
        "divergence": (PRE, NODES),
        "endState": END,
        "children": CHILDREN,
    }
    return log_of("Moved", **{**fields, **changed})


def committed(**changed: Any) -> Log:
    fields = {
        "dispute": DISPUTE,
        "commitment": COMMITMENT,
        "owner": WHO,
        "side": 1,
        "depth": 3,
        "root": NODE,
        "no": 2,
        "isFree": True,
        "children": CHILDREN,
    }
    return log_of("Committed", **{**fields, **changed})


def decoded(log: Log) -> tuple[L1Event, Any]:
    event = decode_event(log)
    assert event is not None
    assert (event.place.block_number, event.place.log_index, event.place.address) == (9, 4, GAME)
    return event, event.place


def test_decode__opening__has_every_field() -> None:
    event, place = decoded(opened())

    assert event == DisputeOpened(
        place=place,
        dispute=DISPUTE,
        older=OLDER,
        newer=NEWER,
        opener=WHO,
        level=5,
        index=0,
        divergence=Divergence(pre=PRE, nodes=NODES),
        left_older=60,
        left_newer=50,
    )


def test_decode__move__has_every_field() -> None:
    event, place = decoded(moved())

    assert event == Moved(
        place=place,
        duel=DUEL,
        dispute=DISPUTE,
        mover=WHO,
        side=Side.NEWER,
        level=2,
        index=77,
        divergence=Divergence(pre=PRE, nodes=NODES),
        end_state=END,
        children=CHILDREN,
    )


def test_decode__move_to_a_leaf__reveals_nothing() -> None:
    event, _ = decoded(moved(level=0, endState=ZERO_HASH, children=()))

    assert isinstance(event, Moved)
    assert event.children == ()


def test_decode__commitment__has_every_field() -> None:
    event, place = decoded(committed())

    assert event == Committed(
        place=place,
        dispute=DISPUTE,
        commitment=COMMITMENT,
        owner=WHO,
        side=Side.NEWER,
        depth=3,
        root=NODE,
        no=2,
        is_free=True,
        children=CHILDREN,
    )


def test_decode__what_follows__has_every_field() -> None:
    pinned = log_of(
        "UnitPinned", dispute=DISPUTE, index=5, divergence=(PRE, NODES), budgetOlder=3, budgetNewer=4
    )
    started = log_of("Started", duel=DUEL, dispute=DISPUTE, older=ident("c"), newer=ident("d"))
    proven = log_of("StepProven", duel=DUEL, dispute=DISPUTE, prover=WHO, post=END)
    died = log_of("CommitmentDied", dispute=DISPUTE, commitment=COMMITMENT, stake=8)
    settled = log_of(
        "DisputeSettled", dispute=DISPUTE, winner=OLDER, killed=True, pool=1, toPoster=2, burned=3
    )
    paid = log_of("Paid", account=WHO, amount=6)
    judged = log_of("PrecompilesJudged", "PrecompileGuard", isBroken=True)

    event, place = decoded(pinned)
    assert event == UnitPinned(
        place=place,
        dispute=DISPUTE,
        index=5,
        divergence=Divergence(pre=PRE, nodes=NODES),
        budget_older=3,
        budget_newer=4,
    )
    assert decode_event(started) == DuelStarted(
        place=place, duel=DUEL, dispute=DISPUTE, older=ident("c"), newer=ident("d")
    )
    assert decode_event(proven) == StepProven(place=place, duel=DUEL, dispute=DISPUTE, prover=WHO, post=END)
    assert decode_event(died) == CommitmentDied(place=place, dispute=DISPUTE, commitment=COMMITMENT, stake=8)
    assert decode_event(settled) == DisputeSettled(
        place=place, dispute=DISPUTE, winner=OLDER, killed=True, pool=1, to_poster=2, burned=3
    )
    assert decode_event(paid) == Paid(place=place, account=WHO, amount=6)
    assert decode_event(judged) == PrecompilesJudged(place=place, is_broken=True)


@pytest.mark.parametrize("field", ["dispute", "older", "newer"])
def test_decode__dispute_of_others__is_a_lie(field: str) -> None:
    with pytest.raises(L1Lied, match="not that of its siblings"):
        decode_event(opened(**{field: ident("forged")}))


@pytest.mark.parametrize(
    "change",
    [
        {"endState": ident("forged")},
        {"children": (*CHILDREN[:-1], ident("forged"))},
        {"children": CHILDREN[:16]},
        {"children": CHILDREN[:31]},
        {"children": CHILDREN[:1]},
        {"children": ()},
        {"side": 0},
        {"divergence": (PRE, (NODE, ident("forged")))},
        {"level": 0},
        {"level": 0, "children": ()},
        {"level": 0, "endState": ZERO_HASH},
    ],
)
def test_decode__children_of_another_node__are_a_lie(change: dict[str, Any]) -> None:
    with pytest.raises(L1Lied, match="children of another node"):
        decode_event(moved(**change))


@pytest.mark.parametrize(
    "change",
    [
        {"commitment": ident("forged")},
        {"dispute": ident("forged")},
        {"side": 0},
        {"depth": 4},
        {"root": ident("forged")},
    ],
)
def test_decode__commitment_of_other_content__is_a_lie(change: dict[str, Any]) -> None:
    with pytest.raises(L1Lied, match="not that of its content"):
        decode_event(committed(**change))


@pytest.mark.parametrize("field", ["duel", "dispute", "older", "newer"])
def test_decode__duel_of_others__is_a_lie(field: str) -> None:
    fields: dict[str, Any] = {"duel": DUEL, "dispute": DISPUTE, "older": ident("c"), "newer": ident("d")}

    with pytest.raises(L1Lied, match="not that of its commitments"):
        decode_event(log_of("Started", **{**fields, field: ident("forged")}))


@pytest.mark.parametrize("log", [moved(side=2), committed(side=255)])
def test_decode__third_side__is_a_lie(log: Log) -> None:
    with pytest.raises(L1Lied, match="names side"):
        decode_event(log)
