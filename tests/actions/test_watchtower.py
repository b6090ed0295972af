"""Stories of the watchtower on the in-process L1: honest and lying asserters, real replay, real contracts."""

from dataclasses import replace
from pathlib import Path

import pytest

from challenger.config import Mode
from challenger.model import Judgement, Verdict
from challenger.policy import BackPolicy
from challenger.watchtower import Watchtower
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET, MINIMAL
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.contracts import AssertionState, PrecompileGuard
from optimistic.service.l1_types import BlockId
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import ETHER, Stage, wrong_gas


def two_batches(stage: Stage) -> Wallet:
    """A deposit, then two batches with transfers."""
    wallet = Wallet(1)
    stage.deposit(wallet.address)
    stage.append(wallet.transfer(stage.bob.address), wallet.transfer(stage.bob.address))
    stage.append(wallet.transfer(stage.bob.address))
    return wallet


def verdict(tower: Watchtower, id_: Hash32) -> Verdict:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.verdicts[id_]


def right_id(tower: Watchtower, parent: Hash32) -> Hash32:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.drafts[parent].id


def right_id_before(tower: Watchtower, stage: Stage) -> Hash32:
    """The assertion of ours that was confirmed."""
    assert tower.monitor.findings is not None
    view = tower.monitor.findings.view
    return next(a.id for a in view.assertions.values() if a.poster == stage.watcher.address)


def alerts(tower: Watchtower) -> list[str]:
    assert tower.monitor.findings is not None
    return [alert.kind for alert in tower.monitor.findings.alerts]


def close_window(stage: Stage) -> None:
    stage.l1.advance_time(stage.params.challenge_period_s + stage.params.airgap_s + 1)


def test_watchtower__right_assertion__is_valid_and_confirmed_when_due(stage: Stage) -> None:
    two_batches(stage)
    posted = stage.post(stage.alice, 2)
    tower = stage.tower()

    stage.run(tower)
    close_window(stage)
    stage.run(tower)

    assert verdict(tower, posted.id).judgement is Judgement.VALID
    assert stage.state(posted.id).status is AssertionStatus.CONFIRMED


def test_watchtower__wrong_assertion__gets_a_rival_and_an_opening(stage: Stage) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(1))
    tower = stage.tower()

    stage.run(tower)

    rival = right_id(tower, stage.genesis_id)
    assert stage.state(rival).status is AssertionStatus.LIVE
    assert stage.state(rival).poster == stage.watcher.address
    assert stage.game.is_open(wrong.id, rival, at="latest")
    assert verdict(tower, wrong.id).judgement is Judgement.INVALID


def test_watchtower__leaves_withheld__names_no_unit_and_acts_all_the_same(stage: Stage) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(1))
    tower = stage.tower()

    stage.run(tower)

    where = verdict(tower, wrong.id).wrong
    assert where is not None
    assert (where.named, where.source) == (None, "unit_root")
    assert stage.state(right_id(tower, stage.genesis_id)).status is AssertionStatus.LIVE


@pytest.mark.parametrize("params", [DEVNET, MINIMAL], ids=["arity_32", "arity_2"])
def test_watchtower__leaves_published__names_the_lie(tmp_path: Path, params: object) -> None:
    stage = Stage(tmp_path, DEVNET if params is DEVNET else MINIMAL)
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(0), lie_from=1)
    stage.publish(stage.eve, wrong)
    tower = stage.tower(mode=Mode.WATCH_ONLY)

    stage.run(tower)

    where = verdict(tower, wrong.id).wrong
    stage.close()
    assert where is not None
    assert where.unit == (1 << 15) + 2  # batch 1: BEGIN_BATCH, BLOCK_BEGIN, then the transfer


def test_watchtower__silent_liar__loses_by_the_clock_and_pays(stage: Stage) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(1))
    tower = stage.tower(release_stake=False)
    stage.run(tower)
    before = stage.client.balance_wei(stage.watcher.address, "latest")

    close_window(stage)
    stage.run(tower)

    assert stage.state(wrong.id).status is AssertionStatus.DEAD
    assert stage.chain.latest_confirmed(at="latest") == right_id_before(tower, stage)
    assert stage.chain.is_slashed(stage.eve.address, at="latest")
    assert stage.client.balance_wei(stage.watcher.address, "latest") > before + stage.params.stake_wei // 3
    assert "credits_unclaimed" not in alerts(tower)


