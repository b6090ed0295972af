"""The L1 contracts on an in-process chain against their Python twins, and their gas as receipts show it."""

from dataclasses import replace

import pytest
from hypothesis import Phase as Stages
from hypothesis import given, settings
from hypothesis import strategies as st

from optimistic import artifacts
from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account, encode_slot
from optimistic.protocol.commitment import UnitTree, node_hash
from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import PROFILES
from optimistic.protocol.records import alias_address
from optimistic.protocol.transactions import intrinsic_message_gas
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Phase, Unit, machine_hash
from optimistic.protocol.withdrawals import Message, message_key, message_slot, prove_withdrawal
from optimistic.service.clock import FakeClock
from optimistic.service.contract import explain_revert, load_abi, revert_class
from optimistic.service.contracts import AssertionChain, Bridge, Budgets, Inbox, TreeNode, TreePathStep
from optimistic.service.deployer import Roles, deploy
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_events import Asserted, DepositEnqueued, UnitLeaves
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.one_shot import OneShotSender
from optimistic.service.signer import Signer

ASSERTION_CEILING, CONFIRMATION_CEILING, WITHDRAWAL_CEILING = 200_000, 100_000, 220_000
RECIPIENT = Address(b"\x5e" * 20)
ETHER = 10**18


class Stage:
    """A rollup of one profile on an in-process L1."""

    def __init__(self, profile: str = "devnet") -> None:
        self.l1 = EmbeddedL1(clock=FakeClock())
        self.client = self.l1.client()
        self.signer = Signer(self.l1.keys[0])
        me = self.signer.address
        roles = Roles(sequencer=me, governance=me, guardian=me, fee_recipient=me)
        self.params = PROFILES[profile]
        self.deployment = deploy(self.client, self.signer, self.params, roles, FakeClock())
        at = self.deployment.contracts
        self.inbox = Inbox(self.client, at.inbox)
        self.chain = AssertionChain(self.client, at.assertion_chain)
        self.bridge = Bridge(self.client, at.bridge)

    def send(self, call: Call, key: int = 0) -> Receipt:
        return OneShotSender(self.client, Signer(self.l1.keys[key]), clock=FakeClock()).send(call)

    def append(self, count: int = 1) -> int:
        """Append empty batches; return how many there are."""
        total = self.inbox.batch_count(at="latest")
        for index in range(total, total + count):
            self.l1.advance_time(self.params.min_batch_interval_s)
            call = self.inbox.append_batch_call(
                index=index,
                prev_acc=self.inbox.acc(index - 1, at="latest") if index else ZERO_HASH,
                data=b"\x01",
                deposit_end=self.inbox.deposit_count(at="latest"),
                budgets=Budgets(general=0, system=0),
            )
            self.send(call)
        return total + count

    def assert_tree(
        self, unit_root: Hash32, end_leaf: Hash32, children_root: Hash32, batches: int = 1
    ) -> tuple[Hash32, Receipt]:
        """Assert over new batches on top of the last confirmed assertion."""
        to_batch = self.append(batches)
        staked = self.chain.stake_of(self.signer.address, at="latest").amount_wei
        call = self.chain.assert_call(
            parent=self.chain.latest_confirmed(at="latest"),
            to_batch=to_batch,
            expected_acc=self.inbox.acc(to_batch - 1, at="latest"),
            roots=(unit_root, end_leaf, children_root),
            stake_wei=0 if staked else self.params.stake_wei,
        )
        receipt = self.send(call)
        (event,) = (event for log in receipt.logs if isinstance(event := decode_event(log), Asserted))
        return event.id, receipt

    def confirm(self, assertion_id: Hash32) -> Receipt:
        self.l1.advance_time(self.params.challenge_period_s + self.params.airgap_s)
        return self.send(self.chain.confirm_call(assertion_id))

    def confirm_unit(self, unit: Unit) -> Hash32:
        """Have a state believed; what lies behind its end leaf is invented."""
        end_leaf = machine_hash(Phase.IDLE, unit)
        assertion_id, _ = self.assert_tree(node_hash(end_leaf, ZERO_HASH), end_leaf, ZERO_HASH)
        self.confirm(assertion_id)
        return assertion_id


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


# ------------------------------------------------------------------------------ unit trees


