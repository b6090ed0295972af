// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarkets} from "../../src/interfaces/settlement/IMarkets.sol";
import {RISK_GOVERNOR} from "../../src/libraries/Constants.sol";
import {Quote} from "../helpers/BatchBuilder.sol";
import {SettlementWorld} from "../helpers/SettlementWorld.sol";

/// @notice What a match costs as a transaction, with all modules: execution, calldata and the base of a transaction.
/// @dev Traders have cash and no positions, and no order was ever filled. Every test is a transaction after setUp, so the
/// slots that setUp touched are cold again.
contract ClearingGasTest is SettlementWorld {
    uint256 internal constant TX_GAS_CAP = 1 << 23;
    uint256 internal constant N_MATCHES = 200;
    uint256 internal constant N_TAKERS = 20;

    uint256 internal firstTaker;

    function setUp() public override {
        super.setUp();
        IMarkets.Limits memory limits = calmLimits();
        (limits.takerFeePips, limits.makerFeePips) = (500, 200);
        vm.prank(RISK_GOVERNOR);
        MARKETS_.setLimits(BTC, limits);
        firstTaker = traderKeys.length;
        for (uint256 i = 0; i < N_TAKERS; ++i) {
            newTrader(1_000_000e18);
        }
        // The pot of fees, and what a market remembers of trades, are not empty for long.
        assertTrue(tradeWithMaker(TRADER, 0.1e18, 100e18));
        assertTrue(tradeWithMaker(TRADER, -0.1e18, 100e18));
        tick(100e18);
    }

    function test_gas_oneMatch_ofTwoOrders() public {
        Draft memory d = _draft(4);
        addOrder(d, order(1, true, 0.01e18, 100e18));
        addOrder(d, order(TRADER, false, 0.01e18, 100e18));
        addFill(d, 0, 1, 100);
        _measure("single match of two orders", d, 1);
    }

    /// @dev Two makers with one signature each over 100 quotes, 20 takers with one order each that takes 10 of them.
    function test_gas_netted_ordersThatSweep() public {
        Draft memory d = _draft(traderKeys.length);
        _addMakers(d);
        for (uint256 i = 0; i < N_TAKERS; ++i) {
            addOrder(d, order(firstTaker + i, false, 100 * LOT, TICK));
        }
        for (uint16 i = 0; i < N_MATCHES; ++i) {
            addFill(d, i, uint16(N_MATCHES + i % N_TAKERS), 10);
        }
        assertLt(_measure("200 netted matches, 20 orders of 20 takers", d, N_MATCHES), TX_GAS_CAP);
    }

    /// @dev The same makers; each taker signs an order for every match. Too large for one transaction.
    function test_gas_netted_oneShotTakers() public {
        Draft memory d = _draft(traderKeys.length);
        _addMakers(d);
        _addOneShots(d, N_MATCHES);
        for (uint16 i = 0; i < N_MATCHES; ++i) {
            addFill(d, i, uint16(N_MATCHES + i), 10);
        }
        _measure("200 netted matches, 200 orders of 20 takers", d, N_MATCHES);
    }

    /// @dev No order is part of two matches, none shares a signature with another.
    function test_gas_oneShot_bothSides() public {
        uint256 nMatches = N_MATCHES / 2;
        Draft memory d = _draft(traderKeys.length);
        for (uint256 i = 0; i < nMatches; ++i) {
            addOrder(d, order(i % N_MAKERS, true, 10 * LOT, 100e18));
        }
        _addOneShots(d, nMatches);
        for (uint16 i = 0; i < nMatches; ++i) {
            addFill(d, i, uint16(nMatches + i), 10);
        }
        _measure("100 matches of 200 one-shot orders", d, nMatches);
    }

    /* HELPERS */

    function _draft(uint256 nSubaccounts) internal pure returns (Draft memory d) {
        (d.nSubaccounts, d.nMarkets) = (uint8(nSubaccounts), 1);
    }

    function _addMakers(Draft memory d) internal {
        for (uint256 i = 0; i < N_MAKERS; ++i) {
            Quote[] memory quotes = new Quote[](N_MATCHES / N_MAKERS);
            for (uint16 k = 0; k < quotes.length; ++k) {
                quotes[k] = Quote(k, true, 10, uint40(100e18 / TICK) - k);
            }
            addQuotes(d, order(i, true, 0, 0), quotes);
        }
    }

    function _addOneShots(Draft memory d, uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            addOrder(d, order(firstTaker + i % N_TAKERS, false, 10 * LOT, TICK));
        }
    }

    function _measure(string memory label, Draft memory d, uint256 nMatches) internal returns (uint256 gasUsed) {
        bytes memory batch = bytesOf(d);
        assertEq(CLEAR.settleBatch(batch), nMatches);
        gasUsed = vm.lastCallGas().gasTotalUsed + _intrinsicGas(abi.encodeCall(CLEAR.settleBatch, (batch)));
        vm.snapshotValue("Clearing", string.concat(label, ": gas per match"), gasUsed / nMatches);
        vm.snapshotValue("Clearing", string.concat(label, ": bytes per match"), batch.length / nMatches);
    }

    function _intrinsicGas(bytes memory data) internal pure returns (uint256 amount) {
        amount = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            amount += data[i] == 0 ? 4 : 16;
        }
    }
}
