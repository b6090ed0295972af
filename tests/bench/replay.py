"""How fast batches are replayed: transfers, the worst cases of each lane, roots and proofs."""

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from eth_account import Account as Wallet

from optimistic import artifacts
from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account
from optimistic.protocol.constants import MAX_BATCH_BYTES, MESSAGE_PASSER
from optimistic.protocol.engine import BlockEnv, Outcome
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.params import DEVNET, PROFILES
from optimistic.protocol.predeploys import GenesisAccount, storage_slot
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import ZERO_HASH, Address
from tests.bench import settlement_lane
from tests.bench.corpus import Case, all_cases
from tests.helpers.memory_nodes import MemoryNodes

CORPUS_GAS: Final = 1 << 21
TARGET: Final = Address(b"\xc0" * 20)
UNBOUNDED: Final = ((1 << 60), (1 << 60))
TRANSFER_BYTES: Final = 115
"""A signed transfer with its item prefix, as the aggregator posts it."""
PUBLIC_PROFILES: Final = ("devnet", "stage1", "stage2")
SENDERS: Final = 100
TRANSFERS_PER_SENDER: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Work done in some CPU time."""

    seconds: float
    transactions: int
    gas: int


def environment() -> BlockEnv:
    """Return a block environment."""
    return BlockEnv(
        chain_id=DEVNET.l2_chain_id,
        number=1,
        timestamp=1,
        coinbase=DEVNET.coinbase,
        gas_limit=DEVNET.block_gas_limit,
        base_fee=0,
        prev_randao=ZERO_HASH,
        block_hashes=lambda _number: ZERO_HASH,
    )


def engine_with(contracts: Mapping[Address, GenesisAccount], wallets: Iterable[Address]) -> EvmEngine:
    """Return an engine on a state with these contracts and rich accounts."""
    nodes = MemoryNodes()
    leaves: dict[bytes, bytes | None] = {}
    for address, contract in contracts.items():
        nodes[keccak256(contract.code)] = contract.code
        slots = {keccak256(slot): bytes([value]) for slot, value in contract.storage.items()}
        storage_root, written = mpt.commit(nodes, EMPTY_ROOT, slots)
        nodes.update(written)
        code_hash = keccak256(contract.code)
        record = Account(nonce=1, balance=0, storage_root=storage_root, code_hash=code_hash)
        leaves[keccak256(address)] = record.encode()
    for address in wallets:
        leaves[keccak256(address)] = Account(balance=10**24).encode()
    root, written = mpt.commit(nodes, EMPTY_ROOT, leaves)
    nodes.update(written)
    engine = EvmEngine(DEVNET, nodes, root)
    engine.begin_block(environment())
    return engine


def wallet(number: int) -> Any:
    """Return a deterministic test key."""
    return Wallet.from_key(number.to_bytes(32, "big"))


def address_of(account: Any) -> Address:
    """Return a wallet's 20-byte address."""
    return Address(bytes.fromhex(account.address[2:]))


def signed(account: Any, nonce: int, *, to: Address, gas: int, data: bytes = b"", value: int = 0) -> bytes:
    """Return a signed EIP-1559 transaction."""
    fields = {
        "type": 2,
        "chainId": DEVNET.l2_chain_id,
        "nonce": nonce,
        "maxFeePerGas": 10**6,
        "maxPriorityFeePerGas": 10**6,
        "gas": gas,
        "to": to,
        "value": value,
        "data": data,
    }
    return bytes(account.sign_transaction(fields).raw_transaction)


def run(engine: EvmEngine, transactions: Iterable[bytes]) -> Measured:
    """Execute transactions, each with its state root, and measure CPU time."""
    gas = count = 0
    started = time.process_time()
    for raw in transactions:
        outcome = engine.apply_transaction(raw, UNBOUNDED)
        assert isinstance(outcome, Outcome), f"the bench sends valid transactions only: {outcome}"
        gas += outcome.gas_used
        count += 1
    return Measured(seconds=time.process_time() - started, transactions=count, gas=gas)


def transfers() -> Measured:
    """Replay signed transfers from many senders to as many receivers."""
    wallets = [wallet(1 + i) for i in range(SENDERS)]
    engine = engine_with({}, [address_of(account) for account in wallets])
    receivers = [address_of(wallet(100_000 + i)) for i in range(SENDERS)]
    raws = [
        signed(account, nonce, to=receivers[i], gas=21_000, value=1)
        for nonce in range(TRANSFERS_PER_SENDER)
        for i, account in enumerate(wallets)
    ]
    return run(engine, raws)


def worst_case(case: Case) -> Measured:
    """Run one case of the corpus until its gas is gone."""
    sender = wallet(7)
    engine = engine_with({TARGET: GenesisAccount(code=case.code)}, [address_of(sender)])
    warm_up = signed(sender, 0, to=TARGET, gas=100_000, data=case.calldata)
    run(engine, [warm_up])
    return run(engine, [signed(sender, 1, to=TARGET, gas=CORPUS_GAS, data=case.calldata)])


