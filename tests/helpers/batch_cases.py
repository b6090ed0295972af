"""Batches that go through everything that lies around running code: items, blocks, deposits, validity, gas.

What they must leave is not said here: two engines and the proofs of every step have
to agree on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from optimistic.protocol.accounts import MAX_NONCE
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_ADDRESS, Address
from tests.helpers.assembly import asm, run
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, Alloc, sign_tx
from tests.helpers.rollup import L1_TIME_S, make_deposit
from tests.helpers.stepper_batch import StepperBatch, stepper_batch

STORE: Final = run(Op.SSTORE, 1, 7)
REVERT: Final = run(Op.MSTORE, 0, 0xBAD) + run(Op.REVERT, 0, 32)
INVALID: Final = b"\xfe"
DESTROY: Final = bytes((Op.CALLER, Op.SELFDESTRUCT))
SYSTEM: Final = Address(b"\x42" + bytes(18) + b"\x77")
IDENTITY: Final = Address(bytes(19) + b"\x04")
SHA256: Final = Address(bytes(19) + b"\x02")
PAIRING: Final = Address(bytes(19) + b"\x08")
MADE: Final = create_address(ALICE, 0)
RICH: Final = {ALICE: Alloc(balance=ETHER)}
FEE: Final[Mapping[str, Any]] = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2}
BASE_FEE: Final = replace(DEVNET, base_fee_wei=3)
SHORT: Final = replace(DEVNET, max_tx_bytes=120)
POOR_LANES: Final = {"gas_budget": 30_000, "system_gas_budget": 10_000}


def _returning(length: int, first: int = 0) -> bytes:
    """Return code that returns `length` bytes of which only the first may not be zero."""
    return run(Op.MSTORE8, 0, first) + run(Op.RETURN, 0, length)


def _destroyed(n: int) -> bytes:
    """Return code that creates n contracts that destroy themselves, and pays one of them afterwards."""
    initcode = int.from_bytes(DESTROY.ljust(32, b"\0"), "big")
    made = run(Op.MSTORE, 0, initcode) + run(Op.CREATE, 1, 0, len(DESTROY)) * n
    pay = asm(0, 0, 0, 0, 3, Op.DUP6, 9_000, Op.CALL)
    return made + pay


def _identity_view() -> bytes:
    """Return code that overwrites what a call of identity returned, then copies it back."""
    call = run(Op.CALL, 50_000, 4, 0, 0, 96, 40, 64)
    copy = run(Op.RETURNDATACOPY, 200, 0, 96)
    log = run(Op.LOG0, 0, 320)
    return run(Op.MSTORE, 0, 0xABCD) + run(Op.MSTORE, 64, 5) + call + run(Op.MSTORE, 0, 1) + copy + log


def _access_list(*keys: int) -> list[dict[str, Any]]:
    """Return an access list whose entries have these numbers of keys."""
    return [
        {
            "address": "0x" + bytes((0xD0 + at,)).hex() * 20,
            "storageKeys": [f"0x{key:064x}" for key in range(n_keys)],
        }
        for at, n_keys in enumerate(keys)
    ]


def _own_access_list(*addresses: Address) -> list[dict[str, Any]]:
    """Return an access list of accounts, each with the slot 1 twice."""
    return [{"address": "0x" + address.hex(), "storageKeys": [f"0x{1:064x}"] * 2} for address in addresses]


# --------------------------------------------------------------------------------------- batch data


def _data(*parts: bytes) -> StepperBatch:
    """Return a batch of raw parts behind the version byte."""
    return stepper_batch((), RICH, data=b"\x01" + b"".join(parts))


def _header(timestamp: int = L1_TIME_S, n_deposits: int = 0) -> bytes:
    return encode_batch([BlockInput(timestamp=timestamp, n_deposits=n_deposits, transactions=())])[1:]


def _item(raw: bytes) -> bytes:
    return b"\x02" + len(raw).to_bytes(4, "big") + raw


def data_cases() -> dict[str, StepperBatch]:
    """Return batches that differ in how they are encoded."""
    plain = sign_tx(value=5)
    rows = [make_deposit(), make_deposit(sender=BOB, mint=3)]
    return {
        "no_bytes": stepper_batch((), RICH, data=b""),
        "no_bytes_with_deposits": stepper_batch((), RICH, deposits=rows, data=b""),
        "wrong_version": stepper_batch((), RICH, data=b"\x02" + _header()),
        "wrong_version_of_a_block": stepper_batch(
            (), RICH, data=b"\x02" + _header(L1_TIME_S - 1) + _item(plain)
        ),
        "version_only": _data(),
        "header_cut_off": _data(_header()[:-1]),
        "header_is_all": _data(_header()),
        "three_blocks": _data(_header(), _header(), _item(plain), _header()),
        "transaction_before_a_block": _data(_item(plain)),
        "unknown_item": _data(_header(), b"\x03"),
        "length_cut_off": _data(_header(), b"\x02\0\0\0"),
        "length_zero": _data(_header(), _item(b""), _item(plain)),
        "length_beyond": _data(_header(), _item(plain)[:-1]),
        "late_block": _data(_header(L1_TIME_S + 1)),
        "early_block": _data(_header(5), _header(L1_TIME_S - 1), _header(L1_TIME_S - 2)),
        "deposits_named": stepper_batch((), RICH, deposits=rows, data=b"\x01" + _header(n_deposits=9)),
        "deposits_left": stepper_batch((), RICH, deposits=rows, data=b"\x01" + _header(n_deposits=1)),
        "too_long": stepper_batch([sign_tx(data=b"\1" * 90), plain], RICH, params=SHORT),
    }


# ----------------------------------------------------------------------------------------- validity


def _one(alloc: Mapping[Address, Alloc] | None = None, **fields: Any) -> StepperBatch:
    """Return a batch of one transaction."""
    return stepper_batch([sign_tx(**fields)], {**RICH, **(alloc or {})})


def validity_cases() -> dict[str, StepperBatch]:
    """Return transactions that are skipped, each followed by nothing."""
    code = {ALICE: Alloc(balance=ETHER, code=b"\0")}
    tired = {ALICE: Alloc(balance=ETHER, nonce=MAX_NONCE)}
    dear = {"gas": 50_000, "maxFeePerGas": 10, "value": 7}
    return {
        "no_transaction": stepper_batch([b"\x02\xc0", b"\x05", b"\xc0", bytes(9)], RICH),
        "wrong_chain": _one(chainId=1),
        "sender_has_code": _one(code),
        "sender_absent": stepper_batch([sign_tx()], {BOB: Alloc(balance=1)}),
        "nonce_low": _one({ALICE: Alloc(balance=ETHER, nonce=2)}, nonce=1),
        "nonce_high": _one(nonce=1),
        "nonce_last": _one(tired, nonce=MAX_NONCE),
        "gas_limit_above_cap": _one(gas=DEVNET.tx_gas_cap + 1),
        "tip_above_cap": _one(maxFeePerGas=1, maxPriorityFeePerGas=2),
        "below_base_fee": stepper_batch([sign_tx(maxFeePerGas=2)], RICH, params=BASE_FEE),
        "below_intrinsic": _one(gas=20_999),
        "initcode_too_long": _one(to=None, data=bytes(49_153), gas=5_000_000),
        "cannot_pay": _one({ALICE: Alloc(balance=500_006)}, **dear),
        "can_just_pay": _one({ALICE: Alloc(balance=500_007)}, **dear),
        "over_budget": stepper_batch(
            [sign_tx(gas=51_001), sign_tx(gas=51_000), sign_tx(gas=51_000, nonce=1)], RICH, record=POOR_LANES
        ),
        "over_system_budget": stepper_batch(
            [sign_tx(to=SYSTEM, gas=31_001), sign_tx(to=SYSTEM, gas=31_000)], RICH, record=POOR_LANES
        ),
        "lanes_run_dry": stepper_batch(
            [sign_tx(to=CONTRACT, gas=51_000), sign_tx(to=CONTRACT, gas=51_000, nonce=1)],
            {**RICH, CONTRACT: Alloc(code=STORE)},
            record=POOR_LANES,
        ),
    }


# ----------------------------------------------------------------------------------- transactions


def _call(code: bytes, params: RollupParams = DEVNET, **fields: Any) -> StepperBatch:
    """Return a transaction that runs code at CONTRACT."""
    alloc = {**RICH, CONTRACT: Alloc(balance=50, nonce=1, code=code, storage={1: 7, 2: 8})}
    return stepper_batch([sign_tx(to=CONTRACT, gas=1_000_000, **fields)], alloc, params=params)


def transaction_cases() -> dict[str, StepperBatch]:
    """Return transactions that begin and end in every way."""
    clear = run(Op.SSTORE, 1, 0) + run(Op.SSTORE, 2, 0)
    read = b"".join(run(Op.SLOAD, slot) for slot in (1, 2)) + run(Op.BALANCE, 0xD0)
    return {
        "transfer_to_nobody": _one(value=5, **FEE),
        "transfer_of_nothing": _one(**FEE),
        "transfer_to_self": _one(to=ALICE, value=5, **FEE),
        "transfer_to_coinbase": _one(to=DEVNET.coinbase, value=5, **FEE),
        "types_0_and_1": stepper_batch(
            [
                sign_tx(type=None, gasPrice=3, maxFeePerGas=None, maxPriorityFeePerGas=None),
                sign_tx(type=1, nonce=1, gasPrice=3, maxFeePerGas=None, maxPriorityFeePerGas=None),
            ],
            RICH,
        ),
        "fee_above_base_fee": _call(STORE, BASE_FEE, **FEE),
        "fee_at_base_fee": _call(STORE, BASE_FEE, maxFeePerGas=3),
        "refund": _call(clear, **FEE),
        "revert": _call(REVERT, value=3, **FEE),
        "invalid": _call(INVALID, value=3, **FEE),
        "sender_is_coinbase": _call(STORE, replace(DEVNET, coinbase=ALICE), **FEE),
        "calldata": _call(run(Op.CALLDATACOPY, 3, 1, 99) + run(Op.LOG1, 0, 70, 5), data=bytes(range(80))),
        "access_empty_entry": _call(read, accessList=_access_list(0)),
        "access_five_keys": _call(read, accessList=_access_list(5, 0, 4)),
        "access_many": _call(read, accessList=_access_list(9, 1, 0, 0, 12)),
        "access_by_rule": _call(
            read, accessList=_own_access_list(ALICE, CONTRACT, DEVNET.coinbase, SHA256, BOB, BOB)
        ),
        "access_then_transfer": _one(value=2, accessList=_access_list(1)),
        "access_then_create": _one(to=None, data=STORE, gas=200_000, accessList=_own_access_list(MADE)),
        "identity": _one(to=IDENTITY, value=1, data=b"abc" * 20),
        "sha256": _one(to=SHA256, data=bytes(99)),
        "pairing_refused": _one(to=PAIRING, data=bytes(99), value=4),
        "pairing_out_of_gas": _one(to=PAIRING, data=bytes(192)),
        "destroyed": _call(_destroyed(1), **FEE),
        "destroyed_thrice": _call(_destroyed(3), **FEE),
        "destroyed_and_reverted": _call(_destroyed(2) + REVERT, **FEE),
        "identity_view": _call(_identity_view()),
    }


def creation_cases() -> dict[str, StepperBatch]:
    """Return transactions that create a contract."""
    there = {
        "nonce": Alloc(nonce=1),
        "code": Alloc(code=b"\0"),
        "storage": Alloc(balance=1, storage={1: 1}),
        "balance": Alloc(balance=5),
    }
    initcodes = {
        "empty": b"",
        "store": STORE + _returning(40),
        "revert": STORE + REVERT,
        "invalid": INVALID,
        "destroy": DESTROY,
        "reserved_byte": _returning(3, 0xEF),
        "longest": _returning(24_576),
        "too_long": _returning(24_577),
    }
    cases = {
        f"create_{name}_{value}": _one(to=None, data=code, gas=6_000_000, value=value, **FEE)
        for name, code in initcodes.items()
        for value in (0, 4)
    }
    for name, alloc in there.items():
        cases[f"create_taken_by_{name}"] = _one({MADE: alloc}, to=None, data=STORE, gas=200_000, value=1)
    cases["create_longest_initcode"] = _one(to=None, data=bytes(49_152), gas=5_000_000)
    cases["create_cannot_pay_deposit"] = _one(to=None, data=_returning(100), gas=56_000)
    return cases


# --------------------------------------------------------------------------------------- deposits


def _deposits(rows: Sequence[Deposit], alloc: Mapping[Address, Alloc] | None = None) -> StepperBatch:
    return stepper_batch((), {CONTRACT: Alloc(nonce=1, code=STORE), **(alloc or {})}, deposits=rows)


def deposit_cases() -> dict[str, StepperBatch]:
    """Return deposits that run, fail, or cannot start."""
    one = make_deposit(sender=BOB, to=CONTRACT, mint=9, gas_limit=200_000)
    made = {"is_create": True, "to": ZERO_ADDRESS, "gas_limit": 6_000_000}
    singles: dict[str, tuple[dict[str, Any], dict[Address, Alloc]]] = {
        "call": ({"value": 4}, {}),
        "call_to_self": ({"to": BOB, "value": 4}, {}),
        "call_with_data": ({"data": b"\1" * 70}, {}),
        "call_precompile": ({"to": SHA256, "data": bytes(40)}, {}),
        "call_reverts": ({"value": 4}, {CONTRACT: Alloc(code=REVERT)}),
        "call_out_of_gas": ({"gas_limit": 22_000}, {}),
        "call_system": ({"to": SYSTEM}, {}),
        "no_mint": ({"mint": 0}, {}),
        "value_above_balance": ({"value": 10}, {}),
        "value_of_old_balance": ({"value": 10}, {BOB: Alloc(balance=1)}),
        "gas_below_intrinsic": ({"gas_limit": 20_999}, {}),
        "last_nonce": ({}, {BOB: Alloc(nonce=MAX_NONCE)}),
        "nonce_before_last": ({}, {BOB: Alloc(nonce=MAX_NONCE - 1)}),
        "create": ({**made, "data": STORE + _returning(3), "value": 2}, {}),
        "create_taken": ({**made, "data": STORE}, {create_address(BOB, 0): Alloc(nonce=1)}),
        "create_empty": (made, {}),
        "create_longest_initcode": ({**made, "data": bytes(49_152)}, {}),
        "create_initcode_too_long": ({**made, "data": bytes(49_153)}, {}),
        "create_destroys": ({**made, "data": DESTROY, "value": 3}, {}),
    }
    cases = {name: _deposits([replace(one, **changes)], alloc) for name, (changes, alloc) in singles.items()}
    cases["three"] = _deposits([one, replace(one, value=3), replace(one, to=BOB)])
    return {f"deposit_{name}": batch for name, batch in cases.items()}


def batch_cases() -> dict[str, StepperBatch]:
    """Return all batches by name."""
    return {
        **data_cases(),
        **validity_cases(),
        **transaction_cases(),
        **creation_cases(),
        **deposit_cases(),
    }
