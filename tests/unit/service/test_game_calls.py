from dataclasses import replace
from itertools import combinations

import pytest

from optimistic.protocol.dispute.actions import DuelKey, GameAction
from optimistic.service.game_calls import (
    GAS_BOUNDS,
    MAX_GAS,
    call_of,
    describe,
    dispute_of,
    gas_limit_of,
    key_of,
)
from tests.unit.service.game_actions import (
    ALL,
    CLAIM,
    COMMIT,
    DUEL_MOVE,
    FREE,
    MOVE,
    OPEN,
    PROVE,
    START,
    TIMEOUT,
    WALK,
)
from tests.unit.service.game_l1 import FakeGameL1
from tests.unit.service.game_story import ALICE, DISPUTE, EVE, NEWER, OLDER, ident


@pytest.mark.parametrize("action", ALL, ids=lambda action: action.kind)
def test_call__each_kind__is_that_of_the_contract(action: GameAction) -> None:
    call = call_of(FakeGameL1().contracts().game, action)

    assert call.data == f"{action.kind}_call:{action.kind}".encode()
    assert action.kind in GAS_BOUNDS


def test_key__different_effects__have_different_names() -> None:
    others: list[GameAction] = [
        replace(MOVE, level=2),
        replace(CLAIM, account=EVE),
        replace(OPEN, newer=ident("third")),
        replace(TIMEOUT, key=DuelKey(older=OLDER, newer=NEWER, commitments=(OLDER, NEWER))),
    ]

    keys = [key_of(action) for action in [*ALL, *others]]

    assert not [pair for pair in combinations(keys, 2) if pair[0] == pair[1]]


def test_key__same_effect__has_one_name() -> None:
    assert key_of(replace(OPEN, level=0, reveal=None)) == key_of(OPEN)
    assert key_of(replace(PROVE, witness=b"another")) == key_of(PROVE)


@pytest.mark.parametrize("action", ALL, ids=lambda action: action.kind)
def test_describe__each_kind__names_dispute_and_siblings(action: GameAction) -> None:
    values = describe(replace(action, reason="why"))

    assert dispute_of(action) == DISPUTE
    assert values["dispute"] == "0x" + DISPUTE.hex()
    assert (values["older"], values["newer"]) == ("0x" + OLDER.hex(), "0x" + NEWER.hex())
    assert (values["action"], values["reason"]) == (action.kind, "why")
    assert values["deadline"] == action.deadline


@pytest.mark.parametrize("action", ALL, ids=lambda action: action.kind)
def test_describe__names__are_not_those_of_a_log_line(action: GameAction) -> None:
    assert describe(action).keys().isdisjoint({"event", "level", "timestamp", "logger", "effect"})


def test_describe__what_matters__is_told() -> None:
    assert "duel" not in describe(MOVE)
    assert describe(DUEL_MOVE)["duel"] == describe(START)["duel"] == describe(PROVE)["duel"]
    assert (describe(MOVE)["side"], describe(MOVE)["node_level"]) == ("older", 1)
    assert (describe(COMMIT)["bond_wei"], describe(FREE)["bond_wei"]) == (7, 0)
    assert describe(COMMIT)["commitment"] == "0x" + START.commitments[0].hex()
    assert describe(PROVE)["witness_bytes"] == len(PROVE.witness)
    assert describe(CLAIM)["account"] == "0x" + ALICE.hex()
    assert MOVE.key == WALK


@pytest.mark.parametrize("action", [a for a in ALL if a is not PROVE], ids=lambda action: action.kind)
def test_gas_limit__no_step__is_left_to_the_estimate(action: GameAction) -> None:
    assert gas_limit_of(FakeGameL1().contracts(), action, ident("block")) is None


def test_gas_limit__step__is_the_estimate_with_a_margin() -> None:
    contracts = FakeGameL1(gas_estimate=400_000, gas_needed=500_000).contracts()

    assert gas_limit_of(contracts, PROVE, ident("block")) == 500_000


def test_gas_limit__margin__never_lifts_it_above_the_cap() -> None:
    contracts = FakeGameL1(gas_estimate=MAX_GAS - 1).contracts()

    assert gas_limit_of(contracts, PROVE, ident("block")) == MAX_GAS


@pytest.mark.parametrize("l1", [FakeGameL1(gas_needed=8_500_000), FakeGameL1(gas_estimate=0)])
def test_attack__precompile_step_estimated_by_gas_used__still_gets_what_it_must_forward(
    l1: FakeGameL1,
) -> None:
    assert gas_limit_of(l1.contracts(), PROVE, ident("block")) == MAX_GAS
