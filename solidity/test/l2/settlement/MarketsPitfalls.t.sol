// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {CLEARING} from "../../../src/libraries/Constants.sol";
import {MarketId, SubaccountId} from "../../../src/types/Settlement.sol";
import {LedgerWorld} from "../../helpers/LedgerWorld.sol";
import {PriceWorld} from "../../helpers/PriceWorld.sol";

/// @notice How marks and funding of other exchanges failed, and what stops it here. The numbers are those of the
/// regressions. START is a multiple of an hour.
contract MarketsPitfallsTest is PriceWorld, LedgerWorld {
    uint256 internal constant PRICE = 1500e18;
    int256 internal constant INDEX = 1500e18;
    MarketId internal market;
    SubaccountId internal long;
    SubaccountId internal short;

    function setUp() public override {
        LedgerWorld.setUp();
        setUpPrices();
        market = list(perpetual());
        push(PRICE);
        MARKETS_.refresh(market);
        (long, short) = (openFor(alice), openFor(bob));
        fund(long, 10_000e18);
        fund(short, 10_000e18);
        trade(long, short, market, 1e18, INDEX, INDEX, 0);
    }

    function refresh() internal returns (int256 settleIndexWad) {
        return MARKETS_.refresh(market).settleIndexWad;
    }

    /// @dev Impact prices; the best ones are the same.
    function reportBook(int256 bid, int256 ask) internal {
        IMarkets.BookReport memory report = IMarkets.BookReport(bid, ask, bid, ask, 1e24, uint64(block.timestamp));
        vm.prank(reporter);
        MARKETS_.reportBook(market, report);
    }

    function noteTrades(int256 vwap) internal {
        vm.prank(CLEARING);
        MARKETS_.noteTrades(market, vwap);
    }

    /// @dev A price and a report every minute.
    function hours_(uint256 count, int256 bid, int256 ask) internal {
        for (uint256 i = 0; i < count * 60; ++i) {
            reportBook(bid, ask);
            vm.warp(block.timestamp + 60);
            push(PRICE);
            refresh();
        }
    }

    /// @dev Settle one subaccount to the present index, as a trade of size zero does.
    function touch(SubaccountId id) internal {
        settleAs(CLEARING, only(change(id, 0, market, 0, MARKETS_.state(market).settleIndexWad)));
    }

    /* VALUE */

    /// @dev Profit that had not been settled could be withdrawn twice. Whoever is touched, and when: nothing is created.
    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_pitfall_08__unsettledProfit__isPaidOnce(uint256 seed) public {
        for (uint256 i = 0; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.warp(block.timestamp + 1 + seed % 900);
            pushAll(PRICE * (60 + (seed >> 32) % 28) / 60);
            int256 index = refresh();
            reportBook(INDEX + int256(seed >> 64) % 50e18, INDEX + 60e18);
            noteTrades(INDEX + int256((seed >> 96) % 40e18));
            if (seed & 1 == 1) touch(long);
            if (seed & 2 == 2) touch(short);
            assertEq(settledWad(long, market, index) + settledWad(short, market, index), 20_000e18);
        }
    }

    /// @dev Published by Derive: impact prices 6 above 1500. The interest damper takes 0.05 % of the 0.4 %.
    function test_funding_anHourOfPremium_isPaidInTheNext() public {
        hours_(1, 1506e18, 1507e18);
        (int256 rate, int256 cumulative,,,) = MARKETS_.funding(market);
        assertEq(rate, 0.0035e18);
        assertEq(cumulative, 0, "the first hour had no rate");
        hours_(1, 1506e18, 1507e18);
        (, cumulative,,,) = MARKETS_.funding(market);
        assertEq(cumulative, 0.65625e18);
        assertEq(refresh(), INDEX - 0.65625e18);
    }

    /// @dev A cap on one side only paid out what nobody had paid in.
    function test_pitfall_22__fundingAtItsCap__isOneNumberForBothSides() public {
        hours_(3, 1800e18, 1801e18);
        int256 index = refresh();
        touch(long);
        assertEq(settledWad(long, market, index) - 10_000e18, 10_000e18 - settledWad(short, market, index));
        // 2 % less the damper per eight hours, for two hours.
        assertEq(cashOf(long), 10_000e18 - 2 * 1500e18 * 0.0195e18 / 8e18);
        touch(short);
        assertEq(cashOf(long) + cashOf(short), 20_000e18);
    }

    function test_pitfall_22__negativeFunding__isPaidByTheShort() public {
        hours_(2, 1e18, 1200e18);
        touch(long);
        touch(short);
        assertEq(cashOf(long), 10_000e18 + 1500e18 * 0.0195e18 / 8e18);
        assertEq(cashOf(long) + cashOf(short), 20_000e18);
    }

    /* TIME */

    /// @dev After a silence of the chain or of the signers owners get time, and no bill.
    function test_pitfall_25__outage__pausesFundingAndIsNoted() public {
        hours_(1, 1506e18, 1507e18);
        (, int256 before,,,) = MARKETS_.funding(market);
        vm.warp(block.timestamp + 600);
        push(PRICE);
        refresh();
        assertEq(MARKETS_.resumedAt(market), 0);
        (, int256 after_,,,) = MARKETS_.funding(market);
        assertEq(after_ - before, 1500e18 * 0.0035e18 * 600 / 28_800e18);
        vm.warp(block.timestamp + 601);
        push(PRICE);
        vm.warp(block.timestamp + 2);
        refresh();
        assertEq(MARKETS_.resumedAt(market), block.timestamp, "counted from when owners could act");
        (, int256 last,,,) = MARKETS_.funding(market);
        assertEq(last - after_, after_ - before);
    }

    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_pitfall_25__outage__costsTenMinutesAtMost(uint256 gap) public {
        hours_(1, 1800e18, 1801e18);
        (, int256 before,,,) = MARKETS_.funding(market);
        vm.warp(block.timestamp + bound(gap, 601, 1000 days));
        push(PRICE);
        refresh();
        (, int256 after_,,,) = MARKETS_.funding(market);
        assertEq(after_ - before, 1500e18 * 0.0195e18 * 600 / 28_800e18);
    }

    /// @dev The time of a block has leeway. Funding and mark depend on the signed times of prices alone.
    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_pitfall_38__timeOfTheBlock__changesNothing(uint256 delay) public {
        hours_(1, 1506e18, 1507e18);
        vm.warp(block.timestamp + 30);
        push(PRICE + 3e18);
        uint256 snapshot = vm.snapshotState();
        bytes memory expected = abi.encode(MARKETS_.refresh(market));
        vm.revertToState(snapshot);
        vm.warp(block.timestamp + bound(delay, 0, 1 days));
        assertEq(abi.encode(MARKETS_.refresh(market)), expected);
    }

    /// @dev The boundary of a report's time, ±1 s.
    function test_pitfall_24__reportTimes__areMonotone() public {
        IMarkets.BookReport memory report = IMarkets.BookReport(0, 0, 0, 0, 0, uint64(block.timestamp + 1));
        vm.startPrank(reporter);
        vm.expectRevert(abi.encodeWithSelector(IMarkets.ReportFromTheFuture.selector, report.timestamp));
        MARKETS_.reportBook(market, report);
        report.timestamp -= 1;
        MARKETS_.reportBook(market, report);
        vm.expectRevert(IMarkets.ReportNotNewer.selector);
        MARKETS_.reportBook(market, report);
        report.timestamp -= 1;
        vm.expectRevert(IMarkets.ReportNotNewer.selector);
        MARKETS_.reportBook(market, report);
        vm.stopPrank();
    }

    /* MARK */

    /// @dev A thin book of one's own liquidated others through the mark. The book alone moves nothing.
    function testFuzz_pitfall_32__ownBook__doesNotMoveTheMark(uint256 bid, uint256 ask) public {
        int256 b = int256(bound(bid, 0, 1e27));
        int256 a = int256(bound(ask, uint256(b), 1e27));
        reportBook(b, a);
        vm.warp(block.timestamp + 1);
        push(PRICE);
        assertEq(MARKETS_.refresh(market).markWad, INDEX);
    }

    /// @dev Trades with oneself at any price, with the reporter's help, for hours: one per cent.
    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_pitfall_32__tradesWithOneself__moveTheMarkByOnePerCent(uint256 price, bool isReported) public {
        int256 vwap = int256(bound(price, 1e6, 1e27));
        for (uint256 i = 0; i < 20; ++i) {
            noteTrades(vwap);
            vm.warp(block.timestamp + 120);
            push(PRICE);
            if (isReported) reportBook(vwap, vwap);
            int256 mark = MARKETS_.refresh(market).markWad;
            assertTrue(mark >= INDEX * 99 / 100 && mark <= INDEX * 101 / 100);
        }
    }

    /// @dev One trade of a lot with oneself after a quiet hour, at any price, with the reporter's help: a thousandth.
    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_pitfall_32__washTradeAfterAQuietHour__barelyMovesTheMark(uint256 price, uint256 quiet) public {
        vm.warp(block.timestamp + bound(quiet, 1 hours, 30 days));
        push(PRICE);
        refresh();
        int256 vwap = int256(bound(price, 1e6, 1e27));
        noteTrades(vwap);
        noteTrades(vwap);
        vm.warp(block.timestamp + 1);
        reportBook(vwap, vwap);
        push(PRICE);
        int256 mark = MARKETS_.refresh(market).markWad;
        assertTrue(mark >= INDEX * 999 / 1000 && mark <= INDEX * 1001 / 1000);
    }

    /// @dev An honest book holds back trades with oneself.
    function test_attack__tradesWithOneself__areHeldBackByTheBook() public {
        for (uint256 i = 0; i < 20; ++i) {
            noteTrades(INDEX * 2);
            vm.warp(block.timestamp + 10);
            reportBook(1499e18, 1501e18);
            push(PRICE);
            assertLe(MARKETS_.refresh(market).markWad, 1501e18);
        }
    }

    /// @dev The reporter alone: 2 % per report at most, an hour's average, and nothing when it falls silent.
    function test_attack__reportedPremium__isBounded() public {
        reportBook(1e27, 1e27);
        (,, int256 premium,,) = MARKETS_.funding(market);
        assertEq(premium, 0.02e18);
        // One report, then silence: sixty seconds of the hour.
        pushUntil(PRICE, START + 3600, 120);
        refresh();
        (int256 rate,,,,) = MARKETS_.funding(market);
        assertEq(rate, 0.0001e18);
    }

    /// @dev A report against an index it did not see says nothing about the premium.
    function test_attack__reportAgainstAnOldIndex__hasNoPremium() public {
        vm.warp(START + 60);
        reportBook(1506e18, 1507e18);
        (,, int256 premium,,) = MARKETS_.funding(market);
        assertEq(premium, 0.004e18);
        vm.warp(START + 61);
        reportBook(1506e18, 1507e18);
        (,, premium,,) = MARKETS_.funding(market);
        assertEq(premium, 0);
    }

    /// @dev A price of zero reaches no market: what a push refuses, a refresh never sees.
    function test_pitfall_16__noPrice__marksNothing() public {
        vm.warp(block.timestamp + 1000);
        IMarkets.State memory state = MARKETS_.refresh(market);
        assertEq(state.indexPriceWad, INDEX);
        assertEq(state.markWad, INDEX);
        assertEq(state.pricedAt, START);
    }
}
