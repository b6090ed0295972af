from collections.abc import Sequence
from typing import Any

import pytest

from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address, Hash32
from optimistic.service import l1_decode
from optimistic.service.clock import FakeClock
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client, L1Options
from optimistic.service.l1_errors import (
    ContractReverted,
    JsonRpcError,
    L1BlockMissing,
    L1Lied,
    L1RequestFailed,
    L1Unavailable,
    WrongL1Chain,
)
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_transport import unwrap
from optimistic.service.l1_types import Call, LogFilter
from optimistic.service.signer import Signer
from tests.helpers.tampered_l1 import Forward, TamperedTransport
from tests.helpers.tiny_contracts import LOGGING_INIT, REVERTING_INIT

TOPIC = Hash32((0xAA).to_bytes(32, "big"))


class World:
    """An embedded chain behind a transport that can lie."""

    def __init__(self, **options: int) -> None:
        self.chain = EmbeddedL1(clock=FakeClock())
        self.transport = TamperedTransport(self.chain)
        self.client = L1Client(self.transport, chain_id=31_337, options=L1Options(**options))
        self.signer = Signer(self.chain.keys[0])
        self.nonce = 0

    def emit_log(self) -> Address:
        """Mine a block with one log and return the emitting address."""
        raw, tx_hash = self.signer.sign_transaction(
            {
                "type": 2,
                "chainId": 31_337,
                "nonce": self.nonce,
                "gas": 100_000,
                "maxFeePerGas": 10**10,
                "maxPriorityFeePerGas": 1,
                "to": None,
                "value": 0,
                "data": LOGGING_INIT,
            }
        )
        assert self.client.send_raw(raw).status is SendStatus.ACCEPTED
        self.nonce += 1
        receipt = self.client.receipt(tx_hash)
        assert receipt is not None
        assert receipt.succeeded
        assert receipt.contract_address is not None
        return receipt.contract_address

    def change(self, method: str, **fields: Any) -> None:
        """Answer a method truthfully, but with some fields replaced."""

        def rule(_params: Sequence[Any], forward: Forward) -> Any:
            answer = forward()
            return (
                [{**item, **fields} for item in answer] if isinstance(answer, list) else {**answer, **fields}
            )

        self.transport.tamper(method, rule)


@pytest.fixture
def world() -> World:
    return World()


def emitters(count: int = 60) -> LogFilter:
    sender = Signer(EmbeddedL1(clock=FakeClock()).keys[0]).address
    return LogFilter(addresses=tuple(create_address(sender, nonce) for nonce in range(count)))


def test_client__wrong_chain__stops_before_anything_is_read(world: World) -> None:
    client = L1Client(world.transport, chain_id=1)

    with pytest.raises(WrongL1Chain, match="serves chain 31337, not 1"):
        client.head()
    with pytest.raises(WrongL1Chain):
        client.send_raw(b"\x02")
    assert {method for method, _ in world.transport.requests} == {"eth_chainId"}


def test_client__head__is_the_canonical_block_of_its_number(world: World) -> None:
    world.chain.mine(3)

    head = world.client.head()

    assert head.number == 3
    assert world.client.header(head.hash) == world.client.header(3) == head
    assert world.client.header(2).hash == head.parent_hash


@pytest.mark.parametrize("number", ["0x63", "0x1"])
def test_client__head_with_a_false_number__is_a_lie(world: World, number: str) -> None:
    world.chain.mine(3)

    def rule(params: Sequence[Any], forward: Forward) -> Any:
        answer = forward()
        return {**answer, "number": number} if params[0] == "latest" else answer

    world.transport.tamper("eth_getBlockByNumber", rule)

    with pytest.raises(L1Lied, match="newest block"):
        world.client.head()


def test_client__another_block_than_asked_for__is_a_lie(world: World) -> None:
    world.chain.mine(3)
    first, second = world.client.header(1), world.client.header(2)
    world.change("eth_getBlockByHash", hash="0x" + first.hash.hex())

    with pytest.raises(L1Lied, match="asked for block"):
        world.client.header(second.hash)


def test_client__missing_block__is_temporary(world: World) -> None:
    assert world.client.find_header(99) is None
    assert world.client.find_header(Hash32(b"\x01" * 32)) is None
    with pytest.raises(L1BlockMissing):
        world.client.header(99)


def test_client__reads_pinned_to_a_reorganised_block__fail_instead_of_moving(world: World) -> None:
    world.emit_log()
    head = world.client.head()
    assert world.client.nonce(world.signer.address, head.hash) == 1

    world.chain.reorg(1, empty_blocks=2)

    with pytest.raises(L1BlockMissing):
        world.client.nonce(world.signer.address, head.hash)
    assert world.client.nonce(world.signer.address, world.client.head().hash) == 0


