from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from optimistic.service.clock import FakeClock
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_types import BlockId, Call
from optimistic.service.logging import redact
from optimistic.service.metrics import PrometheusMetrics
from optimistic.service.signer import Signer
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import (
    IdempotencyConflict,
    Readiness,
    TxOutcome,
    TxRequest,
    TxState,
)
from tests.helpers.tx_world import TARGET, TxWorld, always, pay


@pytest.fixture
def world() -> TxWorld:
    return TxWorld()


# ------------------------------------------------------------------------------ the usual way


def test_manager__request__is_sent_once_and_confirmed(world: TxWorld) -> None:
    assert world.manager.submit(pay("a", 5)).state is TxState.QUEUED

    world.finish()

    status = world.status("a")
    assert (status.state, status.outcome, status.nonce) == (TxState.DONE, TxOutcome.CONFIRMED, 0)
    assert status.succeeded
    assert world.received() == 5
    assert len(world.l1.sent) == 1


def test_manager__no_request_yet__every_outcome_is_counted_from_zero(world: TxWorld) -> None:
    metrics = PrometheusMetrics("x")

    TxManager(world.client, world.signer, world.database, metrics=metrics)

    shown = metrics.exposition().decode()
    assert all(f'x_tx_ended_total{{outcome="{outcome.value}"}} 0.0' in shown for outcome in TxOutcome)


def test_manager__same_key_again__does_nothing_new(world: TxWorld) -> None:
    for _ in range(3):
        world.manager.submit(pay("a", 5))
        world.finish(2)

    assert world.received() == 5


def test_manager__same_key_with_another_message__is_a_conflict_once_signed(world: TxWorld) -> None:
    world.manager.submit(pay("a", 5))
    world.manager.submit(pay("a", 6))
    world.finish()

    with pytest.raises(IdempotencyConflict):
        world.manager.submit(pay("a", 7))

    assert world.received() == 6


def test_manager__many_requests__get_nonces_in_order_and_all_arrive(world: TxWorld) -> None:
    for number in range(20):
        world.manager.submit(pay(f"{number:02}", 1))

    world.finish()

    assert [world.status(f"{number:02}").nonce for number in range(20)] == list(range(20))
    assert world.received() == 20


def test_manager__its_log__names_the_effect_and_hides_nothing(world: TxWorld) -> None:
    with capture_logs() as logs:
        world.manager.submit(pay("a", 5))
        world.finish()

    shown = [redact(None, "info", dict(event)) for event in logs]
    assert {event["event"] for event in shown} >= {"tx_signed", "tx_broadcast", "tx_mined", "tx_ended"}
    assert {event["effect"] for event in shown} == {"a"}
    assert all("***" not in event.values() for event in shown)


def test_manager__in_flight_limit__holds_the_rest_back() -> None:
    world = TxWorld(max_in_flight=2)
    for number in range(5):
        world.manager.submit(pay(str(number)))

    world.manager.step()

    assert len(world.l1.pool) == 2
    world.finish()
    assert world.received() == 5


def test_attack__a_crowd_of_moves_with_time__does_not_hold_up_the_one_without() -> None:
    world = TxWorld(max_in_flight=4)
    for number in range(20):
        world.manager.submit(replace(pay(f"later {number}"), deadline=2_000 + number))
    world.manager.submit(pay("whenever"))
    world.manager.submit(replace(pay("now"), deadline=1_000))
    world.manager.submit(replace(pay("soon"), deadline=1_500))

    world.manager.step()

    signed = sorted(
        (status.nonce, status.key)
        for key in ("whenever", "now", "soon", *(f"later {number}" for number in range(20)))
        if (status := world.status(key)).nonce is not None
    )
    assert [key for _, key in signed] == ["now", "soon", "later 0", "later 1"]
    world.finish(8)
    assert world.received() == 23
    assert world.status("whenever").nonce == 22


