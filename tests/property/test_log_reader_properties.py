"""The log reader against a chain that grows, reorganises and is seen late."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Hash32
from optimistic.service.clock import FakeClock
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_types import LogFilter
from optimistic.service.log_reader import LogReader, ReaderOptions, ReorgDetected
from optimistic.service.signer import Signer
from tests.helpers.tampered_l1 import Forward, TamperedTransport
from tests.helpers.tiny_contracts import LOGGING_INIT

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), st.integers(1, 3)),
        st.tuples(st.just("mine"), st.integers(1, 3)),
        st.tuples(st.just("reorg"), st.integers(1, 9)),
        st.tuples(st.just("lag"), st.integers(1, 5)),
        st.tuples(st.just("poll"), st.integers(1, 3)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=18,
)
SIGNER = Signer(EmbeddedL1(clock=FakeClock()).keys[0])
WANTED = LogFilter(addresses=tuple(create_address(SIGNER.address, nonce) for nonce in range(60)))


class Story:
    """The chain, the reader, and the events its owner holds for true."""

    def __init__(self, options: ReaderOptions) -> None:
        self.chain = EmbeddedL1(clock=FakeClock())
        self.transport = TamperedTransport(self.chain)
        self.client = L1Client(self.transport)
        self.database = Database(None, [SERVICE_MIGRATIONS])
        self.options = options
        self.believed: dict[int, Hash32] = {}
        self.salt = 0
        self.restart()

    def restart(self, _count: int = 0) -> None:
        self.reader = LogReader(self.client, self.database, WANTED, start_block=1, options=self.options)

    def emit(self, count: int) -> None:
        for _ in range(count):
            self.salt += 1
            fields = {
                "type": 2,
                "chainId": 31_337,
                "nonce": self.client.nonce(SIGNER.address, "latest"),
                "gas": 100_000 + self.salt,
                "maxFeePerGas": 10**10,
                "maxPriorityFeePerGas": 1,
                "to": None,
                "value": 0,
                "data": LOGGING_INIT,
            }
            assert self.client.send_raw(SIGNER.sign_transaction(fields)[0]).status is SendStatus.ACCEPTED

    def mine(self, count: int) -> None:
        self.chain.mine(count)

    def reorg(self, depth: int) -> None:
        height = self.client.head().number
        if height:
            self.chain.reorg(min(depth, height))

    def lag(self, blocks: int) -> None:
        """Poll once through an endpoint that shows an older head."""
        number = max(0, self.client.head().number - blocks)
        old = self.chain.request("eth_getBlockByNumber", [hex(number), False])

        def rule(params: Sequence[Any], forward: Forward) -> Any:
            return old if params[0] == "latest" else forward()

        self.transport.tamper("eth_getBlockByNumber", rule)
        self.poll(1)
        self.transport.heal()

    def poll(self, count: int) -> None:
        for _ in range(count):
            try:
                found = self.reader.poll()
            except ReorgDetected as reset:
                kept = 0 if reset.ancestor is None else reset.ancestor.number
                self.believed = {number: tx for number, tx in self.believed.items() if number <= kept}
                self.reader.rewind(reset.ancestor)
                continue
            except TemporaryError:
                continue
            if found is not None:
                assert not any(log.block_number in self.believed for log in found.logs)
                self.believed.update({log.block_number: log.tx_hash for log in found.logs})
                self.reader.commit(found)


@given(actions=ACTIONS, max_range=st.integers(1, 5), window=st.integers(2, 20))
def test_reader__any_story__ends_in_the_truth(
    actions: list[tuple[str, int]], max_range: int, window: int
) -> None:
    story = Story(ReaderOptions(max_range=max_range, window=window))
    for name, count in actions:
        getattr(story, name)(count)

    story.mine(12)  # higher than any chain seen before, so no reorganisation stays hidden
    story.poll(60)

    head = story.client.head()
    assert story.reader.cursor == head
    truth = {log.block_number: log.tx_hash for log in story.client.logs(WANTED, 1, head.number)}
    assert story.believed == truth
