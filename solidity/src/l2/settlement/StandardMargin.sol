// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ICollateral} from "../../interfaces/settlement/ICollateral.sol";
import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../interfaces/settlement/IPriceOracle.sol";
import {IRiskManager} from "../../interfaces/settlement/IRiskManager.sol";
import {COLLATERAL, LEDGER, MARKETS, PRICE_ORACLE} from "../../libraries/Constants.sol";
import {MarginMath} from "../../libraries/settlement/MarginMath.sol";
import {Quantum} from "../../libraries/settlement/Quantum.sol";
import {Bust, FeedId, Leg, LegChange, MarketId, MarketStatus, PriceUse, SubaccountId} from "../../types/Settlement.sol";

/// @title Standard margin of perpetuals and dated futures (L2)
/// @notice See IRiskManager and MarginMath. Every leg is margined by itself; nothing is offset.
/// @dev Predeploy without storage. A leg costs one read of Markets, and one of the Ledger where the open interest counts.
/// Legs of expired markets hold a fixed amount of cash and need nothing.
contract StandardMargin is IRiskManager {
    /* CONSTANTS */

    ILedger internal constant _LEDGER = ILedger(LEDGER);
    IMarkets internal constant _MARKETS = IMarkets(MARKETS);
    ICollateral internal constant _COLLATERAL = ICollateral(COLLATERAL);

    /// @dev What stays of a withdrawal: a tenth of all notional, whatever the initial margin.
    uint256 internal constant OUTFLOW_DIVISOR = 10;

    /* TYPES */

    /// @dev A portfolio before and after a trade. Equity after is equity before plus the cash of the trade, since a
    /// trade happens at the mark.
    struct Trade {
        PriceUse use;
        bool isStale;
        int256 cashWad;
        int256 initialWad;
        int256 maintenanceBeforeWad;
        int256 maintenanceWad;
    }

    /* VIEWS */

    /// @inheritdoc IRiskManager
    function margin(SubaccountId id) external view returns (Margin memory total) {
        (total,) = explain(id);
    }

    /// @inheritdoc IRiskManager
    function explain(SubaccountId id) public view returns (Margin memory total, LegMargin[] memory lines) {
        (int256 cashWad, Leg[] memory legs) = _LEDGER.portfolio(id);
        lines = new LegMargin[](legs.length);
        for (uint256 i; i < legs.length; ++i) {
            IMarkets.MarginTerms memory terms = _MARKETS.marginTerms(legs[i].market, PriceUse.REDUCE);
            lines[i] = _line(legs[i], terms);
            cashWad += lines[i].unsettledWad;
            total.initialWad += lines[i].initialWad;
            total.maintenanceWad += lines[i].maintenanceWad;
        }
        (int256 initialValueWad, int256 maintenanceValueWad) = _COLLATERAL.valuesWad(id);
        total.initialEquityWad = cashWad + initialValueWad;
        total.equityWad = cashWad + maintenanceValueWad;
    }

    /// @inheritdoc IRiskManager
    function requireFresh(SubaccountId id, PriceUse use) external view {
        (, Leg[] memory legs) = _LEDGER.portfolio(id);
        for (uint256 i; i < legs.length; ++i) {
            IMarkets.MarginTerms memory terms = _MARKETS.marginTerms(legs[i].market, use);
            if (!terms.isFresh) _revertStale(terms.feed, terms.pricedAt, use);
        }
        if (_COLLATERAL.etherOf(id) == 0) return;
        ICollateral.Settings memory settings = _COLLATERAL.settings();
        // Under a cap of zero ether counts for nothing, at any price. `fresh` reverts by itself.
        if (settings.etherCapWei != 0) IPriceOracle(PRICE_ORACLE).fresh(settings.etherFeed, use);
    }

    /// @inheritdoc IRiskManager
    function withdrawableWad(SubaccountId id) external view returns (int256 valueWad) {
        (valueWad,) = _withdrawable(id);
    }

    /// @inheritdoc IRiskManager
    function withdrawableCashWad(SubaccountId id) external view returns (int256) {
        (int256 valueWad, int256 cashWad) = _withdrawable(id);
        if (cashWad < 0) return 0;
        return cashWad < valueWad ? cashWad : valueWad;
    }

    /* TRADES */

    /// @inheritdoc IRiskManager
    function checkTrade(SubaccountId id, LegChange[] calldata changes, int256 cashDeltaWad)
        external
        view
        returns (Bust)
    {
        (int256 cashWad, Leg[] memory legs) = _LEDGER.portfolio(id);
        int256[] memory deltas = new int256[](legs.length);
        bool isReducing = _match(legs, changes, deltas);
        Trade memory trade;
        trade.use = isReducing ? PriceUse.REDUCE : PriceUse.INCREASE;
        trade.cashWad = cashWad;
        _addHeld(trade, legs, deltas);
        _addNew(trade, legs, changes);
        if (trade.isStale) return Bust.STALE_PRICE;

        (int256 initialValueWad, int256 maintenanceValueWad) = _COLLATERAL.valuesWad(id);
        if (trade.cashWad + cashDeltaWad + initialValueWad >= trade.initialWad) return Bust.NONE;
        int256 equityWad = trade.cashWad + maintenanceValueWad;
        bool isNoWorse = isReducing
            && MarginMath.isNoWorse(
                equityWad, trade.maintenanceBeforeWad, equityWad + cashDeltaWad, trade.maintenanceWad
            );
        return isNoWorse ? Bust.NONE : Bust.MARGIN;
    }

    /// @dev The change of every leg held, and whether nothing grows, turns or is new.
    function _match(Leg[] memory legs, LegChange[] calldata changes, int256[] memory deltas)
        private
        pure
        returns (bool isReducing)
    {
        isReducing = true;
        for (uint256 i; i < changes.length; ++i) {
            int256 delta = changes[i].sizeDeltaWad;
            uint256 k = _find(legs, changes[i].market);
            if (k < legs.length) {
                deltas[k] = delta;
                isReducing = isReducing && MarginMath.isReduction(legs[k].sizeWad, legs[k].sizeWad + delta);
            } else {
                isReducing = isReducing && delta == 0;
            }
        }
    }

    function _addHeld(Trade memory trade, Leg[] memory legs, int256[] memory deltas) private view {
        for (uint256 i; i < legs.length; ++i) {
            Leg memory leg = legs[i];
            IMarkets.MarginTerms memory terms = _add(trade, leg.market, leg.sizeWad + deltas[i]);
            trade.cashWad += Quantum.exact(leg.sizeWad, terms.settleIndexWad - leg.indexWad);
            trade.maintenanceBeforeWad += int256(_maintenance(terms, _notional(leg.sizeWad, terms)));
        }
    }

    function _addNew(Trade memory trade, Leg[] memory legs, LegChange[] calldata changes) private view {
        for (uint256 i; i < changes.length; ++i) {
            if (changes[i].sizeDeltaWad != 0 && _find(legs, changes[i].market) == legs.length) {
                _add(trade, changes[i].market, changes[i].sizeDeltaWad);
            }
        }
    }

    /// @dev Requirements of a leg as it is after the trade.
    function _add(Trade memory trade, MarketId market, int256 sizeWad)
        private
        view
        returns (IMarkets.MarginTerms memory terms)
    {
        terms = _MARKETS.marginTerms(market, trade.use);
        if (!terms.isFresh) trade.isStale = true;
        uint256 notionalWad = _notional(sizeWad, terms);
        if (notionalWad == 0) return terms;
        trade.initialWad += int256(_initial(terms, market, notionalWad));
        trade.maintenanceWad += int256(_maintenance(terms, notionalWad));
    }

    /* WITHDRAWALS */

    /// @dev What may leave, and the settled cash.
    function _withdrawable(SubaccountId id) private view returns (int256 valueWad, int256 cashWad) {
        Leg[] memory legs;
        (cashWad, legs) = _LEDGER.portfolio(id);
        uint256 initialWad;
        uint256 grossWad;
        uint256 bufferWad;
        for (uint256 i; i < legs.length; ++i) {
            MarketId market = legs[i].market;
            IMarkets.MarginTerms memory terms = _MARKETS.marginTerms(market, PriceUse.INCREASE);
            if (!terms.isFresh) _revertStale(terms.feed, terms.pricedAt, PriceUse.INCREASE);
            cashWad += Quantum.exact(legs[i].sizeWad, terms.settleIndexWad - legs[i].indexWad);
            uint256 notionalWad = _notional(legs[i].sizeWad, terms);
            if (notionalWad == 0) continue;
            grossWad += notionalWad;
            initialWad += _initial(terms, market, notionalWad);
            bufferWad += Quantum.mulWadUp(
                notionalWad,
                MarginMath.bufferRateWad(_MARKETS.hourlyVolatilityWad(market), block.timestamp - terms.pricedAt)
            );
        }
        uint256 least = Quantum.mulDivUp(grossWad, 1, OUTFLOW_DIVISOR);
        if (least < initialWad) least = initialWad;
        (int256 initialValueWad,) = _COLLATERAL.valuesWad(id);
        valueWad = cashWad + initialValueWad - int256(least + bufferWad);
        if (valueWad < 0) valueWad = 0;
    }

    /* LEGS */

    function _line(Leg memory leg, IMarkets.MarginTerms memory terms) private view returns (LegMargin memory line) {
        uint256 notionalWad = _notional(leg.sizeWad, terms);
        line.market = leg.market;
        line.sizeWad = leg.sizeWad;
        line.notionalWad = int256(notionalWad);
        line.unsettledWad = Quantum.exact(leg.sizeWad, terms.settleIndexWad - leg.indexWad);
        if (notionalWad == 0) return line;
        line.initialWad = int256(_initial(terms, leg.market, notionalWad));
        line.maintenanceWad = int256(_maintenance(terms, notionalWad));
    }

    /// @dev Size without sign × index price: exact. Nothing in an expired market.
    function _notional(int256 sizeWad, IMarkets.MarginTerms memory terms) private pure returns (uint256) {
        if (terms.status == MarketStatus.EXPIRED) return 0;
        return uint256(Quantum.exact(int256(Quantum.abs(sizeWad)), terms.indexPriceWad));
    }

    /// @dev With the open interest as it is stored, before a trade.
    function _initial(IMarkets.MarginTerms memory terms, MarketId market, uint256 notionalWad)
        private
        view
        returns (uint256)
    {
        uint256 rateWad =
            MarginMath.initialRateWad(terms.initialPips, terms.sizeMarginPips, terms.volatilityPips, notionalWad);
        if (terms.openInterestHighWad > terms.openInterestLowWad) {
            rateWad = MarginMath.crowdedRateWad(
                rateWad, uint256(_LEDGER.openInterestWad(market)), terms.openInterestLowWad, terms.openInterestHighWad
            );
        }
        return Quantum.mulWadUp(notionalWad, rateWad);
    }

    function _maintenance(IMarkets.MarginTerms memory terms, uint256 notionalWad) private pure returns (uint256) {
        return Quantum.mulWadUp(
            notionalWad, MarginMath.maintenanceRateWad(terms.initialPips, terms.maintenancePips, terms.volatilityPips)
        );
    }

    /// @dev Where a market is among the legs; their number if nowhere.
    function _find(Leg[] memory legs, MarketId market) private pure returns (uint256 k) {
        while (k < legs.length && legs[k].market != market) {
            ++k;
        }
    }

    function _revertStale(FeedId feed, uint64 pricedAt, PriceUse use) private view {
        (IPriceOracle.Feed memory setting,) = IPriceOracle(PRICE_ORACLE).feed(feed);
        revert IPriceOracle.StalePrice(feed, pricedAt, setting.maxAgeS[uint256(use)]);
    }
}