def test_manager__confirmations__delay_the_end_but_not_the_block() -> None:
    world = TxWorld(confirmations=3)
    world.manager.submit(pay("a"))
    world.manager.step()

    states = []
    for _ in range(3):
        world.l1.mine()
        world.manager.step()
        world.manager.step()
        states.append(world.status("a").state)

    assert states == [TxState.MINED, TxState.MINED, TxState.DONE]


def test_manager__embedded_chain__a_few_steps_send_and_end() -> None:
    clock = FakeClock()
    chain = EmbeddedL1(clock=clock)
    manager = TxManager(
        chain.client(), Signer(chain.keys[0]), Database(None, [SERVICE_MIGRATIONS]), clock=clock
    )

    manager.submit(pay("a", 9))
    while manager.step():
        chain.mine()

    status = manager.status("a")
    assert status is not None
    assert status.outcome is TxOutcome.CONFIRMED
    assert chain.client().balance_wei(TARGET, "latest") == 9


# ------------------------------------------------------------------------------ preconditions


@pytest.mark.parametrize(
    ("readiness", "outcome"),
    [(Readiness.DONE, TxOutcome.ALREADY_DONE), (Readiness.LOST, TxOutcome.LOST_RACE)],
)
def test_manager__senseless_from_the_start__ends_without_a_transaction(
    world: TxWorld, readiness: Readiness, outcome: TxOutcome
) -> None:
    world.manager.submit(pay("a", precondition=always(readiness)))

    world.manager.step()

    assert world.status("a").outcome is outcome
    assert world.l1.sent == []


def test_manager__not_yet__waits_without_blocking_others(world: TxWorld) -> None:
    now = [Readiness.NOT_YET]
    world.manager.submit(pay("first", 1, precondition=lambda _at: now[0]))
    world.manager.submit(pay("second", 10))
    world.finish(2)
    assert world.received() == 10

    now[0] = Readiness.READY
    world.finish()

    assert world.received() == 11


def test_manager__precondition__is_read_at_a_block_hash(world: TxWorld) -> None:
    seen: list[BlockId] = []

    def precondition(at: BlockId) -> Readiness:
        seen.append(at)
        return Readiness.READY

    world.manager.submit(pay("a", precondition=precondition))
    world.manager.step()

    assert seen == [world.client.head().hash]


def test_manager__reverts_though_ready__is_a_bug_of_ours(world: TxWorld) -> None:
    contract = world.deploy_once()
    world.manager.submit(TxRequest(key="one", call=Call(to=contract)))
    world.finish()
    assert world.status("one").outcome is TxOutcome.CONFIRMED

    world.manager.submit(TxRequest(key="two", call=Call(to=contract), precondition=always(Readiness.READY)))
    world.manager.step()
    assert not world.status("two").is_final, "one contradiction may be a moving chain"
    world.manager.step()

    assert world.status("two").outcome is TxOutcome.FAILED
    assert "simulation" in world.status("two").detail
    assert len(world.l1.sent) == 2, "nothing was paid for"


@pytest.mark.parametrize(
    ("afterwards", "outcome"),
    [
        (Readiness.DONE, TxOutcome.ALREADY_DONE),
        (Readiness.LOST, TxOutcome.LOST_RACE),
        (Readiness.NOT_YET, TxOutcome.LOST_RACE),
        (Readiness.READY, TxOutcome.FAILED),
    ],
)
def test_manager__reverted_in_a_block__is_judged_by_the_state_after_it(
    world: TxWorld, afterwards: Readiness, outcome: TxOutcome
) -> None:
    contract = world.deploy_once()

    def precondition(at: BlockId) -> Readiness:
        return afterwards if int.from_bytes(world.client.storage(contract, 0, at), "big") else Readiness.READY

    world.manager.submit(TxRequest(key="ours", call=Call(to=contract), precondition=precondition))
    world.manager.step()
    rival = Signer(world.l1.chain.keys[1])
    raw, _ = rival.sign_transaction(
        {
            "type": 2,
            "chainId": 31_337,
            "nonce": 0,
            "gas": 100_000,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": 10**10,
            "to": bytes(contract),
            "value": 0,
            "data": b"",
        }
    )
    world.l1.chain.request("eth_sendRawTransaction", ["0x" + raw.hex()])  # first in the same block
    world.l1.mine()
    world.manager.step()
    world.manager.step()

    status = world.status("ours")
    assert status.outcome is outcome
    assert "reverted" in status.detail


