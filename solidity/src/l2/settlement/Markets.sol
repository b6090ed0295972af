// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IInsuranceFund} from "../../interfaces/settlement/IInsuranceFund.sol";
import {ILedger} from "../../interfaces/settlement/ILedger.sol";
import {IMarkets} from "../../interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../interfaces/settlement/IPriceOracle.sol";
import {CLEARING, INSURANCE_FUND, LEDGER, PRICE_ORACLE, RISK_GOVERNOR} from "../../libraries/Constants.sol";
import {Funding} from "../../libraries/settlement/Funding.sol";
import {MarketBounds} from "../../libraries/settlement/MarketBounds.sol";
import {
    Accrual,
    Core,
    Depth,
    MarginLimits,
    MarketRecord,
    Top,
    Trades,
    TradingLimits
} from "../../libraries/settlement/MarketRecord.sol";
import {Marks} from "../../libraries/settlement/Marks.sol";
import {Module} from "../../libraries/settlement/Module.sol";
import {Root} from "../../libraries/settlement/Root.sol";
import {
    INSURANCE,
    LOT_WAD,
    MarketId,
    MarketStatus,
    PriceUse,
    QUANTUM_WAD,
    SubaccountId,
    WAD
} from "../../types/Settlement.sol";

/// @title Markets (L2)
/// @notice See IMarkets. Predeploy: genesis writes its code; there is no constructor.
contract Markets is IMarkets, Module {
    /* CONSTANTS */

    /// @dev Prices end here, in the PriceOracle too.
    int256 internal constant MAX_PRICE_WAD = 1e27;

    /// @dev Half hours looked at by one call of settleFuture.
    uint256 internal constant WINDOWS_PER_CALL = 256;

    uint256 private constant QUANTUM = uint256(QUANTUM_WAD);
    uint256 private constant LOT = uint256(LOT_WAD);

    /* STORAGE */

    /// @inheritdoc IMarkets
    address public reporter;

    /// @inheritdoc IMarkets
    uint32 public nMarkets;

    mapping(MarketId market => MarketRecord) internal _markets;

    /* PRICES */

    /// @inheritdoc IMarkets
    function refresh(MarketId market) external returns (State memory) {
        MarketRecord storage record = _listed(market);
        (Core memory core,) = _refresh(market, record);
        return _state(record, core);
    }

    /// @inheritdoc IMarkets
    function refreshForTrading(MarketId market) external returns (Trading memory) {
        MarketRecord storage record = _markets[market];
        (Core memory core, uint32[3] memory maxAgeS) = _refresh(market, record);
        TradingLimits memory trading = record.trading;
        return Trading({
            status: core.statusNow(),
            canIncrease: _isFresh(core, maxAgeS, PriceUse.INCREASE),
            canReduce: _isFresh(core, maxAgeS, PriceUse.REDUCE),
            markWad: core.markWad(),
            settleIndexWad: record.settleIndexWad(core),
            tickWad: uint128(trading.tickQuanta * QUANTUM),
            lotWad: uint128(trading.lotLots * LOT),
            takerFeePips: trading.takerFeePips,
            makerFeePips: trading.makerFeePips,
            openInterestCapWad: uint128(trading.openInterestCapLots * LOT),
            positionCapWad: uint128(trading.positionCapLots * LOT)
        });
    }

    /// @inheritdoc IMarkets
    function noteTrades(MarketId market, int256 vwapWad) external {
        if (msg.sender != CLEARING) revert NotModule(msg.sender);
        MarketRecord storage record = _listed(market);
        Core memory core = record.core;
        Trades memory trades = record.trades;
        if (core.pricedAt == 0) return;
        vwapWad = Marks.clamp(vwapWad, QUANTUM_WAD, MAX_PRICE_WAD);
        trades.lastQuanta = uint72(uint256(vwapWad) / QUANTUM);
        int256 sample = _basisSample(record, core, vwapWad);
        uint256 elapsed = block.timestamp - trades.basisAt;
        trades.basisWad = int56(Marks.movedBasis(trades.basisWad, sample, elapsed));
        trades.basisAt = uint40(block.timestamp);
        record.trades = trades;
        emit TradesNoted(market, vwapWad, trades.basisWad);
    }

    /// @inheritdoc IMarkets
    function reportBook(MarketId market, BookReport calldata report_) external {
        if (msg.sender != reporter) revert NotReporter();
        MarketRecord storage record = _listed(market);
        if (report_.timestamp > block.timestamp) revert ReportFromTheFuture(report_.timestamp);
        if (report_.timestamp <= record.top.reportedAt) revert ReportNotNewer();
        _requireSane(report_);
        (Core memory core,) = _refresh(market, record);
        int256 premium = 0;
        // The premium of a perpetual, against an index of the same time.
        bool isPaired = Marks.isCurrent(core.pricedAt, report_.timestamp);
        if (core.isPerpetual() && isPaired) {
            premium = Funding.premium(core.indexWad(), report_.impactBidWad, report_.impactAskWad);
        }
        record.setReport(report_, premium);
        emit BookReported(market, report_);
    }

    /* EXPIRY */

    /// @inheritdoc IMarkets
    function settleFuture(MarketId market) external exclusive returns (bool settled) {
        MarketRecord storage record = _listed(market);
        Core memory core = record.core;
        if (core.isPerpetual() || core.status == MarketStatus.EXPIRED || block.timestamp < core.expiry()) {
            revert NotExpired(core.expiry());
        }
        uint40 from = record.times.settleFrom;
        (uint256 price, uint64 next) =
            IPriceOracle(PRICE_ORACLE).firstSettlementPrice(core.feed, from, WINDOWS_PER_CALL);
        if (price == 0) {
            if (next == from) revert NoSettlementPriceYet();
            record.times.settleFrom = uint40(next);
            return false;
        }
        core.status = MarketStatus.EXPIRED;
        core.indexQuanta = core.markQuanta = uint72(price / QUANTUM);
        record.core = core;
        emit StatusChanged(market, MarketStatus.EXPIRED);
        emit FutureSettled(market, int256(price));
        ILedger(LEDGER).closeExpired(market, new SubaccountId[](0), int256(price));
        return true;
    }

    /// @inheritdoc IMarkets
    function closeExpired(MarketId market, SubaccountId[] calldata ids) external exclusive {
        Core memory core = _listed(market).core;
        if (core.status != MarketStatus.EXPIRED) revert NotSettled(market);
        ILedger(LEDGER).closeExpired(market, ids, core.markWad());
        for (uint256 i; i < ids.length; ++i) {
            // What the fund's position made is this market's, and nobody else's later.
            if (ids[i] == INSURANCE) IInsuranceFund(INSURANCE_FUND).reconcile(market);
        }
    }

    /* GOVERNANCE */

    /// @inheritdoc IMarkets
    function list(Terms calldata terms_, Limits calldata limits_) external returns (MarketId market) {
        _requireGovernor();
        MarketBounds.check(terms_);
        MarketBounds.check(limits_);
        // Reverts for an unknown feed.
        IPriceOracle(PRICE_ORACLE).feed(terms_.feed);
        market = MarketId.wrap(++nMarkets);
        MarketRecord storage record = _markets[market];
        record.core.status = MarketStatus.OPEN;
        record.trades.basisAt = uint40(block.timestamp);
        record.setTerms(terms_);
        record.setLimits(limits_);
        emit MarketListed(market, terms_);
        emit LimitsChanged(market, limits_);
        emit StatusChanged(market, MarketStatus.OPEN);
    }

    /// @inheritdoc IMarkets
    function setLimits(MarketId market, Limits calldata limits_) external {
        _requireGovernor();
        MarketBounds.check(limits_);
        _listed(market).setLimits(limits_);
        emit LimitsChanged(market, limits_);
    }

    /// @inheritdoc IMarkets
    function setStatus(MarketId market, MarketStatus status) external {
        _requireGovernor();
        Core storage core = _listed(market).core;
        bool isOwn = status == MarketStatus.NONE || status == MarketStatus.EXPIRED;
        if (isOwn || core.status == MarketStatus.EXPIRED) revert OutOfBounds("status");
        core.status = status;
        emit StatusChanged(market, status);
    }

    /// @inheritdoc IMarkets
    function setReporter(address reporter_) external {
        _requireGovernor();
        reporter = reporter_;
        emit ReporterChanged(reporter_);
    }

    /* VIEWS */

    /// @inheritdoc IMarkets
    function terms(MarketId market) external view returns (Terms memory) {
        return _listed(market).asTerms();
    }

    /// @inheritdoc IMarkets
    function limits(MarketId market) external view returns (Limits memory) {
        return _listed(market).asLimits();
    }

    /// @inheritdoc IMarkets
    function state(MarketId market) external view returns (State memory) {
        MarketRecord storage record = _listed(market);
        return _state(record, record.core);
    }

    /// @inheritdoc IMarkets
    function report(MarketId market) external view returns (BookReport memory) {
        return _listed(market).asReport();
    }

    /// @inheritdoc IMarkets
    function marginTerms(MarketId market, PriceUse use) external view returns (MarginTerms memory answer) {
        MarketRecord storage record = _listed(market);
        Core memory core = record.core;
        answer.status = core.statusNow();
        answer.feed = core.feed;
        answer.indexPriceWad = core.indexWad();
        answer.markWad = core.markWad();
        answer.settleIndexWad = record.settleIndexWad(core);
        answer.pricedAt = core.pricedAt;
        answer.isFresh = true;
        if (core.status == MarketStatus.EXPIRED) return answer;
        (, uint64 newest, uint32[3] memory maxAgeS) = IPriceOracle(PRICE_ORACLE).reading(core.feed);
        // Who leaves a market it holds out of its batch is not judged by what that market was worth before. Who liquidates
        // refreshes first.
        bool isPassedOver = use != PriceUse.LIQUIDATE && newest > core.pricedAt;
        answer.isFresh = !isPassedOver && _isFresh(core, maxAgeS, use);
        MarginLimits memory margin = record.margin;
        answer.initialPips = margin.initialPips;
        answer.sizeMarginPips = margin.sizeMarginPips;
        answer.maintenancePips = margin.maintenancePips;
        answer.volatilityPips = margin.volatilityPips;
        answer.openInterestLowWad = uint128(margin.openInterestLowLots * LOT);
        answer.openInterestHighWad = uint128(margin.openInterestHighLots * LOT);
    }

    /// @inheritdoc IMarkets
    function resumedAt(MarketId market) external view returns (uint64) {
        return _listed(market).times.resumedAt;
    }

    /// @inheritdoc IMarkets
    function funding(MarketId market)
        external
        view
        returns (int256 ratePer8hWad, int256 cumulativeWad, int256 premiumWad, int256 basisWad, uint64 accruedAt)
    {
        MarketRecord storage record = _listed(market);
        return (
            record.accrual.rateWad,
            record.accrual.cumulativeWad,
            record.top.premiumWad,
            record.trades.basisWad,
            record.core.pricedAt
        );
    }

    /// @inheritdoc IMarkets
    function hourlyVolatilityWad(MarketId market) external view returns (uint256) {
        return Root.sqrtDown(_listed(market).trades.varianceWad * uint256(WAD));
    }

    /* PRIVATE */

    /// @dev Take over the latest price if there is a new one.
    function _refresh(MarketId market, MarketRecord storage record)
        private
        returns (Core memory core, uint32[3] memory maxAgeS)
    {
        core = record.core;
        if (core.status == MarketStatus.NONE || core.status == MarketStatus.EXPIRED) return (core, maxAgeS);
        uint256 price;
        uint64 time;
        (price, time, maxAgeS) = IPriceOracle(PRICE_ORACLE).reading(core.feed);
        if (time <= core.pricedAt) return (core, maxAgeS);
        if (core.isSettling(time)) {
            price = IPriceOracle(PRICE_ORACLE).expectedSettlementPrice(core.feed, core.expiry());
        }
        Top memory top = record.top;
        Trades memory trades = record.trades;
        if (core.pricedAt != 0) {
            uint256 elapsed = time - core.pricedAt;
            if (elapsed > Funding.OUTAGE_S) record.times.resumedAt = uint40(block.timestamp);
            if (core.isPerpetual()) _accrue(record, core, top, time);
            int256 variance =
                Marks.movedVariance(int256(uint256(trades.varianceWad)), core.indexWad(), int256(price), elapsed);
            trades.varianceWad = record.trades.varianceWad = uint64(uint256(variance));
        }
        core.pricedAt = uint40(time);
        core.indexQuanta = uint72(price / QUANTUM);
        core.markQuanta = _markQuanta(record, core, top, trades);
        record.core = core;
        emit MarketRefreshed(
            market, core.indexWad(), core.markWad(), record.settleIndexWad(core), record.accrual.rateWad, time
        );
    }

    /// @dev Funding up to a new price.
    function _accrue(MarketRecord storage record, Core memory core, Top memory top, uint256 time) private {
        Accrual memory old = record.accrual;
        Funding.State memory next = Funding.State(old.cumulativeWad, old.rateWad, old.premiumSumWad);
        Funding.advance(
            next,
            core.indexWad(),
            Funding.Premium({wad: top.premiumWad, until: top.reportedAt + Marks.REPORT_AGE_S}),
            core.pricedAt,
            time,
            Funding.rateCap(record.margin.initialPips, record.margin.maintenancePips)
        );
        record.accrual = Accrual({
            cumulativeWad: int112(next.cumulativeWad),
            rateWad: int64(next.rateWad),
            premiumSumWad: int72(next.premiumSumWad)
        });
    }

    function _markQuanta(MarketRecord storage record, Core memory core, Top memory top, Trades memory trades)
        private
        view
        returns (uint72)
    {
        int256 index = core.indexWad();
        int256 book = index;
        if (Marks.isCurrent(top.reportedAt, core.pricedAt)) {
            book = Marks.bookPrice(index, _wad(top.bidQuanta), _wad(top.askQuanta), _wad(trades.lastQuanta));
        }
        int256 mark = Marks.mark(index, trades.basisWad, book, record.margin.markBandPips);
        return uint72(uint256(mark) / QUANTUM);
    }

    /// @dev What these trades say about the basis.
    function _basisSample(MarketRecord storage record, Core memory core, int256 vwapWad) private view returns (int256) {
        if (!Marks.isCurrent(record.top.reportedAt, core.pricedAt)) {
            return Marks.basisSample(core.indexWad(), vwapWad, 0, 0);
        }
        Depth memory depth = record.depth;
        return Marks.basisSample(core.indexWad(), vwapWad, _wad(depth.impactBidQuanta), _wad(depth.impactAskQuanta));
    }

    function _listed(MarketId market) private view returns (MarketRecord storage record) {
        record = _markets[market];
        if (record.core.status == MarketStatus.NONE) revert UnknownMarket(market);
    }

    function _state(MarketRecord storage record, Core memory core) private view returns (State memory) {
        return State({
            status: core.statusNow(),
            indexPriceWad: core.indexWad(),
            markWad: core.markWad(),
            settleIndexWad: record.settleIndexWad(core),
            pricedAt: core.pricedAt
        });
    }

    /// @dev Whether the price behind the mark may be used; a settlement price always.
    function _isFresh(Core memory core, uint32[3] memory maxAgeS, PriceUse use) private view returns (bool) {
        if (core.status == MarketStatus.EXPIRED) return true;
        return core.pricedAt != 0 && block.timestamp <= core.pricedAt + maxAgeS[uint256(use)];
    }

    function _requireGovernor() private view {
        if (msg.sender != RISK_GOVERNOR) revert NotGovernor();
    }

    /// @dev Prices are within the range of prices or zero, and the best ones do not cross.
    function _requireSane(BookReport calldata report_) private pure {
        bool isSane = _inRange(report_.bestBidWad) && _inRange(report_.bestAskWad) && _inRange(report_.impactBidWad)
            && _inRange(report_.impactAskWad) && report_.depthWad >= 0;
        bool isCrossed = report_.bestAskWad != 0 && report_.bestBidWad > report_.bestAskWad;
        if (!isSane || isCrossed) revert InvalidReport();
    }

    function _inRange(int256 priceWad) private pure returns (bool) {
        return priceWad >= 0 && priceWad <= MAX_PRICE_WAD;
    }

    function _wad(uint72 quanta) private pure returns (int256) {
        return int256(quanta * QUANTUM);
    }
}
