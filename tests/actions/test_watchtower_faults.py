"""What the watchtower survives: lost disks, kills, reorganisations, damaged caches, lying endpoints."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lmdb
import pytest

from challenger.bootstrap import NotConfirmed, export_snapshot, import_snapshot
from challenger.loader import EndpointBehind, EndpointsDisagree
from challenger.model import Judgement
from challenger.snapshots import InvalidSnapshot
from challenger.watchtower import Watchtower, Wiring
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import L1Lied, L1Unavailable
from optimistic.service.storage_errors import DiskFull
from tests.helpers.file_limit import file_size_limit
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import Posted, Stage, wrong_gas


def wrong_story(stage: Stage) -> Posted:
    """Three batches and a wrong assertion over them."""
    wallet = Wallet(1)
    stage.deposit(wallet.address)
    for _ in range(3):
        stage.append(wallet.transfer(stage.bob.address))
    return stage.post(stage.eve, 3, tamper=wrong_gas(1))


def judged(tower: Watchtower, id_: Hash32) -> Judgement:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.judgement(id_)


def right_id(tower: Watchtower, stage: Stage) -> Hash32:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.drafts[stage.genesis_id].id


class Liar:
    """An endpoint in front of the L1 that may change answers."""

    def __init__(self, stage: Stage) -> None:
        self._l1 = stage.l1
        self.lie: Callable[[str, Sequence[Any], Any], Any] | None = None

    def request(self, method: str, params: Sequence[Any]) -> Any:
        answer = self._l1.request(method, params)
        return answer if self.lie is None else self.lie(method, params, answer)

    def wiring(self, stage: Stage) -> Wiring:
        client = L1Client(self, chain_id=stage.params.l1_chain_id)
        return Wiring(connect=lambda *_: client, clock=stage.clock)


# ---------------------------------------------------------------------------------- restarts


def test_restart__empty_disk_between_rival_and_opening__finishes_the_job(stage: Stage) -> None:
    wrong = wrong_story(stage)
    first = stage.tower("first")
    first.catch_up()
    assert first.manager is not None
    first.manager.step()
    stage.close_tower(first)
    shutil.rmtree(stage.folder / "first")

    second = stage.tower("first")
    stage.run(second)

    rival = right_id(second, stage)
    assert stage.state(rival).poster == stage.watcher.address
    assert stage.game.is_open(wrong.id, rival, at="latest")
    assert stage.client.nonce(stage.watcher.address, "latest") == 2


def test_restart__killed_before_sending__sends_once(stage: Stage) -> None:
    wrong_story(stage)
    first = stage.tower("same")
    first.catch_up()
    stage.close_tower(first)

    second = stage.tower("same")
    stage.run(second)

    assert stage.client.nonce(stage.watcher.address, "latest") == 2
    assert stage.state(right_id(second, stage)).status is AssertionStatus.LIVE


def test_restart__full_disk_cache__replays_nothing_again(stage: Stage) -> None:
    wrong = wrong_story(stage)
    first = stage.tower("same")
    first.catch_up()
    stage.close_tower(first)

    second = stage.tower("same", batches_per_turn=1)
    second.turn()

    assert judged(second, wrong.id) is Judgement.INVALID


def test_restart__every_batch_in_a_turn_of_its_own__same_verdict(stage: Stage) -> None:
    wrong = wrong_story(stage)
    tower = stage.tower(batches_per_turn=1)

    seen = []
    while tower.turn():
        if tower.monitor.findings is not None:
            seen.append(judged(tower, wrong.id))

    assert seen[:3] == [Judgement.UNKNOWN, Judgement.UNKNOWN, Judgement.INVALID]
    assert judged(tower, wrong.id) is Judgement.INVALID


def test_cache__state_row_damaged__is_rebuilt_from_l1(stage: Stage) -> None:
    wrong = wrong_story(stage)
    tower = stage.tower()
    tower.catch_up()
    tower.store.database.execute("UPDATE replayed_batch SET ring = zeroblob(8192) WHERE batch_index = 1")
    tower.store.database.execute("DELETE FROM replayed_batch WHERE batch_index = 2")

    stage.run(tower)

    assert judged(tower, wrong.id) is Judgement.INVALID


def test_cache__leaves_damaged__are_rebuilt_from_l1(stage: Stage) -> None:
    wrong = wrong_story(stage)
    tower = stage.tower()
    tower.catch_up()
    tower.store.database.execute("UPDATE replayed_batch SET leaves = zeroblob(32)")
    stage.publish(stage.eve, wrong)

    stage.run(tower)

    assert judged(tower, wrong.id) is Judgement.INVALID


def test_cache__trie_nodes_lost__are_rebuilt_from_l1(stage: Stage) -> None:
    wrong = wrong_story(stage)
    first = stage.tower("same")
    first.catch_up()
    first.store.database.execute("DELETE FROM replayed_batch WHERE batch_index = 2")
    stage.close_tower(first)
    with lmdb.open(str(stage.folder / "same" / "nodes")) as nodes, nodes.begin(write=True) as writing:
        writing.drop(nodes.open_db(), delete=False)

    second = stage.tower("same")
    stage.run(second)

    assert judged(second, wrong.id) is Judgement.INVALID


def test_disk__full__stops_with_a_clear_error_and_loses_nothing(stage: Stage) -> None:
    wrong = wrong_story(stage)
    first = stage.tower("same", batches_per_turn=1)
    with file_size_limit(48_000), pytest.raises(DiskFull, match="free space"):
        first.catch_up()
    stage.close_tower(first)

    second = stage.tower("same")
    stage.run(second)

    assert judged(second, wrong.id) is Judgement.INVALID
    assert stage.state(right_id(second, stage)).status is AssertionStatus.LIVE


# ---------------------------------------------------------------------------------- snapshots


def confirmed_story(stage: Stage) -> tuple[Watchtower, Posted]:
    """A confirmed assertion over two batches, and a wrong one over a third."""
    wallet = Wallet(1)
    stage.deposit(wallet.address)
    stage.append(wallet.transfer(stage.bob.address))
    stage.append(wallet.transfer(stage.bob.address))
    right = stage.post(stage.alice, 2)
    tower = stage.tower("source")
    stage.run(tower)
    stage.l1.advance_time(stage.params.challenge_period_s + 1)
    stage.run(tower)
    assert stage.state(right.id).status is AssertionStatus.CONFIRMED
    stage.append(wallet.transfer(stage.bob.address))
    wrong = stage.post(stage.eve, 3, parent=right.id, tamper=wrong_gas(0))
    return tower, wrong


def test_snapshot__start_from_a_confirmed_state__judges_what_follows(stage: Stage) -> None:
    source, wrong = confirmed_story(stage)
    source.catch_up()
    file = stage.folder / "state.snap"
    exported = export_snapshot(source, file, None, lambda _: None)
    fresh = stage.tower("fresh", who=stage.bob)

    imported = import_snapshot(fresh, file, lambda _: None)
    stage.run(fresh)

    assert imported == exported
    assert fresh.verifier.start == 2
    assert judged(fresh, wrong.id) is Judgement.INVALID
    assert judged(fresh, exported.assertion) is Judgement.VALID
    rival = source.monitor.findings
    assert rival is not None
    assert stage.state(rival.known.drafts[exported.assertion].id).poster == stage.bob.address


def test_snapshot__not_confirmed__is_refused(stage: Stage) -> None:
    source, wrong = confirmed_story(stage)
    source.catch_up()

    with pytest.raises(NotConfirmed):
        export_snapshot(source, stage.folder / "state.snap", wrong.id, lambda _: None)


@pytest.mark.parametrize("damage", ["cut", "flip", "text"])
def test_snapshot__damaged_file__is_refused_and_changes_nothing(stage: Stage, damage: str) -> None:
    source, _ = confirmed_story(stage)
    source.catch_up()
    file = stage.folder / "state.snap"
    export_snapshot(source, file, None, lambda _: None)
    raw = bytearray(file.read_bytes())
    match damage:
        case "cut":
            del raw[len(raw) // 2 :]
        case "flip":
            raw[len(raw) * 2 // 3] ^= 1
        case "text":
            raw = bytearray(b"not a snapshot")
    file.write_bytes(raw)
    fresh = stage.tower("fresh", who=stage.bob)

    with pytest.raises(InvalidSnapshot):
        import_snapshot(fresh, file, lambda _: None)

    assert fresh.store.snapshots() == []


# ---------------------------------------------------------------------------------- reorganisations


def test_reorg__drops_the_wrong_assertion__forgets_it(stage: Stage) -> None:
    wrong = wrong_story(stage)
    tower = stage.tower()
    tower.catch_up()
    assert judged(tower, wrong.id) is Judgement.INVALID

    stage.l1.reorg(1, empty_blocks=2)
    stage.run(tower)

    assert tower.monitor.findings is not None
    assert wrong.id not in tower.monitor.findings.known.verdicts


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_reorg__drops_batches_and_assertions__judges_the_new_ones(stage: Stage, depth: int) -> None:
    wrong_story(stage)
    tower = stage.tower()
    tower.catch_up()

    stage.l1.reorg(depth, empty_blocks=depth + 1)
    wallet = Wallet(1)
    wallet.nonce = 7
    stage.deposit(wallet.address)
    stage.append(wallet.transfer(stage.alice.address))
    count = stage.inbox.batch_count(at="latest")
    posted = stage.post(stage.alice, count)
    stage.run(tower)

    assert judged(tower, posted.id) is Judgement.VALID


def test_reorg__drops_the_rival__posts_it_again(stage: Stage) -> None:
    wrong = wrong_story(stage)
    tower = stage.tower()
    stage.run(tower)
    rival = right_id(tower, stage)
    assert stage.game.is_open(wrong.id, rival, at="latest")

    stage.l1.reorg(2, empty_blocks=3)
    stage.run(tower, rounds=8)

    assert stage.state(rival).status is AssertionStatus.LIVE
    assert stage.game.is_open(wrong.id, rival, at="latest")


# ---------------------------------------------------------------------------------- endpoints


def _without_last_batch(method: str, _params: Sequence[Any], answer: Any) -> Any:
    """Leave out the newest BatchAppended of every answer."""
    if method != "eth_getLogs" or not answer:
        return answer
    longest = max(range(len(answer)), key=lambda i: (len(answer[i]["data"]), i))
    return [log for i, log in enumerate(answer) if i != longest]


def _failing(_method: str, _params: Sequence[Any], _answer: Any) -> Any:
    raise L1Unavailable("timed out")


def test_endpoint__leaves_out_events__nothing_is_judged_until_it_is_honest(stage: Stage) -> None:
    wrong = wrong_story(stage)
    liar = Liar(stage)
    liar.lie = _without_last_batch
    tower = stage.tower(wiring=liar.wiring(stage))

    for _ in range(5):
        with pytest.raises(L1Lied):
            tower.catch_up()
    assert tower.monitor.findings is None
    liar.lie = None
    with pytest.raises(L1Lied):
        tower.catch_up()  # the third contradiction in a row: now the events are read again
    stage.run(tower)

    assert judged(tower, wrong.id) is Judgement.INVALID


def test_endpoint__fails__raises_temporary_errors_and_recovers(stage: Stage) -> None:
    wrong = wrong_story(stage)
    liar = Liar(stage)
    tower = stage.tower(wiring=liar.wiring(stage))
    liar.lie = _failing

    with pytest.raises(TemporaryError):
        tower.turn()
    nothing_sent = stage.client.nonce(stage.watcher.address, "latest") == 0
    liar.lie = None
    stage.run(tower)

    assert nothing_sent
    assert judged(tower, wrong.id) is Judgement.INVALID


def test_endpoint__second_one_on_another_branch__stops_every_move(stage: Stage, tmp_path: Path) -> None:
    wrong_story(stage)
    (tmp_path / "elsewhere").mkdir()
    other = Stage(tmp_path / "elsewhere")
    clients = {"embedded": stage.l1.client(), "other": other.l1.client()}
    wiring = Wiring(connect=lambda url, *_: clients[url], clock=stage.clock)
    tower = stage.tower(wiring=wiring, l1_check_url="other")

    with pytest.raises(EndpointsDisagree):
        tower.catch_up()

    other.close()
    assert tower.monitor.findings is None


def test_endpoint__second_one_agrees__everything_goes_on(stage: Stage) -> None:
    wrong = wrong_story(stage)
    tower = stage.tower(l1_check_url="other")

    stage.run(tower)

    assert judged(tower, wrong.id) is Judgement.INVALID
    assert stage.state(right_id(tower, stage)).status is AssertionStatus.LIVE


def test_endpoint__second_one_behind__waits_at_the_block_until_it_has_it(stage: Stage) -> None:
    wrong = wrong_story(stage)
    liar = Liar(stage)
    hidden = stage.client.head().number
    liar.lie = lambda method, params, answer: (
        None if method == "eth_getBlockByNumber" and params[0] == hex(hidden) else answer
    )
    clients = {"embedded": stage.l1.client(), "other": L1Client(liar, chain_id=stage.params.l1_chain_id)}
    wiring = Wiring(connect=lambda url, *_: clients[url], clock=stage.clock)
    tower = stage.tower(wiring=wiring, l1_check_url="other")

    for _ in range(2):
        with pytest.raises(EndpointBehind):
            tower.catch_up()
        stage.l1.mine()
    assert tower.loader.cursor is not None
    assert tower.loader.cursor.number == hidden
    liar.lie = None
    stage.run(tower)

    assert judged(tower, wrong.id) is Judgement.INVALID
