import shutil
from pathlib import Path

import pytest

from optimistic.node.exchange.answers import Ack, Refusal, Reject
from optimistic.node.exchange.commands import Cancel
from optimistic.node.exchange.image import dump
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.receipts import GENESIS_RECEIPT, ReceiptDomain
from optimistic.node.exchange.records import Halted
from optimistic.service.clock import FakeClock
from optimistic.service.storage_errors import CorruptStorage, DiskFull
from optimistic.service.wal import SyncPolicy
from tests.helpers.exchange_world import CHAIN_ID, PRICE_TICKS, ExchangeWorld
from tests.helpers.file_limit import file_size_limit


def trade_a_little(world: ExchangeWorld, rounds: int = 10) -> None:
    alice, bob, carol = world.traders[:3]
    for n in range(rounds):
        world.do(
            alice.place(5, PRICE_TICKS - n % 3),
            bob.quotes([(3, PRICE_TICKS - 5), (-4, PRICE_TICKS + 1)]),
            carol.place(-7, PRICE_TICKS - 2, client_id=b"c%d" % n),
        )


@pytest.mark.parametrize("policy", list(SyncPolicy))
def test_restart__from_the_log__is_the_same_exchange(tmp_path: Path, policy: SyncPolicy) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(sync_policy=policy))
    trade_a_little(world)

    other = world.open()

    assert dump(other.machine) == dump(world.exchange.machine)
    assert world.exchange.machine.settling.n_unsettled > 10


def test_restart__from_a_snapshot_and_the_log_after_it__is_the_same_exchange(tmp_path: Path) -> None:
    options = ExchangeOptions(snapshot_every=7, segment_bytes=2_000)
    world = ExchangeWorld(tmp_path, options=options)
    for _ in range(12):
        trade_a_little(world, 3)
        world.exchange.tick()

    other = world.open()

    assert dump(other.machine) == dump(world.exchange.machine)
    assert len(list(tmp_path.glob("*.snapshot"))) == 2
    assert min(int(path.stem) for path in (tmp_path / "log").glob("*.wal")) > 0


