import threading
from contextlib import suppress
from typing import Any

import pytest
import rlp

from optimistic.protocol.errors import TemporaryError
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import JsonRpcError, L1Lied, L1Unavailable
from optimistic.service.l1_types import Call
from optimistic.service.signer import Signer
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import (
    IdempotencyConflict,
    Readiness,
    TxNotAccepted,
    TxOutcome,
    TxRequest,
    TxState,
)
from tests.helpers.pooled_l1 import Pooled
from tests.helpers.tx_world import TARGET, TxWorld, always, pay


@pytest.fixture
def world() -> TxWorld:
    return TxWorld()


# ------------------------------------------------------------------------------ losses


def test_manager__dropped_from_the_pool__is_sent_again_unchanged(world: TxWorld) -> None:
    world.manager.submit(pay("a"))
    world.manager.step()

    world.l1.lose_pool()
    world.manager.step()

    assert len({pooled.hash for pooled in world.l1.sent}) == 1
    assert len(world.l1.pool) == 1
    world.finish()
    assert world.received() == 1


def test_manager__no_answer_to_a_send__ends_in_one_effect(world: TxWorld) -> None:
    world.manager.submit(pay("a"))
    send = world.l1._send

    def send_and_vanish(params: Any, forward: Any) -> Any:
        send(params, forward)
        raise L1Unavailable("timeout")

    world.l1.transport.tamper("eth_sendRawTransaction", send_and_vanish)
    with pytest.raises(L1Unavailable):
        world.manager.step()
    world.l1.transport.tamper("eth_sendRawTransaction", send)
    world.finish()

    assert world.received() == 1
    assert len({pooled.hash for pooled in world.l1.sent}) == 1


def test_manager__refused_by_the_endpoint__is_loud_and_tried_again(world: TxWorld) -> None:
    world.manager.submit(pay("a"))
    send = world.l1._send
    world.l1.transport.fail("eth_sendRawTransaction", JsonRpcError(-32_000, "insufficient funds"))
    for _ in range(2):
        with pytest.raises(TxNotAccepted, match="insufficient funds"):
            world.manager.step()

    world.l1.transport.tamper("eth_sendRawTransaction", send)
    world.finish()

    assert world.received() == 1


def test_manager__one_request_cannot_be_simulated__the_others_go_on(world: TxWorld) -> None:
    world.manager.submit(pay("rich", 10**30))
    world.manager.submit(pay("fine", 1))

    with pytest.raises(TemporaryError, match="insufficient funds"):
        world.manager.step()
    world.l1.mine()

    assert world.received() == 1


@pytest.mark.parametrize("depth", range(1, 5))
def test_manager__reorganised_away__is_mined_again_once(depth: int) -> None:
    world = TxWorld()
    world.l1.mine(2)
    for number in range(3):
        world.manager.submit(pay(str(number), 10**number))
        world.finish(1)
    world.manager.step()
    assert world.received() == 111
    nonces = [world.status(str(number)).nonce for number in range(3)]

    world.l1.chain.reorg(depth, empty_blocks=depth + 1)
    world.finish()

    assert [world.status(str(number)).outcome for number in range(3)] == [TxOutcome.CONFIRMED] * 3
    assert [world.status(str(number)).nonce for number in range(3)] == nonces
    assert world.received() == 111


def test_manager__moved_to_another_block_by_a_reorg__is_followed() -> None:
    world = TxWorld(confirmations=2)
    world.manager.submit(pay("a"))
    world.manager.step()
    world.l1.mine()
    world.manager.step()
    before = world.status("a")
    [transaction] = world.l1.chain.reorg(1, empty_blocks=1)
    assert transaction.hash == before.tx_hash

    world.finish()

    after = world.status("a")
    assert after.outcome is TxOutcome.CONFIRMED
    assert after.tx_hash == before.tx_hash
    assert after.block_hash != before.block_hash


def test_manager__receipt_vanishes_but_its_block_does_not__is_a_lie() -> None:
    world = TxWorld(confirmations=5)
    world.manager.submit(pay("a"))
    world.finish(1)
    assert world.status("a").state is TxState.MINED
    world.l1.transport.tamper("eth_getTransactionReceipt", lambda _params, _forward: None)

    with pytest.raises(L1Lied, match="vanished"):
        world.manager.step()

    assert world.status("a").state is TxState.MINED


