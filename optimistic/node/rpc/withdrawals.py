"""``rollup_withdrawalProof``: what the bridge needs to let a message out."""

from dataclasses import fields
from typing import Final

from eth_abi.abi import decode as abi_decode

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import Batch, LogFilter, StoredAssertion, StoredLog
from optimistic.node.rpc.codec import data, parse_hash, parse_quantity, quantity
from optimistic.node.rpc.errors import server_error
from optimistic.node.rpc.formatting import Json
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import MethodTable, reading
from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Phase, Unit, machine_hash
from optimistic.protocol.withdrawals import Message, prove_withdrawal
from optimistic.service.names import camel_case

_MESSAGE_SENT: Final = keccak256(b"MessageSent(bytes32,uint256,address,address,uint256,uint256,bytes)")
_MAX_MESSAGES: Final = 2**16 - 1
_MAX_SQL_INTEGER: Final = 2**63 - 1


class Withdrawals:
    """Proofs of L2 messages against asserted states.

    Parameters
    ----------
    reader : the chain
    nodes : trie nodes and code
    """

    def __init__(self, reader: ChainReader, nodes: NodeReader) -> None:
        self._reader = reader
        self._nodes = nodes

    def methods(self) -> MethodTable:
        """The methods by name."""
        return {"rollup_withdrawalProof": reading(self.withdrawal_proof)}

    def withdrawal_proof(self, params: Params) -> Json:
        """``rollup_withdrawalProof``: a message's way to L1.

        The first argument is the hash of the transaction that sent the message,
        or the message's key; the second which of the transaction's messages.
        ``status`` is "unsafe", "batched", "asserted" or "confirmed"; from
        "asserted" on there is a proof, which the bridge takes once the
        assertion is confirmed.
        """
        params.at_most(2)
        name = params.required(0, parse_hash)
        position = params.optional(1, lambda value: parse_quantity(value, _MAX_MESSAGES), 0)
        with self._reader.snapshot():
            log = self._find_message(name, position)
            batch = self._reader.batch_of_block(log.block_number)
            base = _message_json(log)
            if batch is None:
                return {**base, "status": "unsafe"}
            base["batch"] = quantity(batch.index)
            assertion = self._best_assertion(batch)
            if assertion is None:
                return {**base, "status": "batched"}
            last = self._reader.batch(assertion.to_batch - 1)
        if last is None:
            return {**base, "status": "batched"}
        return {**base, **self._proof_json(Hash32(log.topics[1]), assertion, last.boundary_unit)}

    def _find_message(self, name: Hash32, position: int) -> StoredLog:
        receipt = self._reader.receipt(name)
        if receipt is not None:
            sent = [
                log
                for log in receipt.logs
                if log.address == MESSAGE_PASSER and log.topics[:1] == (_MESSAGE_SENT,)
            ]
        else:
            sent = self._reader.logs(
                LogFilter(
                    from_block=0,
                    to_block=_MAX_SQL_INTEGER,
                    addresses=(MESSAGE_PASSER,),
                    topics=((_MESSAGE_SENT,), (name,)),
                )
            )
        if position >= len(sent):
            raise server_error("no such message: neither a transaction that sent one nor a message key")
        return sent[position]

    def _best_assertion(self, batch: Batch) -> StoredAssertion | None:
        """A confirmed assertion that includes the batch, else a live one that ends as this node derived."""
        confirmed = self._reader.latest_confirmed_assertion()
        if confirmed is not None and confirmed.to_batch > batch.index:
            return confirmed
        candidates = self._reader.assertions_covering(batch.index)
        return next((item for item in candidates if not item.dead and self._is_right(item)), None)

    def _is_right(self, assertion: StoredAssertion) -> bool:
        last = self._reader.batch(assertion.to_batch - 1)
        return last is not None and machine_hash(Phase.IDLE, last.boundary_unit) == assertion.end_leaf

    def _proof_json(self, key: Hash32, assertion: StoredAssertion, unit: Unit) -> Json:
        if machine_hash(Phase.IDLE, unit) != assertion.end_leaf:
            raise CriticalError(f"confirmed assertion {assertion.id.hex()} differs from the derived state")
        proof = prove_withdrawal(self._nodes, unit.state_root, key)
        return {
            "status": "confirmed" if assertion.confirmed else "asserted",
            "assertionId": data(assertion.id),
            "unit": _unit_json(unit),
            "accountProof": [data(node) for node in proof.account_proof],
            "storageProof": [data(node) for node in proof.storage_proof],
        }


def _message_json(log: StoredLog) -> Json:
    target, value, gas_limit, payload = abi_decode(["address", "uint256", "uint256", "bytes"], log.data)
    message = Message(
        nonce=int.from_bytes(log.topics[2], "big"),
        sender=Address(log.topics[3][12:]),
        target=Address(bytes.fromhex(str(target).removeprefix("0x"))),
        value=int(value),
        gas_limit=int(gas_limit),
        data=bytes(payload),
    )
    return {
        "key": data(log.topics[1]),
        "transactionHash": data(log.tx_hash),
        "blockNumber": quantity(log.block_number),
        "message": {
            "nonce": quantity(message.nonce),
            "sender": data(message.sender),
            "target": data(message.target),
            "value": quantity(message.value),
            "gasLimit": quantity(message.gas_limit),
            "data": data(message.data),
        },
    }


def _unit_json(unit: Unit) -> Json:
    """Every field under its Solidity name, in the struct's order."""
    values = ((camel_case(field.name), getattr(unit, field.name)) for field in fields(unit))
    return {name: data(value) if isinstance(value, bytes) else quantity(value) for name, value in values}
