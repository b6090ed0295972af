// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {MARKETS, RISK_GOVERNOR} from "../../../src/libraries/Constants.sol";
import {MarketId, MarketStatus, PriceUse, SubaccountId} from "../../../src/types/Settlement.sol";
import {LedgerWorld} from "../../helpers/LedgerWorld.sol";
import {PriceWorld} from "../../helpers/PriceWorld.sol";

/// @notice Futures at and after their time. START is a multiple of half an hour; the future expires an hour later.
contract MarketsExpiryTest is PriceWorld, LedgerWorld {
    uint256 internal constant PRICE = 2000e18;
    int256 internal constant INDEX = 2000e18;
    uint64 internal constant EXPIRY = uint64(START) + 3600;
    MarketId internal market;

    function setUp() public override {
        LedgerWorld.setUp();
        setUpPrices();
        market = list(future(EXPIRY));
        push(PRICE);
        MARKETS_.refresh(market);
    }

    /// @dev A price every minute to the expiry, `price` at and after `since`.
    function pushToExpiry(uint256 since, uint256 price) internal {
        if (since > block.timestamp) pushUntil(PRICE, since - 1, 60);
        pushUntil(price, EXPIRY, 60);
    }

    function settle(uint256 since, uint256 price) internal returns (int256) {
        pushToExpiry(since, price);
        assertTrue(MARKETS_.settleFuture(market));
        return MARKETS_.state(market).settleIndexWad;
    }

    function idsOf(SubaccountId a, SubaccountId b) internal pure returns (SubaccountId[] memory ids) {
        ids = new SubaccountId[](2);
        (ids[0], ids[1]) = (a, b);
    }

    /* STATUS */

    function test_state_haltsAtTheExpiry() public {
        vm.warp(EXPIRY - 1);
        assertTrue(MARKETS_.state(market).status == MarketStatus.OPEN);
        vm.warp(EXPIRY);
        assertTrue(MARKETS_.state(market).status == MarketStatus.HALTED);
        assertTrue(MARKETS_.refreshForTrading(market).status == MarketStatus.HALTED);
        assertTrue(MARKETS_.marginTerms(market, PriceUse.REDUCE).status == MarketStatus.HALTED);
    }

    function test_funding_ofAFuture_isNothing() public {
        pushToExpiry(START, PRICE);
        MARKETS_.refresh(market);
        (int256 rate, int256 cumulative,,,) = MARKETS_.funding(market);
        assertEq(rate, 0);
        assertEq(cumulative, 0);
    }

    /* SETTLE */

    function test_settleFuture_boundaryOfTheExpiry() public {
        pushUntil(PRICE, EXPIRY - 1, 60);
        vm.expectRevert(abi.encodeWithSelector(IMarkets.NotExpired.selector, EXPIRY));
        MARKETS_.settleFuture(market);
        vm.warp(EXPIRY);
        vm.expectRevert(IMarkets.NoSettlementPriceYet.selector);
        MARKETS_.settleFuture(market);
        push(PRICE);
        vm.expectEmit(MARKETS);
        emit IMarkets.StatusChanged(market, MarketStatus.EXPIRED);
        vm.expectEmit(MARKETS);
        emit IMarkets.FutureSettled(market, INDEX);
        assertTrue(MARKETS_.settleFuture(market));
    }

    function test_settleFuture_ofAPerpetual_reverts() public {
        MarketId other = list(perpetual());
        vm.expectRevert(abi.encodeWithSelector(IMarkets.NotExpired.selector, 0));
        MARKETS_.settleFuture(other);
    }

    function test_settleFuture_twice_reverts() public {
        settle(START, PRICE);
        vm.expectRevert(abi.encodeWithSelector(IMarkets.NotExpired.selector, EXPIRY));
        MARKETS_.settleFuture(market);
    }

    function test_settleFuture_isTheAverageOfTheLastHalfHour() public {
        // 1.05 × PRICE stands in the last 840 s of the 1,800.
        int256 price = settle(EXPIRY - 899, PRICE * 105 / 100);
        assertEq(price, (INDEX + INDEX * 5 / 100 * 840 / 1800) / 1e6 * 1e6);
        IMarkets.State memory state = MARKETS_.state(market);
        assertTrue(state.status == MarketStatus.EXPIRED);
        assertEq(state.markWad, price);
        assertEq(state.indexPriceWad, price);
    }

    function test_settleFuture_isFinal() public {
        int256 price = settle(START, PRICE);
        vm.warp(EXPIRY + 60);
        pushAll(PRICE * 3 / 2);
        assertEq(MARKETS_.refresh(market).settleIndexWad, price);
        vm.expectRevert(abi.encodeWithSelector(IMarkets.OutOfBounds.selector, bytes32("status")));
        vm.prank(RISK_GOVERNOR);
        MARKETS_.setStatus(market, MarketStatus.OPEN);
    }

    /// @dev An expired leg asks for no margin and no fresh price.
    function test_marginTerms_ofAnExpiredFuture() public {
        settle(START, PRICE);
        vm.warp(EXPIRY + 365 days);
        IMarkets.MarginTerms memory terms = MARKETS_.marginTerms(market, PriceUse.INCREASE);
        assertTrue(terms.status == MarketStatus.EXPIRED && terms.isFresh);
        assertEq(terms.initialPips + terms.sizeMarginPips + terms.maintenancePips, 0);
        assertEq(terms.settleIndexWad, INDEX);
    }

    /// @dev Too few prices in the half hour before the expiry: the first later one that counts decides.
    function test_pitfall_31__outageAtExpiry__doesNotBlockForEver() public {
        vm.warp(EXPIRY + 400);
        push(PRICE);
        assertFalse(MARKETS_.settleFuture(market), "the first half hour can not count any more");
        pushUntil(PRICE, EXPIRY + 1800, 60);
        assertFalse(MARKETS_.settleFuture(market), "nor can the one in which prices came back");
        pushUntil(PRICE, EXPIRY + 3600, 60);
        assertTrue(MARKETS_.settleFuture(market));
        assertEq(MARKETS_.state(market).settleIndexWad, INDEX);
    }

    function test_settleFuture_afterALongOutage_proceedsInParts() public {
        vm.warp(EXPIRY + 300 * 1800);
        pushAll(PRICE);
        assertFalse(MARKETS_.settleFuture(market));
        assertFalse(MARKETS_.settleFuture(market));
        vm.expectRevert(IMarkets.NoSettlementPriceYet.selector);
        MARKETS_.settleFuture(market);
        pushUntil(PRICE, EXPIRY + 302 * 1800, 60);
        assertTrue(MARKETS_.settleFuture(market));
    }

    /* CLOSE */

    function test_closeExpired_beforeTheSettlement_reverts() public {
        vm.warp(EXPIRY + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarkets.NotSettled.selector, market));
        MARKETS_.closeExpired(market, new SubaccountId[](0));
    }

    function test_closeExpired_oneSideAlone_thenTheOther() public {
        (SubaccountId a, SubaccountId b) = (openFor(alice), openFor(bob));
        fund(a, 1000e18);
        fund(b, 1000e18);
        trade(a, b, market, 2e18, 1990e18, INDEX, 0);
        settle(START, PRICE);
        MARKETS_.closeExpired(market, idsOf(a, a));
        assertEq(cashOf(a), 1020e18);
        assertEq(sizeOf(a, market), 0);
        assertEq(BOOKS.nLegs(a), 0);
        MARKETS_.closeExpired(market, idsOf(a, b));
        assertEq(cashOf(a), 1020e18);
        assertEq(cashOf(b), 980e18);
        assertEq(BOOKS.openInterestWad(market), 0);
    }

    /// @dev Payoffs sum to zero, whoever is closed first; and each is size × (settlement − entry).
    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_closeExpired_paysEverybodyExactly(int256[3] memory lots, uint256[3] memory prices, bool backwards)
        public
    {
        SubaccountId[] memory ids = new SubaccountId[](4);
        int256[4] memory expected;
        for (uint256 i = 0; i < 4; ++i) {
            ids[i] = openFor(alice);
        }
        for (uint256 i = 0; i < 3; ++i) {
            int256 size = bound(lots[i], -1e9, 1e9) * 1e12;
            int256 price = int256(bound(prices[i], 1, 5e15)) * 1e6;
            trade(ids[i], ids[i + 1], market, size, price, INDEX, 0);
            int256 gain = size * (INDEX - price) / 1e18;
            (expected[i], expected[i + 1]) = (expected[i] + gain, expected[i + 1] - gain);
        }
        int256 last = settle(EXPIRY - 600, PRICE * 108 / 100);
        for (uint256 i = 0; i < 4; ++i) {
            expected[i] += sizeOf(ids[i], market) * (last - INDEX) / 1e18;
        }
        int256 sum = 0;
        for (uint256 i = 0; i < 4; ++i) {
            SubaccountId id = ids[backwards ? 3 - i : i];
            MARKETS_.closeExpired(market, idsOf(id, id));
        }
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(cashOf(ids[i]), expected[i]);
            sum += cashOf(ids[i]);
        }
        assertEq(sum, 0);
        assertEq(BOOKS.openInterestWad(market), 0);
    }

    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_closeExpired_byAnybody(address who) public {
        settle(START, PRICE);
        vm.prank(who);
        MARKETS_.closeExpired(market, idsOf(user(0), user(1)));
    }
}
