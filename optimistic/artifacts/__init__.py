"""Compiled contracts: ABI, bytecode and storage layout of everything we deploy or place in genesis.

The JSON files beside this module are written by scripts/build_contracts.py and
committed; nothing reads a compiler's output at run time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One compiled contract."""

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    """Creation code without constructor arguments; empty for code that only genesis places."""
    deployed_bytecode: bytes
    """Runtime code; immutable values are zero."""
    immutable_ranges: tuple[tuple[int, int], ...]
    """(offset, length) of every immutable value in the runtime code."""
    storage_layout: tuple[Mapping[str, Any], ...]
    source_hash: bytes
    """keccak256 over sources and compiler settings, 32 bytes."""

    def matches(self, code: bytes) -> bool:
        """Tell whether `code` is this contract's runtime code, whatever its immutable values."""
        return self._masked(code) == self._masked(self.deployed_bytecode)

    def _masked(self, code: bytes) -> bytes:
        masked = bytearray(code)
        for offset, length in self.immutable_ranges:
            masked[offset : offset + length] = bytes(length)
        return bytes(masked)


@cache
def load(name: str) -> Artifact:
    """Return the artifact of contract `name`.

    Raises
    ------
    FileNotFoundError : there is no such contract
    """
    raw = json.loads(resources.files(__package__).joinpath(f"{name}.json").read_text())
    return Artifact(
        name=name,
        abi=tuple(MappingProxyType(entry) for entry in raw["abi"]),
        bytecode=_unhex(raw["bytecode"]),
        deployed_bytecode=_unhex(raw["deployedBytecode"]),
        immutable_ranges=tuple((offset, length) for offset, length in raw["immutableRanges"]),
        storage_layout=tuple(MappingProxyType(entry) for entry in raw["storageLayout"]),
        source_hash=_unhex(raw["sourceHash"]),
    )


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
