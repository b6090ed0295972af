"""Hand-written bytecode for tests of the L1 toolbox; no compiler involved."""

LOGGING_INIT = bytes.fromhex("60aa60206000a100")
"""Creation code that emits one log (topic 0xaa, 32 zero bytes) and leaves no code."""

REVERTING_INIT = bytes.fromhex("60aa60005260206000fd")
"""Creation code that reverts with the word 0xaa."""

ONCE_RUNTIME = bytes.fromhex("600054600c576001600055005b60006000fd")
"""Code that sets slot 0 to 1 the first time it is called, and reverts afterwards."""

TIME_RUNTIME = bytes.fromhex("4260005260206000f3")
"""Code that returns the block's timestamp."""


def installer(runtime: bytes) -> bytes:
    """Return creation code that leaves `runtime` (< 65,536 bytes) as the contract's code."""
    size = len(runtime).to_bytes(2, "big")
    return b"\x61" + size + b"\x60\x0e\x60\x00\x39\x61" + size + b"\x60\x00\xf3" + runtime
