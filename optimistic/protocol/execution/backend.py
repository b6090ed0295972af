"""Selects the native Keccak for py-evm, whatever the environment says.

`eth_hash` picks a backend by an environment variable or by what it finds first,
which may be five times slower. Import this module before anything of `eth`.
"""

from eth_hash import auto
from eth_hash.backends import pysha3

auto.keccak.hasher = pysha3.keccak256  # type: ignore[assignment]
auto.keccak.preimage = pysha3.preimage  # type: ignore[assignment]
