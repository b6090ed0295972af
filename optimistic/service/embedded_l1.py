"""An L1 in this process: no node to install, time that can be moved, ten rich accounts.

``EmbeddedL1().client()`` behaves like a client of any endpoint. Blocks are mined with each
transaction, or on demand with ``auto_mine=False``; timestamps follow the given clock plus
what `advance_time` added.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from optimistic.protocol.types import Address, Hash32
from optimistic.service import l1_decode
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.embedded_chain import EmbeddedChain, MinedBlock, dev_keys, require_block
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted, JsonRpcError, L1BlockMissing, L1Lied
from optimistic.service.l1_types import Call, Header, L1Transaction, Log, Receipt
from optimistic.service.names import hex_of

EMBEDDED_CHAIN_ID: Final = 31_337
"""The id of a development chain, the same as anvil's, so one deployment profile fits both."""

_GAS_LIMIT: Final = 60_000_000
_PRIORITY_FEE_WEI: Final = 10**9


class EmbeddedL1:
    """A whole L1 in memory.

    Parameters
    ----------
    clock : where block timestamps come from; a FakeClock makes them reproducible
    auto_mine : close a block after each transaction
    finality_depth : how far safe and finalized lie behind latest (safe: half of it)
    """

    def __init__(
        self,
        *,
        chain_id: int = EMBEDDED_CHAIN_ID,
        clock: Clock | None = None,
        auto_mine: bool = True,
        finality_depth: int = 0,
        gas_limit: int = _GAS_LIMIT,
    ) -> None:
        self._clock = clock if clock is not None else SystemClock()
        self._offset_s = 0
        self._auto_mine = auto_mine
        self._finality_depth = finality_depth
        self._lock = threading.RLock()
        self._chain = EmbeddedChain(
            chain_id=chain_id, genesis_time_s=self._clock.time_s(), gas_limit=gas_limit
        )
        self._methods = self._table()
        self.keys = dev_keys()
        """Private keys of the prefunded accounts, 32 bytes each."""

    # ------------------------------------------------------------------------------ driving

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self._chain.chain_id

    def client(self) -> L1Client:
        """Return a client of this chain."""
        return L1Client(self, chain_id=self.chain_id)

    def provider(self) -> "EmbeddedProvider":
        """Return a provider for ``Web3(...)``."""
        return EmbeddedProvider(self)

    def time_s(self) -> int:
        """Return what the chain takes for now: the next block's timestamp, at least."""
        with self._lock:
            return max(self._clock.time_s() + self._offset_s, self._chain.head.header.timestamp)

    def advance_time(self, seconds: int) -> Header:
        """Move the chain's time forward from its newest block and mine a block there."""
        if seconds <= 0:
            raise ValueError(f"time moves forward only: {seconds} s")
        with self._lock:
            target = self.time_s() + seconds
            self._offset_s = target - self._clock.time_s()
            return self._chain.mine(target).header

    def mine(self, blocks: int = 1) -> Header:
        """Close the pending block, then mine empty ones; return the newest header."""
        with self._lock:
            for _ in range(blocks):
                self._chain.mine(self.time_s())
            return self._chain.head.header

    def set_auto_mine(self, auto_mine: bool) -> None:
        """Choose between a block per transaction and blocks on demand."""
        with self._lock:
            self._auto_mine = auto_mine

    def reorg(self, depth: int, *, empty_blocks: int = 0) -> tuple[L1Transaction, ...]:
        """Replace the newest `depth` blocks by `empty_blocks` empty ones; return what fell out.

        New blocks have another randomness than the dropped ones, hence other hashes.
        """
        with self._lock:
            dropped = self._chain.reorg(depth)
            for _ in range(empty_blocks):
                self._chain.mine(self.time_s())
            return dropped

    # ------------------------------------------------------------------------------ JSON-RPC

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """Answer one JSON-RPC request; see `L1Transport.request`."""
        handler = self._methods.get(method)
        if handler is None:
            raise JsonRpcError(-32_601, f"the method {method} does not exist")
        with self._lock:
            try:
                return handler(*params)
            except ContractReverted as error:
                raise JsonRpcError(3, error.message, "0x" + error.data.hex()) from error
            except L1BlockMissing as error:
                raise JsonRpcError(-32_001, str(error)) from error
            except (TypeError, L1Lied) as error:
                raise JsonRpcError(-32_602, f"invalid parameters of {method}: {error}") from error

    def _table(self) -> dict[str, Callable[..., Any]]:
        return {
            "eth_chainId": lambda: hex(self.chain_id),
            "net_version": lambda: str(self.chain_id),
            "web3_clientVersion": lambda: "embedded",
            "eth_blockNumber": lambda: hex(self._chain.head.header.number),
            "eth_gasPrice": lambda: hex(self._chain.head.header.base_fee_wei + _PRIORITY_FEE_WEI),
            "eth_maxPriorityFeePerGas": lambda: hex(_PRIORITY_FEE_WEI),
            "eth_accounts": list,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBalance": self._balance,
            "eth_getTransactionCount": self._nonce,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate_gas,
            "eth_getLogs": self._logs,
            "eth_sendRawTransaction": self._send,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getTransactionByHash": self._transaction,
            "evm_mine": lambda *_: hex(self.mine().number),
            "evm_increaseTime": lambda seconds: hex(self.advance_time(l1_decode.quantity(seconds)).timestamp),
        }

    def _find(self, block: Any) -> MinedBlock | None:
        if isinstance(block, dict):
            if "blockHash" in block:
                return self._chain.by_hash(l1_decode.hash32(block["blockHash"]))
            return self._find(block.get("blockNumber"))
        head = self._chain.head.header.number
        depths = {
            "latest": 0,
            "pending": 0,
            "safe": self._finality_depth // 2,
            "finalized": self._finality_depth,
        }
        if block in depths:
            return self._chain.by_number(max(0, head - depths[block]))
        if block == "earliest":
            return self._chain.by_number(0)
        return self._chain.by_number(l1_decode.quantity(block))

    def _at(self, block: Any) -> MinedBlock:
        return require_block(self._find(block), block)

    def _block_by_number(self, block: Any, full: bool = False) -> Any:
        found = self._find(block)
        return None if found is None else _block_json(found, full)

    def _block_by_hash(self, block_hash: Any, full: bool = False) -> Any:
        found = self._chain.by_hash(l1_decode.hash32(block_hash))
        return None if found is None else _block_json(found, full)

    def _balance(self, account: Any, block: Any = "latest") -> str:
        return hex(self._chain.state(self._at(block)).get_balance(l1_decode.address(account)))

    def _nonce(self, account: Any, block: Any = "latest") -> str:
        return hex(self._chain.state(self._at(block)).get_nonce(l1_decode.address(account)))

    def _code(self, account: Any, block: Any = "latest") -> str:
        return hex_of(self._chain.state(self._at(block)).get_code(l1_decode.address(account)))

    def _storage(self, account: Any, slot: Any, block: Any = "latest") -> str:
        state = self._chain.state(self._at(block))
        return f"0x{state.get_storage(l1_decode.address(account), l1_decode.quantity(slot)):064x}"

    def _call(self, call: Any, block: Any = "latest") -> str:
        return hex_of(self._chain.call(_call(call), self._at(block)))

    def _estimate_gas(self, call: Any, block: Any = "latest") -> str:
        return hex(self._chain.estimate_gas(_call(call), self._at(block)))

    def _send(self, raw: Any) -> str:
        tx_hash = self._chain.send(l1_decode.data(raw), self.time_s())
        if self._auto_mine:
            self._chain.mine(self.time_s())
        return hex_of(tx_hash)

    def _receipt(self, tx_hash: Any) -> Any:
        found = self._chain.find_transaction(l1_decode.hash32(tx_hash))
        return None if found is None else _receipt_json(found[1])

    def _transaction(self, tx_hash: Any) -> Any:
        wanted = l1_decode.hash32(tx_hash)
        mined = self._chain.find_transaction(wanted)
        found = mined[0] if mined is not None else self._chain.find_pending(wanted)
        return None if found is None else _transaction_json(found)

    def _logs(self, wanted: Any) -> Any:
        if "blockHash" in wanted:
            blocks = [self._at({"blockHash": wanted["blockHash"]})]
        else:
            first = self._at(wanted.get("fromBlock", "latest")).header.number
            last = require_block(self._find(wanted.get("toBlock", "latest")) or self._chain.head, "toBlock")
            found = (self._chain.by_number(number) for number in range(first, last.header.number + 1))
            blocks = [block for block in found if block is not None]
        addresses = wanted.get("address", [])
        accepted = {l1_decode.address(a) for a in ([addresses] if isinstance(addresses, str) else addresses)}
        topics = [_topic_set(item) for item in wanted.get("topics", [])]
        return [
            _log_json(log)
            for block in blocks
            for receipt in block.receipts
            for log in receipt.logs
            if (not accepted or log.address in accepted) and _topics_match(log, topics)
        ]


