import threading
from typing import Any

import pytest

from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.types import Address
from optimistic.service.clock import FakeClock
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import JsonRpcError, L1Lied, L1Unavailable
from optimistic.service.l1_types import BlockId, Call
from optimistic.service.signer import Signer
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import (
    IdempotencyConflict,
    Precondition,
    Readiness,
    TxNotAccepted,
    TxOptions,
    TxOutcome,
    TxRequest,
    TxState,
    TxStatus,
    TxTimeout,
)
from tests.helpers.pooled_l1 import PooledL1
from tests.helpers.tiny_contracts import ONCE_RUNTIME, installer

TARGET = Address(b"\x77" * 20)


def always(readiness: Readiness) -> Precondition:
    return lambda _at: readiness


def pay(key: str, wei: int = 1, precondition: Precondition | None = None) -> TxRequest:
    return TxRequest(key=key, call=Call(to=TARGET, value_wei=wei), precondition=precondition)


class World:
    """A pooled L1 and the manager of its first account."""

    def __init__(self, **options: int) -> None:
        self.l1 = PooledL1()
        self.clock = self.l1.clock
        self.client = self.l1.client
        self.signer = Signer(self.l1.chain.keys[0])
        self.database = Database(None, [SERVICE_MIGRATIONS])
        self.options = TxOptions(**options)
        self.manager = self.make_manager()

    def make_manager(self) -> TxManager:
        """Return a manager as after a restart."""
        return TxManager(self.client, self.signer, self.database, options=self.options, clock=self.clock)

    def status(self, key: str) -> TxStatus:
        found = self.manager.status(key)
        assert found is not None
        return found

    def settle(self, turns: int = 6) -> None:
        """Mine and step until everything that can end has ended."""
        for _ in range(turns):
            self.manager.step()
            self.l1.mine()
        self.manager.step()

    def received(self) -> int:
        return self.client.balance_wei(TARGET, "latest")

    def foreign(self, nonce: int, **fields: Any) -> None:
        """Let somebody else with the same key use a nonce."""
        raw, _ = self.signer.sign_transaction(
            {
                "type": 2,
                "chainId": 31_337,
                "nonce": nonce,
                "gas": 21_000,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 10**10,
                "to": b"\x88" * 20,
                "value": 7,
                "data": b"",
                **fields,
            }
        )
        self.l1.chain.request("eth_sendRawTransaction", ["0x" + raw.hex()])

    def deploy_once(self) -> Address:
        """Deploy the contract that works one time."""
        status_key = "deploy"
        self.manager.submit(TxRequest(key=status_key, call=Call(to=None, data=installer(ONCE_RUNTIME))))
        self.settle(2)
        tx_hash = self.status(status_key).tx_hash
        assert tx_hash is not None
        receipt = self.client.receipt(tx_hash)
        assert receipt is not None
        assert receipt.contract_address is not None
        return receipt.contract_address


@pytest.fixture
def world() -> World:
    return World()


# ---------------------------------------------------------------------------------------------- the usual way


def test_manager__request__is_sent_once_and_confirmed(world: World) -> None:
    assert world.manager.submit(pay("a", 5)).state is TxState.QUEUED

    world.settle()

    status = world.status("a")
    assert (status.state, status.outcome, status.nonce) == (TxState.DONE, TxOutcome.CONFIRMED, 0)
    assert status.succeeded
    assert world.received() == 5
    assert len(world.l1.sent) == 1


def test_manager__same_key_again__does_nothing_new(world: World) -> None:
    for _ in range(3):
        world.manager.submit(pay("a", 5))
        world.settle(2)

    assert world.received() == 5


def test_manager__same_key_with_another_message__is_a_conflict_once_signed(world: World) -> None:
    world.manager.submit(pay("a", 5))
    world.manager.submit(pay("a", 6))
    world.settle()

    with pytest.raises(IdempotencyConflict):
        world.manager.submit(pay("a", 7))

    assert world.received() == 6


def test_manager__many_requests__get_nonces_in_order_and_all_arrive(world: World) -> None:
    for number in range(20):
        world.manager.submit(pay(f"{number:02}", 1))

    world.settle()

    assert [world.status(f"{number:02}").nonce for number in range(20)] == list(range(20))
    assert world.received() == 20


def test_manager__in_flight_limit__holds_the_rest_back() -> None:
    world = World(max_in_flight=2)
    for number in range(5):
        world.manager.submit(pay(str(number)))

    world.manager.step()

    assert len(world.l1.pool) == 2
    world.settle()
    assert world.received() == 5


