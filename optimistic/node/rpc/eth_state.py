"""Accounts and storage at a block, with proofs."""

from collections.abc import Sequence

from optimistic.node.chain_reader import ChainReader
from optimistic.node.rpc.block_id import BlockTag
from optimistic.node.rpc.blocks import require_block
from optimistic.node.rpc.codec import data, padded, parse_address, parse_list, parse_slot, quantity
from optimistic.node.rpc.formatting import Json
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.ports import TransactionPool
from optimistic.node.rpc.registry import MethodTable, light, reading
from optimistic.protocol.execution.views import AccountProof, StateView
from optimistic.protocol.mpt import NodeReader


class EthState:
    """State queries; every one reads the state root of the block it names.

    Parameters
    ----------
    reader : the chain
    nodes : trie nodes and code
    pool : knows the next nonce of accounts with waiting transactions
    limits : bounds on proofs
    """

    def __init__(
        self, reader: ChainReader, nodes: NodeReader, pool: TransactionPool, limits: RpcLimits
    ) -> None:
        self._reader = reader
        self._nodes = nodes
        self._pool = pool
        self._limits = limits

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_getBalance": light(self.balance),
            "eth_getTransactionCount": light(self.nonce),
            "eth_getCode": light(self.code),
            "eth_getStorageAt": light(self.storage),
            "eth_getProof": reading(self.proof),
        }

    def balance(self, params: Params) -> str:
        """``eth_getBalance``, wei."""
        params.at_most(2)
        address = params.required(0, parse_address)
        return quantity(self._view(params, 1).balance(address))

    def nonce(self, params: Params) -> str:
        """``eth_getTransactionCount``; at ``pending`` it counts waiting transactions too."""
        params.at_most(2)
        address = params.required(0, parse_address)
        if params.block_id(1) is BlockTag.PENDING:
            return quantity(self._pool.next_nonce(address))
        return quantity(self._view(params, 1).nonce(address))

    def code(self, params: Params) -> str:
        """``eth_getCode``."""
        params.at_most(2)
        address = params.required(0, parse_address)
        return data(self._view(params, 1).code(address))

    def storage(self, params: Params) -> str:
        """``eth_getStorageAt``: a 32-byte word."""
        params.at_most(3)
        address, slot = params.required(0, parse_address), params.required(1, parse_slot)
        return padded(self._view(params, 2).storage(address, slot))

    def proof(self, params: Params) -> Json:
        """``eth_getProof`` (EIP-1186)."""
        params.at_most(3)
        address = params.required(0, parse_address)
        keys = params.optional(1, self._parse_keys, ())
        proof = self._view(params, 2).prove(address, [slot for _, slot in keys])
        return _proof_json(proof, [name for name, _ in keys])

    def _view(self, params: Params, index: int) -> StateView:
        block = require_block(self._reader, params.block_id(index))
        return StateView(self._nodes, block.state_root)

    def _parse_keys(self, value: object) -> list[tuple[str, int]]:
        """Storage keys with the form in which the client wrote them."""
        return [(str(item), parse_slot(item)) for item in parse_list(value, self._limits.max_proof_keys)]


def _proof_json(proof: AccountProof, names: Sequence[str]) -> Json:
    """EIP-1186 form; storage keys are repeated as the client wrote them."""
    account = proof.account
    return {
        "address": data(proof.address),
        "accountProof": [data(node) for node in proof.proof],
        "balance": quantity(account.balance),
        "codeHash": data(account.code_hash),
        "nonce": quantity(account.nonce),
        "storageHash": data(account.storage_root),
        "storageProof": [
            {"key": name, "value": quantity(slot.value), "proof": [data(node) for node in slot.proof]}
            for name, slot in zip(names, proof.slots, strict=True)
        ],
    }
