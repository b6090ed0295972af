"""Batches of one transaction each, or of many short ones, that differ in how transactions begin.

What they must leave is not said here, only which are invalid: two engines and the
verifier's contracts have to agree on the rest.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.constants import MAX_INITCODE_BYTES
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_ADDRESS, Address
from tests.helpers.batch_cases import BASE_FEE, DESTROY, FEE, MADE, REVERT, RICH, SHA256, STORE, SYSTEM
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, Alloc, sign_tx
from tests.helpers.rollup import L1_TIME_S, make_deposit
from tests.helpers.stepper_batch import StepperBatch, stepper_batch
from tests.helpers.tx_cases import described, invalid_cases, items_of, sign, valid_cases

MOST: Final = (1 << 256) - 1
LEGACY_FEE: Final[Mapping[str, Any]] = {
    "type": None,
    "gasPrice": 3,
    "maxFeePerGas": None,
    "maxPriorityFeePerGas": None,
}
"""Fields that turn the default transaction into one of type 0; with `type` 1 into one of type 1."""
SMALL_BLOCK: Final = replace(DEVNET, block_gas_limit=50_000)
SEED: Final = 9
MUTANTS: Final = 60
"""Wrong bytes tried of each valid transaction."""
PASSED_OVER: Final = frozenset(
    {
        "gas_above_block",
        "gas_below_intrinsic_of_keys",
        "gas_below_intrinsic_of_creation",
        "gas_zero",
        "length_above_longest",
        "initcode_above_longest",
        "fee_tip_above",
        "fee_below",
        "fee_tip_of_most",
        "fee_fee_of_most",
        "fee_tip_alone_of_most",
        "pay_value_of_most",
        "pay_value_above_balance",
        "pay_value_of_balance_and_fee",
        "pay_product_wraps",
        "pay_product_wraps_for_the_richest",
        "pay_sum_wraps",
        "pay_most_of_most",
    }
)
"""Names of the batches below whose transaction is invalid."""


def batch_of(
    alloc: Mapping[Address, Alloc] | None = None, params: RollupParams = DEVNET, **fields: Any
) -> StepperBatch:
    """Return a batch of one transaction of ALICE."""
    return stepper_batch([sign_tx(**fields)], {**RICH, **(alloc or {})}, params=params)


# ----------------------------------------------------------------------------------------- access lists


def number_address(number: int) -> Address:
    """Return the address that is this number."""
    return Address(number.to_bytes(20, "big"))


def access_list(*entries: tuple[Address, Sequence[int]]) -> list[dict[str, Any]]:
    """Return an access list of addresses with slots."""
    return [
        {"address": "0x" + address.hex(), "storageKeys": [f"0x{key:064x}" for key in keys]}
        for address, keys in entries
    ]


def access_cases() -> dict[str, StepperBatch]:
    """Return transactions with access lists of all shapes."""
    shapes = [(), (0,), (1,), (4,), (5,), (9,), (8, 0, 1), (0, 1, 4, 5, 9), (60,), (1,) * 12]
    cases = {
        "_".join(map(str, shape)) or "none": access_list(
            *((number_address(0xDD << i), range(n)) for i, n in enumerate(shape))
        )
        for shape in shapes
    }
    cases["same_address_twice"] = access_list((BOB, [1, 2]), (SYSTEM, []), (SYSTEM, [3]), (BOB, [2, 1]))
    cases["same_key_often"] = access_list((CONTRACT, [7] * 6), (BOB, [7, MOST, 7]), (CONTRACT, [7, MOST]))
    cases["warm_by_rule"] = access_list(
        *((address, [0]) for address in (ALICE, BOB, DEVNET.coinbase, SHA256, ALICE))
    )
    cases["around_precompiles"] = access_list(*((number_address(number), []) for number in (0, 1, 10, 11)))
    batches = {
        f"access_{name}": batch_of(value=1, gas=300_000, accessList=entries)
        for name, entries in cases.items()
    }
    entries = cases["8_0_1"]
    batches["access_type_1"] = batch_of(**{**LEGACY_FEE, "type": 1}, accessList=entries)
    batches["access_of_creation"] = batch_of(
        to=None, data=STORE, gas=300_000, accessList=access_list((MADE, [1]), (ZERO_ADDRESS, [1]))
    )
    return batches


def access_at_any_offset() -> StepperBatch:
    """Return transactions whose access lists begin at all places of a word."""
    entries = access_list((SYSTEM, [5]))
    transactions = [sign_tx(nonce=n, gas=60_000, data=b"\1" * n, accessList=entries) for n in range(32)]
    return stepper_batch(transactions, RICH)


# ----------------------------------------------------------------------------------------- targets


def target_cases() -> dict[str, StepperBatch]:
    """Return transactions of all types to all kinds of targets."""
    made = {"to": None, "gas": 300_000}
    types: dict[str, dict[str, Any]] = {
        "type_0": dict(LEGACY_FEE),
        "type_1": {**LEGACY_FEE, "type": 1},
        "type_2": dict(FEE),
    }
    targets: dict[str, dict[str, Any]] = {
        "nobody": {"to": SYSTEM},
        "self": {"to": ALICE},
        "contract": {"to": CONTRACT, "data": b"\1" * 40},
        "creation": {**made, "data": STORE},
        "creation_of_nothing": made,
    }
    cases = {
        f"{kind}_to_{name}_{value}": batch_of(
            {CONTRACT: Alloc(nonce=1, code=STORE)}, **{**fields, **target}, value=value
        )
        for kind, fields in types.items()
        for name, target in targets.items()
        for value in (0, 3)
    }
    for number in range(12):
        target = number_address(number)
        cases[f"to_precompile_{number}"] = batch_of(to=target, value=number % 2, data=bytes(64), gas=500_000)
    cases["value_of_all"] = batch_of({ALICE: Alloc(balance=9)}, value=9)
    return cases


# ----------------------------------------------------------------------------------------- validity


def limit_cases() -> dict[str, StepperBatch]:
    """Return transactions on both sides of each bound of validity."""
    keys: dict[str, Any] = {"accessList": access_list((BOB, [1, 2]))}
    length = len(sign_tx())
    return {
        "gas_of_block": batch_of(params=SMALL_BLOCK, gas=50_000),
        "gas_above_block": batch_of(params=SMALL_BLOCK, gas=50_001),
        "gas_of_cap": batch_of(gas=DEVNET.tx_gas_cap),
        "gas_intrinsic": batch_of(gas=21_000),
        "gas_intrinsic_of_keys": batch_of(gas=27_200, **keys),
        "gas_below_intrinsic_of_keys": batch_of(gas=27_199, **keys),
        "gas_intrinsic_of_creation": batch_of(to=None, gas=53_000 + 16 * 33 + 4, data=b"\1" * 33),
        "gas_below_intrinsic_of_creation": batch_of(to=None, gas=53_000 + 16 * 33 + 3, data=b"\1" * 33),
        "gas_zero": batch_of(gas=0),
        "length_of_longest": batch_of(params=replace(DEVNET, max_tx_bytes=length)),
        "length_above_longest": batch_of(params=replace(DEVNET, max_tx_bytes=length - 1)),
        "initcode_of_longest": batch_of(to=None, gas=5_000_000, data=bytes(MAX_INITCODE_BYTES)),
        "initcode_above_longest": batch_of(to=None, gas=5_000_000, data=bytes(MAX_INITCODE_BYTES + 1)),
        "data_above_longest_initcode": batch_of(gas=5_000_000, data=bytes(MAX_INITCODE_BYTES + 1)),
    }


def fee_cases() -> dict[str, StepperBatch]:
    """Return transactions whose fees meet the base fee, the balance and the bounds of 256 bits."""
    fees = {
        "at_base_fee": (3, 0),
        "tip_capped": (3, 3),
        "tip_paid": (5, 1),
        "tip_just_paid": (5, 2),
        "tip_above": (5, 6),
        "below": (2, 2),
        "tip_of_most": (MOST, MOST),
        "fee_of_most": (MOST, 0),
        "tip_alone_of_most": (3, MOST),
    }
    cases = {
        f"fee_{name}": batch_of(params=BASE_FEE, value=1, maxFeePerGas=fee, maxPriorityFeePerGas=tip)
        for name, (fee, tip) in fees.items()
    }
    richest = {ALICE: Alloc(balance=MOST)}
    wraps: dict[str, Any] = {"gas": 1 << 16, "maxFeePerGas": 1 << 240}
    below: dict[str, Any] = {"gas": 1 << 16, "maxFeePerGas": (1 << 240) - 1, "maxPriorityFeePerGas": 1}
    return cases | {
        "pay_value_of_most": batch_of(value=MOST),
        "pay_value_above_balance": batch_of(value=ETHER + 1),
        "pay_value_of_balance": batch_of(value=ETHER),
        "pay_value_of_balance_and_fee": batch_of(value=ETHER, maxFeePerGas=1),
        "pay_product_wraps": batch_of(**wraps),
        "pay_product_wraps_for_the_richest": batch_of(richest, **wraps, value=1),
        "pay_sum_wraps": batch_of(richest, **below, value=1 << 16),
        "pay_all_there_is": batch_of(richest, **below, value=(1 << 16) - 1),
        "pay_most_of_most": batch_of(richest, gas=1 << 16, maxFeePerGas=MOST, value=MOST),
        "pay_nothing_from_nothing": stepper_batch([sign_tx()], {BOB: Alloc(balance=1)}),
    }


# ----------------------------------------------------------------------------------------- encodings


def well_formed_cases() -> dict[str, StepperBatch]:
    """Return what the decoder accepts, each signed by somebody rich whose nonce it has."""
    cases = {}
    for name, raw in valid_cases():
        fields = described(raw)
        assert fields is not None
        sender = Address(bytes.fromhex(fields["sender"][2:]))
        cases[name] = stepper_batch([raw], {sender: Alloc(balance=MOST, nonce=fields["nonce"])})
    return cases


def ill_formed_batch() -> StepperBatch:
    """Return one batch of all that the decoder refuses, from a sender who could send it."""
    good = described(sign(2, items_of(2)))
    assert good is not None
    sender = Address(bytes.fromhex(good["sender"][2:]))
    raws = [raw for _, raw in invalid_cases() if raw]  # an item without bytes would end the batch
    return stepper_batch(raws, {sender: Alloc(balance=MOST, nonce=good["nonce"])})


def mutated_batch() -> StepperBatch:
    """Return one batch of transactions of all types with some bytes wrong."""
    rng = random.Random(SEED)
    raws = [mutant for kind in range(3) for mutant in _mutants(rng, sign(kind, items_of(kind)), MUTANTS)]
    return stepper_batch(raws, RICH)


def _mutants(rng: random.Random, raw: bytes, count: int) -> Iterator[bytes]:
    """Yield versions of `raw` with a byte changed, removed, added, or with the end cut off."""
    for _ in range(count):
        place = rng.randrange(len(raw))
        byte = bytes((rng.randrange(256),))
        yield rng.choice(
            (
                raw[:place] + byte + raw[place + 1 :],
                raw[:place] + raw[place + 1 :],
                raw[:place] + byte + raw[place:],
                raw[: place + 1],
            )
        )


# ----------------------------------------------------------------------------------------- whole batches


def three_blocks() -> StepperBatch:
    """Return three blocks with deposits, transactions of all kinds, and some that are passed over."""
    deposits = [
        make_deposit(sender=BOB, to=CONTRACT, value=5, gas_limit=200_000),
        make_deposit(sender=BOB, is_create=True, to=ZERO_ADDRESS, gas_limit=500_000, data=STORE),
        make_deposit(sender=BOB, to=SHA256, gas_limit=20_999),
    ]
    calls = {"to": CONTRACT, "gas": 200_000, **FEE}
    first = (
        sign_tx(**calls, accessList=access_list((BOB, [1, 2, 3, 4, 5]), (CONTRACT, [1]))),
        sign_tx(**calls),
        b"\x02\xc0",
        sign_tx(nonce=1, to=None, gas=300_000, data=STORE + DESTROY, value=3, **FEE),
    )
    second = (
        sign_tx(nonce=2, to=SHA256, data=bytes(70), value=1, **FEE),
        sign_tx(nonce=4),
        sign_tx(nonce=3, to=create_address(BOB, 1), value=2),
        sign_tx(**{**LEGACY_FEE, "nonce": 4, "to": SYSTEM, "value": 9}),
        sign_tx(nonce=5, to=None, gas=100_000, data=REVERT, value=9, **FEE),
    )
    data = encode_batch(
        [
            BlockInput(timestamp=L1_TIME_S - 2, n_deposits=2, transactions=first),
            BlockInput(timestamp=L1_TIME_S - 1, n_deposits=0, transactions=second),
            BlockInput(timestamp=L1_TIME_S, n_deposits=1, transactions=()),
        ]
    )
    alloc = {**RICH, CONTRACT: Alloc(balance=1, nonce=1, code=STORE)}
    return stepper_batch((), alloc, deposits=deposits, data=data, params=BASE_FEE)
