from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from optimistic import artifacts
from optimistic.protocol.dispute.actions import Settle
from optimistic.protocol.dispute.views import Life, Stage
from optimistic.protocol.params import DEVNET
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32
from optimistic.protocol.withdrawals import Message, message_key
from optimistic.service.clock import FakeClock
from optimistic.service.contract import (
    CONTRACTS_WITH_ERRORS,
    NamedRevert,
    explain_revert,
    load_abi,
    revert_class,
    struct_values,
)
from optimistic.service.contracts import AssertionChain, Bridge, Budgets, DisputeGame, Inbox, PrecompileGuard
from optimistic.service.deployer import Roles, deploy
from optimistic.service.deployment import Deployment
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted, L1Lied
from optimistic.service.l1_events import (
    BatchAppended,
    DepositEnqueued,
    L1Event,
)
from optimistic.service.l1_types import Call, Log, LogFilter
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_section import GATEWAY, RECEIPT_BOND
from optimistic.service.signer import Signer
from tests.helpers.tampered_l1 import Forward, TamperedTransport

USER = Address(b"\x77" * 20)


class World:
    """A deployed rollup on an in-process L1."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.l1 = EmbeddedL1(clock=self.clock)
        self.transport = TamperedTransport(self.l1)
        self.client = L1Client(self.transport)
        self.signer = Signer(self.l1.keys[0])
        address = self.signer.address
        roles = Roles(sequencer=address, governance=ZERO_ADDRESS, guardian=address, fee_recipient=address)
        self.deployment: Deployment = deploy(self.client, self.signer, DEVNET, roles, self.clock)
        contracts = self.deployment.contracts
        self.inbox = Inbox(self.client, contracts.inbox)
        self.chain = AssertionChain(self.client, contracts.assertion_chain)
        self.game = DisputeGame(self.client, contracts.dispute_game)
        self.bridge = Bridge(self.client, contracts.bridge)
        self.guard = PrecompileGuard(self.client, contracts.precompile_guard)

    def send(self, call: Call, key: int = 0) -> tuple[L1Event, ...]:
        """Send a message and return our events in its receipt."""
        sender = OneShotSender(self.client, Signer(self.l1.keys[key]), clock=self.clock)
        events = (decode_event(log) for log in sender.send(call).logs)
        return tuple(event for event in events if event is not None)


@pytest.fixture(scope="module")
def deployed() -> World:
    return World()


@pytest.fixture
def world(deployed: World) -> World:
    deployed.transport.heal()
    return deployed


def append(world: World, data: bytes = b"\x01") -> Call:
    count = world.inbox.batch_count(at="latest")
    return world.inbox.append_batch_call(
        index=count,
        prev_acc=world.inbox.acc(count - 1, at="latest") if count else Hash32(bytes(32)),
        data=data,
        deposit_end=world.inbox.deposit_count(at="latest"),
        budgets=Budgets(general=0, system=0),
    )


def test_contracts__fresh_deployment__reads_as_deployed(world: World) -> None:
    head = world.client.head().hash

    assert world.inbox.active_config_hash(at=head) == DEVNET.config_hash()
    assert world.inbox.sequencer(at=head) == world.signer.address
    assert world.inbox.min_batch_interval_s(at=head) == DEVNET.min_batch_interval_s
    assert world.inbox.force_delay_s(at=head) == DEVNET.force_delay_s
    assert world.inbox.available_budgets(at=head).general <= DEVNET.gas_burst
    assert world.chain.stake_wei(at=head) == DEVNET.stake_wei
    assert world.chain.challenge_period_s(at=head) == DEVNET.challenge_period_s
    assert world.chain.airgap_s(at=head) == DEVNET.airgap_s
    assert world.chain.game(at=head) == world.game.address
    assert world.chain.inbox(at=head) == world.inbox.address
    genesis = world.chain.genesis_id(at=head)
    state = world.chain.assertion(genesis, at=head)
    assert genesis == world.deployment.genesis.assertion_id == world.chain.latest_confirmed(at=head)
    assert state.status is AssertionStatus.CONFIRMED
    assert state.end_leaf == world.deployment.genesis.end_leaf
    assert world.chain.stake_of(USER, at=head).amount_wei == 0
    assert not world.chain.is_member(genesis, USER, at=head)
    assert not world.chain.is_slashed(USER, at=head)
    assert not world.game.is_open(genesis, genesis, at=head)
    assert world.game.chain(at=head) == world.chain.address
    assert world.game.bond_wei(at=head) == DEVNET.commitment_bond_wei
    assert world.game.owed(USER, at=head) == 0
    assert world.game.dispute(genesis, genesis, at=head).duel.stage is Stage.NONE
    assert world.game.commitment(genesis, genesis, genesis, at=head).life is Life.NONE
    assert not world.guard.is_broken(at=head)
    assert world.bridge.paused_until(at=head) == 0


def test_contracts__deposit__event_hashes_to_what_the_inbox_stores(world: World) -> None:
    events = world.send(world.bridge.deposit_call(to=USER, value=5, gas_limit=100_000, data=b"hello"))

    [deposited] = [event for event in events if isinstance(event, DepositEnqueued)]
    assert deposited.deposit.to == USER
    assert deposited.deposit.mint == deposited.deposit.value == 5
    assert deposited.deposit.sender == world.signer.address
    assert deposited.deposit.data == b"hello"
    assert deposited.deposit.hash() == world.inbox.deposit_hash(deposited.index, at="latest")
    assert deposited.deposit.l1_timestamp == world.inbox.deposit_time(deposited.index, at="latest")


def test_contracts__create_deposit__has_no_target(world: World) -> None:
    call = world.bridge.deposit_call(to=None, value=0, mint_wei=9, gas_limit=200_000, data=b"\x00")

    [deposited] = [event for event in world.send(call) if isinstance(event, DepositEnqueued)]

    assert deposited.deposit.is_create
    assert deposited.deposit.to == ZERO_ADDRESS
    assert deposited.deposit.mint == 9


def test_contracts__batch__event_leads_to_the_accumulator(world: World) -> None:
    world.l1.advance_time(10)

    events = world.send(append(world, b"\x01" + bytes(range(200))))

    [appended] = [event for event in events if isinstance(event, BatchAppended)]
    assert appended.data == b"\x01" + bytes(range(200))
    assert appended.acc == world.inbox.acc(appended.index, at=appended.place.block_hash)
    assert appended.record.config_hash == DEVNET.config_hash()
    assert world.inbox.batch_count(at="latest") == appended.index + 1
    assert world.inbox.consumed_deposits(at="latest") == appended.record.deposit_end
    before = appended.place.block_number - 1
    assert world.inbox.batch_count(at=before) == appended.index


def test_contracts__our_reverts__are_named_with_arguments(world: World) -> None:
    call = world.inbox.append_batch_call(
        index=77, prev_acc=Hash32(bytes(32)), data=b"", deposit_end=0, budgets=Budgets(general=0, system=0)
    )
    message = replace(call, sender=world.signer.address)

    with pytest.raises(ContractReverted) as caught:
        world.client.call(message, "latest")

    named = explain_revert(caught.value)
    assert isinstance(named, revert_class("UnexpectedIndex"))
    assert isinstance(named, NamedRevert)
    assert 77 in named.arguments.values()
    assert "UnexpectedIndex(" in str(named)


def test_contracts__reads_that_revert__raise_the_named_class(world: World) -> None:
    with pytest.raises(revert_class("NotLive")):
        world.chain.read("confirm", bytes(32), at="latest")


def test_contracts__settling_what_was_never_opened__raises_the_named_class(world: World) -> None:
    call = world.game.settle_call(Settle(reason="", older=Hash32(bytes(32)), newer=Hash32(bytes(32))))

    with pytest.raises(revert_class("WrongStage")):
        world.game.read_call(call, "settle", at="latest")


def test_contracts__guard__looks_unless_it_has_too_little_gas(world: World) -> None:
    world.guard.read_call(replace(world.guard.probe_call(), gas=8_000_000), "probe", at="latest")

    with pytest.raises(revert_class("NotEnoughGas")):
        world.guard.read_call(replace(world.guard.probe_call(), gas=200_000), "probe", at="latest")


def test_contracts__address_without_the_contract__is_a_lie(world: World) -> None:
    with pytest.raises(L1Lied, match="do not decode"):
        Inbox(world.client, USER).batch_count(at="latest")


def test_contracts__message_key__agrees_with_the_protocol(world: World) -> None:
    message = Message(nonce=3, sender=USER, target=USER, value=4, gas_limit=5, data=b"six")

    values = struct_values(world.bridge.abi.functions["withdrawalKey"].inputs[0], message)

    key = world.bridge.read_hash("withdrawalKey", values, at="latest")

    assert key == message_key(
        message, l1_chain_id=31_337, bridge=world.bridge.address, l2_chain_id=DEVNET.l2_chain_id
    )
    assert not world.bridge.is_finalized(key, at="latest")
    assert world.bridge.ready_at(key, at="latest") == 0


@pytest.mark.parametrize(
    ("offset", "problem"), [(-1, "not those of its record"), (0, "accumulator"), (40, "accumulator")]
)
def test_events__batch_data_that_do_not_fit__are_refused(world: World, offset: int, problem: str) -> None:
    world.l1.advance_time(10)
    world.send(append(world, bytes(range(32))))

    def rule(_params: Sequence[Any], forward: Forward) -> Any:
        answer = forward()
        data = bytearray.fromhex(answer[-1]["data"][2:])
        data[offset] ^= 1
        return [*answer[:-1], {**answer[-1], "data": "0x" + data.hex()}]

    world.transport.tamper("eth_getLogs", rule)
    logs = world.client.logs(world.inbox.log_filter("BatchAppended"), 0, world.client.head().number)

    with pytest.raises(L1Lied, match=problem):
        decode_event(logs[-1])


def test_events__deposit_that_does_not_hash__is_refused(world: World) -> None:
    world.send(world.bridge.deposit_call(to=USER, value=5, gas_limit=100_000))
    logs = world.client.logs(world.inbox.log_filter("DepositEnqueued"), 0, world.client.head().number)
    data = bytearray(logs[-1].data)
    data[31] ^= 1

    with pytest.raises(L1Lied, match="does not hash"):
        decode_event(replace(logs[-1], data=bytes(data)))


def test_events__foreign_logs__are_none_of_ours() -> None:
    log = Log(
        address=USER,
        topics=(),
        data=b"",
        block_number=1,
        block_hash=Hash32(bytes(32)),
        tx_hash=Hash32(bytes(32)),
        tx_index=0,
        log_index=0,
    )

    assert decode_event(log) is None
    assert decode_event(replace(log, topics=(Hash32(bytes(32)),))) is None


def test_events__truncated_log_of_ours__is_a_lie() -> None:
    topic = load_abi("AssertionChain").events["Asserted"].topic
    log = Log(
        address=USER,
        topics=(topic, Hash32(bytes(32)), Hash32(bytes(32))),
        data=b"\x01" * 5,
        block_number=1,
        block_hash=Hash32(bytes(32)),
        tx_hash=Hash32(bytes(32)),
        tx_index=0,
        log_index=0,
    )

    with pytest.raises(L1Lied, match="Asserted"):
        decode_event(log)


def test_events__every_event_of_the_rollup_on_l1__has_a_decoder_or_a_reason() -> None:
    undecoded = set()
    for contract in set(CONTRACTS_WITH_ERRORS) - {*SETTLEMENT_CONTRACTS, GATEWAY, RECEIPT_BOND}:
        for name, event in load_abi(contract).events.items():
            topics = (event.topic, *(Hash32(bytes(32)) for part in event.inputs if part.indexed))
            log = Log(
                address=USER,
                topics=topics,
                data=b"",
                block_number=1,
                block_hash=Hash32(bytes(32)),
                tx_hash=Hash32(bytes(32)),
                tx_index=0,
                log_index=0,
            )
            try:
                if decode_event(log) is None:
                    undecoded.add(name)
            except L1Lied:
                continue

    assert undecoded == {"DepositMade"}, "it repeats DepositEnqueued for explorers"


def test_reverts__all_declared_errors__have_a_class_of_their_own() -> None:
    selectors: dict[bytes, str] = {}
    for contract in CONTRACTS_WITH_ERRORS:
        for error in load_abi(contract).errors.values():
            assert revert_class(error.name).__name__ == error.name
            assert selectors.setdefault(error.selector, error.name) == error.name
    assert len(selectors) > 30
    with pytest.raises(KeyError):
        revert_class("NoSuchError")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("08c379a0" + "20".zfill(64) + "02".zfill(64) + "6e6f".ljust(64, "0"), "reverted: no"),
        ("4e487b71" + "11".zfill(64), "panicked with code 0x11"),
        ("08c379a0", "reverted: "),
        ("deadbeef", "reverted with 0xdeadbeef"),
        ("", "reverted without data"),
    ],
)
def test_reverts__standard_and_unknown_ones__are_described(data: str, text: str) -> None:
    assert str(explain_revert(ContractReverted(bytes.fromhex(data)))) == text


def test_reverts__selector_of_ours_with_garbage__stays_unnamed() -> None:
    error = ContractReverted(load_abi("Inbox").errors["UnexpectedIndex"].selector + b"\x01")

    assert explain_revert(error) is error


def test_contracts__log_filter__names_address_and_topics(world: World) -> None:
    wanted = world.inbox.log_filter("BatchAppended")

    assert wanted == LogFilter(
        addresses=(world.inbox.address,), topics0=(load_abi("Inbox").events["BatchAppended"].topic,)
    )
    assert len(world.inbox.log_filter().topics0) == len(load_abi("Inbox").events)


def test_contracts__largest_contract_of_ours__is_within_the_limit() -> None:
    for name in CONTRACTS_WITH_ERRORS:
        assert len(artifacts.load(name).deployed_bytecode) < 24_576
