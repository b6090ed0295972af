"""The state object py-evm's opcodes talk to: our world state in one block."""

from typing import Any

from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.state import CancunState

from optimistic.protocol.engine import BlockEnv
from optimistic.protocol.execution.precompiles import PRECOMPILE_ADDRESSES, Precompiles
from optimistic.protocol.execution.world import WorldState
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.types import Address, Hash32

BLOCK_HASH_WINDOW = 256


class EvmState(WorldState, CancunState):  # type: ignore[misc]
    """`WorldState` with the block's environment and the precompiles of one parameter set."""

    def __init__(self, nodes: NodeReader, root: Hash32, precompiles: Precompiles) -> None:
        self.precompiles = precompiles
        self.tracer: Any = None
        self.env: BlockEnv
        WorldState.__init__(self, nodes, root)

    def begin_block(self, env: BlockEnv) -> None:
        """Set what the block opcodes see."""
        self.env = env
        self.execution_context = ExecutionContext(
            coinbase=env.coinbase,  # type: ignore[arg-type]
            timestamp=env.timestamp,
            block_number=env.number,  # type: ignore[arg-type]
            difficulty=0,
            mix_hash=env.prev_randao,  # type: ignore[arg-type]
            gas_limit=env.gas_limit,
            prev_hashes=(),
            chain_id=env.chain_id,
            base_fee_per_gas=env.base_fee,
            excess_blob_gas=0,
        )

    def warm_up(self, *addresses: Address) -> None:
        """Mark the accounts that are warm from the start of every transaction; nothing undoes it."""
        self._warm_addresses.update(
            dict.fromkeys((*PRECOMPILE_ADDRESSES, self.env.coinbase, *addresses), True)
        )

    def get_ancestor_hash(self, block_number: int) -> Hash32:  # type: ignore[override]
        """Return the hash of one of the last 256 blocks, zero for any other number."""
        number = self.env.number
        if not max(0, number - BLOCK_HASH_WINDOW) <= block_number < number:
            return Hash32(bytes(32))
        return self.env.block_hashes(block_number)
