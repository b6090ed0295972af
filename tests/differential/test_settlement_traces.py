"""What settlement calls while it runs: the closed world (INV-21) in traces, as the bytecode says."""

import pytest

from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from scripts.staging.contract_views import call_data
from tests.bench.settlement_lane import CASES
from tests.helpers.settlement_engine import OWNER, TRADER_NUMBER, SettlementEngine
from tests.helpers.settlement_setup import key_of

CHEAP_PRECOMPILES = {number.to_bytes(20, "big") for number in (1, 2, 4)}
CLOSED_WORLD = {MESSAGE_PASSER, *SETTLEMENT_CONTRACTS.values(), *CHEAP_PRECOMPILES}


@pytest.mark.parametrize("name", CASES)
def test_trace__call_of_the_system_lane__stays_in_the_closed_world(name: str) -> None:
    world = SettlementEngine()
    contract, data = CASES[name](world)

    calls = world.views().calls(SETTLEMENT_CONTRACTS[contract], data, OWNER)

    assert {call.kind for call in calls} <= {"CALL", "STATICCALL"}
    assert {bytes(call.to) for call in calls} <= CLOSED_WORLD


def test_trace__a_withdrawal_that_leaves__goes_through_the_message_passer() -> None:
    world = SettlementEngine()
    _, trader = key_of(TRADER_NUMBER)
    _, _, account = world.trader(0, 10)
    world.act(trader, "Collateral", call_data("Collateral", "requestWithdrawal", account, 0, 1, trader))
    ready_at = world.read("Collateral", "withdrawal", 1)[4]
    world.move_to(ready_at + 1)

    release = call_data("Collateral", "release", 1)
    calls = world.views().calls(SETTLEMENT_CONTRACTS["Collateral"], release, OWNER)

    assert not calls[0].error
    assert MESSAGE_PASSER in {call.to for call in calls}
    assert {bytes(call.to) for call in calls} <= CLOSED_WORLD
