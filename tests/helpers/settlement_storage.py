"""The state that logs tell, held to what the views of the settlement contracts answer."""

from optimistic.protocol.settlement import closing, collateral, flags, insurance, markets
from optimistic.protocol.settlement.portfolio import is_priced, margin_of, may_leave
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import Asset, PriceUse
from tests.helpers.settlement_chain import SettlementChain
from tests.helpers.settlement_twins import Twins


def compare_storage(twins: Twins) -> None:
    """Hold what the logs tell to what the views answer."""
    _compare_subaccounts(twins.state, twins.chain)
    _compare_markets(twins.state, twins.chain)
    _compare_outflow(twins.state, twins.chain)
    _compare_offices(twins.state, twins.chain)


def _compare_subaccounts(state: State, chain: SettlementChain) -> None:
    read = chain.read
    for number, subaccount in state.subaccounts.items():
        owner, mode, cash = read("Ledger", "subaccount", number)
        assert (owner, mode, cash) == (subaccount.owner, subaccount.margin_mode, subaccount.cash_wad)
        _, legs = read("Ledger", "portfolio", number)
        assert {leg[0]: leg[1:] for leg in legs} == {key: tuple(leg) for key, leg in subaccount.legs.items()}
        assert read("StandardMargin", "margin", number) == tuple(margin_of(state, number))
        if all(is_priced(state, held, PriceUse.INCREASE) for held in subaccount.legs):
            value, paid = may_leave(state, number)
            assert read("StandardMargin", "withdrawableWad", number) == value
            assert read("StandardMargin", "withdrawableCashWad", number) == paid
        for held in subaccount.legs:
            terms = closing.close_terms(state, number, held)
            assert read("Liquidator", "closeTerms", number, held) == terms
    assert read("Ledger", "nextSubaccount") == state.next_subaccount


def _compare_markets(state: State, chain: SettlementChain) -> None:
    read = chain.read
    for id_, market in state.markets.items():
        status = markets.status_now(market, state.now_s)
        prices = market.index_price_wad, market.mark_wad, market.settle_index_wad
        assert read("Markets", "state", id_) == (status, *prices, market.priced_at)
        rate, cumulative, premium, basis, at = read("Markets", "funding", id_)
        assert (cumulative, rate) == market.funding[:2]
        assert (premium, basis, at) == (market.premium_wad, market.basis_wad, market.priced_at)
        assert read("Markets", "hourlyVolatilityWad", id_) == markets.hourly_volatility(market)
        assert read("Markets", "resumedAt", id_) == market.resumed_at
        assert read("Ledger", "openInterestWad", id_) == market.open_interest_wad
    for name, feed in state.feeds.items():
        assert read("PriceOracle", "averageWad", name) == feed.averages.average_wad


def _compare_outflow(state: State, chain: SettlementChain) -> None:
    read, queue = chain.read, state.queue
    assert read("Collateral", "tokenUnitWad") == queue.token_unit_wad
    assert read("Collateral", "totalEtherWei") == queue.total_ether_wei
    for id_, subaccount in state.subaccounts.items():
        waiting = collateral.pending_of(state, id_)
        cash = sum(one.amount for one in waiting.values() if one.asset is Asset.CASH)
        ether = sum(one.amount for one in waiting.values() if one.asset is Asset.ETHER)
        assert read("Collateral", "etherOf", id_) == subaccount.ether_wei
        assert sorted(read("Collateral", "withdrawalsOf", id_)) == sorted(waiting)
        assert read("Collateral", "pendingOf", id_) == (cash * queue.token_unit_wad, ether)
    for asset in Asset:
        assert tuple(read("Collateral", "lineOf", asset)) == collateral.line_of(state, asset)
    for number, one in queue.waiting.items():
        assert tuple(read("Collateral", "withdrawal", number)) == one[:-1]


def _compare_offices(state: State, chain: SettlementChain) -> None:
    read = chain.read
    for market in (insurance.GLOBAL, *state.markets):
        assert read("InsuranceFund", "trancheWad", market) == state.tranches_wad.get(market, 0)
        assert read("InsuranceFund", "backstopNotionalWad", market) == insurance.backstop(state, market)
        is_tight = market in state.governance.tight_until
        assert read("RiskGovernor", "isTightened", market) is is_tight
    for id_ in state.subaccounts:
        assert read("Liquidator", "flaggedAt", id_) == flags.flagged_at(state, id_)
        assert read("Liquidator", "isLiquidatable", id_) is flags.is_liquidatable(state, id_)
        for market in state.markets:
            asked = state.close_requests.get((id_, market), (0, 0))
            assert read("Liquidator", "closeRequest", id_, market) == tuple(asked)
    for name, time in state.governance.ready_at.items():
        assert read("RiskGovernor", "readyAt", name) == time
