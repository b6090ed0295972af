"""The contracts as callers see them: call data, calls that leave nothing behind, and what logs say."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from optimistic.node.chain_records import StoredLog
from optimistic.node.node import Node
from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.engine import BlockEnv
from optimistic.protocol.execution.simulate import AccountOverride, CallMessage, CallResult, Simulation
from optimistic.protocol.execution.tracers import CallTrace, CallTracer, Tracer
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from optimistic.protocol.withdrawals import Message
from optimistic.service.abi import Function
from optimistic.service.contract import load_abi

PREDEPLOYS: Final[Mapping[str, Address]] = MappingProxyType(
    {**SETTLEMENT_CONTRACTS, "MessagePasser": MESSAGE_PASSER}
)
NO_OVERRIDES: Final[Mapping[Address, AccountOverride]] = MappingProxyType({})


def function_of(contract: str, name: str) -> Function:
    """A function of a contract."""
    return load_abi(contract).functions[name]


def call_data(contract: str, name: str, *arguments: Any) -> bytes:
    """Call data; structs are tuples."""
    return function_of(contract, name).encode(arguments)


def decoded(logs: Iterable[StoredLog], contract: str, event: str) -> list[dict[str, Any]]:
    """The fields of those logs that are one event of a predeploy."""
    form, address = load_abi(contract).events[event], PREDEPLOYS[contract]
    return [
        form.decode(log)  # type: ignore[arg-type]  # of both kinds of logs it reads topics and data
        for log in logs
        if log.address == address and log.topics[:1] == (form.topic,)
    ]


def messages_in(logs: Iterable[StoredLog]) -> list[Message]:
    """The messages to L1 that logs tell of."""
    return [
        Message(
            nonce=fields["nonce"],
            sender=fields["sender"],
            target=fields["target"],
            value=fields["value"],
            gas_limit=fields["gasLimit"],
            data=fields["data"],
        )
        for fields in decoded(logs, "MessagePasser", "MessageSent")
    ]


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

    def run(
        self, to: Address, data: bytes, sender: Address = ZERO_ADDRESS, tracer: Tracer | None = None
    ) -> CallResult:
        """Call anything with any data from anybody, and let somebody watch."""
        return self._simulation.call(CallMessage(sender=sender, to=to, data=data), tracer)

    def calls(self, to: Address, data: bytes, sender: Address = ZERO_ADDRESS) -> list[CallTrace]:
        """Call anything; return that call and all that it leads to."""
        tracer = CallTracer()
        self.run(to, data, sender, tracer)
        assert tracer.root is not None, "it ran"
        return list(_every(tracer.root))

    def read(self, contract: str, name: str, *arguments: Any, sender: Address = ZERO_ADDRESS) -> Any:
        """Return what a function answers; alone if it is one value."""
        function = function_of(contract, name)
        result = self.run(SETTLEMENT_CONTRACTS[contract], function.encode(arguments), sender)
        if result.error is not None:
            raise RuntimeError(f"{contract}.{name}: {result.error} {result.output.hex()}")
        values = function.decode(result.output)
        return values[0] if len(values) == 1 else values


def _every(trace: CallTrace) -> Iterator[CallTrace]:
    yield trace
    for inner in trace.calls:
        yield from _every(inner)
