"""Transactions and deposits as units: what they change, and what they leave alone."""

from typing import Any

import pytest

from optimistic.protocol.accounts import EMPTY_ACCOUNT, EMPTY_CODE_HASH, MAX_NONCE
from optimistic.protocol.constants import FEE_VAULT, MESSAGE_PASSER
from optimistic.protocol.engine import Outcome, Skip
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.execution.views import StateView
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import CONFORMANCE, DEVNET, RollupParams
from optimistic.protocol.records import Deposit, deposit_tx_hash
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address, Hash32
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, PLENTY, Alloc, make_env, make_state, sign_tx
from tests.helpers.memory_nodes import MemoryNodes

STORE_AND_LOG = bytes.fromhex("5f355f55" + "60205f5f37" + "600760205fa1" + "00")
"""sstore(0, calldata[0:32]); log1(calldata[0:32], 7)."""
REVERTER = bytes.fromhex("60015f55" + "60aa5f52" + "60205ffd")
BURNER = bytes.fromhex("60015f55fe")
CALL_BLAKE2F = bytes.fromhex("60045f5f37" + "5f5f60d55f60095afa" + "5f5500")
"""calldatacopy(0, 0, 4); sstore(0, staticcall(gas, 9, 0, 213, 0, 0))."""
RETURN_ONE_BYTE = bytes.fromhex("600160005360015ff3")
"""Initcode that deploys the code 0x01."""


def start(params: RollupParams = DEVNET, **alloc: Alloc) -> tuple[EvmEngine, MemoryNodes]:
    accounts = {
        "alice": ALICE,
        "bob": BOB,
        "contract": CONTRACT,
        "passer": MESSAGE_PASSER,
        "vault": FEE_VAULT,
    }
    given = {"alice": Alloc(balance=ETHER), **alloc}
    nodes, root = make_state({accounts[name]: value for name, value in given.items()})
    engine = EvmEngine(params, nodes, root)
    engine.begin_block(make_env(params))
    return engine, nodes


def apply(engine: EvmEngine, left: tuple[int, int] = PLENTY, **fields: Any) -> Outcome:
    outcome = engine.apply_transaction(sign_tx(**fields), left)
    assert isinstance(outcome, Outcome), outcome
    return outcome


def deposit(**fields: Any) -> Deposit:
    base: dict[str, Any] = {
        "sender": BOB,
        "is_create": False,
        "to": CONTRACT,
        "mint": 5,
        "value": 0,
        "gas_limit": 100_000,
        "data": b"",
        "l1_timestamp": 1,
    }
    return Deposit(**{**base, **fields})


# ------------------------------------------------------------------------------ transactions


def test_transfer__moves_value_and_pays_the_vault() -> None:
    engine, nodes = start()
    outcome = apply(engine, (0, 0), gas=21_000, value=7, maxFeePerGas=3, maxPriorityFeePerGas=2)
    assert (outcome.status, outcome.gas_used, outcome.execution_gas) == (1, 21_000, 0)
    assert (outcome.sender, outcome.to, outcome.nonce, outcome.effective_gas_price) == (ALICE, BOB, 0, 2)
    engine.flush()
    view = StateView(nodes, outcome.state_root)
    assert engine.state_root == outcome.state_root
    assert view.balance(BOB) == 7
    assert view.balance(FEE_VAULT) == 42_000
    assert (view.balance(ALICE), view.nonce(ALICE)) == (ETHER - 7 - 42_000, 1)


def test_attack__fee_recipient_with_code__is_paid_and_not_called() -> None:
    engine, nodes = start(vault=Alloc(code=REVERTER))
    outcome = apply(engine, gas=21_000, value=7, maxFeePerGas=3, maxPriorityFeePerGas=2)
    engine.flush()
    view = StateView(nodes, outcome.state_root)
    assert outcome.status == 1
    assert view.balance(FEE_VAULT) == 42_000
    assert view.storage(FEE_VAULT, 0) == 0