def test_watchtower__guard_finds_a_broken_precompile__alerts_until_it_runs_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, asked_at = True, []

    def is_broken(guard: PrecompileGuard, *, at: BlockId) -> bool:
        asked_at.append((guard.address, at))
        return broken

    monkeypatch.setattr(PrecompileGuard, "is_broken", is_broken)
    tower = stage.tower()
    stage.run(tower)
    before = alerts(tower)

    broken = False
    stage.l1.advance_time(1)
    stage.run(tower)

    assert before == ["precompiles_broken"]
    assert alerts(tower) == []
    assert tower.monitor.findings is not None
    assert asked_at[-1] == (
        stage.deployment.contracts.precompile_guard,
        tower.monitor.findings.view.block.hash,
    )
    assert len(asked_at) == len(set(asked_at))


def test_watchtower__wrong_newcomer_without_opening__is_killed_slashed_and_outlived(stage: Stage) -> None:
    two_batches(stage)
    right = stage.post(stage.alice, 2)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(0))
    tower = stage.tower()

    stage.run(tower)
    backed = stage.chain.is_member(right.id, stage.watcher.address, at="latest")
    close_window(stage)
    stage.run(tower)

    assert backed
    assert stage.state(wrong.id).status is AssertionStatus.DEAD
    assert stage.chain.is_slashed(stage.eve.address, at="latest")
    assert stage.state(right.id).status is AssertionStatus.CONFIRMED
    assert stage.chain.stake_of(stage.watcher.address, at="latest").amount_wei == 0


def test_watchtower__back_always__backs_what_nobody_contests(stage: Stage) -> None:
    two_batches(stage)
    right = stage.post(stage.alice, 2)

    stage.run(stage.tower(back=BackPolicy.ALWAYS))

    assert stage.chain.is_member(right.id, stage.watcher.address, at="latest")


@pytest.mark.parametrize("mode", [Mode.WATCH_ONLY, Mode.DRY_RUN])
def test_watchtower__not_acting__sends_nothing(stage: Stage, mode: Mode) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(0))
    tower = stage.tower(mode=mode)

    stage.run(tower)

    findings = tower.monitor.findings
    assert findings is not None
    assert verdict(tower, wrong.id).judgement is Judgement.INVALID
    assert [action.kind for action in findings.actions] == (["assert"] if mode is Mode.DRY_RUN else [])
    assert stage.client.nonce(stage.watcher.address, "latest") == 0


def test_watchtower__two_of_them__the_second_backs_what_the_first_posted(stage: Stage) -> None:
    two_batches(stage)
    stage.post(stage.eve, 2, tamper=wrong_gas(0))
    first, second = stage.tower("first"), stage.tower("second", who=stage.bob)

    first.catch_up()
    second.catch_up()
    stage.run(first)
    stage.run(second)

    rival = right_id(first, stage.genesis_id)
    assert stage.state(rival).poster == stage.watcher.address
    assert stage.chain.is_member(rival, stage.bob.address, at="latest")


def test_watchtower__second_generation_wrong__rolls_its_stake_there(stage: Stage) -> None:
    wallet = two_batches(stage)
    stage.append(wallet.transfer(stage.bob.address))
    stage.post(stage.eve, 1, tamper=wrong_gas(0))
    tower = stage.tower()
    stage.run(tower)
    rival = right_id(tower, stage.genesis_id)
    middle = stage.post(stage.alice, 2, parent=rival)
    wrong = stage.post(stage.bob, 3, parent=middle.id, tamper=wrong_gas(0))

    stage.run(tower)

    second = right_id(tower, middle.id)
    assert stage.state(second).poster == stage.watcher.address
    assert stage.game.is_open(wrong.id, second, at="latest")
    assert stage.chain.stake_of(stage.watcher.address, at="latest").tip == second


