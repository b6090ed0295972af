"""Who is how far from liquidation: a mirror of the settlement state, fed by its logs and repriced by looking.

Looking costs two requests and those of new blocks, however many subaccounts there are.
"""

from dataclasses import dataclass
from typing import Final

from optimistic.protocol.constants import CLEARING
from optimistic.protocol.engine import Log
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement import events as mirror
from optimistic.protocol.settlement.portfolio import index_equity, margin_of, require_fresh
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import FIRST_SUBACCOUNT, MarketId, PriceUse, SubaccountId
from optimistic.protocol.settlement.units import PIPS
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Header, LogFilter

_RANGE: Final = 5_000
"""Blocks read at once."""
_WANTED: Final = LogFilter(
    addresses=tuple(address for address in SETTLEMENT_CONTRACTS.values() if address != CLEARING)
)
"""What moves margin; fills of orders and their keys do not, beside what the ledger says of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A subaccount with positions or debt, and how it stands.

    Attributes
    ----------
    legs : sizes in WAD
    equity_wad : the better of two, at the marks and at the index prices: below both is below
    """

    id: SubaccountId
    legs: dict[MarketId, int]
    equity_wad: int
    maintenance_wad: int

    @property
    def health_pips(self) -> int:
        """Equity over maintenance margin in millionths, rounded down; with none, well or in debt."""
        if self.maintenance_wad <= 0:
            return PIPS if self.equity_wad >= 0 else -1
        return self.equity_wad * PIPS // self.maintenance_wad

    @property
    def is_below(self) -> bool:
        """Whether it may be flagged, liquidated or resolved."""
        return self.health_pips < PIPS


class RiskWatch:
    """Follows the unsafe chain of a node; a chain that is replaced is read anew.

    The first look reads all logs that there are.

    Parameters
    ----------
    node : a client of the node
    """

    def __init__(self, node: L1Client) -> None:
        self._node = node
        self._state = State()
        self._last: Header | None = None

    def patients(self) -> list[Patient]:
        """Follow the chain; return everybody with positions or debt, who is worst off first."""
        self._follow()
        subaccounts = self._state.subaccounts
        found = [
            self._patient(id_)
            for id_, account in subaccounts.items()
            if id_ >= FIRST_SUBACCOUNT and (account.legs or account.cash_wad < 0)
        ]
        return sorted(found, key=lambda patient: patient.health_pips)

    def is_priced(self, id_: SubaccountId) -> bool:
        """Whether the prices behind a margin are fresh enough to liquidate, as of the last look."""
        try:
            require_fresh(self._state, id_, PriceUse.LIQUIDATE)
        except Refused:
            return False
        return True

    def _patient(self, id_: SubaccountId) -> Patient:
        margin = margin_of(self._state, id_)
        return Patient(
            id=id_,
            legs={market: leg.size_wad for market, leg in self._state.subaccounts[id_].legs.items()},
            equity_wad=max(margin.equity_wad, index_equity(self._state, id_, margin.equity_wad)),
            maintenance_wad=margin.maintenance_wad,
        )

    def _follow(self) -> None:
        head = self._node.head()
        if self._last is not None and self._node.find_header(self._last.number) != self._last:
            self._state, self._last = State(), None
        first = 0 if self._last is None else self._last.number + 1
        while first <= head.number:
            last = min(head.number, first + _RANGE - 1)
            self._take(first, last)
            self._last = head if last == head.number else self._node.header(last)
            first = last + 1
        self._state.now_s = head.timestamp

    def _take(self, first: int, last: int) -> None:
        number = -1
        for item in self._node.logs(_WANTED, first, last):
            if item.block_number != number:
                number = item.block_number
                self._state.now_s = self._node.header(number).timestamp
            mirror.apply(self._state, Log(address=item.address, topics=item.topics, data=item.data))
