// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {CLEARING, LEDGER} from "../../../src/libraries/Constants.sol";
import {
    Bust,
    LegChange,
    MAX_LEGS,
    MarketId,
    MarketStatus,
    SubaccountChange,
    SubaccountId
} from "../../../src/types/Settlement.sol";
import {Ticket} from "../../helpers/BatchBuilder.sol";
import {ClearingWorld} from "../../helpers/ClearingWorld.sol";

/// @notice Each reason for which a fill is left out, and that the batch goes on without it.
contract ClearingBustsTest is ClearingWorld {
    Ticket internal maker;
    Ticket internal taker;

    function setUp() public override {
        super.setUp();
        maker = ticket(0, true, 50, PAR);
        taker = ticket(1, false, 50, PAR);
    }

    function assertBustsWith(Bust reason) internal {
        Draft memory d = pair(maker, taker, 10);
        // The second fill is sound: what is wrong with the first does not touch it.
        Ticket memory buy = ticket(2, true, 10, PAR);
        Ticket memory sell = ticket(3, false, 10, PAR);
        (buy.market, sell.market) = (ETH, ETH);
        addOrder(d, buy);
        addOrder(d, sell);
        addFill(d, 2, 3, 10);

        Bust[] memory reasons = settleForReasons(d);

        assertEq(uint256(reasons[0]), uint256(reason));
        assertEq(uint256(reasons[1]), uint256(Bust.NONE));
        assertEq(sizeOf(user(2), ETH), int256(10 * LOT));
    }

    /* MARKETS */

    function test_bust_marketNotOpen() public {
        IMarkets.Trading memory trading = openMarket();
        MarketStatus[3] memory closed = [MarketStatus.NONE, MarketStatus.HALTED, MarketStatus.EXPIRED];
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i < closed.length; ++i) {
            trading.status = closed[i];
            BOARD.set(BTC, trading);
            assertBustsWith(Bust.MARKET_NOT_OPEN);
            vm.revertToState(before);
        }
    }

    function test_bust_unlistedMarket_isNotOpen() public {
        BOARD.set(BTC, emptyTrading());
        assertBustsWith(Bust.MARKET_NOT_OPEN);
    }

    function test_bust_stalePrice_forEverything() public {
        setFreshness(false, false);
        assertBustsWith(Bust.STALE_PRICE);
    }

    function test_bust_stalePrice_unlessBothReduce() public {
        hold(0, 20); // 0 is long, 1 is short
        setFreshness(false, true);
        assertBust(pair(ticket(2, true, 50, PAR), ticket(1, false, 50, PAR), 10), Bust.STALE_PRICE, 0);
        Ticket memory sell = ticket(0, false, 50, PAR);
        Ticket memory buy = ticket(1, true, 50, PAR);
        assertBust(pair(sell, buy, 21), Bust.STALE_PRICE, 0);
        assertBust(pair(sell, buy, 20), Bust.NONE, 0);
    }

    function test_bust_marketsDiffer() public {
        taker.market = ETH;
        assertBustsWith(Bust.MARKETS_DIFFER);
    }

    /* SIDES */

    function test_bust_sameSide() public {
        taker.isBuy = true;
        assertBustsWith(Bust.SAME_SIDE);
    }

    function test_bust_selfTrade_alsoOfTwoSubaccounts() public {
        vm.prank(owner(0));
        SubaccountId second = BOOKS.open(0);
        keys.push(keys[0]);
        (taker.subaccount, taker.signer) = (second, keys[0]);
        assertBustsWith(Bust.SELF_TRADE);
    }

    /* SIGNATURES */

    function test_bust_badSignature_ofAStranger() public {
        maker.signer = keys[2];
        assertBustsWith(Bust.BAD_SIGNATURE);
    }

    function test_bust_unknownSubaccount() public {
        keys.push(1);
        maker.subaccount = user(N_TRADERS);
        assertBustsWith(Bust.UNKNOWN_SUBACCOUNT);
    }

    function test_bust_expired_aSecondAfterTheLast() public {
        assertBust(pair(maker, taker, 10), Bust.NONE, 0);
        vm.warp(block.timestamp + 1);
        maker.nonce = 8;
        assertBustsWith(Bust.EXPIRED);
    }

    function test_bust_nonceBelowFloor() public {
        vm.prank(owner(1));
        CLEAR.raiseNonceFloor(8);
        assertBustsWith(Bust.NONCE_BELOW_FLOOR);
        taker.nonce = 8;
        assertBust(pair(maker, taker, 10), Bust.NONE, 0);
    }

    /* TERMS */

    function test_bust_price_worseThanTheTakersLimit() public {
        taker.ticks = PAR + 1;
        assertBustsWith(Bust.PRICE);
        maker = ticket(0, false, 50, PAR);
        taker = ticket(1, true, 50, PAR - 1);
        assertBust(pair(maker, taker, 10), Bust.PRICE, 0);
        taker.ticks = PAR;
        assertBust(pair(maker, taker, 10), Bust.NONE, 0);
    }

    function test_bust_price_zeroOrBeyondABillion() public {
        (maker.ticks, taker.ticks) = (0, 0);
        assertBustsWith(Bust.PRICE);
        IMarkets.Trading memory trading = openMarket();
        trading.tickWad = 1e22;
        BOARD.set(ETH, trading);
        (maker.market, taker.market) = (ETH, ETH);
        (maker.ticks, taker.ticks) = (100_001, 1);
        Draft memory d = draft();
        addOrder(d, maker, sign(maker.signer, digestWith(maker, 1e22)));
        addOrder(d, taker, sign(taker.signer, digestWith(taker, 1e22)));
        addFill(d, 0, 1, 10);
        assertBust(d, Bust.PRICE, 0);
    }

    function test_bust_postOnly_ofTheTakerOnly() public {
        maker.flags = POST_ONLY;
        assertBust(pair(maker, taker, 10), Bust.NONE, 0);
        taker.flags = POST_ONLY;
        assertBustsWith(Bust.POST_ONLY);
    }

    function test_bust_feeCap_ofEitherSide() public {
        maker.maxFeePips = MAKER_FEE - 1;
        assertBustsWith(Bust.FEE_CAP);
        maker.maxFeePips = MAKER_FEE;
        taker.maxFeePips = TAKER_FEE - 1;
        assertBust(pair(maker, taker, 10), Bust.FEE_CAP, 0);
        taker.maxFeePips = TAKER_FEE;
        assertBust(pair(maker, taker, 10), Bust.NONE, 0);
    }

    /* SIZES */

    function test_bust_overfilled_ofEitherSide() public {
        maker.lots = 9;
        assertBustsWith(Bust.OVERFILLED);
        (maker.lots, taker.lots) = (50, 9);
        assertBust(pair(maker, taker, 10), Bust.OVERFILLED, 0);
    }

    function test_bust_overfilled_withinTheBatch() public {
        Draft memory d = pair(maker, taker, 30);
        addFill(d, 0, 1, 21);
        addFill(d, 0, 1, 20);
        Bust[] memory reasons = settleForReasons(d);
        assertEq(uint256(reasons[1]), uint256(Bust.OVERFILLED));
        assertEq(uint256(reasons[2]), uint256(Bust.NONE));
    }

    function test_bust_notReducing() public {
        maker.flags = REDUCE_ONLY;
        assertBustsWith(Bust.NOT_REDUCING);
    }

    function test_bust_notReducing_runsWithTheBatch() public {
        hold(0, 20);
        maker = ticket(0, false, 50, PAR);
        maker.flags = REDUCE_ONLY;
        taker = ticket(2, true, 50, PAR);
        Draft memory d = pair(maker, taker, 15);
        addFill(d, 0, 1, 6); // would turn the position
        addFill(d, 0, 1, 5);
        Bust[] memory reasons = settleForReasons(d);
        assertEq(uint256(reasons[0]), uint256(Bust.NONE));
        assertEq(uint256(reasons[1]), uint256(Bust.NOT_REDUCING));
        assertEq(uint256(reasons[2]), uint256(Bust.NONE));
        assertEq(sizeOf(user(0), BTC), 0);
    }

    function test_bust_notReducing_inAMarketThatOnlyReduces() public {
        hold(0, 20);
        IMarkets.Trading memory trading = openMarket();
        trading.status = MarketStatus.REDUCE_ONLY;
        BOARD.set(BTC, trading);
        assertBust(pair(ticket(0, false, 50, PAR), ticket(2, true, 50, PAR), 10), Bust.NOT_REDUCING, 0);
        assertBust(pair(ticket(0, false, 50, PAR), ticket(1, true, 50, PAR), 10), Bust.NONE, 0);
    }

    function test_bust_openInterest_beyondTheCap() public {
        setCaps(29 * LOT, 1e28);
        Draft memory d = pair(maker, taker, 20);
        addFill(d, 0, 1, 10);
        addFill(d, 0, 1, 9);
        Bust[] memory reasons = settleForReasons(d);
        assertEq(uint256(reasons[1]), uint256(Bust.OPEN_INTEREST));
        assertEq(uint256(reasons[2]), uint256(Bust.NONE));
        // Positions may change hands at the cap, and shrink above it.
        setCaps(LOT, 1e28);
        assertBust(pair(ticket(2, true, 50, PAR), ticket(0, false, 50, PAR), 29), Bust.NONE, 0);
    }

    function test_bust_positionCap_ofEitherSide() public {
        setCaps(1e28, 20 * LOT);
        assertBust(pair(maker, taker, 21), Bust.OPEN_INTEREST, 0);
        assertBust(pair(maker, taker, 20), Bust.NONE, 0);
        setCaps(1e28, 5 * LOT);
        assertBust(pair(ticket(0, false, 50, PAR), ticket(1, true, 50, PAR), 10), Bust.NONE, 0);
    }

    function test_bust_tooManyLegs() public {
        addTraders(2);
        fillLegs(user(0), user(4), MAX_LEGS);
        assertBustsWith(Bust.TOO_MANY_LEGS);
        fillLegs(user(1), user(5), MAX_LEGS - 1);
        assertBust(pair(ticket(2, true, 50, PAR), taker, 10), Bust.NONE, 0);
        (maker, taker) = (ticket(2, true, 50, PAR), ticket(1, false, 50, PAR));
        (maker.market, taker.market) = (ETH, ETH);
        assertBust(pair(maker, taker, 10), Bust.TOO_MANY_LEGS, 0);
    }

    /// @dev Each leg that a batch opens counts, also when the batch closes another one.
    function test_bust_tooManyLegs_countsWhatTheBatchOpens() public {
        addTraders(1);
        fillLegs(user(1), user(4), MAX_LEGS - 1);
        Draft memory d = pair(maker, taker, 10);
        (maker.market, taker.market) = (ETH, ETH);
        addOrder(d, maker);
        addOrder(d, taker);
        addFill(d, 0, 1, 10);
        addFill(d, 2, 3, 10);
        Bust[] memory reasons = settleForReasons(d);
        assertEq(uint256(reasons[1]), uint256(Bust.NONE));
        assertEq(uint256(reasons[2]), uint256(Bust.TOO_MANY_LEGS));
    }

    function test_bust_margin_isWhatTheEngineSays() public {
        RISK.setFloor(user(1), 0, Bust.MARGIN);
        assertBustsWith(Bust.MARGIN);
    }

    /* HELPERS */

    function assertBust(Draft memory d, Bust reason, uint256 fill) internal {
        assertEq(uint256(settleForReasons(d)[fill]), uint256(reason));
    }

    /// @dev A trader is long so many lots, the next one short.
    function hold(uint256 trader, uint48 lots) internal {
        Ticket memory buy = ticket(trader, true, lots, PAR);
        Ticket memory sell = ticket(trader + 1, false, lots, PAR);
        (buy.nonce, sell.nonce) = (99, 99);
        assertEq(settle(pair(buy, sell, lots)), 1);
    }

    function setFreshness(bool canIncrease, bool canReduce) internal {
        IMarkets.Trading memory trading = openMarket();
        (trading.canIncrease, trading.canReduce) = (canIncrease, canReduce);
        BOARD.set(BTC, trading);
    }

    function setCaps(uint256 openInterestCapWad, uint256 positionCapWad) internal {
        IMarkets.Trading memory trading = openMarket();
        trading.openInterestCapWad = uint128(openInterestCapWad);
        trading.positionCapWad = uint128(positionCapWad);
        BOARD.set(BTC, trading);
    }

    function emptyTrading() internal pure returns (IMarkets.Trading memory trading) {}

    function digestWith(Ticket memory t, uint256 tickWad) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domain(), structHashOf(t, tickWad)));
    }

    /// @dev Positions in so many markets from 100 on.
    function fillLegs(SubaccountId long, SubaccountId short, uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            settleAs(CLEARING, tradeOf(long, short, MarketId.wrap(uint32(100 + i)), 1e18, 100e18, 100e18, 0));
        }
    }
}
