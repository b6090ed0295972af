"""What can go wrong between us and an L1 endpoint, by reaction."""

from optimistic.protocol.errors import CriticalError, InvalidInput, TemporaryError


class L1Unavailable(TemporaryError):
    """The endpoint did not answer in time, or answered something that is not JSON-RPC."""


class L1RequestFailed(TemporaryError):
    """The endpoint answered with an error of its own."""


class L1BlockMissing(TemporaryError):
    """The endpoint does not have the block a read is pinned to: reorganised away or not synced."""


class L1Lied(TemporaryError):
    """Two answers of the endpoint contradict each other, or one contradicts itself.

    A reorganisation between two requests looks the same, so the reaction is to ask again.
    """


class WrongL1Chain(CriticalError):
    """The endpoint serves another chain than the deployment names."""


class ContractReverted(InvalidInput):
    """A call or its simulation failed in the EVM.

    Attributes
    ----------
    data : revert data; empty when the EVM stopped without any
    message : the endpoint's words
    """

    def __init__(self, data: bytes, message: str = "") -> None:
        super().__init__(message or (f"reverted with 0x{data.hex()}" if data else "reverted without data"))
        self.data = data
        self.message = message

    @property
    def selector(self) -> bytes:
        """First 4 bytes of the revert data; empty when there are none."""
        return self.data[:4]


class JsonRpcError(Exception):
    """A JSON-RPC error object, as transports raise it; `L1Client` turns it into the classes above."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message
        self.data = data
