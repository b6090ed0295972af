"""What the exchange's key has at stake on L1, for those who rely on its receipts."""

import threading
from typing import Final

import structlog

from optimistic.node.api.replies import Hex, Out, Whole, hex_of
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock
from optimistic.service.receipt_bond import ReceiptBond

log = structlog.get_logger(__name__)

_AGE_S: Final = 12
"""An L1 block: before it is over, nothing has changed."""


class BondOut(Out, frozen=True, kw_only=True):
    """The bond as this node's L1 endpoint has it: ask L1 before you rely on it."""

    l1_chain_id: int
    contract: Hex
    amount_wei: Whole
    ready_at: int
    """When it may be withdrawn, Unix seconds; 0: nobody asked."""
    is_slashed: bool
    l1_block: int
    """As of this block."""


class ExchangeOut(Out, frozen=True, kw_only=True):
    """Who signs receipts, in which domain, and what it has at stake."""

    chain_id: int
    clearing: Hex
    receipt_signer: Hex
    bond: BondOut | None
    """None: there is no contract for bonds, or L1 was not reached yet."""


class BondReader:
    """Reads one key's bond, at most once per L1 block; safe from any thread.

    Parameters
    ----------
    contract : on L1
    signer : of receipts
    clock : of the answer's age
    """

    def __init__(self, contract: ReceiptBond, signer: Address, clock: Clock) -> None:
        self._contract = contract
        self._signer = signer
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at_s = -float(_AGE_S)
        self._last: BondOut | None = None

    def read(self) -> BondOut | None:
        """Return the bond as it was last read; None if L1 never answered."""
        # One thread waits for L1; the others have something to answer with.
        if self._clock.monotonic_s() - self._read_at_s >= _AGE_S and self._lock.acquire(blocking=False):
            try:
                self._last = self._ask()
            except TemporaryError as error:
                log.warning("receipt_bond_not_read", error=str(error))
            finally:
                self._read_at_s = self._clock.monotonic_s()
                self._lock.release()
        return self._last

    def _ask(self) -> BondOut:
        client = self._contract.client
        head = client.head()
        state = self._contract.bond(self._signer, at=head.hash)
        return BondOut(
            l1_chain_id=client.chain_id,
            contract=hex_of(self._contract.address),
            amount_wei=str(state.amount_wei),
            ready_at=state.ready_at,
            is_slashed=state.is_slashed,
            l1_block=head.number,
        )
