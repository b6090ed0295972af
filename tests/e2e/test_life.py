"""The life of a rollup with real daemons on anvil: use, censorship, and the exit without an operator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.hashing import abi_word, keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address
from optimistic.service.l1_client import L1Client
from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import USER, Daemon, RollupOnAnvil, wait_for

WITHDRAWN_WEI = 10**18
RECEIVER = Address(b"\x77" * 20)


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[RollupOnAnvil]:
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with RollupOnAnvil(tmp_path, challenge_period_s=8, force_delay_s=6) as built:
        yield built


def restarted(daemon: Daemon, rollup: RollupOnAnvil) -> L1Client:
    daemon.start()
    return rollup.node_of(daemon)


def message_call(rollup: RollupOnAnvil) -> bytes:
    """Call data of MessagePasser.sendMessage to the user."""
    selector = keccak256(b"sendMessage(address,uint256,bytes)")[:4]
    user = rollup.signers[USER].address
    return selector + b"".join(abi_word(word) for word in (user, 0, 96, 0))


def finalize(rollup: RollupOnAnvil, daemon: Daemon, message: str) -> None:
    """Deliver a message with the command line once its assertion is confirmed."""
    node, url = rollup.node_of(daemon), rollup.url_of(daemon)
    wait_for(
        lambda: node.raw_request("rollup_withdrawalProof", [message]).get("status") == "confirmed",
        "the confirmation",
    )
    done = rollup.cli("optimistic", "withdraw", "finalize", message, *rollup.on_l1, "--l2-rpc-url", url)
    assert done["delivered"]
    assert int(done["value"]) == WITHDRAWN_WEI


def test_rollup__deposit_use_withdraw__through_two_daemons_and_a_replica(rollup: RollupOnAnvil) -> None:
    aggregator = rollup.aggregator()
    node = restarted(aggregator, rollup)
    rollup.watchtower().start()
    replica = restarted(rollup.replica(), rollup)
    rollup.deposit(node)
    nonce = node.nonce(rollup.signers[USER].address, "latest")
    for n in range(5):
        rollup.transfer(node, nonce + n, RECEIVER)
    sent = rollup.transfer(
        node, nonce + 5, MESSAGE_PASSER, value=WITHDRAWN_WEI, gas=200_000, data=message_call(rollup)
    )
    wait_for(lambda: node.receipt(sent), "the receipt")

    finalize(rollup, aggregator, "0x" + sent.hex())

    safe = node.tagged("safe")
    assert safe is not None
    wait_for(lambda: replica.head().number >= safe.number, "the replica")
    assert replica.header(safe.number).hash == node.header(safe.number).hash
    assert replica.balance_wei(RECEIVER, "latest") == 5
    assert aggregator.end() == 0


def test_rollup__censoring_sequencer__forced_batch_then_it_goes_on(rollup: RollupOnAnvil) -> None:
    aggregator = rollup.aggregator("--deposit-confirmations", "1000", "--no-empty-blocks", "--no-assert")
    node = restarted(aggregator, rollup)
    user = rollup.signers[USER].address
    rollup.cli("optimistic", "deposit", "5ether", *rollup.on_l1)

    forced = rollup.cli("optimistic", "force-include", "--wait", *rollup.on_l1)

    assert forced["forced"]
    wait_for(lambda: node.balance_wei(user, "latest") == 5 * 10**18, "the forced deposit on L2")
    sent = rollup.transfer(node, node.nonce(user, "latest"), RECEIVER)
    wait_for(lambda: node.receipt(sent), "a transaction after the forced batch")
    wait_for(lambda: rollup.inbox.batch_count(at="latest") > forced["batch"] + 1, "the next batch")
    wait_for(lambda: node.balance_wei(RECEIVER, "safe") == 1, "the transaction on L1")


def test_rollup__sequencer_dead__user_and_watchtower_bring_the_ether_home(rollup: RollupOnAnvil) -> None:
    aggregator = rollup.aggregator("--no-assert")
    rollup.deposit(restarted(aggregator, rollup))
    wait_for(lambda: rollup.inbox.batch_count(at="latest"), "the first batch")
    aggregator.kill()
    rollup.watchtower("--assert-after", "2s").start()
    exit_call = rollup.bridge.deposit_call(
        to=MESSAGE_PASSER, value=WITHDRAWN_WEI, gas_limit=200_000, data=message_call(rollup), mint_wei=0
    )
    rollup.send_l1(exit_call)

    rollup.cli("optimistic", "force-include", "--wait", *rollup.on_l1)

    replica = rollup.replica()
    node = restarted(replica, rollup)
    finalize(
        rollup, replica, wait_for(lambda: _message_transaction(node), "the message on the replica") or ""
    )
    confirmed = rollup.assertions.latest_confirmed(at="latest")
    assert rollup.assertions.assertion(confirmed, at="latest").status is AssertionStatus.CONFIRMED


def _message_transaction(node: L1Client) -> str | None:
    """Return the hash of the transaction that sent a message."""
    wanted = {"address": "0x" + MESSAGE_PASSER.hex(), "fromBlock": "0x0", "toBlock": "latest"}
    found = node.raw_request("eth_getLogs", [wanted])
    return str(found[0]["transactionHash"]) if found else None
