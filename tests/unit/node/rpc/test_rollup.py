from dataclasses import replace

import pytest

from optimistic.node.chain_records import Batch, StoredAssertion
from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Phase, Unit, machine_hash
from optimistic.protocol.withdrawals import WithdrawalProof, verify_withdrawal
from tests.helpers.chain_builder import make_record
from tests.helpers.l2_wallet import Wallet
from tests.helpers.live_chain import LiveChain, call_data
from tests.helpers.offline_node import GENESIS
from tests.unit.node.rpc.conftest import Rpc

TARGET = Address(b"\x55" * 20)
ASSERTION = keccak256(b"assertion")


def idle_unit(live: LiveChain) -> Unit:
    """The boundary after the newest block."""
    return replace(GENESIS.state.unit, number=live.chain.head.number, state_root=live.chain.head.state_root)


def derive(live: LiveChain, index: int = 0, data: bytes = b"\x01") -> Batch:
    """Pretend that L1 carried every block since the last batch."""
    latest = live.store.latest_batch()
    batch = Batch(
        index=index,
        acc=keccak256(b"acc%d" % index),
        record=make_record(),
        data_hash=keccak256(data),
        l1_block_number=7,
        l1_block_hash=keccak256(b"l1 7"),
        first_block=1 if latest is None else latest.last_block + 1,
        last_block=live.chain.head.number,
        n_units=4,
        boundary_unit=idle_unit(live),
    )
    live.store.append_batch(batch, data, [ZERO_HASH] * 4)
    return batch


def assert_batches(live: LiveChain, batch: Batch, end_leaf: Hash32 | None = None) -> None:
    """Pretend that L1 carried an assertion over batch 0 to `batch`."""
    live.store.add_assertion(
        StoredAssertion(
            id=ASSERTION,
            parent=ZERO_HASH,
            seq=1,
            poster=TARGET,
            from_batch=0,
            to_batch=batch.index + 1,
            acc=batch.acc,
            unit_root=keccak256(b"root"),
            end_leaf=end_leaf or machine_hash(Phase.IDLE, batch.boundary_unit),
            children_root=keccak256(b"children"),
            l1_timestamp=100,
            l1_block_number=8,
            confirmed=False,
            dead=False,
        )
    )


def send_message(rpc: Rpc, alice: Wallet) -> str:
    payload = call_data("sendMessage(address,uint256,bytes)", "0x" + TARGET.hex(), 100_000, b"hi")
    return rpc.send(alice.call(MESSAGE_PASSER, payload, value=12345))


def test_status__fresh_chain__heads_and_counts(rpc: Rpc) -> None:
    status = rpc("rollup_status")

    assert status["unsafe"]["number"] == "0x1"
    assert status["safe"]["number"] == status["finalized"]["number"] == status["batchCount"] == "0x0"
    assert status["configHash"] == "0x" + rpc.live.params.config_hash().hex()
    assert status["l1"] is status["latestAssertion"] is status["confirmedAssertion"] is None
    assert status["txpool"] == {"pending": "0x0", "queued": "0x0"}


def test_status__derived_and_asserted__positions(rpc: Rpc) -> None:
    assert_batches(rpc.live, derive(rpc.live))

    status = rpc("rollup_status")

    assert status["safe"]["number"] == status["batchCount"] == "0x1"
    assert status["latestAssertion"]["status"] == "live"
    assert rpc("eth_getBlockByNumber", "safe")["number"] == "0x1"


def test_batch__by_index_block_and_latest__same_batch(rpc: Rpc) -> None:
    assert rpc("rollup_batch", "latest") is None
    assert rpc("rollup_batchOfBlock", "latest") is None
    derive(rpc.live, data=b"\x01\x02")

    batch = rpc("rollup_batch", "0x0")

    assert batch["firstBlock"] == batch["lastBlock"] == "0x1"
    assert batch["unitCount"] == "0x4"
    assert "data" not in batch
    assert rpc("rollup_batch") == rpc("rollup_batch", 0) == rpc("rollup_batchOfBlock", "0x1") == batch
    assert rpc("rollup_batch", "0x0", True)["data"] == "0x0102"
    assert rpc("rollup_batch", "0x5") is None


