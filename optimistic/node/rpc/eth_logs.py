"""``eth_getLogs``."""

from typing import Final

from optimistic.node.chain_reader import ChainReader, TooManyLogs
from optimistic.node.chain_records import LogFilter
from optimistic.node.rpc.blocks import block_number
from optimistic.node.rpc.errors import invalid_params, limit_exceeded, server_error
from optimistic.node.rpc.formatting import log_json
from optimistic.node.rpc.log_query import LogQuery, parse_log_query
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import MethodTable, reading

_UNKNOWN_BLOCK: Final = "unknown block"


class EthLogs:
    """Log queries over stored blocks.

    Parameters
    ----------
    reader : the chain
    limits : bounds on ranges and results
    """

    def __init__(self, reader: ChainReader, limits: RpcLimits) -> None:
        self._reader = reader
        self._limits = limits

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {"eth_getLogs": reading(self.get_logs)}

    def get_logs(self, params: Params) -> list[object]:
        """``eth_getLogs``."""
        params.at_most(1)
        return self.query(
            params.required(0, lambda value: parse_log_query(value, self._limits.max_log_topics))
        )

    def query(self, query: LogQuery) -> list[object]:
        """Every stored log that `query` matches, in chain order.

        Raises
        ------
        RpcError : an unknown block hash, a reversed or too wide range, too many results.
        """
        with self._reader.snapshot():
            first, last = self._range(query)
            wanted = LogFilter(
                from_block=first, to_block=last, addresses=query.addresses, topics=query.topics
            )
            try:
                logs = self._reader.logs(wanted, self._limits.max_log_results) if first <= last else []
            except TooManyLogs as exc:
                raise limit_exceeded(str(exc)) from exc
        return [log_json(log, removed=False) for log in logs]

    def _range(self, query: LogQuery) -> tuple[int, int]:
        if query.block_hash is not None:
            block = self._reader.block_by_hash(query.block_hash)
            if block is None:
                raise server_error(_UNKNOWN_BLOCK)
            return block.number, block.number
        first, last = block_number(self._reader, query.from_block), block_number(self._reader, query.to_block)
        if first > last:
            raise invalid_params("invalid block range params")
        last = min(last, self._reader.heads().unsafe.number)
        if last - first >= self._limits.max_log_blocks:
            raise limit_exceeded(f"exceed maximum block range: {self._limits.max_log_blocks}")
        return min(first, last + 1), last
