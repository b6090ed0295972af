"""Parameter sets: hashing, JSON, bounds."""

from dataclasses import fields, replace
from typing import Any

import pytest

from optimistic.protocol.params import DEVNET, HIGHEST_TX_GAS_CAP, PROFILES, InvalidParams, RollupParams
from optimistic.protocol.stepper.gas import MAX_MEMORY_WORDS, memory_cost


@pytest.mark.parametrize("name", PROFILES)
def test_profile__every_one__is_valid_and_round_trips(name: str) -> None:
    params = PROFILES[name]

    params.check()

    assert RollupParams.from_json(params.to_json()) == params


@pytest.mark.parametrize("name", [field.name for field in fields(RollupParams)])
def test_config_hash__any_field_changed__differs(name: str) -> None:
    value = getattr(DEVNET, name)
    other: Any = (
        bytes(20) if isinstance(value, bytes) else not value if isinstance(value, bool) else value + 1
    )

    assert replace(DEVNET, **{name: other}).config_hash() != DEVNET.config_hash()


@pytest.mark.parametrize(
    "changes",
    [
        {"log_arity": 2},
        {"gas_burst": DEVNET.tx_gas_cap},
        {"system_gas_burst": 1 << 62},
        {"l2_chain_id": DEVNET.l1_chain_id},
        {"max_tx_bytes": 65_537},
    ],
)
def test_check__out_of_bounds__named(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidParams, match=next(iter(changes))):
        replace(DEVNET, **changes).check()


@pytest.mark.parametrize(
    "changes",
    [
        {"tx_gas_cap": (1 << 23) + 1, "gas_burst": 1 << 25, "system_gas_burst": 1 << 25},
        {"precompile_price_cap": 0},
        {"precompile_price_cap": (1 << 21) + 1},
        {"modexp_osaka": False},
    ],
)
def test_attack__steps_that_nobody_can_prove__are_not_deployed(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidParams, match=next(iter(changes))):
        replace(DEVNET, **changes).check()


def test_highest_tx_gas_cap__memory_of_the_step_machine__cannot_be_paid_for() -> None:
    assert memory_cost(MAX_MEMORY_WORDS + 1) > HIGHEST_TX_GAS_CAP


@pytest.mark.parametrize(
    "changes",
    [{"coinbase": "0x00"}, {"modexp_osaka": 1}, {"gas_rate": -1}, {"gas_rate": "x"}, {"unknown": 1}],
)
def test_from_json__bad_value__rejected(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidParams):
        RollupParams.from_json(DEVNET.to_json() | changes)


def test_from_json__missing_field__rejected() -> None:
    values = DEVNET.to_json()
    del values["airgap_s"]

    with pytest.raises(InvalidParams, match="airgap_s"):
        RollupParams.from_json(values)
