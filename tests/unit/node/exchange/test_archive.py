"""What owners were told survives the process, wherever it dies."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from optimistic.node.api.channels import Hub
from optimistic.node.api.errors import ApiError, Code
from optimistic.node.api.history import sequence_of
from optimistic.node.api.options import ApiLimits
from optimistic.node.exchange.archive import Archive
from optimistic.node.exchange.events import (
    OWN_EVENTS,
    OrderChanged,
    OrderDone,
    Published,
    Traded,
    TradeSettled,
)
from optimistic.node.exchange.exchange import Exchange
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.service import ExchangeService
from optimistic.protocol.matching.types import Reason
from optimistic.protocol.types import Address, Hash32
from optimistic.service.storage_errors import CorruptStorage, DiskFull
from optimistic.service.wal import SyncPolicy
from tests.helpers.exchange_world import PRICE_TICKS, ExchangeWorld
from tests.helpers.file_limit import file_size_limit

OWNER = Address(b"\x01" * 20)


class Ears:
    """Hears what an exchange tells, group by group."""

    def __init__(self, exchange: Exchange) -> None:
        self.heard: list[Published] = []
        exchange.subscribe(self._hear)

    def _hear(self, published: Published) -> None:
        events = tuple(event for event in published.events if isinstance(event, OWN_EVENTS))
        if events:
            self.heard.append(Published(published.group, published.ts_ms, events))


def trade(world: ExchangeWorld, rounds: int) -> None:
    alice, bob, carol = world.traders[:3]
    for n in range(rounds):
        world.do(
            alice.place(5, PRICE_TICKS - n % 3), bob.place(-4, PRICE_TICKS - 2), carol.place(-3, PRICE_TICKS)
        )


def told(group: int) -> Published:
    return Published(group, 1, (OrderChanged(group, OWNER, 1, 10, 5),))


def archive(folder: Path, kept: int = 1_000) -> Archive:
    return Archive(folder, SyncPolicy.NONE, kept)


@pytest.mark.parametrize("ticks", ["never", "sometimes", "always"])
@pytest.mark.parametrize("snapshot_every", [13, 10_000])
def test_recall__after_a_restart_at_any_time__is_what_was_told(
    tmp_path: Path, ticks: str, snapshot_every: int
) -> None:
    options = ExchangeOptions(snapshot_every=snapshot_every, segment_bytes=2_000)
    world = ExchangeWorld(tmp_path, options=options)
    ears = Ears(world.exchange)
    for n in range(24):
        trade(world, 2)
        if ticks == "always" or (ticks == "sometimes" and n % 5 == 0):
            world.exchange.tick()
        if n % 7 == 6:
            world.exchange = world.open()
            recalled = world.exchange.recall()
            assert list(recalled.told) == ears.heard
            assert (recalled.first, recalled.group) == (0, world.exchange.group)
            heard, ears = ears.heard, Ears(world.exchange)
            ears.heard = heard

    world.exchange.close()
    assert list(world.open().recall().told) == ears.heard


def test_recall__more_than_is_kept__forgets_the_oldest_and_says_from_where(tmp_path: Path) -> None:
    options = ExchangeOptions(kept_events=40, snapshot_every=20)
    world = ExchangeWorld(tmp_path, options=options)
    ears = Ears(world.exchange)
    for _ in range(60):
        trade(world, 1)
        world.exchange.tick()

    recalled = world.open().recall()

    assert list(recalled.told) == [item for item in ears.heard if item.group >= recalled.first]
    assert 40 <= sum(len(published.events) for published in recalled.told) < 60
    assert recalled.first > 40


def test_archive__fee_of_more_than_64_bits__is_kept(tmp_path: Path) -> None:
    settled = TradeSettled(1, 1, OWNER, OWNER, 7, Hash32(b"\x02" * 32), -(1 << 90), 1 << 90)
    kept = archive(tmp_path)
    kept.add(Published(0, 1, (settled,)))
    kept.sync()

    (published,) = archive(tmp_path).recall()[1]

    assert published.events == (settled,)


def test_archive__written_while_more_is_told__keeps_all_in_order(tmp_path: Path) -> None:
    kept = archive(tmp_path, kept=100_000)

    def tell() -> None:
        for group in range(20_000):
            kept.add(told(group))

    teller = threading.Thread(target=tell)
    teller.start()
    while teller.is_alive():
        kept.flush()
    teller.join()
    kept.sync()
    kept.close()

    first, recalled = archive(tmp_path, kept=100_000).recall()
    assert first == 0
    assert [item.group for item in recalled] == list(range(20_000))


def test_archive__much_of_it__gives_the_disk_back(tmp_path: Path) -> None:
    kept = archive(tmp_path, kept=5_000)
    for group in range(60_000):
        kept.add(told(group))
        if group % 500 == 0:
            kept.flush()
    kept.sync()

    size = sum(path.stat().st_size for path in tmp_path.glob("*.wal"))
    assert size < 5_000_000
    assert len(kept.recall()[1]) >= 5_000


def test_attack__log_rolled_back__stops_before_it_tells_another_story(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    trade(world, 2)
    shutil.copytree(tmp_path / "log", tmp_path / "older")
    trade(world, 1)
    world.exchange.tick()
    shutil.rmtree(tmp_path / "log")
    (tmp_path / "older").rename(tmp_path / "log")

    with pytest.raises(CorruptStorage, match="two receipts for one place"):
        world.open()


def test_archive__lost__recalls_from_the_snapshot_on(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    trade(world, 3)
    world.exchange.close()
    shutil.rmtree(tmp_path / "told")

    world.exchange = world.open()
    first = world.exchange.group + 1
    trade(world, 1)

    recalled = world.open().recall()
    assert recalled.first == first
    assert [item.group for item in recalled.told] == [first]


@pytest.mark.parametrize("content", [b"[]", b"[2,0,1,0,[]]", b"[1,0,1,1,[[]]]"])
def test_attack__archive_of_something_else__stops_the_process(tmp_path: Path, content: bytes) -> None:
    kept = archive(tmp_path)
    kept._wal.append(content)

    with pytest.raises(CorruptStorage, match="archive"):
        archive(tmp_path).recall()


def test_attack__bit_flipped_in_the_middle__stops_the_process(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    for _ in range(5):
        trade(world, 1)
        world.exchange.tick()
    [segment] = (tmp_path / "told").glob("*.wal")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)

    with pytest.raises(CorruptStorage, match="told"):
        world.open()


def test_disk_full__while_it_writes_down_what_was_told__nothing_is_forgotten(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(sync_policy=SyncPolicy.NONE))
    ears = Ears(world.exchange)
    trade(world, 3)

    with file_size_limit(100), pytest.raises(DiskFull):
        world.exchange.tick()
    trade(world, 1)
    world.exchange.tick()

    assert list(world.exchange.recall().told) == ears.heard
    assert list(world.open().recall().told) == ears.heard


# ---------------------------------------------------------------------------------- the API over it


class Inbox:
    """A subscriber that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def push(self, payload: bytes) -> None:
        self.got.append(payload)


