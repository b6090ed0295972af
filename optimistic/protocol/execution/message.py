"""The message that starts a frame: py-evm's fields without its checks.

py-evm validates every field of every message and computes the addresses on each
access; here they are plain attributes, set once. The values come from frames
and transactions that have been checked.
"""

from typing import Final

CREATE_ADDRESS: Final = b""
"""What `to` is for a creation."""


class FrameMessage:
    """Who calls whom with what."""

    __slots__ = (
        "code",
        "code_address",
        "data",
        "depth",
        "gas",
        "is_create",
        "is_static",
        "sender",
        "should_transfer_value",
        "storage_address",
        "to",
        "value",
    )

    is_delegation: Final = False
    """Delegated accounts (EIP-7702) do not exist here."""

    def __init__(  # noqa: PLR0913 - the names and defaults py-evm's call opcodes use
        self,
        gas: int,
        to: bytes,
        sender: bytes,
        value: int,
        data: bytes,
        code: bytes,
        *,
        depth: int = 0,
        create_address: bytes | None = None,
        code_address: bytes | None = None,
        should_transfer_value: bool = True,
        is_static: bool = False,
        is_delegation: bool = False,
    ) -> None:
        assert not is_delegation
        self.gas = gas
        self.to = to
        self.sender = sender
        self.value = value
        self.data = data
        self.code = code
        self.depth = depth
        self.is_create = to == CREATE_ADDRESS
        self.storage_address = to if create_address is None else create_address
        self.code_address = to if code_address is None else code_address
        self.should_transfer_value = should_transfer_value
        self.is_static = is_static

    @property
    def data_as_bytes(self) -> bytes:
        """The call data; py-evm allows a view there."""
        return self.data
