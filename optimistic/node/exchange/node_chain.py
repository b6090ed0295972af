"""The node as the exchange sees it."""

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import LogFilter, StoredLog
from optimistic.node.exchange.ports import ChainBlock, ChainHeads, ChainLog, TxResult
from optimistic.node.gateway import Gateway
from optimistic.node.head_state import HeadState
from optimistic.node.pool_errors import AlreadyKnown, NonceTooLow
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.types import Address, Hash32


class NodeChain:
    """Implements `ChainPort` on the database and the gateway of the same process.

    Parameters
    ----------
    store : the chain
    head_state : accounts at the unsafe head
    gateway : takes transactions
    account : pays for the exchange's transactions
    """

    def __init__(self, store: ChainReader, head_state: HeadState, gateway: Gateway, account: Address) -> None:
        self._store = store
        self._head_state = head_state
        self._gateway = gateway
        self._account = account
        self._addresses = frozenset(SETTLEMENT_CONTRACTS.values())

    def heads(self) -> ChainHeads:
        """Return the present heads."""
        with self._store.snapshot():
            heads = self._store.heads()
            final = self._final_block()
        return ChainHeads(unsafe=heads.unsafe.number, posted=heads.safe.number, final=final)

    def _final_block(self) -> int:
        assertion = self._store.latest_confirmed_assertion()
        if assertion is None or not assertion.to_batch:
            return 0
        batch = self._store.batch(assertion.to_batch - 1)
        return 0 if batch is None else batch.last_block

    def block(self, number: int) -> ChainBlock | None:
        """Return a block of the unsafe chain with the logs of settlement contracts."""
        found = self.blocks(number, number)
        return found[0] if found else None

    def blocks(self, first: int, last: int) -> list[ChainBlock]:
        """Return blocks first..last inclusive, as far as they exist, in order."""
        with self._store.snapshot():
            blocks = self._store.blocks(first, last)
            stored = self._store.logs(LogFilter(from_block=first, to_block=last))
        logs: dict[int, list[ChainLog]] = {}
        for item in stored:
            if item.address in self._addresses:
                logs.setdefault(item.block_number, []).append(_log(item))
        return [
            ChainBlock(
                number=block.number,
                hash=block.hash,
                parent=block.parent_hash,
                timestamp=block.timestamp,
                logs=tuple(logs.get(block.number, ())),
            )
            for block in blocks
        ]

    def result(self, tx_hash: Hash32) -> TxResult | None:
        """Return how a transaction ended."""
        receipt = self._store.receipt(tx_hash)
        if receipt is None:
            return None
        return TxResult(
            block=receipt.block_number,
            succeeded=receipt.status == 1,
            gas_used=receipt.gas_used,
            logs=tuple(_log(item) for item in receipt.logs),
        )

    def next_nonce(self) -> int:
        """Return the nonce of the exchange's account after its executed transactions."""
        return self._head_state.account(self._account).nonce

    def submit(self, raw: bytes) -> None:
        """Hand a signed transaction to the node; one that it has is no error."""
        try:
            self._gateway.submit(raw)
        except (AlreadyKnown, NonceTooLow):
            return


def _log(item: StoredLog) -> ChainLog:
    return ChainLog(item.address, item.topics, item.data, item.tx_hash)
