"""The settlement predeploys as callers see them: call data, and calls that leave nothing behind."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from optimistic.node.node import Node
from optimistic.protocol.engine import BlockEnv
from optimistic.protocol.execution.simulate import AccountOverride, CallMessage, CallResult, Simulation
from optimistic.protocol.execution.tracers import CallTrace, CallTracer
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from optimistic.service.abi import Function
from optimistic.service.contract import load_abi

NO_OVERRIDES: Final[Mapping[Address, AccountOverride]] = MappingProxyType({})


def function_of(contract: str, name: str) -> Function:
    """A function of a contract."""
    return load_abi(contract).functions[name]


def call_data(contract: str, name: str, *arguments: Any) -> bytes:
    """Call data; structs are tuples."""
    return function_of(contract, name).encode(arguments)


class Views:
    """The contracts in one state.

    Parameters
    ----------
    timestamp : what the contracts take for the time
    """

    def __init__(
        self,
        nodes: NodeReader,
        root: Hash32,
        *,
        params: RollupParams = DEVNET,
        timestamp: int = 1,
        overrides: Mapping[Address, AccountOverride] = NO_OVERRIDES,
    ) -> None:
        env = BlockEnv(
            chain_id=params.l2_chain_id,
            number=1,
            timestamp=timestamp,
            coinbase=params.coinbase,
            gas_limit=params.block_gas_limit,
            base_fee=params.base_fee_wei,
            prev_randao=ZERO_HASH,
            block_hashes=lambda _: ZERO_HASH,
        )
        self._simulation = Simulation(params=params, nodes=nodes, env=env, root=root, overrides=overrides)

    @classmethod
    def at_head(cls, node: Node, params: RollupParams = DEVNET) -> "Views":
        """The contracts at a node's unsafe head."""
        head = node.chain.head
        return cls(node.nodes, head.state_root, params=params, timestamp=head.timestamp)

    def run(self, to: Address, data: bytes, sender: Address = ZERO_ADDRESS) -> CallResult:
        """Call anything with any data from anybody."""
        return self._simulation.call(CallMessage(sender=sender, to=to, data=data))

    def calls(self, to: Address, data: bytes, sender: Address = ZERO_ADDRESS) -> list[CallTrace]:
        """Call anything; return that call and all that it leads to."""
        tracer = CallTracer()
        self._simulation.call(CallMessage(sender=sender, to=to, data=data), tracer)
        assert tracer.root is not None, "it ran"
        return list(_every(tracer.root))

    def read(self, contract: str, name: str, *arguments: Any, sender: Address = ZERO_ADDRESS) -> Any:
        """Return what a function answers; alone if it is one value."""
        function = function_of(contract, name)
        result = self.run(SETTLEMENT_CONTRACTS[contract], function.encode(arguments), sender)
        assert result.error is None, f"{contract}.{name}: {result.error} {result.output.hex()}"
        values = function.decode(result.output)
        return values[0] if len(values) == 1 else values


def _every(trace: CallTrace) -> Iterator[CallTrace]:
    yield trace
    for inner in trace.calls:
        yield from _every(inner)


def zero_arguments(function: Function) -> list[Any]:
    """Arguments that are zero or empty all through."""
    return [_zero(item.type, item.components) for item in function.inputs]


def _zero(kind: str, components: Sequence[Any]) -> Any:
    if kind.endswith("[]"):
        return ()
    if kind.endswith("]"):
        inner, _, size = kind[:-1].rpartition("[")
        return tuple(_zero(inner, components) for _ in range(int(size)))
    if components:
        return tuple(_zero(part.type, part.components) for part in components)
    if kind == "address":
        return ZERO_ADDRESS
    if kind.startswith("bytes"):
        return bytes(int(kind.removeprefix("bytes") or 0))
    return False if kind == "bool" else 0
