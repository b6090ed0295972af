from optimistic.node.api.bond import BondReader
from optimistic.protocol.types import Address
from optimistic.service.clock import FakeClock
from optimistic.service.contract import creation_call
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import L1Unavailable
from optimistic.service.one_shot import OneShotSender
from optimistic.service.receipt_bond import ReceiptBond
from optimistic.service.signer import Signer
from tests.helpers.tampered_l1 import TamperedTransport

KEY = Address(b"\x11" * 20)


class World:
    """A bond of 5 wei on an L1 that can fail, and its reader."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        l1 = EmbeddedL1(clock=self.clock)
        self.transport = TamperedTransport(l1)
        client = L1Client(self.transport, clock=self.clock)
        self.sender = OneShotSender(client, Signer(l1.keys[0]), clock=self.clock)
        created = self.sender.send(creation_call("ReceiptBond", (7, 60)))
        assert created.contract_address is not None
        self.contract = ReceiptBond(client, created.contract_address)
        self.post()
        self.reader = BondReader(self.contract, KEY, self.clock)

    def post(self) -> None:
        self.sender.send(self.contract.post_call(KEY, 5))

    def amount(self) -> str | None:
        found = self.reader.read()
        return None if found is None else found.amount_wei


def test_read__within_one_block__asks_l1_once() -> None:
    world = World()
    assert world.amount() == "5"
    world.post()
    asked = len(world.transport.requests)

    assert world.amount() == "5"
    assert len(world.transport.requests) == asked
    world.clock.advance(12)
    assert world.amount() == "10"


def test_read__l1_gone__answers_what_it_knows() -> None:
    world = World()
    world.transport.fail("eth_call", L1Unavailable("gone"))
    assert world.amount() is None

    world.transport.heal()
    world.clock.advance(12)
    assert world.amount() == "5"
    world.transport.fail("eth_call", L1Unavailable("gone"))
    world.clock.advance(12)
    assert world.amount() == "5"


def test_read__while_another_thread_waits_for_l1__does_not_wait() -> None:
    world = World()
    answers: list[str | None] = []

    def meanwhile(_params: object, forward: object) -> object:
        answers.append(world.amount())
        return forward()  # type: ignore[operator] # the true answer

    world.transport.tamper("eth_call", meanwhile)

    assert world.amount() == "5"
    assert answers == [None]
