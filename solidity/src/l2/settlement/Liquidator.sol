// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../interfaces/settlement/IClearing.sol";
import {ICollateral} from "../../interfaces/settlement/ICollateral.sol";
import {IInsuranceFund} from "../../interfaces/settlement/IInsuranceFund.sol";
import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {ILiquidator} from "../../interfaces/settlement/ILiquidator.sol";
import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../interfaces/settlement/IPriceOracle.sol";
import {IRiskManager} from "../../interfaces/settlement/IRiskManager.sol";
import {CLEARING, COLLATERAL, INSURANCE_FUND, LEDGER, MARKETS, RISK_MANAGER} from "../../libraries/Constants.sol";
import {LiquidationMath} from "../../libraries/settlement/LiquidationMath.sol";
import {MarginMath} from "../../libraries/settlement/MarginMath.sol";
import {Module} from "../../libraries/settlement/Module.sol";
import {Quantum} from "../../libraries/settlement/Quantum.sol";
import {
    BAD_DEBT,
    CashReason,
    INSURANCE,
    Leg,
    LegChange,
    MarketId,
    MarketStatus,
    PriceUse,
    SubaccountChange,
    SubaccountId
} from "../../types/Settlement.sol";

/// @title The liquidator (L2)
/// @notice See ILiquidator and LiquidationMath. Predeploy: genesis writes its code; there is no constructor.
/// @dev Every entry brings the markets of the subaccount up to the latest prices first, and asks for fresh ones.
contract Liquidator is ILiquidator, Module {
    /* CONSTANTS */

    ILedger internal constant _LEDGER = ILedger(LEDGER);
    IMarkets internal constant _MARKETS = IMarkets(MARKETS);
    IRiskManager internal constant _RISK_MANAGER = IRiskManager(RISK_MANAGER);
    ICollateral internal constant _COLLATERAL = ICollateral(COLLATERAL);
    IInsuranceFund internal constant _FUND = IInsuranceFund(INSURANCE_FUND);

    /// @dev Between flag and liquidation if no second price comes.
    uint64 internal constant GRACE_S = 60;

    /// @dev Afterwards a flag says nothing about now.
    uint64 internal constant FLAG_LIFE_S = 1 hours;

    /// @dev After an outage owners get this long to act before flags count.
    uint64 internal constant OUTAGE_GRACE_S = 15 minutes;

    /// @dev An older report of the book counts as none.
    uint64 internal constant REPORT_AGE_S = 10 minutes;

    /// @dev Between the request of a close and its execution against the insurance fund; afterwards it is open so long.
    uint64 internal constant CLOSE_DELAY_S = 4 hours;
    uint64 internal constant CLOSE_WINDOW_S = 7 days;

    /// @dev A forced close takes a price seen after it was asked for and no older than this, whatever the feed allows
    /// otherwise: all the owner can do against an aggregator that is silent comes through L1, hours late.
    uint64 internal constant CLOSE_PRICE_AGE_S = 24 hours;

    /// @dev What the fund takes a position over at, from mark or index; and half of it, at which it may give it up.
    uint256 internal constant TAKE_OVER_PIPS = 10_000;
    uint256 internal constant GIVE_UP_PIPS = 5_000;

    /// @dev No market: losses nobody's positions made.
    MarketId internal constant NO_MARKET = MarketId.wrap(0);
    SubaccountId internal constant NOBODY = SubaccountId.wrap(0);

    /* TYPES */

    struct Flag {
        uint64 at;
        uint64 pricedAt;
    }

    /// @dev `sizeWad` is the position when it was asked for.
    struct CloseRequest {
        int128 sizeWad;
        uint64 executableAt;
    }

    /* STORAGE */

    mapping(SubaccountId id => Flag) internal _flags;
    mapping(SubaccountId id => mapping(MarketId market => CloseRequest)) internal _requests;

    /* FLAGS */

    /// @inheritdoc ILiquidator
    function flag(SubaccountId id) external exclusive {
        _refresh(id);
        if (!_isBelow(id, _RISK_MANAGER.margin(id))) revert Healthy(id);
        _RISK_MANAGER.requireFresh(id, PriceUse.LIQUIDATE);
        if (flaggedAt(id) != 0) return;
        (, uint64 newest,) = _priceTimes(id);
        _flags[id] = Flag(uint64(block.timestamp), newest);
        emit Flagged(id, msg.sender, uint64(block.timestamp), newest);
    }

    /// @inheritdoc ILiquidator
    function unflag(SubaccountId id) external exclusive {
        if (_flags[id].at == 0) revert NotFlagged(id);
        _refresh(id);
        if (_isBelow(id, _RISK_MANAGER.margin(id))) revert Unhealthy(id);
        _unflag(id);
    }

    /// @inheritdoc ILiquidator
    function flaggedAt(SubaccountId id) public view returns (uint64 at) {
        at = _flags[id].at;
        if (block.timestamp > at + FLAG_LIFE_S) return 0;
    }

    /// @inheritdoc ILiquidator
    function isLiquidatable(SubaccountId id) external view returns (bool) {
        IRiskManager.Margin memory margin = _RISK_MANAGER.margin(id);
        if (!_isBelow(id, margin)) return false;
        try _RISK_MANAGER.requireFresh(id, PriceUse.LIQUIDATE) {}
        catch {
            return false;
        }
        if (_isFarBelow(id, margin)) return true;
        return flaggedAt(id) != 0 && block.timestamp >= _graceEnd(id);
    }

    /* LIQUIDATION */

    /// @inheritdoc ILiquidator
    function liquidate(SubaccountId id, MarketId market, SubaccountId rewardTo, bytes calldata makers)
        external
        exclusive
        returns (int256 closedWad)
    {
        if (rewardTo != NOBODY && _ownerOf(rewardTo) != msg.sender) revert NotOwner();
        _refresh(id);
        IRiskManager.Margin memory margin = _RISK_MANAGER.margin(id);
        _requireLiquidatable(id, margin);
        _COLLATERAL.cancelAll(id);
        margin = _RISK_MANAGER.margin(id);
        if (!_isBelow(id, margin)) {
            _unflag(id);
            return 0;
        }
        int256 notionalWad;
        (closedWad, notionalWad) = _close(id, market, rewardTo, makers, margin);
        margin = _RISK_MANAGER.margin(id);
        if (!_isBelow(id, margin)) _unflag(id);
        else if (_isInsolvent(margin)) _coverShortfall(id, market, uint256(notionalWad));
    }

    /// @inheritdoc ILiquidator
    function resolve(SubaccountId id) external exclusive {
        _refresh(id);
        _COLLATERAL.cancelAll(id);
        if (!_isInsolvent(_RISK_MANAGER.margin(id))) revert Healthy(id);
        _RISK_MANAGER.requireFresh(id, PriceUse.LIQUIDATE);
        _coverShortfall(id, NO_MARKET, 0);
    }

    /// @inheritdoc ILiquidator
    function closeTerms(SubaccountId id, MarketId market) external view returns (int256 sizeWad, int256 limitWad) {
        IRiskManager.Margin memory margin = _RISK_MANAGER.margin(id);
        return _isBelow(id, margin) ? _closeTerms(_case(id, market, margin)) : (int256(0), int256(0));
    }

    /* FORCED CLOSE */

    /// @inheritdoc ILiquidator
    function requestClose(SubaccountId id, MarketId market) external exclusive {
        if (_ownerOf(id) != msg.sender) revert NotOwner();
        int128 sizeWad = _LEDGER.position(id, market).sizeWad;
        if (sizeWad == 0) revert NothingToClose();
        _setRequest(id, market, CloseRequest(sizeWad, uint64(block.timestamp) + CLOSE_DELAY_S));
    }

    /// @inheritdoc ILiquidator
    function closeRequest(SubaccountId id, MarketId market)
        external
        view
        returns (int256 sizeWad, uint64 executableAt)
    {
        CloseRequest memory request = _requests[id][market];
        return (request.sizeWad, request.executableAt);
    }

    /// @inheritdoc ILiquidator
    function forceClose(SubaccountId id, MarketId market) external exclusive returns (int256 closedWad) {
        CloseRequest memory request = _requireRequest(id, market);
        _refresh(id);
        IMarkets.State memory state = _MARKETS.state(market);
        _requireClosable(market, state, request.executableAt - CLOSE_DELAY_S);
        int256 sizeWad = _LEDGER.position(id, market).sizeWad;
        int256 askedWad = _lesser(sizeWad, request.sizeWad);
        if (askedWad == 0) revert NothingToClose();
        int256 takenWad = _fundCapacity(market, askedWad, state.markWad);
        if (takenWad == 0) revert OverInsuranceCap();

        int256 priceWad = LiquidationMath.spreadPriceWad(sizeWad, _lowOf(sizeWad, state), TAKE_OVER_PIPS);
        closedWad = -takenWad;
        _setRequest(id, market, CloseRequest(int128(askedWad - takenWad), request.executableAt));
        emit ForceClosed(id, market, closedWad, priceWad);
        _takeOver(id, LegChange(market, takenWad, state.settleIndexWad), priceWad - state.markWad);
    }

    /// @inheritdoc ILiquidator
    function unwind(MarketId market, bytes calldata makers) external exclusive returns (int256 closedWad) {
        _MARKETS.refresh(market);
        int256 sizeWad = _LEDGER.position(INSURANCE, market).sizeWad;
        if (sizeWad == 0) revert NothingToClose();
        // As its counterparty would be judged: who trades with the fund gets the worse of the two.
        int256 baseWad = _lowOf(-sizeWad, _MARKETS.state(market));
        int256 limitWad = LiquidationMath.spreadPriceWad(sizeWad, baseWad, GIVE_UP_PIPS);
        int256 notionalWad;
        (closedWad, notionalWad) = IClearing(CLEARING).closeAgainst(INSURANCE, market, -sizeWad, limitWad, makers);
        if (closedWad == 0) revert NothingToClose();
        _FUND.reconcile(market);
        emit Unwound(market, msg.sender, closedWad, notionalWad);
    }

    /* LIQUIDATION: STEPS */

    /// @dev Below half of the maintenance margin at once; else flagged, and grace has passed or a second price come.
    function _requireLiquidatable(SubaccountId id, IRiskManager.Margin memory margin) private view {
        if (!_isBelow(id, margin)) revert Healthy(id);
        _RISK_MANAGER.requireFresh(id, PriceUse.LIQUIDATE);
        if (_isFarBelow(id, margin)) return;
        if (flaggedAt(id) == 0) revert NotFlagged(id);
        uint64 end = _graceEnd(id);
        if (block.timestamp < end) revert InGrace(end);
    }

    /// @dev When a flagged subaccount may be liquidated: after the grace period, or at once if every market it holds has had
    /// a price since; but not right after an outage of prices.
    function _graceEnd(SubaccountId id) private view returns (uint64 end) {
        Flag memory flag_ = _flags[id];
        (uint64 oldest,, uint64 resumed) = _priceTimes(id);
        end = oldest > flag_.pricedAt ? flag_.at : flag_.at + GRACE_S;
        if (resumed != 0 && end < resumed + OUTAGE_GRACE_S) end = resumed + OUTAGE_GRACE_S;
    }

    /// @dev Closes what the terms allow, and takes the penalty out of what is left.
    function _close(
        SubaccountId id,
        MarketId market,
        SubaccountId rewardTo,
        bytes calldata makers,
        IRiskManager.Margin memory margin
    ) private returns (int256 closedWad, int256 notionalWad) {
        LiquidationMath.Case memory leg = _case(id, market, margin);
        (int256 sizeWad, int256 limitWad) = _closeTerms(leg);
        if (sizeWad == 0) revert NothingToClose();
        (closedWad, notionalWad) = IClearing(CLEARING).closeAgainst(id, market, sizeWad, limitWad, makers);
        if (closedWad == 0) revert NothingToClose();
        uint256 penaltyWad = _penaltyWad(id, uint256(notionalWad), leg);
        uint256 rewardWad = _pay(id, market, rewardTo, penaltyWad);
        emit Liquidated(id, market, msg.sender, closedWad, notionalWad, penaltyWad, rewardWad);
    }

    /// @dev At the rate of all that was to be closed, so that closing it in parts is no cheaper.
    function _penaltyWad(SubaccountId id, uint256 notionalWad, LiquidationMath.Case memory leg)
        private
        view
        returns (uint256)
    {
        uint256 askedWad = Quantum.mulWadUp(LiquidationMath.closeSizeWad(leg), uint256(leg.markWad));
        uint256 rate = LiquidationMath.penaltyRateWad(askedWad, leg.depthWad, leg.volatilityWad, leg.rateWad);
        return LiquidationMath.penaltyWad(notionalWad, rate, _RISK_MANAGER.margin(id).equityWad);
    }

    /// @dev A part of the penalty to the keeper, unless the liquidated owner is the keeper; the rest to the market's tranche.
    function _pay(SubaccountId id, MarketId market, SubaccountId rewardTo, uint256 penaltyWad)
        private
        returns (uint256 rewardWad)
    {
        if (rewardTo != NOBODY && _ownerOf(rewardTo) != _ownerOf(id)) {
            rewardWad = LiquidationMath.rewardWad(penaltyWad);
        }
        if (rewardWad != 0) _LEDGER.move(id, rewardTo, int256(rewardWad), CashReason.KEEPER_REWARD);
        _FUND.receivePenalty(market, id, penaltyWad - rewardWad);
    }

    function _closeTerms(LiquidationMath.Case memory leg) private pure returns (int256 sizeWad, int256 limitWad) {
        if (leg.sizeWad == 0 || leg.maintenanceWad == 0) return (0, 0);
        int256 closeWad = int256(LiquidationMath.closeSizeWad(leg));
        return (leg.sizeWad > 0 ? -closeWad : closeWad, LiquidationMath.limitPriceWad(leg));
    }

    /// @dev Ether to the fund first, so that equity is cash; then the market's and the global tranche; the rest is bad debt.
    /// @param notionalWad What was closed in this market: its tranche pays no more for a loss, whatever made it.
    function _coverShortfall(SubaccountId id, MarketId market, uint256 notionalWad) private {
        if (_COLLATERAL.etherOf(id) != 0) _COLLATERAL.seizeEther(id);
        uint256 lossWad = uint256(-_RISK_MANAGER.margin(id).equityWad);
        _settleFund(market);
        uint256 firstWad = lossWad < notionalWad ? lossWad : notionalWad;
        uint256 paidWad = _FUND.cover(market, id, firstWad) + _FUND.cover(NO_MARKET, id, lossWad - firstWad);
        uint256 missingWad = lossWad - paidWad;
        if (missingWad != 0) _LEDGER.move(BAD_DEBT, id, int256(missingWad), CashReason.BAD_DEBT);
        _unflag(id);
        emit Shortfall(id, paidWad, missingWad);
    }

    /// @dev What the fund's own position in a market has made so far, before the tranches pay.
    function _settleFund(MarketId market) private {
        if (_LEDGER.position(INSURANCE, market).sizeWad != 0) {
            SubaccountChange[] memory changes = new SubaccountChange[](1);
            changes[0] = SubaccountChange(INSURANCE, 0, _only(market, 0, _MARKETS.state(market).settleIndexWad));
            _LEDGER.settle(changes);
        }
        _FUND.reconcile(market);
    }

    /* FORCED CLOSE: STEPS */

    function _requireRequest(SubaccountId id, MarketId market) private view returns (CloseRequest memory request) {
        request = _requests[id][market];
        if (request.sizeWad == 0) revert NotRequested();
        uint64 until = request.executableAt + CLOSE_WINDOW_S;
        if (block.timestamp < request.executableAt || block.timestamp > until) {
            revert NotExecutable(request.executableAt, until);
        }
    }

    function _requireClosable(MarketId market, IMarkets.State memory state, uint64 askedAt) private view {
        if (state.status != MarketStatus.OPEN && state.status != MarketStatus.REDUCE_ONLY) {
            revert MarketNotOpen(market);
        }
        if (state.pricedAt < askedAt || block.timestamp > state.pricedAt + CLOSE_PRICE_AGE_S) {
            revert IPriceOracle.StalePrice(_MARKETS.terms(market).feed, state.pricedAt, CLOSE_PRICE_AGE_S);
        }
    }

    /// @dev The part of `sizeWad` the fund may take over: what brings its own position to its cap at the mark.
    function _fundCapacity(MarketId market, int256 sizeWad, int256 markWad) private view returns (int256) {
        uint256 capWad = Quantum.mulDivDown(_FUND.backstopNotionalWad(market), 1e18, uint256(markWad));
        int256 heldWad = _LEDGER.position(INSURANCE, market).sizeWad;
        // Room in the direction of `sizeWad`: a position on the other side adds to it.
        int256 roomWad = int256(capWad) - (sizeWad > 0 ? heldWad : -heldWad);
        if (roomWad <= 0) return 0;
        int256 lotWad = int256(uint256(_MARKETS.terms(market).lotWad));
        if (uint256(roomWad) >= Quantum.abs(sizeWad)) return sizeWad;
        int256 takenWad = Quantum.floorTo(roomWad, lotWad);
        return sizeWad > 0 ? takenWad : -takenWad;
    }

    /// @dev Moves a part of a position to the fund; only if margin would accept it as a trade.
    /// @param taken What the fund gets.
    /// @param offMarkWad Price less mark.
    function _takeOver(SubaccountId id, LegChange memory taken, int256 offMarkWad) private {
        IRiskManager.Margin memory was = _RISK_MANAGER.margin(id);
        int256 cashWad = Quantum.exact(taken.sizeDeltaWad, offMarkWad);
        SubaccountChange[] memory changes = new SubaccountChange[](2);
        changes[0] = SubaccountChange(id, cashWad, _only(taken.market, -taken.sizeDeltaWad, taken.indexWad));
        changes[1] = SubaccountChange(INSURANCE, -cashWad, _only(taken.market, taken.sizeDeltaWad, taken.indexWad));
        _LEDGER.settle(changes);
        _FUND.reconcile(taken.market);
        IRiskManager.Margin memory now_ = _RISK_MANAGER.margin(id);
        if (now_.initialEquityWad >= now_.initialWad) return;
        if (!MarginMath.isNoWorse(was.equityWad, was.maintenanceWad, now_.equityWad, now_.maintenanceWad)) {
            revert Unhealthy(id);
        }
    }

    /// @dev Of mark and index price the one at which a position is worth less: a mark that trades have pushed buys nothing from
    /// the fund and sells it nothing.
    function _lowOf(int256 sizeWad, IMarkets.State memory state) private pure returns (int256) {
        bool isMarkLower = state.markWad < state.indexPriceWad;
        return (sizeWad > 0) == isMarkLower ? state.markWad : state.indexPriceWad;
    }

    function _setRequest(SubaccountId id, MarketId market, CloseRequest memory request) private {
        if (request.sizeWad == 0) delete _requests[id][market];
        else _requests[id][market] = request;
        emit CloseRequested(id, market, request.sizeWad, request.executableAt);
    }

    /* MARKETS */

    /// @dev Pots have no owner and are nobody's to liquidate.
    function _refresh(SubaccountId id) private {
        if (_ownerOf(id) == address(0)) revert ILedger.UnknownSubaccount(id);
        (, Leg[] memory legs) = _LEDGER.portfolio(id);
        for (uint256 i; i < legs.length; ++i) {
            _MARKETS.refresh(legs[i].market);
        }
    }

    /// @dev Oldest and newest price behind the marks of what a subaccount holds, and the last time one of them came back from
    /// an outage. Expired markets do not count.
    function _priceTimes(SubaccountId id) private view returns (uint64 oldest, uint64 newest, uint64 resumed) {
        (, Leg[] memory legs) = _LEDGER.portfolio(id);
        oldest = type(uint64).max;
        for (uint256 i; i < legs.length; ++i) {
            IMarkets.State memory state = _MARKETS.state(legs[i].market);
            if (state.status == MarketStatus.EXPIRED) continue;
            if (state.pricedAt < oldest) oldest = state.pricedAt;
            if (state.pricedAt > newest) newest = state.pricedAt;
            uint64 at = _MARKETS.resumedAt(legs[i].market);
            if (at > resumed) resumed = at;
        }
    }

    function _case(SubaccountId id, MarketId market, IRiskManager.Margin memory margin)
        private
        view
        returns (LiquidationMath.Case memory leg)
    {
        leg.sizeWad = _LEDGER.position(id, market).sizeWad;
        if (leg.sizeWad == 0) return leg;
        (leg.equityWad, leg.maintenanceWad) = (margin.equityWad, margin.maintenanceWad);
        IMarkets.State memory state = _MARKETS.state(market);
        (leg.markWad, leg.indexPriceWad) = (state.markWad, state.indexPriceWad);
        IMarkets.Terms memory terms = _MARKETS.terms(market);
        (leg.tickWad, leg.lotWad) = (terms.tickWad, terms.lotWad);
        IMarkets.Limits memory limits = _MARKETS.limits(market);
        leg.minNotionalWad = limits.minNotionalWad;
        leg.rateWad = MarginMath.maintenanceRateWad(limits.initialPips, limits.maintenancePips, limits.volatilityPips);
        IMarkets.BookReport memory report = _MARKETS.report(market);
        bool isRecent = block.timestamp <= report.timestamp + REPORT_AGE_S;
        leg.depthWad =
            LiquidationMath.depthWad(isRecent ? report.depthWad : int256(0), limits.depthFloorWad, limits.depthCapWad);
        leg.volatilityWad = _MARKETS.hourlyVolatilityWad(market);
    }

    /* SMALL THINGS */

    function _unflag(SubaccountId id) private {
        if (_flags[id].at == 0) return;
        delete _flags[id];
        emit Unflagged(id);
    }

    function _ownerOf(SubaccountId id) private view returns (address owner) {
        (owner,,) = _LEDGER.subaccount(id);
    }

    /// @dev At the marks, and at the indices alone.
    function _isBelow(SubaccountId id, IRiskManager.Margin memory margin) private view returns (bool) {
        if (margin.equityWad >= margin.maintenanceWad) return false;
        return _indexEquityWad(id, margin.equityWad) < margin.maintenanceWad;
    }

    /// @dev Below half, both ways.
    function _isFarBelow(SubaccountId id, IRiskManager.Margin memory margin) private view returns (bool) {
        if (2 * margin.equityWad >= margin.maintenanceWad) return false;
        return 2 * _indexEquityWad(id, margin.equityWad) < margin.maintenanceWad;
    }

    /// @dev Equity if every position were worth its index price instead of its mark: settled trades and a report of the book
    /// move a mark, and no trade moves an index.
    function _indexEquityWad(SubaccountId id, int256 equityWad) private view returns (int256) {
        (, Leg[] memory legs) = _LEDGER.portfolio(id);
        for (uint256 i; i < legs.length; ++i) {
            IMarkets.State memory state = _MARKETS.state(legs[i].market);
            equityWad += Quantum.exact(legs[i].sizeWad, state.indexPriceWad - state.markWad);
        }
        return equityWad;
    }

    /// @dev Nothing left that could be closed, and less than nothing besides.
    function _isInsolvent(IRiskManager.Margin memory margin) private pure returns (bool) {
        return margin.maintenanceWad == 0 && margin.equityWad < 0;
    }

    function _only(MarketId market, int256 sizeWad, int256 indexWad) private pure returns (LegChange[] memory legs) {
        legs = new LegChange[](1);
        legs[0] = LegChange(market, sizeWad, indexWad);
    }

    /// @dev Of two sizes of the same side the smaller one; zero if the sides differ.
    function _lesser(int256 a, int256 b) private pure returns (int256) {
        if (a > 0 && b > 0) return a < b ? a : b;
        if (a < 0 && b < 0) return a > b ? a : b;
        return 0;
    }
}