def test_client__state_reads__are_of_the_block_named(world: World) -> None:
    before = world.client.head()
    world.emit_log()
    after = world.client.head()
    address = world.signer.address

    assert world.client.nonce(address, before.hash) == 0
    assert world.client.nonce(address, after.hash) == 1
    assert world.client.balance_wei(address, before.number) > world.client.balance_wei(address, after.number)
    assert world.client.code(address, after.hash) == b""
    assert world.client.storage(address, 5, after.hash) == bytes(32)


def test_client__revert__carries_its_data(world: World) -> None:
    call = Call(to=None, data=REVERTING_INIT)

    for attempt in (world.client.call, world.client.estimate_gas):
        with pytest.raises(ContractReverted) as caught:
            attempt(call, "latest")
        assert caught.value.data == (0xAA).to_bytes(32, "big")


@pytest.mark.parametrize(
    ("error", "data"),
    [
        (JsonRpcError(3, "execution reverted", "0x01020304"), b"\x01\x02\x03\x04"),
        (JsonRpcError(-32_000, "execution reverted"), b""),
        (JsonRpcError(-32_015, "VM execution error", "Reverted 0x0506"), b"\x05\x06"),
        (JsonRpcError(-32_000, "x", {"data": "0x07"}), b"\x07"),
        (JsonRpcError(-32_000, "out of gas"), b""),
        (JsonRpcError(-32_000, "gas required exceeds allowance (1000)"), b""),
    ],
)
def test_client__endpoints_own_forms_of_revert__are_understood(
    world: World, error: JsonRpcError, data: bytes
) -> None:
    world.transport.fail("eth_call", error)

    with pytest.raises(ContractReverted) as caught:
        world.client.call(Call(to=None), "latest")
    assert caught.value.data == data


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("header not found", L1BlockMissing),
        ("BlockOutOfRangeError: block height is 3 but requested was 9", L1BlockMissing),
        ("hash 0x12 is not currently canonical", L1BlockMissing),
        ("internal error", L1RequestFailed),
        ("daily request count exceeded", L1RequestFailed),
    ],
)
def test_client__errors_of_the_endpoint__are_classified(
    world: World, message: str, kind: type[Exception]
) -> None:
    world.transport.fail("eth_getBalance", JsonRpcError(-32_000, message))

    with pytest.raises(kind):
        world.client.balance_wei(world.signer.address, "latest")


def test_client__finality_tag_the_endpoint_does_not_know__is_none(world: World) -> None:
    assert world.client.tagged("finalized") is not None

    world.transport.fail("eth_getBlockByNumber", JsonRpcError(-32_602, "unknown tag"))

    assert world.client.tagged("finalized") is None


# ------------------------------------------------------------------------------ logs


def test_logs__range__comes_in_chain_order(world: World) -> None:
    for _ in range(5):
        world.emit_log()
    world.chain.mine(2)

    logs = world.client.logs(emitters(), 0, 7)

    assert [log.block_number for log in logs] == [1, 2, 3, 4, 5]
    assert all(log.topics == (TOPIC,) for log in logs)
    assert world.client.logs(emitters(), 3, 3) == (logs[2],)
    assert world.client.logs_of_block(emitters(), world.client.header(3)) == (logs[2],)


def test_logs__filter__selects_address_and_topic(world: World) -> None:
    first = world.emit_log()
    world.emit_log()

    assert len(world.client.logs(LogFilter(addresses=(first,)), 0, 2)) == 1
    assert len(world.client.logs(LogFilter(addresses=(first,), topics0=(TOPIC,)), 0, 2)) == 1
    assert world.client.logs(LogFilter(addresses=(first,), topics0=(Hash32(bytes(32)),)), 0, 2) == ()


def test_logs__wide_range__is_split_into_requests() -> None:
    world = World(max_log_range=4)
    for _ in range(10):
        world.emit_log()

    assert len(world.client.logs(emitters(), 0, 10)) == 10
    assert world.transport.count("eth_getLogs") == 3


@pytest.mark.parametrize(
    "error",
    [
        JsonRpcError(-32_005, "limit exceeded"),
        JsonRpcError(-32_000, "query returned more than 10000 results"),
    ],
)
def test_logs__endpoint_finds_a_range_too_wide__it_is_halved_until_it_fits(
    world: World, error: JsonRpcError
) -> None:
    for _ in range(10):
        world.emit_log()

    def rule(params: Sequence[Any], forward: Forward) -> Any:
        if int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 3:
            raise error
        return forward()

    world.transport.tamper("eth_getLogs", rule)

    assert [log.block_number for log in world.client.logs(emitters(), 0, 10)] == list(range(1, 11))


