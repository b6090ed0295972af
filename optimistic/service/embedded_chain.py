"""The in-process chain: blocks on eth-tester's py-evm backend, indexed for JSON-RPC.

eth-tester supplies the chain (Prague rules, proof-of-stake headers). Its own RPC layer is
not used: it drops revert data, cannot pin reads to a block hash and scans all blocks for
one receipt. Every method must run under the owner's lock: py-evm is not thread-safe.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from eth_tester.backends.pyevm.main import EVMSpoofTransaction, PyEVMBackend, get_account_keys_from_mnemonic
from eth_utils.exceptions import ValidationError

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32
from optimistic.service.l1_errors import ContractReverted, JsonRpcError, L1BlockMissing
from optimistic.service.l1_types import Call, Header, L1Transaction, Log, Receipt

MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The mnemonic of every development chain; its keys are public knowledge."""

_HD_PATH: Final = "m/44'/60'/0'/0"
_DEV_ACCOUNTS: Final = 10
_DEV_BALANCE_WEI: Final = 1_000_000 * 10**18
_BLOB_TX_TYPE: Final = 3
_ESTIMATE_MARGIN_GAS: Final = 3_000


@cache
def dev_keys() -> tuple[bytes, ...]:
    """Return the ten well-known development keys, 32 bytes each; anvil prefunds the same."""
    return tuple(key.to_bytes() for key in _dev_keys())


