"""The demonstration: an honest act that ends with ether back on L1, and a lie that loses its dispute."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from challenger.model import Assertion, ChainView, Judgement, Verdict
from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.hashing import abi_word, keccak256
from optimistic.protocol.records import AssertionStatus, deposit_tx_hash
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.withdrawals import Message, message_key, prove_withdrawal
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_events import DepositEnqueued
from optimistic.service.l1_types import Receipt as L1Receipt
from scripts.staging.bars import generated_closes
from scripts.staging.dispute_act import LOOP_RUNTIME, DisputeAct, Ending
from scripts.staging.faults import Lie
from scripts.staging.trading_act import WITHDRAWN_TOKENS, TradingAct
from scripts.staging.trading_floor import TOKEN
from scripts.staging.world import USER_KEY, WATCHTOWER_KEY, World

Say = Callable[[str], None]
T = TypeVar("T")

DEPOSIT_WEI: Final = 10 * 10**18
WITHDRAWN_WEI: Final = 3 * 10**18
SECOND_WITHDRAWN_WEI: Final = 2 * 10**18
TRANSFERS: Final = 24
MESSAGES_OF_THE_TRADERS: Final = 1
FIRST_PRICE_WAD: Final = 60_000 * 10**18
COUNTER_RUNTIME: Final = bytes.fromhex("5f546001018060005560005260205ff3")
"""Adds one to slot 0 and returns it."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What the last line reports."""

    l2_txs: int = 0
    batches: int = 0
    confirmed: int = 0
    withdrawn_wei: int = 0
    settlement: dict[str, Any] | None = None
    is_token_paid: bool = False
    ending: Ending | None = None

    def to_json(self, seconds: float) -> dict[str, Any]:
        """Return the object of the last line."""
        ending = self.ending
        total_wei = WITHDRAWN_WEI + SECOND_WITHDRAWN_WEI
        return {
            "ok": ending is not None
            and ending.is_good
            and self.withdrawn_wei == total_wei
            and self._has_traded,
            "l2_txs": self.l2_txs,
            "batches": self.batches,
            "confirmed": self.confirmed,
            "withdrawn_wei": self.withdrawn_wei,
            "fraud_detected": ending is not None and ending.unit is not None,
            "first_wrong_unit": None if ending is None else ending.unit,
            "settlement": self.settlement,
            "dispute": None if ending is None else ending.dispute,
            "seconds": round(seconds, 1),
        }

    @property
    def _has_traded(self) -> bool:
        settlement = self.settlement
        return settlement is not None and settlement["conservation_ok"] and self.is_token_paid


