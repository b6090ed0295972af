"""Builders of rollup values with sensible defaults."""

from collections.abc import Sequence
from dataclasses import replace

from optimistic.protocol import wordtree
from optimistic.protocol.derivation import BatchReplay, RollupState, UnitResult
from optimistic.protocol.genesis import Genesis, build_genesis
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.predeploys import SystemCode, genesis_accounts
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import Address
from tests.helpers.toy_engine import ToyEngine

L1_TIME_S = 1_700_000_000
BRIDGE = Address(b"\xbb" * 20)
ALICE = Address(b"\xa1" * 20)


def make_genesis(params: RollupParams = DEVNET) -> Genesis:
    """A genesis whose contracts are single opcodes."""
    code = SystemCode(message_passer=b"\x00", fee_vault=b"\x5b", create2_factory=b"\xfe", multicall3=b"\x5f")
    accounts = genesis_accounts(
        code, l1_chain_id=params.l1_chain_id, bridge=BRIDGE, fee_recipient=Address(b"\xfe" * 20)
    )
    return build_genesis(params, accounts)


def make_deposit(**changes: object) -> Deposit:
    """A plain credit of one ether to Alice."""
    deposit = Deposit(
        sender=ALICE,
        is_create=False,
        to=ALICE,
        mint=10**18,
        value=0,
        gas_limit=21_000,
        data=b"",
        l1_timestamp=L1_TIME_S - 5,
    )
    return replace(deposit, **changes)  # type: ignore[arg-type]


def make_record(start: RollupState, data: bytes, n_deposits: int = 0, **changes: object) -> BatchRecord:
    """The record an inbox would write for `data` behind `start`."""
    record = BatchRecord(
        data_root=wordtree.root(data),
        data_len=len(data),
        l1_timestamp=L1_TIME_S,
        deposit_start=start.unit.deposit_cursor,
        deposit_end=start.unit.deposit_cursor + n_deposits,
        gas_budget=10_000_000,
        system_gas_budget=10_000_000,
        config_hash=DEVNET.config_hash(),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def replay_toy(
    start: RollupState, data: bytes, deposits: Sequence[Deposit] = (), **changes: object
) -> tuple[list[UnitResult], RollupState, ToyEngine]:
    """Replay one batch on the toy engine: its units, the end state, the engine."""
    engine = ToyEngine(start.unit.state_root)
    record = make_record(start, data, len(deposits), **changes)
    replay = BatchReplay(DEVNET, start, record, data, deposits, engine)
    return list(replay), replay.state, engine
