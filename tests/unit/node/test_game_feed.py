from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from optimistic.node import game_feed
from optimistic.node.chain_store import CHAIN_MIGRATIONS
from optimistic.node.game_feed import GameFeed
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.types import ZERO_HASH, Address
from optimistic.service.database import Database
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import L1Event
from optimistic.service.l1_types import Header, Log
from optimistic.service.log_reader import LogRange, ReorgDetected
from tests.unit.service.game_story import ALICE, DISPUTE, LOG_ARITY, GameStory, ident


def header(number: int) -> Header:
    return Header(
        number=number,
        hash=ident(f"block {number}"),
        parent_hash=ZERO_HASH,
        timestamp=number,
        base_fee_wei=0,
        gas_limit=0,
    )


@dataclass
class FakeReader:
    """Delivers blocks of a story, one event each, `step` at a time."""

    story: GameStory
    step: int = 2
    cursor: Header | None = None
    reorg_to: int | None = None
    rewound: list[int | None] = field(default_factory=list)

    def poll(self) -> LogRange | None:
        if self.reorg_to is not None:
            to, self.reorg_to = header(self.reorg_to), None
            raise ReorgDetected(to, header(99))
        done = 0 if self.cursor is None else self.cursor.number
        head = len(self.story.events)
        last = min(head, done + self.step)
        if last == done:
            return None
        logs = tuple(raw(event) for event in self.story.events[done:last])
        return LogRange(
            from_block=done + 1, to_block=last, headers=(header(last),), logs=logs, head=header(head)
        )

    def commit(self, delivered: LogRange) -> None:
        self.cursor = delivered.last

    def rewind(self, ancestor: Header | None) -> None:
        self.cursor = ancestor
        self.rewound.append(None if ancestor is None else ancestor.number)


def raw(event: L1Event) -> Log:
    """A log that stands for an event of the story."""
    place = event.place
    return Log(
        address=Address(bytes(20)),
        topics=(),
        data=b"",
        block_number=place.block_number,
        block_hash=place.block_hash,
        tx_hash=place.tx_hash,
        tx_index=0,
        log_index=place.log_index,
    )


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    """A reader of a story, whose logs decode to the events that the story has there."""
    made = FakeReader(GameStory().pinned())
    monkeypatch.setattr(game_feed, "decode_event", lambda log: made.story.events[log.block_number - 1])
    return made


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database(None, CHAIN_MIGRATIONS)
    yield opened
    opened.close()


def feed_of(database: Database, reader: FakeReader) -> GameFeed:
    return GameFeed(database, cast("Any", reader), LOG_ARITY)


def follow(feed: GameFeed) -> None:
    while feed.refresh():
        pass


def test_feed__all_events__are_folded_up_to_the_head(database: Database, reader: FakeReader) -> None:
    feed = feed_of(database, reader)

    follow(feed)

    assert feed.block == header(len(reader.story.events))
    assert feed.index.disputes == reader.story.index().disputes
    assert not feed.refresh()


def test_feed__restart__folds_the_stored_events_again(database: Database, reader: FakeReader) -> None:
    follow(feed_of(database, reader))

    assert feed_of(database, reader).index.disputes == reader.story.index().disputes


def test_feed__reorg__forgets_what_came_after_the_ancestor(database: Database, reader: FakeReader) -> None:
    feed = feed_of(database, reader)
    follow(feed)
    reader.reorg_to = 2
    del reader.story.events[2:]

    assert feed.refresh()

    assert feed.block == header(2)
    assert feed.index.disputes == reader.story.index().disputes
    assert feed_of(database, reader).index.disputes == feed.index.disputes


def test_feed__impossible_event__is_not_taken(database: Database, reader: FakeReader) -> None:
    feed = feed_of(database, reader)
    follow(feed)
    reader.story.committed(Side.OLDER, "right", ALICE, no=7)

    with pytest.raises(L1Lied):
        feed.refresh()

    reader.story.events.pop()
    assert feed.block == header(len(reader.story.events))
    assert feed.index.disputes[DISPUTE].commitments == {}


def test_attack__events_that_l1_keeps_contradicting__are_read_again(
    database: Database, reader: FakeReader
) -> None:
    feed = feed_of(database, reader)
    follow(feed)

    for _ in range(2):
        feed.doubt()
    feed.trust()
    for _ in range(2):
        feed.doubt()
    assert reader.rewound == []
    feed.doubt()

    assert reader.rewound == [None]
    assert feed.index.disputes == {}
    follow(feed)
    assert feed.index.disputes == reader.story.index().disputes
