// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {RISK_GOVERNOR} from "../../../src/libraries/Constants.sol";
import {BAD_DEBT, FeedId, INSURANCE, MarketId, SubaccountId} from "../../../src/types/Settlement.sol";
import {Ticket} from "../../helpers/BatchBuilder.sol";
import {SettlementWorld} from "../../helpers/SettlementWorld.sol";

/// @notice Losses of one market that another one's tranche should pay, and penalties that parts should avoid.
contract FundAttackTest is SettlementWorld {
    FeedId internal constant OTHER_FEED = FeedId.wrap(8);
    MarketId internal constant OTHER = MarketId.wrap(2);
    uint256 internal constant VICTIM = 4;

    /* TRANCHES */

    function test_attack__dustInAnotherMarket__doesNotMakeItsTranchePay() public {
        setFeed(OTHER_FEED, defaultFeed());
        pushOther(100e18);
        listOther(OTHER_FEED, perpetual());
        donate(BTC, 1000e18);
        newTrader(45e18);
        assertTrue(trade(OTHER, 0, VICTIM, 8e18));
        assertTrue(trade(BTC, 0, VICTIM, LOT));
        for (uint256 i = 1; i < 3; ++i) {
            vm.warp(START + 2 * i);
            push(100e18);
            pushOther(100e18 - i * 10e18);
        }
        vm.startPrank(ownerOf(1));
        KEEPER.liquidate(user(VICTIM), OTHER, NOBODY, bidIn(OTHER, 1, 8e18, 80e18));
        KEEPER.liquidate(user(VICTIM), BTC, NOBODY, bidIn(BTC, 1, LOT, 100e18));
        vm.stopPrank();
        // A lot is worth this much; the rest nobody pays.
        uint256 most = LOT * 100;
        assertGe(FUND.trancheWad(BTC), 1000e18 - most);
        assertLt(cashOf(BAD_DEBT), -100e18);
        assertEq(cashOf(user(VICTIM)), 0);
    }

    function test_attack__fundsExpiredPosition__isPaidByItsOwnTranche() public {
        listOther(FEED, future(START + 6 hours));
        vm.prank(RISK_GOVERNOR);
        FUND.setBackstop(OTHER, 1_000_000e18);
        donate(BTC, 5000e18);
        donate(OTHER, 5000e18);
        newTrader(1000e18);
        assertTrue(trade(OTHER, 0, VICTIM, 10e18));
        vm.prank(ownerOf(VICTIM));
        KEEPER.requestClose(user(VICTIM), OTHER);
        vm.warp(START + 4 hours + 1);
        push(100e18);
        KEEPER.forceClose(user(VICTIM), OTHER);
        vm.warp(START + 4 hours + 302);
        pushAll(60e18);
        pushUntil(60e18, START + 5.4 hours, 170);
        pushUntil(60e18, START + 6 hours, 40);
        assertTrue(MARKETS_.settleFuture(OTHER));
        SubaccountId[] memory ids = new SubaccountId[](1);
        ids[0] = INSURANCE;
        MARKETS_.closeExpired(OTHER, ids);
        assertEq(FUND.trancheWad(BTC), 5000e18);
        // Ten for 99 each, worth 60.
        assertEq(FUND.trancheWad(OTHER), 4610e18);
        assertEq(cashOf(INSURANCE), 9610e18);
    }

    /* PENALTY */

    function test_attack__liquidationInParts__paysTheRateOfTheWhole() public {
        newTrader(10_000e18);
        assertTrue(trade(BTC, 0, VICTIM, 1900e18));
        for (uint256 i = 1; i < 3; ++i) {
            vm.warp(START + i * 10);
            push(97.55e18);
            MARKETS_.refresh(BTC);
            if (i == 1) KEEPER.flag(user(VICTIM));
        }
        (int256 size,) = KEEPER.closeTerms(user(VICTIM), BTC);
        uint256 asked = uint256(-size);
        uint256 snapshot = vm.snapshotState();
        KEEPER.liquidate(user(VICTIM), BTC, NOBODY, bidIn(BTC, 1, asked, 97.6e18));
        uint256 whole = FUND.trancheWad(BTC);
        vm.revertToState(snapshot);
        KEEPER.liquidate(user(VICTIM), BTC, NOBODY, bidIn(BTC, 1, 20e18, 97.6e18));
        assertApproxEqAbs(FUND.trancheWad(BTC), whole * 20e18 / asked, 1);
    }

    /* PRIVATE */

    function listOther(FeedId feed, IMarkets.Terms memory terms) private {
        terms.feed = feed;
        (terms.tickWad, terms.lotWad) = (uint128(TICK), uint128(LOT));
        vm.prank(RISK_GOVERNOR);
        MARKETS_.list(terms, calmLimits());
        MARKETS_.refresh(OTHER);
    }

    function donate(MarketId market, uint256 amountWad) private {
        vm.prank(ownerOf(0));
        FUND.donate(market, user(0), amountWad);
    }

    function pushOther(uint256 priceWad) private {
        IPriceOracle.Observation[] memory seen = new IPriceOracle.Observation[](N);
        for (uint256 i; i < N; ++i) {
            seen[i] = sign(keys[i], OTHER_FEED, priceWad, vm.getBlockTimestamp());
        }
        ORACLE.push(OTHER_FEED, seen);
    }

    function trade(MarketId market, uint256 seller, uint256 buyer, uint256 sizeWad) private returns (bool) {
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (uint8(traderKeys.length), uint8(MARKETS_.nMarkets()));
        Ticket memory ask = order(seller, false, sizeWad, 100e18);
        Ticket memory bid = order(buyer, true, sizeWad, 100e18);
        (ask.market, bid.market) = (market, market);
        addOrder(draft, ask);
        addOrder(draft, bid);
        addFill(draft, 0, 1, uint48(sizeWad / LOT));
        return CLEAR.settleBatch(bytesOf(draft)) == 1;
    }

    function bidIn(MarketId market, uint256 number, uint256 sizeWad, uint256 priceWad) private returns (bytes memory) {
        Draft memory draft;
        (draft.nSubaccounts, draft.nMarkets) = (uint8(traderKeys.length), uint8(MarketId.unwrap(market)));
        Ticket memory bid = order(number, true, sizeWad, priceWad);
        bid.market = market;
        addOrder(draft, bid);
        addFill(draft, 0, NO_TAKER, uint48(sizeWad / LOT));
        return bytesOf(draft);
    }
}