@cache
def _dev_keys() -> tuple[Any, ...]:
    return get_account_keys_from_mnemonic(MNEMONIC, quantity=_DEV_ACCOUNTS, hd_path=_HD_PATH)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedBlock:
    """One canonical block and everything asked about it."""

    header: Header
    transactions: tuple[L1Transaction, ...]
    receipts: tuple[Receipt, ...]
    evm_header: Any
    """py-evm's header object: the handle of the block's state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    succeeded: bool
    output: bytes
    gas_used: int
    """Before refunds."""
    error: str


class EmbeddedChain:
    """A chain of blocks in memory; transactions execute when sent, blocks close when mined."""

    def __init__(self, *, chain_id: int, genesis_time_s: int, gas_limit: int) -> None:
        account = {"balance": _DEV_BALANCE_WEI, "storage": {}, "code": b"", "nonce": 0}
        backend = PyEVMBackend(
            genesis_parameters=PyEVMBackend.generate_genesis_params(
                {"gas_limit": gas_limit, "timestamp": genesis_time_s}
            ),
            genesis_state={key.public_key.to_canonical_address(): dict(account) for key in _dev_keys()},
        )
        self._chain = backend.chain
        self._chain.chain_id = chain_id
        self.chain_id = chain_id
        self._blocks: list[MinedBlock] = []
        self._numbers: dict[Hash32, int] = {}
        self._places: dict[Hash32, tuple[int, int]] = {}
        self._pending: list[Any] = []
        self._branch = 0
        self._add(self._chain.get_canonical_block_by_number(0))

    # ------------------------------------------------------------------------------ blocks

    @property
    def head(self) -> MinedBlock:
        """The newest block."""
        return self._blocks[-1]

    def by_number(self, number: int) -> MinedBlock | None:
        """Return the canonical block of a number."""
        return self._blocks[number] if 0 <= number < len(self._blocks) else None

    def by_hash(self, block_hash: Hash32) -> MinedBlock | None:
        """Return a canonical block by its hash; reorganised-away blocks are gone."""
        number = self._numbers.get(block_hash)
        return None if number is None else self._blocks[number]

    def find_transaction(self, tx_hash: Hash32) -> tuple[L1Transaction, Receipt] | None:
        """Return a mined transaction with its receipt."""
        place = self._places.get(tx_hash)
        if place is None:
            return None
        block = self._blocks[place[0]]
        return block.transactions[place[1]], block.receipts[place[1]]

    def find_pending(self, tx_hash: Hash32) -> L1Transaction | None:
        """Return a transaction that waits for its block."""
        for transaction in self._pending:
            if transaction.hash == tx_hash:
                return _transaction(transaction, None)
        return None

    def mine(self, timestamp: int) -> MinedBlock:
        """Close the pending block; `timestamp` is raised if it is not after the parent's.

        A block that already executed transactions keeps the time they saw.
        """
        if not self._pending:
            self._set_time(timestamp)
        randao = keccak256(self.head.header.hash + self._branch.to_bytes(8, "big"))
        block = self._chain.mine_block(coinbase=bytes(ZERO_ADDRESS), mix_hash=bytes(randao), blob_gas_used=0)
        self._pending.clear()
        return self._add(block)

    def reorg(self, depth: int) -> tuple[L1Transaction, ...]:
        """Drop the newest `depth` blocks and what is pending; return the dropped transactions."""
        if not 0 < depth < len(self._blocks):
            raise ValueError(f"cannot drop {depth} of {len(self._blocks)} blocks")
        dropped = self._blocks[-depth:]
        del self._blocks[-depth:]
        for block in dropped:
            del self._numbers[block.header.hash]
            for transaction in block.transactions:
                del self._places[transaction.hash]
        self._pending.clear()
        self._branch += 1
        self._chain.header = self._chain.create_header_from_parent(self.head.evm_header)
        return tuple(transaction for block in dropped for transaction in block.transactions)

    def _set_time(self, timestamp: int) -> None:
        self._chain.set_header_timestamp(max(timestamp, self.head.header.timestamp + 1))

    def _add(self, block: Any) -> MinedBlock:
        header = _header(block.header)
        transactions = tuple(_transaction(item, header) for item in block.transactions)
        receipts = _receipts(header, block.transactions, block.get_receipts(self._chain.chaindb))
        mined = MinedBlock(
            header=header, transactions=transactions, receipts=receipts, evm_header=block.header
        )
        self._numbers[header.hash] = header.number
        for index, transaction in enumerate(transactions):
            self._places[transaction.hash] = (header.number, index)
        self._blocks.append(mined)
        return mined

    # ------------------------------------------------------------------------------ transactions

    def send(self, raw: bytes, timestamp: int) -> Hash32:
        """Execute a signed transaction in the pending block.

        Raises
        ------
        JsonRpcError : it is malformed, known, out of order or cannot pay
        """
        if raw[:1] == bytes([_BLOB_TX_TYPE]):
            raise JsonRpcError(-32_000, "blob transactions are not supported by the embedded chain")
        try:
            transaction = self._chain.get_transaction_builder().decode(raw)
            sender, tx_hash = transaction.sender, Hash32(transaction.hash)
        except Exception as error:
            raise JsonRpcError(-32_000, f"malformed transaction: {error}") from error
        if transaction.chain_id not in (None, self.chain_id):
            raise JsonRpcError(-32_000, f"invalid chain id {transaction.chain_id}, this is {self.chain_id}")
        self._check_nonce(transaction.nonce, Address(sender), tx_hash)
        if not self._pending:
            self._set_time(timestamp)
        try:
            self._chain.apply_transaction(transaction)
        except ValidationError as error:
            raise JsonRpcError(-32_000, _rejection(str(error))) from error
        self._pending.append(transaction)
        return tx_hash

    def _check_nonce(self, nonce: int, sender: Address, tx_hash: Hash32) -> None:
        if self.find_pending(tx_hash) is not None or self.find_transaction(tx_hash) is not None:
            raise JsonRpcError(-32_000, "already known")
        expected = self._chain.get_vm().state.get_nonce(sender)
        if nonce < expected:
            raise JsonRpcError(-32_000, f"nonce too low: next is {expected}, got {nonce}")
        if nonce > expected:
            raise JsonRpcError(-32_000, f"nonce too high: next is {expected}, got {nonce}; nothing is queued")

    # ------------------------------------------------------------------------------ state

    def state(self, block: MinedBlock) -> Any:
        """Return py-evm's state after `block`."""
        return self._chain.get_vm(at_header=block.evm_header).state

    def call(self, call: Call, block: MinedBlock) -> bytes:
        """Return the output of a call after `block`.

        Raises
        ------
        ContractReverted : the call fails in the EVM
        JsonRpcError : the call is not even valid
        """
        run = self._run(call, block, call.gas or block.header.gas_limit)
        if not run.succeeded:
            raise ContractReverted(run.output, run.error)
        return run.output

    def estimate_gas(self, call: Call, block: MinedBlock) -> int:
        """Return a gas limit that suffices after `block`; two executions as a rule.

        Raises
        ------
        ContractReverted : the call fails with a whole block's gas
        """
        limit = call.gas or block.header.gas_limit
        first = self._run(call, block, limit)
        if not first.succeeded:
            raise ContractReverted(first.output, first.error)
        candidate = first.gas_used + _ESTIMATE_MARGIN_GAS
        while candidate < limit:
            try:
                if self._run(call, block, candidate).succeeded:
                    return candidate
            except JsonRpcError:
                pass  # below the intrinsic floor of its calldata: more gas makes it valid
            candidate += candidate // 4
        return limit

    def _run(self, call: Call, block: MinedBlock, gas: int) -> _Run:
        """Execute a call on a throw-away copy of the state; the gas itself is free of charge."""
        vm = self._chain.get_vm(at_header=block.evm_header)
        sender = call.sender or ZERO_ADDRESS
        price = block.header.base_fee_wei
        unsigned = vm.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=self.chain_id,
            nonce=vm.state.get_nonce(sender),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=price,
            gas=gas,
            to=call.to or b"",
            value=call.value_wei,
            data=call.data,
            access_list=(),
        )
        vm.state.set_balance(sender, vm.state.get_balance(sender) + gas * price)
        vm.state.lock_changes()
        try:
            computation = vm.state.apply_transaction(EVMSpoofTransaction(unsigned, from_=sender))
        except ValidationError as error:
            raise JsonRpcError(-32_000, _rejection(str(error))) from error
        succeeded = not computation.is_error
        return _Run(
            succeeded=succeeded,
            output=bytes(computation.output),
            gas_used=gas - computation.get_gas_remaining(),
            error="" if succeeded else f"execution reverted: {type(computation.error).__name__}",
        )


