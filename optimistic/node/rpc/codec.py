"""Hex at the edge: strict quantities and byte strings, as go-ethereum reads and writes them.

A quantity is ``0x`` and the shortest lower- or upper-case hex number; data is ``0x`` and whole bytes.
Parsers raise :class:`MalformedValue` with a text fit for the client.
"""

from typing import Final

from optimistic.protocol.types import Address, Hash32

ADDRESS_BYTES: Final = 20
HASH_BYTES: Final = 32
MAX_UINT64: Final = 2**64 - 1
MAX_UINT256: Final = 2**256 - 1

_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


class MalformedValue(ValueError):
    """A JSON value that is not what the method takes; the message is shown to the client."""


def quantity(value: int) -> str:
    """A number ≥ 0 as a JSON-RPC quantity."""
    return hex(value)


def data(value: bytes) -> str:
    """Bytes of any length as JSON-RPC data."""
    return "0x" + value.hex()


def padded(value: int) -> str:
    """A 256-bit word as 32 bytes of JSON-RPC data."""
    return f"0x{value:064x}"


def _digits(value: object) -> str:
    if not isinstance(value, str):
        raise MalformedValue(f"expected a hex string, got {_json_type(value)}")
    if not value:
        raise MalformedValue("empty hex string")
    if value[:2] not in ("0x", "0X"):
        raise MalformedValue("hex string without 0x prefix")
    return value[2:]


def _json_type(value: object) -> str:
    names = {
        bool: "boolean",
        int: "number",
        float: "number",
        list: "array",
        dict: "object",
        type(None): "null",
    }
    return names.get(type(value), "string")


def parse_quantity(value: object, limit: int = MAX_UINT256) -> int:
    """Read a quantity.

    Parameters
    ----------
    value : the JSON value
    limit : the largest number taken

    Raises
    ------
    MalformedValue : not a string, no prefix, no digits, leading zeros, a foreign character, too large.
    """
    digits = _digits(value)
    if not digits:
        raise MalformedValue('hex string "0x"')
    if not _HEX_DIGITS.issuperset(digits):
        raise MalformedValue("invalid hex string")
    if digits[0] == "0" and len(digits) > 1:
        raise MalformedValue("hex number with leading zero digits")
    if len(digits) > 64 or (number := int(digits, 16)) > limit:
        raise MalformedValue(f"hex number > {limit.bit_length()} bits")
    return number


def parse_data(value: object) -> bytes:
    """Read data of any length.

    Raises
    ------
    MalformedValue : not a string, no prefix, odd length, a foreign character.
    """
    digits = _digits(value)
    if len(digits) % 2:
        raise MalformedValue("hex string of odd length")
    if not _HEX_DIGITS.issuperset(digits):
        raise MalformedValue("invalid hex string")
    return bytes.fromhex(digits)


def parse_fixed(value: object, length: int) -> bytes:
    """Read data of exactly `length` bytes.

    Raises
    ------
    MalformedValue : as :func:`parse_data`, or another length.
    """
    raw = parse_data(value)
    if len(raw) != length:
        raise MalformedValue(f"hex string has length {2 * len(raw)}, want {2 * length}")
    return raw


def parse_address(value: object) -> Address:
    """Read a 20-byte address; the checksum of a mixed-case one is not judged, as in go-ethereum."""
    return Address(parse_fixed(value, ADDRESS_BYTES))


def parse_hash(value: object) -> Hash32:
    """Read a 32-byte hash."""
    return Hash32(parse_fixed(value, HASH_BYTES))


def parse_slot(value: object) -> int:
    """Read a storage key: up to 32 bytes, leading zeros and odd lengths allowed, as in go-ethereum."""
    digits = _digits(value)
    if not _HEX_DIGITS.issuperset(digits):
        raise MalformedValue("unable to decode storage key: hex string invalid")
    if len(digits) > 64:
        raise MalformedValue("unable to decode storage key: hex string too long, want at most 32 bytes")
    return int(digits, 16) if digits else 0


def parse_bool(value: object) -> bool:
    """Read a JSON boolean."""
    if not isinstance(value, bool):
        raise MalformedValue(f"expected a boolean, got {_json_type(value)}")
    return value


def parse_object(value: object) -> dict[str, object]:
    """Read a JSON object."""
    if not isinstance(value, dict):
        raise MalformedValue(f"expected an object, got {_json_type(value)}")
    return value


def parse_list(value: object, limit: int | None = None) -> list[object]:
    """Read a JSON array of at most `limit` items."""
    if not isinstance(value, list):
        raise MalformedValue(f"expected an array, got {_json_type(value)}")
    if limit is not None and len(value) > limit:
        raise MalformedValue(f"too many items, want at most {limit}")
    return value