class Story:
    """Plays the acts on a stage and tells about them.

    Parameters
    ----------
    world : the stage
    say : prints one line of the telling
    lie : what the liar changes; None picks one at random
    seed : of the random choices; None differs from run to run
    closes : closing prices of minutes for the trading act, in WAD; made up by default
    """

    def __init__(
        self,
        world: World,
        say: Say,
        *,
        lie: Lie | None = None,
        seed: int | None = None,
        closes: Iterator[int] | None = None,
    ) -> None:
        self._world = world
        self._say = say
        self._random = random.Random(seed)  # noqa: S311 - picks a scene, guards nothing
        self._lie = lie or self._random.choice(list(Lie))
        self._closes = closes or generated_closes(self._random.randrange(1 << 32), FIRST_PRICE_WAD)
        self._user = world.l1.keys[USER_KEY]
        self._address = world.signers[USER_KEY].address
        self._outcome = Outcome()
        self._loop = Address(bytes(20))

    def play(self) -> dict[str, Any]:
        """Play everything and return the object of the last line."""
        started = time.monotonic()
        self._world.start_node()
        self._world.start_tower()
        self._deposit()
        self._transact()
        trading = self._trade()
        message = self._withdraw()
        self._agree()
        self._confirm()
        self._finalize(message)
        self._pay_out(trading)
        self._catch_a_lie()
        self._count()
        return self._outcome.to_json(time.monotonic() - started)

    # ------------------------------------------------------------------------------ the honest act

    def _deposit(self) -> None:
        world = self._world
        self._say(f"deposit: {_ether(DEPOSIT_WEI)} from L1")
        call = world.bridge.deposit_call(to=self._address, value=DEPOSIT_WEI, gas_limit=21_000)
        receipt = world.send_l1(USER_KEY, call)
        events = (decode_event(log) for log in receipt.logs)
        (deposit,) = (event for event in events if isinstance(event, DepositEnqueued))
        tx_hash = deposit_tx_hash(deposit.index, deposit.deposit)
        world.turn_until(lambda: world.node.store.receipt(tx_hash) is not None, "the deposit on L2")
        self._say(f"         credited on L2 in block {world.node.chain.head.number}")

    def _transact(self) -> None:
        world, nonce = self._world, self._nonce()
        receivers = [Address(keccak256(bytes([n]))[12:]) for n in range(TRANSFERS)]
        hashes = [
            world.send_l2(self._user, nonce + n, to=receiver, value=10**15)
            for n, receiver in enumerate(receivers)
        ]
        created = [
            world.send_l2(self._user, nonce + TRANSFERS + n, gas=200_000, data=init_code(runtime))
            for n, runtime in enumerate((COUNTER_RUNTIME, LOOP_RUNTIME))
        ]
        self._await_receipts([*hashes, *created])
        receipts = (_require(world.node.store.receipt(tx_hash)) for tx_hash in created)
        counter, self._loop = (_require(receipt.contract_address) for receipt in receipts)
        called = world.send_l2(self._user, nonce + TRANSFERS + 2, to=counter, gas=100_000)
        self._await_receipts([called])
        self._say(f"L2:      {TRANSFERS} transfers, contract 0x{counter.hex()} deployed and called")

    def _trade(self) -> TradingAct:
        trading = TradingAct(self._world, self._say, self._random, self._closes)
        try:
            self._outcome.settlement = trading.play()
        finally:
            trading.close()
        return trading

    def _pay_out(self, trading: TradingAct) -> None:
        assert trading.message is not None, "the act ends with a withdrawal"
        before = trading.tokens_on_l1()
        self._deliver(trading.message)
        paid = trading.tokens_on_l1() - before
        self._outcome.is_token_paid = paid == WITHDRAWN_TOKENS * TOKEN
        self._say(f"withdraw: {paid // TOKEN} tokens of the trading act paid out on L1")

    def _withdraw(self) -> Message:
        message = self._message(MESSAGES_OF_THE_TRADERS, WITHDRAWN_WEI)
        self._await_receipts([self._send_message(message, self._nonce())])
        self._say(f"L2:      withdrawal of {_ether(WITHDRAWN_WEI)} started")
        return message

    def _message(self, nonce: int, value_wei: int) -> Message:
        """Return the user's withdrawal to himself, by the number of his messages so far."""
        return Message(
            nonce=nonce, sender=self._address, target=self._address, value=value_wei, gas_limit=0, data=b""
        )

    def _send_message(self, message: Message, nonce: int) -> Hash32:
        """Send a message on L2; return the hash of its transaction."""
        selector = keccak256(b"sendMessage(address,uint256,bytes)")[:4]
        call = selector + b"".join(abi_word(word) for word in (self._address, 0, 96, 0))
        return self._world.send_l2(
            self._user, nonce, to=MESSAGE_PASSER, gas=200_000, value=message.value, data=call
        )

    def _agree(self) -> None:
        """Wait until an assertion covers everything so far and the watchtower found it right."""
        world = self._world
        head = world.node.chain.head.number
        world.turn_until(lambda: world.node.store.heads().safe.number >= head, "a batch with all blocks")
        batches = world.node.store.batch_count()
        self._say(
            f"batch:   {batches} batches on L1 carry L2 up to block {world.node.store.heads().safe.number}"
        )
        world.turn_until(lambda: self._judged(Judgement.VALID, batches) is not None, "an agreed assertion")
        assertion, verdict = _require(self._judged(Judgement.VALID, batches))
        self._say(f"assert:  0x{assertion.id.hex()[:16]}… covers batches up to {assertion.to_batch}")
        self._say(
            f"watch:   the watchtower replayed L1's data alone: {verdict.judgement.value}, {verdict.reason}"
        )

    def _confirm(self) -> None:
        world = self._world
        target = _require(self._judged(Judgement.VALID, world.node.store.batch_count()))[0].id
        period_s = world.deployment.params.challenge_period_s
        while world.assertions.assertion(target, at="latest").status is not AssertionStatus.CONFIRMED:
            self._say(f"time:    the clock of the embedded L1 moves on by {period_s} s")
            world.skip_time(period_s)
            for _ in range(10):
                world.turn()
        self._say("confirm: the assertion is confirmed")

    def _finalize(self, message: Message) -> None:
        world = self._world
        before = world.client.balance_wei(world.deployment.contracts.bridge, "latest")
        receipt = self._deliver(message)
        after = world.client.balance_wei(world.deployment.contracts.bridge, "latest")
        self._outcome.withdrawn_wei = before - after
        self._say(f"withdraw: {_ether(before - after)} paid out on L1 ({receipt.gas_used} gas)")

    def _deliver(self, message: Message) -> L1Receipt:
        """Execute a message of L2 on L1, proven by the last confirmed assertion."""
        world = self._world
        confirmed = world.assertions.latest_confirmed(at="latest")
        to_batch = world.assertions.assertion(confirmed, at="latest").to
        batch = world.node.store.batch(to_batch - 1)
        assert batch is not None, "a confirmed batch is stored"
        params, unit = world.deployment.params, batch.boundary_unit
        key = message_key(
            message,
            l1_chain_id=params.l1_chain_id,
            bridge=world.deployment.contracts.bridge,
            l2_chain_id=params.l2_chain_id,
        )
        proof = prove_withdrawal(world.node.nodes, unit.state_root, key)
        call = world.bridge.finalize_withdrawal_call(
            message, confirmed, unit, proof.account_proof, proof.storage_proof
        )
        return world.send_l1(WATCHTOWER_KEY, call)

    # ------------------------------------------------------------------------------ the lie

    def _catch_a_lie(self) -> None:
        message = self._message(MESSAGES_OF_THE_TRADERS + 1, SECOND_WITHDRAWN_WEI)
        act = DisputeAct(self._world, self._say, self._random, self._lie)
        ending = act.play(self._loop, message, lambda nonce: self._send_message(message, nonce))
        self._outcome.ending = ending
        self._outcome.l2_txs = ending.l2_txs
        self._outcome.withdrawn_wei += ending.withdrawn_wei

    # ------------------------------------------------------------------------------ looking

    def _seen(self) -> tuple[ChainView, dict[Hash32, Verdict]]:
        findings = self._world.tower.monitor.findings
        assert findings is not None, "the watchtower takes a turn with every turn of the world"
        return findings.view, dict(findings.known.verdicts)

    def _judged(self, judgement: Judgement, to_batch: int) -> tuple[Assertion, Verdict] | None:
        view, verdicts = self._seen()
        for id_, verdict in verdicts.items():
            assertion = view.assertions[id_]
            if verdict.judgement is judgement and assertion.to_batch >= to_batch:
                return assertion, verdict
        return None

    def _nonce(self) -> int:
        return self._world.node.head_state.account(self._address).nonce

    def _await_receipts(self, hashes: list[Hash32]) -> None:
        store = self._world.node.store
        self._world.turn_until(lambda: all(store.receipt(h) is not None for h in hashes), "the L2 receipts")

    def _count(self) -> None:
        self._outcome.batches = self._world.inbox.batch_count(at="latest")
        view, _ = self._seen()
        statuses = [a.status for a in view.assertions.values() if a.parent != bytes(32)]
        self._outcome.confirmed = statuses.count(AssertionStatus.CONFIRMED)


def _require(value: T | None) -> T:
    assert value is not None, "awaited before"
    return value


def init_code(runtime: bytes) -> bytes:
    """Return code that deploys `runtime` (at most 255 bytes)."""
    return bytes([0x60, len(runtime), 0x80, 0x60, 0x09, 0x5F, 0x39, 0x5F, 0xF3]) + runtime


def _ether(wei: int) -> str:
    whole, rest = divmod(wei, 10**18)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".") + " ETH"
