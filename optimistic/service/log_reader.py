"""Follows L1: the events of each block once, in order, on a chain of linked headers.

Use: `poll`, apply the range to your own tables and `commit` it in the same transaction.
When `poll` raises ReorgDetected, undo your own state down to the ancestor and `rewind`
in one transaction; then poll again. Blocks at or below the finalized one are read in
bulk and linked only at the ends of ranges.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from optimistic.protocol.errors import ResetError
from optimistic.protocol.types import Hash32
from optimistic.service.database import Database, Row
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_types import Header, Log, LogFilter

log = structlog.get_logger(__name__)

_THINNED_TO: Final = 64
"""Of old headers only those with numbers divisible by this are kept."""

_COLUMNS: Final = "number, hash, parent_hash, timestamp, base_fee_wei, gas_limit"


class FinalityMode(StrEnum):
    """Where safe and finalized come from."""

    AUTO = "auto"
    """The endpoint's tags, or depths where it has none."""
    DEPTH = "depth"
    """Always depths; for development chains whose tags lie an epoch behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """How far behind, how much at once, how much is remembered."""

    confirmations: int = 0
    """Blocks on top of a block before its events are delivered."""
    max_range: int = 500
    """Blocks per poll."""
    window: int = 256
    """Recent headers kept; older ones are thinned out to every 64th."""
    finality: FinalityMode = FinalityMode.AUTO
    safe_depth: int = 4
    finalized_depth: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRange:
    """The events of blocks [from_block, to_block], in chain order."""

    from_block: int
    to_block: int
    headers: tuple[Header, ...]
    """Headers to remember: all of the range, or only the last when it is finalized."""
    logs: tuple[Log, ...]
    head: Header
    """The newest block seen; later than `to_block` while catching up."""

    @property
    def last(self) -> Header:
        """Header of `to_block`."""
        return self.headers[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finality:
    """What L1 says about its own blocks now; finalized ≤ safe ≤ head."""

    head: Header
    safe: Header
    finalized: Header


class ReorgDetected(ResetError):
    """Blocks that were delivered are no longer canonical.

    Attributes
    ----------
    ancestor : newest delivered block that still is; None when not one of the remembered ones
        is, so everything since the start must be undone
    old : newest delivered block
    """

    def __init__(self, ancestor: Header | None, old: Header) -> None:
        kept = "none" if ancestor is None else str(ancestor.number)
        super().__init__(f"L1 block {old.number} 0x{old.hash.hex()[:16]} is gone; common ancestor: {kept}")
        self.ancestor = ancestor
        self.old = old


class LogReader:
    """One consumer's view of L1, persisted under its name.

    Parameters
    ----------
    database : opened with `SERVICE_MIGRATIONS`
    wanted : which events to deliver
    start_block : first block to read, such as the deployment's
    name : key of this reader's rows
    """

    def __init__(
        self,
        client: L1Client,
        database: Database,
        wanted: LogFilter,
        *,
        start_block: int,
        name: str = "main",
        options: ReaderOptions | None = None,
    ) -> None:
        self._client = client
        self._database = database
        self._wanted = wanted
        self._start_block = start_block
        self._name = name
        self._options = options if options is not None else ReaderOptions()
        self._finalized: Header | None = None

    @property
    def cursor(self) -> Header | None:
        """The newest committed block; None before the first."""
        return self._newest_at_or_below(None)

    def poll(self) -> LogRange | None:
        """Return the next events, or None when there is nothing new.

        Raises
        ------
        ReorgDetected : committed blocks are no longer canonical
        L1Lied, L1Unavailable, ... : ask again later
        """
        head = self._client.head()
        cursor = self.cursor
        if cursor is not None and not self._holds(cursor, head):
            return None
        first = self._start_block if cursor is None else cursor.number + 1
        last = min(head.number - self._options.confirmations, first + self._options.max_range - 1)
        if last < first:
            return None
        headers = self._headers(cursor, first, last)
        last = headers[-1].number
        logs = self._logs(headers, first, last)
        return LogRange(from_block=first, to_block=last, headers=headers, logs=logs, head=head)

    def commit(self, delivered: LogRange) -> None:
        """Remember that `delivered` was applied; joins the caller's transaction."""
        rows = [_row(self._name, header) for header in delivered.headers]
        with self._database.transaction():
            self._database.execute_many(
                f"INSERT OR REPLACE INTO l1_header (reader, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                rows,
            )
            self._database.execute(
                "DELETE FROM l1_header WHERE reader = ? AND number < ? AND number % ? <> 0",
                (self._name, delivered.to_block - self._options.window, _THINNED_TO),
            )

    def rewind(self, ancestor: Header | None) -> None:
        """Forget the blocks after `ancestor` (all, if None); joins the caller's transaction."""
        number = self._start_block - 1 if ancestor is None else ancestor.number
        self._database.execute("DELETE FROM l1_header WHERE reader = ? AND number > ?", (self._name, number))
        log.warning("log_reader_rewound", reader=self._name, to_block=number)

    def finality(self) -> Finality:
        """Return head, safe and finalized block; finalized never goes back on one chain."""
        head = self._client.head()
        options = self._options
        finalized = self._final_block("finalized", head, options.finalized_depth)
        safe = self._final_block("safe", head, options.safe_depth)
        finalized = self._keep_finalized(finalized)
        if not finalized.number <= safe.number:
            safe = finalized
        if safe.number > head.number:
            raise L1Lied(f"block {safe.number} is said to be final, but the newest is {head.number}")
        return Finality(head=head, safe=safe, finalized=finalized)

    # ------------------------------------------------------------------------------ canonical chain

    def _holds(self, cursor: Header, head: Header) -> bool:
        """Return whether there may be something new; raise ReorgDetected if the cursor is gone."""
        if head.hash == cursor.hash:
            return False
        if head.number <= cursor.number:
            known = self._newest_at_or_below(head.number)
            if known is None or self._is_canonical(known):
                # The same chain, seen by an endpoint that lags behind: nothing new, nothing lost.
                log.debug("l1_endpoint_lagged", head=head.number, cursor=cursor.number)
                return False
        elif self._is_canonical(cursor):
            return True
        raise ReorgDetected(self._common_ancestor(), cursor)

    def _is_canonical(self, header: Header) -> bool:
        found = self._client.find_header(header.number)
        return found is not None and found.hash == header.hash

    def _common_ancestor(self) -> Header | None:
        """Find the newest remembered header that is canonical: if one is, all older ones are."""
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM l1_header WHERE reader = ? ORDER BY number",  # noqa: S608
            (self._name,),
        )
        low, high = 0, len(rows)
        while low < high:
            middle = (low + high) // 2
            if self._is_canonical(_header(rows[middle])):
                low = middle + 1
            else:
                high = middle
        return _header(rows[low - 1]) if low else None

    def _newest_at_or_below(self, number: int | None) -> Header | None:
        bound = (1 << 62) if number is None else number
        row = self._database.query_one(
            f"SELECT {_COLUMNS} FROM l1_header WHERE reader = ? AND number <= ? ORDER BY number DESC LIMIT 1",  # noqa: S608
            (self._name, bound),
        )
        return None if row is None else _header(row)

    # ------------------------------------------------------------------------------ reading

    def _headers(self, cursor: Header | None, first: int, last: int) -> tuple[Header, ...]:
        finalized = self._client.tagged("finalized")
        if finalized is not None and first <= finalized.number:
            end = min(last, finalized.number)
            thinned = end - end % _THINNED_TO
            return (self._client.header(thinned if thinned >= first else end),)
        headers: list[Header] = []
        parent: Hash32 | None = cursor.hash if cursor is not None else None
        for number in range(first, last + 1):
            header = self._client.header(number)
            if parent is not None and header.parent_hash != parent:
                raise L1Lied(
                    f"block {number} does not follow block {number - 1}: reorganised while being read"
                )
            headers.append(header)
            parent = header.hash
        return tuple(headers)

    def _logs(self, headers: tuple[Header, ...], first: int, last: int) -> tuple[Log, ...]:
        """Return the events of a range; raise L1Lied if the chain changed since its headers were read."""
        if first == last:
            return self._client.logs_of_block(self._wanted, headers[0])
        logs = self._client.logs(self._wanted, first, last)
        known = {header.number: header.hash for header in headers}
        for item in logs:
            if known.get(item.block_number, item.block_hash) != item.block_hash:
                raise L1Lied(f"logs of block {item.block_number} are not of the block its header names")
        if not self._is_canonical(headers[-1]):
            raise L1Lied(f"block {headers[-1].number} was reorganised while its logs were read")
        return logs

    # ------------------------------------------------------------------------------ finality

    def _final_block(self, tag: str, head: Header, depth: int) -> Header:
        if self._options.finality is FinalityMode.AUTO:
            found = self._client.tagged("safe" if tag == "safe" else "finalized")
            if found is not None:
                return found
        return self._client.header(max(0, head.number - depth))

    def _keep_finalized(self, finalized: Header) -> Header:
        previous = self._finalized
        if previous is not None and previous.number > finalized.number:
            if self._is_canonical(previous):
                return previous
            log.error("l1_finalized_block_reorganised", number=previous.number, hash=previous.hash)
        self._finalized = finalized
        return finalized


def _row(reader: str, header: Header) -> tuple[int | str | bytes | None, ...]:
    return (
        reader,
        header.number,
        header.hash,
        header.parent_hash,
        header.timestamp,
        str(header.base_fee_wei),
        header.gas_limit,
    )


def _header(row: Row) -> Header:
    number, block_hash, parent_hash, timestamp, base_fee_wei, gas_limit = row
    return Header(
        number=number,
        hash=Hash32(block_hash),
        parent_hash=Hash32(parent_hash),
        timestamp=timestamp,
        base_fee_wei=int(base_fee_wei),
        gas_limit=gas_limit,
    )