def test_watchtower__garbage_batches__are_replayed_like_any_other(stage: Stage) -> None:
    wallet = two_batches(stage)
    stage.append(data=b"")
    stage.append(data=b"\xff" * 300)
    stage.append(
        b"\x02garbage", wallet.transfer(stage.bob.address, nonce=99), wallet.transfer(Address(b"\x05" * 20))
    )
    posted = stage.post(stage.alice, 5)
    tower = stage.tower()

    stage.run(tower)

    assert verdict(tower, posted.id).judgement is Judgement.VALID


def test_watchtower__sequencer_dead__asserts_the_forced_batch_and_confirms_it(stage: Stage) -> None:
    stage.deposit(stage.alice.address)
    stage.l1.advance_time(stage.params.force_delay_s + 1)
    stage.bob.send(stage.inbox.force_batch_call())
    tower = stage.tower()

    stage.run(tower)
    close_window(stage)
    stage.run(tower)

    latest = stage.chain.latest_confirmed(at="latest")
    assert latest == right_id(tower, stage.genesis_id) or stage.state(latest).to == 1
    assert stage.state(latest).poster == stage.watcher.address


def test_watchtower__silent_asserter__asserts_after_the_option(stage: Stage) -> None:
    two_batches(stage)
    tower = stage.tower(assert_after_ms=30_000)

    stage.run(tower)
    early = stage.chain.assertion(right_id(tower, stage.genesis_id), at="latest").status
    stage.l1.advance_time(31)
    stage.run(tower)

    assert early is AssertionStatus.NONE
    assert stage.state(right_id(tower, stage.genesis_id)).poster == stage.watcher.address


def test_watchtower__configuration_it_does_not_know__is_unknown_and_left_alone(stage: Stage) -> None:
    two_batches(stage)
    tower = stage.tower()
    verifier = stage.deployment.contracts.one_step_verifier
    stage.deployer.send(stage.inbox.call("scheduleConfig", b"\x77" * 32, verifier))
    stage.l1.advance_time(stage.params.config_delay_s + 1)
    right = stage.post(stage.alice, 2)
    stage.append()
    wrong_child = stage.post(stage.alice, 3, parent=right.id)

    stage.run(tower)

    assert verdict(tower, right.id).judgement is Judgement.VALID
    assert verdict(tower, wrong_child.id).judgement is Judgement.UNKNOWN
    assert "verdict_unknown" in alerts(tower)
    assert stage.client.nonce(stage.watcher.address, "latest") == 0


def test_watchtower__spending_limit__stops_it_before_the_stake(stage: Stage) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(0))
    tower = stage.tower(max_spend_wei=ETHER)

    stage.run(tower)

    assert verdict(tower, wrong.id).judgement is Judgement.INVALID
    assert stage.client.nonce(stage.watcher.address, "latest") == 0


def test_watchtower__spending_limit__books_fees_and_stake(stage: Stage) -> None:
    two_batches(stage)
    stage.post(stage.eve, 2, tamper=wrong_gas(0))
    tower = stage.tower(max_spend_wei=stage.params.stake_wei + ETHER)

    stage.run(tower)

    assert stage.state(right_id(tower, stage.genesis_id)).status is AssertionStatus.LIVE
    assert 0 < tower.store.fees_wei() < ETHER


def test_watchtower__no_funds__alerts_and_goes_on(stage: Stage) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(0))
    balance = stage.client.balance_wei(stage.watcher.address, "latest")
    drain = replace(stage.bridge.deposit_call(to=stage.bob.address, value=1, gas_limit=100_000))
    stage.watcher.send(replace(drain, value_wei=balance - ETHER))
    tower = stage.tower()

    tower.catch_up()

    assert "insufficient_collateral" in alerts(tower)
    assert verdict(tower, wrong.id).judgement is Judgement.INVALID
    assert right_id(tower, stage.genesis_id) != ZERO_HASH


