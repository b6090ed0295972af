"""From blocks of the store to simulations of the execution package, and back to client errors."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import Block, StoredTransaction
from optimistic.node.rpc.block_id import BlockId
from optimistic.node.rpc.blocks import require_block
from optimistic.node.rpc.call_args import BlockOverride, StateOverride
from optimistic.node.rpc.errors import RpcError, execution_reverted, header_not_found, server_error
from optimistic.protocol.engine import BlockEnv
from optimistic.protocol.execution.simulate import CallResult, Simulation
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import ZERO_HASH, Hash32

NO_STATE_OVERRIDE: Final[StateOverride] = MappingProxyType({})
NO_BLOCK_OVERRIDE: Final = BlockOverride()

# Failures in the words of go-ethereum, by the names the engine gives them.
_FAILURES: Final[Mapping[str, str]] = {
    "OutOfGas": "out of gas",
    "InvalidInstruction": "invalid opcode",
    "InvalidJumpDestination": "invalid jump destination",
    "InsufficientStack": "stack underflow",
    "FullStack": "stack limit reached",
    "StackDepthLimit": "max call depth exceeded",
    "InsufficientFunds": "insufficient balance for transfer",
    "WriteProtection": "write protection",
    "OutOfBoundsRead": "return data out of bounds",
    "ContractCreationCollision": "contract address collision",
    "ReservedBytesInCode": "invalid code: must not begin with 0xef",
    "Revert": "execution reverted",
}


class Simulator:
    """Builds simulations on stored blocks.

    Parameters
    ----------
    reader : the chain
    nodes : trie nodes and code
    rollup : the rollup's parameters
    """

    def __init__(self, reader: ChainReader, nodes: NodeReader, rollup: RollupParams) -> None:
        self._reader = reader
        self._nodes = nodes
        self._rollup = rollup

    def after(
        self,
        block_id: BlockId,
        overrides: StateOverride = NO_STATE_OVERRIDE,
        assumed: BlockOverride = NO_BLOCK_OVERRIDE,
    ) -> Simulation:
        """The state after a block, with that block's own environment, as ``eth_call`` sees it.

        Raises
        ------
        RpcError : no such block.
        """
        block = require_block(self._reader, block_id)
        env = _assume(self._env(block), assumed)
        return Simulation(
            params=self._rollup, nodes=self._nodes, env=env, root=block.state_root, overrides=overrides
        )

    def before(self, stored: StoredTransaction) -> Simulation:
        """The state that an executed transaction or deposit started from."""
        with self._reader.snapshot():
            block = self._reader.block_by_number(stored.block_number)
            parent = self._reader.block_by_number(stored.block_number - 1)
            if block is None or parent is None:
                raise header_not_found()
            root = parent.state_root
            if stored.index > 0:
                root = self._reader.receipts(block.number)[stored.index - 1].state_root
        return Simulation(params=self._rollup, nodes=self._nodes, env=self._env(block), root=root)

    def _env(self, block: Block) -> BlockEnv:
        return BlockEnv(
            chain_id=self._rollup.l2_chain_id,
            number=block.number,
            timestamp=block.timestamp,
            coinbase=self._rollup.coinbase,
            gas_limit=self._rollup.block_gas_limit,
            base_fee=self._rollup.base_fee_wei,
            prev_randao=block.prev_randao,
            block_hashes=self._block_hashes(block),
        )

    def _block_hashes(self, head: Block) -> Callable[[int], Hash32]:
        def lookup(number: int) -> Hash32:
            block = self._reader.block_by_number(number)
            return ZERO_HASH if block is None or number >= head.number else block.hash

        return lookup


def require_success(result: CallResult) -> CallResult:
    """Return a successful result.

    Raises
    ------
    RpcError : code 3 with the revert data, or -32000 with the failure's name.
    """
    if result.reverted:
        raise execution_reverted(result.output)
    if result.error is not None:
        raise call_failed(result.error)
    return result


def call_failed(failure: str) -> RpcError:
    """The error for a call that failed without a revert."""
    return server_error(failure_text(failure))


def failure_text(failure: str) -> str:
    """The engine's name of a failure in the words clients know."""
    return _FAILURES.get(failure, failure)


def _assume(env: BlockEnv, assumed: BlockOverride) -> BlockEnv:
    names = ("number", "timestamp", "gas_limit", "coinbase", "prev_randao", "base_fee")
    given = {name: value for name in names if (value := getattr(assumed, name)) is not None}
    return replace(env, **given) if given else env
