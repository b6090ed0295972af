"""The ``rollup_*`` methods: where the chain stands on L1, and proofs for the bridge."""

from typing import Final

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import Batch, Block, StoredAssertion
from optimistic.node.rpc.blocks import require_block
from optimistic.node.rpc.codec import (
    MalformedValue,
    data,
    parse_bool,
    parse_hash,
    parse_quantity,
    quantity,
)
from optimistic.node.rpc.formatting import Json
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.ports import TransactionPool
from optimistic.node.rpc.registry import MethodTable, light
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Hash32

_LATEST: Final = "latest"
_CONFIRMED: Final = "confirmed"
_MAX_ASSERTIONS: Final = 100
_MAX_INDEX: Final = 2**32 - 1


class Rollup:
    """State of batches and assertions as this node derived it from L1.

    Parameters
    ----------
    reader : the chain
    pool : transactions that wait
    rollup : the rollup's parameters
    """

    def __init__(self, reader: ChainReader, pool: TransactionPool, rollup: RollupParams) -> None:
        self._reader = reader
        self._pool = pool
        self._rollup = rollup
        self._config_hash = rollup.config_hash()

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "rollup_status": light(self.status),
            "rollup_batch": light(self.batch),
            "rollup_batchOfBlock": light(self.batch_of_block),
            "rollup_assertion": light(self.assertion),
            "rollup_assertions": light(self.assertions),
            "rollup_deriveCursor": light(self.derive_cursor),
        }

    def status(self, params: Params) -> Json:
        """``rollup_status``: heads, L1 position, batches, assertions, waiting transactions."""
        params.at_most(0)
        pending, queued = self._pool.counts()
        with self._reader.snapshot():
            heads = self._reader.heads()
            confirmed = self._reader.latest_confirmed_assertion()
            newest = next(iter(self._reader.assertions(limit=1)), None)
            return {
                "l1ChainId": quantity(self._rollup.l1_chain_id),
                "l2ChainId": quantity(self._rollup.l2_chain_id),
                "configHash": data(self._config_hash),
                "unsafe": _head_json(heads.unsafe),
                "safe": _head_json(heads.safe),
                "finalized": _head_json(heads.finalized),
                "l1": self._cursor_json(),
                "batchCount": quantity(self._reader.batch_count()),
                "latestAssertion": None if newest is None else _assertion_json(newest),
                "confirmedAssertion": None if confirmed is None else _assertion_json(confirmed),
                "txpool": {"pending": quantity(pending), "queued": quantity(queued)},
            }

    def batch(self, params: Params) -> Json | None:
        """``rollup_batch``: a derived batch by index or "latest", with its data if asked."""
        params.at_most(2)
        index = params.optional(0, _parse_batch_index, None)
        with_data = params.optional(1, parse_bool, False)
        with self._reader.snapshot():
            batch = self._reader.latest_batch() if index is None else self._reader.batch(index)
            if batch is None:
                return None
            posted = self._reader.batch_data(batch.index) if with_data else None
        result = _batch_json(batch)
        return result if posted is None else {**result, "data": data(posted)}

    def batch_of_block(self, params: Params) -> Json | None:
        """``rollup_batchOfBlock``: the batch that carried a block, null while the block is unsafe."""
        params.at_most(1)
        with self._reader.snapshot():
            block = require_block(self._reader, params.block_id(0))
            batch = self._reader.batch_of_block(block.number)
        return None if batch is None else _batch_json(batch)

    def assertion(self, params: Params) -> Json | None:
        """``rollup_assertion``: an assertion by id, "latest" or "confirmed"."""
        params.at_most(1)
        wanted = params.optional(0, _parse_assertion, _LATEST)
        if isinstance(wanted, bytes):
            found = self._reader.assertion(Hash32(wanted))
        elif wanted == _CONFIRMED:
            found = self._reader.latest_confirmed_assertion()
        else:
            found = next(iter(self._reader.assertions(limit=1)), None)
        return None if found is None else _assertion_json(found)

    def assertions(self, params: Params) -> list[Json]:
        """``rollup_assertions``: newest first; arguments limit and offset."""
        params.at_most(2)
        limit = params.optional(0, _parse_index, _MAX_ASSERTIONS)
        offset = params.optional(1, _parse_index, 0)
        return [
            _assertion_json(item) for item in self._reader.assertions(min(limit, _MAX_ASSERTIONS), offset)
        ]

    def derive_cursor(self, params: Params) -> Json | None:
        """``rollup_deriveCursor``: the last L1 block the node has followed."""
        params.at_most(0)
        return self._cursor_json()

    def _cursor_json(self) -> Json | None:
        cursor = self._reader.derive_cursor()
        if cursor is None:
            return None
        return {
            "number": quantity(cursor.number),
            "hash": data(cursor.hash),
            "timestamp": quantity(cursor.timestamp),
        }


def _head_json(block: Block) -> Json:
    return {
        "number": quantity(block.number),
        "hash": data(block.hash),
        "stateRoot": data(block.state_root),
        "timestamp": quantity(block.timestamp),
    }


def _batch_json(batch: Batch) -> Json:
    record = batch.record
    return {
        "index": quantity(batch.index),
        "acc": data(batch.acc),
        "dataRoot": data(record.data_root),
        "dataLen": quantity(record.data_len),
        "dataHash": data(batch.data_hash),
        "l1Timestamp": quantity(record.l1_timestamp),
        "depositStart": quantity(record.deposit_start),
        "depositEnd": quantity(record.deposit_end),
        "gasBudget": quantity(record.gas_budget),
        "systemGasBudget": quantity(record.system_gas_budget),
        "configHash": data(record.config_hash),
        "l1BlockNumber": quantity(batch.l1_block_number),
        "l1BlockHash": data(batch.l1_block_hash),
        "firstBlock": quantity(batch.first_block),
        "lastBlock": quantity(batch.last_block),
        "unitCount": quantity(batch.n_units),
        "stateRoot": data(batch.boundary_unit.state_root),
    }


def _assertion_json(assertion: StoredAssertion) -> Json:
    status = "confirmed" if assertion.confirmed else "dead" if assertion.dead else "live"
    return {
        "id": data(assertion.id),
        "parent": data(assertion.parent),
        "seq": quantity(assertion.seq),
        "poster": data(assertion.poster),
        "fromBatch": quantity(assertion.from_batch),
        "toBatch": quantity(assertion.to_batch),
        "acc": data(assertion.acc),
        "unitRoot": data(assertion.unit_root),
        "endLeaf": data(assertion.end_leaf),
        "childrenRoot": data(assertion.children_root),
        "l1Timestamp": quantity(assertion.l1_timestamp),
        "l1BlockNumber": quantity(assertion.l1_block_number),
        "status": status,
    }


def _parse_index(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INDEX:
        return value
    return parse_quantity(value, _MAX_INDEX)


def _parse_batch_index(value: object) -> int | None:
    return None if value == _LATEST else _parse_index(value)


def _parse_assertion(value: object) -> bytes | str:
    if value in (_LATEST, _CONFIRMED):
        return str(value)
    if isinstance(value, str) and not value.startswith("0x"):
        raise MalformedValue('expected an assertion id, "latest" or "confirmed"')
    return parse_hash(value)