def test_manager__receipt_of_a_block_that_does_not_exist__is_a_lie(world: TxWorld) -> None:
    world.manager.submit(pay("a"))
    world.manager.step()
    world.l1.mine()

    def lie(_params: Any, forward: Any) -> Any:
        return {**forward(), "blockHash": "0x" + "ab" * 32}

    world.l1.transport.tamper("eth_getTransactionReceipt", lie)
    world.manager.step()
    with pytest.raises(L1Lied, match="not canonical"):
        world.manager.step()
    assert not world.status("a").is_final

    world.l1.transport.heal("eth_getTransactionReceipt")
    world.finish(2)
    assert world.status("a").outcome is TxOutcome.CONFIRMED


def test_manager__head_goes_back_on_the_same_chain__changes_nothing(world: TxWorld) -> None:
    world.manager.submit(pay("a", 1))
    world.finish()
    old = world.l1.chain.request("eth_getBlockByNumber", ["0x0", False])

    def lag(params: Any, forward: Any) -> Any:
        return old if params[0] == "latest" else forward()

    world.l1.transport.tamper("eth_getBlockByNumber", lag)
    world.manager.submit(pay("b", 10))
    assert not world.manager.step()
    assert world.status("b").state is TxState.QUEUED
    assert world.status("a").state is TxState.DONE

    world.l1.transport.heal("eth_getBlockByNumber")
    world.finish()
    assert (world.status("b").nonce, world.received()) == (1, 11)


def test_manager__lagging_endpoint_after_a_restart__does_not_reuse_a_nonce(world: TxWorld) -> None:
    world.manager.submit(pay("a", 1))
    world.finish(1)
    world.manager.submit(pay("b", 10))
    world.manager = world.make_manager()
    old = world.l1.chain.request("eth_getBlockByNumber", ["0x0", False])

    def lag(params: Any, forward: Any) -> Any:
        return old if params[0] == "latest" else forward()

    world.l1.transport.tamper("eth_getBlockByNumber", lag)
    world.manager.step()

    assert world.status("b").nonce == 1


def test_manager__nonce_used_by_somebody_else__takes_another_and_still_acts_once(world: TxWorld) -> None:
    world.manager.submit(pay("a"))
    world.manager.step()
    world.l1.lose_pool()
    world.foreign(0)
    world.l1.chain.mine()

    world.finish(8)

    status = world.status("a")
    assert (status.outcome, status.nonce) == (TxOutcome.CONFIRMED, 1)
    assert world.received() == 1


def test_manager__key_used_elsewhere_before__starts_at_the_chains_nonce(world: TxWorld) -> None:
    world.foreign(0)
    world.foreign(1)
    world.l1.chain.mine()

    world.manager.submit(pay("a"))
    world.finish()

    assert world.status("a").nonce == 2


# ------------------------------------------------------------------------------ restarts


def test_manager__restarted__finishes_what_was_signed(world: TxWorld) -> None:
    world.manager.submit(pay("a", precondition=always(Readiness.READY)))
    world.manager.step()
    world.l1.lose_pool()

    world.manager = world.make_manager()
    world.finish()

    assert world.status("a").outcome is TxOutcome.CONFIRMED
    assert world.received() == 1


def test_manager__restarted_with_a_guarded_request_queued__waits_for_its_owner(world: TxWorld) -> None:
    now = [Readiness.NOT_YET]
    request = pay("a", precondition=lambda _at: now[0])
    world.manager.submit(request)
    world.manager.step()

    world.manager = world.make_manager()
    now[0] = Readiness.READY
    world.finish(2)
    assert world.l1.sent == []

    world.manager.submit(request)
    world.finish()
    assert world.received() == 1


def test_manager__old_and_done__keeps_the_outcome_but_not_the_bytes() -> None:
    world = TxWorld(watch_blocks=5)
    request = TxRequest(key="a", call=Call(to=TARGET, data=b"x" * 1_000, value_wei=1))
    world.manager.submit(request)
    world.finish()
    world.l1.mine(10)
    world.manager.step()

    assert world.database.query_one("SELECT count(*) FROM tx_attempt") == (0,)
    assert world.database.query_one("SELECT length(data) FROM tx_intent") == (0,)
    assert world.manager.submit(request).outcome is TxOutcome.CONFIRMED
    with pytest.raises(IdempotencyConflict):
        world.manager.submit(pay("a", 2))


