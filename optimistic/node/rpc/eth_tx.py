"""Transactions: sending them and looking at those that wait."""

from optimistic.node.chain_reader import ChainReader
from optimistic.node.rpc.codec import data, parse_data, parse_hash, quantity
from optimistic.node.rpc.formatting import Json, pending_transaction_json, transaction_json
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.ports import TransactionPool
from optimistic.node.rpc.registry import MethodTable, light, reading
from optimistic.protocol.params import RollupParams


class EthTx:
    """Sending and finding transactions, and the mempool's content.

    Parameters
    ----------
    reader : the chain
    pool : the mempool
    rollup : the rollup's parameters
    """

    def __init__(self, reader: ChainReader, pool: TransactionPool, rollup: RollupParams) -> None:
        self._reader = reader
        self._pool = pool
        self._rollup = rollup

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_sendRawTransaction": reading(self.send_raw),
            "eth_getTransactionByHash": light(self.by_hash),
            "txpool_status": light(self.pool_status),
            "txpool_content": reading(self.pool_content),
        }

    def send_raw(self, params: Params) -> str:
        """``eth_sendRawTransaction``: the hash of a transaction that the node will not lose."""
        params.at_most(1)
        return data(self._pool.submit(params.required(0, parse_data)).tx.hash)

    def by_hash(self, params: Params) -> Json | None:
        """``eth_getTransactionByHash``: executed or waiting, null if unknown."""
        params.at_most(1)
        tx_hash = params.required(0, parse_hash)
        # The mempool first: a transaction that moves into a block in between is then found there.
        waiting = self._pool.get(tx_hash)
        stored = self._reader.transaction_by_hash(tx_hash)
        if stored is not None:
            return transaction_json(stored, self._rollup)
        return None if waiting is None else pending_transaction_json(waiting.tx, waiting.sender)

    def pool_status(self, params: Params) -> dict[str, str]:
        """``txpool_status``: how many transactions can run and how many wait behind a gap."""
        params.at_most(0)
        pending, queued = self._pool.counts()
        return {"pending": quantity(pending), "queued": quantity(queued)}

    def pool_content(self, params: Params) -> dict[str, dict[str, dict[str, Json]]]:
        """``txpool_content``: waiting transactions by sender and nonce."""
        params.at_most(0)
        content: dict[str, dict[str, dict[str, Json]]] = {"pending": {}, "queued": {}}
        for pooled in sorted(self._pool.waiting(), key=lambda item: (item.sender, item.tx.nonce)):
            runs = pooled.tx.nonce < self._pool.next_nonce(pooled.sender)
            senders = content["pending" if runs else "queued"]
            entry = pending_transaction_json(pooled.tx, pooled.sender)
            senders.setdefault(data(pooled.sender), {})[str(pooled.tx.nonce)] = entry
        return content
