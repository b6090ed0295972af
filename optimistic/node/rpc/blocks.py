"""Finding the block that a request names."""

from typing import Final

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import Block
from optimistic.node.rpc.block_id import BlockHashId, BlockId, BlockNumberId, BlockTag
from optimistic.node.rpc.errors import header_not_found

_MAX_SQL_INTEGER: Final = 2**63 - 1


def find_block(reader: ChainReader, block_id: BlockId) -> Block | None:
    """The block that `block_id` names, None if the chain has no such block.

    ``pending`` is the latest block: transactions run when their block is made,
    so there is no state beyond it. A removed block is not kept, so every block
    found by hash is canonical.
    """
    if isinstance(block_id, BlockHashId):
        return reader.block_by_hash(block_id.hash)
    if isinstance(block_id, BlockTag):
        return _tagged_block(reader, block_id)
    return reader.block_by_number(block_id) if block_id <= _MAX_SQL_INTEGER else None


def require_block(reader: ChainReader, block_id: BlockId) -> Block:
    """As :func:`find_block`.

    Raises
    ------
    RpcError : "header not found", -32000.
    """
    block = find_block(reader, block_id)
    if block is None:
        raise header_not_found()
    return block


def block_number(reader: ChainReader, block_id: BlockNumberId) -> int:
    """The number that a tag or number means now; it need not exist yet."""
    return _tagged_block(reader, block_id).number if isinstance(block_id, BlockTag) else block_id


def _tagged_block(reader: ChainReader, tag: BlockTag) -> Block:
    if tag is BlockTag.EARLIEST:
        block = reader.block_by_number(0)
        if block is None:
            raise header_not_found()
        return block
    heads = reader.heads()
    if tag is BlockTag.SAFE:
        return heads.safe
    return heads.finalized if tag is BlockTag.FINALIZED else heads.unsafe