def test_manager__lost_race_asked_again__is_evaluated_anew(world: TxWorld) -> None:
    now = [Readiness.LOST]
    request = pay("a", 3, precondition=lambda _at: now[0])
    world.manager.submit(request)
    world.manager.step()
    assert world.status("a").outcome is TxOutcome.LOST_RACE

    now[0] = Readiness.READY  # a reorganisation of L1 undid what the rival had done
    world.manager.submit(request)
    world.finish()

    assert world.status("a").outcome is TxOutcome.CONFIRMED
    assert world.received() == 3


def test_manager__pending_loses_its_sense__is_replaced_by_an_empty_transaction(world: TxWorld) -> None:
    now = [Readiness.READY]
    world.manager.submit(pay("a", 3, precondition=lambda _at: now[0]))
    world.manager.submit(pay("b", 10))
    world.manager.step()

    now[0] = Readiness.LOST
    world.finish()

    assert world.status("a").outcome is TxOutcome.LOST_RACE
    assert world.status("b").outcome is TxOutcome.CONFIRMED
    assert world.received() == 10


# ------------------------------------------------------------------------------ fees


def test_manager__not_mined__is_replaced_by_dearer_ones_up_to_the_cap() -> None:
    world = TxWorld(bump_after_ms=10_000, max_fee_wei=10 * 10**9)
    world.manager.submit(pay("a"))
    for _ in range(12):
        world.manager.step()
        world.clock.advance(11)

    fees = [(pooled.max_fee_wei, pooled.tip_wei) for pooled in world.l1.sent]
    assert len(fees) > 3
    assert fees == sorted(set(fees))
    assert all(fee <= 10 * 10**9 for fee, _ in fees)
    assert {pooled.nonce for pooled in world.l1.sent} == {0}
    world.finish()
    assert world.received() == 1


def test_manager__older_attempt_is_mined__counts_as_well() -> None:
    world = TxWorld(bump_after_ms=10_000)
    world.manager.submit(pay("a"))
    world.manager.step()
    world.clock.advance(11)
    world.manager.step()
    first, second = world.l1.sent
    assert first.hash != second.hash

    world.l1.pool[0] = first
    world.l1.mine()
    world.finish()

    assert world.status("a").tx_hash == first.hash
    assert world.status("a").outcome is TxOutcome.CONFIRMED


def test_manager__base_fee_above_the_cap__holds_everything_back() -> None:
    world = TxWorld(max_fee_wei=10**6)
    world.manager.submit(pay("a"))

    assert not world.manager.step()

    assert world.status("a").state is TxState.QUEUED
    assert world.l1.sent == []


def test_manager__underpriced_against_a_foreign_transaction__bids_at_once(world: TxWorld) -> None:
    world.manager.submit(pay("a"))
    world.manager.step()
    ours = world.l1.pool[0]
    rival = type(ours)(
        raw=ours.raw,
        hash=b"\x01" * 32,
        nonce=0,
        tip_wei=ours.tip_wei * 108 // 100,
        max_fee_wei=ours.max_fee_wei,
    )
    world.l1.pool[0] = rival  # somebody bid a little more with the same nonce

    for _ in range(3):
        world.manager.step()

    assert world.l1.pool[0].tip_wei > rival.tip_wei
    world.finish()
    assert world.received() == 1