def test_watchtower__right_end_by_a_wrong_way__is_rivalled_like_any_lie(stage: Stage) -> None:
    two_batches(stage)
    leaves = stage.leaves(2)
    sabotaged = [(leaves[0][0], Hash32(b"\x66" * 32), *leaves[0][2:]), leaves[1]]
    wrong = stage.post_leaves(stage.eve, 2, sabotaged, stage.genesis_id)
    stage.publish(stage.eve, wrong)
    tower = stage.tower()

    stage.run(tower)

    found = verdict(tower, wrong.id)
    assert (found.judgement, found.reason) == (Judgement.INVALID, "the right end state by a wrong way")
    assert found.wrong is not None
    assert found.wrong.unit == 1
    assert stage.game.is_open(wrong.id, right_id(tower, stage.genesis_id), at="latest")


def test_watchtower__many_silent_liars__outlives_the_older_and_kills_the_newer(stage: Stage) -> None:
    two_batches(stage)
    liars = (stage.eve, stage.bob, stage.alice, stage.sequencer)
    older = [stage.post(liars[i], 2, tamper=wrong_gas(0, 1 + i)) for i in range(2)]
    tower = stage.tower()
    stage.run(tower)
    right = right_id(tower, stage.genesis_id)
    newer = [stage.post(liars[2 + i], 2, tamper=wrong_gas(0, 3 + i)) for i in range(2)]

    close_window(stage)
    stage.run(tower)

    assert all(stage.game.is_open(wrong.id, right, at="latest") for wrong in older)
    assert {stage.state(wrong.id).status for wrong in (*older, *newer)} == {AssertionStatus.DEAD}
    assert stage.state(right).status is AssertionStatus.CONFIRMED
    assert stage.chain.is_slashed(stage.alice.address, at="latest")


def test_watchtower__joined_in_the_last_second__still_rivals_in_time(stage: Stage) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(0))
    stage.l1.advance_time(stage.params.challenge_period_s - 8)
    tower = stage.tower()

    stage.run(tower, rounds=2)

    assert stage.game.is_open(wrong.id, right_id(tower, stage.genesis_id), at="latest")


def test_watchtower__too_late__says_so_and_sends_nothing(stage: Stage) -> None:
    two_batches(stage)
    stage.post(stage.eve, 2, tamper=wrong_gas(0))
    close_window(stage)
    tower = stage.tower()

    stage.run(tower)

    assert "window_missed" in alerts(tower)
    assert stage.client.nonce(stage.watcher.address, "latest") == 0


def test_watchtower__tiny_first_child__is_extended(stage: Stage) -> None:
    two_batches(stage)
    tiny = stage.post(stage.eve, 1)
    tower = stage.tower(assert_after_ms=5_000)
    stage.l1.advance_time(6)

    stage.run(tower)

    rest = right_id(tower, tiny.id)
    assert verdict(tower, tiny.id).judgement is Judgement.VALID
    assert (stage.state(rest).to, stage.state(rest).poster) == (2, stage.watcher.address)


def test_attack__branch_below_a_wrong_assertion__costs_one_slash_and_no_reads(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One stake pays for a branch of any length; each level cost a read per view and, once dead, a kill.
    for _ in range(5):
        stage.append()
    right = stage.post(stage.alice, 1)
    branch = [stage.genesis_id]
    for level in range(1, 6):
        lie = keccak256(f"lie {level}".encode())
        branch.append(stage.post_leaves(stage.eve, level, [(lie,)], branch[-1]).id)
    tower = stage.tower()
    stage.run(tower)

    read: list[Hash32] = []
    state_of = tower.loader._chain.assertion

    def counted(id_: Hash32, *, at: BlockId) -> AssertionState:
        read.append(id_)
        return state_of(id_, at=at)

    monkeypatch.setattr(tower.loader._chain, "assertion", counted)
    stage.append()
    stage.run(tower)
    close_window(stage)
    stage.run(tower)

    assert set(branch[1:]) & set(read) == {branch[1]}
    assert stage.state(right.id).status is AssertionStatus.CONFIRMED
    assert stage.state(branch[1]).status is AssertionStatus.DEAD
    assert stage.state(branch[2]).status is AssertionStatus.LIVE
    assert stage.chain.is_slashed(stage.eve.address, at="latest")