def test_manager__confirmations__delay_the_end_but_not_the_block() -> None:
    world = World(confirmations=3)
    world.manager.submit(pay("a"))
    world.manager.step()

    states = []
    for _ in range(3):
        world.l1.mine()
        world.manager.step()
        world.manager.step()
        states.append(world.status("a").state)

    assert states == [TxState.MINED, TxState.MINED, TxState.DONE]


def test_manager__embedded_chain__one_call_sends_and_ends() -> None:
    clock = FakeClock()
    chain = EmbeddedL1(clock=clock)
    manager = TxManager(
        chain.client(), Signer(chain.keys[0]), Database(None, [SERVICE_MIGRATIONS]), clock=clock
    )

    status = manager.send_and_wait(pay("a", 9))

    assert status.outcome is TxOutcome.CONFIRMED
    assert chain.client().balance_wei(TARGET, "latest") == 9


def test_manager__nobody_mines__the_wait_ends_in_time(world: World) -> None:
    with pytest.raises(TxTimeout, match="still pending after 30 s"):
        world.manager.send_and_wait(pay("a"), timeout_s=30)


# ---------------------------------------------------------------------------------------------- preconditions


@pytest.mark.parametrize(
    ("readiness", "outcome"),
    [(Readiness.DONE, TxOutcome.ALREADY_DONE), (Readiness.LOST, TxOutcome.LOST_RACE)],
)
def test_manager__senseless_from_the_start__ends_without_a_transaction(
    world: World, readiness: Readiness, outcome: TxOutcome
) -> None:
    world.manager.submit(pay("a", precondition=always(readiness)))

    world.manager.step()

    assert world.status("a").outcome is outcome
    assert world.l1.sent == []


def test_manager__not_yet__waits_without_blocking_others(world: World) -> None:
    now = [Readiness.NOT_YET]
    world.manager.submit(pay("first", 1, precondition=lambda _at: now[0]))
    world.manager.submit(pay("second", 10))
    world.settle(2)
    assert world.received() == 10

    now[0] = Readiness.READY
    world.settle()

    assert world.received() == 11


def test_manager__precondition__is_read_at_a_block_hash(world: World) -> None:
    seen: list[BlockId] = []

    def precondition(at: BlockId) -> Readiness:
        seen.append(at)
        return Readiness.READY

    world.manager.submit(pay("a", precondition=precondition))
    world.manager.step()

    assert seen == [world.client.head().hash]


def test_manager__reverts_though_ready__is_a_bug_of_ours(world: World) -> None:
    contract = world.deploy_once()
    world.manager.submit(TxRequest(key="one", call=Call(to=contract)))
    world.settle()
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
    world: World, afterwards: Readiness, outcome: TxOutcome
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


def test_manager__lost_race_asked_again__is_evaluated_anew(world: World) -> None:
    now = [Readiness.LOST]
    request = pay("a", 3, precondition=lambda _at: now[0])
    world.manager.submit(request)
    world.manager.step()
    assert world.status("a").outcome is TxOutcome.LOST_RACE

    now[0] = Readiness.READY  # a reorganisation of L1 undid what the rival had done
    world.manager.submit(request)
    world.settle()

    assert world.status("a").outcome is TxOutcome.CONFIRMED
    assert world.received() == 3


def test_manager__pending_loses_its_sense__is_replaced_by_an_empty_transaction(world: World) -> None:
    now = [Readiness.READY]
    world.manager.submit(pay("a", 3, precondition=lambda _at: now[0]))
    world.manager.submit(pay("b", 10))
    world.manager.step()

    now[0] = Readiness.LOST
    world.settle()

    assert world.status("a").outcome is TxOutcome.LOST_RACE
    assert world.status("b").outcome is TxOutcome.CONFIRMED
    assert world.received() == 10


# ---------------------------------------------------------------------------------------------- fees


def test_manager__not_mined__is_replaced_by_dearer_ones_up_to_the_cap() -> None:
    world = World(bump_after_ms=10_000, max_fee_wei=10 * 10**9)
    world.manager.submit(pay("a"))
    for _ in range(12):
        world.manager.step()
        world.clock.advance(11)

    fees = [(pooled.max_fee_wei, pooled.tip_wei) for pooled in world.l1.sent]
    assert len(fees) > 3
    assert fees == sorted(set(fees))
    assert all(fee <= 10 * 10**9 for fee, _ in fees)
    assert {pooled.nonce for pooled in world.l1.sent} == {0}
    world.settle()
    assert world.received() == 1


