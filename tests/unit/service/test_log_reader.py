from collections.abc import Sequence
from typing import Any

import pytest

from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address
from optimistic.service.clock import FakeClock
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import JsonRpcError, L1Lied, L1Unavailable
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_types import LogFilter
from optimistic.service.log_reader import FinalityMode, LogReader, ReaderOptions, ReorgDetected
from optimistic.service.signer import Signer
from tests.helpers.tampered_l1 import Forward, TamperedTransport
from tests.helpers.tiny_contracts import LOGGING_INIT


class World:
    """An embedded chain, a reader of it, and what the reader's owner believes."""

    def __init__(self, finality_depth: int = 1_000, **options: Any) -> None:
        self.chain = EmbeddedL1(clock=FakeClock(), finality_depth=finality_depth)
        self.transport = TamperedTransport(self.chain)
        self.client = L1Client(self.transport)
        self.signer = Signer(self.chain.keys[0])
        self.database = Database(None, [SERVICE_MIGRATIONS])
        self.options = ReaderOptions(**options)
        self.believed: dict[int, Address] = {}
        self.reader = self.make_reader()

    def make_reader(self, start_block: int = 1) -> LogReader:
        sender = self.signer.address
        wanted = LogFilter(addresses=tuple(create_address(sender, nonce) for nonce in range(100)))
        return LogReader(self.client, self.database, wanted, start_block=start_block, options=self.options)

    def emit(self, count: int = 1, *, salt: int = 0) -> None:
        """Mine blocks with one log each; `salt` makes the transaction another one."""
        for _ in range(count):
            raw, _tx = self.signer.sign_transaction(
                {
                    "type": 2,
                    "chainId": 31_337,
                    "nonce": self.client.nonce(self.signer.address, "latest"),
                    "gas": 100_000 + salt,
                    "maxFeePerGas": 10**10,
                    "maxPriorityFeePerGas": 1,
                    "to": None,
                    "value": 0,
                    "data": LOGGING_INIT,
                }
            )
            assert self.client.send_raw(raw).status is SendStatus.ACCEPTED

    def follow(self) -> list[ReorgDetected]:
        """Do what an owner does until there is nothing new; return the reorganisations met."""
        resets = []
        for _ in range(100):
            try:
                found = self.reader.poll()
            except ReorgDetected as reset:
                resets.append(reset)
                kept = -1 if reset.ancestor is None else reset.ancestor.number
                self.believed = {n: a for n, a in self.believed.items() if n <= kept}
                self.reader.rewind(reset.ancestor)
                continue
            if found is None:
                return resets
            for log in found.logs:
                assert log.block_number not in self.believed
                self.believed[log.block_number] = log.address
            self.reader.commit(found)
        raise AssertionError("the reader does not come to rest")

    def truth(self) -> dict[int, Address]:
        head = self.client.head().number
        sender = self.signer.address
        wanted = LogFilter(addresses=tuple(create_address(sender, nonce) for nonce in range(100)))
        return {log.block_number: log.address for log in self.client.logs(wanted, 1, head)}


def test_reader__new_blocks__are_delivered_once_and_in_order() -> None:
    world = World(max_range=3)
    world.emit(4)
    world.chain.mine(2)
    world.emit(2)

    assert world.follow() == []

    assert world.believed == world.truth()
    assert world.reader.cursor == world.client.head()
    assert world.reader.poll() is None


def test_reader__restarted__goes_on_where_it_committed() -> None:
    world = World(max_range=3)
    world.emit(5)
    first = world.reader.poll()
    assert first is not None
    world.reader.commit(first)
    uncommitted = world.reader.poll()

    again = world.make_reader().poll()

    assert again == uncommitted
    assert again is not None
    assert again.from_block == 4


def test_reader__confirmations__hold_young_blocks_back() -> None:
    world = World(confirmations=2)
    world.emit(5)

    world.follow()

    assert sorted(world.believed) == [1, 2, 3]


@pytest.mark.parametrize("depth", range(1, 9))
def test_reader__reorg_of_any_depth__ends_in_the_truth(depth: int) -> None:
    world = World()
    world.emit(10)
    world.follow()

    world.chain.reorg(depth)
    world.emit(depth + 1, salt=1)
    [reset] = world.follow()

    assert reset.ancestor is not None
    assert reset.ancestor.number == 10 - depth
    assert world.believed == world.truth()
    assert len(world.believed) == 11


def test_reader__reorg_to_the_same_height__is_noticed() -> None:
    world = World()
    world.emit(5)
    world.follow()

    world.chain.reorg(2, empty_blocks=2)

    assert len(world.follow()) == 1
    assert world.believed == world.truth()


def test_reader__reorg_to_a_shorter_chain__is_noticed_at_a_changed_block() -> None:
    world = World()
    world.emit(8)
    world.follow()

    world.chain.reorg(6, empty_blocks=3)

    [reset] = world.follow()
    assert reset.ancestor is not None
    assert reset.ancestor.number == 2
    assert world.believed == world.truth()


def test_reader__head_goes_back_on_the_same_chain__is_no_reorg() -> None:
    world = World()
    world.emit(8)
    world.follow()
    old = world.chain.request("eth_getBlockByNumber", ["0x5", False])

    def rule(params: Sequence[Any], forward: Forward) -> Any:
        return old if params[0] == "latest" else forward()

    world.transport.tamper("eth_getBlockByNumber", rule)
    assert world.follow() == []
    assert len(world.believed) == 8

    world.transport.heal()
    world.emit(1)
    assert world.follow() == []
    assert world.believed == world.truth()


