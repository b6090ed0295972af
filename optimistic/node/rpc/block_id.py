"""How a request names a block: a tag, a number, or a hash (EIP-1898)."""

from dataclasses import dataclass
from enum import StrEnum

from optimistic.node.rpc.codec import (
    HASH_BYTES,
    MAX_UINT64,
    MalformedValue,
    parse_bool,
    parse_hash,
    parse_object,
    parse_quantity,
)
from optimistic.protocol.types import Hash32


class BlockTag(StrEnum):
    """The named positions of the chain."""

    EARLIEST = "earliest"
    FINALIZED = "finalized"
    SAFE = "safe"
    LATEST = "latest"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHashId:
    """A block named by its 32-byte hash; only canonical ones are kept, so nobody needs to ask for that."""

    hash: Hash32


BlockNumberId = BlockTag | int
BlockId = BlockTag | int | BlockHashId

_TAGS = {tag.value: tag for tag in BlockTag}


def parse_block_number(value: object) -> BlockNumberId:
    """Read a tag or a quantity below 2^64.

    Raises
    ------
    MalformedValue : neither of the two.
    """
    if isinstance(value, str) and (tag := _TAGS.get(value)) is not None:
        return tag
    return parse_quantity(value, MAX_UINT64)


def parse_block_id(value: object) -> BlockId:
    """Read a tag, a number, a bare hash, or an EIP-1898 object.

    Raises
    ------
    MalformedValue : none of these, or an object naming both a number and a hash.
    """
    if isinstance(value, dict):
        return _parse_object_id(value)
    if isinstance(value, str) and len(value) == 2 + 2 * HASH_BYTES:
        return BlockHashId(hash=parse_hash(value))
    return parse_block_number(value)


def _parse_object_id(value: object) -> BlockId:
    fields = parse_object(value)
    number, block_hash = fields.get("blockNumber"), fields.get("blockHash")
    if number is not None and block_hash is not None:
        raise MalformedValue("cannot specify both blockHash and blockNumber, choose one or the other")
    if number is not None:
        return parse_block_number(number)
    if block_hash is None:
        raise MalformedValue("either blockHash or blockNumber is required")
    if fields.get("requireCanonical") is not None:
        parse_bool(fields["requireCanonical"])
    return BlockHashId(hash=parse_hash(block_hash))
