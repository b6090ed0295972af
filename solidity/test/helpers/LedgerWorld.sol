// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {ILedger} from "../../src/interfaces/settlement/ILedger.sol";
import {Ledger} from "../../src/l2/settlement/Ledger.sol";
import {CLEARING, COLLATERAL, LEDGER} from "../../src/libraries/Constants.sol";
import {
    CashReason,
    FIRST_SUBACCOUNT,
    Leg,
    LegChange,
    MarketId,
    SubaccountChange,
    SubaccountId,
    VAULT
} from "../../src/types/Settlement.sol";

/// @notice The Ledger as genesis places it, and short ways to act as its modules.
abstract contract LedgerWorld is Test {
    ILedger internal constant BOOKS = ILedger(LEDGER);
    MarketId internal constant BTC = MarketId.wrap(1);
    MarketId internal constant ETH = MarketId.wrap(2);
    MarketId internal constant OIL = MarketId.wrap(3);

    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");

    function setUp() public virtual {
        vm.etch(LEDGER, address(new Ledger()).code);
        vm.store(LEDGER, 0, bytes32(uint256(FIRST_SUBACCOUNT)));
    }

    /* AS MODULES */

    function openFor(address owner) internal returns (SubaccountId) {
        vm.prank(owner);
        return BOOKS.open(0);
    }

    function moveAs(address module, SubaccountId from, SubaccountId to, int256 amountWad, CashReason reason) internal {
        vm.startPrank(module);
        BOOKS.enter();
        BOOKS.move(from, to, amountWad, reason);
        BOOKS.leave();
        vm.stopPrank();
    }

    function fund(SubaccountId id, int256 amountWad) internal {
        moveAs(COLLATERAL, VAULT, id, amountWad, CashReason.DEPOSIT);
    }

    function settleAs(address module, SubaccountChange[] memory changes) internal {
        vm.startPrank(module);
        BOOKS.enter();
        BOOKS.settle(changes);
        BOOKS.leave();
        vm.stopPrank();
    }

    /// @dev `buyer` buys at `priceWad` from `seller`, while the settlement index is `indexWad` and the mark is too.
    function trade(
        SubaccountId buyer,
        SubaccountId seller,
        MarketId market,
        int256 sizeWad,
        int256 priceWad,
        int256 indexWad,
        int256 feeWad
    ) internal {
        settleAs(CLEARING, tradeOf(buyer, seller, market, sizeWad, priceWad, indexWad, feeWad));
    }

    function tradeOf(
        SubaccountId buyer,
        SubaccountId seller,
        MarketId market,
        int256 sizeWad,
        int256 priceWad,
        int256 indexWad,
        int256 feeWad
    ) internal pure returns (SubaccountChange[] memory changes) {
        int256 cash = sizeWad * (priceWad - indexWad) / 1e18;
        changes = new SubaccountChange[](2);
        changes[0] = change(buyer, -cash - feeWad, market, sizeWad, indexWad);
        changes[1] = change(seller, cash - feeWad, market, -sizeWad, indexWad);
    }

    /* DATA */

    /// @dev A change of one leg.
    function change(SubaccountId id, int256 cashWad, MarketId market, int256 sizeWad, int256 indexWad)
        internal
        pure
        returns (SubaccountChange memory)
    {
        LegChange[] memory legs = new LegChange[](1);
        legs[0] = LegChange(market, sizeWad, indexWad);
        return SubaccountChange(id, cashWad, legs);
    }

    function only(SubaccountChange memory one) internal pure returns (SubaccountChange[] memory changes) {
        changes = new SubaccountChange[](1);
        changes[0] = one;
    }

    function cashOf(SubaccountId id) internal view returns (int256 cashWad) {
        (,, cashWad) = BOOKS.subaccount(id);
    }

    function sizeOf(SubaccountId id, MarketId market) internal view returns (int256) {
        return BOOKS.position(id, market).sizeWad;
    }

    /// @dev Cash and what the legs have gained up to `indexWad` of one market.
    function settledWad(SubaccountId id, MarketId market, int256 indexWad) internal view returns (int256 sumWad) {
        Leg[] memory legs;
        (sumWad, legs) = BOOKS.portfolio(id);
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].market == market) sumWad += legs[i].sizeWad * (indexWad - legs[i].indexWad) / 1e18;
        }
    }

    function user(uint256 number) internal pure returns (SubaccountId) {
        return SubaccountId.wrap(uint64(FIRST_SUBACCOUNT + number));
    }
}
