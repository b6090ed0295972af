"""Blocks and the transactions and receipts in them."""

from collections.abc import Callable

from optimistic.node.block_builder import logs_bloom
from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import Block, Receipt, StoredTransaction
from optimistic.node.rpc.block_id import BlockHashId, BlockId, parse_block_id, parse_block_number
from optimistic.node.rpc.blocks import find_block
from optimistic.node.rpc.codec import MAX_UINT64, parse_bool, parse_hash, parse_quantity, quantity
from optimistic.node.rpc.formatting import (
    Json,
    block_json,
    receipt_json,
    transaction_json,
    transaction_type,
)
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import MethodTable, light, reading
from optimistic.protocol.engine import Log
from optimistic.protocol.params import RollupParams


class EthBlocks:
    """Block, transaction and receipt queries over the stored chain.

    Parameters
    ----------
    reader : the chain
    rollup : the rollup's parameters
    """

    def __init__(self, reader: ChainReader, rollup: RollupParams) -> None:
        self._reader = reader
        self._rollup = rollup

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_blockNumber": light(self.block_number),
            "eth_getBlockByNumber": reading(self._block(parse_block_number)),
            "eth_getBlockByHash": reading(self._block(_parse_block_hash)),
            "eth_getBlockTransactionCountByNumber": light(self._count(parse_block_number)),
            "eth_getBlockTransactionCountByHash": light(self._count(_parse_block_hash)),
            "eth_getTransactionByBlockNumberAndIndex": reading(self._by_index(parse_block_number)),
            "eth_getTransactionByBlockHashAndIndex": reading(self._by_index(_parse_block_hash)),
            "eth_getUncleCountByBlockNumber": light(self._uncles(parse_block_number)),
            "eth_getUncleCountByBlockHash": light(self._uncles(_parse_block_hash)),
            "eth_getTransactionReceipt": light(self.receipt),
            "eth_getBlockReceipts": reading(self.receipts),
        }

    def block_number(self, params: Params) -> str:
        """``eth_blockNumber``."""
        params.at_most(0)
        return quantity(self._reader.heads().unsafe.number)

    def receipt(self, params: Params) -> Json | None:
        """``eth_getTransactionReceipt``; null while a transaction waits or is unknown."""
        params.at_most(1)
        tx_hash = params.required(0, parse_hash)
        with self._reader.snapshot():
            stored, receipt = self._reader.transaction_by_hash(tx_hash), self._reader.receipt(tx_hash)
        return None if stored is None or receipt is None else _receipt(stored, receipt)

    def receipts(self, params: Params) -> list[Json] | None:
        """``eth_getBlockReceipts``."""
        params.at_most(1)
        with self._reader.snapshot():
            block = find_block(self._reader, params.required(0, parse_block_id))
            if block is None:
                return None
            transactions = self._reader.transactions(block.number)
            receipts = self._reader.receipts(block.number)
        return [_receipt(stored, receipt) for stored, receipt in zip(transactions, receipts, strict=True)]

    def _block(self, parse: Callable[[object], BlockId]) -> Callable[[Params], Json | None]:
        def method(params: Params) -> Json | None:
            params.at_most(2)
            block_id, full = params.required(0, parse), params.optional(1, parse_bool, False)
            with self._reader.snapshot():
                block = find_block(self._reader, block_id)
                if block is None:
                    return None
                transactions = self._transactions(block)
            return block_json(block, transactions, self._rollup, full=full)

        return method

    def _count(self, parse: Callable[[object], BlockId]) -> Callable[[Params], str | None]:
        def method(params: Params) -> str | None:
            params.at_most(1)
            block = find_block(self._reader, params.required(0, parse))
            return None if block is None else quantity(block.n_transactions)

        return method

    def _by_index(self, parse: Callable[[object], BlockId]) -> Callable[[Params], Json | None]:
        def method(params: Params) -> Json | None:
            params.at_most(2)
            block_id = params.required(0, parse)
            index = params.required(1, lambda value: parse_quantity(value, MAX_UINT64))
            with self._reader.snapshot():
                block = find_block(self._reader, block_id)
                if block is None or index >= block.n_transactions:
                    return None
                stored = self._transactions(block)[index]
            return transaction_json(stored, self._rollup)

        return method

    def _uncles(self, parse: Callable[[object], BlockId]) -> Callable[[Params], str | None]:
        def method(params: Params) -> str | None:
            params.at_most(1)
            block = find_block(self._reader, params.required(0, parse))
            return None if block is None else quantity(0)

        return method

    def _transactions(self, block: Block) -> list[StoredTransaction]:
        return self._reader.transactions(block.number) if block.n_transactions else []


def _receipt(stored: StoredTransaction, receipt: Receipt) -> Json:
    logs = (Log(address=log.address, topics=log.topics, data=log.data) for log in receipt.logs)
    return receipt_json(receipt, transaction_type(stored), logs_bloom(logs))


def _parse_block_hash(value: object) -> BlockId:
    return BlockHashId(hash=parse_hash(value))
