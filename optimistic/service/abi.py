"""Contract ABIs: selectors, encoding, decoding; addresses and hashes are bytes throughout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError, EncodingError

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32
from optimistic.service.l1_types import Log


class AbiError(InvalidInput):
    """Bytes do not follow the ABI, or values do not fit it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One input, output or event field."""

    name: str
    type: str
    """Canonical type; structs are written out: ``(bytes32,uint64)[]``."""
    indexed: bool
    components: tuple["Parameter", ...]

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """Read one entry of an ABI JSON."""
        components = tuple(cls.parse(item) for item in entry.get("components", ()))
        kind = str(entry["type"])
        if kind.startswith("tuple"):
            kind = _tuple_type(components) + kind.removeprefix("tuple")
        return cls(
            name=str(entry["name"]),
            type=kind,
            indexed=bool(entry.get("indexed", False)),
            components=components,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of a contract."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]

    @property
    def selector(self) -> bytes:
        """First 4 bytes of the call data."""
        return keccak256((self.name + _tuple_type(self.inputs)).encode())[:4]

    def encode(self, arguments: Sequence[Any]) -> bytes:
        """Return the call data; structs are given as tuples."""
        return self.selector + encode_values(self.inputs, arguments)

    def decode(self, output: bytes) -> tuple[Any, ...]:
        """Return the values a call returned; structs are tuples."""
        return decode_values(self.outputs, output)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a contract."""

    name: str
    inputs: tuple[Parameter, ...]

    @property
    def topic(self) -> Hash32:
        """First topic of its logs."""
        return keccak256((self.name + _tuple_type(self.inputs)).encode())

    def decode(self, log: Log) -> dict[str, Any]:
        """Return the fields by name.

        Raises
        ------
        AbiError : the log is not of this event
        """
        indexed = [item for item in self.inputs if item.indexed]
        plain = tuple(item for item in self.inputs if not item.indexed)
        if not log.topics or log.topics[0] != self.topic or len(log.topics) != len(indexed) + 1:
            raise AbiError(f"not a log of {self.name}")
        fields = dict(zip((item.name for item in plain), decode_values(plain, log.data), strict=True))
        for item, topic in zip(indexed, log.topics[1:], strict=True):
            fields[item.name] = decode_values((item,), topic)[0]
        return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """A custom error of a contract."""

    name: str
    inputs: tuple[Parameter, ...]

    @property
    def selector(self) -> bytes:
        """First 4 bytes of the revert data."""
        return keccak256((self.name + _tuple_type(self.inputs)).encode())[:4]

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the arguments in revert data, by name."""
        names = [item.name for item in self.inputs]
        return dict(zip(names, decode_values(self.inputs, data[4:]), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Abi:
    """All of one contract's interface."""

    functions: Mapping[str, Function]
    events: Mapping[str, Event]
    errors: Mapping[str, Error]
    constructor: tuple[Parameter, ...]

    @classmethod
    def parse(cls, entries: Sequence[Mapping[str, Any]]) -> Self:
        """Read an ABI JSON; overloaded functions are not supported."""
        functions: dict[str, Function] = {}
        events: dict[str, Event] = {}
        errors: dict[str, Error] = {}
        constructor: tuple[Parameter, ...] = ()
        for entry in entries:
            name, inputs = str(entry.get("name", "")), _parameters(entry, "inputs")
            match entry["type"]:
                case "function":
                    functions[name] = Function(
                        name=name, inputs=inputs, outputs=_parameters(entry, "outputs")
                    )
                case "event":
                    events[name] = Event(name=name, inputs=inputs)
                case "error":
                    errors[name] = Error(name=name, inputs=inputs)
                case "constructor":
                    constructor = inputs
        return cls(
            functions=MappingProxyType(functions),
            events=MappingProxyType(events),
            errors=MappingProxyType(errors),
            constructor=constructor,
        )

    def encode_constructor(self, arguments: Sequence[Any]) -> bytes:
        """Return what follows the bytecode in a deployment."""
        return encode_values(self.constructor, arguments)


def encode_values(parameters: Sequence[Parameter], values: Sequence[Any]) -> bytes:
    """Return the ABI encoding of `values`.

    Raises
    ------
    AbiError : a value does not fit its type
    """
    if len(parameters) != len(values):
        raise AbiError(f"expected {len(parameters)} values, got {len(values)}")
    try:
        return bytes(abi_encode([item.type for item in parameters], list(values)))
    except (EncodingError, TypeError, ValueError) as error:
        raise AbiError(str(error)) from error


def decode_values(parameters: Sequence[Parameter], data: bytes) -> tuple[Any, ...]:
    """Return the values encoded in `data`.

    Raises
    ------
    AbiError : the data do not follow the types
    """
    try:
        values = abi_decode([item.type for item in parameters], data)
    except (DecodingError, OverflowError, ValueError) as error:
        raise AbiError(str(error)) from error
    return tuple(
        _native(item.type, item.components, value) for item, value in zip(parameters, values, strict=True)
    )


def _native(kind: str, components: tuple[Parameter, ...], value: Any) -> Any:
    if kind.endswith("]"):
        inner = kind[: kind.rindex("[")]
        return tuple(_native(inner, components, item) for item in value)
    if components:
        return tuple(
            _native(part.type, part.components, item) for part, item in zip(components, value, strict=True)
        )
    return Address(bytes.fromhex(value[2:])) if kind == "address" else value


def _parameters(entry: Mapping[str, Any], key: str) -> tuple[Parameter, ...]:
    return tuple(Parameter.parse(item) for item in entry.get(key, ()))


def _tuple_type(parameters: Sequence[Parameter]) -> str:
    return "(" + ",".join(item.type for item in parameters) + ")"
