"""Reading the filter object of ``eth_getLogs``, filters and subscriptions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from optimistic.node.chain_records import StoredLog
from optimistic.node.rpc.block_id import BlockNumberId, BlockTag, parse_block_number
from optimistic.node.rpc.codec import MalformedValue, parse_address, parse_hash, parse_list, parse_object
from optimistic.protocol.types import Address, Hash32

_MAX_TOPICS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which logs a client wants; block positions are not yet resolved."""

    from_block: BlockNumberId = BlockTag.LATEST
    to_block: BlockNumberId = BlockTag.LATEST
    block_hash: Hash32 | None = None
    """One block instead of a range (EIP-234)."""
    addresses: tuple[Address, ...] = ()
    """Any of these; empty means every address."""
    topics: tuple[tuple[Hash32, ...], ...] = ()
    """Alternatives by position; an empty one matches any topic."""

    def matches(self, log: StoredLog) -> bool:
        """Whether address and topics of `log` fit; its block is not looked at."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(
            not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False)
        )

    def covers(self, number: int) -> bool:
        """Whether block `number` lies in the range, as far as the range is given in numbers."""
        first, last = self.from_block, self.to_block
        return (isinstance(first, BlockTag) or first <= number) and (
            isinstance(last, BlockTag) or number <= last
        )

    def select(self, logs: Iterable[StoredLog]) -> list[StoredLog]:
        """The logs that match, in order."""
        return [log for log in logs if self.matches(log)]


def parse_log_query(value: object, max_choices: int) -> LogQuery:
    """Read a filter object.

    Parameters
    ----------
    value : the JSON object
    max_choices : most addresses, or alternatives in one topic position

    Raises
    ------
    MalformedValue : a malformed field, or a block hash together with a range.
    """
    fields = parse_object(value)
    block_hash, first, last = (fields.get(name) for name in ("blockHash", "fromBlock", "toBlock"))
    if block_hash is not None and (first is not None or last is not None):
        raise MalformedValue("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
    return LogQuery(
        from_block=BlockTag.LATEST if first is None else parse_block_number(first),
        to_block=BlockTag.LATEST if last is None else parse_block_number(last),
        block_hash=None if block_hash is None else parse_hash(block_hash),
        addresses=_parse_addresses(fields.get("address"), max_choices),
        topics=_parse_topics(fields.get("topics"), max_choices),
    )


def _parse_addresses(value: object, max_choices: int) -> tuple[Address, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (parse_address(value),)
    return tuple(map(parse_address, parse_list(value, max_choices)))


def _parse_topics(value: object, max_choices: int) -> tuple[tuple[Hash32, ...], ...]:
    if value is None:
        return ()
    return tuple(_parse_choices(item, max_choices) for item in parse_list(value, _MAX_TOPICS))


def _parse_choices(value: object, max_choices: int) -> tuple[Hash32, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (parse_hash(value),)
    choices = parse_list(value, max_choices)
    if None in choices:  # a null among alternatives stands for any topic
        return ()
    return tuple(map(parse_hash, choices))