def test_restart__newest_snapshot_damaged__the_older_one_and_more_log_serve(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(snapshot_every=7, segment_bytes=2_000))
    for _ in range(12):
        trade_a_little(world, 3)
        world.exchange.tick()
    newest = max(tmp_path.glob("*.snapshot"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)

    assert dump(world.open().machine) == dump(world.exchange.machine)

    for path in tmp_path.glob("*.snapshot"):
        path.unlink()
    with pytest.raises(CorruptStorage, match="restore the folder"):
        world.open()


def test_restart__log_torn_at_any_byte__loses_whole_groups_from_the_end_only(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path / "whole", n_traders=3)
    images = [dump(world.exchange.machine)]
    for _ in range(4):
        trade_a_little(world, 1)
        images.append(dump(world.exchange.machine))
    [segment] = (tmp_path / "whole" / "log").glob("*.wal")
    content = segment.read_bytes()

    for cut in range(0, len(content), 37):
        folder = tmp_path / str(cut)
        (folder / "log").mkdir(parents=True)
        (folder / "log" / segment.name).write_bytes(content[:cut])
        world.folder = folder
        exchange = world.open()
        assert dump(exchange.machine) == images[exchange.group + 1]
        exchange.close()


def test_attack__bit_flipped_anywhere_in_the_log__stops_and_loses_nothing_silently(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, n_traders=3)
    trade_a_little(world, 3)
    world.exchange.tick()
    [segment] = (tmp_path / "log").glob("*.wal")
    content = segment.read_bytes()

    for at in range(0, len(content), 23):
        flipped = bytearray(content)
        flipped[at] ^= 1 << at % 8
        segment.write_bytes(flipped)
        with pytest.raises(CorruptStorage, match=r"damaged|not a log|lost what was acknowledged"):
            world.open()
    segment.write_bytes(content)
    assert dump(world.open().machine) == dump(world.exchange.machine)


def test_attack__snapshot_ahead_of_the_log__is_refused(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    trade_a_little(world, 3)
    world.exchange.close()
    for name in ("log", "told"):
        shutil.rmtree(tmp_path / name)

    with pytest.raises(CorruptStorage, match="a snapshot holds"):
        world.open()


def test_clock__set_back__time_stands_still_until_it_has_caught_up(tmp_path: Path) -> None:
    clock = FakeClock()
    world = ExchangeWorld(tmp_path)
    world.pass_time(100)
    [first] = world.do(world.traders[0].place(1, PRICE_TICKS, client_id=b"first"))
    world.clock = clock

    world.exchange = world.open()
    [second] = world.do(world.traders[0].place(1, PRICE_TICKS - 1))
    clock.advance(100.5)
    [third] = world.do(world.traders[0].place(1, PRICE_TICKS - 2))

    assert [answer.ts_ms - first.ts_ms for answer in (first, second, third)] == [0, 0, 500]
    assert dump(world.open().machine) == dump(world.exchange.machine)


def test_restart__killed_again_and_again__still_stores_snapshots(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(snapshot_every=40, segment_bytes=2_000))
    for _ in range(20):
        trade_a_little(world, 3)
        world.exchange.tick()
        before = dump(world.exchange.machine)
        world.exchange = world.open()
        assert dump(world.exchange.machine) == before

    assert len(list(tmp_path.glob("*.snapshot"))) == 2
    assert min(int(path.stem) for path in (tmp_path / "log").glob("*.wal")) > 0


def test_restart__killed_while_it_stored_a_snapshot__leaves_nothing_of_it(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    trade_a_little(world, 1)
    (tmp_path / f"{1:020d}.part").write_bytes(b"OPTEXS")

    assert dump(world.open().machine) == dump(world.exchange.machine)
    assert not list(tmp_path.glob("*.part"))


def test_attack__log_of_another_version__is_refused(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path)
    world.exchange._journal._wal.append(b"\x93\x02\x00\x90")

    with pytest.raises(CorruptStorage, match="version 2"):
        world.open()


def test_disk_full__nothing_is_acknowledged_and_nothing_is_damaged(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(sync_policy=SyncPolicy.NONE))
    alice = world.traders[0]
    trade_a_little(world, 2)
    before, n_events = dump(world.exchange.machine), len(world.events)

    with file_size_limit((tmp_path / "log" / f"{0:020d}.wal").stat().st_size + 20):
        place = alice.place(5, PRICE_TICKS)
        [answer] = world.do(place)
        assert isinstance(answer, Reject)
        assert answer.refusal is Refusal.STORAGE
        assert "no space left" in answer.detail
        with pytest.raises(DiskFull):
            world.exchange.commit(lambda _: [Halted(None, is_halted=True)])

    assert dump(world.exchange.machine) == before == dump(world.open().machine)
    assert len(world.events) == n_events
    [again] = world.do(place)
    assert isinstance(again, Ack), "there is room again: the same order is taken"
    assert dump(world.open().machine) == dump(world.exchange.machine)


def test_disk_full__during_a_snapshot__the_log_serves_on(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, options=ExchangeOptions(snapshot_every=1))
    trade_a_little(world, 5)

    with file_size_limit(1_000), pytest.raises(DiskFull):
        world.exchange.tick()
    trade_a_little(world, 5)
    with file_size_limit(1_000):
        world.exchange.close()

    assert not list(tmp_path.glob("*.part"))
    assert dump(world.open().machine) == dump(world.exchange.machine)


def test_receipts__of_all_orders__chain_verify_and_survive_a_restart(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    places = [alice.place(1, PRICE_TICKS - n, client_id=b"%d" % n) for n in range(5)]
    answers = world.do(*places, bob.quotes([(1, PRICE_TICKS - 9), (1, PRICE_TICKS - 8)]), places[0])
    world.do(Cancel(owner=alice.owner, order_id=answers[0].order_id))
    world.exchange.close()
    world.exchange = world.open()
    answers += world.do(bob.place(1, PRICE_TICKS - 50))
    domain = ReceiptDomain(CHAIN_ID)

    prev, last_seq = GENESIS_RECEIPT, 0
    for answer in [*answers[:6], answers[7]]:
        receipt = answer.receipt.receipt
        assert domain.signer(answer.receipt) == world.signer.address
        assert receipt.prev == prev
        assert receipt.seq > last_seq
        prev, last_seq = receipt.hash, receipt.seq

    [again] = world.do(places[2])
    assert again.receipt == answers[2].receipt
