from pathlib import Path

import pytest

from optimistic.node import gateway as gateway_module
from optimistic.node.pool_errors import AlreadyKnown, NonceTooLow, PoolRejection
from optimistic.protocol.types import Address
from optimistic.service.wal import Wal
from tests.helpers.l2_wallet import Wallet
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.offline_node import GENESIS, OfflineNode, fund_deposit

BOB = Address(b"\xb0" * 20)


def logged(node: OfflineNode) -> list[bytes]:
    return [raw for _, raw in node.wal.replay()]


def test_submit__accepted__logged_before_it_is_acknowledged(node: OfflineNode, alice: Wallet) -> None:
    heard = []
    node.gateway.on_accepted(lambda pooled: heard.append((pooled.tx.raw, logged(node))))
    raw = alice.transfer(BOB)

    pooled = node.gateway.submit(raw)

    assert pooled.sender == alice.address
    assert heard == [(raw, [raw])]
    assert node.gateway.get(pooled.tx.hash) is not None


def test_submit__refused__neither_logged_nor_pooled(node: OfflineNode, alice: Wallet) -> None:
    with pytest.raises(PoolRejection):
        node.gateway.submit(alice.transfer(BOB, 10**30))

    assert logged(node) == []
    assert node.gateway.counts() == (0, 0)


def test_submit__executed_already__known(node: OfflineNode, alice: Wallet) -> None:
    raw = alice.transfer(BOB)
    node.gateway.submit(raw)
    node.produce()

    with pytest.raises(AlreadyKnown):
        node.gateway.submit(raw)
    with pytest.raises(NonceTooLow):
        node.gateway.submit(alice.transfer(BOB, 2, nonce=0))


def test_recover__executed_and_waiting__only_the_waiting_return(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path)
    alice = Wallet(1)
    node.fund(alice.address)
    node.gateway.submit(alice.transfer(BOB, 1))
    node.produce()
    waiting = [alice.transfer(BOB, 2), alice.transfer(BOB, 3)]
    for raw in waiting:
        node.gateway.submit(raw)
    node.close()

    again = OfflineNode(tmp_path, nodes=node.nodes)

    assert [pooled.tx.raw for pooled in again.gateway.waiting()] == waiting
    assert again.gateway.next_nonce(alice.address) == 3
    again.close()


def test_recover__database_lost__log_brings_unposted_transactions_back(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path)
    alice = Wallet(1)
    node.fund(alice.address)
    raw = alice.transfer(BOB, 1)
    node.gateway.submit(raw)
    node.produce()
    node.close()
    for file in tmp_path.glob("chain.db*"):
        file.unlink()

    again = OfflineNode(tmp_path, nodes=MemoryNodes(GENESIS.nodes))
    again.see_l1(fund_deposit(alice.address))
    again.produce()
    assert again.gateway.recover() == 1
    again.produce()

    assert again.balance(BOB) == 1
    again.close()


def test_compact__long_log__keeps_what_l1_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "_COMPACT_AFTER_RECORDS", 4)
    node = OfflineNode(tmp_path)
    node.gateway._wal = Wal(tmp_path / "small", segment_bytes=256)
    alice = Wallet(1)
    node.fund(alice.address)
    for value in range(1, 5):
        node.gateway.submit(alice.transfer(BOB, value))
    node.produce()
    batch = node.batch_of(1, 2)
    derived, engine = node.execute(batch)
    node.adopt(batch, derived, engine)
    node.store.finalize_l1(1_000)
    unposted, waiting = alice.transfer(BOB, 5), alice.transfer(BOB, 6)
    node.gateway.submit(unposted)
    node.produce()
    node.gateway.submit(waiting)

    assert node.gateway.compact()

    kept = [raw for _, raw in node.gateway._wal.replay()]
    assert kept[-2:] == [unposted, waiting]
    assert len(kept) < 8
    assert not node.gateway.compact()
    node.gateway._wal.close()
    node.close()
