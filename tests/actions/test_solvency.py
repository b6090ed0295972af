"""INV-9: the bridge holds what L2 owes, at every point of a story with deposits, fees and a withdrawal."""

from typing import cast

from trie import HexaryTrie
from trie.iter import NodeIterator

from optimistic.node.node import Node
from optimistic.protocol.accounts import Account
from optimistic.protocol.constants import FEE_VAULT, MESSAGE_PASSER
from optimistic.protocol.hashing import abi_word, keccak256
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.withdrawals import Message, message_key, prove_withdrawal
from tests.helpers.node_world import NodeWorld
from tests.helpers.watchtower_stage import ETHER

BOB = Address(b"\xb0" * 20)


class _Nodes(dict[bytes, bytes]):
    """A node's stored trie nodes as the mapping that the trie library wants."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def __getitem__(self, key: bytes) -> bytes:
        return cast("bytes", self._node.nodes.get(Hash32(key)))


def sum_of_balances(node: Node) -> int:
    """Wei of all L2 accounts at the unsafe head, read with another trie library."""
    trie = HexaryTrie(_Nodes(node), node.chain.head.state_root)
    return sum(Account.decode(raw).balance for _, raw in NodeIterator(trie).items())


def owed(node: Node, unexecuted_wei: int) -> int:
    """What the bridge must hold: L2's ether, with messages instead of what the passer keeps."""
    return sum_of_balances(node) - node.head_state.account(MESSAGE_PASSER).balance + unexecuted_wei


def bridge_wei(world: NodeWorld) -> int:
    return world.client.balance_wei(world.deployment.contracts.bridge, "latest")


def send_message(target: Address) -> bytes:
    selector = keccak256(b"sendMessage(address,uint256,bytes)")[:4]
    return selector + b"".join(abi_word(word) for word in (target, 0, 96, 0))


def confirm_everything(world: NodeWorld, node: Node) -> None:
    world.until_safe(node)
    world.turn(node, times=4)
    world.l1.advance_time(world.params.challenge_period_s + 1)
    world.turn(node, times=6)


def finalize(world: NodeWorld, node: Node, message: Message) -> None:
    assertion = node.store.latest_confirmed_assertion()
    assert assertion is not None
    batch = node.store.batch(assertion.to_batch - 1)
    assert batch is not None
    params, unit = world.params, batch.boundary_unit
    key = message_key(
        message,
        l1_chain_id=params.l1_chain_id,
        bridge=world.deployment.contracts.bridge,
        l2_chain_id=params.l2_chain_id,
    )
    proof = prove_withdrawal(node.nodes, unit.state_root, key)
    call = world.bridge.finalize_withdrawal_call(
        message, assertion.id, unit, proof.account_proof, proof.storage_proof
    )
    world.alice.send(call)


def test_bridge__deposits_fees_and_a_withdrawal__always_holds_what_l2_owes(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node, wei=10 * ETHER)
    assert bridge_wei(world) == owed(node, 0) == 10 * ETHER

    node.gateway.submit(alice.transfer(BOB, ETHER))
    world.turn(node, times=2)
    assert node.head_state.account(FEE_VAULT).balance > 0
    assert bridge_wei(world) == owed(node, 0)

    message = Message(nonce=0, sender=alice.address, target=BOB, value=3 * ETHER, gas_limit=0, data=b"")
    node.gateway.submit(alice.call(MESSAGE_PASSER, send_message(BOB), value=3 * ETHER))
    world.turn(node, times=2)
    assert bridge_wei(world) == owed(node, 3 * ETHER)

    confirm_everything(world, node)
    finalize(world, node, message)
    assert world.client.balance_wei(BOB, "latest") == 3 * ETHER
    assert bridge_wei(world) == owed(node, 0) == 7 * ETHER