def test_logs__one_block_too_wide__is_an_error_and_not_a_loop(world: World) -> None:
    world.transport.fail("eth_getLogs", JsonRpcError(-32_005, "limit exceeded"))

    with pytest.raises(L1RequestFailed, match="logs of block 0"):
        world.client.logs(emitters(), 0, 0)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"blockHash": "0x" + "ab" * 32}, "not canonical"),
        ({"blockNumber": "0x63"}, "not asked for"),
        ({"address": "0x" + "cd" * 20}, "not asked for"),
        ({"removed": True}, "removed block"),
        ({"data": "0xzz"}, "not hex"),
        ({"topics": None}, "no topics"),
        ({"logIndex": "many"}, "not a quantity"),
        ({"transactionHash": "0x12"}, "expected 32 bytes"),
    ],
)
def test_logs__false_fields__are_lies(world: World, fields: dict[str, Any], problem: str) -> None:
    world.emit_log()
    world.change("eth_getLogs", **fields)

    with pytest.raises(L1Lied, match=problem):
        world.client.logs(emitters(), 0, 1)


def test_logs__the_same_log_twice__is_a_lie(world: World) -> None:
    world.emit_log()
    world.transport.tamper("eth_getLogs", lambda _params, forward: forward() * 2)

    with pytest.raises(L1Lied, match="twice"):
        world.client.logs(emitters(), 0, 1)


# ------------------------------------------------------------------------------ transactions


def test_receipt__of_another_transaction__is_a_lie(world: World) -> None:
    world.emit_log()
    [log] = world.client.logs(emitters(), 0, 1)
    world.change("eth_getTransactionReceipt", transactionHash="0x" + "11" * 32)

    with pytest.raises(L1Lied, match="asked for the receipt"):
        world.client.receipt(log.tx_hash)


def test_transaction__known_and_unknown__are_told_apart(world: World) -> None:
    world.emit_log()
    [log] = world.client.logs(emitters(), 0, 1)

    found = world.client.transaction(log.tx_hash)

    assert found is not None
    assert (found.sender, found.nonce, found.data) == (world.signer.address, 0, LOGGING_INIT)
    assert found.block_hash == log.block_hash
    assert world.client.transaction(Hash32(bytes(32))) is None
    assert world.client.receipt(Hash32(bytes(32))) is None


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("already known", SendStatus.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", SendStatus.NONCE_TOO_LOW),
        ("replacement transaction underpriced", SendStatus.UNDERPRICED),
        ("max fee per gas less than block base fee", SendStatus.UNDERPRICED),
        ("insufficient funds for gas * price + value", SendStatus.NO_FUNDS),
        ("exceeds block gas limit", SendStatus.REJECTED),
    ],
)
def test_send_raw__words_of_the_endpoint__become_a_status(
    world: World, message: str, status: SendStatus
) -> None:
    world.transport.fail("eth_sendRawTransaction", JsonRpcError(-32_000, message))

    reply = world.client.send_raw(b"\x02")

    assert reply.status is status
    assert message in reply.message


def test_send_raw__no_answer__says_that_nothing_is_known(world: World) -> None:
    world.transport.fail("eth_sendRawTransaction", L1Unavailable("timeout"))

    with pytest.raises(L1Unavailable):
        world.client.send_raw(b"\x02")


# ------------------------------------------------------------------------------ decoding


@pytest.mark.parametrize("value", [None, True, -1, "12", "0xg", [], {}, "0x-5"])
def test_quantity__nonsense__is_a_lie(value: Any) -> None:
    with pytest.raises(L1Lied):
        l1_decode.quantity(value)


@pytest.mark.parametrize("value", [None, 5, "12", "0x1", "0xgg", []])
def test_data__nonsense__is_a_lie(value: Any) -> None:
    with pytest.raises(L1Lied):
        l1_decode.data(value)


@pytest.mark.parametrize("value", [None, [], "block", {}, {"number": "0x1"}])
def test_header__nonsense__is_a_lie(value: Any) -> None:
    with pytest.raises(L1Lied):
        l1_decode.header(value)


@pytest.mark.parametrize("value", [[], "text", None, {"id": 1}, {"jsonrpc": "2.0"}])
def test_unwrap__not_a_response__counts_as_no_answer(value: Any) -> None:
    with pytest.raises(L1Unavailable):
        unwrap(value, "test")


def test_unwrap__error_objects__raise_with_code_and_data() -> None:
    with pytest.raises(JsonRpcError) as caught:
        unwrap({"error": {"code": 3, "message": "reverted", "data": "0x01"}}, "test")

    assert (caught.value.code, caught.value.message, caught.value.data) == (3, "reverted", "0x01")
    with pytest.raises(JsonRpcError):
        unwrap({"error": "broken"}, "test")
    assert unwrap({"result": None}, "test") is None