def test_reader__reorg_deeper_than_what_is_remembered__starts_again() -> None:
    world = World()
    world.emit(6)
    world.follow()

    world.chain.reorg(6)
    world.emit(7, salt=1)
    [reset] = world.follow()

    assert reset.ancestor is None
    assert world.believed == world.truth()


def test_reader__reorg_below_the_window__finds_a_thinned_out_header() -> None:
    world = World(window=10)
    world.chain.mine(150)
    world.follow()
    numbers = [row[0] for row in world.database.query("SELECT number FROM l1_header ORDER BY number")]
    assert numbers == [64, 128, *range(140, 151)]

    world.chain.reorg(30)
    world.chain.mine(40)
    [reset] = world.follow()

    assert reset.ancestor is not None
    assert reset.ancestor.number == 64
    assert world.reader.cursor == world.client.head()


def test_reader__finalized_past__is_read_in_bulk() -> None:
    world = World(finality_depth=10, max_range=100)
    world.chain.mine(300)
    before = world.transport.count("eth_getBlockByNumber")

    world.follow()

    assert world.transport.count("eth_getBlockByNumber") - before < 80
    assert world.reader.cursor == world.client.head()


def test_reader__reorg_between_headers_and_logs__is_temporary_and_loses_nothing() -> None:
    world = World()
    world.emit(5)

    def rule(_params: Sequence[Any], forward: Forward) -> Any:
        world.transport.heal()
        world.chain.reorg(2)
        world.emit(2, salt=1)
        return forward()

    world.transport.tamper("eth_getLogs", rule)

    with pytest.raises(L1Lied, match=r"reorganised|not of the block"):
        world.reader.poll()
    world.follow()
    assert world.believed == world.truth()


def test_reader__reorg_while_headers_are_read__is_temporary() -> None:
    world = World()
    world.emit(5)
    old = world.chain.request("eth_getBlockByNumber", ["0x3", False])
    world.chain.reorg(3, empty_blocks=4)

    def rule(params: Sequence[Any], forward: Forward) -> Any:
        return old if params[0] == "0x3" else forward()

    world.transport.tamper("eth_getBlockByNumber", rule)

    with pytest.raises(L1Lied, match="does not follow"):
        world.reader.poll()


def test_reader__endpoint_down__raises_and_recovers() -> None:
    world = World()
    world.emit(3)
    for method in ("eth_getBlockByNumber", "eth_getLogs"):
        world.transport.fail(method, L1Unavailable("timeout"))
        with pytest.raises(L1Unavailable):
            world.reader.poll()
        world.transport.heal()

    world.follow()
    assert world.believed == world.truth()


def test_reader__two_names__do_not_share_a_cursor() -> None:
    world = World()
    world.emit(2)
    world.follow()
    other = LogReader(
        world.client,
        world.database,
        LogFilter(addresses=()),
        start_block=0,
        name="other",
        options=world.options,
    )

    assert other.cursor is None
    found = other.poll()
    assert found is not None
    assert found.from_block == 0


def test_reader__commit__joins_the_owners_transaction() -> None:
    world = World()
    world.emit(2)
    found = world.reader.poll()
    assert found is not None

    def crash_halfway() -> None:
        with world.database.transaction():
            world.reader.commit(found)
            raise RuntimeError("before the owner's own rows are written")

    with pytest.raises(RuntimeError):
        crash_halfway()

    assert world.reader.cursor is None


# ------------------------------------------------------------------------------ finality


def test_finality__tags__are_used() -> None:
    world = World(finality_depth=4)
    world.chain.mine(10)

    found = world.reader.finality()

    assert (found.head.number, found.safe.number, found.finalized.number) == (10, 8, 6)


def test_finality__no_tags__falls_back_to_depths() -> None:
    world = World(safe_depth=2, finalized_depth=5)
    world.chain.mine(10)

    def rule(params: Sequence[Any], forward: Forward) -> Any:
        if params[0] in ("safe", "finalized"):
            raise JsonRpcError(-32_602, "unknown block tag")
        return forward()

    world.transport.tamper("eth_getBlockByNumber", rule)

    found = world.reader.finality()

    assert (found.safe.number, found.finalized.number) == (8, 5)


def test_finality__depth_mode__ignores_tags() -> None:
    world = World(finality_depth=0, finality=FinalityMode.DEPTH, safe_depth=1, finalized_depth=3)
    world.chain.mine(2)

    found = world.reader.finality()

    assert (found.safe.number, found.finalized.number) == (1, 0)


def test_finality__finalized_goes_back__keeps_the_higher_one() -> None:
    world = World(finality_depth=2)
    world.chain.mine(10)
    assert world.reader.finality().finalized.number == 8
    old = world.chain.request("eth_getBlockByNumber", ["0x3", False])

    def rule(params: Sequence[Any], forward: Forward) -> Any:
        return old if params[0] == "finalized" else forward()

    world.transport.tamper("eth_getBlockByNumber", rule)

    assert world.reader.finality().finalized.number == 8


def test_finality__beyond_the_head__is_a_lie() -> None:
    world = World(finality_depth=2)
    world.chain.mine(10)

    def rule(params: Sequence[Any], forward: Forward) -> Any:
        answer = forward()
        return {**answer, "number": "0x63"} if params[0] in ("safe", "finalized") else answer

    world.transport.tamper("eth_getBlockByNumber", rule)

    with pytest.raises(L1Lied, match="said to be final"):
        world.reader.finality()