def test_transfer__zero_fee__creates_no_vault_account() -> None:
    engine, nodes = start()
    outcome = apply(engine, value=0)
    engine.flush()
    assert StateView(nodes, outcome.state_root).account(FEE_VAULT) == EMPTY_ACCOUNT
    _, expected = make_state({ALICE: Alloc(balance=ETHER, nonce=1)})
    assert outcome.state_root == expected


@pytest.mark.parametrize(
    ("fields", "left", "reason"),
    [
        ({"nonce": 1}, PLENTY, "nonce_too_high"),
        ({"chainId": 1}, PLENTY, "wrong_chain_id"),
        ({"value": 2 * ETHER}, PLENTY, "insufficient_funds"),
        ({"gas": DEVNET.tx_gas_cap + 1}, PLENTY, "gas_limit_too_high"),
        ({"gas": 20_999}, PLENTY, "intrinsic_gas_too_low"),
        ({"gas": 21_001}, (0, 10**9), "over_budget"),
        ({"gas": 21_001, "to": MESSAGE_PASSER}, (10**9, 0), "over_budget"),
    ],
)
def test_transaction__invalid__is_skipped_and_changes_nothing(
    fields: dict[str, Any], left: tuple[int, int], reason: str
) -> None:
    engine, _ = start()
    before = engine.state_root
    assert engine.apply_transaction(sign_tx(**fields), left) == Skip(reason=reason)
    assert engine.state_root == before
    assert engine.account(ALICE).nonce == 0


def test_transaction__garbage__is_skipped() -> None:
    engine, _ = start()
    for raw in (b"", b"\x00", b"\xff" * 100, sign_tx()[:-1]):
        assert isinstance(engine.apply_transaction(raw, PLENTY), Skip)


def test_transaction__code__stores_and_logs() -> None:
    engine, nodes = start(contract=Alloc(nonce=1, code=STORE_AND_LOG))
    outcome = apply(engine, to=CONTRACT, data=(9).to_bytes(32, "big"))
    engine.flush()
    assert outcome.status == 1
    assert outcome.logs[0].address == CONTRACT
    assert outcome.logs[0].topics == (Hash32((7).to_bytes(32, "big")),)
    assert outcome.logs[0].data == (9).to_bytes(32, "big")
    assert StateView(nodes, outcome.state_root).storage(CONTRACT, 0) == 9
    assert outcome.execution_gas == outcome.gas_used - 21_000 - 31 * 4 - 16


@pytest.mark.parametrize(("code", "uses_all", "output"), [(REVERTER, False, 32), (BURNER, True, 0)])
def test_transaction__failing_code__keeps_nonce_and_fee_only(
    code: bytes, uses_all: bool, output: int
) -> None:
    engine, nodes = start(contract=Alloc(nonce=1, code=code))
    outcome = apply(engine, to=CONTRACT, value=3, maxFeePerGas=1, maxPriorityFeePerGas=1)
    engine.flush()
    view = StateView(nodes, outcome.state_root)
    assert outcome.status == 0
    assert (outcome.gas_used == 100_000) is uses_all
    assert len(outcome.output) == output
    assert view.balance(ALICE) == ETHER - outcome.gas_used
    assert view.storage(CONTRACT, 0) == 0
    assert view.balance(CONTRACT) == 0


def test_transaction__create__deploys_at_the_nonce_address() -> None:
    engine, nodes = start()
    outcome = apply(engine, to=None, data=RETURN_ONE_BYTE)
    engine.flush()
    address = create_address(ALICE, 0)
    assert outcome.contract_address == address
    assert StateView(nodes, outcome.state_root).code(address) == b"\x01"
    assert StateView(nodes, outcome.state_root).nonce(address) == 1


@pytest.mark.parametrize(("size", "status"), [(49_152, 1), (49_153, 0)])
def test_transaction__create_opcode__oversized_initcode_halts_whatever_the_balance(
    size: int, status: int
) -> None:
    create_beyond_balance = b"\x61" + size.to_bytes(2, "big") + bytes.fromhex("5f6001f000")
    engine, _ = start(contract=Alloc(nonce=1, code=create_beyond_balance))
    assert apply(engine, to=CONTRACT, gas=200_000).status == status


