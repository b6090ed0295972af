"""What to pay: gas price, tip, fee history. The base fee is constant."""

from collections.abc import Sequence
from typing import Final

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import Block
from optimistic.node.rpc.block_id import BlockTag, parse_block_number
from optimistic.node.rpc.blocks import require_block
from optimistic.node.rpc.codec import MAX_UINT64, MalformedValue, parse_list, parse_quantity, quantity
from optimistic.node.rpc.errors import invalid_params
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.ports import TransactionPool
from optimistic.node.rpc.registry import MethodTable, light, reading
from optimistic.protocol.params import RollupParams

_MAX_PERCENTILES: Final = 100


class EthFees:
    """Fee methods.

    Parameters
    ----------
    reader : the chain
    pool : knows the least tip that is taken
    rollup : the rollup's parameters
    limits : bounds on histories
    """

    def __init__(
        self, reader: ChainReader, pool: TransactionPool, rollup: RollupParams, limits: RpcLimits
    ) -> None:
        self._reader = reader
        self._pool = pool
        self._rollup = rollup
        self._limits = limits

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_gasPrice": light(self.gas_price),
            "eth_maxPriorityFeePerGas": light(self.tip),
            "eth_feeHistory": reading(self.fee_history),
        }

    def gas_price(self, params: Params) -> str:
        """``eth_gasPrice``: base fee and the tip the node asks for."""
        params.at_most(0)
        return quantity(self._rollup.base_fee_wei + self._pool.min_tip_wei())

    def tip(self, params: Params) -> str:
        """``eth_maxPriorityFeePerGas``: the tip the node asks for."""
        params.at_most(0)
        return quantity(self._pool.min_tip_wei())

    def fee_history(self, params: Params) -> dict[str, object]:
        """``eth_feeHistory``: fullness of blocks and percentiles of the tips paid in them."""
        params.at_most(3)
        count = min(params.required(0, _parse_count), self._limits.max_fee_history_blocks)
        newest_id = params.optional(1, parse_block_number, BlockTag.LATEST)
        percentiles: list[float] = params.optional(2, _parse_percentiles, [])
        with self._reader.snapshot():
            newest = require_block(self._reader, newest_id)
            blocks = self._reader.blocks(max(0, newest.number - count + 1), newest.number) if count else []
            rewards = [self._rewards(block, percentiles) for block in blocks] if percentiles else None
        result: dict[str, object] = {
            "oldestBlock": quantity(blocks[0].number if blocks else newest.number),
            "baseFeePerGas": [quantity(self._rollup.base_fee_wei)] * (len(blocks) + 1 if blocks else 0),
            "gasUsedRatio": [block.gas_used / self._rollup.block_gas_limit for block in blocks],
        }
        if rewards is not None:
            result["reward"] = rewards
        return result

    def _rewards(self, block: Block, percentiles: Sequence[float]) -> list[str]:
        """Tips at gas-weighted percentiles; in a block without fees, the least tip that is taken."""
        receipts = self._reader.receipts(block.number) if block.n_transactions else []
        base_fee = self._rollup.base_fee_wei
        paid = sorted(
            (item.effective_gas_price - base_fee, item.gas_used) for item in receipts if not item.is_deposit
        )
        if not paid:
            return [quantity(self._pool.min_tip_wei())] * len(percentiles)
        total = sum(gas for _, gas in paid)
        return [quantity(_tip_at(paid, total * percentile / 100)) for percentile in percentiles]


def _tip_at(paid: Sequence[tuple[int, int]], threshold: float) -> int:
    """The first tip, of pairs (tip, gas) in ascending order, up to which `threshold` gas was used."""
    passed = 0
    for tip, gas in paid:
        passed += gas
        if passed >= threshold:
            return tip
    return paid[-1][0]


def _parse_count(value: object) -> int:
    """A quantity or, as older clients send it, a decimal number."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_UINT64:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return parse_quantity(value, MAX_UINT64)


def _parse_percentiles(value: object) -> list[float]:
    percentiles: list[float] = []
    for item in parse_list(value, _MAX_PERCENTILES):
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise MalformedValue("reward percentiles must be numbers")
        if not 0 <= item <= 100 or (percentiles and item < percentiles[-1]):
            raise invalid_params(f"invalid reward percentile: {item}")
        percentiles.append(item)
    return percentiles
