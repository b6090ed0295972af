"""A process that trades on an exchange until it is killed.

Run as ``python -m tests.helpers.exchange_process FOLDER SEED``. Every line on stdout was acknowledged before
it was written: ``ack ID DIGEST SEQ PREV TS SIGNATURE`` for a signed order, ``trade ID MAKER TAKER LOTS`` for
a match.
"""

import random
import sys
from pathlib import Path

from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.commands import Cancel, Command
from optimistic.node.exchange.events import Published, Traded
from optimistic.node.exchange.exchange import Around
from optimistic.node.exchange.house import ExchangeHouse, ExchangeKeys
from optimistic.node.exchange.options import ExchangeOptions, SettlementOptions
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.service.clock import Clock, FakeClock
from optimistic.service.logging import configure_logging
from optimistic.service.signer import Signer
from tests.helpers.exchange_world import CHAIN_ID, PRICE_TICKS, RECEIPT_KEY
from tests.helpers.fake_chain import FakeChain

SETTLEMENT_KEY = bytes(31) + b"\x12"
OPTIONS = ExchangeOptions(
    snapshot_every=150,
    segment_bytes=20_000,
    client_id_window=10_000,
    settlement=SettlementOptions(max_trades=7, max_age_ms=0, resend_ms=0, max_in_flight=3),
)


def open_house(folder: Path, clock: Clock) -> tuple[FakeChain, ExchangeHouse]:
    """The chain and the exchange in a folder, as a process that starts finds them."""
    chain = FakeChain(folder / "chain")
    keys = ExchangeKeys(receipts=ReceiptSigner(RECEIPT_KEY, CHAIN_ID), settlement=Signer(SETTLEMENT_KEY))
    house = ExchangeHouse(folder / "exchange", chain, keys, OPTIONS, Around(clock=clock))
    while house.follower.step():
        pass
    return chain, house


def main(folder: Path, seed: int) -> None:
    """Trade for ever."""
    configure_logging(level="error", log_format="json")
    chance = random.Random(seed)
    clock = FakeClock()
    chain, house = open_house(folder, clock)
    told: list[str] = []

    def listen(published: Published) -> None:
        told.extend(
            f"trade {event.trade_id} {event.maker.order_id} {event.taker.order_id} {event.lots}"
            for event in published.events
            if isinstance(event, Traded)
        )

    house.core.subscribe(listen)
    nonce = seed << 32
    _say(["ready"])
    while True:
        commands: list[Command] = []
        for _ in range(chance.randint(1, 4)):
            trader = chance.choice(chain.traders)
            nonce += 1
            lots = chance.choice([-1, 1]) * chance.randint(1, 9)
            ticks = PRICE_TICKS + chance.randint(-3, 3)
            commands.append(trader.place(lots, ticks, nonce=nonce, client_id=b"%d" % nonce))
        live = house.core.machine.registry.orders
        if live and chance.random() < 0.3:
            order = chance.choice(list(live.values()))
            commands.append(Cancel(owner=order.owner, order_id=order.id))
        for answer in house.core.submit(commands):
            if isinstance(answer, Ack) and answer.receipt is not None:
                receipt = answer.receipt.receipt
                told.append(
                    f"ack {answer.order_id} {receipt.order_hash.hex()} {receipt.seq} {receipt.prev.hex()} "
                    f"{receipt.ts_ms} {answer.receipt.signature.hex()}"
                )
        _say(told)
        told.clear()
        clock.advance(0.01)
        if chance.random() < 0.7:
            house.turn()
        if chance.random() < 0.5:
            chain.mine()


def _say(lines: list[str]) -> None:
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
