"""The L1 client, the log reader and the transaction manager on a real anvil, in good times and bad."""

from collections.abc import Callable
from pathlib import Path

import pytest

from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address, Hash32
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import (
    ContractReverted,
    L1BlockMissing,
    L1Lied,
    L1RequestFailed,
    L1Unavailable,
    WrongL1Chain,
)
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_types import Call, LogFilter, Receipt
from optimistic.service.log_reader import FinalityMode, LogReader, ReaderOptions, ReorgDetected
from optimistic.service.signer import Signer
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import TxOptions, TxOutcome, TxRequest, TxState
from tests.helpers.anvil import Anvil
from tests.helpers.faulty_proxy import Fault, FaultyProxy
from tests.helpers.tiny_contracts import LOGGING_INIT, REVERTING_INIT

TARGET = Address(b"\x77" * 20)
SIGNER = Signer(dev_keys()[0])


def raw_transfer(nonce: int, wei: int = 1, max_fee_wei: int = 10**10) -> tuple[bytes, Hash32]:
    return SIGNER.sign_transaction(
        {
            "type": 2,
            "chainId": 31_337,
            "nonce": nonce,
            "gas": 21_000,
            "maxFeePerGas": max_fee_wei,
            "maxPriorityFeePerGas": max_fee_wei // 2,
            "to": bytes(TARGET),
            "value": wei,
            "data": b"",
        }
    )


def make_manager(client: L1Client, **options: int) -> TxManager:
    return TxManager(client, SIGNER, Database(None, [SERVICE_MIGRATIONS]), options=TxOptions(**options))


def pay(key: str, wei: int = 1) -> TxRequest:
    return TxRequest(key=key, call=Call(to=TARGET, value_wei=wei))


def send(client: L1Client, raw: bytes, tx_hash: Hash32) -> Receipt:
    """Send a transaction and return its receipt; anvil mines a moment after it answers."""
    assert client.send_raw(raw).status is SendStatus.ACCEPTED
    for _ in range(2_000):
        receipt = client.receipt(tx_hash)
        if receipt is not None:
            return receipt
    raise AssertionError("not mined")


def until(condition: Callable[[], bool], step: Callable[[], object], turns: int = 400) -> None:
    """Step through temporary errors until `condition` holds."""
    for _ in range(turns):
        try:
            step()
            if condition():
                return
        except TemporaryError:
            continue
    raise AssertionError("did not come about")


def has_ended(manager: TxManager, key: str) -> bool:
    """Whether nothing more will be done about `key`."""
    status = manager.status(key)
    return status is not None and status.is_final


# ------------------------------------------------------------------------------ client


def test_client__anvil__answers_every_kind_of_read(anvil: Anvil) -> None:
    client = L1Client.connect(anvil.url, chain_id=31_337)
    before = client.head()
    raw, tx_hash = raw_transfer(0, 5)

    receipt = send(client, raw, tx_hash)
    head = client.head()

    assert head.number == before.number + 1
    assert head.parent_hash == before.hash
    assert client.balance_wei(TARGET, head.hash) == 5
    assert client.balance_wei(TARGET, before.hash) == 0
    assert client.nonce(SIGNER.address, head.hash) == 1
    transaction = client.transaction(tx_hash)
    assert transaction is not None
    assert (receipt.block_hash, receipt.succeeded) == (head.hash, True)
    assert transaction.sender == SIGNER.address
    assert client.tagged("safe") is not None
    assert client.estimate_gas(Call(to=TARGET, sender=SIGNER.address), head.hash) >= 21_000
    with pytest.raises(ContractReverted) as caught:
        client.call(Call(to=None, data=REVERTING_INIT), head.hash)
    assert caught.value.data == (0xAA).to_bytes(32, "big")
    with pytest.raises(ContractReverted):
        client.estimate_gas(Call(to=None, data=REVERTING_INIT, sender=SIGNER.address), head.hash)


def test_client__anvil__refusals_are_understood(anvil: Anvil) -> None:
    client = L1Client.connect(anvil.url)
    anvil.set_auto_mine(False)
    raw, _ = raw_transfer(0, 5)

    assert client.send_raw(raw).status is SendStatus.ACCEPTED
    assert client.send_raw(raw).status is SendStatus.KNOWN
    assert client.send_raw(raw_transfer(0, 6)[0]).status is SendStatus.UNDERPRICED
    anvil.mine()
    assert client.send_raw(raw_transfer(0, 7, 10**11)[0]).status is SendStatus.NONCE_TOO_LOW
    assert client.send_raw(raw_transfer(1, 10**30)[0]).status is SendStatus.NO_FUNDS
    assert client.send_raw(raw_transfer(1, 1, 2)[0]).status is SendStatus.UNDERPRICED
    assert client.send_raw(b"\x02nonsense").status is SendStatus.REJECTED