def test_assertion__by_id_latest_and_confirmed__as_stored(rpc: Rpc) -> None:
    assert rpc("rollup_assertion", "latest") is None
    assert_batches(rpc.live, derive(rpc.live))
    name = "0x" + ASSERTION.hex()

    assertion = rpc("rollup_assertion", name)

    assert assertion["id"] == name
    assert assertion["status"] == "live"
    assert rpc("rollup_assertion", "latest") == assertion
    assert rpc("rollup_assertions") == [assertion]
    assert rpc("rollup_assertion", "confirmed") is None
    rpc.live.store.mark_confirmed(ASSERTION, 9)
    assert rpc("rollup_assertion", "confirmed")["status"] == "confirmed"
    assert rpc("rollup_assertion", "0x" + "00" * 32) is None


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("rollup_batch", (-1,)),
        ("rollup_batch", ("first",)),
        ("rollup_batch", ("0x0", 1)),
        ("rollup_assertion", ("newest",)),
        ("rollup_assertion", ("0x12",)),
        ("rollup_assertions", (True,)),
        ("rollup_withdrawalProof", ()),
        ("rollup_withdrawalProof", ("0x12",)),
    ],
)
def test_rollup_methods__malformed__invalid_params(rpc: Rpc, method: str, params: tuple[object, ...]) -> None:
    assert rpc.error(method, *params)["code"] == -32602


def test_withdrawal_proof__each_stage__status_then_sound_proof(rpc: Rpc, alice: Wallet) -> None:
    tx_hash = send_message(rpc, alice)

    assert rpc("rollup_withdrawalProof", tx_hash)["status"] == "unsafe"
    batch = derive(rpc.live)
    assert rpc("rollup_withdrawalProof", tx_hash)["status"] == "batched"
    assert_batches(rpc.live, batch)
    assert rpc("rollup_withdrawalProof", tx_hash)["status"] == "asserted"
    rpc.live.store.mark_confirmed(ASSERTION, 9)
    found = rpc("rollup_withdrawalProof", tx_hash)

    assert found["status"] == "confirmed"
    assert found["assertionId"] == "0x" + ASSERTION.hex()
    assert found["message"] == {
        "nonce": "0x0",
        "sender": "0x" + alice.address.hex(),
        "target": "0x" + TARGET.hex(),
        "value": hex(12345),
        "gasLimit": hex(100_000),
        "data": "0x6869",
    }
    key = Hash32(bytes.fromhex(found["key"][2:]))
    proof = WithdrawalProof(
        account_proof=tuple(bytes.fromhex(node[2:]) for node in found["accountProof"]),
        storage_proof=tuple(bytes.fromhex(node[2:]) for node in found["storageProof"]),
    )
    verify_withdrawal(Hash32(bytes.fromhex(found["unit"]["stateRoot"][2:])), key, proof)
    assert rpc("rollup_withdrawalProof", found["key"]) == found


def test_withdrawal_proof__only_a_wrong_assertion__no_proof(rpc: Rpc, alice: Wallet) -> None:
    tx_hash = send_message(rpc, alice)
    assert_batches(rpc.live, derive(rpc.live), end_leaf=keccak256(b"wrong"))

    assert rpc("rollup_withdrawalProof", tx_hash)["status"] == "batched"


def test_withdrawal_proof__no_message__said_so(rpc: Rpc, alice: Wallet) -> None:
    tx_hash = send_message(rpc, alice)

    for params in (("0x" + "12" * 32,), (tx_hash, "0x1")):
        assert "no such message" in rpc.error("rollup_withdrawalProof", *params)["message"]
