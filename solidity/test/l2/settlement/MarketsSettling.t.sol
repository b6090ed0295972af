// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {FeedId, MarketId, MarketStatus} from "../../../src/types/Settlement.sol";
import {LedgerWorld} from "../../helpers/LedgerWorld.sol";
import {PriceWorld} from "../../helpers/PriceWorld.sol";

/// @notice The index of a future from half an hour before its expiry on: what it is expected to settle at.
contract MarketsSettlingTest is PriceWorld, LedgerWorld {
    uint256 internal constant PRICE = 2000e18;
    int256 internal constant INDEX = 2000e18;
    uint64 internal constant EXPIRY = uint64(START) + 3600;
    uint64 internal constant ENTRY = EXPIRY - 1800;
    MarketId internal market;

    function setUp() public override {
        LedgerWorld.setUp();
        setUpPrices();
        market = list(future(EXPIRY));
        push(PRICE);
    }

    function indexAfter(uint256 priceWad) internal returns (int256) {
        pushAll(priceWad);
        return MARKETS_.refresh(market).indexPriceWad;
    }

    function settled() internal returns (int256) {
        assertTrue(MARKETS_.settleFuture(market));
        return MARKETS_.state(market).indexPriceWad;
    }

    /// @dev Half hours whose parts have these prices, rounded down to the quantum.
    function mean(uint256 a, uint256 secondsOfA, uint256 b, uint256 secondsOfB) internal pure returns (int256) {
        assertEq(secondsOfA + secondsOfB, 1800);
        return int256((a * secondsOfA + b * secondsOfB) / 1800 / 1e6 * 1e6);
    }

    /* BEFORE THE EXPIRY */

    function test_refresh_boundaryOfTheLastHalfHour_isThePrice() public {
        vm.warp(ENTRY - 1);
        assertEq(indexAfter(PRICE * 101 / 100), INDEX * 101 / 100);
        vm.warp(ENTRY);
        assertEq(indexAfter(PRICE * 103 / 100), INDEX * 103 / 100);
        vm.warp(ENTRY + 1);
        assertEq(indexAfter(PRICE), mean(PRICE * 103 / 100, 1, PRICE, 1799));
    }

    function test_refresh_inTheLastHalfHour_weighsWhatHasBeenAndWhatIsLeft() public {
        pushUntil(PRICE, ENTRY + 540, 60);
        vm.warp(ENTRY + 600);
        int256 expected = mean(PRICE, 600, PRICE * 105 / 100, 1200);
        vm.expectCall(address(ORACLE), abi.encodeCall(ORACLE.expectedSettlementPrice, (FEED, EXPIRY)));
        assertEq(indexAfter(PRICE * 105 / 100), expected);
        assertEq(MARKETS_.state(market).markWad, expected);
        assertEq(MARKETS_.state(market).settleIndexWad, expected);
    }

    /// @dev The last price before a gap stands through it, and only its part within the half hour counts.
    function test_refresh_afterAGapAcrossTheEntry() public {
        vm.warp(ENTRY + 300);
        assertEq(indexAfter(PRICE * 110 / 100), mean(PRICE, 300, PRICE * 110 / 100, 1500));
    }

    /// @dev Nothing is known of the time before the first price of a feed.
    function test_refresh_atTheFirstPriceOfAFeed_isThePrice() public {
        FeedId young = FeedId.wrap(8);
        setFeed(young, defaultFeed());
        vm.warp(ENTRY + 1234);
        IPriceOracle.Observation[] memory seen = new IPriceOracle.Observation[](3);
        for (uint256 i = 0; i < 3; ++i) {
            seen[i] = sign(keys[i], young, PRICE, block.timestamp);
        }
        ORACLE.push(young, seen);
        assertEq(ORACLE.expectedSettlementPrice(young, EXPIRY), PRICE);
    }

    function test_refresh_ofOthersOfTheFeed_isThePrice() public {
        MarketId perp = list(perpetual());
        MarketId later = list(future(EXPIRY + 1800));
        pushUntil(PRICE, EXPIRY - 60, 60);
        vm.expectCall(address(ORACLE), abi.encodeWithSelector(ORACLE.expectedSettlementPrice.selector), 0);
        vm.warp(EXPIRY - 30);
        pushAll(PRICE * 110 / 100);
        assertEq(MARKETS_.refresh(perp).indexPriceWad, INDEX * 110 / 100);
        assertEq(MARKETS_.refresh(later).indexPriceWad, INDEX * 110 / 100);
    }

    /// @dev The more of the half hour is over, the less a price can still move: volatility is that of the index.
    function test_refresh_inTheLastMinute_movesVolatilityLittle() public {
        MarketId perp = list(perpetual());
        pushUntil(PRICE, EXPIRY - 60, 60);
        MARKETS_.refresh(market);
        MARKETS_.refresh(perp);
        vm.warp(EXPIRY - 30);
        pushAll(PRICE * 102 / 100);
        MARKETS_.refresh(market);
        MARKETS_.refresh(perp);
        assertApproxEqRel(MARKETS_.hourlyVolatilityWad(market), MARKETS_.hourlyVolatilityWad(perp) / 60, 0.001e18);
    }

    /* AT AND AFTER THE EXPIRY */

    /// @dev To the wei, whichever second the last price came in and whatever comes at the expiry.
    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_refresh_lastIndex_isTheSettlementPrice(uint256 seed) public {
        pushUntil(PRICE, ENTRY - 30, 60);
        uint256 integral = 0;
        (uint256 last, uint256 since) = (PRICE, ENTRY);
        while (true) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 next = block.timestamp + 1 + seed % 59;
            if (next >= EXPIRY) break;
            vm.warp(next);
            uint256 price = (PRICE * (95 + (seed >> 128) % 11) / 100 + seed % 1e15) / 1e6 * 1e6;
            int256 index = indexAfter(price);
            if (next > since) integral += last * (next - since);
            (last, since) = (price, next > ENTRY ? next : ENTRY);
            if (next < ENTRY) assertEq(index, int256(price));
            else assertEq(index, int256((integral + last * (EXPIRY - since)) / 1800 / 1e6 * 1e6));
        }
        int256 expected = MARKETS_.refresh(market).indexPriceWad;
        vm.warp(EXPIRY);
        assertEq(indexAfter(PRICE * 9 / 10), expected);
        assertEq(settled(), expected);
    }

    function test_refresh_priceInTheLastSecond_isTheSettlementPrice() public {
        pushUntil(PRICE, EXPIRY - 60, 60);
        vm.warp(EXPIRY - 1);
        int256 last = indexAfter(PRICE * 140 / 100);
        assertEq(last, mean(PRICE, 1799, PRICE * 140 / 100, 1));
        vm.warp(EXPIRY + 2);
        pushAll(PRICE);
        assertEq(settled(), last);
    }

    /// @dev Known, and not fixed yet: nothing moves it.
    function test_refresh_afterAHalfHourThatCounts_staysWhatWillBePaid() public {
        pushUntil(PRICE, EXPIRY, 60);
        vm.warp(EXPIRY + 5);
        assertEq(indexAfter(PRICE * 120 / 100), INDEX);
        pushUntil(PRICE * 120 / 100, EXPIRY + 3600, 60);
        assertEq(MARKETS_.refresh(market).indexPriceWad, INDEX);
        assertEq(settled(), INDEX);
    }

    /// @dev Until a half hour counts, the one that runs may be the one that does.
    function test_refresh_afterAHalfHourThatDoesNotCount_isExpectedOfTheRunningOne() public {
        uint256 later = PRICE * 11 / 10;
        vm.warp(EXPIRY + 600);
        assertEq(indexAfter(later), mean(PRICE, 600, later, 1200));
        assertTrue(MARKETS_.state(market).status == MarketStatus.HALTED);
        pushUntil(later, EXPIRY + 1740, 60);
        vm.warp(EXPIRY + 1800);
        assertEq(indexAfter(later), int256(later));
        pushUntil(later, EXPIRY + 3540, 60);
        vm.warp(EXPIRY + 3570);
        int256 last = indexAfter(PRICE);
        assertEq(last, mean(later, 1770, PRICE, 30));
        pushUntil(PRICE, EXPIRY + 7200, 60);
        assertEq(MARKETS_.refresh(market).indexPriceWad, last);
        assertEq(settled(), last);
    }

    /// @dev Through 48 half hours one that counts is looked for: a refresh stays cheap.
    function test_refresh_longAfterTheExpiry_looksThroughADay() public {
        uint256[2] memory firsts = [uint256(47), 48];
        int256[2] memory expected = [INDEX, mean(PRICE, 900, PRICE * 11 / 10, 900)];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 2; ++i) {
            uint256 end = EXPIRY + firsts[i] * 1800;
            vm.warp(end - 1860);
            push(PRICE);
            pushUntil(PRICE, end + 840, 60);
            assertEq(ORACLE.settlementPrice(FEED, uint64(end)), PRICE);
            vm.warp(end + 900);
            assertEq(indexAfter(PRICE * 11 / 10), expected[i]);
            assertEq(settled(), INDEX);
            assertTrue(vm.revertToState(snapshot));
        }
    }

    /// @dev Who moves the spot price in the last minute moves what a position is worth by a thirtieth of that.
    /// forge-config: default.fuzz.runs = 64
    /// forge-config: lite.fuzz.runs = 64
    function testFuzz_pitfall_31__spotPushedInTheLastMinute__movesTheMarkByAThirtieth(uint256 price, uint256 left)
        public
    {
        pushUntil(PRICE, EXPIRY - 60, 60);
        price = bound(price, PRICE / 2, PRICE * 3 / 2) / 1e6 * 1e6;
        vm.warp(EXPIRY - bound(left, 1, 59));
        int256 before = MARKETS_.refresh(market).settleIndexWad;
        pushAll(price);
        int256 moved = MARKETS_.refresh(market).settleIndexWad - before;
        int256 pushed = int256(price) - INDEX;
        assertLe(30 * (moved < 0 ? -moved : moved), (pushed < 0 ? -pushed : pushed) + 30e6);
    }
}
