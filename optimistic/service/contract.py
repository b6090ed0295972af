"""One deployed contract: pinned reads, call data, logs, and named reverts.

Reverts map by their 4-byte selector to one exception class for each custom error in
the artifacts; catch them by class with `revert_class("WindowClosed")`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

from optimistic import artifacts
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.types import Address, Hash32
from optimistic.service.abi import Abi, AbiError, Error, Parameter
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted, L1Lied
from optimistic.service.l1_types import BlockId, Call, LogFilter
from optimistic.service.names import snake_case
from optimistic.service.one_step import GROUPS, GUARD, PROBE, VERIFIER

_ERROR_STRING: Final = bytes.fromhex("08c379a0")
_ERROR_PANIC: Final = bytes.fromhex("4e487b71")

CONTRACTS_WITH_ERRORS: Final = (
    "Inbox",
    "AssertionChain",
    "Bridge",
    "DisputeGame",
    VERIFIER,
    *GROUPS.values(),
    PROBE,
    GUARD,
    *SETTLEMENT_CONTRACTS,
    "TokenGateway",
    "ReceiptBond",
)


class NamedRevert(ContractReverted):
    """A revert with a custom error of ours.

    Attributes
    ----------
    name : the error's name in Solidity
    arguments : its arguments by name
    """

    name: ClassVar[str] = ""

    def __init__(self, data: bytes, arguments: Mapping[str, Any]) -> None:
        shown = ", ".join(f"{key}={_show(value)}" for key, value in arguments.items())
        super().__init__(data, f"reverted with {self.name}({shown})")
        self.arguments = arguments


def load_abi(name: str) -> Abi:
    """Return the ABI of one of our contracts."""
    return Abi.parse(artifacts.load(name).abi)


def _collect_errors() -> Mapping[bytes, tuple[Error, type[NamedRevert]]]:
    found: dict[bytes, tuple[Error, type[NamedRevert]]] = {}
    for contract in CONTRACTS_WITH_ERRORS:
        for error in load_abi(contract).errors.values():
            document = f"The Solidity error {error.name}; see its contract's interface."
            kind = type(error.name, (NamedRevert,), {"__doc__": document, "name": error.name})
            found.setdefault(error.selector, (error, kind))
    return MappingProxyType(found)


_ERRORS: Final = _collect_errors()


def revert_class(name: str) -> type[NamedRevert]:
    """Return the exception class of a Solidity error.

    Raises
    ------
    KeyError : no contract of ours declares such an error
    """
    for error, kind in _ERRORS.values():
        if error.name == name:
            return kind
    raise KeyError(f"no contract declares the error {name}")


def explain_revert(error: ContractReverted) -> ContractReverted:
    """Return the exception class that stands for the revert data, or `error` itself."""
    selector = error.selector
    if selector in (_ERROR_STRING, _ERROR_PANIC):
        return ContractReverted(error.data, _standard_reason(error.data))
    declared = _ERRORS.get(selector)
    if declared is None:
        return error
    try:
        return declared[1](error.data, declared[0].decode(error.data))
    except AbiError:
        return error


def _standard_reason(data: bytes) -> str:
    """Describe ``Error(string)`` and ``Panic(uint256)``."""
    if data[:4] == _ERROR_PANIC:
        return f"panicked with code 0x{int.from_bytes(data[4:36], 'big'):02x}"
    length = int.from_bytes(data[36:68], "big")
    return "reverted: " + data[68 : 68 + min(length, 1_000)].decode(errors="replace")


def creation_call(name: str, arguments: Sequence[Any]) -> Call:
    """Return the message that creates one of our contracts."""
    code = artifacts.load(name).bytecode
    return Call(to=None, data=code + load_abi(name).encode_constructor(arguments))


class Contract:
    """A contract of ours at an address; subclasses name it and type its functions."""

    NAME: ClassVar[str]

    def __init__(self, client: L1Client, address: Address) -> None:
        self.client = client
        self.address = address
        self.abi = load_abi(self.NAME)

    def read(self, function: str, *arguments: Any, at: BlockId) -> tuple[Any, ...]:
        """Call a view function in the state after block `at` and return its values.

        Raises
        ------
        ContractReverted : it reverts; a NamedRevert for errors of ours
        L1Lied : the answer does not fit the ABI, as from an address without the contract
        """
        return self.read_call(self.call(function, *arguments), function, at=at)

    def read_call(self, call: Call, function: str, *, at: BlockId) -> tuple[Any, ...]:
        """Simulate a message that calls a function and return its values; raises like `read`."""
        try:
            output = self.client.call(call, at)
        except ContractReverted as error:
            raise explain_revert(error) from error
        try:
            return self.abi.functions[function].decode(output)
        except AbiError as error:
            raise L1Lied(f"{self.NAME}.{function} answered {len(output)} bytes that do not decode") from error

    def read_int(self, function: str, *arguments: Any, at: BlockId) -> int:
        """Call a view function that returns one integer."""
        return int(self.read(function, *arguments, at=at)[0])

    def read_hash(self, function: str, *arguments: Any, at: BlockId) -> Hash32:
        """Call a view function that returns one bytes32."""
        return Hash32(bytes(self.read(function, *arguments, at=at)[0]))

    def call(self, function: str, *arguments: Any, value_wei: int = 0) -> Call:
        """Return the message that calls a function; nothing is sent."""
        return Call(to=self.address, data=self.abi.functions[function].encode(arguments), value_wei=value_wei)

    def log_filter(self, *events: str) -> LogFilter:
        """Return the filter of this contract's events: those named, or all."""
        names = events or tuple(self.abi.events)
        return LogFilter(
            addresses=(self.address,), topics0=tuple(self.abi.events[name].topic for name in names)
        )


def struct_values(parameter: Parameter, value: Any) -> tuple[Any, ...]:
    """Return a dataclass as the tuple its Solidity struct is encoded from, by field names."""
    return tuple(getattr(value, snake_case(part.name)) for part in parameter.components)


def struct_fields(parameter: Parameter, values: tuple[Any, ...]) -> dict[str, Any]:
    """Return a decoded struct by field names, in Python's spelling."""
    return {snake_case(part.name): value for part, value in zip(parameter.components, values, strict=True)}


def _show(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
