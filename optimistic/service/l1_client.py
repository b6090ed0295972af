"""Typed, block-pinned reads of L1 and the sending of raw transactions.

The client trusts no single answer: heads are read twice, headers must be the ones
asked for, logs must lie in canonical blocks. What it cannot check (an endpoint that
serves a consistent false chain) is for the operator to exclude by the choice of endpoint.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimistic.protocol.types import Address, Hash32
from optimistic.service import l1_decode
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.l1_errors import (
    JsonRpcError,
    L1BlockMissing,
    L1Lied,
    L1RequestFailed,
    WrongL1Chain,
)
from optimistic.service.l1_replies import RangeTooWide, SendReply, SendStatus, classify, read_refusal
from optimistic.service.l1_transport import HttpTransport, L1Transport
from optimistic.service.l1_types import (
    BlockId,
    BlockTag,
    Call,
    Header,
    L1Transaction,
    Log,
    LogFilter,
    Receipt,
)
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.names import hex_of


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Options:
    """Limits of one endpoint."""

    max_log_range: int = 2_000
    """Blocks per eth_getLogs request; split further when the endpoint refuses."""


class L1Client:
    """One L1 endpoint of any kind.

    Parameters
    ----------
    transport : how requests travel
    chain_id : what the endpoint must serve; None accepts what it serves first
    """

    def __init__(
        self,
        transport: L1Transport,
        *,
        chain_id: int | None = None,
        options: L1Options | None = None,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._transport = transport
        self._expected_chain_id = chain_id
        self._options = options if options is not None else L1Options()
        self._clock = clock if clock is not None else SystemClock()
        self._metrics = metrics if metrics is not None else NoopMetrics()
        self._chain_id: int | None = None
        self._lock = threading.Lock()

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        chain_id: int | None = None,
        timeout_ms: int = 10_000,
        metrics: Metrics | None = None,
    ) -> "L1Client":
        """Return a client of the endpoint at `url`; nothing is sent yet."""
        return cls(HttpTransport(url, timeout_ms=timeout_ms), chain_id=chain_id, metrics=metrics)

    # ------------------------------------------------------------------------------ chain

    @property
    def chain_id(self) -> int:
        """The chain's id, asked once and compared with the expected one.

        Raises
        ------
        WrongL1Chain : the endpoint serves another chain
        """
        with self._lock:
            if self._chain_id is None:
                found = l1_decode.quantity(self._send("eth_chainId", ()))
                if self._expected_chain_id not in (None, found):
                    raise WrongL1Chain(
                        f"the L1 endpoint serves chain {found}, not {self._expected_chain_id}: fix the URL"
                    )
                self._chain_id = found
            return self._chain_id

    def head(self) -> Header:
        """Return the newest block, read twice.

        Raises
        ------
        L1Lied : the block named as newest is not the canonical one of its number
        """
        head = l1_decode.header(self._request("eth_getBlockByNumber", "latest", False))
        again = self.find_header(head.number)
        if again != head:
            raise L1Lied(
                f"the endpoint's newest block {head.number} is not its canonical block {head.number}"
            )
        return head

    def find_header(self, block: BlockId) -> Header | None:
        """Return a header, or None when the endpoint has no such block or does not know the tag.

        Raises
        ------
        L1Lied : the answer is another block than asked for
        """
        if isinstance(block, bytes):
            method, param = "eth_getBlockByHash", "0x" + block.hex()
        else:
            method, param = "eth_getBlockByNumber", l1_decode.block_param(block)
        try:
            value = self._request(method, param, False)
        except L1BlockMissing:
            return None
        if value is None:
            return None
        header = l1_decode.header(value)
        if block not in (header.hash, header.number) and not isinstance(block, str):
            raise L1Lied(f"asked for block {_show(block)}, got {header.number} 0x{header.hash.hex()}")
        return header

    def header(self, block: BlockId) -> Header:
        """Return a header.

        Raises
        ------
        L1BlockMissing : the endpoint has no such block
        """
        header = self.find_header(block)
        if header is None:
            raise L1BlockMissing(f"block {_show(block)} is not available")
        return header

    def tagged(self, tag: BlockTag) -> Header | None:
        """Return the block of a finality tag, or None when the endpoint has no such tag."""
        try:
            return self.find_header(tag)
        except L1RequestFailed:
            return None

    # ------------------------------------------------------------------------------ state

    def balance_wei(self, account: Address, at: BlockId) -> int:
        """Return an account's balance after block `at`."""
        return l1_decode.quantity(self._request("eth_getBalance", hex_of(account), l1_decode.block_param(at)))

    def nonce(self, account: Address, at: BlockId) -> int:
        """Return an account's nonce after block `at`."""
        return l1_decode.quantity(
            self._request("eth_getTransactionCount", hex_of(account), l1_decode.block_param(at))
        )

    def code(self, account: Address, at: BlockId) -> bytes:
        """Return an account's code after block `at`; empty for none."""
        return l1_decode.data(self._request("eth_getCode", hex_of(account), l1_decode.block_param(at)))

    def storage(self, account: Address, slot: int, at: BlockId) -> Hash32:
        """Return one storage word after block `at`."""
        word = self._request("eth_getStorageAt", hex_of(account), hex(slot), l1_decode.block_param(at))
        return Hash32(l1_decode.quantity(word).to_bytes(32, "big"))

    def call(self, call: Call, at: BlockId) -> bytes:
        """Return what a call would return after block `at`.

        Raises
        ------
        ContractReverted : the call fails in the EVM
        L1BlockMissing : the pinned block is gone
        """
        return l1_decode.data(
            self._request("eth_call", l1_decode.call_param(call), l1_decode.block_param(at))
        )

    def estimate_gas(self, call: Call, at: BlockId = "latest") -> int:
        """Return a gas limit with which `call` succeeds after block `at`.

        Raises
        ------
        ContractReverted : it fails with any gas
        """
        params = [l1_decode.call_param(call), l1_decode.block_param(at)]
        return l1_decode.quantity(self._request("eth_estimateGas", *params))

    # ------------------------------------------------------------------------------ logs

    def logs(self, wanted: LogFilter, from_block: int, to_block: int) -> tuple[Log, ...]:
        """Return the events of blocks [from_block, to_block], in chain order.

        Ranges the endpoint finds too wide are split. Events are checked against the filter,
        the range and the canonical header of their block.

        Raises
        ------
        L1Lied : an event does not belong, or its block is not canonical
        """
        found: list[Log] = []
        start = from_block if wanted.addresses else to_block + 1
        while start <= to_block:
            end = min(to_block, start + self._options.max_log_range - 1)
            found += self._logs_split(wanted, start, end)
            start = end + 1
        self._check_blocks(found)
        return tuple(found)

    def logs_of_block(self, wanted: LogFilter, block: Header) -> tuple[Log, ...]:
        """Return the events of exactly one block, named by its hash."""
        if not wanted.addresses:
            return ()
        value = self._request("eth_getLogs", {**_filter_param(wanted), "blockHash": hex_of(block.hash)})
        found = _check_logs(wanted, l1_decode.logs(value), block.number, block.number)
        if any(log.block_hash != block.hash for log in found):
            raise L1Lied(f"logs of another block than 0x{block.hash.hex()} were returned")
        return found

    def _logs_split(self, wanted: LogFilter, start: int, end: int) -> list[Log]:
        params = {**_filter_param(wanted), "fromBlock": hex(start), "toBlock": hex(end)}
        try:
            value = self._request("eth_getLogs", params)
        except RangeTooWide as error:
            if start == end:
                raise L1RequestFailed(
                    f"the endpoint cannot return the logs of block {start}: {error}"
                ) from error
            middle = (start + end) // 2
            return self._logs_split(wanted, start, middle) + self._logs_split(wanted, middle + 1, end)
        return list(_check_logs(wanted, l1_decode.logs(value), start, end))

    def _check_blocks(self, logs: Sequence[Log]) -> None:
        blocks: dict[int, Hash32] = {}
        for log in logs:
            if blocks.setdefault(log.block_number, log.block_hash) != log.block_hash:
                raise L1Lied(f"logs of two different blocks {log.block_number} were returned")
        for number, block_hash in blocks.items():
            if self.header(number).hash != block_hash:
                raise L1Lied(f"logs of block {number} come from a block that is not canonical")

    # ------------------------------------------------------------------------------ transactions

    def receipt(self, tx_hash: Hash32) -> Receipt | None:
        """Return a receipt, or None while the transaction is not in a block.

        Raises
        ------
        L1Lied : the receipt of another transaction was returned
        """
        try:
            receipt = l1_decode.receipt(self._request("eth_getTransactionReceipt", hex_of(tx_hash)))
        except L1BlockMissing:
            return None
        if receipt is not None and receipt.tx_hash != tx_hash:
            raise L1Lied(f"asked for the receipt of 0x{tx_hash.hex()}, got 0x{receipt.tx_hash.hex()}")
        return receipt

    def transaction(self, tx_hash: Hash32) -> L1Transaction | None:
        """Return a transaction, pending or mined, or None when the endpoint does not know it."""
        try:
            found = l1_decode.transaction(self._request("eth_getTransactionByHash", hex_of(tx_hash)))
        except L1BlockMissing:
            return None
        if found is not None and found.hash != tx_hash:
            raise L1Lied(f"asked for transaction 0x{tx_hash.hex()}, got 0x{found.hash.hex()}")
        return found

    def priority_fee_wei(self) -> int:
        """Return the tip the endpoint suggests, in wei per gas."""
        return l1_decode.quantity(self._request("eth_maxPriorityFeePerGas"))

    def send_raw(self, raw: bytes) -> SendReply:
        """Hand over a signed transaction.

        Returns
        -------
        What the endpoint said; only ACCEPTED and KNOWN mean that it has the transaction.

        Raises
        ------
        L1Unavailable : no answer, so the endpoint may or may not have it
        """
        _ = self.chain_id
        try:
            self._timed("eth_sendRawTransaction", [hex_of(raw)])
        except JsonRpcError as error:
            return read_refusal(error)
        return SendReply(status=SendStatus.ACCEPTED)

    # ------------------------------------------------------------------------------ requests

    def raw_request(self, method: str, params: Sequence[Any]) -> Any:
        """Send any request and return its JSON result; for development chains' own methods."""
        return self._request(method, *params)

    def _request(self, method: str, *params: Any) -> Any:
        _ = self.chain_id
        return self._send(method, params)

    def _send(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return self._timed(method, params)
        except JsonRpcError as error:
            raise classify(method, error) from error

    def _timed(self, method: str, params: Sequence[Any]) -> Any:
        start_s = self._clock.monotonic_s()
        try:
            return self._transport.request(method, params)
        except Exception:
            self._metrics.count("l1_request_errors", method=method)
            raise
        finally:
            self._metrics.observe("l1_request_seconds", self._clock.monotonic_s() - start_s, method=method)


def _check_logs(wanted: LogFilter, logs: Sequence[Log], start: int, end: int) -> tuple[Log, ...]:
    ordered = tuple(sorted(logs, key=lambda log: (log.block_number, log.log_index)))
    places = {(log.block_number, log.log_index) for log in ordered}
    if len(places) != len(ordered):
        raise L1Lied("the same log was returned twice")
    for log in ordered:
        if not start <= log.block_number <= end or not wanted.accepts(log):
            raise L1Lied(f"a log that was not asked for was returned, block {log.block_number}")
    return ordered


def _filter_param(wanted: LogFilter) -> dict[str, Any]:
    params: dict[str, Any] = {"address": [hex_of(item) for item in wanted.addresses]}
    if wanted.topics0:
        params["topics"] = [[hex_of(topic) for topic in wanted.topics0]]
    return params


def _show(block: BlockId) -> str:
    return hex_of(block) if isinstance(block, bytes) else str(block)
