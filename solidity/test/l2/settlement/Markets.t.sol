// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {CLEARING, MARKETS, RISK_GOVERNOR} from "../../../src/libraries/Constants.sol";
import {FeedId, MarketId, MarketKind, MarketStatus, PriceUse} from "../../../src/types/Settlement.sol";
import {PriceWorld} from "../../helpers/PriceWorld.sol";

contract MarketsTest is PriceWorld {
    uint256 internal constant PRICE = 2000e18;
    int256 internal constant INDEX = 2000e18;
    MarketId internal market;

    function setUp() public {
        setUpPrices();
        market = list(perpetual());
    }

    function bookOf(int256 bid, int256 ask) internal view returns (IMarkets.BookReport memory) {
        return IMarkets.BookReport({
            bestBidWad: bid,
            bestAskWad: ask,
            impactBidWad: 0,
            impactAskWad: 0,
            depthWad: 1e24,
            timestamp: uint64(block.timestamp)
        });
    }

    function reportBook(IMarkets.BookReport memory report) internal {
        vm.prank(reporter);
        MARKETS_.reportBook(market, report);
    }

    function noteTrades(int256 vwap) internal {
        vm.prank(CLEARING);
        MARKETS_.noteTrades(market, vwap);
    }

    function outOfBounds(bytes32 parameter) internal {
        vm.expectRevert(abi.encodeWithSelector(IMarkets.OutOfBounds.selector, parameter));
        vm.prank(RISK_GOVERNOR);
    }

    /* LISTING */

    function test_list_numbersFromOneAndStoresEverything() public {
        assertEq(MarketId.unwrap(market), 1);
        IMarkets.Terms memory terms = future(START + 1800 * 48);
        MarketId second = list(terms);
        assertEq(MarketId.unwrap(second), 2);
        assertEq(MARKETS_.nMarkets(), 2);
        assertEq(abi.encode(MARKETS_.terms(market)), abi.encode(perpetual()));
        assertEq(abi.encode(MARKETS_.terms(second)), abi.encode(terms));
        assertEq(abi.encode(MARKETS_.limits(second)), abi.encode(defaultLimits()));
        assertTrue(MARKETS_.state(second).status == MarketStatus.OPEN);
    }

    function test_list_notTheGovernor_reverts() public {
        vm.expectRevert(IMarkets.NotGovernor.selector);
        MARKETS_.list(perpetual(), defaultLimits());
        vm.expectRevert(IMarkets.NotGovernor.selector);
        MARKETS_.setLimits(market, defaultLimits());
        vm.expectRevert(IMarkets.NotGovernor.selector);
        MARKETS_.setStatus(market, MarketStatus.HALTED);
        vm.expectRevert(IMarkets.NotGovernor.selector);
        MARKETS_.setReporter(address(this));
    }

    function test_list_unknownFeed_reverts() public {
        IMarkets.Terms memory terms = perpetual();
        terms.feed = FeedId.wrap(99);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.UnknownFeed.selector, FeedId.wrap(99)));
        vm.prank(RISK_GOVERNOR);
        MARKETS_.list(terms, defaultLimits());
    }

    function refusedTerms(IMarkets.Terms memory terms, bytes32 parameter) internal {
        outOfBounds(parameter);
        MARKETS_.list(terms, defaultLimits());
    }

    function test_list_boundsOfTheSteps() public {
        uint128[4] memory wrong = [uint128(0), 1e6 - 1, 1e6 + 1, 1e22 + 1e6];
        for (uint256 i = 0; i < wrong.length; ++i) {
            IMarkets.Terms memory terms = perpetual();
            terms.tickWad = wrong[i];
            refusedTerms(terms, "tickWad");
        }
        wrong = [uint128(0), 1e12 - 1, 1e12 + 1, 1e22 + 1e12];
        for (uint256 i = 0; i < wrong.length; ++i) {
            IMarkets.Terms memory terms = perpetual();
            terms.lotWad = wrong[i];
            refusedTerms(terms, "lotWad");
        }
    }

    function test_list_boundsOfTheExpiry() public {
        IMarkets.Terms memory terms = perpetual();
        terms.expiry = uint64(START + 3600);
        refusedTerms(terms, "expiry");
        refusedTerms(future(0), "expiry");
        refusedTerms(future(START), "expiry");
        refusedTerms(future(START + 1801), "expiry");
        refusedTerms(future(START + 730 days + 1800), "expiry");
        vm.warp(START + 1);
        refusedTerms(future(START + 1800), "expiry");
        list(future(START + 3600));
    }

    /* LIMITS */

    function test_setLimits_stores() public {
        IMarkets.Limits memory limits = defaultLimits();
        (limits.initialPips, limits.positionCapWad, limits.minNotionalWad) = (100_000, 1e18, 1e18);
        vm.prank(RISK_GOVERNOR);
        MARKETS_.setLimits(market, limits);
        assertEq(abi.encode(MARKETS_.limits(market)), abi.encode(limits));
        assertEq(abi.encode(MARKETS_.terms(market)), abi.encode(perpetual()));
    }

    function refusedLimits(IMarkets.Limits memory limits, bytes32 parameter) internal {
        outOfBounds(parameter);
        MARKETS_.setLimits(market, limits);
    }

    function test_setLimits_boundsOfRates() public {
        IMarkets.Limits memory limits = defaultLimits();
        limits.initialPips = 9999;
        refusedLimits(limits, "initialPips");
        limits.initialPips = 1_000_001;
        refusedLimits(limits, "initialPips");
        limits = defaultLimits();
        limits.sizeMarginPips = 1_000_001;
        refusedLimits(limits, "sizeMarginPips");
        limits = defaultLimits();
        limits.maintenancePips = 299_999;
        refusedLimits(limits, "maintenancePips");
        limits.maintenancePips = 900_001;
        refusedLimits(limits, "maintenancePips");
        limits = defaultLimits();
        limits.volatilityPips = 999_999;
        refusedLimits(limits, "volatilityPips");
        limits.volatilityPips = 4_000_001;
        refusedLimits(limits, "volatilityPips");
        limits = defaultLimits();
        limits.markBandPips = 50_001;
        refusedLimits(limits, "markBandPips");
        limits = defaultLimits();
        limits.takerFeePips = 10_001;
        refusedLimits(limits, "takerFeePips");
        limits = defaultLimits();
        limits.makerFeePips = 10_001;
        refusedLimits(limits, "makerFeePips");
    }

    function test_setLimits_boundsOfAmounts() public {
        IMarkets.Limits memory limits = defaultLimits();
        limits.openInterestLowWad = limits.openInterestHighWad + 1e12;
        refusedLimits(limits, "openInterestLowWad");
        limits = defaultLimits();
        limits.openInterestHighWad = limits.openInterestCapWad + 1e12;
        refusedLimits(limits, "openInterestHighWad");
        limits = defaultLimits();
        limits.openInterestCapWad = 5e28 + 1e12;
        refusedLimits(limits, "openInterestCapWad");
        limits = defaultLimits();
        limits.positionCapWad += 1;
        refusedLimits(limits, "positionCapWad");
        limits.positionCapWad = limits.openInterestCapWad + 1e12;
        refusedLimits(limits, "positionCapWad");
        limits = defaultLimits();
        limits.depthFloorWad = limits.depthCapWad + 1;
        refusedLimits(limits, "depthCapWad");
        limits = defaultLimits();
        limits.depthFloorWad = 0;
        refusedLimits(limits, "depthFloorWad");
        limits = defaultLimits();
        limits.minNotionalWad = 1001e18;
        refusedLimits(limits, "minNotionalWad");
    }

    /// @dev The greatest of everything comes back as it went in: no field is too small.
    function test_setLimits_greatestOfEverything_fits() public {
        IMarkets.Limits memory limits = IMarkets.Limits({
            initialPips: 1_000_000,
            sizeMarginPips: 1_000_000,
            maintenancePips: 900_000,
            volatilityPips: 4_000_000,
            markBandPips: 50_000,
            takerFeePips: 10_000,
            makerFeePips: 10_000,
            openInterestLowWad: 5e28,
            openInterestHighWad: 5e28,
            openInterestCapWad: 5e28,
            positionCapWad: 5e28,
            depthCapWad: 1e26,
            depthFloorWad: 1e24,
            minNotionalWad: 1e21
        });
        IMarkets.Terms memory terms = future(START + 730 days);
        (terms.tickWad, terms.lotWad) = (1e22, 1e22);
        vm.prank(RISK_GOVERNOR);
        MarketId id = MARKETS_.list(terms, limits);
        assertEq(abi.encode(MARKETS_.limits(id)), abi.encode(limits));
        assertEq(abi.encode(MARKETS_.terms(id)), abi.encode(terms));
    }

    /* STATUS */

    function test_setStatus_movesBetweenOpenReduceOnlyAndHalted() public {
        MarketStatus[3] memory statuses = [MarketStatus.REDUCE_ONLY, MarketStatus.HALTED, MarketStatus.OPEN];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(RISK_GOVERNOR);
            MARKETS_.setStatus(market, statuses[i]);
            assertTrue(MARKETS_.state(market).status == statuses[i]);
        }
        outOfBounds("status");
        MARKETS_.setStatus(market, MarketStatus.NONE);
        outOfBounds("status");
        MARKETS_.setStatus(market, MarketStatus.EXPIRED);
    }

    function test_views_unknownMarket_revert() public {
        MarketId nobody = MarketId.wrap(2);
        bytes[8] memory calls = [
            abi.encodeCall(IMarkets.terms, (nobody)),
            abi.encodeCall(IMarkets.limits, (nobody)),
            abi.encodeCall(IMarkets.state, (nobody)),
            abi.encodeCall(IMarkets.report, (nobody)),
            abi.encodeCall(IMarkets.marginTerms, (nobody, PriceUse.REDUCE)),
            abi.encodeCall(IMarkets.funding, (nobody)),
            abi.encodeCall(IMarkets.hourlyVolatilityWad, (nobody)),
            abi.encodeCall(IMarkets.refresh, (nobody))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory reason) = MARKETS.call(calls[i]);
            assertFalse(ok);
            assertEq(reason, abi.encodeWithSelector(IMarkets.UnknownMarket.selector, nobody));
        }
    }

    /* REFRESH */

    function test_refresh_withoutAPrice_isNothing() public {
        IMarkets.State memory state = MARKETS_.refresh(market);
        assertEq(state.pricedAt, 0);
        assertEq(state.markWad, 0);
        assertFalse(MARKETS_.refreshForTrading(market).canReduce);
    }

    function test_refresh_takesTheNewPriceAndEmits() public {
        push(PRICE);
        vm.expectEmit(MARKETS);
        emit IMarkets.MarketRefreshed(market, INDEX, INDEX, INDEX, 0, uint64(START));
        IMarkets.State memory state = MARKETS_.refresh(market);
        assertEq(state.indexPriceWad, INDEX);
        assertEq(state.markWad, INDEX);
        assertEq(state.settleIndexWad, INDEX);
        assertEq(state.pricedAt, START);
        assertEq(abi.encode(MARKETS_.state(market)), abi.encode(state));
    }

    function test_refresh_nothingNew_changesAndEmitsNothing() public {
        push(PRICE);
        MARKETS_.refresh(market);
        vm.warp(START + 10);
        vm.record();
        vm.recordLogs();
        MARKETS_.refresh(market);
        (, bytes32[] memory writes) = vm.accesses(MARKETS);
        assertEq(writes.length, 0);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_refresh_nothingNew_readsTwoSlots() public {
        push(PRICE);
        MARKETS_.refresh(market);
        vm.record();
        MARKETS_.refresh(market);
        (bytes32[] memory reads,) = vm.accesses(MARKETS);
        bytes32 other = reads[0];
        for (uint256 i = 0; i < reads.length; ++i) {
            if (reads[i] != reads[0]) other = reads[i];
        }
        for (uint256 i = 0; i < reads.length; ++i) {
            assertTrue(reads[i] == reads[0] || reads[i] == other);
        }
    }

    /// @dev Whatever the prices, reports and trades: a listed market can be refreshed.
    function testFuzz_refresh_neverReverts(uint256[6] memory prices, uint256[6] memory gaps, int256[6] memory trades)
        public
    {
        for (uint256 i = 0; i < 6; ++i) {
            vm.warp(block.timestamp + bound(gaps[i], 300, i == 5 ? 3000 days : 4000));
            pushAll(bound(prices[i], 1e6, 1e27));
            IMarkets.State memory state = MARKETS_.refresh(market);
            assertGt(state.markWad, 0);
            assertEq(state.settleIndexWad % 1e6, 0);
            noteTrades(trades[i]);
            int256 bid = int256(bound(prices[5 - i], 0, 1e27));
            reportBook(bookOf(bid, int256(bound(gaps[5 - i], uint256(bid), 1e27))));
        }
        MARKETS_.refresh(market);
    }

    /* TRADING */

    function test_refreshForTrading_saysWhatClearingNeeds() public {
        push(PRICE);
        IMarkets.Trading memory trading = MARKETS_.refreshForTrading(market);
        assertTrue(trading.status == MarketStatus.OPEN && trading.canIncrease && trading.canReduce);
        assertEq(trading.markWad, INDEX);
        assertEq(trading.settleIndexWad, INDEX);
        assertEq(trading.tickWad, perpetual().tickWad);
        assertEq(trading.lotWad, perpetual().lotWad);
        assertEq(trading.takerFeePips, 500);
        assertEq(trading.makerFeePips, 100);
        assertEq(trading.openInterestCapWad, 10_000e18);
        assertEq(trading.positionCapWad, 2000e18);
    }

    function test_refreshForTrading_freshnessBoundaries() public {
        push(PRICE);
        vm.warp(START + 15);
        assertTrue(MARKETS_.refreshForTrading(market).canIncrease);
        vm.warp(START + 16);
        assertFalse(MARKETS_.refreshForTrading(market).canIncrease);
        vm.warp(START + 120);
        assertTrue(MARKETS_.refreshForTrading(market).canReduce);
        vm.warp(START + 121);
        assertFalse(MARKETS_.refreshForTrading(market).canReduce);
    }

    function test_refreshForTrading_unknownMarket_isNone() public {
        IMarkets.Trading memory trading = MARKETS_.refreshForTrading(MarketId.wrap(77));
        assertTrue(trading.status == MarketStatus.NONE);
        assertFalse(trading.canIncrease || trading.canReduce);
    }

    /* MARGIN */

    function test_marginTerms_saysWhatMarginNeeds() public {
        push(PRICE);
        MARKETS_.refresh(market);
        vm.warp(START + 30);
        IMarkets.MarginTerms memory terms = MARKETS_.marginTerms(market, PriceUse.LIQUIDATE);
        assertTrue(terms.isFresh);
        assertEq(terms.initialPips, 50_000);
        assertEq(terms.sizeMarginPips, 1000);
        assertEq(terms.maintenancePips, 600_000);
        assertEq(terms.volatilityPips, 1_000_000);
        assertEq(terms.openInterestLowWad, 1000e18);
        assertEq(terms.openInterestHighWad, 5000e18);
        assertEq(terms.indexPriceWad, INDEX);
        assertEq(terms.markWad, INDEX);
        assertEq(terms.settleIndexWad, INDEX);
        assertEq(terms.pricedAt, START);
        assertFalse(MARKETS_.marginTerms(market, PriceUse.INCREASE).isFresh);
        vm.warp(START + 31);
        assertFalse(MARKETS_.marginTerms(market, PriceUse.LIQUIDATE).isFresh);
    }

    /// @dev It is the price behind the mark that must be fresh, not one the mark does not know yet.
    function test_marginTerms_priceNotTakenOver_isNotFresh() public {
        push(PRICE);
        MARKETS_.refresh(market);
        vm.warp(START + 16);
        push(PRICE);
        assertFalse(MARKETS_.marginTerms(market, PriceUse.INCREASE).isFresh);
        MARKETS_.refresh(market);
        assertTrue(MARKETS_.marginTerms(market, PriceUse.INCREASE).isFresh);
    }

    /* REPORTS */

    function test_reportBook_storesOnTheQuantum() public {
        IMarkets.BookReport memory report = bookOf(1999e18, 2001e18);
        (report.impactBidWad, report.impactAskWad) = (1998e18 + 1, 2002e18);
        vm.expectEmit(MARKETS);
        emit IMarkets.BookReported(market, report);
        reportBook(report);
        report.impactBidWad = 1998e18;
        assertEq(abi.encode(MARKETS_.report(market)), abi.encode(report));
    }

    function test_reportBook_refusals() public {
        IMarkets.BookReport memory report = bookOf(1999e18, 2001e18);
        vm.expectRevert(IMarkets.NotReporter.selector);
        MARKETS_.reportBook(market, report);
        IMarkets.BookReport[7] memory wrong;
        for (uint256 i = 0; i < 7; ++i) {
            wrong[i] = bookOf(1999e18, 2001e18);
        }
        (wrong[0].bestBidWad, wrong[1].bestBidWad, wrong[2].bestAskWad) = (2001e18 + 1, -1, 1e27 + 1);
        (wrong[3].impactBidWad, wrong[4].impactAskWad, wrong[5].depthWad) = (-1, 1e27 + 1, -1);
        wrong[6].bestAskWad = -1;
        for (uint256 i = 0; i < 7; ++i) {
            vm.expectRevert(IMarkets.InvalidReport.selector);
            reportBook(wrong[i]);
        }
    }

    function test_reportBook_depthBeyondItsField_isCut() public {
        IMarkets.BookReport memory report = bookOf(0, 0);
        report.depthWad = type(int256).max;
        reportBook(report);
        assertEq(MARKETS_.report(market).depthWad, int256(uint256(type(uint112).max)));
    }

    function test_noteTrades_notClearing_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IMarkets.NotModule.selector, address(this)));
        MARKETS_.noteTrades(market, INDEX);
    }

    function test_noteTrades_beforeAnyPrice_isPassedOver() public {
        noteTrades(INDEX);
        (,,, int256 basis,) = MARKETS_.funding(market);
        assertEq(basis, 0);
    }

    function test_noteTrades_movesTheBasisByTheTimeSinceTheLast() public {
        push(PRICE);
        MARKETS_.refresh(market);
        vm.warp(START + 10);
        noteTrades(2010e18);
        (,,, int256 basis,) = MARKETS_.funding(market);
        assertApproxEqAbs(basis, 0.000322465074918e18, 1e6);
        // In the same second nothing more.
        noteTrades(1000e18);
        (,,, int256 again,) = MARKETS_.funding(market);
        assertEq(again, basis);
    }

    function test_noteTrades_withACurrentReport_isHalvedWithTheImpactPrices() public {
        vm.warp(START + 1 days);
        push(PRICE);
        IMarkets.BookReport memory report = bookOf(2007e18, 2009e18);
        (report.impactBidWad, report.impactAskWad) = (2006e18, 2010e18);
        reportBook(report);
        noteTrades(2004e18);
        (,,, int256 basis,) = MARKETS_.funding(market);
        assertApproxEqAbs(basis, 0.000285487745892121e18, 10);
    }

    /// @dev The mark follows settled trades where the book agrees.
    function test_mark_followsTradesAndBook() public {
        vm.warp(START + 1 days);
        push(PRICE);
        MARKETS_.refresh(market);
        for (uint256 i = 0; i < 20; ++i) {
            vm.warp(block.timestamp + 15);
            noteTrades(2008e18);
        }
        reportBook(bookOf(2005e18, 2006e18));
        vm.warp(block.timestamp + 1);
        push(PRICE);
        assertEq(MARKETS_.refresh(market).markWad, 2006e18);
        vm.warp(block.timestamp + 60);
        push(PRICE);
        assertEq(MARKETS_.refresh(market).markWad, INDEX);
    }

    function test_hourlyVolatility_ofAMove() public {
        push(PRICE);
        MARKETS_.refresh(market);
        assertEq(MARKETS_.hourlyVolatilityWad(market), 0);
        vm.warp(START + 3600);
        push(2020e18);
        MARKETS_.refresh(market);
        // 1 % in an hour, of which the average has taken 1 − 1/e.
        assertApproxEqAbs(MARKETS_.hourlyVolatilityWad(market), 0.00795060097e18, 1e7);
    }
}