def test_client__anvil_after_a_reorg__pinned_reads_fail(anvil: Anvil) -> None:
    client = L1Client.connect(anvil.url)
    anvil.mine(3)
    head = client.head()

    anvil.reorg(2)

    assert client.find_header(head.hash) is None
    with pytest.raises(L1BlockMissing):
        client.balance_wei(TARGET, head.hash)
    with pytest.raises(L1BlockMissing):
        client.call(Call(to=TARGET), head.hash)


def test_client__wrong_chain__is_refused(anvil: Anvil) -> None:
    with pytest.raises(WrongL1Chain):
        L1Client.connect(anvil.url, chain_id=1).head()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TIMEOUT, L1Unavailable),
        (Fault.DISCONNECT, L1Unavailable),
        (Fault.HTTP_500, L1Unavailable),
        (Fault.GARBAGE, L1Unavailable),
        (Fault.ERROR, L1RequestFailed),
        (Fault.HEAD_AHEAD, L1Lied),
        (Fault.NULL, L1Lied),
    ],
)
def test_client__faults__become_our_errors_and_pass(
    anvil: Anvil, proxy: FaultyProxy, fault: Fault, error: type[Exception]
) -> None:
    anvil.mine(5)
    client = L1Client.connect(proxy.url, timeout_ms=1_500)
    expected = client.head()

    proxy.set(fault)
    with pytest.raises(error):
        client.head()

    proxy.heal()
    assert client.head() == expected


def test_client__nobody_listens__is_unavailable() -> None:
    with pytest.raises(L1Unavailable):
        L1Client.connect("http://127.0.0.1:9", timeout_ms=500).head()


# ------------------------------------------------------------------------------ log reader


class Follower:
    """A reader and what its owner believes."""

    def __init__(self, client: L1Client, path: Path) -> None:
        self.database = Database(path, [SERVICE_MIGRATIONS])
        self.wanted = LogFilter(
            addresses=tuple(create_address(SIGNER.address, nonce) for nonce in range(100))
        )
        options = ReaderOptions(finality=FinalityMode.DEPTH, max_range=4)
        self.reader = LogReader(client, self.database, self.wanted, start_block=1, options=options)
        self.believed: dict[int, Hash32] = {}
        self.reorgs = 0

    def step(self) -> None:
        try:
            found = self.reader.poll()
        except ReorgDetected as reset:
            kept = -1 if reset.ancestor is None else reset.ancestor.number
            self.believed = {number: tx for number, tx in self.believed.items() if number <= kept}
            self.reader.rewind(reset.ancestor)
            self.reorgs += 1
            return
        if found is not None:
            self.believed.update({log.block_number: log.tx_hash for log in found.logs})
            self.reader.commit(found)


def emit(client: L1Client, count: int) -> None:
    for _ in range(count):
        nonce = client.nonce(SIGNER.address, "latest")
        fields = {"to": None, "data": LOGGING_INIT, "value": 0, "gas": 100_000, "nonce": nonce, "type": 2}
        fees = {"chainId": 31_337, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1}
        assert send(client, *SIGNER.sign_transaction({**fields, **fees})).succeeded


def truth(client: L1Client, wanted: LogFilter) -> dict[int, Hash32]:
    logs = client.logs(wanted, 1, client.head().number)
    return {log.block_number: log.tx_hash for log in logs}


@pytest.mark.parametrize("depth", [1, 4, 8])
def test_reader__anvil_reorg__ends_in_the_truth(anvil: Anvil, tmp_path: Path, depth: int) -> None:
    client = L1Client.connect(anvil.url)
    follower = Follower(client, tmp_path / "db")
    emit(client, 10)
    for _ in range(5):
        follower.step()
    assert follower.believed == truth(client, follower.wanted)

    anvil.reorg(depth)
    emit(client, 2)
    for _ in range(6):
        follower.step()

    assert follower.reorgs == 1
    assert follower.believed == truth(client, follower.wanted)


def test_reader__snapshot_reverted_to_a_shorter_chain__ends_in_the_truth(
    anvil: Anvil, tmp_path: Path
) -> None:
    client = L1Client.connect(anvil.url)
    follower = Follower(client, tmp_path / "db")
    emit(client, 3)
    snapshot = anvil.rpc("evm_snapshot")
    emit(client, 5)
    for _ in range(5):
        follower.step()

    anvil.rpc("evm_revert", snapshot)
    anvil.advance_time(100)
    emit(client, 6)
    for _ in range(8):
        follower.step()

    assert follower.reorgs == 1
    assert follower.believed == truth(client, follower.wanted)


