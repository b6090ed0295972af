// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {CLEARING, LEDGER, MARKETS, RISK_MANAGER} from "../../src/libraries/Constants.sol";
import {Quote, Ticket} from "../helpers/BatchBuilder.sol";
import {ClearingWorld} from "../helpers/ClearingWorld.sol";

/// @notice What a match costs as a transaction: execution on cold slots, calldata and the base of a transaction.
/// @dev Traders have cash and no positions, and no order was ever filled; the margin engine and the markets are fakes.
/// Every test is a transaction after setUp, so the slots that setUp touched are cold again.
contract ClearingGasTest is ClearingWorld {
    uint256 internal constant TX_GAS_CAP = 1 << 23;
    uint256 internal constant N_MATCHES = 200;
    uint256 internal constant N_MAKERS = 2;
    uint256 internal constant N_TAKERS = 20;

    function setUp() public override {
        super.setUp();
        addTraders(N_MAKERS + N_TAKERS - N_TRADERS);
        // The pot of fees is never empty for long.
        Ticket memory buy = ticket(0, true, 1, PAR);
        buy.market = ETH;
        Ticket memory sell = ticket(1, false, 1, PAR);
        sell.market = ETH;
        settle(pair(buy, sell, 1));
    }

    function test_gas_oneMatch_ofTwoOrders() public {
        Draft memory d = pair(ticket(2, true, 50, PAR), ticket(3, false, 50, PAR), 50);
        (d.nSubaccounts, d.nMarkets) = (4, 1);
        _measure("single match of two orders", d, 1);
    }

    /// @dev Two makers with one signature each over 100 quotes, 20 takers with one order each that takes 10 of them.
    function test_gas_netted_ordersThatSweep() public {
        Draft memory d = draft();
        _addMakers(d);
        for (uint256 i = 0; i < N_TAKERS; ++i) {
            addOrder(d, ticket(N_MAKERS + i, false, 100, 1));
        }
        for (uint16 i = 0; i < N_MATCHES; ++i) {
            addFill(d, i, uint16(N_MATCHES + i % N_TAKERS), 10);
        }
        _measure("200 netted matches, 20 orders of 20 takers", d, N_MATCHES);
    }

    /// @dev The same makers; each taker signs an order for every match.
    function test_gas_netted_oneShotTakers() public {
        Draft memory d = draft();
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
        Draft memory d = draft();
        for (uint256 i = 0; i < nMatches; ++i) {
            Ticket memory t = ticket(i % N_MAKERS, true, 10, PAR);
            t.nonce = uint64(1000 + i);
            addOrder(d, t);
        }
        _addOneShots(d, nMatches);
        for (uint16 i = 0; i < nMatches; ++i) {
            addFill(d, i, uint16(nMatches + i), 10);
        }
        _measure("100 matches of 200 one-shot orders", d, nMatches);
    }

    /* HELPERS */

    function _addMakers(Draft memory d) internal view {
        for (uint256 i = 0; i < N_MAKERS; ++i) {
            Quote[] memory quotes = new Quote[](N_MATCHES / N_MAKERS);
            for (uint16 k = 0; k < quotes.length; ++k) {
                quotes[k] = Quote(k, true, 10, PAR - k);
            }
            addQuotes(d, ticket(i, true, 0, 0), quotes);
        }
    }

    function _addOneShots(Draft memory d, uint256 count) internal view {
        for (uint256 i = 0; i < count; ++i) {
            Ticket memory t = ticket(N_MAKERS + i % N_TAKERS, false, 10, 1);
            t.nonce = uint64(1000 + i);
            addOrder(d, t);
        }
    }

    function _measure(string memory label, Draft memory d, uint256 nMatches) internal {
        bytes memory batch = bytesOf(d);
        assertEq(CLEAR.settleBatch(batch), nMatches);
        uint256 gasUsed = vm.lastCallGas().gasTotalUsed + _intrinsicGas(abi.encodeCall(CLEAR.settleBatch, (batch)));
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