class EmbeddedProvider(JSONBaseProvider):
    """Lets web3 itself talk to an embedded chain."""

    def __init__(self, chain: EmbeddedL1) -> None:
        super().__init__()
        self._chain_in_process = chain

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer one request in the form of a JSON-RPC response."""
        try:
            result = self._chain_in_process.request(method, params)
        except JsonRpcError as error:
            problem: Any = {"code": error.code, "message": error.message, "data": error.data}
            return {"jsonrpc": "2.0", "id": 1, "error": problem}
        return {"jsonrpc": "2.0", "id": 1, "result": result}

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Return True: the chain is part of this process."""
        return True


def _topic_set(item: Any) -> frozenset[Hash32] | None:
    if item is None:
        return None
    return frozenset(l1_decode.hash32(topic) for topic in ([item] if isinstance(item, str) else item))


def _topics_match(log: Log, wanted: list[frozenset[Hash32] | None]) -> bool:
    if len(wanted) > len(log.topics):
        return False
    return all(choice is None or topic in choice for choice, topic in zip(wanted, log.topics, strict=False))


def _call(fields: Any) -> Call:
    to, sender, gas = fields.get("to"), fields.get("from"), fields.get("gas")
    return Call(
        to=l1_decode.address(to) if to else None,
        data=l1_decode.data(fields.get("data") or fields.get("input") or "0x"),
        sender=l1_decode.address(sender) if sender else None,
        value_wei=l1_decode.quantity(fields.get("value", 0)),
        gas=l1_decode.quantity(gas) if gas is not None else None,
    )


