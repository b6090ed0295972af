from typing import Any

import pytest
from web3 import Web3

from optimistic.protocol.types import Address
from optimistic.service.clock import FakeClock
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted, JsonRpcError, L1RequestFailed
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_types import Call
from optimistic.service.signer import Signer
from tests.helpers.tiny_contracts import ONCE_RUNTIME, TIME_RUNTIME, installer

TARGET = Address(b"\x77" * 20)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(start_s=1_000)


@pytest.fixture
def chain(clock: FakeClock) -> EmbeddedL1:
    return EmbeddedL1(clock=clock)


def sign(chain: EmbeddedL1, nonce: int, **fields: Any) -> tuple[bytes, bytes]:
    return Signer(chain.keys[0]).sign_transaction(
        {
            "type": 2,
            "chainId": chain.chain_id,
            "nonce": nonce,
            "gas": 6_000_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 1,
            "to": bytes(TARGET),
            "value": 1,
            "data": b"",
            **fields,
        }
    )


def deploy(chain: EmbeddedL1, client: L1Client, runtime: bytes, nonce: int = 0) -> Address:
    raw, tx_hash = sign(chain, nonce, to=None, value=0, data=installer(runtime))
    assert client.send_raw(raw).status is SendStatus.ACCEPTED
    receipt = client.receipt(tx_hash)  # type: ignore[arg-type]
    assert receipt is not None
    assert receipt.contract_address is not None
    assert client.code(receipt.contract_address, "latest") == runtime
    return receipt.contract_address


def test_embedded__largest_contract__deploys(chain: EmbeddedL1) -> None:
    deploy(chain, chain.client(), b"\x00" * 24_576)


def test_embedded__contract_above_the_limit__fails(chain: EmbeddedL1) -> None:
    with pytest.raises(ContractReverted):
        chain.client().estimate_gas(Call(to=None, data=installer(b"\x00" * 24_577)))


def test_embedded__keys__are_the_development_accounts_and_rich(chain: EmbeddedL1) -> None:
    address = Signer(chain.keys[0]).address

    assert address.hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    assert len(set(chain.keys)) == 10
    assert chain.client().balance_wei(address, "latest") == 10**24


def test_embedded__auto_mining__puts_each_transaction_into_a_block(chain: EmbeddedL1) -> None:
    client = chain.client()

    for nonce in range(3):
        assert client.send_raw(sign(chain, nonce)[0]).status is SendStatus.ACCEPTED

    assert client.head().number == 3
    assert client.balance_wei(TARGET, "latest") == 3


def test_embedded__mining_on_demand__shows_transactions_only_when_mined(chain: EmbeddedL1) -> None:
    client = chain.client()
    chain.set_auto_mine(False)

    hashes = []
    for nonce in range(3):
        raw, tx_hash = sign(chain, nonce)
        hashes.append(tx_hash)
        assert client.send_raw(raw).status is SendStatus.ACCEPTED

    assert client.head().number == 0
    assert client.receipt(hashes[0]) is None  # type: ignore[arg-type]
    assert client.transaction(hashes[0]).block_hash is None  # type: ignore[arg-type, union-attr]
    assert client.nonce(Signer(chain.keys[0]).address, "latest") == 0
    chain.mine()
    assert client.balance_wei(TARGET, "latest") == 3
    assert client.receipt(hashes[2]).block_number == 1  # type: ignore[arg-type, union-attr]


@pytest.mark.parametrize(
    ("nonce", "fields", "status"),
    [
        (0, {}, SendStatus.KNOWN),
        (0, {"value": 2}, SendStatus.NONCE_TOO_LOW),
        (5, {}, SendStatus.REJECTED),
        (1, {"value": 10**30}, SendStatus.NO_FUNDS),
        (1, {"maxFeePerGas": 1}, SendStatus.UNDERPRICED),
        (1, {"gas": 20_000}, SendStatus.REJECTED),
        (1, {"chainId": 1}, SendStatus.REJECTED),
    ],
)
def test_embedded__bad_transactions__are_refused_like_elsewhere(
    chain: EmbeddedL1, nonce: int, fields: dict[str, int], status: SendStatus
) -> None:
    client = chain.client()
    client.send_raw(sign(chain, 0)[0])

    assert client.send_raw(sign(chain, nonce, **fields)[0]).status is status
    assert client.head().number == 1


def test_embedded__garbage__is_refused(chain: EmbeddedL1) -> None:
    for raw in (b"", b"\x02garbage", b"\x03\x00", b"\xff" * 50):
        assert chain.client().send_raw(raw).status is SendStatus.REJECTED


