from collections.abc import Sequence

from optimistic.node.chain_records import Block, ExecutedUnit
from optimistic.node.chain_store import ChainStore
from optimistic.node.rpc.feed import BlockEvent, ChainFeed, Ring
from tests.helpers.chain_builder import BOB, make_block, make_log, make_unit


def extend(store: ChainStore, *units: ExecutedUnit) -> Block:
    executed = make_block(store.heads().unsafe, *units)
    store.append_blocks([executed])
    return executed.block


def summary(events: Sequence[BlockEvent] | None) -> list[tuple[str, int]]:
    assert events is not None
    return [("-" if event.removed else "+", event.block.number) for event in events]


def test_feed__blocks_added__events_in_order_with_logs(store: ChainStore) -> None:
    feed = ChainFeed(store)
    start = feed.block_position()
    extend(store)
    extend(store, make_unit("a", [make_log(BOB, 1)]))

    events, end = feed.blocks_since(start)

    assert summary(events) == [("+", 1), ("+", 2)]
    assert events is not None
    assert [len(event.logs) for event in events] == [0, 1]
    assert feed.blocks_since(end) == ([], end)


def test_feed__reorg__removed_newest_first_with_logs_then_added(store: ChainStore) -> None:
    feed = ChainFeed(store)
    extend(store)
    extend(store, make_unit("a", [make_log(BOB, 1)]))
    extend(store)
    start = feed.block_position()
    store.rewind(1, requeue=False)
    extend(store, make_unit("b"))

    events, _ = feed.blocks_since(start)

    assert summary(events) == [("-", 3), ("-", 2), ("+", 2)]
    assert events is not None
    assert [len(event.logs) for event in events] == [0, 1, 0]


def test_feed__same_height_other_block__noticed(store: ChainStore) -> None:
    feed = ChainFeed(store)
    extend(store, make_unit("a"))
    start = feed.block_position()
    store.rewind(0, requeue=False)
    extend(store, make_unit("b"))

    events, _ = feed.blocks_since(start)

    assert summary(events) == [("-", 1), ("+", 1)]


def test_feed__shorter_chain__only_removals(store: ChainStore) -> None:
    feed = ChainFeed(store)
    extend(store)
    extend(store)
    start = feed.block_position()
    store.rewind(0, requeue=False)

    events, _ = feed.blocks_since(start)

    assert summary(events) == [("-", 2), ("-", 1)]


def test_feed__listener__told_once(store: ChainStore) -> None:
    feed = ChainFeed(store)
    feed.refresh()
    heard: list[tuple[str, int]] = []
    feed.on_blocks(lambda events: heard.extend(summary(events)))
    extend(store)

    feed.refresh()
    feed.refresh()

    assert heard == [("+", 1)]


def test_ring__beyond_size_or_weight__oldest_go() -> None:
    ring: Ring[int] = Ring(3, lambda item: item, 10)
    for item in (1, 2, 3, 4):
        ring.append(item)

    assert ring.end == 4
    assert ring.since(1) == [2, 3, 4]
    assert ring.since(0) is None
    ring.append(9)
    assert ring.since(4) == [9]
    assert ring.since(3) is None
    ring.forget()
    assert ring.since(5) is None
    assert ring.since(6) == []
