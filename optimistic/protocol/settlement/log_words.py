"""What a log says, word by word, and what kinds of it there are."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from optimistic.protocol.engine import Log
from optimistic.protocol.hashing import WORD_BYTES
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import FeedId, MarketId, SubaccountId
from optimistic.protocol.types import Address


class Words:
    """The topics and the data of a log as words, read one by one."""

    def __init__(self, log: Log) -> None:
        topics = b"".join(log.topics[1:])
        self._bytes = topics + log.data
        self._at = 0
        self._data_at = len(topics)

    def word(self) -> bytes:
        """Take the next word; raises `LookupError` at the end."""
        start, self._at = self._at, self._at + WORD_BYTES
        if self._at > len(self._bytes):
            raise LookupError("the log is too short")
        return self._bytes[start : self._at]

    def uint(self) -> int:
        """Take a number."""
        return int.from_bytes(self.word(), "big")

    def int(self) -> int:
        """Take a number with a sign."""
        return int.from_bytes(self.word(), "big", signed=True)

    def address(self) -> Address:
        """Take an address."""
        return Address(self.word()[12:])

    def subaccount(self) -> SubaccountId:
        """Take the number of a subaccount."""
        return SubaccountId(self.uint())

    def market(self) -> MarketId:
        """Take the number of a market."""
        return MarketId(self.uint())

    def feed(self) -> FeedId:
        """Take the number of a feed."""
        return FeedId(self.uint())

    def addresses(self) -> Iterator[Address]:
        """Take the offset of a list, and the list."""
        self._at = self._data_at + self.uint()
        for _ in range(self.uint()):
            yield self.address()


Change = Callable[[State, Words], None]


class Event(NamedTuple):
    """An event of a contract and what it changes."""

    contract: Address
    signature: str
    change: Change