def test_embedded__time__follows_the_clock_and_jumps(chain: EmbeddedL1, clock: FakeClock) -> None:
    client = chain.client()
    clock.advance(50)
    assert chain.mine().timestamp == 1_050

    jumped = chain.advance_time(3_600)
    assert jumped.timestamp == 4_650

    clock.advance(10)
    address = deploy(chain, client, TIME_RUNTIME)
    assert client.head().timestamp == 4_660
    assert int.from_bytes(client.call(Call(to=address), "latest"), "big") == 4_660


def test_embedded__many_blocks_in_one_second__have_rising_timestamps(chain: EmbeddedL1) -> None:
    chain.mine(5)

    stamps = [chain.client().header(number).timestamp for number in range(6)]

    assert stamps == sorted(set(stamps))
    assert chain.time_s() >= stamps[-1]


def test_embedded__finality_tags__lie_the_given_depth_behind() -> None:
    chain = EmbeddedL1(clock=FakeClock(), finality_depth=4)
    chain.mine(10)

    safe, finalized = chain.client().tagged("safe"), chain.client().tagged("finalized")

    assert (safe.number, finalized.number) == (8, 6)  # type: ignore[union-attr]


def test_embedded__call_and_estimate__change_nothing_and_need_no_money(chain: EmbeddedL1) -> None:
    client = chain.client()
    address = deploy(chain, client, ONCE_RUNTIME)
    poor = Address(b"\x99" * 20)

    assert client.call(Call(to=address, sender=poor), "latest") == b""
    gas = client.estimate_gas(Call(to=address, sender=poor))

    assert client.storage(address, 0, "latest") == bytes(32)
    raw, tx_hash = sign(chain, 1, to=bytes(address), value=0, gas=gas)
    client.send_raw(raw)
    assert client.receipt(tx_hash).succeeded  # type: ignore[arg-type, union-attr]
    assert client.storage(address, 0, "latest")[-1] == 1
    with pytest.raises(ContractReverted):
        client.estimate_gas(Call(to=address))
    assert client.call(Call(to=address), 1) == b"", "state of an older block"


def test_embedded__value_the_sender_lacks__is_not_simulated(chain: EmbeddedL1) -> None:
    with pytest.raises(L1RequestFailed, match="insufficient funds"):
        chain.client().call(Call(to=TARGET, sender=Address(b"\x99" * 20), value_wei=1), "latest")


def test_embedded__reorg__drops_blocks_and_returns_their_transactions(chain: EmbeddedL1) -> None:
    client = chain.client()
    raws = [sign(chain, nonce)[0] for nonce in range(4)]
    for raw in raws:
        client.send_raw(raw)
    old = [client.header(number).hash for number in range(5)]

    dropped = chain.reorg(3, empty_blocks=4)

    assert [transaction.nonce for transaction in dropped] == [1, 2, 3]
    assert client.head().number == 5
    assert client.header(1).hash == old[1]
    assert client.find_header(old[2]) is None
    assert client.balance_wei(TARGET, "latest") == 1
    assert client.send_raw(raws[1]).status is SendStatus.ACCEPTED


def test_embedded__reorg_of_empty_blocks__gives_other_hashes(chain: EmbeddedL1) -> None:
    before = chain.mine(2)

    chain.reorg(2, empty_blocks=2)

    assert chain.client().head().number == before.number
    assert chain.client().head().hash != before.hash


def test_embedded__same_story_twice__gives_the_same_blocks() -> None:
    def story() -> bytes:
        chain = EmbeddedL1(clock=FakeClock())
        client = chain.client()
        client.send_raw(sign(chain, 0)[0])
        chain.advance_time(10)
        return client.head().hash

    assert story() == story()


def test_embedded__unknown_method_and_bad_parameters__are_json_rpc_errors(chain: EmbeddedL1) -> None:
    with pytest.raises(JsonRpcError) as unknown:
        chain.request("eth_nonsense", [])
    assert unknown.value.code == -32_601
    for params in ([], ["0xzz", "latest"], [5, 6, 7, 8]):
        with pytest.raises(JsonRpcError) as bad:
            chain.request("eth_getBalance", params)
        assert bad.value.code == -32_602


def test_embedded__web3__works_through_the_provider(chain: EmbeddedL1) -> None:
    web3 = Web3(chain.provider())
    chain.mine(2)

    assert web3.is_connected()
    assert web3.eth.chain_id == 31_337
    assert web3.eth.block_number == 2
    assert web3.eth.get_block("latest")["number"] == 2
    account = web3.eth.account.from_key(chain.keys[0])
    signed = account.sign_transaction(
        {"to": "0x" + "77" * 20, "value": 5, "gas": 21_000, "gasPrice": 10**10, "nonce": 0, "chainId": 31_337}
    )
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))
    assert receipt["status"] == 1