def test_manager__older_attempt_is_mined__counts_as_well() -> None:
    world = World(bump_after_ms=10_000)
    world.manager.submit(pay("a"))
    world.manager.step()
    world.clock.advance(11)
    world.manager.step()
    first, second = world.l1.sent
    assert first.hash != second.hash

    world.l1.pool[0] = first
    world.l1.mine()
    world.settle()

    assert world.status("a").tx_hash == first.hash
    assert world.status("a").outcome is TxOutcome.CONFIRMED


def test_manager__base_fee_above_the_cap__holds_everything_back() -> None:
    world = World(max_fee_wei=10**6)
    world.manager.submit(pay("a"))

    assert not world.manager.step()

    assert world.status("a").state is TxState.QUEUED
    assert world.l1.sent == []


def test_manager__underpriced_against_a_foreign_transaction__bids_at_once(world: World) -> None:
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
    world.settle()
    assert world.received() == 1


# --------------------------------------------------------------------------------------------- losses


def test_manager__dropped_from_the_pool__is_sent_again_unchanged(world: World) -> None:
    world.manager.submit(pay("a"))
    world.manager.step()

    world.l1.lose_pool()
    world.manager.step()

    assert len({pooled.hash for pooled in world.l1.sent}) == 1
    assert len(world.l1.pool) == 1
    world.settle()
    assert world.received() == 1


def test_manager__no_answer_to_a_send__ends_in_one_effect(world: World) -> None:
    world.manager.submit(pay("a"))
    send = world.l1._send

    def send_and_vanish(params: Any, forward: Any) -> Any:
        send(params, forward)
        raise L1Unavailable("timeout")

    world.l1.transport.tamper("eth_sendRawTransaction", send_and_vanish)
    with pytest.raises(L1Unavailable):
        world.manager.step()
    world.l1.transport.tamper("eth_sendRawTransaction", send)
    world.settle()

    assert world.received() == 1
    assert len({pooled.hash for pooled in world.l1.sent}) == 1


def test_manager__refused_by_the_endpoint__is_loud_and_tried_again(world: World) -> None:
    world.manager.submit(pay("a"))
    send = world.l1._send
    world.l1.transport.fail("eth_sendRawTransaction", JsonRpcError(-32_000, "insufficient funds"))
    for _ in range(2):
        with pytest.raises(TxNotAccepted, match="insufficient funds"):
            world.manager.step()

    world.l1.transport.tamper("eth_sendRawTransaction", send)
    world.settle()

    assert world.received() == 1


def test_manager__one_request_cannot_be_simulated__the_others_go_on(world: World) -> None:
    world.manager.submit(pay("rich", 10**30))
    world.manager.submit(pay("fine", 1))

    with pytest.raises(TemporaryError, match="insufficient funds"):
        world.manager.step()
    world.l1.mine()

    assert world.received() == 1


@pytest.mark.parametrize("depth", range(1, 5))
def test_manager__reorganised_away__is_mined_again_once(depth: int) -> None:
    world = World()
    world.l1.mine(2)
    for number in range(3):
        world.manager.submit(pay(str(number), 10**number))
        world.settle(1)
    world.manager.step()
    assert world.received() == 111
    nonces = [world.status(str(number)).nonce for number in range(3)]

    world.l1.chain.reorg(depth, empty_blocks=depth + 1)
    world.settle()

    assert [world.status(str(number)).outcome for number in range(3)] == [TxOutcome.CONFIRMED] * 3
    assert [world.status(str(number)).nonce for number in range(3)] == nonces
    assert world.received() == 111


def test_manager__moved_to_another_block_by_a_reorg__is_followed() -> None:
    world = World(confirmations=2)
    world.manager.submit(pay("a"))
    world.manager.step()
    world.l1.mine()
    world.manager.step()
    before = world.status("a")
    [transaction] = world.l1.chain.reorg(1, empty_blocks=1)
    assert transaction.hash == before.tx_hash

    world.settle()

    after = world.status("a")
    assert after.outcome is TxOutcome.CONFIRMED
    assert after.tx_hash == before.tx_hash
    assert after.block_hash != before.block_hash


def test_manager__receipt_vanishes_but_its_block_does_not__is_a_lie() -> None:
    world = World(confirmations=5)
    world.manager.submit(pay("a"))
    world.settle(1)
    assert world.status("a").state is TxState.MINED
    world.l1.transport.tamper("eth_getTransactionReceipt", lambda _params, _forward: None)

    with pytest.raises(L1Lied, match="vanished"):
        world.manager.step()

    assert world.status("a").state is TxState.MINED