def _block_json(block: MinedBlock, full: bool) -> dict[str, Any]:
    header = block.evm_header
    return {
        "number": hex(header.block_number),
        "hash": hex_of(header.hash),
        "parentHash": hex_of(header.parent_hash),
        "timestamp": hex(header.timestamp),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "baseFeePerGas": hex(header.base_fee_per_gas),
        "stateRoot": hex_of(header.state_root),
        "transactionsRoot": hex_of(header.transaction_root),
        "receiptsRoot": hex_of(header.receipt_root),
        "logsBloom": f"0x{header.bloom:0512x}",
        "miner": hex_of(header.coinbase),
        "mixHash": hex_of(header.mix_hash),
        "difficulty": hex(header.difficulty),
        "extraData": hex_of(header.extra_data),
        "nonce": hex_of(header.nonce),
        "sha3Uncles": hex_of(header.uncles_hash),
        "uncles": [],
        "transactions": [_transaction_json(t) if full else hex_of(t.hash) for t in block.transactions],
    }


def _transaction_json(transaction: L1Transaction) -> dict[str, Any]:
    number = transaction.block_number
    return {
        "hash": hex_of(transaction.hash),
        "from": hex_of(transaction.sender),
        "nonce": hex(transaction.nonce),
        "to": None if transaction.to is None else hex_of(transaction.to),
        "value": hex(transaction.value_wei),
        "input": hex_of(transaction.data),
        "blockHash": None if transaction.block_hash is None else hex_of(transaction.block_hash),
        "blockNumber": None if number is None else hex(number),
    }


def _receipt_json(receipt: Receipt) -> dict[str, Any]:
    contract: Address | None = receipt.contract_address
    return {
        "transactionHash": hex_of(receipt.tx_hash),
        "blockNumber": hex(receipt.block_number),
        "blockHash": hex_of(receipt.block_hash),
        "status": hex(int(receipt.succeeded)),
        "gasUsed": hex(receipt.gas_used),
        "effectiveGasPrice": hex(receipt.effective_gas_price_wei),
        "contractAddress": None if contract is None else hex_of(contract),
        "logs": [_log_json(log) for log in receipt.logs],
    }


def _log_json(log: Log) -> dict[str, Any]:
    return {
        "address": hex_of(log.address),
        "topics": [hex_of(topic) for topic in log.topics],
        "data": hex_of(log.data),
        "blockNumber": hex(log.block_number),
        "blockHash": hex_of(log.block_hash),
        "transactionHash": hex_of(log.tx_hash),
        "transactionIndex": hex(log.tx_index),
        "logIndex": hex(log.log_index),
        "removed": False,
    }
