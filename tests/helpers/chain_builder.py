"""Small chains for tests of the node: blocks that hash correctly without being executed."""

from collections.abc import Sequence

from optimistic.node.chain_records import Block, ExecutedBlock, ExecutedUnit
from optimistic.protocol.engine import Lane, Log, Outcome, next_receipts_acc
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import block_hash, prev_randao

ALICE = Address(b"\xa1" * 20)
BOB = Address(b"\xb0" * 20)


def make_log(address: Address = BOB, *topics: int, data: bytes = b"") -> Log:
    """Build a log whose topics are small numbers."""
    return Log(address=address, topics=tuple(Hash32(item.to_bytes(32, "big")) for item in topics), data=data)


def make_unit(name: str, logs: Sequence[Log] = (), deposit_index: int | None = None) -> ExecutedUnit:
    """Build a successful transfer, or a deposit, told apart by `name`."""
    raw = f"raw {name}".encode()
    outcome = Outcome(
        tx_hash=keccak256(raw),
        sender=ALICE,
        to=BOB,
        nonce=0,
        status=1,
        gas_used=21_000,
        execution_gas=0,
        lane=Lane.GENERAL,
        logs=tuple(logs),
        contract_address=None,
        output=b"",
        effective_gas_price=1,
        state_root=keccak256(b"after " + raw),
    )
    return ExecutedUnit(
        outcome=outcome, raw=b"" if deposit_index is not None else raw, deposit_index=deposit_index
    )


def make_genesis() -> Block:
    """Build block 0 of an imaginary chain."""
    return Block(
        number=0,
        hash=keccak256(b"genesis"),
        parent_hash=ZERO_HASH,
        timestamp=1_000,
        state_root=keccak256(b"genesis state"),
        receipts_acc=ZERO_HASH,
        prev_randao=ZERO_HASH,
        gas_used=0,
        logs_bloom=bytes(256),
        deposit_cursor=0,
        n_transactions=0,
        size_bytes=0,
    )


def make_block(parent: Block, *units: ExecutedUnit, timestamp: int | None = None) -> ExecutedBlock:
    """Build the block that follows `parent` and holds `units`."""
    number = parent.number + 1
    at = parent.timestamp + 1 if timestamp is None else timestamp
    acc = ZERO_HASH
    for unit in units:
        acc = next_receipts_acc(acc, unit.outcome)
    state_root = units[-1].outcome.state_root if units else parent.state_root
    block = Block(
        number=number,
        hash=block_hash(number, parent.hash, state_root, acc, at),
        parent_hash=parent.hash,
        timestamp=at,
        state_root=state_root,
        receipts_acc=acc,
        prev_randao=prev_randao(parent.hash, number),
        gas_used=sum(unit.outcome.gas_used for unit in units),
        logs_bloom=bytes(256),
        deposit_cursor=parent.deposit_cursor + sum(unit.deposit_index is not None for unit in units),
        n_transactions=len(units),
        size_bytes=sum(len(unit.raw) for unit in units),
    )
    return ExecutedBlock(block=block, units=units)


def make_deposit(mint: int = 5, l1_timestamp: int = 1_000) -> Deposit:
    """Build a deposit of `mint` wei from Alice to Bob."""
    return Deposit(
        sender=ALICE,
        is_create=False,
        to=BOB,
        mint=mint,
        value=mint,
        gas_limit=21_000,
        data=b"",
        l1_timestamp=l1_timestamp,
    )


def make_record(deposit_start: int = 0, deposit_end: int = 0, l1_timestamp: int = 2_000) -> BatchRecord:
    """Build an inbox record of an empty batch."""
    return BatchRecord(
        data_root=ZERO_HASH,
        data_len=0,
        l1_timestamp=l1_timestamp,
        deposit_start=deposit_start,
        deposit_end=deposit_end,
        gas_budget=0,
        system_gas_budget=0,
        config_hash=ZERO_HASH,
    )
