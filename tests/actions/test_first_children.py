"""First children of every size, place and order: they fix the range of all their siblings."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from challenger.model import Judgement
from challenger.watchtower import Watchtower
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.l1_types import Call
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import ETHER, L1Account, Stage, wrong_gas

pytestmark = pytest.mark.slow

PERIOD_S = 3_600
"""Every transaction takes a second of this L1."""
COUNTS = [6, pytest.param(100, marks=[pytest.mark.nightly, pytest.mark.timeout(3_600)])]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    built = Stage(tmp_path, replace(DEVNET, challenge_period_s=PERIOD_S))
    yield built
    built.close()


def right_id(tower: Watchtower, parent: Hash32) -> Hash32:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.drafts[parent].id


def judged(tower: Watchtower, id_: Hash32) -> Judgement:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.verdicts[id_].judgement


def newcomer(stage: Stage, number: int) -> L1Account:
    """An account with ether for one stake."""
    account = L1Account(stage.client, keccak256(b"newcomer %d" % number))
    stage.sequencer.send(Call(to=account.address, value_wei=stage.params.stake_wei + ETHER))
    return account


def run_until(stage: Stage, tower: Watchtower, is_so: Callable[[], bool]) -> None:
    for _ in range(400):
        if is_so():
            return
        stage.run(tower, rounds=1)
        stage.l1.mine()
    raise AssertionError("it did not come so far")


def append_batches(stage: Stage, count: int) -> None:
    for _ in range(count):
        stage.l1.advance_time(60)  # until the gas budgets are full again
        stage.append()


def statuses(stage: Stage, ids: list[Hash32]) -> set[AssertionStatus]:
    return {stage.state(id_).status for id_ in ids}


@pytest.mark.parametrize("count", COUNTS)
def test_attack__tiny_right_first_child_of_every_batch__costs_others_only_confirmations(
    stage: Stage, count: int
) -> None:
    append_batches(stage, count)
    leaves, tiny = stage.leaves(count), [stage.genesis_id]
    for number in range(count):
        tiny.append(stage.post_leaves(stage.eve, number + 1, [leaves[number]], tiny[-1]).id)
    tower = stage.tower()

    stage.run(tower)
    stage.l1.advance_time(PERIOD_S)
    run_until(stage, tower, lambda: statuses(stage, tiny) == {AssertionStatus.CONFIRMED})

    assert {judged(tower, id_) for id_ in tiny} == {Judgement.VALID}
    assert stage.chain.stake_of(stage.watcher.address, at="latest").amount_wei == 0
    assert stage.client.nonce(stage.watcher.address, "latest") <= count


@pytest.mark.parametrize("count", COUNTS)
def test_attack__tiny_wrong_first_child_of_every_batch__each_dies_and_one_stake_is_enough(
    stage: Stage, count: int
) -> None:
    append_batches(stage, count)
    tower = stage.tower(assert_after_ms=10**8)  # leaves the first move to others
    wrong: list[Hash32] = []
    right = [stage.genesis_id]
    for number in range(count):
        lie: list[tuple[Hash32, ...]] = [(keccak256(b"lie %d" % number),)]
        wrong.append(stage.post_leaves(newcomer(stage, number), number + 1, lie, right[-1]).id)
        stage.run(tower, rounds=2)
        right.append(right_id(tower, right[-1]))

    stage.l1.advance_time(PERIOD_S + 1)
    run_until(stage, tower, lambda: statuses(stage, right) == {AssertionStatus.CONFIRMED})

    assert statuses(stage, wrong) == {AssertionStatus.DEAD}
    assert {stage.state(id_).poster for id_ in right[1:]} == {stage.watcher.address}
    assert not stage.chain.is_slashed(stage.watcher.address, at="latest")


class Recorder:
    """Keeps what is sent to L1, so that it can be sent again in another order."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[bytes] = []
        self._send = stage.client.send_raw
        monkeypatch.setattr(stage.client, "send_raw", self._keep)

    def _keep(self, raw: bytes) -> object:
        self.sent.append(raw)
        return self._send(raw)

    def again(self, stage: Stage, *numbers: int) -> None:
        """Send some of them once more, all into one block."""
        stage.l1.set_auto_mine(False)
        for number in numbers:
            self._send(self.sent[number])
        stage.l1.mine()
        stage.l1.set_auto_mine(True)


@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
def test_first_child__in_the_l1_block_of_its_batch__is_judged_like_any_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, is_right: bool
) -> None:
    stage.deposit(Wallet(1).address)
    recorder = Recorder(stage, monkeypatch)
    stage.append(Wallet(1).transfer(stage.bob.address))
    first = stage.post(stage.eve, 1, tamper=None if is_right else wrong_gas(0))
    stage.l1.reorg(2)

    recorder.again(stage, -2, -1)
    tower = stage.tower()
    stage.run(tower)

    blocks = {receipt_block(stage, raw) for raw in recorder.sent[:2]}
    assert len(blocks) == 1
    assert judged(tower, first.id) is (Judgement.VALID if is_right else Judgement.INVALID)
    if not is_right:
        assert stage.game.is_open(first.id, right_id(tower, stage.genesis_id), at="latest")


def receipt_block(stage: Stage, raw: bytes) -> int:
    receipt = stage.client.receipt(keccak256(raw))
    assert receipt is not None
    assert receipt.succeeded
    return receipt.block_number


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_reorg__swaps_first_children_of_other_ranges__the_rival_takes_the_new_range(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    wallet = Wallet(1)
    stage.deposit(wallet.address)
    stage.append(wallet.transfer(stage.bob.address))
    stage.append(wallet.transfer(stage.bob.address))
    recorder, height = Recorder(stage, monkeypatch), stage.client.head().number
    stage.post(stage.eve, before, tamper=wrong_gas(0))
    tower = stage.tower()
    stage.run(tower)
    old_rival = right_id(tower, stage.genesis_id)

    stage.l1.reorg(stage.client.head().number - height)
    other = stage.post(stage.bob, after, tamper=wrong_gas(0))
    recorder.again(stage, 0)  # refused: a sibling of another range
    stage.l1.mine(2)
    stage.run(tower, rounds=8)

    rival = right_id(tower, stage.genesis_id)
    assert stage.state(rival).to == stage.state(other.id).to == after
    assert stage.game.is_open(other.id, rival, at="latest")
    assert stage.state(old_rival).status is AssertionStatus.NONE
