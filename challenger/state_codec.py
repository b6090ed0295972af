"""Rollup states as JSON and bytes, for the cache and for snapshots; every read is checked."""

import json
from dataclasses import asdict, fields
from typing import Any

from optimistic.protocol.derivation import RollupState
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import BlockRing, Phase, Unit, machine_hash


class InvalidState(InvalidInput):
    """Bytes that are not a rollup state between two batches."""


def encode_unit(unit: Unit) -> str:
    """Return the unit's fields as one JSON object, bytes as hex."""
    values = {k: v.hex() if isinstance(v, bytes) else int(v) for k, v in asdict(unit).items()}
    return json.dumps(values, separators=(",", ":"))


def decode_unit(text: str) -> Unit:
    """Read what `encode_unit` wrote.

    Raises
    ------
    InvalidState : not JSON, or a field is missing, unknown or of the wrong kind
    """
    try:
        values: dict[str, Any] = json.loads(text)
        parsed: dict[str, Any] = {f.name: _field(f.name, values.pop(f.name)) for f in fields(Unit)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidState(f"not a unit: {error}") from error
    if values:
        raise InvalidState(f"unknown unit fields: {sorted(values)}")
    return Unit(**parsed)


def encode_ring(ring: BlockRing) -> bytes:
    """Return the 256 block hashes, 8,192 bytes."""
    return b"".join(ring.hashes)


def decode_state(unit_text: str, ring: bytes) -> RollupState:
    """Read a state and check that its block hashes are the unit's.

    Raises
    ------
    InvalidState : not a unit, or a ring of another size or root
    """
    unit = decode_unit(unit_text)
    hashes = BlockRing.from_hashes(Hash32(ring[i : i + 32]) for i in range(0, len(ring), 32))
    if hashes.root != unit.block_hash_ring:
        raise InvalidState("the block hashes are not those of the unit")
    return RollupState(unit, hashes)


def end_leaf(state: RollupState) -> Hash32:
    """Return the leaf of a state between two batches."""
    return machine_hash(Phase.IDLE, state.unit)


_ADDRESS_FIELDS = frozenset({"coinbase"})
_HASH_FIELDS = frozenset(
    {
        "prev_randao",
        "block_hash_ring",
        "parent_hash",
        "data_root",
        "config_hash",
        "receipts_acc",
        "state_root",
    }
)


def _field(name: str, value: object) -> int | bytes:
    width = 20 if name in _ADDRESS_FIELDS else 32 if name in _HASH_FIELDS else 0
    if not width:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 256:
            raise ValueError(f"{name} must be an unsigned integer")
        return value
    raw = bytes.fromhex(str(value))
    if len(raw) != width:
        raise ValueError(f"{name} must be {width} bytes")
    return raw