def hub_of(exchange: Exchange) -> Hub:
    hub = Hub(ExchangeService(exchange), ApiLimits())
    exchange.subscribe(hub.publish)
    return hub


def test_drop_copy__across_restarts__goes_on_without_a_gap_or_a_repeat(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(snapshot_every=20))
    owner = world.traders[0].owner
    live = Inbox()
    hub_of(world.exchange).subscribe_account(owner, live, after=0)
    for _ in range(9):
        trade(world, 2)
        world.exchange.tick()
    middle = Inbox()
    hub = hub_of(world.open())
    sequence, is_live = hub.subscribe_account(owner, middle, after=0)

    assert middle.got == live.got
    assert (hub.history.last(owner), is_live) == (sequence, True)
    trades = hub.trades(1, 1_000)
    assert [item.trade for item in trades] == list(range(len(trades), 0, -1))
    assert len(trades) == sum(isinstance(event, Traded) for event in world.events)


def test_history__after_a_restart__still_says_why_an_order_ended(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    alice = world.traders[0]
    world.do(alice.place(1, PRICE_TICKS), alice.place(-1, PRICE_TICKS, self_trade=0))
    [ended] = [event for event in world.events if isinstance(event, OrderDone)]
    world.exchange.close()

    history = hub_of(world.open()).history

    assert ended in [entry.event for entry in history.newest(alice.owner, 10)]


def test_drop_copy__from_a_number_the_exchange_never_reached__is_refused(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    trade(world, 1)
    reached = sequence_of(world.exchange.group)
    hub = hub_of(world.exchange)

    with pytest.raises(ApiError, match="never came to") as refused:
        hub.subscribe_account(world.traders[0].owner, Inbox(), after=reached + 1)

    assert refused.value.code is Code.REPLAY_TOO_OLD


def test_connections__of_the_last_process__have_ended_with_it(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    alice = world.traders[0]
    bound, free = world.do(alice.place(1, PRICE_TICKS, session=7), alice.place(1, PRICE_TICKS - 1))

    world.exchange = world.open()
    world.exchange.end_connections()
    world.exchange.end_connections()

    assert list(world.exchange.machine.registry.orders) == [free.order_id]
    done: list[Any] = [event for event in world.events if isinstance(event, OrderDone)]
    assert [(event.order_id, event.reason) for event in done] == [(bound.order_id, Reason.DISCONNECTED)]
