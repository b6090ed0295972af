"""Blocks, transactions, receipts and logs as JSON, with the fields that Ethereum clients expect.

Four header fields have no counterpart here. ``receiptsRoot`` carries the
receipts accumulator, ``mixHash`` carries PREVRANDAO, ``transactionsRoot`` is
zero (no transactions trie is committed to), and ``size`` counts the raw
transactions. Deposits appear as type 0x7e with ``sourceHash`` and ``mint``.
"""

from collections.abc import Sequence
from typing import Final

from optimistic.node.chain_records import Block, Receipt, StoredLog, StoredTransaction
from optimistic.node.rpc.codec import data, quantity
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.transactions import DYNAMIC_FEE, LEGACY, Transaction, decode_transaction
from optimistic.protocol.types import Address

Json = dict[str, object]

DEPOSIT_TYPE: Final = 0x7E
_EMPTY_UNCLES_HASH: Final = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
_ZERO_HASH: Final = "0x" + "00" * 32
_ZERO_NONCE: Final = "0x" + "00" * 8


def header_json(block: Block, params: RollupParams) -> Json:
    """A block without its transactions, as ``newHeads`` sends it."""
    return {
        "number": quantity(block.number),
        "hash": data(block.hash),
        "parentHash": data(block.parent_hash),
        "nonce": _ZERO_NONCE,
        "mixHash": data(block.prev_randao),
        "sha3Uncles": _EMPTY_UNCLES_HASH,
        "logsBloom": data(block.logs_bloom),
        "transactionsRoot": _ZERO_HASH,
        "stateRoot": data(block.state_root),
        "receiptsRoot": data(block.receipts_acc),
        "miner": data(params.coinbase),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": "0x",
        "size": quantity(block.size_bytes),
        "gasLimit": quantity(params.block_gas_limit),
        "gasUsed": quantity(block.gas_used),
        "timestamp": quantity(block.timestamp),
        "baseFeePerGas": quantity(params.base_fee_wei),
    }


def block_json(
    block: Block, transactions: Sequence[StoredTransaction], params: RollupParams, *, full: bool
) -> Json:
    """A block with its transactions, whole or as hashes."""
    listed: list[object]
    if full:
        listed = [transaction_json(tx, params) for tx in transactions]
    else:
        listed = [data(tx.hash) for tx in transactions]
    return {**header_json(block, params), "uncles": [], "transactions": listed}


def transaction_json(stored: StoredTransaction, params: RollupParams) -> Json:
    """A transaction or deposit of a block."""
    place: Json = {
        "blockHash": data(stored.block_hash),
        "blockNumber": quantity(stored.block_number),
        "transactionIndex": quantity(stored.index),
    }
    if stored.deposit is not None:
        return {**_deposit_fields(stored, stored.deposit), **place}
    tx = decode_transaction(stored.raw)
    fields = _signed_fields(tx, stored.sender)
    fields["gasPrice"] = quantity(tx.gas_price(params.base_fee_wei))
    return {**fields, **place}


def pending_transaction_json(tx: Transaction, sender: Address) -> Json:
    """A signed transaction that waits in the mempool."""
    place: Json = {"blockHash": None, "blockNumber": None, "transactionIndex": None}
    return {**_signed_fields(tx, sender), **place}


def _signed_fields(tx: Transaction, sender: Address) -> Json:
    fields: Json = {
        "hash": data(tx.hash),
        "type": quantity(tx.type),
        "nonce": quantity(tx.nonce),
        "from": data(sender),
        "to": None if tx.to is None else data(tx.to),
        "value": quantity(tx.value),
        "gas": quantity(tx.gas_limit),
        "gasPrice": quantity(tx.max_fee),
        "input": data(tx.data),
        "v": quantity(_signature_v(tx)),
        "r": quantity(tx.r),
        "s": quantity(tx.s),
    }
    if tx.chain_id is not None:
        fields["chainId"] = quantity(tx.chain_id)
    if tx.type != LEGACY:
        fields["yParity"] = quantity(tx.y_parity)
        fields["accessList"] = access_list_json(tx.access_list)
    if tx.type == DYNAMIC_FEE:
        fields["maxFeePerGas"] = quantity(tx.max_fee)
        fields["maxPriorityFeePerGas"] = quantity(tx.max_priority_fee)
    return fields


def _signature_v(tx: Transaction) -> int:
    if tx.type != LEGACY:
        return tx.y_parity
    return 27 + tx.y_parity if tx.chain_id is None else 35 + 2 * tx.chain_id + tx.y_parity


def _deposit_fields(stored: StoredTransaction, deposit: Deposit) -> Json:
    return {
        "hash": data(stored.hash),
        "type": quantity(DEPOSIT_TYPE),
        "sourceHash": data(deposit.hash()),
        "mint": quantity(deposit.mint),
        "isSystemTx": False,
        "nonce": quantity(stored.nonce),
        "from": data(stored.sender),
        "to": None if stored.to is None else data(stored.to),
        "value": quantity(deposit.value),
        "gas": quantity(deposit.gas_limit),
        "gasPrice": "0x0",
        "input": data(deposit.data),
        "v": "0x0",
        "r": "0x0",
        "s": "0x0",
    }


def access_list_json(entries: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[Json]:
    """An EIP-2930 access list of addresses and 32-byte keys."""
    return [
        {"address": data(address), "storageKeys": [data(key) for key in keys]} for address, keys in entries
    ]


def transaction_type(stored: StoredTransaction) -> int:
    """EIP-2718 type of a stored transaction; deposits are 0x7e."""
    if stored.deposit_index is not None:
        return DEPOSIT_TYPE
    return stored.raw[0] if stored.raw[0] < 0x80 else LEGACY


def receipt_json(receipt: Receipt, kind: int, logs_bloom: bytes) -> Json:
    """A receipt.

    Parameters
    ----------
    receipt : the stored effect
    kind : EIP-2718 type of the transaction
    logs_bloom : 256 bytes over the receipt's logs
    """
    return {
        "type": quantity(kind),
        "status": quantity(receipt.status),
        "transactionHash": data(receipt.tx_hash),
        "transactionIndex": quantity(receipt.index),
        "blockHash": data(receipt.block_hash),
        "blockNumber": quantity(receipt.block_number),
        "from": data(receipt.sender),
        "to": None if receipt.to is None else data(receipt.to),
        "contractAddress": None if receipt.contract_address is None else data(receipt.contract_address),
        "gasUsed": quantity(receipt.gas_used),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "effectiveGasPrice": quantity(receipt.effective_gas_price),
        "logs": [log_json(log, removed=False) for log in receipt.logs],
        "logsBloom": data(logs_bloom),
    }


def log_json(log: StoredLog, *, removed: bool) -> Json:
    """An event; `removed` marks one whose block a reorg took back."""
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(log.block_number),
        "blockHash": data(log.block_hash),
        "blockTimestamp": quantity(log.block_timestamp),
        "transactionHash": data(log.tx_hash),
        "transactionIndex": quantity(log.tx_index),
        "logIndex": quantity(log.log_index),
        "removed": removed,
    }