def test_manager__two_keys__share_a_database_without_mixing(world: TxWorld) -> None:
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


def test_manager__submitting_while_a_step_waits_for_l1__does_not_block(world: TxWorld) -> None:
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
    world.finish()
    assert world.received() == 2


# ------------------------------------------------------------------------------ too little ether


def limit_pool(world: TxWorld) -> None:
    """Let the pool refuse what the account cannot pay for besides what is in the pool, as real ones do."""
    send = world.l1._send

    def checked(params: Any, forward: Any) -> Any:
        offered = Pooled.read(bytes.fromhex(params[0][2:]))
        pool = {**world.l1.pool, offered.nonce: offered}
        if sum(_most_wei(pooled.raw) for pooled in pool.values()) > balance_of(world):
            raise JsonRpcError(-32_000, "insufficient funds for gas * price + value")
        return send(params, forward)

    world.l1.transport.tamper("eth_sendRawTransaction", checked)


def _most_wei(raw: bytes) -> int:
    max_fee, gas, value = (int.from_bytes(rlp.decode(raw[1:])[place], "big") for place in (3, 4, 6))
    return gas * max_fee + value


def balance_of(world: TxWorld) -> int:
    return world.client.balance_wei(world.manager.sender, "latest")


def steps(world: TxWorld, turns: int) -> None:
    """Step and mine; what cannot be paid for is loud every time."""
    for _ in range(turns):
        with suppress(TemporaryError):
            world.manager.step()
        world.clock.advance(1)
        world.l1.mine()


def test_attack__more_bonds_than_the_account_has__do_not_keep_moves_from_being_mined(world: TxWorld) -> None:
    limit_pool(world)
    bond = balance_of(world) * 4 // 10
    for number in range(4):
        world.manager.submit(pay(f"bond {number}", bond))
    world.manager.submit(pay("move", 1))

    with pytest.raises(TxNotAccepted, match="bond 2: the account cannot pay"):
        world.manager.step()
    world.l1.mine()
    steps(world, 6)

    assert world.received() == 2 * bond + 1
    assert world.status("move").outcome is TxOutcome.CONFIRMED
    assert [world.status(f"bond {number}").state for number in (2, 3)] == [TxState.QUEUED] * 2


@pytest.mark.parametrize(
    ("message", "turns"), [("insufficient funds for gas * price + value", 6), ("oversized data", 30)]
)
def test_attack__a_transaction_that_is_always_refused__frees_the_nonce_it_has(
    world: TxWorld, message: str, turns: int
) -> None:
    world.manager.submit(pay("bond", 1_000))
    world.manager.submit(pay("move", 1))
    send = world.l1._send

    def choosy(params: Any, forward: Any) -> Any:
        if rlp.decode(bytes.fromhex(params[0][4:]))[6] == (1_000).to_bytes(2, "big"):
            raise JsonRpcError(-32_000, message)
        return send(params, forward)

    world.l1.transport.tamper("eth_sendRawTransaction", choosy)
    steps(world, turns)
    moved = world.received()
    world.l1.transport.tamper("eth_sendRawTransaction", send)
    steps(world, 6)

    assert moved == 1
    assert world.received() == 1_001
    assert world.status("bond").outcome is TxOutcome.CONFIRMED


def test_manager__a_dearer_attempt_than_it_can_pay__is_not_made(world: TxWorld) -> None:
    limit_pool(world)
    world.manager.submit(pay("a", balance_of(world) - 21_000 * 10 * 10**9))
    world.manager.step()
    assert world.status("a").state is TxState.PENDING
    first = dict(world.l1.pool)

    for _ in range(30):
        world.clock.advance(100)
        world.manager.step()

    assert world.l1.pool[0].max_fee_wei > first[0].max_fee_wei
    world.l1.mine()
    steps(world, 2)
    assert world.status("a").outcome is TxOutcome.CONFIRMED
