// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceOracle} from "../../../src/interfaces/settlement/IPriceOracle.sol";
import {PRICE_ORACLE} from "../../../src/libraries/Constants.sol";
import {PriceWorld} from "../../helpers/PriceWorld.sol";

/// @notice Averages of half hours. START is a multiple of half an hour.
contract PriceOracleWindowsTest is PriceWorld {
    uint256 internal constant PRICE = 2000e18;
    uint64 internal constant END = uint64(START) + 1800;

    function setUp() public {
        setUpPrices();
        assertEq(START % 1800, 0);
        vm.warp(START - 60);
        push(PRICE);
    }

    function test_settlementPrice_ofAConstantPrice_isThePrice() public {
        pushUntil(PRICE, END, 60);
        assertEq(ORACLE.settlementPrice(FEED, END), PRICE);
    }

    function test_settlementPrice_weighsByTime() public {
        // PRICE stands for 600 s, then 1.1 × PRICE for 1,200 s.
        pushUntil(PRICE, START + 540, 30);
        vm.warp(START + 600);
        push(PRICE * 110 / 100);
        pushUntil(PRICE * 110 / 100, END, 60);
        uint256 expected = (600 * PRICE + 1200 * (PRICE * 110 / 100)) / 1800;
        assertEq(ORACLE.settlementPrice(FEED, END), expected / 1e6 * 1e6);
    }

    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_settlementPrice_isTheMeanOverTheHalfHour(uint256 seed) public {
        uint256 integral = 0;
        (uint256 last, uint256 since) = (PRICE, START);
        uint256 average = 0;
        while (average == 0) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.warp(block.timestamp + 1 + seed % 59);
            uint256 price = PRICE * (95 + (seed >> 128) % 11) / 100 + seed % 1e7;
            pushAll(price);
            uint256 now_ = block.timestamp < END ? block.timestamp : END;
            if (now_ > since) integral += last * (now_ - since);
            if (now_ == END) average = integral / 1800 / 1e6 * 1e6;
            (last, since) = (price / 1e6 * 1e6, now_ > START ? now_ : START);
        }
        assertEq(ORACLE.settlementPrice(FEED, END), average);
    }

    function test_settlementPrice_beforeTheEndIsReached_reverts() public {
        pushUntil(PRICE, END - 1, 60);
        vm.expectRevert(IPriceOracle.NoSettlementPrice.selector);
        ORACLE.settlementPrice(FEED, END);
        vm.warp(END);
        push(PRICE);
        assertEq(ORACLE.settlementPrice(FEED, END), PRICE);
    }

    function test_settlementPrice_notAHalfHour_reverts() public {
        pushUntil(PRICE, END, 60);
        vm.expectRevert(IPriceOracle.NoSettlementPrice.selector);
        ORACLE.settlementPrice(FEED, END - 1);
        vm.expectRevert(IPriceOracle.NoSettlementPrice.selector);
        ORACLE.settlementPrice(FEED, END + 1);
    }

    /// @dev Prices at START + 0, 60, … 1740 are thirty; one fewer is too few.
    function test_settlementPrice_fewestPrices() public {
        pushUntil(PRICE, END, 60);
        assertEq(ORACLE.settlementPrice(FEED, END), PRICE);
        pushUntil(PRICE, END + 60, 60);
        vm.warp(END + 180);
        vm.expectEmit(PRICE_ORACLE);
        emit IPriceOracle.PricePushed(FEED, PRICE, END + 180, 3);
        push(PRICE);
        pushUntil(PRICE, END + 1740, 60);
        vm.warp(END + 1800);
        vm.expectEmit(PRICE_ORACLE);
        emit IPriceOracle.WindowClosed(FEED, END + 1800, 0, 29, 120);
        push(PRICE);
        vm.expectRevert(IPriceOracle.NoSettlementPrice.selector);
        ORACLE.settlementPrice(FEED, END + 1800);
    }

    function test_settlementPrice_longestGap() public {
        pushUntil(PRICE, START + 900, 20);
        vm.warp(START + 900 + 180);
        push(PRICE);
        pushUntil(PRICE, END, 20);
        assertEq(ORACLE.settlementPrice(FEED, END), PRICE);
        pushUntil(PRICE, END + 900, 20);
        vm.warp(END + 900 + 181);
        push(PRICE);
        pushUntil(PRICE, END + 1800, 20);
        vm.expectRevert(IPriceOracle.NoSettlementPrice.selector);
        ORACLE.settlementPrice(FEED, END + 1800);
    }

    /// @dev Of a gap across the boundary each half hour counts its own part.
    function test_settlementPrice_gapAcrossTheBoundary() public {
        pushUntil(PRICE, END - 180, 20);
        vm.warp(END + 181);
        push(PRICE);
        assertEq(ORACLE.settlementPrice(FEED, END), PRICE);
        pushUntil(PRICE, END + 1800 - 181, 20);
        vm.warp(END + 1800 + 180);
        push(PRICE);
        pushUntil(PRICE, END + 3600, 20);
        vm.expectRevert(IPriceOracle.NoSettlementPrice.selector);
        ORACLE.settlementPrice(FEED, END + 1800);
        assertEq(ORACLE.settlementPrice(FEED, END + 3600), PRICE);
    }

    /// @dev Who holds prices back after the end knows the average: it must not be theirs to void it.
    function test_pitfall_31__silenceAfterExpiry__voidsNothing() public {
        pushUntil(PRICE, END - 1, 10);
        vm.warp(END + 30 days);
        pushAll(PRICE * 2);
        assertEq(ORACLE.settlementPrice(FEED, END), PRICE);
    }

    function test_firstSettlementPrice_passesOverHalfHoursThatDoNotCount() public {
        vm.warp(END + 1800 + 181);
        pushAll(PRICE);
        pushUntil(PRICE, END + 3600 + 1800, 30);
        // The first two are empty; the third has the tail of the outage; the fourth counts.
        (uint256 price, uint64 next) = ORACLE.firstSettlementPrice(FEED, END, 10);
        assertEq(price, PRICE);
        assertEq(next, END + 3 * 1800);
        (price, next) = ORACLE.firstSettlementPrice(FEED, END, 2);
        assertEq(price, 0);
        assertEq(next, END + 2 * 1800);
    }

    function test_firstSettlementPrice_doesNotPassOverTheFuture() public view {
        (uint256 price, uint64 next) = ORACLE.firstSettlementPrice(FEED, END, 10);
        assertEq(price, 0);
        assertEq(next, END);
    }

    /// @dev A price that is wrong for a minute moves the settlement price by a thirtieth of its error.
    function test_pitfall_31__spikeAtExpiry__isAveragedAway() public {
        pushUntil(PRICE, END - 60, 60);
        vm.warp(END - 59);
        push(PRICE * 110 / 100);
        vm.warp(END);
        push(PRICE * 110 / 100);
        assertLe(ORACLE.settlementPrice(FEED, END), PRICE + PRICE * 10 / 100 * 60 / 1800);
    }

    /// @dev What is pushed at or after the end changes nothing.
    /// forge-config: default.fuzz.runs = 16
    /// forge-config: lite.fuzz.runs = 16
    function testFuzz_pitfall_31__priceAfterExpiry__changesNothing(uint256 price) public {
        pushUntil(PRICE, END - 30, 30);
        vm.warp(END);
        pushAll(bound(price, PRICE / 2, PRICE * 3 / 2));
        assertEq(ORACLE.settlementPrice(FEED, END), PRICE);
    }
}
