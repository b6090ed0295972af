"""The dispute game's events followed block by block and kept: a restart folds them again."""

from typing import Final

import structlog

from optimistic.service.database import Database
from optimistic.service.event_decoder import decode_event
from optimistic.service.game_index import GameIndex
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_types import Header
from optimistic.service.log_reader import LogRange, LogReader, ReorgDetected
from optimistic.service.log_store import LogStore

log = structlog.get_logger(__name__)

_LIES_BEFORE_REREAD: Final = 3
"""Contradictions in a row after which the stored events themselves are doubted."""


class GameFeed:
    """Follows L1; belongs to one thread.

    Parameters
    ----------
    database : holds the table ``l1_log``
    reader : delivers the events of the assertion chain and of the game
    log_arity : bits per level of the trees
    """

    def __init__(self, database: Database, reader: LogReader, log_arity: int) -> None:
        self._database = database
        self._reader = reader
        self._log_arity = log_arity
        self._logs = LogStore(database)
        self._lies = 0
        self.index = self._rebuild()
        """Everything up to `block`."""

    @property
    def block(self) -> Header | None:
        """The block up to which events were taken; None before the first."""
        return self._reader.cursor

    def refresh(self) -> bool:
        """Take the next events; return whether there may be more to take at once.

        Raises
        ------
        TemporaryError : L1 cannot be read, or contradicts itself
        """
        try:
            delivered = self._reader.poll()
        except ReorgDetected as reorg:
            self._rewind(reorg.ancestor)
            return True
        if delivered is None:
            return False
        try:
            self._apply(delivered)
        except L1Lied:
            self.doubt()
            raise
        return delivered.to_block < delivered.head.number

    def trust(self) -> None:
        """Take note that L1 agrees with the events."""
        self._lies = 0

    def doubt(self) -> None:
        """Take note that L1 contradicts the events; after a few times in a row read them again."""
        self._lies += 1
        if self._lies >= _LIES_BEFORE_REREAD:
            log.error("l1_events_doubted", reaction="all events are read again")
            self._rewind(None)

    def _apply(self, delivered: LogRange) -> None:
        try:
            for item in delivered.logs:
                event = decode_event(item)
                if event is not None:
                    self.index.apply(event)
            with self._database.transaction():
                self._logs.add(delivered.logs)
                self._reader.commit(delivered)
        except BaseException:
            self.index = self._rebuild()
            raise

    def _rewind(self, ancestor: Header | None) -> None:
        kept = -1 if ancestor is None else ancestor.number
        with self._database.transaction():
            self._logs.drop_after(kept)
            self._reader.rewind(ancestor)
        self.index = self._rebuild()
        self._lies = 0

    def _rebuild(self) -> GameIndex:
        index = GameIndex(self._log_arity)
        for item in self._logs.all():
            event = decode_event(item)
            if event is not None:
                index.apply(event)
        return index
