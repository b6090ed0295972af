// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IClearing} from "../../../src/interfaces/settlement/IClearing.sol";
import {IMarkets} from "../../../src/interfaces/settlement/IMarkets.sol";
import {CLEARING, LIQUIDATOR} from "../../../src/libraries/Constants.sol";
import {Bust, MarketId, MarketStatus} from "../../../src/types/Settlement.sol";
import {Ticket} from "../../helpers/BatchBuilder.sol";
import {ClearingWorld} from "../../helpers/ClearingWorld.sol";

/// @notice Closing a position without its owner's signature: for the Liquidator, against signed orders of others.
contract ClearingCloseTest is ClearingWorld {
    uint16 internal constant NO_TAKER = type(uint16).max;
    int256 internal constant HELD = int256(40 * LOT);

    /// @dev Trader 0 is long 40 lots, trader 1 short as many.
    function setUp() public override {
        super.setUp();
        settle(pair(ticket(0, true, 40, PAR), ticket(1, false, 40, PAR), 40));
    }

    function test_closeAgainst_orderOfAnother_closesWithoutFeeOfTheTaker() public {
        int256 before = cashOf(user(0));
        Ticket memory maker = ticket(2, true, 50, 950);

        bytes memory batch = bytesOf(makers(maker, 40));
        startModule();
        vm.expectEmit(CLEARING);
        emit IClearing.Filled(
            BTC, user(2), user(0), -HELD, 95e18, digestOf(maker), 0, uint256(HELD) * 95 * MAKER_FEE / 1e6, 0
        );
        (int256 closed, int256 notional) = CLEAR.closeAgainst(user(0), BTC, -HELD, 95e18, batch);

        assertEq(closed, -HELD);
        assertEq(notional, HELD * 95);
        assertEq(sizeOf(user(0), BTC), 0);
        assertEq(cashOf(user(0)) - before, -HELD * 5);
        assertEq(CLEAR.filledLots(digestOf(maker), 0), 40);
        assertEq(BOARD.nNoted(), 1, "prices of liquidations do not move the basis");
    }

    function test_closeAgainst_shortPosition_buys() public {
        (int256 closed,) = close(1, makers(ticket(2, false, 50, 1050), 15), HELD, 105e18);
        assertEq(closed, int256(15 * LOT));
        assertEq(sizeOf(user(1), BTC), -int256(25 * LOT));
    }

    function test_closeAgainst_moreThanWanted_stopsThere() public {
        Draft memory d = makers(ticket(2, true, 50, 950), 15);
        addOrder(d, ticket(3, true, 50, 950));
        addFill(d, 1, NO_TAKER, 50);
        addFill(d, 1, NO_TAKER, 1);
        (int256 closed,) = close(d, -int256(20 * LOT), 95e18);
        assertEq(closed, -int256(20 * LOT));
        assertEq(sizeOf(user(2), BTC), int256(15 * LOT));
        assertEq(sizeOf(user(3), BTC), int256(5 * LOT));
    }

    function test_closeAgainst_nothingThatHelps_closesNothing() public {
        (int256 closed, int256 notional) = close(makers(ticket(2, true, 50, 949), 10), -HELD, 95e18);
        assertEq(closed, 0);
        assertEq(notional, 0);
    }

    /// @dev A limit between two ticks counts as the one that is better for the taker.
    function test_closeAgainst_limitBetweenTicks() public {
        assertCloses(ticket(2, true, 50, 950), -HELD, 95e18 + 1, false);
        assertCloses(ticket(2, true, 50, 951), -HELD, 95e18 + 1, true);
    }

    function test_closeAgainst_neverTurnsThePosition() public {
        (int256 closed,) = close(makers(ticket(2, true, 50, 950), 41), -int256(41 * LOT), 95e18);
        assertEq(closed, 0);
    }

    function test_closeAgainst_ownOrder_isASelfTrade() public {
        assertCloses(ticket(0, true, 50, 950), -HELD, 95e18, false);
    }

    function test_closeAgainst_makerThatFailsItsMargin_isLeftOut() public {
        RISK.setFloor(user(0), type(int256).max, Bust.MARGIN); // nobody asks about the taker
        RISK.setFloor(user(2), type(int256).max, Bust.MARGIN);
        Draft memory d = makers(ticket(2, true, 50, 950), 40);
        addOrder(d, ticket(3, true, 50, 950));
        addFill(d, 1, NO_TAKER, 30);
        (int256 closed,) = close(d, -HELD, 95e18);
        assertEq(closed, -int256(30 * LOT));
        assertEq(sizeOf(user(2), BTC), 0);
    }

    function test_closeAgainst_inAMarketThatOnlyReduces_makersMayTakeOver() public {
        IMarkets.Trading memory trading = openMarket();
        trading.status = MarketStatus.REDUCE_ONLY;
        BOARD.set(BTC, trading);
        assertCloses(ticket(2, true, 50, 950), -HELD, 95e18, true);
    }

    function test_closeAgainst_haltedOrStale_closesNothing() public {
        IMarkets.Trading memory trading = openMarket();
        trading.status = MarketStatus.HALTED;
        BOARD.set(BTC, trading);
        assertCloses(ticket(2, true, 50, 950), -HELD, 95e18, false);
        trading = openMarket();
        (trading.canIncrease, trading.canReduce) = (false, false);
        BOARD.set(BTC, trading);
        assertCloses(ticket(2, true, 50, 950), -HELD, 95e18, false);
    }

    function test_closeAgainst_fillThatNamesATaker_isMalformed() public {
        bytes memory batch = bytesOf(pair(ticket(2, true, 50, 950), ticket(3, false, 50, 950), 10));
        startModule();
        vm.expectPartialRevert(IClearing.MalformedBatch.selector);
        CLEAR.closeAgainst(user(0), BTC, -HELD, 95e18, batch);
    }

    function test_closeAgainst_marketNotInTheTable_isMalformed() public {
        bytes memory batch = bytesOf(makers(ticket(2, true, 50, 950), 10));
        startModule();
        vm.expectPartialRevert(IClearing.MalformedBatch.selector);
        CLEAR.closeAgainst(user(0), MarketId.wrap(9), -HELD, 95e18, batch);
    }

    function testFuzz_closeAgainst_anyFills_closeNoMoreThanWanted(uint48[3] memory lots, uint48 wanted) public {
        wanted = uint48(bound(wanted, 1, 40));
        Draft memory d = makers(ticket(2, true, 50, 950), uint48(bound(lots[0], 1, 50)));
        addOrder(d, ticket(3, true, 50, 970));
        addFill(d, 1, NO_TAKER, uint48(bound(lots[1], 1, 50)));
        addFill(d, 0, NO_TAKER, uint48(bound(lots[2], 1, 50)));
        (int256 closed, int256 notional) = close(d, -int256(wanted * LOT), 95e18);
        assertLe(closed, 0);
        assertGe(closed, -int256(wanted * LOT));
        assertEq(sizeOf(user(0), BTC), HELD + closed);
        assertGe(notional, -closed * 95);
    }

    /* HELPERS */

    function makers(Ticket memory maker, uint48 lots) internal view returns (Draft memory d) {
        d = draft();
        addOrder(d, maker);
        addFill(d, 0, NO_TAKER, lots);
    }

    function startModule() internal {
        vm.startPrank(LIQUIDATOR);
        BOOKS.enter();
    }

    function close(Draft memory d, int256 sizeWad, int256 limitWad) internal returns (int256, int256) {
        return close(0, d, sizeWad, limitWad);
    }

    function close(uint256 trader, Draft memory d, int256 sizeWad, int256 limitWad)
        internal
        returns (int256 closed, int256 notional)
    {
        startModule();
        (closed, notional) = CLEAR.closeAgainst(user(trader), BTC, sizeWad, limitWad, bytesOf(d));
        BOOKS.leave();
        vm.stopPrank();
    }

    function assertCloses(Ticket memory maker, int256 sizeWad, int256 limitWad, bool doesClose) internal {
        (int256 closed,) = close(makers(maker, 10), sizeWad, limitWad);
        assertEq(closed, doesClose ? -int256(10 * LOT) : int256(0));
    }
}