def test_reader__endpoint_that_fails_and_lies__ends_in_the_truth(
    anvil: Anvil, proxy: FaultyProxy, tmp_path: Path
) -> None:
    direct = L1Client.connect(anvil.url)
    follower = Follower(L1Client.connect(proxy.url, timeout_ms=100), tmp_path / "db")
    parts = {Fault.ERROR: 0.03, Fault.DISCONNECT: 0.03, Fault.GARBAGE: 0.03, Fault.TIMEOUT: 0.01}
    proxy.mix({**parts, Fault.HEAD_AHEAD: 0.05, Fault.HEAD_BEHIND: 0.05, Fault.NULL: 0.03})

    for depth in (2, 5):
        emit(direct, 6)
        until(lambda: follower.reader.cursor == direct.head(), follower.step)
        anvil.reorg(depth)
    emit(direct, 3)
    until(lambda: follower.reader.cursor == direct.head(), follower.step)

    assert follower.believed == truth(direct, follower.wanted)
    assert follower.reorgs == 2
    assert len(proxy.faults) > 5


# ------------------------------------------------------------------------------ transactions


def test_manager__anvil__sends_many_in_order(anvil: Anvil) -> None:
    client = L1Client.connect(anvil.url)
    manager = make_manager(client)
    for number in range(20):
        manager.submit(pay(f"{number:02}"))

    until(lambda: has_ended(manager, "19"), manager.step)

    status = manager.status("19")
    assert status is not None
    assert status.outcome is TxOutcome.CONFIRMED
    assert client.balance_wei(TARGET, "latest") == 20


def test_manager__stuck_in_the_pool__is_replaced_by_a_dearer_one(anvil: Anvil) -> None:
    client = L1Client.connect(anvil.url)
    anvil.set_auto_mine(False)
    manager = make_manager(client, bump_after_ms=1)
    manager.submit(pay("a", 5))
    seen = set()
    for _ in range(4):
        manager.step()
        status = manager.status("a")
        assert status is not None
        seen.add(status.tx_hash)

    anvil.mine()
    until(lambda: has_ended(manager, "a"), manager.step)

    assert len(seen) == 4
    assert client.balance_wei(TARGET, "latest") == 5
    assert client.nonce(SIGNER.address, "latest") == 1


def test_manager__dropped_from_the_pool__is_sent_again(anvil: Anvil) -> None:
    client = L1Client.connect(anvil.url)
    anvil.set_auto_mine(False)
    manager = make_manager(client)
    manager.submit(pay("a", 5))
    manager.step()
    status = manager.status("a")
    assert status is not None
    assert status.tx_hash is not None

    anvil.drop(status.tx_hash)
    assert client.transaction(status.tx_hash) is None
    manager.step()
    anvil.mine()
    until(lambda: has_ended(manager, "a"), manager.step)

    assert client.balance_wei(TARGET, "latest") == 5


@pytest.mark.parametrize("depth", [1, 3])
def test_manager__anvil_reorg__pays_once(anvil: Anvil, depth: int) -> None:
    client = L1Client.connect(anvil.url)
    anvil.mine(3)
    manager = make_manager(client)
    for number in range(3):
        manager.submit(pay(str(number), 10**number))
        until(lambda key=str(number): has_ended(manager, key), manager.step)  # type: ignore[misc]

    anvil.reorg(depth)
    assert client.balance_wei(TARGET, "latest") < 111
    manager.step()
    revived = [manager.status(str(number)) for number in range(3)]
    assert any(status is not None and status.state is TxState.PENDING for status in revived)
    anvil.mine(1)
    until(
        lambda: all(
            (found := manager.status(str(number))) is not None and found.is_final for number in range(3)
        ),
        manager.step,
    )

    assert client.balance_wei(TARGET, "latest") == 111


def test_manager__endpoint_that_loses_answers__pays_each_once(anvil: Anvil, proxy: FaultyProxy) -> None:
    direct = L1Client.connect(anvil.url)
    manager = make_manager(L1Client.connect(proxy.url, timeout_ms=100))
    parts = {Fault.ANSWER_LOST: 0.1, Fault.DISCONNECT: 0.03, Fault.ERROR: 0.03, Fault.HEAD_BEHIND: 0.03}
    proxy.mix({**parts, Fault.HEAD_AHEAD: 0.03})
    for number in range(10):
        manager.submit(pay(str(number), 1))

    until(
        lambda: all(
            (found := manager.status(str(number))) is not None and found.is_final for number in range(10)
        ),
        manager.step,
    )

    assert direct.balance_wei(TARGET, "latest") == 10
    assert len(proxy.faults) > 5
