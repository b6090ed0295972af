"""Rows of the chain database to values and back, in the column order of `migrations/`."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from optimistic.node.chain_records import Batch, Block, StoredAssertion
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Unit
from optimistic.service.database import Row

T = TypeVar("T", Unit, BatchRecord)


def struct_to_json(value: Unit | BatchRecord) -> str:
    """Write a struct of ints and byte strings as JSON: bytes as hex."""
    return json.dumps(
        {
            item.name: part.hex() if isinstance(part := getattr(value, item.name), bytes) else part
            for item in fields(value)
        }
    )


def struct_from_json(kind: type[T], text: str) -> T:
    """Read what `struct_to_json` wrote."""
    values: Mapping[str, int | str] = json.loads(text)
    parsed: dict[str, Any] = {
        name: bytes.fromhex(part) if isinstance(part, str) else part for name, part in values.items()
    }
    return kind(**parsed)


def block_from_row(row: Row) -> Block:
    """Read a row of table `blocks`."""
    return Block(
        number=row[0],
        hash=Hash32(row[1]),
        parent_hash=Hash32(row[2]),
        timestamp=row[3],
        state_root=Hash32(row[4]),
        receipts_acc=Hash32(row[5]),
        prev_randao=Hash32(row[6]),
        gas_used=row[7],
        logs_bloom=row[8],
        deposit_cursor=row[9],
        n_transactions=row[10],
        size_bytes=row[11],
        general_gas=row[12],
        system_gas=row[13],
        general_demand=row[14],
        system_demand=row[15],
    )


def block_to_row(block: Block) -> Row:
    """Write a row of table `blocks`."""
    return tuple(getattr(block, item.name) for item in fields(block))


def batch_from_row(row: Row) -> Batch:
    """Read a row of table `batches`."""
    return Batch(
        index=row[0],
        acc=Hash32(row[1]),
        record=struct_from_json(BatchRecord, row[2]),
        data_hash=Hash32(row[3]),
        l1_block_number=row[4],
        l1_block_hash=Hash32(row[5]),
        first_block=row[6],
        last_block=row[7],
        n_units=row[8],
        boundary_unit=struct_from_json(Unit, row[9]),
    )


def batch_to_row(batch: Batch) -> Row:
    """Write a row of table `batches`."""
    return (
        batch.index,
        batch.acc,
        struct_to_json(batch.record),
        batch.data_hash,
        batch.l1_block_number,
        batch.l1_block_hash,
        batch.first_block,
        batch.last_block,
        batch.n_units,
        struct_to_json(batch.boundary_unit),
    )


def deposit_from_row(row: Row) -> Deposit:
    """Read columns sender to l1_timestamp of table `deposits`."""
    return Deposit(
        sender=Address(row[0]),
        is_create=bool(row[1]),
        to=Address(row[2]),
        mint=int(row[3]),
        value=int(row[4]),
        gas_limit=row[5],
        data=row[6],
        l1_timestamp=row[7],
    )


def deposit_to_row(deposit: Deposit) -> Row:
    """Write columns sender to l1_timestamp of table `deposits`."""
    return (
        deposit.sender,
        int(deposit.is_create),
        deposit.to,
        str(deposit.mint),
        str(deposit.value),
        deposit.gas_limit,
        deposit.data,
        deposit.l1_timestamp,
    )


def assertion_from_row(row: Row) -> StoredAssertion:
    """Read a row of table `assertions`."""
    return StoredAssertion(
        id=Hash32(row[0]),
        parent=Hash32(row[1]),
        seq=row[2],
        poster=Address(row[3]),
        from_batch=row[4],
        to_batch=row[5],
        acc=Hash32(row[6]),
        unit_root=Hash32(row[7]),
        end_leaf=Hash32(row[8]),
        children_root=Hash32(row[9]),
        l1_timestamp=row[10],
        l1_block_number=row[11],
        confirmed=row[12] is not None,
        dead=row[13] is not None,
    )
