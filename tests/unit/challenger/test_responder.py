from dataclasses import replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from challenger.actions import Action, Confirm
from challenger.model import ChainView, L1Block
from challenger.policy import Policy
from challenger.responder import DryRun, Responder, describe, key_of
from challenger.solver import next_actions
from challenger.store import Store
from optimistic.protocol.dispute.ids import dispute_id
from optimistic.protocol.types import Hash32
from optimistic.service.l1_types import Receipt
from optimistic.service.metrics import NoopMetrics
from optimistic.service.tx_types import TxOutcome, TxRequest, TxState, TxStatus
from tests.unit.challenger.contracts import FakeL1
from tests.unit.challenger.views import GENESIS, STAKE_WEI, Story, ident, opening_of

POLICY = Policy(assert_after_s=50)
OPEN = opening_of(ident("older"), ident("newer"), deadline=10**9)


class FakeManager:
    """Remembers requests; ends them as told."""

    def __init__(self) -> None:
        self.requests: dict[str, TxRequest] = {}
        self.statuses: dict[str, TxStatus] = {}

    def submit(self, request: TxRequest) -> TxStatus:
        self.requests[request.key] = request
        return self.statuses.setdefault(request.key, _status(request.key))

    def status(self, key: str) -> TxStatus | None:
        return self.statuses.get(key)

    def end(self, key: str, outcome: TxOutcome, block: int | None = None) -> None:
        self.statuses[key] = replace(
            self.statuses[key],
            state=TxState.DONE,
            outcome=outcome,
            block_number=block,
            tx_hash=ident(key) if block is not None else None,
        )


def _status(key: str) -> TxStatus:
    return TxStatus(
        key=key,
        state=TxState.QUEUED,
        outcome=None,
        detail="",
        nonce=None,
        tx_hash=None,
        block_hash=None,
        block_number=None,
    )


class Bench:
    """A responder with a fake manager on a fake L1."""

    def __init__(self, store: Store, max_spend_wei: int | None = None) -> None:
        self.manager, self.l1, self.store = FakeManager(), FakeL1(), store
        self.responder = Responder(
            self.l1.contracts(),
            cast("Any", self.manager),
            store,
            NoopMetrics(),
            max_spend_wei=max_spend_wei,
        )

    def perform(self, *actions: Action, block: int = 7) -> None:
        self.responder.perform(view_at(block), list(actions))

    @property
    def keys(self) -> list[str]:
        return list(self.manager.requests)


def story() -> Story:
    return Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "wrong")


def view_at(block: int) -> ChainView:
    view = story().view()
    return replace(view, block=L1Block(number=block, hash=ident("block"), timestamp=view.now))


def test_responder__same_action_every_turn__is_one_transaction(store: Store) -> None:
    bench = Bench(store)

    bench.perform(OPEN)
    bench.perform(OPEN, block=8)

    assert bench.keys == [f"open:{dispute_id(OPEN.older, OPEN.newer).hex()}#0"]
    assert bench.manager.requests[bench.keys[0]].precondition is not None


def test_responder__mined_but_view_older__waits(store: Store) -> None:
    bench = Bench(store)
    bench.perform(OPEN)
    bench.manager.end(bench.keys[0], TxOutcome.CONFIRMED, block=7)

    bench.perform(OPEN, block=7)

    assert len(bench.keys) == 1


def test_responder__effect_gone_after_it_was_mined__sends_another(store: Store) -> None:
    bench = Bench(store)
    bench.perform(OPEN)
    bench.manager.end(bench.keys[0], TxOutcome.CONFIRMED, block=7)

    bench.perform(OPEN, block=8)

    assert [key[-2:] for key in bench.keys] == ["#0", "#1"]


def test_responder__failed__tries_again_after_pauses_that_double(store: Store) -> None:
    bench = Bench(store)
    tried = []
    for block in range(20):
        bench.perform(OPEN, block=block)
        newest = bench.keys[-1]
        if bench.manager.statuses[newest].state is not TxState.DONE:
            tried.append(block)
            bench.manager.end(newest, TxOutcome.FAILED)

    assert tried == [0, 2, 5, 10, 19]


@pytest.mark.parametrize("outcome", [TxOutcome.LOST_RACE, TxOutcome.ALREADY_DONE])
def test_responder__lost_or_done__leaves_it_to_the_manager(store: Store, outcome: TxOutcome) -> None:
    bench = Bench(store)
    bench.perform(OPEN)
    bench.manager.end(bench.keys[0], outcome)

    bench.perform(OPEN, block=99)

    assert len(bench.keys) == 1


def test_responder__over_budget__sends_what_is_affordable(store: Store) -> None:
    bench = Bench(store, max_spend_wei=STAKE_WEI)
    story_view, known = story().view(), story().known()
    (post,) = next_actions(story_view, known, POLICY)

    bench.perform(post, OPEN)

    assert [key.split(":")[0] for key in bench.keys] == ["open"]


def test_attack__housekeeping_without_end__leaves_what_a_defence_takes(store: Store) -> None:
    defence_wei, action_wei = 10_000_000 * 21, 400_000 * 21
    bench = Bench(store, max_spend_wei=STAKE_WEI + defence_wei + 2 * action_wei)
    endless = [Confirm(assertion=ident(f"right {i}"), reason="a test") for i in range(10)]

    bench.perform(*endless)
    bench.perform(*endless, OPEN)

    assert [key.split(":")[0] for key in bench.keys] == ["confirm", "confirm", "open"]


def test_responder__fees_booked__reduce_the_budget(store: Store) -> None:
    bench = Bench(store, max_spend_wei=600_000 * 21)
    bench.perform(OPEN)
    key = bench.keys[0]
    bench.manager.end(key, TxOutcome.CONFIRMED, block=7)
    bench.l1.receipts[ident(key)] = _receipt(ident(key))

    bench.perform(Confirm(assertion=ident("other"), reason="a test"), block=7)

    assert store.fees_wei() == 9_000_000
    assert bench.keys == [key]


def test_dry_run__new_actions__are_said_once() -> None:
    runner, view = DryRun(), view_at(7)

    with capture_logs() as logs:
        runner.perform(view, [OPEN])
        runner.perform(view, [OPEN])
        runner.perform(view, [])
        runner.perform(view, [OPEN])

    assert [entry["event"] for entry in logs] == ["action_planned"] * 2


def test_describe__every_action_of_a_story__is_plain() -> None:
    (post,) = next_actions(story().view(), story().known(), POLICY)

    described = describe(post)

    assert described["action"] == "assert"
    assert described["stake_wei"] == STAKE_WEI
    assert key_of(view_at(7), post).startswith("assert:")


def _receipt(tx_hash: Hash32) -> Receipt:
    return Receipt(
        tx_hash=tx_hash,
        block_number=7,
        block_hash=ident("block"),
        succeeded=True,
        gas_used=90_000,
        effective_gas_price_wei=100,
        contract_address=None,
        logs=(),
    )
