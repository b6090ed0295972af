// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {RISK_GOVERNOR} from "../../../src/libraries/Constants.sol";
import {FeedId, MarketId, PriceUse} from "../../../src/types/Settlement.sol";
import {Ticket} from "../../helpers/BatchBuilder.sol";
import {SettlementWorld} from "../../helpers/SettlementWorld.sol";

/// @notice Whoever makes a batch, or gives away, cannot choose the older one of two prices.
contract PassedOverPricesTest is SettlementWorld {
    FeedId internal constant OTHER_FEED = FeedId.wrap(8);
    MarketId internal constant OTHER = MarketId.wrap(2);

    function setUp() public override {
        super.setUp();
        setFeed(OTHER_FEED, defaultFeed());
        pushOther(100e18);
        IMarkets.Terms memory terms = steps();
        terms.feed = OTHER_FEED;
        vm.prank(RISK_GOVERNOR);
        MARKETS_.list(terms, calmLimits());
        MARKETS_.refresh(OTHER);
        newTrader(60e18);
        newTrader(0);
        newTrader(10e18);
        assertTrue(trade(OTHER, 0, 4, 8e18, 100e18, 2));
        vm.warp(vm.getBlockTimestamp() + 2);
        push(100e18);
        pushOther(92e18);
    }

    function pushOther(uint256 priceWad) internal {
        IPriceOracle.Observation[] memory observations = new IPriceOracle.Observation[](4);
        for (uint256 i; i < 4; ++i) {
            observations[i] = sign(keys[i], OTHER_FEED, priceWad, vm.getBlockTimestamp());
        }
        ORACLE.push(OTHER_FEED, observations);
    }

    /// @param nMarkets How many markets, from the first on, the batch names.
    function trade(MarketId market, uint256 seller, uint256 buyer, uint256 sizeWad, uint256 priceWad, uint8 nMarkets)
        internal
        returns (bool)
    {
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (uint8(traderKeys.length), nMarkets);
        Ticket memory sell = order(seller, false, sizeWad, priceWad);
        Ticket memory buy = order(buyer, true, sizeWad, priceWad);
        (sell.market, buy.market) = (market, market);
        addOrder(draft, sell);
        addOrder(draft, buy);
        addFill(draft, 0, 1, uint48(sizeWad / LOT));
        return CLEAR.settleBatch(bytesOf(draft)) == 1;
    }

    /// @dev At the price that is there the buyer is bankrupt; at the old mark it could give 20 away.
    function test_attack__heldMarketLeftOutOfTheBatch__itsOldMarkDoesNotCount() public {
        assertFalse(trade(BTC, 6, 4, LOT, 200_000e18, 1));
        assertEq(cashOf(user(6)), 10e18);
        assertFalse(MARKETS_.marginTerms(OTHER, PriceUse.REDUCE).isFresh);
        MARKETS_.refresh(OTHER);
        assertTrue(MARKETS_.marginTerms(OTHER, PriceUse.REDUCE).isFresh);
        (int256 equityWad,) = healthOf(user(4));
        assertLt(equityWad, 0);
        assertFalse(trade(BTC, 6, 4, LOT, 200_000e18, 1));
    }

    function test_attack__donationAtAnOldMark__isRefused() public {
        uint64 before = MARKETS_.state(OTHER).pricedAt;
        vm.prank(ownerOf(4));
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StalePrice.selector, OTHER_FEED, before, 15));
        FUND.donate(BTC, user(4), 1e18);
    }
}
