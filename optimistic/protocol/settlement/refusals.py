"""How a contract of settlement refuses: one of its errors, with what it says."""

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import WORD_BYTES, abi_words, keccak256

_WORDS = 1 << 256


class Refused(InvalidInput):
    """The contract reverts; a state on which this happened is not to be used any more.

    Parameters
    ----------
    error : signature of the contract's error
    arguments : numbers, addresses and names of parameters
    """

    def __init__(self, error: str, *arguments: int | bytes | str) -> None:
        """Name the error and what it says."""
        super().__init__(error, *arguments)
        self.error, self.arguments = error, arguments

    @property
    def output(self) -> bytes:
        """What the contract returns as it reverts."""
        return keccak256(self.error.encode())[:4] + abi_words(*map(_word, self.arguments))


def _word(argument: int | bytes | str) -> int | bytes:
    """An argument as `abi_words` takes it: two's complement, and short names to the left."""
    if isinstance(argument, int):
        return argument % _WORDS
    return argument.encode().ljust(WORD_BYTES, b"\0") if isinstance(argument, str) else argument