def test_transaction__clearing_storage__deletes_the_slot_and_refunds() -> None:
    engine, _ = start(contract=Alloc(nonce=1, code=STORE_AND_LOG, storage={0: 5}))
    outcome = apply(engine, to=CONTRACT, data=bytes(32))
    _, expected = make_state(
        {ALICE: Alloc(balance=ETHER, nonce=1), CONTRACT: Alloc(nonce=1, code=STORE_AND_LOG)}
    )
    assert outcome.state_root == expected


def test_transactions__state_read_cold_or_warm__same_roots() -> None:
    engine, nodes = start(contract=Alloc(nonce=1, code=STORE_AND_LOG))
    for nonce in range(4):
        outcome = apply(engine, nonce=nonce, to=CONTRACT, data=bytes(31) + bytes((nonce + 1,)))
        engine.flush()
        cold = EvmEngine(DEVNET, nodes, engine.state_root)
        assert cold.account(ALICE) == engine.account(ALICE)
        assert StateView(nodes, outcome.state_root).storage(CONTRACT, 0) == nonce + 1


@pytest.mark.parametrize(
    ("params", "rounds", "succeeds"),
    [(DEVNET, 1 << 21, True), (DEVNET, (1 << 21) + 1, False), (CONFORMANCE, (1 << 21) + 1, True)],
)
def test_transaction__precompile_around_the_price_cap__fails_above_it(
    params: RollupParams, rounds: int, succeeds: bool
) -> None:
    engine, nodes = start(params, contract=Alloc(nonce=1, code=CALL_BLAKE2F))
    data, chain_id = rounds.to_bytes(4, "big"), params.l2_chain_id
    outcome = apply(engine, to=CONTRACT, gas=4_000_000, data=data, chainId=chain_id)
    engine.flush()
    assert outcome.status == 1
    assert StateView(nodes, outcome.state_root).storage(CONTRACT, 0) == int(succeeds)
    assert (outcome.gas_used > 3_900_000) is not succeeds


# ------------------------------------------------------------------------------ deposits


def test_deposit__call__mints_then_runs_without_a_fee() -> None:
    engine, nodes = start(contract=Alloc(nonce=1, code=STORE_AND_LOG))
    entry = deposit(mint=10, value=4, data=(9).to_bytes(32, "big"))
    outcome = engine.apply_deposit(3, entry)
    engine.flush()
    view = StateView(nodes, outcome.state_root)
    assert (outcome.status, outcome.execution_gas, outcome.effective_gas_price) == (1, 0, 0)
    assert outcome.tx_hash == deposit_tx_hash(3, entry)
    assert (view.balance(BOB), view.nonce(BOB)) == (6, 1)
    assert (view.balance(CONTRACT), view.storage(CONTRACT, 0)) == (4, 9)
    assert view.account(FEE_VAULT) == EMPTY_ACCOUNT


def test_deposit__create__uses_the_nonce_before_the_bump() -> None:
    engine, nodes = start(bob=Alloc(nonce=6))
    outcome = engine.apply_deposit(0, deposit(is_create=True, to=Address(bytes(20)), data=RETURN_ONE_BYTE))
    engine.flush()
    assert outcome.contract_address == create_address(BOB, 6)
    assert StateView(nodes, outcome.state_root).code(create_address(BOB, 6)) == b"\x01"