def messages() -> Measured:
    """Send messages through MessagePasser."""
    code = artifacts.load("MessagePasser").deployed_bytecode
    passer = GenesisAccount(code=code, storage={storage_slot(2): 1, storage_slot(3): 1})
    sender = wallet(7)
    engine = engine_with({MESSAGE_PASSER: passer}, [address_of(sender)])
    selector = keccak256(b"sendMessage(address,uint256,bytes)")[:4]
    call = selector + bytes(12) + b"\x01" * 20 + bytes(32) + (96).to_bytes(32, "big") + bytes(32)
    return run(
        engine,
        [signed(sender, n, to=MESSAGE_PASSER, gas=200_000, data=call, value=1) for n in range(500)],
    )


def deposit_lane() -> Measured:
    """Execute plain credits from the deposit queue."""
    engine = engine_with({}, [])
    deposits = [
        Deposit(
            sender=Address(i.to_bytes(20, "big")),
            is_create=False,
            to=Address((1 << 80 | i).to_bytes(20, "big")),
            mint=10,
            value=5,
            gas_limit=21_000,
            data=b"",
            l1_timestamp=1,
        )
        for i in range(1, 2_001)
    ]
    started = time.process_time()
    for index, deposit in enumerate(deposits):
        engine.apply_deposit(index, deposit)
    seconds = time.process_time() - started
    return Measured(seconds=seconds, transactions=len(deposits), gas=21_000 * len(deposits))


def root_and_proof_us(n_slots: int = 200_000, n_dirty: int = 1_000) -> dict[str, float]:
    """Measure the batched committer per dirty slot, and one storage proof, in microseconds."""
    rng = random.Random(1)
    keys = [rng.randbytes(32) for _ in range(n_slots)]
    nodes: dict[bytes, bytes] = {}
    root, written = mpt.commit(nodes, EMPTY_ROOT, dict.fromkeys(keys, b"\x01"))
    nodes.update(written)
    samples = []
    for _ in range(5):
        changes: dict[bytes, bytes | None] = {
            key: b"\x82" + rng.randbytes(2) for key in rng.sample(keys, n_dirty)
        }
        samples.append(_cpu_s(partial(mpt.commit, nodes, root, changes)))
    wanted = rng.sample(keys, 500)
    proof_s = _cpu_s(lambda: [mpt.prove(nodes, root, key) for key in wanted])
    return {
        "root_us_per_dirty_slot": sorted(samples)[2] / n_dirty * 1e6,
        "proof_us": proof_s / len(wanted) * 1e6,
    }


def _cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def ceilings() -> list[dict[str, Any]]:
    """Return, for each public profile, what bytes and gas rates allow per second."""
    rows = []
    for name in PUBLIC_PROFILES:
        params = PROFILES[name]
        rows.append(
            {
                "profile": name,
                "transfers_s_by_bytes": MAX_BATCH_BYTES / params.min_batch_interval_s / TRANSFER_BYTES,
                "general_gas_s": params.gas_rate,
                "system_gas_s": params.system_gas_rate,
                "deposit_gas_s": params.deposit_gas_rate,
            }
        )
    return rows


def measure() -> dict[str, Any]:
    """Run the whole section."""
    plain = transfers()
    deposits = deposit_lane()
    sent = messages()
    system_cases = {"message": sent.gas / sent.seconds}
    system_cases |= {name: speed.gas / speed.seconds for name, speed in settlement_lane.measure()}
    corpus = {case.name: worst_case(case) for case in all_cases()}
    slowest = min(corpus, key=lambda name: corpus[name].gas / corpus[name].seconds)
    general = corpus[slowest].gas / corpus[slowest].seconds
    system = min(system_cases.values())
    deposit = deposits.gas / deposits.seconds
    return {
        "cpus": os.cpu_count(),
        "transfers_s_per_core": plain.transactions / plain.seconds,
        "transfer_gas_s": plain.gas / plain.seconds,
        "worst_case_gas_s": {name: m.gas / m.seconds for name, m in corpus.items()},
        "system_case_gas_s": system_cases,
        "lanes_gas_s": {"general": general, "system": system, "deposit": min(deposit, general)},
        "slowest_case": slowest,
        "load_by_profile": {
            name: _load(name, general, system, plain.transactions / plain.seconds) for name in PUBLIC_PROFILES
        },
        **root_and_proof_us(),
        "ceilings": ceilings(),
    }


def _load(profile: str, general: float, system: float, transfers_s: float) -> float:
    """Return the share of a core that a hostile sequencer can keep busy; must stay below one half.

    All budgets full, plus as many transactions that need no budget as a batch's
    bytes hold. Deposits can run any code, so they are priced like the general lane.
    """
    params = PROFILES[profile]
    lanes = params.gas_rate / general + params.system_gas_rate / system + params.deposit_gas_rate / general
    plain = MAX_BATCH_BYTES / TRANSFER_BYTES / transfers_s / params.min_batch_interval_s
    return lanes + plain