def test_manager__head_goes_back_on_the_same_chain__changes_nothing(world: World) -> None:
    world.manager.submit(pay("a", 1))
    world.settle()
    old = world.l1.chain.request("eth_getBlockByNumber", ["0x0", False])

    def lag(params: Any, forward: Any) -> Any:
        return old if params[0] == "latest" else forward()

    world.l1.transport.tamper("eth_getBlockByNumber", lag)
    world.manager.submit(pay("b", 10))
    assert not world.manager.step()
    assert world.status("b").state is TxState.QUEUED
    assert world.status("a").state is TxState.DONE

    world.l1.transport.heal("eth_getBlockByNumber")
    world.settle()
    assert (world.status("b").nonce, world.received()) == (1, 11)


def test_manager__lagging_endpoint_after_a_restart__does_not_reuse_a_nonce(world: World) -> None:
    world.manager.submit(pay("a", 1))
    world.settle(1)
    world.manager.submit(pay("b", 10))
    world.manager = world.make_manager()
    old = world.l1.chain.request("eth_getBlockByNumber", ["0x0", False])

    def lag(params: Any, forward: Any) -> Any:
        return old if params[0] == "latest" else forward()

    world.l1.transport.tamper("eth_getBlockByNumber", lag)
    world.manager.step()

    assert world.status("b").nonce == 1


def test_manager__nonce_used_by_somebody_else__takes_another_and_still_acts_once(world: World) -> None:
    world.manager.submit(pay("a"))
    world.manager.step()
    world.l1.lose_pool()
    world.foreign(0)
    world.l1.chain.mine()

    world.settle(8)

    status = world.status("a")
    assert (status.outcome, status.nonce) == (TxOutcome.CONFIRMED, 1)
    assert world.received() == 1


def test_manager__key_used_elsewhere_before__starts_at_the_chains_nonce(world: World) -> None:
    world.foreign(0)
    world.foreign(1)
    world.l1.chain.mine()

    world.manager.submit(pay("a"))
    world.settle()

    assert world.status("a").nonce == 2


# ---------------------------------------------------------------------------------------------- restarts


def test_manager__restarted__finishes_what_was_signed(world: World) -> None:
    world.manager.submit(pay("a", precondition=always(Readiness.READY)))
    world.manager.step()
    world.l1.lose_pool()

    world.manager = world.make_manager()
    world.settle()

    assert world.status("a").outcome is TxOutcome.CONFIRMED
    assert world.received() == 1


def test_manager__restarted_with_a_guarded_request_queued__waits_for_its_owner(world: World) -> None:
    now = [Readiness.NOT_YET]
    request = pay("a", precondition=lambda _at: now[0])
    world.manager.submit(request)
    world.manager.step()

    world.manager = world.make_manager()
    now[0] = Readiness.READY
    world.settle(2)
    assert world.l1.sent == []

    world.manager.submit(request)
    world.settle()
    assert world.received() == 1


def test_manager__old_and_done__keeps_the_outcome_but_not_the_bytes() -> None:
    world = World(watch_blocks=5)
    request = TxRequest(key="a", call=Call(to=TARGET, data=b"x" * 1_000, value_wei=1))
    world.manager.submit(request)
    world.settle()
    world.l1.mine(10)
    world.manager.step()

    assert world.database.query_one("SELECT count(*) FROM tx_attempt") == (0,)
    assert world.database.query_one("SELECT length(data) FROM tx_intent") == (0,)
    assert world.manager.submit(request).outcome is TxOutcome.CONFIRMED
    with pytest.raises(IdempotencyConflict):
        world.manager.submit(pay("a", 2))


def test_manager__two_keys__share_a_database_without_mixing(world: World) -> None:
    other = TxManager(
        L1Client(world.l1.chain), Signer(world.l1.chain.keys[1]), world.database, clock=world.clock
    )
    world.manager.submit(pay("a", 1))
    other.submit(pay("a", 10))

    world.manager.step()
    other.step()
    world.l1.mine()
    world.manager.step()
    other.step()

    assert world.received() == 11
    assert world.manager.sender != other.sender


def test_manager__submitting_while_a_step_waits_for_l1__does_not_block(world: World) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(_params: Any, forward: Any) -> Any:
        entered.set()
        release.wait(10)
        return forward()

    world.manager.submit(pay("a"))
    world.l1.transport.tamper("eth_estimateGas", slow)
    stepping = threading.Thread(target=world.manager.step)
    stepping.start()
    entered.wait(10)

    world.manager.submit(pay("b"))
    assert world.manager.status("b") is not None

    release.set()
    stepping.join()
    world.settle()
    assert world.received() == 2