@pytest.mark.parametrize(
    ("changes", "nonce"),
    [
        ({"value": 6}, 0),
        ({"gas_limit": 20_999}, 0),
        ({"is_create": True, "to": Address(bytes(20)), "data": bytes(49_153), "gas_limit": 8_000_000}, 0),
        ({}, MAX_NONCE),
        ({"is_create": True, "to": Address(bytes(20)), "data": RETURN_ONE_BYTE}, MAX_NONCE),
    ],
)
def test_deposit__cannot_start__keeps_mint_and_nonce(changes: dict[str, Any], nonce: int) -> None:
    engine, _ = start(bob=Alloc(nonce=nonce))
    outcome = engine.apply_deposit(0, deposit(**changes))
    assert outcome.status == 0
    assert outcome.gas_used == changes.get("gas_limit", 100_000)
    assert engine.account(BOB).balance == 5
    assert engine.account(BOB).nonce == min(nonce + 1, MAX_NONCE)


@pytest.mark.parametrize("code", [REVERTER, BURNER])
def test_deposit__failing_code__keeps_mint_and_nonce(code: bytes) -> None:
    engine, _ = start(contract=Alloc(nonce=1, code=code))
    outcome = engine.apply_deposit(0, deposit(value=5))
    assert outcome.status == 0
    _, expected = make_state(
        {
            ALICE: Alloc(balance=ETHER),
            BOB: Alloc(balance=5, nonce=1),
            CONTRACT: Alloc(nonce=1, code=code),
        }
    )
    assert outcome.state_root == expected


def test_deposit__create_on_a_taken_address__fails() -> None:
    taken = create_address(BOB, 0)
    nodes, root = make_state({taken: Alloc(nonce=1)})
    engine = EvmEngine(DEVNET, nodes, root)
    engine.begin_block(make_env())
    outcome = engine.apply_deposit(0, deposit(is_create=True, to=Address(bytes(20)), data=RETURN_ONE_BYTE))
    assert (outcome.status, outcome.gas_used) == (0, 100_000)
    assert engine.account(taken).code_hash == EMPTY_CODE_HASH


def test_deposit__from_a_contract__runs() -> None:
    engine, _ = start(bob=Alloc(nonce=1, code=STORE_AND_LOG), contract=Alloc(nonce=1, code=STORE_AND_LOG))
    assert engine.apply_deposit(0, deposit()).status == 1


# ------------------------------------------------------------------------------ blocks


def test_blockhash__only_the_last_256_blocks() -> None:
    store_hash = bytes.fromhex("5f35405f5500")
    engine, nodes = start(contract=Alloc(nonce=1, code=store_hash))
    engine.begin_block(make_env(number=300, block_hashes=lambda number: keccak256(str(number).encode())))
    for nonce, (number, known) in enumerate(
        ((44, True), (299, True), (43, False), (300, False), (2**255, False))
    ):
        outcome = apply(engine, nonce=nonce, to=CONTRACT, data=number.to_bytes(32, "big"))
        engine.flush()
        expected = int.from_bytes(keccak256(str(number).encode()), "big") if known else 0
        assert StateView(nodes, outcome.state_root).storage(CONTRACT, 0) == expected


def test_recursion__to_the_depth_limit__in_a_thread_with_a_small_stack() -> None:
    import threading

    recurse = bytes.fromhex("5f5f5f5f5f305af100")
    engine, _ = start(CONFORMANCE, contract=Alloc(nonce=1, code=recurse))
    outcomes: list[Any] = []
    previous = threading.stack_size(256 * 1024)
    try:
        raw = sign_tx(to=CONTRACT, gas=20_000_000, chainId=1)
        thread = threading.Thread(
            target=lambda: outcomes.append(engine.apply_transaction(raw, (10**9, 10**9)))
        )
        thread.start()
        thread.join()
    finally:
        threading.stack_size(previous)
    assert outcomes[0].status == 1


def test_unit__node_missing_in_the_store__raises_and_leaves_the_state() -> None:
    engine, nodes = start(contract=Alloc(nonce=1, code=STORE_AND_LOG))
    del nodes[keccak256(STORE_AND_LOG)]
    before = engine.state_root
    with pytest.raises(CriticalError):
        engine.apply_transaction(sign_tx(to=CONTRACT), PLENTY)
    assert engine.state_root == before
    assert engine.account(ALICE).nonce == 0