def require_block(block: MinedBlock | None, asked: object) -> MinedBlock:
    """Return `block`, or raise L1BlockMissing naming what was asked for."""
    if block is None:
        raise L1BlockMissing(f"no block found: {asked}")
    return block


def _rejection(text: str) -> str:
    lowered = text.lower()
    if "balance" in lowered or "funds" in lowered:
        return f"insufficient funds: {text}"
    if "max fee" in lowered or "base fee" in lowered or "max_fee" in lowered:
        return f"max fee per gas less than block base fee: {text}"
    return text


def _header(header: Any) -> Header:
    return Header(
        number=header.block_number,
        hash=Hash32(header.hash),
        parent_hash=Hash32(header.parent_hash),
        timestamp=header.timestamp,
        base_fee_wei=header.base_fee_per_gas,
        gas_limit=header.gas_limit,
    )


def _transaction(transaction: Any, header: Header | None) -> L1Transaction:
    return L1Transaction(
        hash=Hash32(transaction.hash),
        sender=Address(transaction.sender),
        nonce=transaction.nonce,
        to=Address(transaction.to) if transaction.to else None,
        value_wei=transaction.value,
        data=bytes(transaction.data),
        block_hash=header.hash if header else None,
        block_number=header.number if header else None,
    )


def _receipts(header: Header, transactions: Any, receipts: Any) -> tuple[Receipt, ...]:
    found: list[Receipt] = []
    gas_before, first_log = 0, 0
    for index, (transaction, receipt) in enumerate(zip(transactions, receipts, strict=True)):
        logs = tuple(
            _log(header, transaction, index, first_log + place, log) for place, log in enumerate(receipt.logs)
        )
        found.append(
            Receipt(
                tx_hash=Hash32(transaction.hash),
                block_number=header.number,
                block_hash=header.hash,
                succeeded=receipt.state_root == b"\x01",
                gas_used=receipt.gas_used - gas_before,
                effective_gas_price_wei=_price_wei(transaction, header.base_fee_wei),
                contract_address=None
                if transaction.to
                else create_address(transaction.sender, transaction.nonce),
                logs=logs,
            )
        )
        gas_before, first_log = receipt.gas_used, first_log + len(logs)
    return tuple(found)


def _log(header: Header, transaction: Any, tx_index: int, log_index: int, log: Any) -> Log:
    return Log(
        address=Address(log.address),
        topics=tuple(Hash32(topic.to_bytes(32, "big")) for topic in log.topics),
        data=bytes(log.data),
        block_number=header.number,
        block_hash=header.hash,
        tx_hash=Hash32(transaction.hash),
        tx_index=tx_index,
        log_index=log_index,
    )


def _price_wei(transaction: Any, base_fee_wei: int) -> int:
    price = min(transaction.max_fee_per_gas, base_fee_wei + transaction.max_priority_fee_per_gas)
    return int(price)