def leaves(seed: int, count: int) -> list[Hash32]:
    return [keccak256(bytes([seed]) + index.to_bytes(4, "big")) for index in range(count)]


def opening(tree: UnitTree, level: int, index: int) -> TreeNode:
    """What opens a node: its end state and the root over its children; a leaf has none."""
    node = tree.node(level, index)
    if level == 0:
        return TreeNode(end_state=node.end_state, children_root=ZERO_HASH)
    width = 1 << tree.log_arity
    hashes = [tree.node(level - 1, child).hash for child in range(index * width, (index + 1) * width)]
    while len(hashes) > 1:
        hashes = [keccak256(hashes[i] + hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return TreeNode(end_state=node.end_state, children_root=hashes[0])


def publish(stage: Stage, tree: UnitTree, place: tuple[int, int, int], count: int) -> UnitLeaves:
    """Publish `count` nodes from (level, first index) on, below a node `height` levels above them."""
    level, first, height = place
    assertion_id, _ = stage.assert_tree(tree.unit_root, tree.end_leaf, tree.children_root())
    top = first >> (height * tree.log_arity)
    path = [
        TreePathStep(end_state=step.end_state, siblings=step.siblings)
        for step in tree.prove(level + height, top)
    ]
    nodes = [opening(tree, level, first + offset) for offset in range(count)]
    receipt = stage.send(stage.chain.publish_unit_leaves_call(assertion_id, level, first, nodes, path))
    stage.confirm(assertion_id)
    (event,) = (decode_event(log) for log in receipt.logs)
    assert isinstance(event, UnitLeaves)
    return event


@pytest.mark.parametrize(
    ("place", "count"),
    [
        pytest.param((3, 0, 2), 4, id="batch ends, the padding said once"),
        pytest.param((0, 0, 1), 32, id="first units"),
        pytest.param((0, 32, 1), 9, id="units with padding"),
        pytest.param((0, 1 << 15, 2), 8, id="units of the second batch"),
        pytest.param((5, 0, 0), 1, id="the root"),
        pytest.param((4, 0, 1), 2, id="top children"),
    ],
)
def test_publish_unit_leaves__trees_of_arity_32__are_accepted(
    stage: Stage, place: tuple[int, int, int], count: int
) -> None:
    tree = UnitTree(5, [leaves(place[0], 40), leaves(9, 7), leaves(count, 1)])

    event = publish(stage, tree, place, count)

    assert event.first_index == place[1]
    assert len(event.nodes) == count


@pytest.mark.parametrize("place", [(15, 0, 10), (0, 0, 2), (0, 1 << 15, 4), (7, 256, 2)])
def test_publish_unit_leaves__trees_of_arity_2__are_accepted(place: tuple[int, int, int]) -> None:
    tree = UnitTree(1, [leaves(1, 11), leaves(2, 3)])

    event = publish(Stage("minimal"), tree, place, 4)

    assert event.level == place[0]


def test_publish_unit_leaves__leaf_of_another_tree__is_refused(stage: Stage) -> None:
    tree, other = UnitTree(5, [leaves(21, 5)]), UnitTree(5, [leaves(22, 5)])
    assertion_id, _ = stage.assert_tree(tree.unit_root, tree.end_leaf, tree.children_root())
    stage.confirm(assertion_id)
    path = [TreePathStep(end_state=step.end_state, siblings=step.siblings) for step in tree.prove(0, 0)]

    call = stage.chain.publish_unit_leaves_call(assertion_id, 0, 0, [opening(other, 0, 0)], path)

    with pytest.raises(ContractReverted) as caught:
        stage.client.call(call, "latest")
    assert isinstance(explain_revert(caught.value), revert_class("InvalidUnitLeaves"))


# ------------------------------------------------------------------------------ withdrawals


def state_with(stage: Stage, message: Message, others: int) -> tuple[Unit, dict[bytes, bytes], Hash32]:
    """The genesis state after `others` messages and this one, as a unit with its trie nodes."""
    key = message_key(
        message,
        l1_chain_id=stage.params.l1_chain_id,
        bridge=stage.bridge.address,
        l2_chain_id=stage.params.l2_chain_id,
    )
    genesis = stage.deployment.build_genesis()
    nodes = dict(genesis.nodes)
    path, root = keccak256(MESSAGE_PASSER), genesis.state.unit.state_root
    passer = Account.decode(mpt.get(nodes, root, path) or b"")
    slots = [keccak256(message_slot(key)), *(keccak256(bytes([7, number])) for number in range(others))]
    storage_root, written = mpt.commit(nodes, passer.storage_root, {slot: encode_slot(1) for slot in slots})
    nodes |= written
    users = {keccak256(bytes([9, number])): Account(balance=number + 1).encode() for number in range(others)}
    passer = replace(passer, storage_root=storage_root, balance=message.value)
    state_root, written = mpt.commit(nodes, root, {path: passer.encode(), **users})
    nodes |= written
    return replace(genesis.state.unit, number=3, state_root=state_root), nodes, key


@pytest.mark.parametrize(("nonce", "others"), [(0, 0), (1, 10), (2, 100)])
def test_finalize_withdrawal__python_proof__pays_below_the_ceiling(
    stage: Stage, nonce: int, others: int
) -> None:
    target = Address(bytes([0x5E, nonce]) * 10)
    stage.send(stage.bridge.deposit_call(to=target, value=ETHER, gas_limit=21_000))
    message = Message(nonce=nonce, sender=RECIPIENT, target=target, value=ETHER, gas_limit=21_000, data=b"")
    unit, nodes, key = state_with(stage, message, others)
    assertion_id = stage.confirm_unit(unit)
    proof = prove_withdrawal(nodes, unit.state_root, key)

    receipt = stage.send(
        stage.bridge.finalize_withdrawal_call(
            message, assertion_id, unit, proof.account_proof, proof.storage_proof
        )
    )

    assert stage.client.balance_wei(target, "latest") == ETHER
    assert stage.bridge.is_finalized(key, at="latest")
    assert receipt.gas_used <= WITHDRAWAL_CEILING


# ------------------------------------------------------------------------------ ceilings


@pytest.mark.parametrize("batches", [1, 40])
def test_assertion__any_number_of_batches__stays_below_the_ceilings(batches: int) -> None:
    stage = Stage()
    tree = UnitTree(5, [leaves(3, 2)])

    assertion_id, first = stage.assert_tree(tree.unit_root, tree.end_leaf, tree.children_root(), batches)
    confirmation = stage.confirm(assertion_id)
    _, rolling = stage.assert_tree(tree.unit_root, tree.end_leaf, tree.children_root(), batches)

    assert first.gas_used <= ASSERTION_CEILING
    assert rolling.gas_used <= ASSERTION_CEILING
    assert confirmation.gas_used <= CONFIRMATION_CEILING


# ------------------------------------------------------------------------------ deposits


@given(data=st.binary(max_size=200), zeros=st.integers(0, 100), is_create=st.booleans())
@settings(max_examples=10, phases=[Stages.generate])
def test_deposit__gas_limit__must_cover_the_intrinsic_gas_of_python(
    stage: Stage, data: bytes, zeros: int, is_create: bool
) -> None:
    data += bytes(zeros)
    lowest = intrinsic_message_gas(data, is_create=is_create)
    target = None if is_create else RECIPIENT

    stage.client.call(stage.bridge.deposit_call(to=target, value=0, gas_limit=lowest, data=data), "latest")
    with pytest.raises(ContractReverted) as caught:
        stage.client.call(
            stage.bridge.deposit_call(to=target, value=0, gas_limit=lowest - 1, data=data), "latest"
        )

    error = explain_revert(caught.value)
    assert isinstance(error, revert_class("DepositGasLimitOutOfRange"))
    assert error.arguments["intrinsic"] == lowest


def test_deposit__contract_caller__is_aliased_as_in_python(stage: Stage) -> None:
    creation = Call(to=None, data=artifacts.load("Multicall3").bytecode)
    contract = stage.send(creation).contract_address
    assert contract is not None
    inner = stage.bridge.deposit_call(to=RECIPIENT, value=0, gas_limit=21_000)
    calls = load_abi("Multicall3").functions["aggregate3"].encode([[(inner.to, False, inner.data)]])

    receipt = stage.send(Call(to=contract, data=calls))

    events = [event for log in receipt.logs if isinstance(event := decode_event(log), DepositEnqueued)]
    assert [event.deposit.sender for event in events] == [alias_address(contract)]
