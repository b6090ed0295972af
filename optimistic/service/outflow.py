"""What may leave a subaccount now, how much of it without waiting, and when the rest."""

from dataclasses import dataclass
from typing import Final

from optimistic.protocol.settlement.collateral import MAX_WITHDRAWALS
from optimistic.protocol.settlement.rate_line import RateLine
from optimistic.protocol.settlement.types import PENDING, VAULT, PriceUse, SubaccountId
from optimistic.protocol.settlement.units import PIPS, WAD, ceil_div
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import BlockId
from optimistic.service.settlement_contracts import Asset, Collateral, Ledger, PriceOracle, StandardMargin

NOTHING_UNPROMISED: Final = "the gateway holds no more that is not promised already"
_STALE: Final = "a price behind the margin is too old: wait for a push"
_MARGIN: Final = "margin needs the rest"
_PENDING: Final = f"{MAX_WITHDRAWALS} withdrawals are pending: release or cancel one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outflow:
    """What may leave a subaccount of one asset; amounts in the token's units or in wei.

    Attributes
    ----------
    unit_wad : of the line's amounts in one unit; 1 for ether
    most : the greatest amount that may be asked for
    reason : what holds the rest back; empty if nothing does
    line : where withdrawals wait
    time_s : Unix seconds before which nothing that is asked for now is released
    """

    asset: Asset
    unit_wad: int
    most: int
    reason: str
    line: RateLine
    time_s: int

    @property
    def at_once(self) -> int:
        """The greatest amount that may be asked for and need not wait."""
        return min(self.most, self.line.at_once(self.time_s) // self.unit_wad)

    def ready_at(self, amount: int) -> int | None:
        """Return when an amount could be released, in Unix seconds; None above `most`, and for nothing."""
        if not 0 < amount <= self.most:
            return None
        return self.line.ready_at(amount * self.unit_wad, self.time_s)


class Outflows:
    """Reads of a node; views tell marks as stored, which a request brings up to date first.

    Parameters
    ----------
    node : a client of the node
    """

    def __init__(self, node: L1Client) -> None:
        self._node = node
        self._collateral = Collateral.of(node)
        self._ledger = Ledger.of(node)
        self._margin = StandardMargin.of(node)
        self._oracle = PriceOracle.of(node)

    def line(self, asset: Asset, at: BlockId) -> RateLine:
        """Return the line of an asset."""
        return RateLine(*self._collateral.read("lineOf", asset, at=at))

    def unpromised_cash_wad(self, at: BlockId) -> int:
        """Return the cash whose tokens are in the gateway and that nobody has asked for."""
        return -sum(self._ledger.owner_and_cash(id_, at)[1] for id_ in (VAULT, PENDING))

    def ether_room_wei(self, at: BlockId) -> int:
        """Return the ether that may come in before the cap is reached."""
        held_wei = self._collateral.read_int("totalEtherWei", at=at)
        return max(0, self._collateral.settings(at).ether_cap_wei - held_wei)

    def of(self, id_: SubaccountId, asset: Asset, now_s: int) -> Outflow:
        """Return what may leave a subaccount if asked for now, or in the newest block if that is later."""
        head = self._node.head()
        at = head.number
        unit_wad = self._collateral.token_unit_wad(at) if asset is Asset.CASH else 1
        most, reason = (self._cash if asset is Asset.CASH else self._ether)(id_, at)
        (pending,) = self._collateral.read("withdrawalsOf", id_, at=at)
        if len(pending) >= MAX_WITHDRAWALS:
            most, reason = 0, _PENDING
        return Outflow(
            asset=asset,
            unit_wad=unit_wad or 1,
            most=most // unit_wad if unit_wad else 0,
            reason=reason,
            line=self.line(asset, at),
            time_s=max(head.timestamp, now_s) + 1,
        )

    def _cash(self, id_: SubaccountId, at: BlockId) -> tuple[int, str]:
        """Return the cash in WAD that may be asked for, and why no more."""
        _, cash_wad = self._ledger.owner_and_cash(id_, at)
        try:
            limit_wad = max(0, cash_wad)
            if self._ledger.legs(id_, at):
                limit_wad = self._margin.withdrawable_cash_wad(id_, at)
        except ContractReverted:
            return 0, _STALE
        free_wad = max(0, self.unpromised_cash_wad(at))
        if free_wad < limit_wad:
            return free_wad, NOTHING_UNPROMISED
        return limit_wad, _MARGIN if limit_wad < cash_wad else ""

    def _ether(self, id_: SubaccountId, at: BlockId) -> tuple[int, str]:
        """Return the ether in wei that may be asked for, and why no more."""
        held_wei = self._collateral.ether_of(id_, at)
        _, cash_wad = self._ledger.owner_and_cash(id_, at)
        if not held_wei or (cash_wad >= 0 and not self._ledger.legs(id_, at)):
            return held_wei, ""
        try:
            limit_wad = self._margin.read_int("withdrawableWad", id_, at=at)
        except ContractReverted:
            return 0, _STALE
        kept_wei = self._kept_wei(held_wei, limit_wad, at) if limit_wad > 0 else held_wei
        return held_wei - kept_wei, _MARGIN if kept_wei else ""

    def _kept_wei(self, held_wei: int, limit_wad: int, at: BlockId) -> int:
        """Return the least ether to keep, rounded up, so that less margin than a limit above zero leaves."""
        settings = self._collateral.settings(at)
        if not self._oracle.is_fresh(settings.ether_feed, PriceUse.INCREASE, at):
            return 0
        price_wad = self._oracle.feed(settings.ether_feed, at).price_wad
        rate_wad = price_wad * (PIPS - settings.ether_initial_haircut_pips)
        value_wad = min(held_wei, settings.ether_cap_wei) * rate_wad // (WAD * PIPS)
        return ceil_div(max(0, value_wad - limit_wad + 1) * WAD * PIPS, rate_wad)
